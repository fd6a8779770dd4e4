/** Books that are written as lines and read into an empty database are the same books; lines that anybody has changed are not read. */
import { createHash } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { BaseUnits, Holdfast } from "@holdfast/domain"
import { System, systemLaws } from "@holdfast/domain/testing"
import { Audit, Backup, Migrations } from "@holdfast/persistence"
import { DateTime, Effect, Stream } from "effect"
import { query, serviceOn, withDatabase } from "../support/Databases.ts"
import { adjustmentOf, funded, newConnection, termsOf, uuid } from "../support/Fixtures.ts"
import { ofOtherProcesses } from "../support/Laws.ts"
import type { TestDatabase } from "../support/TestDatabase.ts"

type Database = TestDatabase["Service"]

const written = ({ config }: Database) => Stream.runCollect(Backup.write(config))

const readInto = ({ config }: Database, lines: Iterable<string>) => Backup.read(config, Stream.fromIterable(lines))

/** What does not depend on when it was written. */
const timeless = (lines: ReadonlyArray<string>) => [
  ...lines.slice(1, -1),
  lines.at(-1)?.replace(/"sha256":"[0-9a-f]{64}"/, ""),
]

const isEmpty = (database: Database) =>
  query(
    database,
    `SELECT FROM connections UNION ALL SELECT FROM connection_tokens UNION ALL SELECT FROM currencies
      UNION ALL SELECT FROM transfers UNION ALL SELECT FROM accounts UNION ALL SELECT FROM journal`,
  ).pipe(Effect.map((rows) => rows.length === 0))

/** Something of everything. */
const activity = Effect.gen(function* () {
  const holdfast = yield* Holdfast.Holdfast
  const connection = yield* funded(BaseUnits.MAX - 1n)
  const issuedAt = DateTime.nowUnsafe()
  const expiresAt = DateTime.addDuration(issuedAt, "1 day")
  const account = { partnersConnectionId: "account-8", partnerClientId: "" }
  yield* holdfast.issueToken({ id: uuid(), hash: "0a".repeat(32), ...account, issuedAt, expiresAt })
  yield* holdfast.adjust(adjustmentOf(connection, "debit", 3n))
  const holds = yield* Effect.forEach([1n, 2n, 4n], (quantity) =>
    holdfast.reserve("deallocation", termsOf(connection, quantity)),
  )
  const [, cleared, again] = holds.map(({ terms }) => terms)
  if (!cleared || !again) return yield* Effect.die("There are three.")
  yield* holdfast.clear("deallocation", cleared.id)
  yield* Effect.sleep(2)
  yield* holdfast.release("deallocation", again.id)
  yield* holdfast.reserve("deallocation", again)
  yield* holdfast.reserve("deallocation", termsOf(newConnection(), 1n))
  return connection
})

it.live(
  "whatever the service writes, books read from their lines have the same lines again",
  () =>
    withDatabase((source) =>
      withDatabase((target) =>
        Effect.gen(function* () {
          const system = System.fromService(yield* Holdfast.Holdfast)
          const laws = systemLaws(() => Effect.succeed(system), { policies: [{}], runs: 20 })
          yield* Effect.forEach(ofOtherProcesses(laws), ({ check }) => check)
          yield* activity
          const lines = yield* written(source)
          const report = yield* readInto(target, lines)
          assert.isAbove(report.entries, 100)
          assert.deepStrictEqual(timeless(yield* written(target)), timeless(lines))
          for (const table of ["connections", "currencies", "accounts", "transfers", "journal"]) {
            const [rows, others] = yield* Effect.forEach([source, target], (database) =>
              query(database, `SELECT t::text FROM ${table} t ORDER BY 1`),
            )
            assert.isNotEmpty(rows)
            assert.deepStrictEqual(others, rows, table)
          }
        }).pipe(Effect.provide(serviceOn(source))),
      ),
    ),
  120_000,
)

/** Each line that it could have been, if one is changed, taken out, doubled or put in another's place. */
const tamperedWith = (lines: ReadonlyArray<string>): ReadonlyArray<readonly [what: string, ReadonlyArray<string>]> =>
  lines.flatMap((line, n) => {
    const at = (...others: ReadonlyArray<string>) => lines.toSpliced(n, 1, ...others)
    const digits = [...line.matchAll(/\d/g)].map(({ index }) => index)
    const digit = digits[Math.floor(digits.length / 2)] ?? 0
    const changed = line.slice(0, digit) + ((Number(line[digit]) + 1) % 10) + line.slice(digit + 1)
    return [
      [`line ${n + 1} changed`, at(changed)],
      [`line ${n + 1} taken out`, at()],
      [`line ${n + 1} twice`, at(line, line)],
      [`line ${n + 1} cut`, [...lines.slice(0, n), line.slice(0, -1)]],
      [`cut after line ${n + 1}`, lines.slice(0, n + 1)],
      [`lines ${n + 1} and ${n + 2} in each other's place`, lines.toSpliced(n, 2, lines[n + 1] ?? "", line)],
    ] as const
  })

