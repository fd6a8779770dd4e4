/** A token counts once, whatever the clocks say and whatever was forgotten or restored meanwhile. */
import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Holdfast, type Ledger } from "@holdfast/domain"
import type { PgStore } from "@holdfast/persistence"
import { DateTime, Effect, Redacted, type Scope } from "effect"
import { query, serverOn, untilFound, withDatabase } from "../support/Databases.ts"
import { funded, termsOf } from "../support/Fixtures.ts"
import type { TestDatabase } from "../support/TestDatabase.ts"

type Database = TestDatabase["Service"]

/** A server that is stopped afterwards. */
const during = <A, E>(
  database: Database,
  config: Partial<PgStore.Config>,
  use: (service: Holdfast.Holdfast["Service"]) => Effect.Effect<A, E>,
) => Effect.scoped(Effect.flatMap(serverOn(database, config), use))

const expiring = (seconds: number, value: string = randomUUID()): Ledger.Nonce => ({
  value,
  expiresAt: DateTime.makeUnsafe(Date.now() + seconds * 1_000),
})

/** Whether a nonce is taken, by a command or by a request that is none. */
const isTaken = (service: Holdfast.Holdfast["Service"], nonce: Ledger.Nonce, by: "command" | "read") => {
  const used = by === "read" ? service.useNonce(nonce) : service.clear("deallocation", randomUUID() as never, nonce)
  return used.pipe(
    Effect.as("taken"),
    Effect.retry({ while: ({ _tag }) => _tag === "Unavailable", times: 20 }),
    Effect.catch(({ _tag }) => Effect.succeed(_tag === "NonceUsed" ? "refused" : "taken")),
  )
}

for (const by of ["command", "read"] as const) {
  it.live(`a server whose clock is behind takes no token again that was forgotten, for a ${by}`, () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        // By the clock of this server they are still good.
        const [old, older, unused] = [expiring(-600), expiring(-660), expiring(-605)]
        const service = yield* serverOn(database)
        for (const nonce of [older, old]) assert.strictEqual(yield* isTaken(service, nonce, by), "taken")
        // Whoever starts forgets first.
        yield* during(database, {}, () => untilFound(database, "SELECT 1 FROM nonces HAVING count(*) = 0"))
        for (const nonce of [old, older, unused]) {
          assert.strictEqual(yield* isTaken(service, nonce, by), "refused")
        }
        assert.strictEqual(yield* isTaken(service, expiring(-599), by), "taken")
      }),
    ),
  )
}

it.live("a token is remembered until five minutes after it expired", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const service = yield* serverOn(database)
      for (const seconds of [60, 1, -100, -290, -310]) yield* isTaken(service, expiring(seconds, `${seconds}`), "read")
      yield* during(database, {}, () =>
        untilFound(database, "SELECT 1 FROM nonces WHERE value = '-310' HAVING count(*) = 0"),
      )
      const rows = yield* query(database, "SELECT value FROM nonces ORDER BY expires_at DESC")
      assert.deepStrictEqual(
        rows.map((row) => row["value"]),
        ["60", "1", "-100", "-290"],
      )
    }),
  ),
)

it.live("the mark of what was forgotten never goes back", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const service = yield* serverOn(database)
      const mark = "SELECT nonces_until::text AS mark FROM forgotten"
      yield* isTaken(service, expiring(-600), "read")
      yield* during(database, {}, () => untilFound(database, "SELECT 1 FROM nonces HAVING count(*) = 0"))
      const before = yield* query(database, mark)
      // One that was somehow taken though it is older.
      yield* query(database, "INSERT INTO nonces (value, expires_at) VALUES ('older', now() - interval '1 day')")
      yield* during(database, {}, () => untilFound(database, "SELECT 1 FROM nonces HAVING count(*) = 0"))
      assert.deepStrictEqual(yield* query(database, mark), before)
    }),
  ),
)

/** Another database with what is in one now, as after a restore from a backup. */
const copyOf = (database: Database): Effect.Effect<Database, unknown, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const [row] = yield* query(database, "SELECT current_database() AS name")
      const copy = `${row?.["name"]}_copy`
      const server = new URL(database.url)
      server.pathname = "/postgres"
      const elsewhere = { config: { url: Redacted.make(server.href) } }
      yield* query(
        elsewhere,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${row?.["name"]}'`,
        `CREATE DATABASE ${copy} TEMPLATE ${row?.["name"]}`,
      )
      server.pathname = `/${copy}`
      return { copy, elsewhere, database: { url: server.href, config: { url: Redacted.make(server.href) } } }
    }),
    ({ copy, elsewhere }) => Effect.orDie(query(elsewhere, `DROP DATABASE ${copy} WITH (FORCE)`)),
  ).pipe(Effect.map(({ database }) => database))

