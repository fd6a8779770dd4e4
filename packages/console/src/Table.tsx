/** Tables: a caption, columns by what they are called, and on a phone each row as a card. */
import type { ComponentChildren } from "preact"

export interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => ComponentChildren
  readonly numeric?: boolean
}

interface Props<Row> {
  readonly caption: string
  readonly columns: ReadonlyArray<Column<Row>>
  readonly rows: ReadonlyArray<Row>
  readonly keyOf: (row: Row) => string
  readonly empty?: string
  /** Where the caption stands above the table as a heading already. */
  readonly hideCaption?: boolean
  /** The class of a row to which something just happened. */
  readonly fresh?: (row: Row) => string
  /** Figures may break over lines: there are many. */
  readonly dense?: boolean
}

export const Table = <Row,>({
  caption,
  columns,
  rows,
  keyOf,
  empty = "None.",
  hideCaption = false,
  fresh,
  dense = false,
}: Props<Row>) =>
  rows.length === 0 ? (
    <p class="empty">{empty}</p>
  ) : (
    <div class={dense ? "scroll dense" : "scroll"}>
      <table>
        <caption class={hideCaption ? "hidden" : ""}>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, numeric }) => (
              <th key={name} scope="col" class={numeric ? "numeric" : ""}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} class={fresh?.(row) ?? ""}>
              {columns.map(({ name, cell, numeric }) => (
                <td key={name} class={numeric ? "numeric" : ""} data-name={name}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
