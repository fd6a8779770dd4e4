/** In which order requests are looked at, by whom they can be kept waiting, and what is let go of. */
import { randomUUID } from "node:crypto"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { once } from "node:events"
import * as Net from "node:net"
import { text } from "node:stream/consumers"
import { assert, describe, it, layer } from "@effect/vitest"
import { Holdfast, MemoryStore } from "@holdfast/domain"
import * as CallerLimits from "@holdfast/http/CallerLimits"
import { guarding } from "@holdfast/http/ResponseHeaders"
import * as NodeServer from "@holdfast/server/NodeServer"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { HttpServer, HttpServerResponse } from "effect/http"
import * as Signing from "../support/Signing.ts"
import { drip, keeps } from "../support/SlowClients.ts"
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
    const settings = { ...TestServer.defaults, maxInFlight: 4, maxConnectionsPerAddress: 7 }
    const context = yield* Layer.build(NodeServer.layer(settings).pipe(Layer.provide(CallerLimits.layer(settings))))
    const server = Context.get(context, HttpServer.HttpServer)
    const port = Number(new URL(HttpServer.formatAddress(server.address)).port)
    const head = "/operator/v1/deallocations HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\nConnection: close\r\n"
    const connect = () => Net.connect(port, "127.0.0.1")
    const [plain, expecting, ...gone] = Array.from({ length: 7 }, connect)
    yield* untilArrived(5, () => {
      for (const socket of gone) socket.write(`GET ${head}\r\n`)
    })
    yield* untilArrived(2, () => {
      plain?.write(`GET ${head}\r\n`)
      expecting?.write(`GET ${head}Expect: 100-continue\r\nContent-Length: 1\r\n\r\n`)
    })
    // Those who do not wait for it are not in hand when it comes.
    for (const socket of gone) socket.destroy()
    // There is room for others once the server knows of that.
    const late: Array<Net.Socket> = []
    while (late.length < gone.length) {
      const socket = connect()
      socket.on("error", () => {})
      const arrived = untilArrived(1, () => void socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
      // Whatever it says of an end that comes while it writes.
      const closed = Effect.callback<void>((resume) => void socket.once("close", () => resume(Effect.void)))
      if (yield* Effect.raceFirst(Effect.as(arrived, true), Effect.as(closed, false))) late.push(socket)
    }
    yield* server.serve(Effect.succeed(HttpServerResponse.text("answered")))
    for (const socket of [plain, expecting]) {
      const answer = yield* Effect.promise(() => (socket === undefined ? Promise.resolve("") : text(socket)))
      assert.match(answer, /^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 [\s\S]*answered$/)
    }
    for (const socket of late) socket.destroy()
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

  it.effect("that expects what nobody has heard of is one like any other", () =>
    Effect.gen(function* () {
      const head = "GET /nowhere HTTP/1.1\r\nHost: x\r\nExpect: the unexpected\r\n"
      assert.match(yield* TestServer.raw(`${head}Connection: close\r\n\r\n`), /^HTTP\/1\.1 404 [\s\S]*nosniff/)
      // Only so many are taken ahead of their answers.
      const answers = (yield* TestServer.raw(`${head}\r\n`.repeat(200))).split("HTTP/1.1 ").slice(1)
      assert.isBelow(answers.length, 64)
      for (const answer of answers) assert.match(answer, /^404 /)
    }),
  )

  it.effect("that does not say which host it is for is refused and closed, in HTTP/1.1", () =>
    Effect.gen(function* () {
      const answer = yield* TestServer.raw("GET /health/live HTTP/1.1\r\n\r\nGET /health/live HTTP/1.1\r\n\r\n")
      assert.match(
        answer,
        /^HTTP\/1\.1 400 [\s\S]*\r\n\r\n\{[^\r\n]*"urn:holdfast:problem:malformed-request"[^\r\n]*\}$/,
      )
      for (const [name, value] of Object.entries(guarding)) assert.include(answer, `\r\n${name}: ${value}\r\n`)
      assert.match(yield* TestServer.raw("GET /health/live HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 /)
    }),
  )

  it.effect("that asks for a tunnel is refused and closed", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 50; n++) {
        const answer = yield* TestServer.raw("CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n")
        assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*\r\nConnection: close\r\n/)
        assert.include(answer, `"urn:holdfast:problem:malformed-request"`)
      }
      // Also where the caller keeps its side open, and goes on.
      const { port } = yield* TestServer.TestServer
      const kept = yield* Effect.promise(() =>
        keeps(port, (socket) => {
          socket.allowHalfOpen = true
          socket.write("CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n")
          void drip(socket, "x", 50)
        }),
      )
      assert.isBelow(kept.awake, 5)
    }),
  )

  it.effect("whose request cannot be parsed is told so, whatever else it sends and before it reads", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const answer = yield* Effect.promise(async () => {
        const socket = Net.connect(port, "127.0.0.1")
        socket.pause()
        for (let n = 0; n < 8; n++) {
          const more = Buffer.from("hello\r\n\r\n".padEnd(500_000, "x"))
          await new Promise<void>((resolve, reject) =>
            socket.write(more, (error) => (error ? reject(error) : resolve())),
          )
        }
        return await text(socket)
      })
      assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*"urn:holdfast:problem:malformed-request"/)
      for (const [name, value] of Object.entries(guarding)) assert.include(answer, `\r\n${name}: ${value}\r\n`)
    }),
  )
})