/** Lines whose end says again what there is: whoever changes one can do that as well. */
const signedOff = (lines: ReadonlyArray<string>) => {
  const before = lines.slice(0, -1)
  const digest = createHash("sha256").update(before.map((line) => `${line}\n`).join(""))
  const { end } = JSON.parse(lines.at(-1) ?? "")
  return [...before, JSON.stringify({ end: { ...end, sha256: digest.digest("hex") } })]
}

const assertRefused = Effect.fnUntraced(function* (target: Database, lines: Iterable<string>, what: string) {
  const error = yield* Effect.flip(readInto(target, lines)).pipe(
    Effect.mapError((report) => new Error(`${what} was read: ${JSON.stringify(report)}`)),
  )
  if (!(error instanceof Backup.NotReadable)) return yield* Effect.die(`${what}: ${error._tag}`)
  assert.match(error.message, /^Line \d+: \S.*\.$/, what)
  return error
})

it.live(
  "lines that were changed, doubled, moved or taken out are not read, and nothing is left of them",
  () =>
    withDatabase((source) =>
      withDatabase((target) =>
        Effect.gen(function* () {
          yield* activity
          const lines = yield* written(source)
          for (const [what, tampered] of tamperedWith(lines)) {
            if (tampered.length === lines.length && tampered.every((line, n) => line === lines[n])) continue
            yield* assertRefused(target, tampered, what)
          }
          assert.isTrue(yield* isEmpty(target))
          yield* readInto(target, lines)
        }).pipe(Effect.provide(serviceOn(source))),
      ),
    ),
  120_000,
)

it.live(
  "what anybody changed in the journal does not fit its hashes, whatever the end says",
  () =>
    withDatabase((source) =>
      withDatabase((target) =>
        Effect.gen(function* () {
          yield* activity
          const lines = yield* written(source)
          for (const [n, line] of lines.entries()) {
            if (!line.startsWith('{"entry":')) continue
            for (const { 0: word, index } of line.matchAll(/(?<=[:"])[0-9a-f.:TZ-]+(?=["},])/g)) {
              // A place in the journal is not in its hashes.
              if (line.slice(0, index).endsWith('"seq":"')) continue
              const other = (word[0] === "1" ? "2" : "1") + word.slice(1)
              const changed = line.slice(0, index) + other + line.slice(index + word.length)
              const error = yield* assertRefused(target, signedOff(lines.with(n, changed)), changed)
              assert.include([n + 1], error.line, `${line}\n${changed}\n${error.message}`)
            }
          }
          const removed = lines.flatMap((line, n) => (line.startsWith('{"entry":') ? [lines.toSpliced(n, 1)] : []))
          for (const tampered of removed) yield* assertRefused(target, signedOff(tampered), "A journal with a gap")
          assert.isTrue(yield* isEmpty(target))
        }).pipe(Effect.provide(serviceOn(source))),
      ),
    ),
  120_000,
)

it.live("books are read into an empty database alone, and of this version or an older one", () =>
  withDatabase((source) =>
    withDatabase((target) =>
      Effect.gen(function* () {
        yield* activity
        const lines = yield* written(source)
        const newer = yield* Effect.flip(
          readInto(target, [`{"backup":${JSON.stringify({ version: 2 })}}`, ...lines.slice(1)]),
        )
        assert.match(
          newer.message,
          /^Line 1: This was written by a newer version, in format 2; this one reads format 1\.$/,
        )
        const other = yield* Effect.flip(readInto(target, ['{"name":"something else"}']))
        assert.strictEqual(other.message, "Line 1: This is no backup of Holdfast's.")
        const nothing = yield* Effect.flip(readInto(target, []))
        assert.match(nothing.message, /cut short/)
        const full = yield* Effect.flip(readInto(source, lines))
        assert.instanceOf(full, Backup.NotEmpty)
        assert.match(
          full.message,
          /^There are rows in holdfast\.connections\. Books are read into an empty database alone/,
        )
      }).pipe(Effect.provide(serviceOn(source))),
    ),
  ),
)

