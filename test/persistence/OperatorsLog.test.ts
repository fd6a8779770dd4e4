/** The operators' log on PostgreSQL: shared by all servers, and nothing in it can be changed by one. */
import { randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Uuid } from "@holdfast/domain"
import { type Action, OperatorsLog } from "@holdfast/domain/OperatorsLog"
import { Migrations } from "@holdfast/persistence"
import { Context, DateTime, Effect, Layer, Redacted } from "effect"
import { query, serviceOn, withDatabase } from "../support/Databases.ts"

const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")

const action = (n: number, reason?: string): Action => ({
  id: Uuid.Uuid.make(`018f3f1e-0000-7000-8000-00000000000${n}`),
  at,
  operator: "anna",
  role: "admin",
  action: `PUT /operator/v1/locks/${n}/release`,
  ...(reason === undefined ? {} : { reason }),
})

it.live("what was begun and concluded is listed newest first, by whichever server, and once", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const logOf = Effect.map(Layer.build(Layer.fresh(serviceOn(database))), Context.get(OperatorsLog))
      const [log, other] = [yield* logOf, yield* logOf]
      assert.deepEqual(Redacted.value(log.sessionKey), Redacted.value(other.sessionKey))
      assert.lengthOf(Redacted.value(log.sessionKey), 32)
      const all = [action(1, "«Warum?» ' \" 口座🏦"), action(2), action(3)]
      for (const one of all) yield* log.begin(one)
      yield* log.conclude(action(1).id, at, "done")
      yield* other.conclude(action(1).id, at, "done")
      yield* other.conclude(action(2).id, at, "urn:holdfast:problem:state-conflict")
      const expected = [
        all[2],
        { ...all[1], outcome: "urn:holdfast:problem:state-conflict" },
        { ...all[0], outcome: "done" },
      ]
      assert.deepEqual<unknown>((yield* other.list({ limit: 10 })).items, expected)
      const page = yield* other.list({ limit: 2 })
      const next = yield* other.list({ limit: 2, cursor: page.next })
      assert.deepEqual<unknown>([...page.items, ...next.items], expected)
      assert.isUndefined(next.next)
    }),
  ),
)

it.live("what many ask for at the same time is written together, and each is told when it is", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const log = yield* Effect.map(Layer.build(serviceOn(database)), Context.get(OperatorsLog))
      const actions = Array.from({ length: 200 }, () => ({ ...action(0), id: Uuid.Uuid.make(randomUUID()) }))
      const known = Effect.map(query(database, "SELECT id FROM operators_log"), (rows) => rows.map(({ id }) => id))
      yield* Effect.forEach(
        actions,
        (action) =>
          Effect.andThen(
            log.begin(action),
            Effect.flatMap(known, (known) => Effect.sync(() => assert.include(known, action.id))),
          ),
        { concurrency: 20 },
      )
      yield* Effect.forEach(actions, ({ id }) => log.conclude(id, at, "done"), { concurrency: "unbounded" })
      for (const table of ["operators_log", "operators_log_outcomes"]) {
        const [row] = yield* query(
          database,
          `SELECT count(*)::int AS rows, count(DISTINCT xmin::text)::int AS statements FROM ${table}`,
        )
        assert.strictEqual(row?.["rows"], 200)
        assert.isBelow(Number(row?.["statements"]), 100)
      }
      // One that cannot be written down keeps no later one from being.
      const [first] = actions
      if (first === undefined) return
      yield* Effect.exit(log.begin(first))
      const later = { ...action(0), id: Uuid.Uuid.make(randomUUID()) }
      yield* log.begin(later)
      assert.include(yield* known, later.id)
    }).pipe(Effect.scoped),
  ),
)

it.live("a server's role can add to it, and change or remove nothing", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const role = `holdfast_test_${randomUUID().replaceAll("-", "")}`
      yield* query(database, `CREATE ROLE ${role}`)
      yield* Migrations.run(database.config, { role })
      for (const table of ["operators_log", "operators_log_outcomes"]) {
        const rows = yield* query(
          database,
          `SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
            WHERE has_table_privilege('${role}', 'holdfast.${table}', privilege)`,
        )
        assert.deepEqual(
          rows.map((row) => row["privilege"]),
          ["SELECT", "INSERT"],
        )
      }
      yield* query(database, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`)
    }),
  ),
)
