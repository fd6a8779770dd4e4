/** What many ask for at once is done for all of them, and tells nobody what was before they asked. */
import { assert, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Shared from "../../packages/persistence/src/Shared.ts"

/** Lets the test's clock go on until a fiber has ended. */
const ended = Effect.fnUntraced(function* (fiber: Fiber.Fiber<unknown>) {
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 millis")
  return yield* Fiber.join(fiber)
})

it.effect("whoever asks while it is being done shares the next time, however many they are", () =>
  Effect.gen(function* () {
    let now = 0
    let begun = 0
    const ask = yield* Shared.make(
      Effect.gen(function* () {
        begun++
        const seen = now
        yield* Effect.sleep("20 millis")
        return seen
      }),
    )
    const asked = Effect.gen(function* () {
      const before = now
      assert.isAtLeast(yield* ask, before)
    })
    const askers = yield* Effect.forEach(Array.from({ length: 100 }), () =>
      Effect.sync(() => now++).pipe(
        Effect.andThen(Effect.forkChild(asked)),
        Effect.tap(() => (now % 10 === 0 ? TestClock.adjust("1 millis") : Effect.void)),
      ),
    )
    yield* ended(yield* Effect.forkChild(Fiber.joinAll(askers)))
    assert.isBelow(begun, 5)
    // It is busy with it for half of the time.
    const begunMillis = yield* Clock.currentTimeMillis
    yield* ended(yield* Effect.forkChild(Effect.repeat(ask, { times: 3 })))
    assert.isAtLeast((yield* Clock.currentTimeMillis) - begunMillis, 4 * 20 + 3 * 20)
  }).pipe(Effect.scoped),
)

it.live("one who goes, a failure and the end of all keep nobody else waiting", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const gate = yield* Deferred.make<void>()
    let fails = false
    const ask = yield* Scope.provide(
      Shared.make(
        Effect.andThen(
          Deferred.await(gate),
          Effect.suspend(() => (fails ? Effect.fail("no") : Effect.succeed("yes"))),
        ),
      ),
      scope,
    )
    const first = yield* Effect.forkChild(ask)
    yield* Effect.yieldNow
    const others = yield* Effect.forEach([1, 2], () => Effect.forkChild(ask))
    yield* Effect.yieldNow
    yield* Fiber.interrupt(first)
    yield* Deferred.succeed(gate, undefined)
    assert.deepStrictEqual(yield* Fiber.joinAll(others), ["yes", "yes"])
    fails = true
    assert.strictEqual(yield* Effect.flip(ask), "no")
    fails = false
    assert.strictEqual(yield* ask, "yes")

    const never = yield* Scope.provide(Shared.make(Effect.never), scope)
    const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.tap(Effect.forkChild(never), Effect.yieldNow))
    yield* Scope.close(scope, Exit.void)
    for (const fiber of waiting) assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
  }),
)
