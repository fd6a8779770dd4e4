/** The application among others on Node's server: what it leaves to them, what they may leave of a body, and its end. */
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as Http from "node:http"
import * as Http2 from "node:http2"
import type { AddressInfo } from "node:net"
import { buffer, text } from "node:stream/consumers"
import { assert, it } from "@effect/vitest"
import { Holdfast, MemoryStore } from "@holdfast/domain"
import * as Access from "@holdfast/http/Access"
import * as NodeHandler from "@holdfast/http/NodeHandler"
import { Effect, Layer, Logger, Redacted } from "effect"
import * as Signing from "../support/Signing.ts"
import * as Stopwatch from "../support/Stopwatch.ts"

const token = "an-operator-token-that-nobody-guesses"
const bearer = { authorization: `Bearer ${token}` }
const json = { "content-type": "application/json" }

/** What is given and put in front, so that a test says what it is about. */
interface Setting extends Partial<Access.Options> {
  /** Runs first, and is given what comes after it. */
  readonly first?: (request: Http.IncomingMessage, after: () => void) => void
  readonly store?: Layer.Layer<Holdfast.Holdfast>
  /** Runs where Holdfast passes a request on; where there is none, it cannot. */
  readonly after?: Http.RequestListener
}

/** As where the database does not answer. */
const neverReady = Layer.effect(
  Holdfast.Holdfast,
  Effect.map(Holdfast.Holdfast, (holdfast) => ({ ...holdfast, ready: Effect.never })),
).pipe(Layer.provide(MemoryStore.layer()))

/** A server of Node's with Holdfast on it. */
const start = ({ first = (_, after) => after(), after, store = MemoryStore.layer(), ...options }: Setting = {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const lines: Array<string> = []
      const access = Access.layer({
        publicKeys: [{ name: "network", pem: Signing.publicKeyPem }],
        operatorTokens: [Redacted.make(token)],
        ...options,
      })
      const logger = Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])
      const { handler, dispose } = await NodeHandler.make(Layer.mergeAll(access, store, logger))
      const server = Http.createServer((request, response) =>
        first(request, () =>
          handler(request, response, after && ((error) => (error ? response.destroy() : after(request, response)))),
        ),
      ).listen(0, "127.0.0.1")
      await once(server, "listening")
      const { port } = server.address() as AddressInfo
      return { server, port, handler, dispose, log: () => lines.join("\n"), url: `http://127.0.0.1:${port}` }
    }),
    ({ server, dispose }) =>
      Effect.promise(async () => {
        await dispose()
        server.closeAllConnections()
        server.close()
      }),
  )

const identifiers = () => ({
  clientId: crypto.randomUUID(),
  partnersConnectionId: crypto.randomUUID(),
  partnerClientId: "client",
})

const registration = (url: string) => `${url}/operator/v1/connections/${crypto.randomUUID()}`

const register = (url: string) =>
  fetch(registration(url), { method: "PUT", headers: { ...bearer, ...json }, body: JSON.stringify(identifiers()) })

it.live("what is none of its addresses, nor below its own places, goes on to what comes after it", () =>
  Effect.gen(function* () {
    const { port } = yield* start({ after: ({ method, url }, response) => response.end(`after ${method} ${url}`) })
    const ask = (method: string, path: string) =>
      Effect.promise(async () => {
        const request = Http.request({ port, host: "127.0.0.1", method, path }).end()
        const [response]: Array<Http.IncomingMessage> = await once(request, "response")
        return `${response?.statusCode} ${response && (await text(response))}`
      })
    for (const path of ["/", "/hello", "/bitgo", "/BITGO/v1", "/health", "/HEALTH/live", "/docs/", "/%2e", "*"]) {
      assert.strictEqual(yield* ask("GET", path), `200 after GET ${path}`)
    }
    assert.strictEqual(yield* ask("TRACE", "/health/live"), "200 after TRACE /health/live")
    assert.include(yield* ask("GET", "/health/live"), `200 {"status":"ok"}`)
    assert.include(yield* ask("GET", "/bitgo/v1/nowhere"), "404 {")
    assert.include(yield* ask("GET", "/operator/"), "400 {")
    assert.include(yield* ask("GET", "/bitgo//v1/deallocations"), "400 {")
    assert.include(yield* ask("GET", "/operator/%zz"), "400 {")
    assert.include(yield* ask("DELETE", "/health/live"), "405 ")
    assert.include(yield* ask("GET", `/operator/v1/deallocations?${"x".repeat(9_000)}`), "414 ")
  }).pipe(Effect.scoped),
)