it.live("a journal that names a transfer that is not there is not written", () =>
  withDatabase((source) =>
    Effect.gen(function* () {
      yield* activity
      yield* query(source, "DELETE FROM transfers WHERE state = 'Cleared'")
      const error = yield* Effect.flip(written(source))
      assert.strictEqual(error._tag, "NotWhole")
    }).pipe(Effect.provide(serviceOn(source))),
  ),
)

it.live(
  "where books were read, tokens that may have been used are refused, and the journal goes on with other numbers",
  () =>
    withDatabase((source) =>
      withDatabase((target) =>
        Effect.gen(function* () {
          const used = { value: "token-1", expiresAt: DateTime.addDuration(DateTime.nowUnsafe(), "60 seconds") }
          const later = { value: "token-2", expiresAt: DateTime.addDuration(DateTime.nowUnsafe(), "90 seconds") }
          const connection = yield* Effect.provide(
            Effect.gen(function* () {
              const connection = yield* activity
              yield* (yield* Holdfast.Holdfast).reserve("deallocation", termsOf(connection, 1n), used)
              yield* readInto(target, yield* written(source))
              return connection
            }),
            serviceOn(source),
          )
          const last = "SELECT max(seq)::text AS seq FROM journal"
          const before = BigInt(String((yield* query(target, last))[0]?.["seq"]))
          yield* Effect.provide(
            Effect.gen(function* () {
              const { reserve } = yield* Holdfast.Holdfast
              const terms = termsOf(connection, 1n)
              assert.strictEqual((yield* Effect.flip(reserve("deallocation", terms, used)))._tag, "NonceUsed")
              assert.strictEqual((yield* reserve("deallocation", terms, later)).state, "Reserved")
            }),
            serviceOn(target),
          )
          const after = BigInt(String((yield* query(target, last))[0]?.["seq"]))
          assert.isAbove(Number(after - before), 2 ** 32)
          assert.deepStrictEqual((yield* Audit.run(target.config)).findings, [])
        }),
      ),
    ),
)

it.live(
  "heads that were kept elsewhere show that the end of the journal was cut off, and that it was written anew",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        yield* Migrations.run(database.config)
        const heads = Effect.orDie(Stream.runCollect(Audit.heads(database.config)))
        const differing = Effect.fnUntraced(function* (against: Effect.Success<typeof heads>) {
          const { findings } = yield* Audit.run(database.config, { against })
          return findings.map(({ field, recorded, replayed }) => [field, recorded, replayed])
        })
        assert.deepStrictEqual(yield* heads, [])
        const holdfast = yield* Holdfast.Holdfast
        const connection = yield* funded(5n)
        const early = yield* heads
        const [first] = early
        yield* holdfast.adjust(adjustmentOf(connection, "debit", 1n))
        const late = yield* heads
        assert.deepStrictEqual(
          [early, late].map((heads) => heads.map(({ entries }) => entries)),
          [[1], [2]],
        )
        // Together too: each was at its place.
        assert.deepStrictEqual(yield* differing([...early, ...late]), [])

        yield* query(
          database,
          "ALTER TABLE journal DISABLE TRIGGER USER",
          "DELETE FROM journal WHERE event = 'Debited'",
          "DELETE FROM transfers WHERE state = 'Debited'",
          `UPDATE accounts SET available = 5, head = decode('${first?.hash}', 'hex')`,
        )
        assert.deepStrictEqual((yield* Audit.run(database.config)).findings, [], "Whoever may write can do that.")
        assert.deepStrictEqual(yield* differing(early), [])
        assert.deepStrictEqual(yield* differing(late), [["the hash of entry 2", null, late[0]?.hash]])

        yield* holdfast.adjust(adjustmentOf(connection, "debit", 2n))
        const [[field, recorded, expected] = []] = yield* differing([...early, ...late])
        assert.deepStrictEqual([field, expected], ["the hash of entry 2", late[0]?.hash])
        assert.match(String(recorded), /^[0-9a-f]{64}$/)

        yield* query(database, "DELETE FROM journal", "DELETE FROM transfers", "DELETE FROM accounts")
        assert.deepStrictEqual(
          (yield* differing(early)).map(([field, recorded]) => [field, recorded]),
          [["the hash of entry 1", null]],
        )
      }).pipe(Effect.provide(serviceOn(database))),
    ),
)
