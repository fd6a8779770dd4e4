/** Databases of other versions: an older one is brought up to date, a newer one is left alone. */
import * as Fs from "node:fs"
import { assert, it } from "@effect/vitest"
import { Deallocations } from "@holdfast/domain"
import { Audit } from "@holdfast/persistence"
import { Effect, Layer } from "effect"
import { query, serviceOn, withDatabase } from "../support/Databases.ts"
import { balanceOf, funded, termsOf } from "../support/Fixtures.ts"

/** The tables of an earlier commit, with what `npm run simulate` left in them. */
const earlier = Fs.readFileSync(new URL("tables-0002.sql", import.meta.url), "utf8")

it.live("a database of an earlier version opens, keeps what it has, and goes on", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      yield* query(database, ...earlier.split(/;\n(?=\n)/).filter((statement) => statement.trim() !== ""))
      const everything =
        "SELECT transfer_id, event, quantity, available, reserved, deallocated, at FROM journal ORDER BY seq"
      const before = yield* query(database, everything)
      assert.lengthOf(before, 99)
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* query(database, everything), before)
        assert.deepStrictEqual((yield* Audit.run(database.config)).findings, [])
        const deallocations = yield* Deallocations.Deallocations
        const connection = yield* funded(10n)
        yield* deallocations.reserve(termsOf(connection, 3n))
        assert.deepInclude(yield* balanceOf(connection), { available: 7n, reserved: 3n })
        const [open] = (yield* deallocations.list({ state: "Reserved", limit: 200 })).deallocations.slice(1)
        assert.isDefined(open)
        if (open !== undefined) yield* deallocations.clear(open.terms.deallocationId)
        assert.deepStrictEqual((yield* Audit.run(database.config)).findings, [])
      }).pipe(Effect.provide(serviceOn(database)))
    }),
  ),
)

it.live("a database of a newer version is refused, and untouched", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      yield* Effect.scoped(Layer.build(Layer.fresh(serviceOn(database))))
      yield* query(database, "INSERT INTO holdfast_migrations (migration_id, name) VALUES (99, 'to_come')")
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.fresh(serviceOn(database)))))
      assert.strictEqual(
        error.message,
        "The database has the tables of a newer version (migration 99). This one knows them up to 3: run the newer version.",
      )
      const rows = yield* query(database, "SELECT max(migration_id) AS last, count(*) AS n FROM holdfast_migrations")
      assert.deepStrictEqual(
        rows.map((row) => [Number(row["last"]), Number(row["n"])]),
        [[99, 4]],
      )
    }),
  ),
)
