/** What a failure means, for failures as PostgreSQL and the driver make them. */
import { PgConnection } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Failures from "../../packages/persistence/src/Failures.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const raised = (code: string) => `DO $$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '${code}'; END $$`

const expected = {
  passing: {
    "25006": "a database that can only be read",
    "25P02": "a transaction that has failed already",
    "25P03": "a transaction that was idle for too long",
    "26000": "a prepared statement that was forgotten",
    "40001": "a serialization failure",
    "40P01": "a deadlock",
    "53100": "a full disk",
    "53200": "no memory",
    "53300": "too many connections",
    "55P03": "a lock that was not to be had",
    "57014": "a statement that took too long",
    "57P01": "a server that is shut down",
    "58030": "a fault of the disk",
    "23505": "a race for a key",
  },
  lasting: {
    "22003": "a number that is too large",
    "22P02": "text that is no number",
    "23502": "a value that is missing",
    "23503": "a key that is not there",
    "23514": "a check that failed",
    "42501": "a right that is missing",
    "42703": "a column that is not there",
    "42P01": "a table that is not there",
    P0001: "an exception of a trigger",
    XX000: "a fault of PostgreSQL's own",
  },
} as const

layer(TestDatabase.layer)("a failure", (it) => {
  for (const [kind, codes] of Object.entries(expected)) {
    describe(`is ${kind}:`, () => {
      for (const [code, what] of Object.entries(codes)) {
        it.effect(`${what} (${code})`, () =>
          Effect.gen(function* () {
            const connection = yield* PgConnection.make((yield* TestDatabase).config)
            const failure = yield* Effect.flip(connection.query(raised(code)))
            assert.strictEqual(Failures.kindOf(failure), kind)
          }),
        )
      }
    })
  }

  it.effect("is one of the connection: whatever is wrong with it", () =>
    Effect.gen(function* () {
      const { config } = yield* TestDatabase
      const refused = yield* Effect.flip(PgConnection.make({ host: "127.0.0.1", port: 1, username: "x" }))
      assert.strictEqual(Failures.kindOf(refused), "connection")
      const connection = yield* PgConnection.make(config)
      const terminated = yield* Effect.flip(connection.query("SELECT pg_terminate_backend(pg_backend_pid())"))
      assert.include(["connection", "passing"], Failures.kindOf(terminated))
      assert.strictEqual(Failures.kindOf(yield* Effect.flip(connection.query("SELECT 1"))), "connection")
      // Whatever keeps one from connecting says nothing of a batch.
      const stranger = { ...config, database: "none", url: Redacted.make("postgres:///none") }
      const failure = yield* Effect.flip(Failures.connecting(Effect.andThen(PgConnection.make(stranger), Effect.void)))
      assert.strictEqual(failure.kind, "connection")
    }),
  )
})
