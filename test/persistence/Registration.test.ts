/** A registration and a reservation that misses it have an order: the rejection is recorded before, or not at all. */
import { assert, it } from "@effect/vitest"
import { Holdfast } from "@holdfast/domain"
import { Effect, Fiber } from "effect"
import { open, query, serverOn, serviceOn, untilWaiting, withDatabase } from "../support/Databases.ts"
import * as FaultyStream from "../support/FaultyStream.ts"
import { newConnection, termsOf } from "../support/Fixtures.ts"

it.live("a registration waits for a batch that is about to reject something for want of it", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const wires = FaultyStream.make(database.config.url)
      const first = yield* serverOn(database, { connection: { ...database.config, stream: wires.stream } })
      const second = yield* serverOn(database)
      const connection = newConnection()
      yield* first.ready
      wires.arm(FaultyStream.commit, "held")
      const reserved = yield* Effect.forkChild(first.reserve("deallocation", termsOf(connection, 1n)), {
        startImmediately: true,
      })
      yield* Effect.eventually(
        Effect.filterOrFail(
          Effect.sync(wires.left),
          (left) => left === 0,
          () => "not yet",
        ),
      )
      const registered = yield* Effect.forkChild(second.register(connection), { startImmediately: true })
      yield* untilWaiting(database)
      assert.lengthOf(yield* query(database, "SELECT * FROM connections"), 0)
      wires.arrive()
      const rejected = yield* Fiber.join(reserved)
      assert.strictEqual(rejected.state === "Rejected" && rejected.reason, "UNKNOWN_CONNECTION")
      assert.deepStrictEqual(yield* Fiber.join(registered), { ...connection, suspended: false })
    }),
  ),
)

it.live("a reservation that waits for a registration finds it", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = newConnection()
      // A registration whose end is held up: it has the lock, and has written.
      yield* query(
        database,
        "CREATE TABLE gate ()",
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE gate; RETURN NULL; END $$",
        "CREATE TRIGGER linger AFTER INSERT ON connections EXECUTE FUNCTION linger()",
      )
      const holder = yield* open(database)
      yield* holder.query("BEGIN")
      yield* holder.query("LOCK TABLE gate")
      const registered = yield* Effect.forkChild(deallocations.register(connection), { startImmediately: true })
      yield* untilWaiting(database)
      const reserved = yield* Effect.forkChild(deallocations.reserve("deallocation", termsOf(connection, 1n)), {
        startImmediately: true,
      })
      yield* untilWaiting(database, 2)
      yield* holder.query("ROLLBACK")
      const rejected = yield* Fiber.join(reserved)
      assert.strictEqual(rejected.state === "Rejected" && rejected.reason, "INSUFFICIENT_BALANCE")
      yield* Fiber.join(registered)
    }).pipe(Effect.scoped, Effect.provide(serviceOn(database))),
  ),
)
