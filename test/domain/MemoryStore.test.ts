import { assert, describe, it } from "@effect/vitest"
import { type Deallocation, Holdfast, type Ledger, MemoryStore, type Store } from "@holdfast/domain"
import { laws } from "@holdfast/domain/testing"
import { DateTime, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Generators from "../support/Generators.ts"
import { obeys } from "../support/Laws.ts"
import { looseQueries } from "../support/LooseQueries.ts"

const { uuid, units } = Generators

describe("a store in memory", () =>
  obeys(laws((policy) => Effect.map(MemoryStore.make(policy), ({ store }) => store), { runs: 300 })))

describe("in memory, of queries", () => {
  for (const [title, check] of Object.entries(looseQueries)) {
    it.effect(title, () => Effect.provide(check, MemoryStore.layer()))
  }
})

const [connection = assert.fail(), otherConnection = assert.fail()] = Generators.registered
const [currency = assert.fail(), otherCurrency = assert.fail()] = Generators.currencies

const funded = Effect.gen(function* () {
  const service = yield* Holdfast.Holdfast
  for (const [n, { connectionId, ...identifiers }] of [connection, otherConnection].entries()) {
    yield* service.register({ connectionId, ...identifiers })
    for (const [m, of] of [currency, otherCurrency].entries()) {
      const id = uuid(1000 + 2 * n + m)
      const amount = { currency: of, quantity: units(100n) }
      yield* service.adjust({ id, connectionId, direction: "credit", amount }, { newCurrency: true })
    }
  }
  return service
})

const terms = (n: number, quantity = 1n, on = connection, of = currency): Deallocation.Terms => ({
  id: uuid(n),
  amount: { currency: of, quantity: units(quantity) },
  ...on,
})

const inMemory = Effect.provide(MemoryStore.layer())

describe("the list of deallocations", () => {
  const listAll = Effect.fnUntraced(function* (query: Store.Query) {
    const service = yield* Holdfast.Holdfast
    const pages = [yield* service.list("deallocation", query)]
    for (let next = pages[0]?.next; next !== undefined && pages.length < 100; next = pages.at(-1)?.next) {
      pages.push(yield* service.list("deallocation", { ...query, cursor: next }))
    }
    return pages.map((page) => page.items.map((deallocation) => deallocation.terms.id))
  })

  it.effect("is newest first, and by id where times are equal, whatever has happened since", () =>
    Effect.gen(function* () {
      const service = yield* funded
      for (const n of [5, 9, 7]) yield* service.reserve("deallocation", terms(n))
      yield* TestClock.adjust("1 second")
      for (const n of [8, 4]) yield* service.reserve("deallocation", terms(n))
      yield* TestClock.adjust("1 milli")
      yield* service.reserve("deallocation", terms(6))
      yield* TestClock.adjust("1 hour")
      yield* service.clear("deallocation", uuid(5))
      yield* service.release("deallocation", uuid(4))
      yield* service.reserve("deallocation", terms(4))
      assert.deepStrictEqual(yield* listAll({ limit: 200 }), [[6, 8, 4, 9, 7, 5].map(uuid)])
    }).pipe(inMemory),
  )

  it.effect("is the same whole list in pages of any size, each full but the last", () =>
    Effect.gen(function* () {
      const service = yield* funded
      const count = 13
      for (let n = 1; n <= count; n++) {
        yield* service.reserve("deallocation", terms((n * 5) % count))
        if (n % 3 === 0) yield* TestClock.adjust("1 milli")
      }
      const [whole = []] = yield* listAll({ limit: 200 })
      assert.strictEqual(new Set(whole).size, count)
      for (let limit = 1; limit <= count + 1; limit++) {
        const pages = yield* listAll({ limit })
        assert.deepStrictEqual(pages.flat(), whole)
        assert.strictEqual(pages.length, Math.ceil(count / limit))
        for (const page of pages.slice(0, -1)) assert.strictEqual(page.length, limit)
      }
    }).pipe(inMemory),
  )

  it.effect("does not repeat or skip on later pages when more arrive meanwhile", () =>
    Effect.gen(function* () {
      const service = yield* funded
      for (const n of [1, 2, 3, 4]) yield* service.reserve("deallocation", terms(n))
      const first = yield* service.list("deallocation", { limit: 2 })
      yield* TestClock.adjust("1 milli")
      yield* service.reserve("deallocation", terms(5))
      const second = yield* service.list("deallocation", {
        limit: 2,
        ...(first.next === undefined ? {} : { cursor: first.next }),
      })
      const ids = [...first.items, ...second.items].map((_) => _.terms.id)
      assert.deepStrictEqual([ids, second.next], [[4, 3, 2, 1].map(uuid), undefined])
    }).pipe(inMemory),
  )

  it.effect("can be of one state, connection or currency, or all of these; adjustments are never in it", () =>
    Effect.gen(function* () {
      const service = yield* funded
      yield* service.reserve("deallocation", terms(1))
      yield* service.reserve("deallocation", terms(2, 1n, otherConnection))
      yield* service.reserve("deallocation", terms(3, 1n, connection, otherCurrency))
      yield* service.reserve("deallocation", terms(4, 101n))
      yield* service.clear("deallocation", uuid(2))
      const { connectionId } = connection
      const expected: ReadonlyArray<readonly [Partial<Store.Query>, ReadonlyArray<number>]> = [
        [{}, [4, 3, 2, 1]],
        [{ state: "Reserved" }, [3, 1]],
        [{ state: "Rejected" }, [4]],
        [{ state: "Cleared" }, [2]],
        [{ state: "Released" }, []],
        [{ connectionId }, [4, 3, 1]],
        [{ currency: otherCurrency }, [3]],
        [{ state: "Reserved", connectionId, currency }, [1]],
      ]
      for (const [query, numbers] of expected) {
        for (const limit of [1, 200]) {
          const pages = yield* listAll({ ...query, limit })
          assert.deepStrictEqual(pages.flat(), numbers.map(uuid))
        }
      }
    }).pipe(inMemory),
  )
})

it.effect("the journal of an id tells what happened under it, with times and balances", () =>
  Effect.gen(function* () {
    const service = yield* funded
    const before = yield* DateTime.now
    yield* service.reserve("deallocation", terms(1, 7n))
    yield* TestClock.adjust("1 second")
    for (let repeat = 0; repeat < 3; repeat++) yield* service.release("deallocation", uuid(1))
    yield* service.reserve("deallocation", terms(1, 7n))
    yield* service.clear("deallocation", uuid(1))
    const entries = yield* service.journal(uuid(1))
    const brief = entries.map((_) => [_.event, _.balances.available, _.balances.reserved, _.balances.deallocated])
    assert.deepEqual<ReadonlyArray<unknown>>(brief, [
      ["Reserved", 93n, 7n, 0n],
      ["Released", 100n, 0n, 0n],
      ["Reserved", 93n, 7n, 0n],
      ["Cleared", 93n, 0n, 7n],
    ])
    const seconds = entries.map(({ at }) => (DateTime.toEpochMillis(at) - DateTime.toEpochMillis(before)) / 1000)
    assert.deepStrictEqual(seconds, [0, 1, 1, 1])
    assert.deepStrictEqual(yield* service.journal(uuid(2)), [])
    assert.deepStrictEqual(
      (yield* service.journal(uuid(1000))).map((_) => _.event),
      ["Credited"],
    )
  }).pipe(inMemory),
)

it.effect("a lock that is asked for with a deallocation's terms is recorded as a lock, and compared as one", () =>
  Effect.gen(function* () {
    const service = yield* funded
    const given = { ...terms(1, 7n), clientId: uuid(77), partnerTransferId: uuid(78) }
    const { id, connectionId, amount } = given
    const recorded = yield* service.reserve("lock", given)
    assert.deepStrictEqual<object>(recorded.terms, { id, connectionId, amount })
    assert.notProperty(recorded, "partnerTransferId")
    assert.deepStrictEqual(yield* service.reserve("lock", { id, connectionId, amount }), recorded)
  }).pipe(inMemory),
)

describe("a nonce", () => {
  const expiringIn = (seconds: number, value: string): Effect.Effect<Ledger.Nonce> =>
    Effect.map(DateTime.now, (now) => ({ value, expiresAt: DateTime.add(now, { seconds }) }))

  it.effect("counts for ever: what is so old that it may have been forgotten is refused, whatever the clock says", () =>
    Effect.gen(function* () {
      const service = yield* funded
      const [short, long, unused] = [
        yield* expiringIn(60, "short"),
        yield* expiringIn(3600, "long"),
        yield* expiringIn(59, "unused"),
      ]
      yield* service.reserve("deallocation", terms(1), short)
      yield* service.reserve("deallocation", terms(1), long)
      yield* TestClock.adjust("61 seconds")
      yield* service.reserve("deallocation", terms(2))
      const start = yield* TestClock.testClockWith((clock) => Effect.succeed(clock.currentTimeMillisUnsafe()))
      for (const backMillis of [0, 3_600_000]) {
        yield* TestClock.setTime(start - backMillis)
        for (const nonce of [short, long, unused]) {
          const error = yield* Effect.flip(service.clear("deallocation", uuid(1), nonce))
          assert.deepStrictEqual(
            [error._tag, error.message],
            ["NonceUsed", `The nonce "${nonce.value}" has been used before.`],
          )
          assert.strictEqual((yield* Effect.flip(service.useNonce(nonce)))._tag, "NonceUsed")
        }
      }
      yield* TestClock.setTime(start)
      yield* service.clear("deallocation", uuid(1), yield* expiringIn(60, "new"))
    }).pipe(inMemory),
  )

  it.effect("is used once, by a command or by a request that is none", () =>
    Effect.gen(function* () {
      const service = yield* funded
      const [a, b] = [yield* expiringIn(60, "a"), yield* expiringIn(60, "b")]
      yield* service.useNonce(a)
      yield* service.reserve("deallocation", terms(1), b)
      for (const nonce of [a, b]) {
        assert.strictEqual((yield* Effect.flip(service.useNonce(nonce)))._tag, "NonceUsed")
        assert.strictEqual((yield* Effect.flip(service.reserve("deallocation", terms(1), nonce)))._tag, "NonceUsed")
        assert.strictEqual((yield* Effect.flip(service.release("deallocation", uuid(1), nonce)))._tag, "NonceUsed")
      }
      assert.strictEqual((yield* service.find("deallocation", uuid(1))).state, "Reserved")
    }).pipe(inMemory),
  )
})
