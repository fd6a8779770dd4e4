/** The application without our server: as a function of the web standard or of Node's, and on an `HttpServer` of others. */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, it } from "@effect/vitest"
import { MemoryStore } from "@holdfast/domain"
import * as App from "@holdfast/http/App"
import * as CallerLimits from "@holdfast/http/CallerLimits"
import * as Credentials from "@holdfast/http/Credentials"
import type { Told } from "@holdfast/http/Host"
import * as NodeHandler from "@holdfast/http/NodeHandler"
import * as OperatorToken from "@holdfast/http/OperatorToken"
import * as Signature from "@holdfast/http/Signature"
import { Context, Effect, Function, Layer, type Scope } from "effect"
import { HttpServer } from "effect/http"
import * as Quiet from "../support/Quiet.ts"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

const servicesOf = (options: Partial<CallerLimits.Options>) =>
  Layer.mergeAll(Signature.layer(TestServer.defaults), OperatorToken.layer, MemoryStore.layer(), Quiet.layer).pipe(
    Layer.provideMerge(CallerLimits.layer({ ...TestServer.defaults, ...options })),
    Layer.provideMerge(Credentials.layer(TestServer.credentials)),
  )

type Handler = (request: Request, told?: Told) => Promise<Response>

/** The application as a host has it that has no server of ours. */
const makeHandler = (options: Partial<CallerLimits.Options> = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => App.toWebHandler(servicesOf(options), TestServer.defaults)),
      ({ dispose }) => Effect.promise(dispose),
    ),
    ({ handler }) => handler,
  )

/** Where a listener listens, until the scope ends. */
const listen = (handler: NodeHandler.Handler) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer((request, response) => handler(request, response)).listen(0, "127.0.0.1")
        await once(server, "listening")
        return server
      }),
      (server) => Effect.promise(() => once(server.close(), "close")),
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  )

/** Asks at an origin. */
const askAt =
  (origin: string): Handler =>
  (request) => {
    const { pathname, search } = new URL(request.url)
    return fetch(new Request(`${origin}${pathname}${search}`, request))
  }

/** As a listener of Node's. */
const makeListener = Effect.map(
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.promise(() => NodeHandler.make(servicesOf({}), TestServer.defaults)),
      ({ dispose }) => Effect.promise(dispose),
    ),
    ({ handler }) => listen(handler),
  ),
  askAt,
)

/** On a server that is none of ours. */
const serve = (options: Partial<CallerLimits.Options> = {}) =>
  Effect.map(
    Layer.build(
      App.layer(TestServer.defaults).pipe(
        Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
        Layer.provide(servicesOf(options)),
      ),
    ),
    (context): Handler => {
      const { address } = Context.get(context, HttpServer.HttpServer)
      return askAt(new URL(HttpServer.formatAddress(address)).origin)
    },
  )

const base = "https://partner.example"

const signed = async () => ({ "x-bitgo-signature": await Signing.token() })
const json = { "content-type": "application/json" }
const bearer = { authorization: `Bearer ${TestServer.operatorToken}` }

const ask = async (handler: Handler, method: string, path: string, init: RequestInit = {}) => {
  const response = await handler(new Request(`${base}${path}`, { method, ...init }))
  const text = await response.text()
  return { status: response.status, headers: response.headers, text }
}

const withBody = (body: unknown, headers: Readonly<Record<string, string>>): RequestInit => ({
  body: JSON.stringify(body),
  headers: { ...json, ...headers },
})

/** A stream, whose length nobody says. */
const streamed = (bytes: number): RequestInit & { readonly duplex: "half" } => ({
  body: new Blob([new Uint8Array(bytes)]).stream(),
  duplex: "half",
})

const hosts: Readonly<Record<string, Effect.Effect<Handler, unknown, Scope.Scope>>> = {
  "as a function of the web standard": makeHandler(),
  "as a listener of Node's": makeListener,
  "on a server of others": serve(),
}

