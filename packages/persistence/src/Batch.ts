/**
 * One batch of instructions as one transaction, in two round trips:
 *
 * 1. `BEGIN`; lock the accounts concerned, in the order of their primary key;
 *    then, in statements of their own, so that their snapshots are taken after
 *    the locks, read what the instructions concern. The pure fold decides.
 * 2. Write all changes in one statement; `COMMIT`.
 *
 * The accounts' locks order everything that two batches, in this or in other
 * processes, do to one account, and so the entries of its journal. What no lock
 * covers (the first row for an id, an account or a nonce, made by two batches at
 * once) meets a primary key: the later batch fails, and finds the row when it is
 * run again.
 */
import { hash } from "node:crypto"
import type { PgConnection, Result as QueryResult, Row } from "@effect/sql-pg/PgConnection"
import { type Account, type Deallocation, Journal, Ledger, type Uuid } from "@holdfast/domain"
import { Data, Effect, type Result } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Rows from "./Rows.ts"
import * as Write from "./Write.ts"

/** An instruction with a UUID of its own, the same whenever it is run again. */
export interface Attempt extends Ledger.Instruction {
  readonly attempt: Uuid.Uuid
}

/** The transaction did not come out as it should have. Nothing of it counts: run the batch again. */
export class TransactionLost extends Data.TaggedError("TransactionLost")<{ readonly reason: string }> {}

interface Snapshot extends Ledger.Snapshot {
  /** The accounts that are locked, each with the hash of the last entry of its journal. */
  readonly locked: ReadonlyMap<string, { readonly account: Account.Account; readonly head: string }>
  readonly transfers: ReadonlyMap<Uuid.Uuid, Ledger.Transfer>
  /** Recorded by an earlier run of the same batch, whose answer was lost: they do not count as used. */
  readonly ownNonces: ReadonlySet<string>
  /** The transaction that holds the locks. */
  readonly transactionId: string
}

/**
 * Runs a batch and gives each instruction its outcome, after the commit. After
 * any failure the connection may be in the middle of a transaction: drop it.
 */
export const run = Effect.fnUntraced(function* (
  connection: PgConnection,
  attempts: ReadonlyArray<Attempt>,
  options: { readonly releasedRepost: Deallocation.ReleasedRepost },
): Effect.fn.Return<ReadonlyArray<Result.Result<Ledger.Success, Ledger.Failure>>, SqlError | TransactionLost> {
  const snapshot = yield* begin(connection, attempts)
  const { outcomes, changes } = yield* Ledger.fold(snapshot, attempts, options)
  yield* commit(connection, snapshot, changes, attempts)
  return outcomes
})

const lockAccounts = `
  SELECT a.connection_id, a.currency, a.available, a.reserved, a.deallocated, encode(a.head, 'hex') AS head
  FROM (
    SELECT * FROM unnest($1::uuid[], $2::text[]) AS named (connection_id, currency)
    UNION
    SELECT connection_id, currency FROM transfers WHERE id = ANY ($3::uuid[])
  ) concerned
  JOIN accounts a USING (connection_id, currency)
  ORDER BY a.connection_id, a.currency
  FOR UPDATE OF a`

// These plans are made once, perhaps while a table is empty. "= ANY" looks keys up however large the table becomes;
// for a join with the keys, PostgreSQL may plan to read an empty table whole, once for each.

// The outer join gives a row even where nothing is found, so that there is always one to carry the transaction's id.
const readTransfers = `
  SELECT pg_current_xact_id()::text AS transaction_id, t.*
  FROM (SELECT 1) AS always LEFT JOIN transfers t ON t.id = ANY ($1::uuid[])`

const readConnections = "SELECT * FROM connections WHERE connection_id = ANY ($1::uuid[])"

const readNonces = "SELECT value, attempt FROM nonces WHERE value = ANY ($1::text[])"

/** Queries sent in one go: the answers arrive together, in one round trip. */
const pipelined = <const Queries extends ReadonlyArray<Effect.Effect<QueryResult, SqlError>>>(queries: Queries) =>
  Effect.all(queries, { concurrency: "unbounded" })

