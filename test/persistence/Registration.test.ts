/** A registration and a reservation that misses it have an order: the rejection is recorded before, or not at all. */
import { assert, it } from "@effect/vitest"
import { Holdfast } from "@holdfast/domain"
import { Effect, Fiber } from "effect"
import { query, serverOn, serviceOn, untilFound, untilWaiting, withDatabase } from "../support/Databases.ts"
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
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$",
      )
      yield* query(database, "CREATE TRIGGER linger AFTER INSERT ON connections EXECUTE FUNCTION linger()")
      const registered = yield* Effect.forkChild(deallocations.register(connection), { startImmediately: true })
      yield* untilFound(
        database,
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'",
      )
      const reserved = yield* deallocations.reserve("deallocation", termsOf(connection, 1n))
      assert.strictEqual(reserved.state === "Rejected" && reserved.reason, "INSUFFICIENT_BALANCE")
      yield* Fiber.join(registered)
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)
