/** Several servers on one database: here, several instances of the service, each with connections of its own. */
import { assert, it } from "@effect/vitest"
import { Holdfast } from "@holdfast/domain"
import { Array as Array_, Context, DateTime, Effect, Fiber, Result } from "effect"
import { holdAccounts, query, serverOn, untilWaiting, withDatabase } from "../support/Databases.ts"
import { adjustmentOf, balanceOf, funded, newConnection, termsOf } from "../support/Fixtures.ts"
import type { TestDatabase } from "../support/TestDatabase.ts"

/** So many instances, started at once. */
const instances = (database: TestDatabase["Service"], count: number) =>
  Effect.forEach(Array_.range(1, count), () => serverOn(database), { concurrency: "unbounded" })

const at = <A>(values: ReadonlyArray<A>, index: number): A => {
  const value = values[index % values.length]
  if (value === undefined) throw new Error("There are no values.")
  return value
}

it.live("servers that start at once migrate once", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const services = yield* instances(database, 4)
      yield* Effect.forEach(services, (service) => service.ready)
      const rows = yield* query(database, "SELECT name FROM holdfast_migrations ORDER BY migration_id")
      assert.deepStrictEqual(rows, [
        { name: "initial" },
        { name: "journal_by_transfer" },
        { name: "journal_hashes" },
        { name: "journal_in_order" },
        { name: "checks_in_domains" },
        { name: "commits_and_forgotten" },
        { name: "kinds_and_balances" },
        { name: "connections_and_lists" },
        { name: "operators_log" },
        { name: "transfers_by_partners_id" },
      ])
    }),
  ),
)

it.live("a hundred equal reservations through two servers hold once", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const services = yield* instances(database, 2)
      const here = Context.make(Holdfast.Holdfast, at(services, 0))
      const connection = yield* Effect.provide(funded(10n), here)
      const terms = termsOf(connection, 4n)
      const answers = yield* Effect.forEach(
        Array_.range(1, 100),
        (n) => at(services, n).reserve("deallocation", terms),
        {
          concurrency: "unbounded",
        },
      )
      assert.strictEqual(new Set(answers.map((_) => `${_.state} ${_.partnerTransferId}`)).size, 1)
      assert.deepInclude(yield* Effect.provide(balanceOf(connection), here), { available: 6n, reserved: 4n })
      assert.lengthOf(yield* at(services, 1).journal(terms.id), 1)
    }),
  ),
)

it.live("credits, holds and clears of two servers on one account add up", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const services = yield* instances(database, 2)
      const here = Context.make(Holdfast.Holdfast, at(services, 0))
      const connection = yield* at(services, 0).register(newConnection())
      // The account does not exist yet: both servers meet at its key.
      yield* Effect.forEach(
        Array_.range(1, 100),
        (n) => at(services, n).adjust(adjustmentOf(connection, "credit", 5n)),
        { concurrency: "unbounded" },
      )
      yield* Effect.forEach(
        Array_.range(1, 100),
        Effect.fnUntraced(function* (n) {
          const terms = termsOf(connection, 3n)
          yield* at(services, n).reserve("deallocation", terms)
          yield* n % 4 === 0
            ? at(services, n + 1).release("deallocation", terms.id)
            : at(services, n + 1).clear("deallocation", terms.id)
        }),
        { concurrency: 20 },
      )
      assert.deepInclude(yield* Effect.provide(balanceOf(connection), here), {
        available: 275n,
        reserved: 0n,
        deallocated: 225n,
      })
    }),
  ),
)

it.live("a nonce counts once, whichever server sees it, and after a restart", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const nonce = { value: "token-1", expiresAt: DateTime.makeUnsafe(Date.now() + 60_000) }
      const services = yield* instances(database, 2)
      const connection = yield* Effect.provideService(funded(1_000n), Holdfast.Holdfast, at(services, 0))
      const results = yield* Effect.forEach(
        Array_.range(1, 100),
        (n) => Effect.result(at(services, n).reserve("deallocation", termsOf(connection, 1n), nonce)),
        { concurrency: "unbounded" },
      )
      const failed = results.filter(Result.isFailure)
      assert.lengthOf(failed, 99)
      assert.isTrue(failed.every((_) => _.failure._tag === "NonceUsed"))
      const restarted = at(yield* instances(database, 1), 0)
      assert.strictEqual((yield* Effect.flip(restarted.useNonce(nonce)))._tag, "NonceUsed")
    }),
  ),
)

it.live("a deallocation that appears while its clear waits for the lock is found", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const services = yield* instances(database, 2)
      const here = Context.make(Holdfast.Holdfast, at(services, 0))
      const connection = yield* Effect.provide(funded(10n), here)
      const [first, second] = [termsOf(connection, 1n), termsOf(connection, 2n)]
      yield* at(services, 0).reserve("deallocation", first)
      const release = yield* holdAccounts(database)
      // One server waits to reserve the second, the other to clear both in one batch.
      const reserved = yield* Effect.forkChild(at(services, 0).reserve("deallocation", second), {
        startImmediately: true,
      })
      yield* untilWaiting(database, 1)
      const cleared = yield* Effect.forEach([first, second], ({ id }) =>
        Effect.forkChild(Effect.result(at(services, 1).clear("deallocation", id)), { startImmediately: true }),
      )
      yield* untilWaiting(database, 2)
      yield* release
      yield* Fiber.join(reserved)
      const outcomes = yield* Effect.forEach(cleared, Fiber.join)
      assert.isTrue(Result.isSuccess(at(outcomes, 0)))
      const balance = yield* Effect.provide(balanceOf(connection), here)
      assert.strictEqual(balance.available + balance.reserved + balance.deallocated, 10n)
      // Whether the clear came before or after the reservation, the answer and the balance agree.
      assert.strictEqual(balance.deallocated, Result.isSuccess(at(outcomes, 1)) ? 3n : 1n)
    }),
  ),
)