const begin = Effect.fnUntraced(function* (
  connection: PgConnection,
  attempts: ReadonlyArray<Attempt>,
): Effect.fn.Return<Snapshot, SqlError | TransactionLost> {
  const terms = attempts.flatMap(({ command }) => ("terms" in command ? [command.terms] : []))
  const ids = Write.uuids(new Set(attempts.map(({ command }) => Ledger.idOf(command))))
  const values = attempts.flatMap(({ nonce }) => (nonce === undefined ? [] : [nonce.value]))

  const [, accountRows, transferRows, connectionRows, nonceRows] = yield* pipelined([
    // Never prepared: a prepared BEGIN that the server has lost would be run again, behind the lock.
    connection.query("BEGIN ISOLATION LEVEL READ COMMITTED", [], false),
    connection.query(lockAccounts, [
      Write.uuids(terms.map((_) => _.connectionId)),
      Write.texts(terms.map((_) => _.amount.currency)),
      ids,
    ]),
    connection.query(readTransfers, [ids]),
    connection.query(readConnections, [Write.uuids(new Set(terms.map((_) => _.connectionId)))]),
    connection.query(readNonces, [Write.texts(values)]),
  ])

  const accounts = yield* Rows.readHeadedAccounts(accountRows.rows)
  const transfers = yield* Rows.readTransfers(transferRows.rows.filter((row) => row["id"] !== null))
  const connections = yield* Rows.readConnections(connectionRows.rows)
  const attemptIds = new Set(attempts.map(({ attempt }) => String(attempt)))
  const nonces = Map.groupBy(nonceRows.rows, (row) => (attemptIds.has(String(row["attempt"])) ? "own" : "others"))
  const valuesOf = (rows: ReadonlyArray<Row> = []) => new Set(rows.map((row) => String(row["value"])))
  const locked = new Map(accounts.map((row) => [Ledger.accountKey(row), row]))
  for (const transfer of transfers) {
    // Made by another batch after the locks were taken: its account must be locked too.
    if (!locked.has(Ledger.accountKeyOf(transfer.terms))) {
      return yield* new TransactionLost({ reason: "A transfer appeared after its account could be locked." })
    }
  }
  return {
    accounts: { get: (key) => locked.get(key)?.account },
    locked,
    transfers: new Map(transfers.map((transfer) => [Ledger.transferId(transfer), transfer])),
    connections: new Map(connections.map((row) => [row.connectionId, row])),
    nonces: valuesOf(nonces.get("others")),
    ownNonces: valuesOf(nonces.get("own")),
    transactionId: String(transferRows.rows[0]?.["transaction_id"]),
  }
})

const commit = Effect.fnUntraced(function* (
  connection: PgConnection,
  { locked, transfers, ownNonces, transactionId }: Snapshot,
  changes: Ledger.Changes,
  attempts: ReadonlyArray<Attempt>,
): Effect.fn.Return<void, SqlError | TransactionLost> {
  const [newTransfers, changedTransfers] = split(changes.transfers, transfers)
  const chain = extend(locked, changes)
  const [newAccounts, changedAccounts] = split(chain.accounts, locked)
  // The first of several attempts under one nonce is the one that used it.
  const users = new Map(attempts.toReversed().map(({ nonce, attempt }) => [nonce?.value, attempt]))
  const nonces = Array.from(changes.nonces.values()).flatMap((nonce) => {
    const attempt = users.get(nonce.value)
    return attempt === undefined || ownNonces.has(nonce.value) ? [] : [{ ...nonce, attempt }]
  })
  const rows = { newTransfers, changedTransfers, newAccounts, changedAccounts, nonces, entries: chain.entries }
  const [written, committed] = yield* pipelined([
    connection.query(Write.statement, Write.parameters(transactionId, rows)),
    connection.query("COMMIT", [], false),
  ])
  // After an error PostgreSQL answers COMMIT with success, and rolls back.
  if (committed.command !== "COMMIT") return yield* new TransactionLost({ reason: "COMMIT rolled back." })
  if (written.rows.length !== 1) return yield* new TransactionLost({ reason: "The locks were lost before the write." })
})

/** Gives each entry its hash, and each account the hash of its last. */
const extend = (locked: Snapshot["locked"], { entries, transfers, accounts }: Ledger.Changes) => {
  const heads = new Map<string, string>()
  const headOf = (key: string) => heads.get(key) ?? locked.get(key)?.head ?? Journal.genesis
  const hashed = entries.map((entry) => {
    const transfer = transfers.get(entry.transferId)
    if (transfer === undefined) throw new Error(`An entry without its transfer ${entry.transferId}.`)
    const key = Ledger.accountKey(entry)
    const head = hash("sha256", Journal.canonical(headOf(key), entry, transfer))
    heads.set(key, head)
    return { ...entry, hash: head }
  })
  const headed = Array.from(accounts, ([key, account]) => [key, { ...account, head: headOf(key) }] as const)
  return { entries: hashed, accounts: new Map(headed) }
}

/** The changed values that were not there before, and those that were. */
const split = <K, V>(changed: ReadonlyMap<K, V>, before: ReadonlyMap<K, unknown>) => {
  const isNew = Map.groupBy(changed, ([key]) => !before.has(key))
  return [true, false].map((key) => (isNew.get(key) ?? []).map(([, value]) => value)) as [Array<V>, Array<V>]
}
