/** Following the journal: those at its end look for more together, and who falls behind is told apart. */
import { assert, it } from "@effect/vitest"
import { Holdfast, MemoryStore, type Store } from "@holdfast/domain"
import { Effect, Fiber, Metric, Queue, Stream } from "effect"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import { TestClock } from "effect/testing"
import { adjustmentOf, funded } from "../support/Fixtures.ts"

/** The service over a store in memory, the places that it was asked to go on from, and its gauges. */
const counting = Effect.gen(function* () {
  const asked: Array<Store.Place | undefined> = []
  const { store } = yield* MemoryStore.make()
  const service = yield* Holdfast.make({
    ...store,
    entries: (after, limit) => {
      asked.push(after)
      return store.entries(after, limit)
    },
  })
  const connection = yield* Effect.provideService(funded(1_000n), Holdfast.Holdfast, service)
  const gauge = (name: string) =>
    Effect.map(Metric.snapshot, (all) => {
      const state = all.find(({ id }) => id === name)?.state
      return state !== undefined && "value" in state ? Number(state.value) : assert.fail(name)
    })
  /** Adds so many entries. */
  const add = (count: number) =>
    Effect.repeat(
      Effect.suspend(() => service.adjust(adjustmentOf(connection, "debit", 1n))),
      { times: count - 1 },
    )
  return { service, asked, add, gauge }
}).pipe(Effect.provide(layerWebCrypto))

const isolated = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

const follower = Effect.fnUntraced(function* (service: Holdfast.Holdfast["Service"], after?: Store.Place) {
  const places: Array<string> = []
  const fiber = yield* Effect.forkChild(
    Stream.runForEach(service.follow(after), ({ place }) => Effect.sync(() => places.push(place))),
    { startImmediately: true },
  )
  return { places, fiber }
})

it.effect("twenty followers at the end look once for all, however they came to it", () =>
  isolated(
    Effect.gen(function* () {
      const { service, asked, add } = yield* counting
      const followers = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) => Effect.andThen(TestClock.adjust(n), follower(service)),
      )
      yield* TestClock.adjust("500 millis")
      for (let round = 0; round < 3; round++) {
        asked.length = 0
        yield* add(2)
        yield* TestClock.adjust("500 millis")
        assert.lengthOf(asked, 1)
      }
      for (const { places } of followers) assert.deepStrictEqual(places, ["1", "2", "3", "4", "5", "6", "7"])
      yield* Fiber.interruptAll(followers.map(({ fiber }) => fiber))
      asked.length = 0
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(asked, 0)
    }),
  ),
)

it.effect("whoever leaves takes nobody's look away, and who is at another place misses nothing", () =>
  isolated(
    Effect.gen(function* () {
      const { service, add } = yield* counting
      const first = yield* follower(service)
      const second = yield* follower(service)
      yield* TestClock.adjust("100 millis")
      yield* add(3)
      // It read as far as 4 when it came, the others as far as 1.
      const third = yield* follower(service)
      yield* Fiber.interrupt(first.fiber)
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(first.places, ["1"])
      assert.deepStrictEqual(second.places, ["1", "2", "3", "4"])
      // More than a page, for the one that is behind the other.
      yield* add(450)
      yield* TestClock.adjust("500 millis")
      yield* TestClock.adjust("500 millis")
      const all = Array.from({ length: 454 }, (_, n) => String(n + 1))
      for (const { places } of [second, third]) assert.deepStrictEqual(places, all)
    }),
  ),
)

it.effect(
  "a follower lags by the age of what it was given and does not go on from; without followers nobody does",
  () =>
    isolated(
      Effect.gen(function* () {
        const { service, add, gauge } = yield* counting
        const [lag, count] = [gauge("holdfast_feed_lag_seconds"), gauge("holdfast_feed_followers")]
        assert.deepStrictEqual([yield* lag, yield* count], [0, 0])
        yield* add(1)
        const gate = yield* Queue.unbounded<void>()
        const slow = yield* Effect.forkChild(
          Stream.runForEach(service.follow(), () => Queue.take(gate)),
          { startImmediately: true },
        )
        const quick = yield* follower(service)
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual([yield* lag, yield* count], [30, 2])
        yield* Queue.offerAll(gate, [undefined, undefined])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([yield* lag, yield* count], [0, 2])
        yield* Fiber.interruptAll([slow, quick.fiber])
        assert.deepStrictEqual([yield* lag, yield* count], [0, 0])
      }),
    ),
)
