/**
 * A batch of instructions as one transaction of PostgreSQL, in two round trips:
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
 *
 * What becomes of a transaction whose COMMIT is not answered, the table `commits`
 * tells. Each writes a row there under an id of its own, and so does whoever asks
 * for it: of the two only one can. PostgreSQL lets the second wait until the first
 * has come to an end.
 */
import { hash } from "node:crypto"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Account, Amount, type Connection, Journal, Ledger, type Transfer, type Uuid } from "@holdfast/domain"
import { Effect, Schema, type Scope } from "effect"
import { SecureRandom } from "effect/crypto/SecureRandom"
import type { SqlError } from "effect/sql/SqlError"
import * as Failures from "./Failures.ts"
import { BatchFailure, type Decided, type Fate, type Session } from "./GroupCommit.ts"
import * as Restore from "./Restore.ts"
import * as Tables from "./Tables.ts"
import * as Write from "./Write.ts"

/** Where the database is, and how batches are decided. */
export interface Config {
  readonly connection: PgConnection.Config
  readonly policy: Transfer.Policy
  /** Another text once the database's files were put back from a copy, if anybody can tell. */
  readonly incarnation: string | undefined
}

/** A batch that is decided: its transaction holds the locks that make it true. */
interface Transaction extends Decided {
  /** As PostgreSQL numbers it. */
  readonly transactionId: string
  /** As the table `commits` knows it. */
  readonly commitId: string
  /** When it began, by the database's clock, as PostgreSQL wrote it. */
  readonly begunAt: string
  readonly rows: Write.Rows
}

interface Snapshot extends Ledger.Snapshot {
  /** The accounts that are locked, each with the hash of the last entry of its journal. */
  readonly locked: ReadonlyMap<Ledger.AccountId, { readonly account: Account.Account; readonly head: string }>
  readonly transfers: ReadonlyMap<Uuid.Uuid, Ledger.Transfer>
  readonly connections: ReadonlyMap<Uuid.Uuid, Connection.Registered>
  readonly transactionId: string
  readonly begunAt: string
}

