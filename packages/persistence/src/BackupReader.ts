/**
 * Reads a backup into tables that are empty, in the transaction that it is run in: line by line, a thousand at once
 * where they are of one kind. Of the journal each entry is replayed on what was written before it.
 */
import type * as PgTypes from "@effect/sql-pg/PgTypes"
import { Account, Audit, Journal, Ledger, type Uuid } from "@holdfast/domain"
import { DateTime, Effect, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { audit, headsOfAll, type OnProgress, sha256 } from "./Audit.ts"
import * as Lines from "./BackupLines.ts"
import { NotEmpty, NotReadable } from "./BackupLines.ts"
import { insert, insertWith } from "./Insert.ts"
import { innermost, journalSequence } from "./Migrations.ts"
import * as Restore from "./Restore.ts"
import * as Tables from "./Tables.ts"
import { texts, uuids } from "./Write.ts"

/** How many lines are replayed and written at once. */
const batchSize = 1_000

type Row = Readonly<Record<string, unknown>>

/** A line, with its number, as what it says it is. */
interface Line {
  readonly number: number
  readonly kind: string
  readonly text: string
  readonly value: Row
}

type Reading<A> = Effect.Effect<A, NotReadable | SqlError, SqlClient>

/** What is written into. */
const tables = [
  ...[Lines.connections, Lines.tokens, Lines.currencies, Lines.actions, Lines.outcomes, Lines.entries].map(
    ({ table }) => table.name,
  ),
  Tables.transfers.name,
  Tables.accounts.name,
]

/** Reads all lines, and audits what came of them. */
export const read = Effect.fnUntraced(function* <E, R>(
  schema: string,
  lines: Stream.Stream<string, E, R>,
  onProgress: OnProgress = () => {},
) {
  yield* expectEmpty(schema)
  const reader = new Reader(onProgress)
  yield* Stream.runForEach(lines, (text) => reader.line(text))
  yield* reader.end
  const sql = yield* SqlClient
  // Of tables that were empty a moment ago, PostgreSQL knows nothing.
  for (const table of tables) yield* sql`ANALYZE ${sql(table)}`
  const report = yield* audit({ onProgress })
  const [first] = report.findings
  return first === undefined ? report : yield* reader.refusal(Audit.describe(first))
})

/** That nobody else writes until this is committed. */
const expectEmpty = Effect.fnUntraced(function* (schema: string) {
  const sql = yield* SqlClient
  for (const table of tables) {
    yield* sql`LOCK TABLE ${sql(table)} IN SHARE ROW EXCLUSIVE MODE`
    if ((yield* sql`SELECT FROM ${sql(table)} LIMIT 1`).length > 0) return yield* new NotEmpty({ schema, table })
  }
})

class Reader {
  readonly #onProgress: OnProgress
  readonly #tally = new Lines.Tally()
  /** Of the same kind, to be taken together. */
  #waiting: Array<Line> = []
  #number = 0
  #stage = -1
  #place = 0n
  #header: typeof Lines.Header.Type | undefined
  #heads = new Lines.Tally()
  #isEnded = false

  constructor(onProgress: OnProgress) {
    this.#onProgress = onProgress
  }

  /** Where it was read to. */
  refusal(fact: string, line = this.#number): NotReadable {
    return new NotReadable({ line, fact })
  }

  line(text: string): Reading<void> {
    return Effect.gen({ self: this }, function* () {
      this.#number++
      const line = yield* this.#parse(text)
      if (this.#waiting.length >= batchSize || this.#waiting[0]?.kind !== line.kind) yield* this.#flush
      this.#waiting.push(line)
    })
  }

  /** There are no more lines. */
  readonly end: Reading<void> = Effect.gen({ self: this }, function* () {
    yield* this.#flush
    if (this.#header === undefined || !this.#isEnded) {
      return yield* this.refusal("There is no line with the end behind it: this was cut short.")
    }
    const sql = yield* SqlClient
    if (this.#place > 0n) yield* sql`SELECT setval(${journalSequence}, ${String(this.#place)}::bigint)`
    yield* Restore.markAsRestored(this.#header.noncesUntil)
  })

  /** What a line is, and whether it may be where it is. */
  #parse(text: string): Effect.Effect<Line, NotReadable> {
    return Effect.suspend(() => {
      const [kind = "", value] = fieldOf(text) ?? []
      const stage = Lines.order.indexOf(kind)
      if (this.#number === 1 && kind !== "backup") return this.refusal("This is no backup of Holdfast's.")
      if (this.#isEnded || this.#waiting[0]?.kind === "end") return this.refusal("There is something behind the end.")
      if (typeof value !== "object" || value === null) return this.refusal("This is no line of a backup.")
      if (stage < this.#stage || stage < 0 || (kind === "backup" && this.#stage >= 0)) {
        return this.refusal(`There is a line of the kind ${kind} here, where none may be.`)
      }
      this.#stage = stage
      if (kind !== "end") this.#tally.add(kind, text)
      return Effect.succeed({ number: this.#number, kind, text, value: value as Row })
    })
  }

  readonly #flush: Reading<void> = Effect.suspend(() => {
    const [lines, kind = ""] = [this.#waiting, this.#waiting[0]?.kind]
    this.#waiting = []
    return this.#takers[kind]?.(lines) ?? Effect.void
  })

  readonly #takers: Readonly<Record<string, (lines: ReadonlyArray<Line>) => Reading<void>>> = {
    backup: (lines) => Effect.forEach(lines, (line) => this.#begin(line), { discard: true }),
    connection: (lines) => this.#insert(Lines.connections, lines),
    token: (lines) => this.#insert(Lines.tokens, lines),
    currency: (lines) => this.#insert(Lines.currencies, lines),
    action: (lines) => this.#insert(Lines.actions, lines),
    outcome: (lines) => this.#insert(Lines.outcomes, lines),
    entry: (lines) => this.#replay(lines),
    head: (lines) =>
      Effect.forEach(lines, ({ text }) => Effect.sync(() => this.#heads.add("head", text)), { discard: true }),
    end: (lines) => Effect.forEach(lines, (line) => this.#finish(line), { discard: true }),
  }

  #begin({ number, value }: Line): Reading<void> {
    return Effect.gen({ self: this }, function* () {
      if (typeof value["version"] === "number" && value["version"] > Lines.version) {
        const fact = `This was written by a newer version, in format ${value["version"]}; this one reads format ${Lines.version}.`
        return yield* this.refusal(fact, number)
      }
      this.#header = yield* this.#decoded(number, decodeHeader(value))
    })
  }

  #insert<A>(kind: Lines.KindOfLine<A>, lines: ReadonlyArray<Line>): Reading<void> {
    const rows = Effect.forEach(lines, ({ number, value }) =>
      Effect.map(this.#decoded(number, kind.decode(value)), (decoded) => ({ value: decoded, beside: value })),
    )
    return Effect.flatMap(rows, (rows) => this.#written(lines, insertWith(kind, rows)))
  }

  #replay(lines: ReadonlyArray<Line>): Reading<void> {
    return Effect.gen({ self: this }, function* () {
      const given = yield* Effect.forEach(lines, (line) => this.#entry(line))
      const draft = yield* readDraft(given.map(({ entry }) => entry))
      for (const { number, entry, opening } of given) {
        const key = Ledger.accountKey(entry)
        const { account: balances, head } = draft.accounts.get(key) ?? { account: Account.empty, head: Journal.genesis }
        const before = { balances, head, transfer: draft.transfers.get(entry.transferId) }
        const transfer = opening ?? before.transfer
        if (transfer === undefined) return yield* this.refusal("Nothing was asked for before under this id.", number)
        const connection = draft.connections.get(transfer.terms.connectionId)
        const { findings, replayed } = Audit.follow(before, { entry, transfer, connection }, sha256)
        const [first] = findings
        if (first !== undefined || replayed === undefined) {
          return yield* this.refusal(first === undefined ? "" : Audit.describe(first), number)
        }
        draft.transfers.set(entry.transferId, replayed)
        const { connectionId, currency } = entry
        draft.accounts.set(key, { connectionId, currency, account: entry.balances, head: entry.hash })
      }
      const rows = given.map(({ entry, beside }) => ({ value: entry, beside }))
      yield* this.#written(
        lines,
        Effect.all(
          [
            upsert(Tables.transfers, draft.transfers.values()),
            upsert(Tables.accounts, draft.accounts.values()),
            insertWith(Lines.entries, rows),
          ],
          { discard: true },
        ),
      )
      this.#onProgress(this.#tally.counts.entry, this.#header?.entries ?? 0)
    })
  }

  /** An entry, with the transfer as it opened it. */
  #entry({ number, value: beside }: Line) {
    return Effect.gen({ self: this }, function* () {
      const entry = yield* this.#decoded(number, Lines.entries.decode(beside))
      const { seq, transfer } = beside
      if (typeof seq !== "string" || !/^\d{1,18}$/.test(seq) || BigInt(seq) <= this.#place) {
        return yield* this.refusal("The number of this entry is not above the one before it.", number)
      }
      this.#place = BigInt(seq)
      if (!Lines.opens(entry)) return { number, entry, opening: undefined, beside }
      const at = DateTime.formatIso(entry.at)
      const asThen = { ...(transfer as Row), state: entry.event, createdAt: at, updatedAt: at }
      return { number, entry, opening: yield* this.#decoded(number, decodeTransfer(asThen)), beside }
    })
  }

  #finish({ number, value }: Line): Reading<void> {
    return Effect.gen({ self: this }, function* () {
      const end = yield* this.#decoded(number, decodeEnd(value))
      if (JSON.stringify(end) !== JSON.stringify(this.#tally.end)) {
        return yield* this.refusal(
          "The lines before are not those that were written: some were changed or taken out.",
          number,
        )
      }
      const sql = yield* SqlClient
      const heads = new Lines.Tally()
      yield* Lines.headLines(sql.unsafe<Row>(headsOfAll).stream).pipe(
        Stream.runForEach((line) => Effect.sync(() => heads.add("head", line))),
      )
      if (heads.end.sha256 !== this.#heads.end.sha256) {
        return yield* this.refusal("The journal does not end in the heads that it was signed off with.", number)
      }
      this.#isEnded = true
    })
  }

  #decoded<A>(number: number, decoding: Effect.Effect<A, Schema.SchemaError>): Effect.Effect<A, NotReadable> {
    return Effect.mapError(decoding, ({ message }) => this.refusal(sentence(message), number))
  }

  /** What PostgreSQL does not take is the lines' fault, if it says so. */
  #written<A>(lines: ReadonlyArray<Line>, writing: Effect.Effect<A, SqlError, SqlClient>): Reading<void> {
    return Effect.mapError(Effect.asVoid(writing), (error) => {
      const { code, message } = innermost(error)
      const isTheirs = typeof code === "string" && /^2[23]/.test(code)
      return isTheirs
        ? this.refusal(
            `What stands from here to line ${lines.at(-1)?.number} cannot be written: ${sentence(message)}`,
            lines[0]?.number,
          )
        : error
    })
  }
}

const decodeHeader = Schema.decodeUnknownEffect(Lines.Header)
const decodeEnd = Schema.decodeUnknownEffect(Lines.End)
const decodeTransfer = Schema.decodeUnknownEffect(Lines.transferCodec)

/** In one line, with its stop. */
const sentence = (text: string) => text.trim().replaceAll(/\s+/g, " ").replace(/\.?$/, ".")

/** The only field of a line. */
const fieldOf = (text: string): [string, unknown] | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    const fields = typeof value === "object" && value !== null ? Object.entries(value) : []
    return fields.length === 1 ? fields[0] : undefined
  } catch {
    return undefined
  }
}

type AccountRow = Effect.Success<ReturnType<typeof Tables.accounts.read>>[number]

/** What was written before of everything that entries name. */
const readDraft = Effect.fnUntraced(function* (entries: ReadonlyArray<Ledger.Entry>) {
  const sql = yield* SqlClient
  const ids = uuids(new Set(entries.map(({ transferId }) => transferId)))
  const keys = new Map(entries.map((entry) => [Ledger.accountKey(entry), entry]))
  const connectionIds = uuids(Array.from(keys.values(), ({ connectionId }) => connectionId))
  const currencies = texts(Array.from(keys.values(), ({ currency }) => currency))
  const find = (
    table: Pick<Tables.Table<never>, "name" | "select">,
    where: string,
    given: ReadonlyArray<PgTypes.Parameter>,
  ) => sql.unsafe<Row>(`SELECT ${table.select("t")} FROM ${table.name} t WHERE ${where}`, given)
  const transfers = yield* find(Tables.transfers, "id = ANY($1::uuid[])", [ids])
  const accounts = yield* find(
    Tables.accounts,
    "(connection_id, currency) IN (SELECT unnest($1::uuid[]), unnest($2::text[]))",
    [connectionIds, currencies],
  )
  const connections = yield* find(Tables.connections, "connection_id = ANY($1::uuid[])", [connectionIds])
  return {
    transfers: new Map<Uuid.Uuid, Ledger.Transfer>(
      (yield* Tables.transfers.read(transfers)).map((transfer) => [transfer.terms.id, transfer]),
    ),
    accounts: new Map<Ledger.AccountId, AccountRow>(
      (yield* Tables.accounts.read(accounts)).map((account) => [Ledger.accountKey(account), account]),
    ),
    connections: new Map(
      (yield* Tables.connections.read(connections)).map((connection) => [connection.connectionId, connection]),
    ),
  }
})

/** Writes rows, or what has changed in those that are there. */
const upsert = <A>(table: Tables.Table<A>, values: Iterable<A>) => {
  const changing = table.changing.map(({ name }) => `${name} = excluded.${name}`)
  return insert(table, values, `ON CONFLICT (${table.key.map(({ name }) => name)}) DO UPDATE SET ${changing}`)
}
