/** What is reserved, as metrics: bounded, seldom read, and no obstacle where the store does not answer. */
import { assert, it } from "@effect/vitest"
import { Amount, Store } from "@holdfast/domain"
import { DateTime, Effect, Metric } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { TestClock } from "effect/testing"
import * as ReservedMetrics from "../../packages/http/src/handlers/ReservedMetrics.ts"

const start = DateTime.makeUnsafe(0)

const reservedOf = (currency: string, count: number): Store.Reserved => ({
  kind: "deallocation",
  currency: Amount.Currency.make(currency),
  count,
  quantity: 10n ** 30n,
  oldestAt: start,
  ages: [count, 0, 0, 0, 0, 0],
})

const samples = Effect.map(
  PrometheusMetrics.format(),
  (text) => new Map(Array.from(text.matchAll(/^([^#].*) (\S+)$/gm), ([, sample = "", value = ""]) => [sample, value])),
)

const label = (currency: string) => `{kind="deallocation",currency="${currency}"}`

it.effect("fifty currencies have series of their own, those that count least are one, and who is gone has none", () =>
  Effect.gen(function* () {
    let asked = 0
    let reserved = Array.from({ length: 53 }, (_, n) => reservedOf(`C${n}`, 100 - n))
    const read = yield* ReservedMetrics.make({
      reserved: Effect.sync(() => {
        asked++
        return reserved
      }),
    })
    yield* read
    yield* TestClock.adjust("9 seconds")
    yield* read
    assert.strictEqual(asked, 1)
    let seen = yield* samples
    const counts = () => [...seen.keys()].filter((name) => name.startsWith("holdfast_reserved_transfers"))
    assert.lengthOf(counts(), 51)
    assert.strictEqual(seen.get(`holdfast_reserved_transfers${label("C49")}`), "51")
    assert.strictEqual(seen.get(`holdfast_reserved_transfers${label("other")}`), String(50 + 49 + 48))
    assert.strictEqual(seen.get(`holdfast_reserved_base_units${label("other")}`), String(3n * 10n ** 30n))
    // It grows, read or not.
    assert.strictEqual(seen.get('holdfast_reserved_oldest_age_seconds{kind="deallocation"}'), "9")
    assert.strictEqual(seen.get('holdfast_reserved_oldest_age_seconds{kind="lock"}'), "0")
    reserved = [reservedOf("C1", 7)]
    yield* TestClock.adjust("2 seconds")
    yield* read
    seen = yield* samples
    assert.deepStrictEqual(counts(), [`holdfast_reserved_transfers${label("C1")}`])
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())),
)

it.effect("a store that does not answer leaves what was known", () =>
  Effect.gen(function* () {
    let answer: Effect.Effect<ReadonlyArray<Store.Reserved>, Store.Unavailable> = Effect.succeed([reservedOf("C1", 7)])
    const read = yield* ReservedMetrics.make({ reserved: Effect.suspend(() => answer) })
    yield* read
    const away = Effect.fail(new Store.Unavailable({ reason: "Away.", retryAfterSeconds: 1 }))
    for (const failing of [away, Effect.die("a fault")]) {
      answer = failing
      yield* TestClock.adjust("11 seconds")
      yield* read
      assert.strictEqual((yield* samples).get(`holdfast_reserved_transfers${label("C1")}`), "7")
    }
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())),
)
