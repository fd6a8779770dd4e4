/** Adds many rows to a table in one statement: one array of text per column, which the server casts. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { KindOfLine } from "./BackupLines.ts"
import type * as Tables from "./Tables.ts"
import { texts } from "./Write.ts"

type Row = Readonly<Record<string, unknown>>

/** With columns beside those of the values. */
export const insertWith = Effect.fnUntraced(function* <A>(
  { table, extra }: Pick<KindOfLine<A>, "table" | "extra">,
  rows: ReadonlyArray<{ readonly value: A; readonly beside: Row }>,
  /** What to do with rows that are there already. */
  orElse = "",
) {
  const columns = [
    ...table.columns.map(({ name, type, cell }) => ({ name, type, cells: rows.map(({ value }) => cell(value)) })),
    ...extra.map(({ name, type }) => ({ name, type, cells: rows.map(({ beside }) => String(beside[name])) })),
  ]
  const names = columns.map(({ name }) => name)
  const arrays = columns.map(({ type }, index) => `$${index + 1}::text[]::${type}[]`)
  const sql = yield* SqlClient
  yield* sql.unsafe(
    `INSERT INTO ${table.name} (${names}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${arrays}) ${orElse}`,
    columns.map(({ cells }) => texts(cells)),
  )
})

export const insert = <A>(table: Tables.Table<A>, values: Iterable<A>, orElse?: string) =>
  insertWith(
    { table, extra: [] },
    Array.from(values, (value) => ({ value, beside: {} })),
    orElse,
  )
