/**
 * The one statement that writes all changes of a batch. Each table's rows come
 * as one array of text per column and are cast by the server: amounts have more
 * digits than any number that the driver can bind.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import { type Account, BaseUnits, type Deallocation, Ledger } from "@holdfast/domain"
import { DateTime, Order } from "effect"

type AccountRow = Ledger.AccountKey & { readonly account: Account.Account; readonly head: string }
type EntryRow = Ledger.Entry & { readonly hash: string }

/** All rows that a batch writes. */
export interface Rows {
  readonly newTransfers: ReadonlyArray<Ledger.Transfer>
  readonly changedTransfers: ReadonlyArray<Ledger.Transfer>
  readonly newAccounts: ReadonlyArray<AccountRow>
  readonly changedAccounts: ReadonlyArray<AccountRow>
  readonly nonces: ReadonlyArray<Ledger.Nonce>
  readonly entries: ReadonlyArray<EntryRow>
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

/** One column: its name, its type, and how to write a value of it. */
type Column<A> = readonly [name: string, type: string, cell: (value: A) => string | null]

const written = new Map<number, string>()

/** As PostgreSQL reads a time. A batch has few different ones, and writes each several times. */
const iso = (time: DateTime.Utc): string => {
  const millis = DateTime.toEpochMillis(time)
  let text = written.get(millis)
  if (text === undefined) {
    text = DateTime.formatIso(time)
    if (written.size >= 1_000) written.clear()
    written.set(millis, text)
  }
  return text
}

const ofDeallocation =
  (cell: (deallocation: Deallocation.Deallocation) => string | null) => (transfer: Ledger.Transfer) =>
    transfer._tag === "Adjustment" ? null : cell(transfer)

const stateColumns: ReadonlyArray<Column<Ledger.Transfer>> = [
  ["id", "uuid", Ledger.transferId],
  ["updated_at", "timestamptz", (_) => iso(_._tag === "Adjustment" ? _.createdAt : _.updatedAt)],
  ["state", "text", ofDeallocation((_) => _._tag)],
  ["reason", "text", (_) => (_._tag === "Rejected" ? _.reason : null)],
]

const transferColumns: ReadonlyArray<Column<Ledger.Transfer>> = [
  ...stateColumns,
  ["kind", "text", (_) => (_._tag === "Adjustment" ? _.terms.direction : "deallocation")],
  ["connection_id", "uuid", (_) => _.terms.connectionId],
  ["currency", "text", (_) => _.terms.amount.currency],
  ["quantity", "numeric", (_) => BaseUnits.toString(_.terms.amount.quantity)],
  ["created_at", "timestamptz", (_) => iso(_.createdAt)],
  ["client_id", "uuid", ofDeallocation((_) => _.terms.clientId)],
  ["partners_connection_id", "text", ofDeallocation((_) => _.terms.partnersConnectionId)],
  ["partner_client_id", "text", ofDeallocation((_) => _.terms.partnerClientId)],
  ["partner_deallocation_id", "uuid", ofDeallocation((_) => _.partnerDeallocationId)],
  ["memo", "text", (_) => (_._tag === "Adjustment" ? (_.terms.memo ?? null) : null)],
]

const balanceColumns = <A>(balances: (value: A) => Account.Account): ReadonlyArray<Column<A>> => [
  ["available", "numeric", (_) => BaseUnits.toString(balances(_).available)],
  ["reserved", "numeric", (_) => BaseUnits.toString(balances(_).reserved)],
  ["deallocated", "numeric", (_) => BaseUnits.toString(balances(_).deallocated)],
]

/** As PostgreSQL reads bytes. */
const hexadecimal = (digits: string) => `\\x${digits}`

const accountColumns: ReadonlyArray<Column<AccountRow>> = [
  ["connection_id", "uuid", (_) => _.connectionId],
  ["currency", "text", (_) => _.currency],
  ...balanceColumns<AccountRow>((_) => _.account),
  ["head", "bytea", (_) => hexadecimal(_.head)],
]

const nonceColumns: ReadonlyArray<Column<Ledger.Nonce>> = [
  ["value", "text", (_) => _.value],
  ["expires_at", "timestamptz", (_) => iso(_.expiresAt)],
]

const entryColumns: ReadonlyArray<Column<EntryRow>> = [
  ["transfer_id", "uuid", (_) => _.transferId],
  ["event", "text", (_) => _.event],
  ["connection_id", "uuid", (_) => _.connectionId],
  ["currency", "text", (_) => _.currency],
  ["quantity", "numeric", (_) => BaseUnits.toString(_.quantity)],
  ...balanceColumns<EntryRow>((_) => _.balances),
  ["at", "timestamptz", (_) => iso(_.at)],
  ["previous_at", "timestamptz", (_) => (_.previousAt === undefined ? null : iso(_.previousAt))],
  ["hash", "bytea", (_) => hexadecimal(_.hash)],
]

const makeStatement = () => {
  let parameter = 2 // the first are the transaction's ids
  const names = (columns: ReadonlyArray<Column<never>>) => columns.map(([name]) => name).join(", ")
  const arrays = (columns: ReadonlyArray<Column<never>>) =>
    columns.map(([, type]) => `$${++parameter}::text[]::${type}[]`)
  const given = (columns: ReadonlyArray<Column<never>>) =>
    `this_transaction, unnest(${arrays(columns).join(", ")}) AS given (${names(columns)})`
  // In the select list arrays cost less: in FROM, PostgreSQL keeps a table of its own for each. What is updated is joined
  // with them in FROM all the same: there it takes them for a few rows, and looks up each by its key.
  const insert = (table: string, columns: ReadonlyArray<Column<never>>) => {
    const order = `generate_subscripts($${parameter + 1}::text[], 1)`
    const cells = arrays(columns).map((array) => `unnest(${array})`)
    return `INSERT INTO ${table} (${names(columns)}) SELECT ${names(columns)}
      FROM this_transaction, (SELECT ${cells.join(", ")}, ${order}) AS given (${names(columns)}, n) ORDER BY n`
  }
  return `
    WITH this_transaction AS (
      INSERT INTO commits (id, committed) SELECT $2::uuid, true WHERE pg_current_xact_id()::text = $1 RETURNING 1),
    new_transfers AS (${insert("transfers", transferColumns)}),
    changed_transfers AS (
      UPDATE transfers t SET updated_at = given.updated_at, state = given.state, reason = given.reason
      FROM ${given(stateColumns)} WHERE t.id = given.id),
    new_accounts AS (${insert("accounts", accountColumns)}),
    changed_accounts AS (
      UPDATE accounts a
      SET available = given.available, reserved = given.reserved, deallocated = given.deallocated, head = given.head
      FROM ${given(accountColumns)} WHERE a.connection_id = given.connection_id AND a.currency = given.currency),
    used_nonces AS (${insert("nonces", nonceColumns)}),
    entries AS (${insert("journal", entryColumns)})
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
  ...cells(sortedBy(rows.newTransfers, Ledger.transferId), transferColumns),
  ...cells(rows.changedTransfers, stateColumns),
  ...cells(sortedBy(rows.newAccounts, Ledger.accountKey), accountColumns),
  ...cells(rows.changedAccounts, accountColumns),
  ...cells(
    sortedBy(rows.nonces, (_) => _.value),
    nonceColumns,
  ),
  ...cells(rows.entries, entryColumns),
]

const cells = <A>(rows: ReadonlyArray<A>, columns: ReadonlyArray<Column<A>>) =>
  columns.map(([, , cell]) => texts(rows.map(cell)))

const sortedBy = <A>(rows: ReadonlyArray<A>, key: (row: A) => string) =>
  rows.toSorted(Order.mapInput(Order.String, key))
