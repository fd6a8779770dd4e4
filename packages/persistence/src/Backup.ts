/**
 * The books as lines of text, to be kept elsewhere and read into an empty database: the embedded one has no `pg_dump`.
 *
 * What is written is the journal and what it does not say: connections, their tokens (as hashes), known currencies, and the operators' log.
 * Balances and transfers are what the journal comes to, so reading replays it through the pure ledger and believes
 * nothing else. Each line is one JSON object with one field, which says what it is:
 *
 * 1. `backup`: the version of the format, that of the journal's text, until when tokens may have been used, how many
 *    entries follow;
 * 2. `connection`, `token`, `currency`, and of the operators' log `action` and `outcome`, each in the order of its key;
 * 3. `entry`: the journal in the order of its numbers, with hashes. Where an entry opens a transfer, or opens it again,
 *    what it was asked for is beside it;
 * 4. `head`: where each account's chain ends;
 * 5. `end`: how many lines there were of each, and the SHA-256 of them all.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import { Journal, type Ledger } from "@holdfast/domain"
import { DateTime, Effect, Schema, Stream } from "effect"
import type { MigrationError } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { headsOfAll, type OnProgress, type Report, sessionOf } from "./Audit.ts"
import type { NotEmpty, NotReadable } from "./BackupLines.ts"
import * as Lines from "./BackupLines.ts"
import * as Reader from "./BackupReader.ts"
import { migrate, type NewerSchema, type OlderSchema, type TablesElsewhere } from "./Migrations.ts"
import * as Schemas from "./Schemas.ts"
import * as Tables from "./Tables.ts"

type Row = Readonly<Record<string, unknown>>

const encodeHeader = Schema.encodeSync(Lines.Header)
const encodeTransfer = Schema.encodeSync(Lines.transferCodec)

/** What an entry that opens a transfer says of it beside. */
const openingOf = (transfer: Ledger.Transfer, { event, at }: Ledger.Entry) => {
  const asThen = { ...transfer, state: event, createdAt: at, updatedAt: at } as Ledger.Transfer
  const { state: _, createdAt: __, updatedAt: ___, ...opening } = encodeTransfer(asThen) as Row
  // A rejection can come after a reservation that was released.
  return event === "Rejected" ? opening : { ...opening, reason: undefined }
}

/**
 * The books are not as their own journal says: an audit names what differs.
 *
 * ```ts
 * import { Backup } from "@holdfast/persistence"
 * import assert from "node:assert/strict"
 *
 * const error = new Backup.NotWhole({ transferId: "018f3f1e-0000-7000-8000-000000000003" })
 * assert.match(error.message, /^The journal names a transfer 018f3f1e-0000-7000-8000-000000000003 that is not there\./)
 * ```
 *
 * @category errors
 */
export class NotWhole extends Schema.TaggedError<NotWhole>()("NotWhole", { transferId: Schema.String }) {
  override get message() {
    return `The journal names a transfer ${this.transferId} that is not there. The audit says what else differs.`
  }
}

/**
 * How books are written and read.
 *
 * @category models
 */
export interface Options {
  /** The schema of the tables; `holdfast` unless it is named. */
  readonly schema?: string | undefined
  /** Is told, now and then, how many of the journal's entries are done. */
  readonly onProgress?: OnProgress | undefined
}

/**
 * The books as lines, without their ends, as of one moment and while servers use
 * the database. Memory does not grow with it.
 *
 * ```ts
 * import { Backup, Migrations } from "@holdfast/persistence"
 * import { Config, Effect, Stream } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   yield* Migrations.run({ url }, { schema: "written" })
 *   return yield* Stream.runCollect(Backup.write({ url }, { schema: "written" }))
 * })
 * const [first = "", last = ""] = await Effect.runPromise(program)
 * assert.match(first, /^{"backup":{"version":1,/)
 * assert.match(last, /^{"end":{"connection":0,"token":0,"currency":0,"action":0,"outcome":0,"entry":0,"head":0,"sha256":"[0-9a-f]{64}"}}$/)
 * ```
 *
 * @category running
 */
export const write = (
  connection: PgClient.PgClientConfig,
  { schema = Schemas.usual, onProgress }: Options = {},
): Stream.Stream<string, SqlError | OlderSchema | NewerSchema | NotWhole> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const session = yield* sessionOf(connection, schema)
      yield* session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
      const header = yield* headerOf(session)
      const tally = new Lines.Tally()
      const first = Stream.succeed(JSON.stringify({ backup: encodeHeader(header) }))
      const parts = [
        rowsOf(session, Lines.connections),
        rowsOf(session, Lines.tokens),
        rowsOf(session, Lines.currencies),
        rowsOf(session, Lines.actions),
        rowsOf(session, Lines.outcomes),
        entriesOf(session),
        Lines.headLines(session.stream(headsOfAll)),
      ]
      const all = parts
        .reduce((before, part) => Stream.concat(before, part), first)
        .pipe(
          Stream.tap((line) =>
            Effect.sync(() => {
              tally.add(Lines.kindOf(line), line)
              if (tally.counts.entry % 1_000 === 0) onProgress?.(tally.counts.entry, header.entries)
            }),
          ),
        )
      return Stream.concat(all, Stream.fromEffect(Effect.sync(() => JSON.stringify({ end: tally.end }))))
    }),
  )