for (const [name, start] of Object.entries(hosts)) {
  it.live(`${name}, it serves the network and the operator`, () =>
    Effect.gen(function* () {
      const handler = yield* start
      yield* Effect.promise(async () => {
        const terms = { ...TestServer.newTerms(), amount: { currency: "ETH", quantity: "1000000000000000000001" } }
        const { connectionId, clientId, partnersConnectionId, partnerClientId, amount, deallocationId } = terms
        const identifiers = { clientId, partnersConnectionId, partnerClientId }
        const connection = `/operator/v1/connections/${connectionId}`
        const credit = { connectionId, direction: "credit", amount }
        assert.strictEqual((await ask(handler, "PUT", connection, withBody(identifiers, bearer))).status, 200)
        const adjustment = `/operator/v1/adjustments/${crypto.randomUUID()}`
        assert.strictEqual((await ask(handler, "PUT", adjustment, withBody(credit, bearer))).status, 200)

        const reserve = await ask(handler, "POST", "/bitgo/v1/deallocations", withBody(terms, await signed()))
        assert.strictEqual(reserve.status, 200)
        assert.include(reserve.text, `"quantity":1000000000000000000001}`)
        assert.strictEqual(reserve.headers.get("cache-control"), "no-store")
        const one = `/bitgo/v1/deallocation/${deallocationId}`
        for (const [method, path] of [
          ["PUT", `${one}/clear`],
          ["GET", one],
        ] as const) {
          assert.strictEqual((await ask(handler, method, path, { headers: await signed() })).status, 200)
        }
        const shown = await ask(handler, "GET", connection, { headers: bearer })
        assert.include(shown.text, `"reserved":"0","deallocated":"1000000000000000000001"`)
        const listed = await ask(handler, "GET", `/operator/v1/deallocations?connectionId=${connectionId}`, {
          headers: bearer,
        })
        assert.include(listed.text, deallocationId)
      })
    }).pipe(Effect.scoped),
  )

  it.live(`${name}, it refuses what is wrong, with a problem`, () =>
    Effect.gen(function* () {
      const handler = yield* start
      yield* Effect.promise(async () => {
        const reservations = "/bitgo/v1/deallocations"
        const large = TestServer.defaults.maxBodyBytes + 1
        const cases: ReadonlyArray<readonly [method: string, path: string, init: RequestInit, status: number]> = [
          ["GET", "/nowhere", {}, 404],
          ["GET", "/bitgo//v1/deallocations", {}, 400],
          ["DELETE", reservations, {}, 405],
          ["GET", `/${"x".repeat(TestServer.defaults.maxUrlLength)}`, {}, 414],
          ["POST", reservations, withBody({}, {}), 401],
          ["POST", reservations, withBody({}, await signed()), 400],
          ["POST", reservations, { ...streamed(1), headers: await signed() }, 415],
          ["POST", reservations, { ...streamed(large), headers: { ...json, ...(await signed()) } }, 413],
          ["POST", reservations, { body: new Uint8Array(large), headers: { ...json, ...(await signed()) } }, 413],
          ["POST", reservations, { headers: { ...json, ...(await signed()) } }, 400],
          ["GET", "/operator/v1/deallocations?stat=x", { headers: bearer }, 400],
          ["GET", "/operator/v1/deallocations", {}, 401],
        ]
        for (const [method, path, init, status] of cases) {
          const answer = await ask(handler, method, path, init)
          assert.strictEqual(answer.status, status, `${method} ${path.slice(0, 80)}: ${answer.text}`)
          assert.strictEqual(answer.headers.get("content-type"), "application/problem+json")
          assert.strictEqual(JSON.parse(answer.text).status, status)
        }
      })
    }).pipe(Effect.scoped),
  )

  it.live(`${name}, it tells what it is and how it is`, () =>
    Effect.gen(function* () {
      const handler = yield* start
      yield* Effect.promise(async () => {
        for (const path of ["/health/live", "/health/ready", "/openapi.json", "/docs", "/metrics"]) {
          assert.strictEqual((await ask(handler, "GET", path)).status, 200, path)
          const { status, text } = await ask(handler, "HEAD", path)
          assert.deepStrictEqual([status, text], [200, ""], path)
        }
      })
    }).pipe(Effect.scoped),
  )
}

for (const option of ["maxRequestsPerSecond", "maxRefusalsPerMinute", "maxUrlLength", "maxBodyBytes"] as const) {
  it.live(`it is not built with a ${option} that nothing reaches, and lets go of what it had by then`, () =>
    Effect.promise(async () => {
      for (const limit of [Number.NaN, Number.POSITIVE_INFINITY, 0, -1]) {
        const log: Array<string> = []
        const pool = Layer.effectDiscard(
          Effect.acquireRelease(
            Effect.sync(() => log.push("opened")),
            () => Effect.sync(() => log.push("closed")),
          ),
        )
        const services = servicesOf({ [option]: limit }).pipe(Layer.provide(pool))
        const built = App.toWebHandler(services, { [option]: limit })
        const { message } = await built.then(() => assert.fail(), Function.identity)
        assert.strictEqual(message, `${option}: Expected a number of 1 or more. Got ${limit}.`)
        assert.deepStrictEqual(log, ["opened", "closed"])
      }
    }),
  )
}

it.live("a caller is counted by the address that the host tells of it, or together with all others", () =>
  Effect.gen(function* () {
    const handler = yield* makeHandler({ maxRefusalsPerMinute: 1, trustedProxies: ["10.0.0.0/8"] })
    const from = (peer: string | undefined, forwardedFor?: string) =>
      Effect.promise(async () => {
        const headers: Record<string, string> = forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor }
        const request = new Request(`${base}/operator/v1/deallocations`, { headers })
        return (await handler(request, { peer })).status
      })
    assert.deepStrictEqual([yield* from("192.0.2.1"), yield* from("192.0.2.1")], [401, 429])
    assert.deepStrictEqual([yield* from("192.0.2.2"), yield* from("192.0.2.2")], [401, 429])
    // What somebody claims who is no proxy of ours.
    assert.strictEqual(yield* from("192.0.2.1", "198.51.100.1"), 429)
    // Through a proxy that is trusted.
    assert.deepStrictEqual([yield* from("10.0.0.1", "192.0.2.3"), yield* from("10.0.0.1", "192.0.2.1")], [401, 429])
    assert.deepStrictEqual([yield* from(undefined), yield* from(undefined, "192.0.2.9")], [401, 429])
  }).pipe(Effect.scoped),
)

it.live("a caller on a server of others is counted by the address at the other end", () =>
  Effect.gen(function* () {
    const handler = yield* serve({ maxRefusalsPerMinute: 1, trustedProxies: ["127.0.0.0/8"] })
    const through = (forwardedFor: string) =>
      Effect.promise(() =>
        ask(handler, "GET", "/operator/v1/deallocations", { headers: { "x-forwarded-for": forwardedFor } }),
      )
    const statuses = yield* Effect.forEach(["192.0.2.1", "192.0.2.2", "192.0.2.1"], through)
    assert.deepStrictEqual(
      statuses.map(({ status }) => status),
      [401, 401, 429],
    )
  }).pipe(Effect.scoped),
)
