/** More than a server can do: what it takes it answers, the rest is told so at once, and nobody can hold it up. */
import * as Net from "node:net"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, it } from "@effect/vitest"
import { Holdfast, MemoryStore } from "@holdfast/domain"
import { guarding } from "@holdfast/http/ResponseHeaders"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Queue, Scope } from "effect"
import { drip, keeps } from "../support/SlowClients.ts"
import * as Stopwatch from "../support/Stopwatch.ts"
import * as TestServer from "./TestServer.ts"

/** The service in memory, whose readings of connections wait until they may go on, and tell that they do. */
const waiting = (gate: Deferred.Deferred<void>, begun: Queue.Enqueue<void> | undefined = undefined) =>
  Layer.effect(
    Holdfast.Holdfast,
    Effect.map(Holdfast.Holdfast, (service) => ({
      ...service,
      connection: (id) =>
        Effect.sync(() => begun && Queue.offerUnsafe(begun, undefined)).pipe(
          Effect.andThen(Deferred.await(gate)),
          Effect.andThen(service.connection(id)),
        ),
    })),
  ).pipe(Layer.provide(MemoryStore.layer()))

it.live("beyond so many requests in hand, the next is turned away at once, and those in hand are answered", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const begun = yield* Queue.unbounded<void>()
    const context = yield* Layer.build(TestServer.layer(waiting(gate, begun), { maxInFlight: 3 }))
    yield* Effect.gen(function* () {
      const terms = yield* TestServer.funded("10")
      const read = TestServer.operator("GET", `/operator/v1/connections/${terms.connectionId}`)
      const inHand = yield* Effect.forEach([1, 2], () => Effect.forkChild(read))
      yield* Queue.takeN(begun, 2)
      const turnedAway = yield* TestServer.operator("GET", "/operator/v1/balances")
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
    const begun = yield* Queue.unbounded<void>()
    const context = yield* Layer.buildWithScope(TestServer.layer(waiting(gate, begun), { maxInFlight: 1 }), scope)
    const { port } = Context.get(context, TestServer.TestServer)
    yield* Effect.gen(function* () {
      const terms = yield* TestServer.funded("10")
      const inHand = yield* Effect.forkChild(
        TestServer.operator("GET", `/operator/v1/connections/${terms.connectionId}`),
      )
      yield* Queue.take(begun)
      assert.strictEqual((yield* TestServer.reserve(terms)).status, 503)

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
          Promise.all(Array.from({ length: 1_000 }, () => keeps(port, () => {}))).then((all) => ({
            awake: Math.max(...all.map(({ awake }) => awake)),
          })),
          (async () => {
            await sleep(3_000)
            const stop = Stopwatch.start()
            await (await fetch(`http://127.0.0.1:${port}/health/live`)).text()
            return stop()
          })(),
        ]),
      )
      const [slowHead, slowBody, neverReads, idle, meanwhile] = limits
      assert.isBelow(slowHead.awake, 13)
      assert.isBelow(slowBody.awake, 23)
      // A connection that is still open would be served on.
      assert.isBelow(neverReads.awake, 47)
      assert.isBelow(idle.awake, 40)
      assert.isBelow(meanwhile.awake, 1)
    }).pipe(Effect.provide(TestServer.layer(undefined, { idleTimeoutSeconds: 20 }))),
  90_000,
)
