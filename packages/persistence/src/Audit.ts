/**
 * Reads the whole of a database in one statement, and so as of one moment, and
 * has the domain's audit replay it. Memory grows with the open and released
 * deallocations of one account, not with the database.
 */
import { hash } from "node:crypto"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Account, Audit, Journal, Ledger, Transfer } from "@holdfast/domain"
import { Effect, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { ensureKnown, type NewerSchema, type OlderSchema } from "./Migrations.ts"
import * as Schemas from "./Schemas.ts"
import * as Tables from "./Tables.ts"

/**
 * What an audit came to: how much it read, and each difference that it found.
 *
 * @category models
 */
export interface Report {
  readonly entries: number
  readonly accounts: number
  readonly findings: ReadonlyArray<Audit.Finding>
}

/** The tables that are read, by the aliases of the statement, which stand before the names of their columns. */
const tables = { j: Tables.journal, t: Tables.transfers, a: Tables.accounts, c: Tables.connections }

/** Each entry beside its transfer, account and connection, by account and in order; and whatever of them stands alone. */
const everything = `
  SELECT ${Object.entries(tables).map(([alias, { select }]) => select(alias, `${alias}_`))}
  FROM journal j
  FULL JOIN transfers t ON t.id = j.transfer_id
  FULL JOIN accounts a
    ON a.connection_id = coalesce(j.connection_id, t.connection_id) AND a.currency = coalesce(j.currency, t.currency)
  LEFT JOIN connections c ON c.connection_id = t.connection_id
  ORDER BY coalesce(j.connection_id, t.connection_id, a.connection_id), coalesce(j.currency, t.currency, a.currency),
    j.seq`

/** The events that end a transfer for good, of whatever kind. */
const final = Object.values(Ledger.kinds).flatMap(({ kind, transitions }) =>
  Transfer.State.literals.filter((state) => state in transitions && Ledger.isTerminal({ kind, state })),
)

/** The last entries of transfers that ended more than once. */
const finalTwice = `
  SELECT ${Tables.journal.select("j")}
  FROM (SELECT transfer_id, max(seq) AS seq FROM journal WHERE event IN (${final.map((event) => `'${event}'`)})
    GROUP BY transfer_id HAVING count(*) > 1) AS twice
  JOIN journal j ON j.transfer_id = twice.transfer_id AND j.seq = twice.seq`

type Row = Readonly<Record<string, unknown>>

/** The value of one of the tables; nothing where the row has none of it. */
const readOne = <A>(row: Row, table: Tables.Table<A>, prefix: string): Effect.Effect<A | undefined> =>
  table.columns.every(({ name }) => row[prefix + name] === null)
    ? Effect.undefined
    : Effect.map(table.read([row], prefix), ([value]) => value)

const read = (row: Row) =>
  Effect.all({
    entry: readOne(row, tables.j, "j_"),
    transfer: readOne(row, tables.t, "t_"),
    account: readOne(row, tables.a, "a_"),
    connection: readOne(row, tables.c, "c_"),
  })

/**
 * As the domain asks for it.
 *
 * @internal
 */
export const sha256: Journal.Sha256 = (text) => hash("sha256", text)

/**
 * How an audit is done.
 *
 * @category models
 */
export interface Options {
  /** The schema of the tables; `holdfast` unless it is named. */
  readonly schema?: string | undefined
  /** Heads as {@link heads} gave them earlier: nothing before them may have been changed, or be missing. */
  readonly against?: ReadonlyArray<Journal.Head> | undefined
  /** Is told, now and then, how many of the journal's entries were replayed. */
  readonly onProgress?: OnProgress | undefined
}

/**
 * Is told how much of a whole is done.
 *
 * @category models
 */
export type OnProgress = (done: number, total: number) => void

/**
 * Audits a database, whether servers use it meanwhile or not. Needs nothing but
 * leave to read its tables, which are in the schema `holdfast` unless another is
 * named. Fails with {@link OlderSchema} or {@link NewerSchema} where the tables
 * are not those that this version knows.
 *
 * ```ts
 * import { Adjustment, Audit, Connection, Holdfast } from "@holdfast/domain"
 * import { PgStore } from "@holdfast/persistence"
 * import * as PgAudit from "@holdfast/persistence/Audit"
 * import { Config, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const credit = Schema.decodeUnknownSync(Adjustment.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   direction: "credit",
 *   amount: { currency: "BTC", quantity: 5n },
 * })
 * const credited = Effect.gen(function* () {
 *   const { register, adjust } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   yield* adjust(credit)
 * })
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   yield* Effect.provide(credited, PgStore.layer({ connection: { url }, schema: "audited" }))
 *   return yield* PgAudit.run({ url }, { schema: "audited" })
 * })
 * const { entries, findings } = await Effect.runPromise(program)
 * assert.equal(entries, 1)
 * assert.deepEqual(findings.map(Audit.describe), [])
 * ```
 *
 * @category running
 */
export const run = (
  connection: PgClient.PgClientConfig,
  { schema = Schemas.usual, ...options }: Options = {},
): Effect.Effect<Report, SqlError | OlderSchema | NewerSchema> =>
  Effect.andThen(ensureKnown(schema), audit(options)).pipe(
    Effect.provide(PgClient.layer(Schemas.within(connection, schema))),
  )

/**
 * Each account's entries, and the hash that is recorded of the last.
 *
 * @internal
 */
export const headsOfAll = `
  SELECT a.connection_id, a.currency, j.entries::float8 AS entries, encode(a.head, 'hex') AS hash
  FROM accounts a JOIN (SELECT connection_id, currency, count(*) AS entries FROM journal GROUP BY 1, 2) j
    ON j.connection_id = a.connection_id AND j.currency = a.currency
  ORDER BY 1, 2`

/**
 * The heads that the rows of {@link headsOfAll} are.
 *
 * @internal
 */
export const headsFrom = <E>(rows: Stream.Stream<Row, E>): Stream.Stream<Journal.Head, E> =>
  Stream.mapEffect(rows, ({ connection_id: connectionId, currency, entries, hash }) =>
    Effect.orDie(decodeHead({ connectionId, currency, entries, hash })),
  )

const decodeHead = Schema.decodeUnknownEffect(Journal.Head)

/**
 * The heads of a database's journal, by account, as of one moment. Kept where
 * nobody can write who may write to the tables, they show later ({@link Options})
 * whether anybody has computed the hashes of an account anew.
 *
 * ```ts
 * import { Adjustment, Connection, Holdfast } from "@holdfast/domain"
 * import { Audit, PgStore } from "@holdfast/persistence"
 * import { Config, Effect, Schema, Stream } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const credit = Schema.decodeUnknownSync(Adjustment.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   direction: "credit",
 *   amount: { currency: "BTC", quantity: 5n },
 * })
 * const credited = Effect.gen(function* () {
 *   const { register, adjust } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   yield* adjust(credit)
 * })
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   yield* Effect.provide(credited, PgStore.layer({ connection: { url }, schema: "with_heads" }))
 *   const against = yield* Stream.runCollect(Audit.heads({ url }, { schema: "with_heads" }))
 *   return { against, report: yield* Audit.run({ url }, { schema: "with_heads", against }) }
 * })
 * const { against, report } = await Effect.runPromise(program)
 * assert.deepEqual(against.map(({ currency, entries }) => [currency, entries]), [["BTC", 1]])
 * assert.deepEqual(report.findings, [])
 * ```
 *
 * @category running
 */
export const heads = (
  connection: PgClient.PgClientConfig,
  { schema = Schemas.usual }: { readonly schema?: string | undefined } = {},
): Stream.Stream<Journal.Head, SqlError | OlderSchema | NewerSchema> =>
  Stream.unwrap(Effect.map(sessionOf(connection, schema), (session) => headsFrom(session.stream(headsOfAll))))

/**
 * A session of its own that sees the tables of a schema, which have to be those that this version knows.
 *
 * @internal
 */
export const sessionOf = Effect.fnUntraced(function* (connection: PgClient.PgClientConfig, schema: string) {
  const within = Schemas.within(connection, schema)
  yield* ensureKnown(schema).pipe(Effect.provide(PgClient.layer(within)))
  return yield* PgConnection.make(within)
})

const byAccount = (heads: ReadonlyArray<Journal.Head>) => {
  const accounts = new Map<Ledger.AccountId, Array<Journal.Head>>()
  for (const head of heads) {
    const key = Ledger.accountKey(head)
    const known = accounts.get(key)
    if (known === undefined) accounts.set(key, [head])
    else known.push(head)
  }
  return accounts
}

/**
 * Audits what a session of the client sees.
 *
 * @internal
 */
export const audit = Effect.fnUntraced(function* ({ against = [], onProgress }: Omit<Options, "schema"> = {}) {
  const sql = yield* SqlClient
  const [counted] = onProgress === undefined ? [] : yield* sql`SELECT count(*)::float8 AS total FROM journal`
  const total = Number(counted?.["total"] ?? 0)
  const earlier = byAccount(against)
  const findings: Array<Audit.Finding> = []
  let current: { readonly key: string; readonly audit: Audit.AccountAudit } | undefined
  let recorded: Audit.RecordedAccount | undefined
  let [entries, accounts] = [0, 0]
  const end = () => findings.push(...(current?.audit.end(recorded) ?? []))

  yield* sql.unsafe<Row>(everything).stream.pipe(
    Stream.mapEffect(read),
    Stream.runForEach(({ entry, transfer, account, connection }) =>
      Effect.sync(() => {
        const of = entry ?? (transfer && { ...transfer.terms, currency: transfer.terms.amount.currency }) ?? account
        if (of === undefined) return
        const { connectionId, currency } = of
        const key = Ledger.accountKey(of)
        if (current?.key !== key) {
          end()
          current = { key, audit: new Audit.AccountAudit({ connectionId, currency }, sha256, earlier.get(key)) }
          earlier.delete(key)
          accounts++
        }
        recorded = account
        if (entry !== undefined) {
          entries++
          if (entries % 1_000 === 0) onProgress?.(entries, total)
          findings.push(...current.audit.entry({ entry, transfer, connection }))
        } else if (transfer !== undefined) findings.push(...current.audit.transfer(transfer))
      }),
    ),
  )
  end()
  // Accounts that were there, and are not any more.
  for (const [first, ...rest] of earlier.values()) {
    if (first === undefined) continue
    const gone = new Audit.AccountAudit(first, sha256, [first, ...rest])
    findings.push(...gone.end({ account: Account.empty, head: Journal.genesis }))
  }
  // The replay is done with a transfer that is final. What was done twice in one moment has entries that each could be.
  for (const row of yield* sql.unsafe<Row>(finalTwice)) {
    const [entry] = yield* Tables.journal.read([row])
    if (entry === undefined) continue
    const { connectionId, currency, transferId: id, event } = entry
    const recorded = `${event}, after it was final already`
    findings.push({ connectionId, currency, where: "journal", id, field: "event", recorded, replayed: null })
  }
  return { entries, accounts, findings }
})
