/**
 * The one statement that writes all changes of a batch. Each table's rows come
 * as one array of text per column and are cast by the server. Tables that nothing
 * is written to are left out: for a batch of one, they would be half of its cost.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import { Ledger } from "@holdfast/domain"
import { Order, Struct } from "effect"
import * as Tables from "./Tables.ts"

/** The values of a table's rows. */
type RowOf<T> = T extends Tables.Table<infer A> ? A : never

type AccountRow = RowOf<typeof Tables.accounts>

/** All rows that a batch writes. */
export interface Rows {
  readonly newTransfers: ReadonlyArray<Ledger.Transfer>
  readonly changedTransfers: ReadonlyArray<Ledger.Transfer>
  readonly newAccounts: ReadonlyArray<AccountRow>
  readonly changedAccounts: ReadonlyArray<AccountRow>
  readonly nonces: ReadonlyArray<Ledger.Nonce>
  readonly currencies: ReadonlyArray<RowOf<typeof Tables.currencies>>
  readonly entries: ReadonlyArray<RowOf<typeof Tables.journal>>
}

const array =
  (oid: number) =>
  (values: Iterable<string | null>): PgTypes.Parameter => ({
    [PgTypes.ParameterTypeId]: PgTypes.ParameterTypeId,
    oid,
    value: Array.from(values),
  })

/** A `uuid[]` parameter. */
export const uuids = array(PgTypes.OID.uuidArray)

/** A `text[]` parameter. */
export const texts = array(PgTypes.OID.textArray)

/** What is written to a table, and how, where the first of its parameters has a number. */
interface Part {
  readonly columns: ReadonlyArray<Tables.Column<never>>
  readonly statement: (first: number) => string
}

const namesOf = (columns: Part["columns"]) => columns.map(({ name }) => name).join(", ")
const arraysOf = (columns: Part["columns"], first: number) =>
  columns.map(({ type }, index) => `$${first + index}::text[]::${type}[]`)

// In the select list arrays cost less: in FROM, PostgreSQL keeps a table of its own for each. What is updated is joined
// with them in FROM all the same: there it takes them for a few rows, and looks up each by its key.
const insertInto = <A>({ name, columns }: Tables.Table<A>, orElse = ""): Part => ({
  columns,
  statement: (first) => {
    const cells = arraysOf(columns, first).map((array) => `unnest(${array})`)
    return `INSERT INTO ${name} (${namesOf(columns)}) SELECT ${namesOf(columns)}
      FROM this_transaction, (SELECT ${cells.join(", ")}, generate_subscripts($${first}::text[], 1))
        AS given (${namesOf(columns)}, n) ORDER BY n ${orElse}`
  },
})

const update = <A>({ name, key, changing }: Tables.Table<A>): Part => {
  const columns = [...key, ...changing]
  return {
    columns,
    statement: (first) => `UPDATE ${name} t SET ${changing.map(({ name }) => `${name} = given.${name}`).join(", ")}
      FROM this_transaction, unnest(${arraysOf(columns, first).join(", ")}) AS given (${namesOf(columns)})
      WHERE ${key.map(({ name }) => `t.${name} = given.${name}`).join(" AND ")}`,
  }
}

const parts = {
  newTransfers: insertInto(Tables.transfers),
  changedTransfers: update(Tables.transfers),
  newAccounts: insertInto(Tables.accounts),
  changedAccounts: update(Tables.accounts),
  nonces: insertInto(Tables.nonces),
  // Most are known already.
  currencies: insertInto(Tables.currencies, "ON CONFLICT DO NOTHING"),
  entries: insertInto(Tables.journal),
} satisfies Record<keyof Rows, Part>

type PartName = keyof typeof parts

const makeStatement = (names: ReadonlyArray<PartName>): string => {
  let next = 3 // the first two are the transaction's ids
  const written = names.map((name) => {
    const { columns, statement } = parts[name]
    const text = `, ${name} AS (${statement(next)})`
    next += columns.length
    return text
  })
  return `
    WITH this_transaction AS (
      INSERT INTO commits (id, committed) SELECT $2::uuid, true WHERE pg_current_xact_id()::text = $1 RETURNING 1)
    ${written.join("\n    ")}
    SELECT 1 FROM this_transaction`
}

const statements = new Map<string, string>()

/** The same text for the same parts, so that it is prepared once. */
const statementOf = (names: ReadonlyArray<PartName>): string => {
  const key = names.join()
  const known = statements.get(key) ?? makeStatement(names)
  statements.set(key, known)
  return known
}

/**
 * Writes everything if this is the transaction that holds the locks, and then
 * returns one row. The driver runs a statement again whose prepared form the
 * server has lost, and by then the transaction may be over: without the check
 * it would be written outside of the transaction, without the locks.
 *
 * The row in `commits` shows that the transaction was committed, whoever asks.
 * New rows are sorted, so that two batches meet at their keys in one order.
 */
export const statement = (
  { transactionId, commitId }: { readonly transactionId: string; readonly commitId: string },
  rows: Rows,
): readonly [text: string, parameters: ReadonlyArray<unknown>] => {
  const given: Rows = {
    ...rows,
    newTransfers: sortedBy(rows.newTransfers, ({ terms }) => terms.id),
    newAccounts: sortedBy(rows.newAccounts, Ledger.accountKey),
    nonces: sortedBy(rows.nonces, ({ value }) => value),
    currencies: sortedBy(rows.currencies, ({ code }) => code),
  }
  const names = Struct.keys(parts).filter((name) => given[name].length > 0)
  const cells = names.flatMap((name) => parts[name].columns.map(({ cell }) => texts(given[name].map(cell as never))))
  return [statementOf(names), [transactionId, commitId, ...cells]]
}

const sortedBy = <A>(rows: ReadonlyArray<A>, key: (row: A) => string) =>
  rows.toSorted(Order.mapInput(Order.String, key))
