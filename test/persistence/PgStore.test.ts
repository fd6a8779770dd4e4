/** The service on PostgreSQL answers as the model does, under the property and the races that the in-memory one passes. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { type Deallocation, Holdfast, type Store, type Transfer } from "@holdfast/domain"
import { laws } from "@holdfast/domain/testing"
import { PgStore } from "@holdfast/persistence"
import { Effect, Exit, Scope } from "effect"
import { assertJournals, query, serviceOn, withDatabase } from "../support/Databases.ts"
import { adjustmentOf, funded, termsOf } from "../support/Fixtures.ts"
import { obeys } from "../support/Laws.ts"
import { looseQueries } from "../support/LooseQueries.ts"
import * as Quiet from "../support/Quiet.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

describe("a store on PostgreSQL", () => {
  const scope = Effect.runSync(Scope.make())
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  const database = Effect.runSync(Effect.cached(Scope.provide(TestDatabase.make, scope)))
  const stores = new Map<string, Promise<Store.Store>>()

  /** One store for each policy, all on one database. */
  const storeWith = (policy: Transfer.Policy) =>
    Effect.promise(() => {
      const key = JSON.stringify(policy, (_, value) => (value instanceof Set ? [...value] : value))
      const made = Effect.flatMap(database, ({ config }) => PgStore.make({ connection: config, ...policy }))
      const store = stores.get(key) ?? Effect.runPromise(made.pipe(Scope.provide(scope), Effect.provide(Quiet.layer)))
      stores.set(key, store)
      return store
    })

  obeys(laws(storeWith, { runs: 50 }))

  it.live(
    "has whole journals after all that",
    () => Effect.flatMap(database, (database) => Effect.provide(assertJournals(database), serviceOn(database))),
    60_000,
  )
})

it.live("a transfer's journal is whole however its entries came about: one by one, in one batch, in one moment", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const holdfast = yield* Holdfast.Holdfast
      const reserve = (terms: Deallocation.Terms) => holdfast.reserve("deallocation", terms)
      const clear = ({ id }: Deallocation.Terms) => holdfast.clear("deallocation", id)
      const release = ({ id }: Deallocation.Terms) => holdfast.release("deallocation", id)
      const connection = yield* funded(100n)
      const [slow, quick] = [termsOf(connection, 1n), termsOf(connection, 2n)]
      const calls = (terms: Deallocation.Terms): ReadonlyArray<Effect.Effect<unknown, unknown>> => [
        ...[reserve(terms), release(terms), reserve(terms), release(terms)],
        ...[reserve(terms), clear(terms)],
      ]
      for (const call of calls(slow)) yield* Effect.andThen(call, Effect.sleep(2))
      yield* Effect.all(calls(quick), { concurrency: "unbounded" })
      yield* assertJournals(database)
      const [row] = yield* query(
        database,
        `SELECT count(DISTINCT at) AS moments, count(DISTINCT xmin::text) AS transactions, count(*) AS n
        FROM journal WHERE transfer_id = '${quick.id}'`,
      )
      const { moments, transactions, n } = row ?? {}
      assert.strictEqual(Number(n), 6)
      assert.isBelow(Number(moments), 6)
      assert.isBelow(Number(transactions), 6)
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

for (const [title, check] of Object.entries(looseQueries)) {
  it.live(`of queries ${title}`, () => withDatabase((database) => Effect.provide(check, serviceOn(database))))
}

it.live("a deallocation that is released, asked for again and rejected then has the reason, and keeps it", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const holdfast = yield* Holdfast.Holdfast
      const connection = yield* funded(5n)
      const terms = termsOf(connection, 5n)
      yield* holdfast.reserve("deallocation", terms)
      yield* holdfast.release("deallocation", terms.id)
      yield* holdfast.adjust(adjustmentOf(connection, "debit", 1n))
      const rejected = yield* holdfast.reserve("deallocation", terms)
      assert.deepInclude(rejected, { state: "Rejected", reason: "INSUFFICIENT_BALANCE" })
      assert.deepStrictEqual(yield* holdfast.find("deallocation", terms.id), rejected)
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)
