/** Rows with a heading, in columns that are as wide as what they hold. Nothing is cut: amounts have every digit. */
import { styleText } from "node:util"
import { CliOutput } from "effect/cli"

/** A column: what stands above it, and in it. */
export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => string
  /** Numbers end below each other. */
  readonly isNumber?: boolean
}

/** JSON has short forms of some, and leaves others as they are. */
const escape = (character: string) => {
  const json = JSON.stringify(character).slice(1, -1)
  if (json !== character) return json
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`)
    .join("")
}

/** What is not to be shown as it came: a terminal would obey it, or show the text beside it in another order. */
const visible = (text: string) => text.replaceAll(/\p{C}/gu, escape)

export const lines = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: ReadonlyArray<Row>,
  { bold }: { readonly bold: boolean },
): ReadonlyArray<string> => {
  const table = rows.map((row) => columns.map(({ cell }) => visible(cell(row))))
  const width = (text: string) => CliOutput.displayWidth(text)
  const widths = columns.map(({ heading }, index) =>
    Math.max(width(heading), ...table.map((cells) => width(cells[index] ?? ""))),
  )
  const aligned = (cells: ReadonlyArray<string>) =>
    cells
      .map((cell, index) => {
        const space = " ".repeat((widths[index] ?? 0) - width(cell))
        return columns[index]?.isNumber === true ? space + cell : cell + space
      })
      .join("  ")
      .trimEnd()
  const heading = aligned(columns.map(({ heading }) => heading))
  return [bold ? styleText("bold", heading, { validateStream: false }) : heading, ...table.map(aligned)]
}
