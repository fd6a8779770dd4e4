/** What is made once for all who watch it: each is told the same, and none of them waits for another. */
import { randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Holdfast, MemoryStore, Store } from "@holdfast/domain"
import { Effect, Latch, Layer } from "effect"
import * as TestServer from "./TestServer.ts"

const { adjust, newTerms, register } = TestServer

/** A server whose store is as this makes it. */
const serverOf = (change: (service: Holdfast.Holdfast["Service"]) => Partial<Holdfast.Holdfast["Service"]>) =>
  TestServer.layer(
    Layer.effect(
      Holdfast.Holdfast,
      Effect.map(Holdfast.Holdfast, (service) => ({ ...service, ...change(service) })),
    ).pipe(Layer.provide(MemoryStore.layer())),
  )

const away = new Store.Unavailable({ reason: "It is away.", retryAfterSeconds: 1 })

/** Listens; gives the status where that is refused. */
const watch = Effect.fnUntraced(function* (path: string) {
  const { url } = yield* TestServer.TestServer
  return yield* Effect.promise(async () => {
    const headers = { authorization: `Bearer ${TestServer.operatorToken}` }
    const response = await fetch(`${url}/operator/v1${path}`, { headers })
    if (response.body === null || !response.ok) return response.status
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ""
    /** Events may arrive in pieces. */
    const whole = () => text.slice(0, text.lastIndexOf("\n\n") + 2)
    /** Waits for something to be said, and gives all that was until then; or that it ended. */
    return async (pattern: RegExp) => {
      while (!pattern.test(whole())) {
        const { done, value } = await reader.read()
        if (done) return "ended"
        text += value
      }
      return whole().slice(text.indexOf("id: "))
    }
  })
})

type Watcher = Effect.Success<ReturnType<typeof watch>>

const until = (pattern: RegExp, watchers: ReadonlyArray<Watcher>) =>
  Effect.promise(() =>
    Promise.all(watchers.map((read) => (typeof read === "number" ? assert.fail(`${read}`) : read(pattern)))),
  )