const lockAccounts = `
  SELECT ${Tables.accounts.select("a")}
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

// All in one statement: for a small batch, each costs as much as what it reads. No join but that of nothing with nothing
// puts rows of different tables below one another, each under names of its own. `forgotten` always has a row.
const readRest = `
  SELECT pg_current_xact_id()::text AS transaction_id, extract(epoch FROM now())::text AS begun_at, f.nonces_until,
    n.value AS nonce, ${Tables.transfers.select("t", "t_")}, ${Tables.connections.select("c", "c_")}
  FROM forgotten f
    FULL JOIN (SELECT * FROM transfers WHERE id = ANY ($1::uuid[])) t ON false
    FULL JOIN (SELECT * FROM connections WHERE connection_id = ANY ($2::uuid[])) c ON false
    FULL JOIN (SELECT * FROM nonces WHERE value = ANY ($3::text[])) n ON false`

const readConnections = `
  SELECT ${Tables.connections.select("c")} FROM connections c WHERE connection_id = ANY ($1::uuid[])`

// In the order of the keys, as all locks are taken.
const lockCurrencies = `
  SELECT pg_advisory_xact_lock(hashtextextended('currency ' || code, 0))
  FROM (SELECT DISTINCT code FROM unnest($1::text[]) AS code ORDER BY code) AS opened`

const readCurrencies = `SELECT ${Tables.currencies.select("k")} FROM currencies k WHERE lower(code) = ANY ($1::text[])`

/** What is said of nonces that were forgotten. */
const decodeForgotten = Schema.decodeUnknownEffect(Schema.Struct({ nonces_until: Schema.DateTimeUtcFromDate }))

/** What orders the registration of a connection and the batches that miss it, by the text of its id. */
export const registrationKey = (id: string) => `hashtextextended('connection ' || ${id}, 0)`

// In the order of the keys, as all locks are taken.
const lockRegistrations = `
  SELECT pg_advisory_xact_lock_shared(key)
  FROM (SELECT DISTINCT ${registrationKey("id")} AS key FROM unnest($1::text[]) AS id ORDER BY key) AS missing`

/** How long the marks of transactions are kept, and for how long they are asked for: well before. */
export const commitsKept = { for: "10 minutes", askedForSeconds: 300 }

// Whoever comes second finds the row of the first, and gets what that says.
const askCommit = `
  INSERT INTO commits (id, committed) VALUES ($1, false)
  ON CONFLICT (id) DO UPDATE SET id = excluded.id
  RETURNING committed, extract(epoch FROM now()) - $2::numeric < ${commitsKept.askedForSeconds} AS is_recent`

/** Queries sent in one go: the answers arrive together, in one round trip. */
const pipelined = <const Queries extends ReadonlyArray<Effect.Effect<PgConnection.Result, SqlError>>>(
  queries: Queries,
) => Effect.all(queries, { concurrency: "unbounded" })

/** The transaction did not come out as it should have. Nothing of it counts: run the batch again. */
const transactionLost = (reason: string) => Effect.fail(new BatchFailure({ kind: "passing", cause: reason }))

/** Opens a session, for as long as the scope lasts. */
export const connect = ({
  connection: config,
  policy,
  incarnation,
}: Config): Effect.Effect<Session<Transaction>, BatchFailure, Scope.Scope | SecureRandom> =>
  Effect.gen(function* () {
    const { uuidV7 } = yield* SecureRandom
    const connection = yield* Failures.connecting(PgConnection.make(config))
    yield* Failures.connecting(Restore.notice({ executeValues: connection.queryValues }, incarnation))
    const decideOn = (snapshot: Snapshot, instructions: ReadonlyArray<Ledger.Instruction>) =>
      Ledger.fold(snapshot, instructions, policy)

    /** Ends the transaction of a failure, so that the connection is ready for another. */
    const recovering = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.tapError(Failures.caught(effect), ({ kind }) =>
        kind === "connection" ? Effect.void : Failures.connecting(connection.query("ROLLBACK", [], false)),
      )

    return {
      decide: (instructions) =>
        recovering(
          Effect.gen(function* () {
            let snapshot = yield* begin(connection, instructions)
            const codes = policy.currencies === undefined ? openedCodes(snapshot, instructions) : []
            if (codes.length > 0) snapshot = yield* withCurrencies(connection, snapshot, codes)
            let decision = yield* decideOn(snapshot, instructions)
            const missing = missingConnections(decision.changes)
            if (missing.length > 0) {
              snapshot = yield* registered(connection, snapshot, missing)
              decision = yield* decideOn(snapshot, instructions)
            }
            return {
              ...snapshot,
              outcomes: decision.outcomes,
              commitId: yield* uuidV7(),
              rows: rowsOf(snapshot, decision.changes),
            }
          }),
        ),
      commit: (transaction) => recovering(commit(connection, transaction)),
      fateOf: ({ commitId, begunAt }) =>
        recovering(
          Effect.map(connection.query(askCommit, [commitId, begunAt]), ({ rows: [row] }): Fate => {
            if (row?.["committed"] === true) return "committed"
            return row?.["is_recent"] === true ? "lost" : "unknown"
          }),
        ),
    } satisfies Session<Transaction>
  })

const begin = Effect.fnUntraced(function* (
  connection: PgConnection.PgConnection,
  instructions: ReadonlyArray<Ledger.Instruction>,
): Effect.fn.Return<Snapshot, SqlError | BatchFailure> {
  const terms = instructions.flatMap(({ command }) => ("terms" in command ? [command.terms] : []))
  const ids = Write.uuids(new Set(instructions.map(({ command }) => Ledger.idOf(command))))
  const values = instructions.flatMap(({ nonce }) => (nonce === undefined ? [] : [nonce.value]))

  const [, accountRows, { rows }] = yield* pipelined([
    // Never prepared: a prepared BEGIN that the server has lost would be run again, behind the lock.
    connection.query("BEGIN ISOLATION LEVEL READ COMMITTED", [], false),
    connection.query(lockAccounts, [
      Write.uuids(terms.map((_) => _.connectionId)),
      Write.texts(terms.map((_) => _.amount.currency)),
      ids,
    ]),
    connection.query(readRest, [ids, Write.uuids(new Set(terms.map((_) => _.connectionId))), Write.texts(values)]),
  ])

  const accounts = yield* Tables.accounts.read(accountRows.rows)
  const having = (name: string) => rows.filter((row) => row[name] !== null)
  const transfers = yield* Tables.transfers.read(having("t_id"), "t_")
  const connections = yield* Tables.connections.read(having("c_connection_id"), "c_")
  const [always] = having("nonces_until")
  const { nonces_until: forgottenUntil } = yield* Effect.orDie(decodeForgotten(always))
  const locked = new Map(accounts.map((row) => [Ledger.accountKey(row), row]))
  for (const transfer of transfers) {
    // Made by another batch after the locks were taken: its account must be locked too.
    if (!locked.has(Ledger.accountKeyOf(transfer.terms))) {
      return yield* transactionLost("A transfer appeared after its account could be locked.")
    }
  }
  return {
    accounts: { get: (key) => locked.get(key)?.account },
    locked,
    transfers: new Map(transfers.map((transfer) => [transfer.terms.id, transfer])),
    connections: new Map(connections.map((row) => [row.connectionId, row])),
    nonces: new Set(having("nonce").map((row) => String(row["nonce"]))),
    forgottenUntil,
    transactionId: String(always?.["transaction_id"]),
    begunAt: String(always?.["begun_at"]),
  }
})

/** The codes, folded, of credits that may be the first in theirs. */
const openedCodes = ({ accounts }: Snapshot, instructions: ReadonlyArray<Ledger.Instruction>): ReadonlyArray<string> =>
  instructions.flatMap(({ command }) => {
    if (!("terms" in command)) return []
    const account = accounts.get(Ledger.accountKeyOf(command.terms)) ?? Account.empty
    return Ledger.mayOpen(command, account) ? [Amount.folded(command.terms.amount.currency)] : []
  })

/** The snapshot with the currencies that look like those. Until the transaction ends, nobody else's credit opens any of them. */
const withCurrencies = Effect.fnUntraced(function* (
  connection: PgConnection.PgConnection,
  snapshot: Snapshot,
  codes: ReadonlyArray<string>,
): Effect.fn.Return<Snapshot, SqlError> {
  const [, { rows }] = yield* pipelined([
    connection.query(lockCurrencies, [Write.texts(codes)]),
    connection.query(readCurrencies, [Write.texts(codes)]),
  ])
  const alike = new Map<string, Set<Amount.Currency>>()
  for (const { code } of yield* Tables.currencies.read(rows)) {
    const folded = Amount.folded(code)
    alike.set(folded, (alike.get(folded) ?? new Set()).add(code))
  }
  return { ...snapshot, currencies: { get: (folded) => alike.get(folded) ?? new Set() } }
})

/** The connections for want of which something is to be rejected, for good. */
const missingConnections = ({ transfers }: Ledger.Changes): ReadonlyArray<Uuid.Uuid> =>
  Array.from(transfers.values()).flatMap((transfer) =>
    transfer.state === "Rejected" && transfer.reason === "UNKNOWN_CONNECTION" ? [transfer.terms.connectionId] : [],
  )

/**
 * The snapshot with those that have been registered meanwhile. No other is until the transaction ends: so who is told
 * of a registration knows that no rejection for want of it is recorded any more.
 */
const registered = Effect.fnUntraced(function* (
  connection: PgConnection.PgConnection,
  snapshot: Snapshot,
  missing: ReadonlyArray<Uuid.Uuid>,
): Effect.fn.Return<Snapshot, SqlError> {
  const [, { rows }] = yield* pipelined([
    connection.query(lockRegistrations, [Write.texts(missing)]),
    connection.query(readConnections, [Write.uuids(missing)]),
  ])
  const found = yield* Tables.connections.read(rows)
  return {
    ...snapshot,
    connections: new Map([...snapshot.connections, ...found.map((row) => [row.connectionId, row] as const)]),
  }
})

const rowsOf = ({ locked, transfers }: Snapshot, changes: Ledger.Changes): Write.Rows => {
  const [newTransfers, changedTransfers] = split(changes.transfers, transfers)
  const chain = extend(locked, changes)
  const [newAccounts, changedAccounts] = split(chain.accounts, locked)
  const nonces = Array.from(changes.nonces.values())
  const currencies = Array.from(changes.currencies, (code) => ({ code }))
  return { newTransfers, changedTransfers, newAccounts, changedAccounts, nonces, currencies, entries: chain.entries }
}

const commit = Effect.fnUntraced(function* (
  connection: PgConnection.PgConnection,
  { transactionId, commitId, rows }: Transaction,
): Effect.fn.Return<void, SqlError | BatchFailure> {
  const [written] = yield* pipelined([
    connection.query(...Write.statement({ transactionId, commitId }, rows)),
    connection.query("COMMIT", [], false),
  ])
  if (written.rows.length !== 1) return yield* transactionLost("The locks were lost before the write.")
})

/** Gives each entry its hash, and each account the hash of its last. */
const extend = (locked: Snapshot["locked"], { entries, transfers, accounts }: Ledger.Changes) => {
  const heads = new Map<Ledger.AccountId, string>()
  const headOf = (key: Ledger.AccountId) => heads.get(key) ?? locked.get(key)?.head ?? Journal.genesis
  const hashed = entries.map((entry) => {
    const transfer = transfers.get(entry.transferId)
    if (transfer === undefined) throw new Error(`An entry without its transfer ${entry.transferId}.`)
    const key = Ledger.accountKey(entry)
    const head = hash("sha256", Journal.canonical(headOf(key), entry, transfer))
    heads.set(key, head)
    return { ...entry, hash: head, version: Journal.version }
  })
  const headed = Array.from(accounts, ([key, account]) => [key, { ...account, head: headOf(key) }] as const)
  return { entries: hashed, accounts: new Map(headed) }
}

/** The changed values that were not there before, and those that were. */
const split = <K, V>(changed: ReadonlyMap<K, V>, before: ReadonlyMap<K, unknown>) => {
  const added: Array<V> = []
  const kept: Array<V> = []
  for (const [key, value] of changed) (before.has(key) ? kept : added).push(value)
  return [added, kept] as const
}
