/** More than a server can do: what it takes it answers, the rest is told so at once, and nobody can hold it up. */
import * as Net from "node:net"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, it } from "@effect/vitest"
import { Holdfast, MemoryStore } from "@holdfast/domain"
import { guarding } from "@holdfast/http/ResponseHeaders"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { drip, keeps } from "../support/SlowClients.ts"
import * as TestServer from "./TestServer.ts"

/** The service in memory, whose readings of connections wait until they may go on. */
const waiting = (gate: Deferred.Deferred<void>) =>
  Layer.effect(
    Holdfast.Holdfast,
    Effect.map(Holdfast.Holdfast, (service) => ({
      ...service,
      connection: (id) => Effect.andThen(Deferred.await(gate), service.connection(id)),
    })),
  ).pipe(Layer.provide(MemoryStore.layer()))

it.live("beyond so many requests in hand, the next is turned away at once, and those in hand are answered", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const context = yield* Layer.build(TestServer.layer(waiting(gate), { maxInFlight: 3 }))
    yield* Effect.gen(function* () {
      const terms = yield* TestServer.funded("10")
      const read = TestServer.operator("GET", `/operator/v1/connections/${terms.connectionId}`)
      const inHand = yield* Effect.forEach([1, 2], () => Effect.forkChild(read))
      const quick = TestServer.operator("GET", "/operator/v1/balances")
      const turnedAway = yield* quick.pipe(
        Effect.filterOrFail(({ status }) => status === 503),
        Effect.eventually,
      )
      // Of operators' there are too many, and there is room for the network.
      assert.strictEqual((yield* TestServer.reserve(terms)).status, 200)
      assert.deepStrictEqual(turnedAway.json, {
        type: "urn:holdfast:problem:unavailable",
        title: "The server cannot answer now.",
        status: 503,
        detail: "Too many requests are in hand.",
        retryAfterSeconds: 1,
      })
      assert.strictEqual(turnedAway.headers["retry-after"], "1")
      assert.deepInclude(turnedAway.headers, guarding)
      assert.strictEqual((yield* TestServer.anyone("GET", "/health/live")).status, 200)
      assert.strictEqual((yield* TestServer.anyone("GET", "/metrics")).status, 200)

      yield* Deferred.succeed(gate, undefined)
      for (const fiber of inHand) assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
      const told = TestServer.anyone("GET", "/metrics").pipe(
        Effect.filterOrFail(({ text }) => /^holdfast_http_turned_away_total [1-9]/m.test(text)),
        Effect.eventually,
      )
      yield* told
      assert.include(yield* Context.get(context, TestServer.TestServer).log, "holdfast.http.turned_away")
    }).pipe(Effect.provide(context))
  }).pipe(Effect.scoped),
)

it.live("a server that stops lets go of those that it turned away too", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(TestServer.layer(waiting(gate), { maxInFlight: 1 }), scope)
    const { port } = Context.get(context, TestServer.TestServer)
    yield* Effect.gen(function* () {
      const terms = yield* TestServer.funded("10")
      const inHand = yield* Effect.forkChild(
        TestServer.operator("GET", `/operator/v1/connections/${terms.connectionId}`),
      )
      const turnedAway = TestServer.reserve(terms).pipe(Effect.filterOrFail(({ status }) => status === 503))
      yield* Effect.eventually(turnedAway)

      const socket = Net.connect(port, "127.0.0.1")
      socket.write("GET /operator/v1/deallocations HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\n\r\n")
      const answer = Effect.promise(() => text(socket))
      // Whatever was sent before this is with the server now.
      yield* TestServer.anyone("GET", "/health/live")
      const stopped = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      assert.match(yield* answer, /^HTTP\/1\.1 503 [\s\S]*\r\nConnection: close\r\n/)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(inHand)).status, 200)
      yield* Fiber.join(stopped)
    }).pipe(Effect.provide(context))
  }),
)

it.live("who waits for an answer is not idle, however long that takes", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const context = yield* Layer.build(TestServer.layer(waiting(gate), { idleTimeoutSeconds: 1 }))
    yield* Effect.gen(function* () {
      const terms = yield* TestServer.funded("10")
      const asked = yield* Effect.forkChild(
        TestServer.operator("GET", `/operator/v1/connections/${terms.connectionId}`),
      )
      yield* Effect.sleep("2500 millis")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(asked)).status, 200)
    }).pipe(Effect.provide(context))
  }).pipe(Effect.scoped),
)

const head = "POST /bitgo/v1/deallocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

it.live(
  "slow and idle clients are let go, and keep nobody else waiting",
  () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const limits = yield* Effect.promise(() =>
        Promise.all([
          keeps(port, (socket) => void drip(socket, "GET /health/live HTTP/1.1 ", 1_000)),
          keeps(port, (socket) => {
            socket.write(`${head}Content-Length: 5000\r\n\r\n`)
            void drip(socket, " ", 1_000)
          }),
          // Asks a thousand times for something large, and reads nothing of it until it should have been let go.
          keeps(port, (socket) => {
            socket.pause()
            socket.write("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000))
            setTimeout(() => socket.resume(), 45_000)
          }),
          Promise.all(Array.from({ length: 1_000 }, () => keeps(port, () => {}))).then((seconds) =>
            Math.max(...seconds),
          ),
          (async () => {
            await sleep(3_000)
            const start = performance.now()
            await (await fetch(`http://127.0.0.1:${port}/health/live`)).text()
            return (performance.now() - start) / 1000
          })(),
        ]),
      )
      const [slowHead = 99, slowBody = 99, neverReads = 99, idle = 99, meanwhile = 99] = limits
      assert.isBelow(slowHead, 13)
      assert.isBelow(slowBody, 23)
      // A connection that is still open would be served on.
      assert.isBelow(neverReads, 47)
      assert.isBelow(idle, 40)
      assert.isBelow(meanwhile, 1)
    }).pipe(Effect.provide(TestServer.layer())),
  90_000,
)
