/**
 * The one statement that writes all changes of a batch. Each table's rows come
 * as one array of text per column and are cast by the server.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import { Ledger } from "@holdfast/domain"
import { Order } from "effect"
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

type Columns = ReadonlyArray<Pick<Tables.Column<never>, "name" | "type">>

const makeStatement = () => {
  let parameter = 2 // the first are the transaction's ids
  const names = (columns: Columns) => columns.map(({ name }) => name).join(", ")
  const arrays = (columns: Columns) => columns.map(({ type }) => `$${++parameter}::text[]::${type}[]`)
  // In the select list arrays cost less: in FROM, PostgreSQL keeps a table of its own for each. What is updated is joined
  // with them in FROM all the same: there it takes them for a few rows, and looks up each by its key.
  const insert = <A>({ name, columns }: Tables.Table<A>) => {
    const order = `generate_subscripts($${parameter + 1}::text[], 1)`
    const cells = arrays(columns).map((array) => `unnest(${array})`)
    return `INSERT INTO ${name} (${names(columns)}) SELECT ${names(columns)}
      FROM this_transaction, (SELECT ${cells.join(", ")}, ${order}) AS given (${names(columns)}, n) ORDER BY n`
  }
  const update = <A>({ name, key, changing }: Tables.Table<A>) => {
    const columns = [...key, ...changing]
    return `UPDATE ${name} t SET ${changing.map(({ name }) => `${name} = given.${name}`).join(", ")}
      FROM this_transaction, unnest(${arrays(columns).join(", ")}) AS given (${names(columns)})
      WHERE ${key.map(({ name }) => `t.${name} = given.${name}`).join(" AND ")}`
  }
  return `
    WITH this_transaction AS (
      INSERT INTO commits (id, committed) SELECT $2::uuid, true WHERE pg_current_xact_id()::text = $1 RETURNING 1),
    new_transfers AS (${insert(Tables.transfers)}),
    changed_transfers AS (${update(Tables.transfers)}),
    new_accounts AS (${insert(Tables.accounts)}),
    changed_accounts AS (${update(Tables.accounts)}),
    used_nonces AS (${insert(Tables.nonces)}),
    entries AS (${insert(Tables.journal)})
    SELECT 1 FROM this_transaction`
}

/**
 * Writes everything if this is the transaction that holds the locks, and then
 * returns one row. The driver runs a statement again whose prepared form the
 * server has lost, and by then the transaction may be over: without the check
 * it would be written outside of the transaction, without the locks.
 *
 * The row in `commits` shows that the transaction was committed, whoever asks.
 */
export const statement = makeStatement()

/** The statement's parameters. New rows are sorted, so that two batches meet at their keys in one order. */
export const parameters = (
  { transactionId, commitId }: { readonly transactionId: string; readonly commitId: string },
  rows: Rows,
): ReadonlyArray<unknown> => [
  transactionId,
  commitId,
  ...inserted(
    Tables.transfers,
    sortedBy(rows.newTransfers, ({ terms }) => terms.id),
  ),
  ...updated(Tables.transfers, rows.changedTransfers),
  ...inserted(Tables.accounts, sortedBy(rows.newAccounts, Ledger.accountKey)),
  ...updated(Tables.accounts, rows.changedAccounts),
  ...inserted(
    Tables.nonces,
    sortedBy(rows.nonces, ({ value }) => value),
  ),
  ...inserted(Tables.journal, rows.entries),
]

const inserted = <A>({ columns }: Tables.Table<A>, rows: ReadonlyArray<A>) => cells(columns, rows)

const updated = <A>({ key, changing }: Tables.Table<A>, rows: ReadonlyArray<A>) => cells([...key, ...changing], rows)

const cells = <A>(columns: ReadonlyArray<Tables.Column<A>>, rows: ReadonlyArray<A>) =>
  columns.map(({ cell }) => texts(rows.map(cell)))

const sortedBy = <A>(rows: ReadonlyArray<A>, key: (row: A) => string) =>
  rows.toSorted(Order.mapInput(Order.String, key))
