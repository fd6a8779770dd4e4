/** The service on PostgreSQL answers as the model does, under the property and the races that the in-memory one passes. */
import { assert, it } from "@effect/vitest"
import { type Deallocation, Holdfast } from "@holdfast/domain"
import { Effect } from "effect"
import { assertJournals, query, serviceOn, withDatabase } from "../support/Databases.ts"
import { adjustmentOf, funded, termsOf } from "../support/Fixtures.ts"
import { ledgerProperty } from "../support/LedgerProperty.ts"
import { races } from "../support/Races.ts"
import * as System from "../support/System.ts"

const policies = [
  { releasedRepost: "reserve" },
  { releasedRepost: "conflict", suspendedDeallocations: "reject" },
] as const

for (const policy of policies) {
  it.live(
    `whatever is asked is answered as the model answers (${JSON.stringify(policy)})`,
    () =>
      withDatabase((database) =>
        Effect.gen(function* () {
          const system = System.fromService(yield* Holdfast.Holdfast)
          yield* Effect.promise(() =>
            ledgerProperty(() => system, {
              kinds: ["deallocation", "allocation", "lock"],
              policy,
              numRuns: 50,
            }),
          )
          yield* assertJournals(database)
        }).pipe(Effect.provide(serviceOn(database, policy))),
      ),
    60_000,
  )
}

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

for (const [title, race] of Object.entries(races)) {
  it.live(title, () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const system = System.fromService(yield* Holdfast.Holdfast)
        yield* Effect.promise(() => race(system))
      }).pipe(Effect.provide(serviceOn(database))),
    ),
  )
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
