/** What the laws tell somebody whose store does not work at all yet. */
import { assert, describe, it } from "@effect/vitest"
import { Holdfast, MemoryStore, type Store } from "@holdfast/domain"
import { type Law, laws, type MakeStore, System, systemLaws } from "@holdfast/domain/testing"
import { Effect, Fiber } from "effect"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import { TestClock } from "effect/testing"

const memory: MakeStore = (policy) => Effect.map(MemoryStore.make(policy), ({ store }) => store)

/** The store in memory with something else in places, which types would not let pass. */
const but = (change: { readonly [Name in keyof Store.Store]?: unknown }): MakeStore =>
  ((policy) => Effect.map(memory(policy), (store) => ({ ...store, ...change }))) as MakeStore

const throws = (message: string) => () => {
  throw new Error(message)
}

/** Each attempt, the law to look at, and what it says. */
const attempts: Readonly<Record<string, readonly [MakeStore, law: string, RegExp]>> = {
  "none is made": [
    () => Effect.fail(new Error("no database")),
    "races/last-units",
    /^There is no store: Error: no database$/,
  ],
  "the making throws": [throws("no driver"), "find/kinds", /^It ended with Error: no driver\n.*FirstAttempts\.test/],
  "the making is a promise": [
    (async () => {}) as never,
    "model/1",
    /^What is to make the store comes to \[object Promise\]/,
  ],
  "a method throws": [
    but({ find: throws("to be done") }),
    "model/1",
    /^It ended with Error: to be done\n.*FirstAttempts/,
  ],
  "a method gives nothing": [
    but({ find: () => undefined }),
    "model/1",
    /^The store's find comes to \[object Undefined\]/,
  ],
  "a method is async": [
    but({ journal: async () => [] }),
    "find/kinds",
    /^The store's journal comes to \[object Promise\]/,
  ],
  "an effect is missing": [
    but({ totals: undefined }),
    "totals/sums",
    /^The store's totals comes to \[object Undefined\]/,
  ],
  "a method is missing": [
    but({ list: undefined }),
    "lists/transfers",
    /^The store's list comes to|list is not a function/,
  ],
  "an answer is missing": [but({ find: () => Effect.void }), "model/1", /^It ended with TypeError/],
}

const lawOf = (make: MakeStore, wanted: string): Law.Law =>
  laws(make, { runs: 3 }).find(({ id }) => id === wanted) ?? assert.fail()

describe("a first attempt is told", () => {
  for (const [what, [make, id, says]] of Object.entries(attempts)) {
    it.live(`that ${what}`, () =>
      Effect.gen(function* () {
        const { law, reason, message } = yield* Effect.flip(lawOf(make, id).check)
        assert.strictEqual(law, id)
        assert.match(reason, says)
        assert.include(message, reason)
      }),
    )
  }

  it.live("nothing, where a system has its methods from a class", () =>
    Effect.gen(function* () {
      const { store } = yield* MemoryStore.make()
      const system = System.fromService(yield* Effect.provide(Holdfast.make(store), layerWebCrypto))
      const [race] = systemLaws(() => Effect.succeed(Object.freeze(Object.create(system)))).filter(
        ({ id }) => id === "races/last-units",
      )
      yield* race?.check ?? assert.fail()
    }),
  )

  for (const id of ["model/1", "find/kinds"]) {
    it.effect(`that something is never answered, by ${id}`, () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.flip(lawOf(but({ find: () => Effect.never }), id).check))
        yield* TestClock.adjust("1 minute")
        const { reason } = yield* Fiber.join(fiber)
        assert.match(reason, /^It has not ended after 60 s: something that was asked is not answered\./)
      }),
    )
  }
})
