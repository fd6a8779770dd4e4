/** In which order requests are looked at, by whom they can be kept waiting, and what is let go of. */
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { once } from "node:events"
import * as Net from "node:net"
import { text } from "node:stream/consumers"
import { assert, it, layer } from "@effect/vitest"
import { Deallocations } from "@holdfast/domain"
import * as Callers from "@holdfast/http/Callers"
import * as NodeServer from "@holdfast/http/NodeServer"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { HttpServer, HttpServerResponse } from "effect/http"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

/** Sends each text on a connection of its own, and waits until the server has seen so many requests. */
const untilArrived = (count: number, send: () => void) =>
  Effect.callback<void>((resume) => {
    let arrived = 0
    const hear = () => {
      if (++arrived === count) resume(Effect.void)
    }
    subscribe("http.server.request.start", hear)
    send()
    return Effect.sync(() => unsubscribe("http.server.request.start", hear))
  })

it.live("what arrives before anybody is there to answer is answered", () =>
  Effect.gen(function* () {
    const settings = TestServer.defaults
    const context = yield* Layer.build(
      NodeServer.layer(settings).pipe(Layer.provide(Callers.layer(settings)), Layer.fresh),
    )
    const server = Context.get(context, HttpServer.HttpServer)
    const port = Number(new URL(HttpServer.formatAddress(server.address)).port)
    const head = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    const asks = [`GET /early ${head}\r\n`, `POST /early ${head}Expect: 100-continue\r\nContent-Length: 1\r\n\r\n`]
    const sockets = asks.map(() => Net.connect(port, "127.0.0.1"))
    // One that does not wait for it.
    const gone = Net.connect(port, "127.0.0.1")
    yield* untilArrived(3, () => {
      for (const [index, socket] of sockets.entries()) socket.write(asks[index] ?? "")
      gone.write(asks[0] ?? "")
    })
    gone.destroy()
    yield* server.serve(Effect.succeed(HttpServerResponse.text("answered")))
    for (const socket of sockets) {
      assert.match(
        yield* Effect.promise(() => text(socket)),
        /^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 [\s\S]*answered$/,
      )
    }
  }).pipe(Effect.scoped),
)

layer(TestServer.layer(undefined, { maxConnectionsPerAddress: 20 }), TestServer.options)("a connection", (it) => {
  it.effect("that offers another protocol is one like any other, and gone after its answer", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const head = "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\n"
      // Each keeps its own side open to the end.
      const sockets: Array<Net.Socket> = []
      const offer = (protocol: string) =>
        Effect.promise(() => {
          const socket = Net.connect({ port, host: "127.0.0.1", allowHalfOpen: true })
          sockets.push(socket)
          socket.on("error", () => {})
          socket.write(`${head}Upgrade: ${protocol}\r\n\r\n`)
          return text(socket)
        })
      const protocols = Array.from({ length: 1_000 }, (_, n) => ["websocket", "h2c", "TLS/1.0", "x"][n % 4] ?? "")
      const answers = yield* Effect.forEach(protocols, offer, { concurrency: 10 })
      for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 404 [\s\S]*\r\nConnection: close\r\n/)
      for (const socket of sockets) socket.destroy()
    }),
  )

  it.effect("that asks for a tunnel is refused and closed", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 50; n++) {
        const answer = yield* TestServer.raw("CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n")
        assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*\r\nConnection: close\r\n/)
        assert.include(answer, `"urn:holdfast:problem:malformed-request"`)
      }
    }),
  )
})

/** A store whose readings of connections wait until they may go on, and are counted. */
const waiting = Effect.gen(function* () {
  const gate = yield* Deferred.make<void>()
  const reached: Array<string> = []
  const layer = Layer.effect(
    Deallocations.Deallocations,
    Effect.map(Deallocations.Deallocations, (service) => ({
      ...service,
      connection: (id) => {
        reached.push(id)
        return Effect.andThen(Deferred.await(gate), service.connection(id))
      },
    })),
  ).pipe(Layer.provide(Deallocations.layerMemory()))
  return { gate, reached, layer }
})

const readConnection = ({ connectionId }: TestServer.Terms, more = "") =>
  `GET /operator/v1/connections/${connectionId} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TestServer.operatorToken}\r\n${more}\r\n`

it.live("a connection has one request in hand, and may be so many ahead", () =>
  Effect.gen(function* () {
    const { gate, reached, layer } = yield* waiting
    const context = yield* Layer.build(TestServer.layer(layer, { maxInFlight: 3 }))
    yield* Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const all = [yield* TestServer.funded("1"), yield* TestServer.funded("2"), yield* TestServer.funded("3")]
      const socket = Net.connect(port, "127.0.0.1")
      yield* untilArrived(3, () => {
        socket.write(all.map((terms, n) => readConnection(terms, n === 2 ? "Connection: close\r\n" : "")).join(""))
      })
      assert.deepStrictEqual(reached, [all[0]?.connectionId])

      // Who is too far ahead is let go, with all that it asked for; and no trace of it counts as in hand.
      for (let n = 0; n < 20; n++) {
        const [first] = all
        const greedy = Net.connect(port, "127.0.0.1")
        greedy.on("error", () => {})
        greedy.write(first === undefined ? "" : readConnection(first).repeat(n % 2 === 0 ? 65 : 64))
        greedy.resume()
        if (n % 2 === 0) yield* Effect.promise(() => once(greedy, "close"))
        else {
          yield* untilArrived(1, () => void greedy.write("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"))
          yield* Effect.promise(() => once(greedy, "close"))
        }
      }

      yield* Deferred.succeed(gate, undefined)
      const answers = yield* Effect.promise(() => text(socket))
      assert.deepStrictEqual(
        [...answers.matchAll(/"connectionId":"([^"]+)"/g)].map(([, id]) => id),
        all.map(({ connectionId }) => connectionId),
      )
      for (const terms of all) {
        assert.strictEqual((yield* TestServer.balances(terms))[1], "0")
      }
    }).pipe(Effect.provide(context))
  }).pipe(Effect.scoped),
)