layer(TestServer.layer(undefined, { maxConnections: 10 }), TestServer.options)(
  "with as many connections as there may be",
  (it) => {
    it.effect("the one that has been idle for longest makes room, and none that waits for an answer", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer.TestServer
        const open = () => {
          const socket = Net.connect(port, "127.0.0.1")
          socket.on("error", () => {})
          return socket
        }
        const ask = (socket: Net.Socket, head = "") => {
          socket.write(`GET /health/live HTTP/1.1\r\nHost: x\r\n${head}\r\n`)
          return Effect.promise(() => once(socket, "data"))
        }
        // One whose body is still on its way, and one that was the first but asked last.
        const signature = yield* Effect.promise(() => Signing.token())
        const busy = open()
        yield* untilArrived(1, () => {
          const head = `POST /bitgo/v1/deallocations HTTP/1.1\r\nHost: x\r\nX-BitGo-Signature: ${signature}\r\n`
          busy.write(`${head}Content-Type: application/json\r\nContent-Length: 5\r\n\r\n`)
        })
        const first = open()
        yield* ask(first)
        const idle = Array.from({ length: 8 }, open)
        for (const socket of idle) yield* ask(socket)
        yield* ask(first)
        const closed = idle.map((socket) =>
          Effect.as(
            Effect.promise(() => once(socket, "close")),
            socket,
          ),
        )
        const next = open()
        const [gone] = yield* Effect.all([Effect.raceAll(closed), ask(next)], { concurrency: 2 })
        assert.strictEqual(gone, idle[0])
        for (const socket of [first, ...idle.slice(1)]) yield* ask(socket)
        busy.end("12345")
        for (const socket of [first, next, ...idle]) socket.destroy()
      }),
    )
  },
)

/** A store whose readings of connections wait until they may go on, and are counted. */
const waiting = Effect.gen(function* () {
  const gate = yield* Deferred.make<void>()
  const reached: Array<string> = []
  const layer = Layer.effect(
    Holdfast.Holdfast,
    Effect.map(Holdfast.Holdfast, (service) => ({
      ...service,
      connection: (id) => {
        reached.push(id)
        return Effect.andThen(Deferred.await(gate), service.connection(id))
      },
    })),
  ).pipe(Layer.provide(MemoryStore.layer()))
  return { gate, reached, layer }
})

const readConnection = ({ connectionId }: { readonly connectionId: string }, more = "") =>
  `GET /operator/v1/connections/${connectionId} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TestServer.operatorToken}\r\n${more}\r\n`

