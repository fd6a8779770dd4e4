/** The lines of a backup (Backup.ts): which there are, and how the rows of a table stand in them. */
import { createHash } from "node:crypto"
import { Journal, Ledger } from "@holdfast/domain"
import { Schema, Stream } from "effect"
import { headsFrom } from "./Audit.ts"
import * as Tables from "./Tables.ts"

export const version = 1

/** Lines of one kind: how a value stands in one, and in which rows of which table. */
const kindOfLine = <A>(
  name: string,
  table: Tables.Table<A>,
  extra: ReadonlyArray<{ readonly name: string; readonly type: string; readonly select: string }> = [],
) => {
  const codec = Schema.toCodecJson(table.schema)
  return { name, table, extra, encode: Schema.encodeSync(codec), decode: Schema.decodeUnknownEffect(codec) }
}

/** PostgreSQL has microseconds. */
const registeredAt = {
  name: "registered_at",
  type: "timestamptz",
  select: `to_char(registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
}

const place = { name: "seq", type: "bigint", select: "seq::text" }

export const connections = kindOfLine("connection", Tables.connections, [registeredAt])
export const tokens = kindOfLine("token", Tables.tokens)
export const currencies = kindOfLine("currency", Tables.currencies)
export const actions = kindOfLine("action", Tables.actions)
export const outcomes = kindOfLine("outcome", Tables.outcomes)
export const entries = kindOfLine("entry", Tables.journal, [place])

/** As a transfer stands beside the entry that opens it. */
export const transferCodec = Schema.toCodecJson(Ledger.Transfer)

/** Whether an entry has its transfer beside it: what was asked for, once and again after a release. */
export const opens = ({ event }: Pick<Ledger.Entry, "event">) => event !== "Cleared" && event !== "Released"

/** Where the chains end, as lines. */
export const headLines = <E>(rows: Stream.Stream<Readonly<Record<string, unknown>>, E>) =>
  headsFrom(rows).pipe(Stream.map((head) => JSON.stringify({ head })))

/** The kinds of lines, in the order in which they follow each other. */
export const order = ["backup", "connection", "token", "currency", "action", "outcome", "entry", "head", "end"]

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const Header = Schema.Struct({
  version: Schema.Literal(version),
  journalVersion: Journal.Version,
  writtenAt: Schema.DateTimeUtcFromString,
  /** Tokens that expire no later may have been used. */
  noncesUntil: Schema.DateTimeUtcFromString,
  entries: Count,
})

/** How many lines there are of each kind, and the SHA-256 of all of them. */
export const End = Schema.Struct({
  connection: Count,
  token: Count,
  currency: Count,
  action: Count,
  outcome: Count,
  entry: Count,
  head: Count,
  sha256: Schema.String,
})

/** Counts lines, and hashes them. */
export class Tally {
  readonly counts = { connection: 0, token: 0, currency: 0, action: 0, outcome: 0, entry: 0, head: 0 }
  readonly #digest = createHash("sha256")

  add(kind: string, line: string): void {
    if (kind in this.counts) this.counts[kind as keyof Tally["counts"]]++
    this.#digest.update(`${line}\n`)
  }

  /** Asked for once, behind the last. */
  get end(): typeof End.Type {
    return { ...this.counts, sha256: this.#digest.digest("hex") }
  }
}

/** The first word of a line that was written here. */
export const kindOf = (line: string): string => line.slice(2, line.indexOf('"', 2))

export type KindOfLine<A> = ReturnType<typeof kindOfLine<A>>

/**
 * What keeps a text from being read as books, and in which line that shows.
 * Nothing of it was written.
 *
 * ```ts
 * import { Backup } from "@holdfast/persistence"
 * import assert from "node:assert/strict"
 *
 * const error = new Backup.NotReadable({ line: 1, fact: "This is no backup of Holdfast's." })
 * assert.equal(error.message, "Line 1: This is no backup of Holdfast's.")
 * ```
 *
 * @category errors
 */
export class NotReadable extends Schema.TaggedError<NotReadable>()("NotReadable", {
  line: Schema.Int,
  fact: Schema.String,
}) {
  override get message() {
    return `Line ${this.line}: ${this.fact}`
  }
}

/**
 * There are books in the database already. Nothing was changed in it.
 *
 * ```ts
 * import { Backup } from "@holdfast/persistence"
 * import assert from "node:assert/strict"
 *
 * const error = new Backup.NotEmpty({ schema: "holdfast", table: "journal" })
 * assert.match(error.message, /^There are rows in holdfast\.journal\./)
 * ```
 *
 * @category errors
 */
export class NotEmpty extends Schema.TaggedError<NotEmpty>()("NotEmpty", {
  schema: Schema.String,
  table: Schema.String,
}) {
  override get message() {
    return `There are rows in ${this.schema}.${this.table}. Books are read into an empty database alone: name another, or another DATABASE_SCHEMA.`
  }
}