const behindProxy = { maxInFlight: 1, maxUnsignedPerSecond: 5, trustedProxies: ["127.0.0.0/8"] }

layer(TestServer.layer(undefined, behindProxy), TestServer.options)("a flood without credentials", (it) => {
  it.effect("waits for itself, and keeps nobody else waiting", () =>
    Effect.gen(function* () {
      const from = (address: string) => ({ headers: { "x-forwarded-for": address } })
      const terms = yield* TestServer.funded("100")
      const answered: Array<string> = []
      const ask = (path: string, address: string) =>
        Effect.map(TestServer.anyone("GET", path, from(address)), ({ status }) => {
          answered.push(`${address} ${path}`)
          return status
        })
      const flood = yield* Effect.forEach(Array.from({ length: 25 }), () =>
        Effect.forkChild(ask("/nowhere", "192.0.2.1"), { startImmediately: true }),
      )
      yield* Effect.eventually(
        Effect.filterOrFail(
          Effect.sync(() => answered.length),
          (count) => count >= 5,
        ),
      )
      // Those who watch over the server, and what the server is for.
      assert.strictEqual(yield* ask("/health/live", "192.0.2.1"), 200)
      assert.strictEqual((yield* TestServer.reserve(terms)).status, 200)
      // Others have their turn too.
      assert.strictEqual(yield* ask("/metrics", "192.0.2.2"), 200)
      assert.isBelow(answered.length, 15)
      for (const fiber of flood) assert.strictEqual(yield* Fiber.join(fiber), 404)
      assert.match(yield* TestServer.metrics, /^holdfast_http_held_total ([1-9]\d)/m)
    }),
  )
})

layer(TestServer.layer(undefined, { ...behindProxy, maxRefusalsPerMinute: 1, maxUrlLength: 100 }), TestServer.options)(
  "no credentials that may be looked at have",
  (it) => {
    const asks: Readonly<Record<string, (signature: string, address: string) => ReturnType<typeof TestServer.anyone>>> =
      {
        "requests without any": (_, address) =>
          TestServer.anyone("GET", "/operator/v1/deallocations", { headers: { "x-forwarded-for": address } }),
        "requests with others": (signature, address) =>
          TestServer.network("GET", "/operator/v1/deallocations", {
            signature,
            headers: { "x-forwarded-for": address },
          }),
        "requests by another method": (signature, address) =>
          TestServer.network("DELETE", "/bitgo/v1/deallocations", {
            signature,
            headers: { "x-forwarded-for": address },
          }),
        "requests for nothing": (signature, address) =>
          TestServer.network("GET", "/bitgo/v1", { signature, headers: { "x-forwarded-for": address } }),
        "requests that are too long": (signature, address) =>
          TestServer.network("POST", `/bitgo/v1/deallocations?${"x".repeat(100)}`, {
            signature,
            headers: { "x-forwarded-for": address },
          }),
        "those who were refused too often": (_, address) =>
          TestServer.network("GET", "/bitgo/v1/deallocation/1", {
            signature: "x",
            headers: { "x-forwarded-for": address },
          }),
      }
    for (const [index, [name, ask]] of Object.entries(asks).entries()) {
      it.effect(`${name}: they take their turns`, () =>
        Effect.gen(function* () {
          const signature = yield* Effect.promise(() => Signing.token())
          const start = performance.now()
          const rounds = Array.from({ length: 12 }, () => ask(signature, `192.0.2.${index}`))
          const answers = yield* Effect.all(rounds, { concurrency: 12 })
          for (const { status } of answers) assert.include([401, 404, 405, 414, 429], status)
          // Two of the last may have been looked at before the first was refused.
          assert.isAtLeast(performance.now() - start, ((12 - 2 - 5) / 5) * 1_000)
        }),
      )
    }
  },
)

it.live("a server that stops turns away who waits for a turn, and keeps no connection", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(TestServer.layer(undefined, { maxUnsignedPerSecond: 1 }), scope)
    const { port } = Context.get(context, TestServer.TestServer)
    const connect = (bytes: string) => {
      const socket = Net.connect(port, "127.0.0.1")
      socket.write(bytes)
      return socket
    }
    const ask = "GET /nowhere HTTP/1.1\r\nHost: x\r\n"
    const halfAsked = connect(ask)
    let held: ReadonlyArray<Net.Socket> = []
    yield* untilArrived(5, () => {
      held = Array.from({ length: 5 }, () => connect(`${ask}\r\n`))
    })
    const stopped = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
    // What arrives whole only now is answered, and its connection is not kept.
    halfAsked.write("\r\n")
    assert.match(yield* Effect.promise(() => text(halfAsked)), /^HTTP\/1\.1 404 [\s\S]*\r\nConnection: close\r\n/)
    const answers = yield* Effect.promise(() => Promise.all(held.map((socket) => text(socket))))
    for (const answer of answers)
      assert.match(answer, /^HTTP\/1\.1 (404|503) [\s\S]*\r\nConnection: (close|keep-alive)\r\n/)
    assert.isAtLeast(answers.filter((answer) => /^HTTP\/1\.1 503 [\s\S]*\r\nConnection: close/.test(answer)).length, 3)
    yield* Fiber.join(stopped)
  }),
)