it.live("a connection has one request in hand, and may be so many ahead", () =>
  Effect.gen(function* () {
    const { gate, reached, layer } = yield* waiting
    const context = yield* Layer.build(TestServer.layer(layer, { maxInFlight: 3 }))
    yield* Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const terms = yield* TestServer.funded("1")
      // Who is too far ahead is let go, with all that it asked for; and no trace of it counts as in hand.
      for (let n = 0; n < 10; n++) {
        const greedy = Net.connect(port, "127.0.0.1")
        greedy.on("error", () => {})
        greedy.resume()
        greedy.write(readConnection(terms).repeat(65))
        yield* Effect.promise(() => once(greedy, "close"))
      }
      const all = Array.from({ length: 64 }, () => randomUUID())
      const socket = Net.connect(port, "127.0.0.1")
      const before = reached.length
      yield* untilArrived(64, () => {
        const requests = all.map((connectionId, n) =>
          readConnection({ connectionId }, n === 63 ? "Connection: close\r\n" : ""),
        )
        socket.write(requests.join(""))
      })
      assert.deepStrictEqual(reached.slice(before), all.slice(0, 1))
      yield* Deferred.succeed(gate, undefined)
      const answers = yield* Effect.promise(() => text(socket))
      assert.deepStrictEqual(
        [...answers.matchAll(/There is no connection ([^."]+)/g)].map(([, id]) => id),
        all,
      )
    }).pipe(Effect.provide(context))
  }).pipe(Effect.scoped),
)

it.live(
  "what cannot be parsed behind a request that came whole gets no answer that would be taken for that one's",
  () =>
    Effect.gen(function* () {
      const { layer } = yield* waiting
      const context = yield* Layer.build(TestServer.layer(layer))
      yield* Effect.gen(function* () {
        const terms = yield* TestServer.funded("1")
        assert.strictEqual(yield* TestServer.raw(`${readConnection(terms)}hello\r\n\r\n`), "")
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped),
)

layer(TestServer.layer(undefined, { maxUnsignedPerSecond: 1 }), TestServer.options)(
  "all connections together",
  (it) => {
    it.effect("may be so many ahead", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer.TestServer
        const ahead = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n".repeat(64)
        let closed = 0
        const connect = () => {
          const socket = Net.connect(port, "127.0.0.1")
          socket.on("error", () => {})
          socket.on("close", () => closed++)
          socket.resume()
          return socket
        }
        // Each has 63 behind the one in hand; five thousand may be so.
        const sockets = Array.from({ length: 79 }, connect)
        yield* untilArrived(79 * 64, () => {
          for (const socket of sockets) socket.write(ahead)
        })
        assert.strictEqual(closed, 0)
        const tooMuch = Effect.promise(() => {
          const socket = connect()
          socket.write(ahead)
          return once(socket, "close")
        })
        yield* tooMuch
        for (const socket of sockets) socket.destroy()
        // With them gone there is room again.
        const [first, second] = [connect(), connect()]
        yield* untilArrived(128, () => {
          first.write(ahead)
          second.write(ahead)
        })
        assert.strictEqual((yield* TestServer.anyone("GET", "/health/live")).status, 200)
        assert.strictEqual(closed, 80)
        first.destroy()
        second.destroy()
      }),
    )
  },
)

const behindProxy = { maxInFlight: 1, maxUnsignedPerSecond: 5, trustedProxies: ["127.0.0.0/8"] }

const from = (address: string) => ({ headers: { "x-forwarded-for": address } })

describe("a flood without credentials", () => {
  const server = TestServer.layer(undefined, behindProxy)

  /** Asks from each address at the same moment, and tells how many were answered. */
  const flood = Effect.fnUntraced(function* (addresses: ReadonlyArray<string>) {
    const { port } = yield* TestServer.TestServer
    let answered = 0
    yield* untilArrived(addresses.length, () => {
      for (const address of addresses) {
        const socket = Net.connect(port, "127.0.0.1")
        socket.once("data", () => {
          answered++
          socket.destroy()
        })
        socket.write(`GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\n\r\n`)
      }
    })
    return { isOver: () => answered === addresses.length }
  })
  const ask = (path: string, address: string) =>
    Effect.map(TestServer.anyone("GET", path, from(address)), ({ status }) => status)

  it.live("of one caller waits for itself, and keeps nobody else waiting", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("100")
      const { isOver } = yield* flood(Array.from({ length: 40 }, () => "192.0.2.1"))
      assert.strictEqual(yield* ask("/health/live", "192.0.2.1"), 200)
      assert.strictEqual((yield* TestServer.reserve(terms)).status, 200)
      assert.strictEqual(yield* ask("/metrics", "192.0.2.2"), 200)
      // That is 7 s after its beginning.
      assert.isFalse(isOver())
    }).pipe(Effect.provide(server)),
  )

  it.live("of many callers keeps those waiting who ask, and nobody who watches over the server", () =>
    Effect.gen(function* () {
      const { isOver } = yield* flood(Array.from({ length: 40 }, (_, n) => `198.51.100.${n}`))
      assert.strictEqual(yield* ask("/health/live", "192.0.2.2"), 200)
      assert.isFalse(isOver())
    }).pipe(Effect.provide(server)),
  )

  it.live("leaves nothing behind when its callers go", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const bytes = "GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.1\r\n\r\n"
      let sockets: ReadonlyArray<Net.Socket> = []
      yield* untilArrived(100, () => {
        sockets = Array.from({ length: 100 }, () => Net.connect(port, "127.0.0.1"))
        for (const socket of sockets) socket.write(bytes)
      })
      for (const socket of sockets) socket.destroy()
      const start = performance.now()
      assert.strictEqual((yield* TestServer.anyone("GET", "/nowhere", from("203.0.113.1"))).status, 404)
      // They would have had their turns for 20 s.
      assert.isBelow(performance.now() - start, 10_000)
      assert.match(yield* TestServer.metrics, /^holdfast_http_held_total [1-9]\d/m)
    }).pipe(Effect.provide(server)),
  )
})