it.live("below a path of a framework's, an address is still the whole of it", () =>
  Effect.gen(function* () {
    const { url } = yield* start({
      after: (_, response) => response.writeHead(404).end(),
      first: (request, after) => {
        Object.assign(request, { originalUrl: request.url, url: request.url?.replace(/^\/[^/]*/, "") })
        after()
      },
    })
    assert.strictEqual((yield* Effect.promise(() => register(url))).status, 200)
    assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/theirs/health/live`))).status, 404)
  }).pipe(Effect.scoped),
)

it.live("with nothing after it, it answers all that there is", () =>
  Effect.gen(function* () {
    const { port } = yield* start()
    const ask = (method: string, path: string) =>
      Effect.promise(async () => {
        const request = Http.request({ port, host: "127.0.0.1", method, path }).end()
        const [response]: Array<Http.IncomingMessage> = await once(request, "response")
        response?.resume()
        return response?.statusCode
      })
    assert.strictEqual(yield* ask("GET", "/nowhere"), 404)
    assert.strictEqual(yield* ask("OPTIONS", "*"), 400)
    assert.strictEqual(yield* ask("GET", "//[/health/live"), 400)
    assert.strictEqual(yield* ask("TRACE", "/health/live"), 501)
  }).pipe(Effect.scoped),
)

it.live("a body that was read before is a fault that the log explains, and never another body", () =>
  Effect.gen(function* () {
    const { url, log } = yield* start({ first: (request, after) => void buffer(request).then(after) })
    const answer = yield* Effect.promise(() => register(url))
    assert.strictEqual(answer.status, 500)
    assert.include(log(), "Put Holdfast before whatever reads bodies.")
    // Where there was none to read, nothing is missing.
    const bodiless = yield* Effect.promise(() => fetch(registration(url), { headers: bearer }))
    assert.strictEqual(bodiless.status, 404)
    const empty = yield* Effect.promise(() =>
      fetch(registration(url), { method: "PUT", headers: { ...bearer, ...json } }),
    )
    assert.strictEqual(empty.status, 400)
  }).pipe(Effect.scoped),
)

it.live("a body whose bytes were kept is read from them, and checked against the signature", () =>
  Effect.gen(function* () {
    const { url } = yield* start({
      bodyClaim: "body",
      first: (request, after) =>
        void buffer(request).then((rawBody) => {
          Object.assign(request, { rawBody })
          after()
        }),
    })
    const body = `{ "deallocationId" :"${crypto.randomUUID()}", "é": 1.0 }`
    const send = (claimed: string) =>
      Effect.promise(async () => {
        const signature = await Signing.token({ body: createHash("sha256").update(claimed).digest("hex") } as object)
        const headers = { ...json, "x-bitgo-signature": signature }
        return (await fetch(`${url}/bitgo/v1/deallocations`, { method: "POST", headers, body })).status
      })
    assert.strictEqual(yield* send(body), 400)
    assert.strictEqual(yield* send(JSON.stringify(JSON.parse(body))), 401)
    const good = yield* Effect.promise(() => register(url))
    assert.strictEqual(good.status, 200)
    const tooMany = new Blob([new Uint8Array(65_537)]).stream()
    const tooLarge = { method: "PUT", headers: { ...bearer, ...json }, body: tooMany, duplex: "half" } as const
    assert.strictEqual((yield* Effect.promise(() => fetch(registration(url), tooLarge))).status, 413)
  }).pipe(Effect.scoped),
)

it.live("callers are counted by the address at the other end", () =>
  Effect.gen(function* () {
    const { url } = yield* start({ maxRefusalsPerMinute: 1, trustedProxies: ["127.0.0.1"] })
    const from = (forwardedFor: string) =>
      Effect.promise(async () => {
        const { status } = await fetch(`${url}/operator/v1/balances`, { headers: { "x-forwarded-for": forwardedFor } })
        return status
      })
    assert.deepStrictEqual(
      [yield* from("192.0.2.1"), yield* from("192.0.2.1"), yield* from("192.0.2.2")],
      [401, 429, 401],
    )
  }).pipe(Effect.scoped),
)

it.live("whoever goes away in the middle of a body leaves nothing behind", () =>
  Effect.gen(function* () {
    const { url, server, dispose } = yield* start()
    yield* Effect.promise(async () => {
      for (const length of [{ "content-length": 60_000 }, { "transfer-encoding": "chunked" }]) {
        const headers = { ...bearer, ...json, ...length }
        const request = Http.request(registration(url), { method: "PUT", headers }).on("error", () => {})
        request.write("{")
        await once(server, "request")
        request.destroy()
      }
      assert.strictEqual((await register(url)).status, 200)
      // It would wait for what is in hand.
      const stopwatch = Stopwatch.start()
      await dispose()
      assert.isBelow(stopwatch().awake, 5)
    })
  }).pipe(Effect.scoped),
)

it.live("work for whoever is gone is given up", () =>
  Effect.gen(function* () {
    const { url, server, log, dispose } = yield* start({ store: neverReady })
    yield* Effect.promise(async () => {
      const request = Http.get(`${url}/health/ready`).on("error", () => {})
      await once(server, "request")
      request.destroy()
      await dispose()
      assert.include(log(), `"http.response.status_code":499`)
    })
  }).pipe(Effect.scoped),
)

it.live("when it ends, what is in hand is answered, streams end, and what comes is asked to come again", () =>
  Effect.gen(function* () {
    const { url, server, dispose } = yield* start()
    server.keepAliveTimeout = 60_000
    yield* Effect.promise(async () => {
      const stream = await fetch(`${url}/operator/v1/journal/stream`, { headers: bearer })
      const agent = new Http.Agent({ keepAlive: true })
      const slow = Http.request(registration(url), { agent, method: "PUT", headers: { ...bearer, ...json } })
      slow.flushHeaders()
      await once(server, "request")
      let isDisposed = false
      const disposed = dispose().then(() => {
        isDisposed = true
      })
      assert.include(await stream.text(), ": the journal")
      const refused = await fetch(`${url}/health/live`)
      assert.strictEqual(refused.status, 503)
      assert.strictEqual(refused.headers.get("retry-after"), "1")
      assert.isFalse(isDisposed)
      const closed = once(server.close(), "close")
      slow.end(JSON.stringify(identifiers()))
      const [answer]: Array<Http.IncomingMessage> = await once(slow, "response")
      assert.strictEqual(answer?.statusCode, 200)
      answer?.resume()
      await disposed
      await closed
    })
  }).pipe(Effect.scoped),
)

it.live("it says at once what it cannot do without", () =>
  Effect.promise(async () => {
    const access = Access.layer({ publicKeys: [], operatorTokens: [Redacted.make(token)] })
    const error = await NodeHandler.make(Layer.merge(access, MemoryStore.layer())).catch((error: unknown) => error)
    assert.include(String(error), "publicKeys")
  }),
)

it.live("it answers over HTTP/2 as well", () =>
  Effect.gen(function* () {
    const { handler } = yield* start()
    yield* Effect.promise(async () => {
      const server = Http2.createServer((request, response) => {
        handler(request as unknown as Http.IncomingMessage, response as unknown as Http.ServerResponse)
      }).listen(0, "127.0.0.1")
      await once(server, "listening")
      const session = Http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      const path = registration("")
      const stream = session.request({ ":method": "PUT", ":path": path, ...bearer, ...json })
      stream.end(JSON.stringify(identifiers()))
      const [headers] = await once(stream, "response")
      assert.strictEqual(headers[":status"], 200, await text(stream))
      session.close()
      server.close()
    })
  }).pipe(Effect.scoped),
)