const headerOf = Effect.fnUntraced(function* (session: PgConnection.PgConnection) {
  const { rows } = yield* session.query(`
    SELECT now() AS at, (SELECT count(*)::float8 FROM journal) AS entries,
      greatest(nonces_until, (SELECT max(expires_at) FROM nonces)) AS nonces_until FROM forgotten`)
  const [row] = rows
  const time = (column: string) => DateTime.makeUnsafe(row?.[column] as Date)
  return Lines.Header.make({
    version: Lines.version,
    journalVersion: Journal.version,
    writtenAt: time("at"),
    noncesUntil: time("nonces_until"),
    entries: Number(row?.["entries"]),
  })
})

/** The lines of a table, in the order of its key. */
const rowsOf = <A>(session: PgConnection.PgConnection, { name, table, extra, encode }: Lines.KindOfLine<A>) => {
  const selected = [table.select("t"), ...extra.map(({ name, select }) => `${select} AS "${name}"`)]
  const statement = `SELECT ${selected.join(", ")} FROM ${table.name} t ORDER BY ${table.key.map(({ name }) => name)}`
  return session.stream(statement).pipe(
    Stream.mapEffect((row) =>
      Effect.map(table.read([row]), ([value]) => {
        const beside = Object.fromEntries(extra.map(({ name }) => [name, row[name]]))
        return JSON.stringify({ [name]: { ...beside, ...(encode(value as A) as Row) } })
      }),
    ),
  )
}

const entriesOf = (session: PgConnection.PgConnection) =>
  session
    .stream(
      `SELECT j.seq::text AS seq, ${Tables.journal.select("j", "j_")}, ${Tables.transfers.select("t", "t_")}
        FROM journal j LEFT JOIN transfers t ON t.id = j.transfer_id ORDER BY j.seq`,
    )
    .pipe(
      Stream.mapEffect(
        Effect.fnUntraced(function* (row) {
          const [entry] = yield* Tables.journal.read([row], "j_")
          if (entry === undefined || row["t_id"] === null) {
            return yield* new NotWhole({ transferId: String(row["j_transfer_id"]) })
          }
          const [transfer] = Lines.opens(entry) ? yield* Tables.transfers.read([row], "t_") : []
          const asked = transfer && { transfer: openingOf(transfer, entry) }
          return JSON.stringify({ entry: { seq: row["seq"], ...(Lines.entries.encode(entry) as Row), ...asked } })
        }),
      ),
    )

export { NotEmpty, NotReadable } from "./BackupLines.ts"

/**
 * Reads books from their lines into an empty database, all of them or nothing:
 * makes the tables, replays each entry of the journal through the pure ledger,
 * compares every hash and head, and audits what was written, all before it is
 * committed. The next server that starts there takes it for a restored database:
 * tokens that may have been used are refused, and the journal's numbers jump.
 *
 * ```ts
 * import { Connection, Holdfast } from "@holdfast/domain"
 * import { Backup, PgStore } from "@holdfast/persistence"
 * import { Config, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const registered = Effect.flatMap(Holdfast.Holdfast, ({ register }) => register(connection))
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   yield* Effect.provide(registered, PgStore.layer({ connection: { url }, schema: "backed_up" }))
 *   const books = Backup.write({ url }, { schema: "backed_up" })
 *   const report = yield* Backup.read({ url }, books, { schema: "read_back" })
 *   const again = yield* Effect.flip(Backup.read({ url }, books, { schema: "read_back" }))
 *   return { report, again }
 * })
 * const { report, again } = await Effect.runPromise(program)
 * assert.deepEqual(report, { entries: 0, accounts: 0, findings: [] })
 * assert.equal(again._tag, "NotEmpty")
 * ```
 *
 * @category running
 */
export const read = <E, R>(
  connection: PgClient.PgClientConfig,
  lines: Stream.Stream<string, E, R>,
  { schema = Schemas.usual, onProgress }: Options = {},
): Effect.Effect<Report, E | ReadFailure, R> =>
  Effect.andThen(
    migrate(schema),
    Effect.flatMap(SqlClient, (sql) => sql.withTransaction(Reader.read(schema, lines, onProgress))),
  ).pipe(Effect.provide(PgClient.layer(Schemas.within(connection, schema))))

/**
 * Why books can fail to be read.
 *
 * @category errors
 */
export type ReadFailure = NotReadable | NotEmpty | SqlError | MigrationError | NewerSchema | TablesElsewhere