type Ask = (signature: string, address: string) => ReturnType<typeof TestServer.anyone>

/** Those who ask so come in turns, five in a second. */
const takesTurns = (ask: Ask, address: string) =>
  Effect.gen(function* () {
    const signature = yield* Effect.promise(() => Signing.token())
    const start = performance.now()
    const rounds = Array.from({ length: 12 }, () => ask(signature, address))
    for (const { status } of yield* Effect.all(rounds, { concurrency: 12 })) {
      assert.include([200, 401, 404, 405, 414, 429], status)
    }
    // Two may have been looked at before the first was refused.
    assert.isAtLeast(performance.now() - start, ((12 - 2 - 5) / 5) * 1_000)
  })

layer(TestServer.layer(undefined, { ...behindProxy, maxUrlLength: 100 }), TestServer.options)(
  "without credentials that may be looked at come",
  (it) => {
    const asks: Readonly<Record<string, Ask>> = {
      "requests without any": (_, address) => TestServer.anyone("GET", "/operator/v1/deallocations", from(address)),
      "requests with others": (signature, address) =>
        TestServer.network("GET", "/operator/v1/deallocations", { signature, ...from(address) }),
      "requests by another method": (signature, address) =>
        TestServer.network("DELETE", "/bitgo/v1/deallocations", { signature, ...from(address) }),
      "requests for nothing": (signature, address) =>
        TestServer.network("GET", "/bitgo/v1", { signature, ...from(address) }),
      "requests that are too long": (signature, address) =>
        TestServer.network("POST", `/bitgo/v1/deallocations?${"x".repeat(100)}`, { signature, ...from(address) }),
    }
    for (const [index, [name, ask]] of Object.entries(asks).entries()) {
      it.effect(`${name}: they take turns`, () => takesTurns(ask, `192.0.2.${index}`))
    }
  },
)

layer(TestServer.layer(undefined, { ...behindProxy, maxRefusalsPerMinute: 1 }), TestServer.options)("whoever", (it) => {
  it.effect("was refused too often takes turns", () =>
    takesTurns(
      (_, address) => TestServer.network("GET", "/bitgo/v1/deallocation/1", { signature: "x", ...from(address) }),
      "192.0.2.1",
    ),
  )
})

layer(TestServer.layer(undefined, { ...behindProxy, maxRequestsPerSecond: 1 }), TestServer.options)("whoever", (it) => {
  it.effect("asked too often takes turns", () =>
    takesTurns((_, address) => TestServer.operator("GET", "/operator/v1/deallocations", from(address)), "192.0.2.1"),
  )
})

layer(TestServer.layer(undefined, { maxUnsignedPerSecond: 5 }), TestServer.options)("a large page", (it) => {
  it.effect("is many turns", () =>
    Effect.gen(function* () {
      const get = TestServer.raw("GET /docs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      // Made for the first.
      const size = (yield* get).length
      const turns = Math.floor(size / 65_536)
      assert.isAbove(turns, 2)
      const start = performance.now()
      yield* Effect.all([get, get, get, get, get], { concurrency: 5 })
      // Five turns may be had at once; one page for one turn would take none.
      assert.isAtLeast(performance.now() - start, ((4 * turns - 5) / 5) * 1_000)
    }),
  )
})

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
    yield* untilArrived(20, () => {
      held = Array.from({ length: 20 }, () => connect(`${ask}\r\n`))
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
