/** What the service makes of queries that are none, and of those that say nothing in many words: the same over every store. */
import { assert } from "@effect/vitest"
import { Holdfast, type Store } from "@holdfast/domain"
import { Cause, Effect, Exit, Stream } from "effect"
import { funded } from "./Fixtures.ts"

const loose: ReadonlyArray<readonly [query: object, message: string]> = [
  [{ limit: 0 }, "Expected a limit of 1 to 200, got 0"],
  [{ limit: -1 }, "Expected a limit of 1 to 200, got -1"],
  [{ limit: 201 }, "Expected a limit of 1 to 200, got 201"],
  [{ limit: 1e9 }, "Expected a limit of 1 to 200, got 1000000000"],
  [{ limit: 1.5 }, "Expected an integer, got 1.5"],
  [{ limit: Number.NaN }, "Expected an integer, got NaN"],
  [{ limit: "7" }, 'Expected number, got "7"'],
  [{}, "Missing key"],
]

export const looseQueries = {
  "none is answered but what is one: any other is a defect with the field and the value": Effect.gen(function* () {
    const holdfast = yield* Holdfast.Holdfast
    for (const [query, message] of loose) {
      const fact = `${message}\n  at ["limit"]`
      yield* assertDies(holdfast.list("deallocation", query as Store.Query), fact)
      yield* assertDies(holdfast.connections(query as Store.ConnectionQuery), fact)
      yield* assertDies(holdfast.tokens(query as Store.TokenQuery), fact)
      if ("limit" in query) {
        yield* assertDies(holdfast.entries(undefined, query.limit as number), message)
        yield* assertDies(holdfast.entriesBefore(undefined, query.limit as number), message)
      }
    }
    const cursor = "x" as Store.Place
    const noPlace = 'Expected a cursor of the journal: 1 to 18 digits, got "x"'
    yield* assertDies(holdfast.entries(cursor, 1), noPlace)
    yield* assertDies(holdfast.entriesBefore(cursor, 1), noPlace)
    yield* assertDies(Stream.runDrain(holdfast.follow(cursor)), noPlace)
  }),

  "the least and the most are answered": Effect.gen(function* () {
    const holdfast = yield* Holdfast.Holdfast
    yield* funded(5n)
    yield* funded(5n)
    for (const [limit, found] of [
      [1, 1],
      [200, 2],
    ] as const) {
      assert.lengthOf((yield* holdfast.list("adjustment", { limit })).items, found)
      assert.lengthOf((yield* holdfast.connections({ limit })).items, found)
      assert.lengthOf(yield* holdfast.entries(undefined, limit), found)
      assert.lengthOf(yield* holdfast.entriesBefore(undefined, limit), found)
    }
  }),

  "a field that is undefined is one that is left out": Effect.gen(function* () {
    const holdfast = yield* Holdfast.Holdfast
    const { connectionId, clientId } = yield* funded(5n)
    const everything = { state: undefined, connectionId: undefined, currency: undefined, cursor: undefined }
    assert.lengthOf((yield* holdfast.list("adjustment", { ...everything, order: undefined, limit: 2 })).items, 1)
    const { items } = yield* holdfast.connections({ clientId, partnerClientId: undefined, cursor: undefined, limit: 2 })
    assert.deepStrictEqual(
      items.map((connection) => connection.connectionId),
      [connectionId],
    )
    yield* holdfast.tokens({ partnersConnectionId: undefined, cursor: undefined, limit: 2 })
  }),
} satisfies Record<string, Effect.Effect<void, unknown, Holdfast.Holdfast>>

const assertDies = Effect.fnUntraced(function* (self: Effect.Effect<unknown, unknown>, message: string) {
  const exit = yield* Effect.exit(self)
  assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), message)
  if (Exit.isFailure(exit)) {
    const defect = Cause.squash(exit.cause)
    assert.instanceOf(defect, Error)
    assert.strictEqual(defect.message, message)
  }
})