/** Puts a copy of a database in its place. */
const replaced = Effect.fnUntraced(function* (database: Database) {
  const [row] = yield* query(database, "SELECT current_database() AS name")
  const server = new URL(database.url)
  server.pathname = "/postgres"
  const name = row?.["name"]
  yield* query(
    { config: { url: Redacted.make(server.href) } },
    `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    `CREATE DATABASE ${name}_copy TEMPLATE ${name}`,
    `DROP DATABASE ${name} WITH (FORCE)`,
    `ALTER DATABASE ${name}_copy RENAME TO ${name}`,
    `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`,
  )
})

describe("after a restore from a backup", () => {
  it.live("tokens from before are refused, those that were used since the backup too, and later ones are taken", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const [used, unused] = [expiring(60), expiring(60)]
        yield* during(database, {}, (service) => Effect.provideService(funded(10n), Holdfast.Holdfast, service))
        const backup = yield* copyOf(database)
        const connection = yield* during(database, {}, (service) =>
          Effect.gen(function* () {
            const connection = yield* Effect.provideService(funded(10n), Holdfast.Holdfast, service)
            yield* service.reserve("deallocation", termsOf(connection, 1n), used)
            return connection
          }),
        )
        yield* during(backup, {}, (service) =>
          Effect.gen(function* () {
            const replayed = yield* Effect.flip(service.reserve("deallocation", termsOf(connection, 1n), used))
            assert.strictEqual(replayed._tag, "NonceUsed")
            assert.strictEqual(yield* isTaken(service, unused, "read"), "refused")
            assert.strictEqual(yield* isTaken(service, expiring(66), "read"), "taken")
            assert.strictEqual(yield* isTaken(service, expiring(66), "command"), "taken")
          }),
        )
        // Now it is known where it lives: nothing more is refused at the next start.
        const mark = "SELECT nonces_until::text AS mark FROM forgotten"
        const before = yield* query(backup, mark)
        yield* during(backup, {}, (service) => service.ready)
        assert.deepStrictEqual(yield* query(backup, mark), before)
      }).pipe(Effect.scoped),
    ),
  )

  it.live("tokens from before are refused from the start on, whatever is asked first", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const unused = expiring(60)
        const made = DateTime.formatIso(unused.expiresAt)
        const mark = `SELECT nonces_until > '${made}' AS is_ahead FROM forgotten`
        yield* during(database, {}, (service) => service.ready)
        const backup = yield* copyOf(database)
        yield* during(backup, {}, (service) =>
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* query(backup, mark), [{ is_ahead: true }])
            assert.strictEqual(yield* isTaken(service, unused, "read"), "refused")
          }),
        )
      }).pipe(Effect.scoped),
    ),
  )

  for (const by of ["read", "command"] as const) {
    it.live(`that took the place of its database under a running server, for a ${by}`, () =>
      withDatabase((database) =>
        Effect.gen(function* () {
          const service = yield* serverOn(database)
          const used = expiring(60)
          assert.strictEqual(yield* isTaken(service, expiring(60), by), "taken")
          yield* replaced(database)
          assert.strictEqual(yield* isTaken(service, used, by), "refused")
          assert.strictEqual(yield* isTaken(service, expiring(66), by), "taken")
        }).pipe(Effect.scoped),
      ),
    )
  }

  it.live("of files under a running server, for a command in a new session", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const service = yield* serverOn(database, { incarnation: "second" })
        assert.strictEqual(yield* isTaken(service, expiring(60), "command"), "taken")
        yield* query(
          database,
          "UPDATE forgotten SET incarnation = 'first'",
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        assert.strictEqual(yield* isTaken(service, expiring(60), "command"), "refused")
      }).pipe(Effect.scoped),
    ),
  )

  it.live("of files, which shows in their incarnation where anybody can tell", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const takes = (incarnation: string | undefined) => {
          const nonce = expiring(60)
          return during(database, { incarnation }, (service) =>
            Effect.andThen(service.ready, isTaken(service, nonce, "command")),
          )
        }
        for (const incarnation of [undefined, "first", "first", undefined]) {
          assert.strictEqual(yield* takes(incarnation), "taken")
        }
        assert.strictEqual(yield* takes("second"), "refused")
      }),
    ),
  )
})

it.live("a new database refuses nothing", () =>
  withDatabase((database) =>
    during(database, {}, (service) =>
      Effect.gen(function* () {
        yield* service.ready
        assert.strictEqual(yield* isTaken(service, expiring(1), "command"), "taken")
        // In sessions of all ages.
        const many = Array.from({ length: 30 }, () => isTaken(service, expiring(60), "read"))
        assert.deepStrictEqual(new Set(yield* Effect.all(many, { concurrency: "unbounded" })), new Set(["taken"]))
      }),
    ),
  ),
)