it.live(
  "all who watch the overview are told the same, as it changes and once it can be told again",
  () => {
    const asked = { count: 0, isUp: true, hangs: false }
    return Effect.gen(function* () {
      const watchers = yield* Effect.all(Array.from({ length: 5 }, () => watch("/overview/stream")))
      const before = asked.count
      const begun = performance.now()
      const [first] = yield* until(/"totals":\[\]/, watchers)
      const terms = newTerms()
      yield* register(terms)
      yield* adjust(terms, "credit", { currency: "BTC", quantity: "5" })
      const told = yield* until(/"available":"5"/, watchers)
      assert.isTrue(told[0]?.startsWith(first ?? "nothing"))
      // Once for all of them, every two seconds.
      assert.isAtMost(asked.count - before, 2 + (performance.now() - begun) / 2_000)
      for (const text of told) assert.strictEqual(text, told[0])
      // What does not change is said again before anybody takes the connection for dead.
      yield* until(/^data: \{"at":"[^"]+",(.*)$\s+(:\s+)*id: .*\sdata: \{"at":"[^"]+",\1$/m, watchers)
      asked.isUp = false
      assert.deepStrictEqual(
        yield* until(/never/, watchers),
        watchers.map(() => "ended"),
      )
      assert.strictEqual(yield* watch("/overview/stream"), 503)
      asked.isUp = true
      const again = yield* watch("/overview/stream")
      yield* until(/"available":"5"/, [again])
      // What hangs is no less away.
      asked.hangs = true
      assert.deepStrictEqual(yield* until(/never/, [again]), ["ended"])
      assert.strictEqual(yield* watch("/overview/stream"), 503)
    }).pipe(
      Effect.provide(
        serverOf(({ totals }) => ({
          totals: Effect.suspend(() => {
            asked.count++
            return asked.hangs ? Effect.never : asked.isUp ? totals : away
          }),
        })),
      ),
    )
  },
  60_000,
)

interface Changes {
  readonly after: string | null
  readonly last: string
  readonly kinds: ReadonlyArray<string>
  readonly transferIds: ReadonlyArray<string>
  readonly connectionIds: ReadonlyArray<string>
  readonly entries?: ReadonlyArray<unknown>
}

const changesIn = (text: string): ReadonlyArray<Changes> =>
  Array.from(text.matchAll(/^id: (\d+)\ndata: (.*)$/gm), ([, id, data = ""]) => {
    const changes: Changes = JSON.parse(data)
    assert.strictEqual(changes.last, id)
    return changes
  })

it.live(
  "all who watch what changes are told what something happened to, and see where they were not told all of it",
  () => {
    const asked = { count: 0, isUp: true }
    const open = Latch.makeUnsafe(true)
    const path = "/journal/changes/stream"
    return Effect.gen(function* () {
      const watchers = yield* Effect.all(Array.from({ length: 5 }, () => watch(path)))
      const [first] = yield* until(/^data: /m, watchers)
      assert.deepStrictEqual(changesIn(first ?? ""), [
        { after: null, last: "0", kinds: [], transferIds: [], connectionIds: [] },
      ])
      const before = asked.count
      const begun = performance.now()
      const terms = newTerms()
      yield* register(terms)
      const credit = Effect.fnUntraced(function* (adjustmentId: string) {
        const { status } = yield* adjust(terms, "credit", { currency: "BTC", quantity: "5" }, adjustmentId)
        assert.strictEqual(status, 200)
      })
      yield* credit(randomUUID())
      assert.strictEqual((yield* TestServer.reserve(terms)).status, 200)
      assert.strictEqual((yield* TestServer.settle(terms, "clear")).status, 200)
      const told = yield* until(/"last":"3"/, watchers)
      for (const text of told) assert.strictEqual(text, told[0])
      const [, ...changes] = changesIn(told[0] ?? "")
      assert.deepStrictEqual(
        changes.map(({ after }) => after),
        ["0", ...changes.slice(0, -1).map(({ last }) => last)],
      )
      assert.sameMembers(
        changes.flatMap(({ kinds }) => kinds).filter((kind) => kind === "adjustment"),
        ["adjustment"],
      )
      const { transferIds, kinds, connectionIds } = changes.at(-1) ?? assert.fail("Nothing was told.")
      assert.include(transferIds, terms.deallocationId)
      assert.strictEqual(new Set(transferIds).size, transferIds.length)
      assert.include(kinds, "deallocation")
      assert.deepStrictEqual(connectionIds, [terms.connectionId])
      yield* Effect.sleep("1 second")
      // Once for all of them, once a second; of what does not change nothing is said.
      assert.isAtMost(asked.count - before, 2 * (2 + (performance.now() - begun) / 1_000))
      assert.deepStrictEqual(yield* until(/"last":"3"/, watchers), told)

      // Who comes is told the last, whose `after` they do not know.
      const late = yield* watch(path)
      const [afterwards] = yield* until(/^data: /m, [late])
      assert.deepStrictEqual(changesIn(afterwards ?? ""), changes.slice(-1))

      // Of very much at once it is only said that it was.
      yield* open.close
      const ids = Array.from({ length: 200 }, () => randomUUID())
      yield* Effect.forEach(ids, credit, { concurrency: 16 })
      yield* open.open
      const [much] = yield* until(/"last":"203"/, watchers)
      assert.deepInclude(changesIn(much ?? "").at(-1), { after: null, last: "203" })
      yield* credit(randomUUID())
      const [next] = yield* until(/"last":"204"/, watchers)
      assert.deepInclude(changesIn(next ?? "").at(-1), { after: "203", kinds: ["adjustment"] })

      asked.isUp = false
      assert.deepStrictEqual(
        yield* until(/never/, [...watchers, late]),
        [...watchers, late].map(() => "ended"),
      )
      assert.strictEqual(yield* watch(path), 503)
      asked.isUp = true
      const [again] = yield* until(/^data: /m, [yield* watch(path)])
      assert.deepInclude(changesIn(again ?? "")[0], { after: null, last: "204" })
    }).pipe(
      Effect.provide(
        serverOf(({ entries, entriesBefore }) => {
          const read = <A, E>(effect: Effect.Effect<A, E>) =>
            Effect.andThen(
              open.await,
              Effect.suspend((): Effect.Effect<A, E | Store.Unavailable> => {
                asked.count++
                return asked.isUp ? effect : away
              }),
            )
          return {
            entries: (...from) => read(entries(...from)),
            entriesBefore: (...from) => read(entriesBefore(...from)),
          }
        }),
      ),
    )
  },
  60_000,
)

it.live(
  "whoever asks for them is told the entries too, as the journal has them",
  () => {
    const open = Latch.makeUnsafe(true)
    return Effect.gen(function* () {
      const path = "/journal/changes/stream?withEntries=true"
      const watchers = yield* Effect.all([watch(path), watch(path)])
      yield* until(/^data: /m, watchers)
      const terms = newTerms()
      yield* register(terms)
      yield* adjust(terms, "credit", { currency: "BTC", quantity: "5" })
      assert.strictEqual((yield* TestServer.reserve(terms)).status, 200)
      assert.strictEqual((yield* TestServer.settle(terms, "clear")).status, 200)
      const told = yield* until(/"last":"3"/, watchers)
      assert.strictEqual(told[0], told[1])
      const { json } = yield* TestServer.operator("GET", "/operator/v1/journal?after=0")
      const changes = changesIn(told[0] ?? "")
      assert.deepStrictEqual(
        changes.flatMap(({ entries }) => entries),
        json["entries"],
      )
      assert.deepStrictEqual(changes.at(-1)?.connectionIds, [terms.connectionId])
      // Of much at once, the newest.
      yield* open.close
      const ids = Array.from({ length: 450 }, () => randomUUID())
      yield* Effect.forEach(ids, (id) => adjust(terms, "credit", { currency: "BTC", quantity: "1" }, id), {
        concurrency: 64,
      })
      yield* open.open
      const [much] = yield* until(/"last":"453"/, watchers)
      const newest = changesIn(much ?? "").at(-1)
      assert.deepInclude(newest, { after: null, last: "453" })
      const page = yield* TestServer.operator("GET", "/operator/v1/journal/newest?limit=200")
      assert.deepStrictEqual(newest?.entries?.toReversed(), page.json["entries"])
      assert.strictEqual(yield* watch("/journal/changes/stream?withEntries=yes"), 400)
    }).pipe(
      Effect.provide(
        serverOf(({ entries, entriesBefore }) => ({
          entries: (...from) => Effect.andThen(open.await, entries(...from)),
          entriesBefore: (...from) => Effect.andThen(open.await, entriesBefore(...from)),
        })),
      ),
    )
  },
  60_000,
)

it.live("a fault of ours ends what is watched, is told in the log, and does not last", () => {
  const store = { isBroken: false }
  return Effect.gen(function* () {
    const watcher = yield* watch("/journal/changes/stream")
    yield* until(/^data: /m, [watcher])
    store.isBroken = true
    assert.deepStrictEqual(yield* until(/never/, [watcher]), ["ended"])
    store.isBroken = false
    yield* until(/^data: /m, [yield* watch("/journal/changes/stream")])
    const { log } = yield* TestServer.TestServer
    const line: Record<string, unknown> = JSON.parse(
      (yield* log).split("\n").find((line) => line.includes("by a fault")) ?? "{}",
    )
    assert.deepInclude(line, {
      severity_text: "ERROR",
      message: "A stream ended by a fault.",
      "holdfast.stream": "changes",
      "exception.message": "Nobody thought of this.",
    })
  }).pipe(
    Effect.provide(
      serverOf(({ entries }) => ({
        entries: (...from) => (store.isBroken ? Effect.die(new Error("Nobody thought of this.")) : entries(...from)),
      })),
    ),
  )
})
