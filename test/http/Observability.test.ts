/** What is seen from outside, and what never is. */
import { randomUUID } from "node:crypto"
import { assert, it, layer } from "@effect/vitest"
import { Holdfast, MemoryStore, Store } from "@holdfast/domain"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Schedule, Scope } from "effect"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

const metric = (text: string, name: string, labels: Readonly<Record<string, string>>) => {
  const line = text
    .split("\n")
    .find(
      (line) =>
        line.startsWith(`${name}{`) &&
        Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)),
    )
  return Number(line?.split(" ").at(-1) ?? 0)
}

type Line = Readonly<Record<string, unknown>>

const linesOf = (log: string): ReadonlyArray<Line> => log.split("\n").map((line) => JSON.parse(line))

const lastLine = (log: string): Line => linesOf(log).at(-1) ?? {}

layer(TestServer.layer(), TestServer.options)("the server", (it) => {
  it.effect("counts requests by route and status, and times them", () =>
    Effect.gen(function* () {
      const labels = { method: "GET", route: "/bitgo/v1/deallocation/:deallocationId", status: "404" }
      const duration = { method: labels.method, route: labels.route }
      const counts = Effect.map(TestServer.metrics, (text) => [
        metric(text, "holdfast_http_requests_total", labels),
        metric(text, "holdfast_http_request_duration_seconds_count", duration),
        metric(text, "holdfast_http_request_duration_seconds_bucket", { ...duration, le: "+Inf" }),
      ])
      const before = yield* counts
      yield* TestServer.network("GET", `/bitgo/v1/deallocation/${randomUUID()}`)
      assert.deepStrictEqual(
        yield* counts,
        before.map((count) => count + 1),
      )
    }),
  )

  it.effect("counts commands by what they came to", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const outcomes = [
        ["reserve", "Reserved"],
        ["reserve", "Rejected"],
        ["reserve", "TermsMismatch"],
        ["clear", "Cleared"],
        ["release", "StateConflict"],
        ["debit", "InsufficientBalance"],
      ] as const
      const counts = Effect.map(TestServer.metrics, (text) =>
        outcomes.map(([command, outcome]) => metric(text, "holdfast_commands_total", { command, outcome })),
      )
      const before = yield* counts
      yield* TestServer.reserve(terms)
      yield* TestServer.reserve(TestServer.newTerms())
      yield* TestServer.reserve({ ...terms, partnerClientId: "x" })
      yield* TestServer.settle(terms, "clear")
      yield* TestServer.settle(terms, "release")
      yield* TestServer.adjust(terms, "debit", { currency: "BTC", quantity: "3" })
      assert.deepStrictEqual(
        yield* counts,
        before.map((count) => count + 1),
      )
    }),
  )

  it.effect("counts rejections by their reason, and replays apart from actions", () =>
    Effect.gen(function* () {
      const counts = Effect.map(TestServer.metrics, (text) => ({
        reserved: metric(text, "holdfast_commands_total", { kind: "deallocation", outcome: "Reserved" }),
        rejected: metric(text, "holdfast_commands_total", { kind: "deallocation", outcome: "Rejected" }),
        credited: metric(text, "holdfast_commands_total", { kind: "adjustment", outcome: "Credited" }),
        unknown: metric(text, "holdfast_rejections_total", { kind: "deallocation", reason: "UNKNOWN_CONNECTION" }),
        insufficient: metric(text, "holdfast_rejections_total", {
          kind: "deallocation",
          reason: "INSUFFICIENT_BALANCE",
        }),
        replays: metric(text, "holdfast_replays_total", { kind: "deallocation" }),
        creditReplays: metric(text, "holdfast_replays_total", { kind: "adjustment" }),
        nonces: Number(/^holdfast_nonce_refusals_total (\d+)$/m.exec(text)?.[1]),
      }))
      const terms = yield* TestServer.funded("5")
      const before = yield* counts
      const same = [terms, terms, terms].map(TestServer.reserve)
      yield* Effect.all(same, { concurrency: "unbounded" })
      const unknown = TestServer.newTerms()
      for (const body of [unknown, unknown, { ...terms, deallocationId: randomUUID() }]) yield* TestServer.reserve(body)
      const adjustmentId = randomUUID()
      for (let times = 0; times < 3; times++) {
        yield* TestServer.adjust(terms, "credit", { currency: "BTC", quantity: "1" }, adjustmentId)
      }
      const signature = yield* Effect.promise(() => Signing.token())
      for (let times = 0; times < 3; times++) {
        yield* TestServer.network("PUT", `/bitgo/v1/deallocation/${randomUUID()}/clear`, { signature })
      }
      assert.deepStrictEqual(yield* counts, {
        reserved: before.reserved + 1,
        rejected: before.rejected + 2,
        credited: before.credited + 1,
        unknown: before.unknown + 1,
        insufficient: before.insufficient + 1,
        replays: before.replays + 3,
        creditReplays: before.creditReplays + 2,
        nonces: before.nonces + 2,
      })
    }),
  )

  it.effect("logs a line for every request", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer.TestServer
      const terms = yield* TestServer.funded("5")
      const { deallocationId, connectionId } = terms
      const { headers } = yield* TestServer.reserve(terms)
      const { start_time, timestamp, "http.server.request.duration": duration, ...reserved } = lastLine(yield* log)
      assert.approximately(Date.parse(String(start_time)), Date.now(), 5_000)
      assert.isAtLeast(Date.parse(String(timestamp)), Date.parse(String(start_time)))
      assert.isAbove(Number(duration), 0)
      assert.deepStrictEqual(reserved, {
        severity_text: "INFO",
        message: "POST /bitgo/v1/deallocations 200",
        "http.request.method": "POST",
        "http.route": "/bitgo/v1/deallocations",
        "http.response.status_code": 200,
        "client.address": "127.0.0.1",
        "holdfast.request.id": headers["x-request-id"],
        "holdfast.command": "reserve deallocation",
        "holdfast.deallocation.id": deallocationId,
        "holdfast.connection.id": connectionId,
        "holdfast.outcome": "Reserved",
      })
      yield* TestServer.reserve(terms)
      assert.deepInclude(lastLine(yield* log), { "holdfast.outcome": "Reserved", "holdfast.replayed": true })
      yield* TestServer.reserve({ ...terms, deallocationId: randomUUID(), amount: { currency: "BTC", quantity: "4" } })
      assert.deepInclude(lastLine(yield* log), { "holdfast.rejection.reason": "INSUFFICIENT_BALANCE" })
      yield* TestServer.settle({ ...terms, deallocationId: deallocationId.toUpperCase() }, "clear")
      yield* TestServer.settle(terms, "release")
      assert.deepInclude(lastLine(yield* log), {
        "http.route": "/bitgo/v1/deallocation/:deallocationId/release",
        "http.response.status_code": 409,
        "holdfast.deallocation.id": deallocationId,
        "error.type": "StateConflict",
      })
      const adjustmentId = randomUUID()
      yield* TestServer.adjust(terms, "debit", { currency: "BTC", quantity: "50" }, adjustmentId)
      assert.deepInclude(lastLine(yield* log), {
        "http.route": "/operator/v1/adjustments/:adjustmentId",
        "holdfast.adjustment.id": adjustmentId,
        "holdfast.connection.id": connectionId,
        "client.address": "127.0.0.1",
        "error.type": "InsufficientBalance",
      })
      yield* TestServer.anyone("GET", "/nowhere?token=x")
      assert.deepInclude(lastLine(yield* log), {
        message: "GET other 404",
        "http.route": "other",
        "http.response.status_code": 404,
      })
    }),
  )

  it.effect("has a request's id and its trace's in its answer's headers and in its line", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer.TestServer
      const ids = new Set<string | undefined>()
      const [traceId, spanId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"]
      for (const [ask, path] of [
        [TestServer.network, `/bitgo/v1/deallocation/${randomUUID()}`],
        [TestServer.operator, "/operator/v1/balances"],
        [TestServer.anyone, "/nowhere"],
        [TestServer.anyone, "/health/live"],
      ] as const) {
        const headers = { traceparent: `00-${traceId}-${spanId}-01`, "x-request-id": "of-somebody" }
        const answer = yield* ask("GET", path, { headers })
        const id = answer.headers["x-request-id"]
        assert.match(id ?? "", /^[\w-]{10,}$/)
        assert.notStrictEqual(id, "of-somebody")
        ids.add(id)
        const line = { "holdfast.request.id": id, trace_id: traceId, span_id: spanId }
        assert.deepInclude(lastLine(yield* log), line)
      }
      assert.strictEqual(ids.size, 4)
      for (const traceparent of [
        `00-${traceId}-${spanId}`,
        `00-${"0".repeat(32)}-${spanId}-01`,
        `ff-${traceId}-${spanId}-01`,
        `00-${traceId.toUpperCase()}-${spanId}-01`,
        `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
      ]) {
        yield* TestServer.anyone("GET", "/health/live", { headers: { traceparent } })
        assert.notProperty(lastLine(yield* log), "trace_id", traceparent)
      }
      for (const bytes of ["nonsense\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"]) {
        assert.match(yield* TestServer.raw(bytes), /^x-request-id: [\w-]{10,}\r$/im)
      }
    }),
  )

  it.effect("never says a signature, a token, a key, a body or a query", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer.TestServer
      const terms = { ...(yield* TestServer.funded("5")), partnerClientId: "a-client-in-a-body" }
      const signature = yield* Effect.promise(() => Signing.token())
      const answers = [
        yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body: "{", signature }),
        yield* TestServer.network("POST", "/bitgo/v1/deallocations", { signature: `${signature}x` }),
        yield* TestServer.anyone("GET", `/operator/v1/deallocations?token=${TestServer.operatorToken}`),
        yield* TestServer.operator("GET", `/operator/v1/deallocations?limit=0&x=${TestServer.operatorToken}`),
        yield* TestServer.operator("GET", `/nowhere?x=${TestServer.operatorToken}`),
        yield* TestServer.anyone("GET", "/metrics"),
      ]
      yield* TestServer.reserve(terms)
      const said = `${yield* log}${answers.map(({ text, headers }) => text + JSON.stringify(headers)).join("")}`
      for (const secret of [
        signature,
        signature.split(".")[2] ?? "",
        TestServer.operatorToken,
        "a-client-in-a-body",
        "KEY",
      ]) {
        assert.notInclude(said, secret)
      }
    }),
  )
})

it.live("what was answered before a server ends is in its log", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(TestServer.layer(), scope)
    const answer = TestServer.raw("GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert.match(yield* Effect.provide(answer, context), /^HTTP\/1\.1 200 /)
    yield* Scope.close(scope, Exit.void)
    assert.include(yield* Context.get(context, TestServer.TestServer).log, `"http.route":"/health/live"`)
  }),
)

const clearing = Deferred.makeUnsafe<void>()

/** A store that is away, one that never answers, and one with a bug. */
const failing = Layer.effect(
  Holdfast.Holdfast,
  Effect.map(Holdfast.Holdfast, (memory): Holdfast.Holdfast["Service"] => {
    const away = new Store.Unavailable({ reason: "The database does not answer.", retryAfterSeconds: 7 })
    return {
      ...memory,
      reserve: () => Effect.fail(away),
      clear: () => Effect.andThen(Deferred.succeed(clearing, undefined), Effect.never),
      ready: Effect.fail(away),
      find: () => Effect.die(new Error("SELECT secret FROM deallocations")),
      connection: () => Effect.sync(() => ({ connection: { connectionId: "no UUID" } }) as never),
    }
  }),
).pipe(Layer.provide(MemoryStore.layer()))

layer(TestServer.layer(failing), TestServer.options)("a fault of ours", (it) => {
  it.effect("that passes is a 503 that says when to come again, and no rejection", () =>
    Effect.gen(function* () {
      for (const answer of [
        yield* TestServer.reserve(TestServer.newTerms()),
        yield* TestServer.anyone("GET", "/health/ready"),
      ]) {
        assert.deepStrictEqual([answer.status, answer.headers["retry-after"]], [503, "7"])
        assert.deepInclude(answer.json, { type: "urn:holdfast:problem:unavailable", retryAfterSeconds: 7 })
        assert.notProperty(answer.json, "rejectionReason")
      }
      assert.strictEqual((yield* TestServer.anyone("GET", "/health/live")).status, 200)
    }),
  )

  it.effect("that does not is a 500 that tells nothing, and the log all", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer.TestServer
      for (const answer of [
        yield* TestServer.network("GET", `/bitgo/v1/deallocation/${randomUUID()}`),
        yield* TestServer.operator("GET", `/operator/v1/deallocations/${randomUUID()}`),
        yield* TestServer.operator("GET", `/operator/v1/connections/${randomUUID()}`),
      ]) {
        assert.strictEqual(answer.status, 500)
        assert.deepStrictEqual(answer.json, {
          type: "urn:holdfast:problem:internal-error",
          title: "The server failed.",
          status: 500,
          detail: "The fault is ours, and it is in our log.",
        })
      }
      assert.include(yield* log, "SELECT secret FROM deallocations")
      const lines = linesOf(yield* log)
      const faults = lines.filter((line) => line["http.response.status_code"] === 500)
      assert.lengthOf(faults, 3)
      for (const { severity_text, "holdfast.request.id": id } of faults) {
        assert.strictEqual(severity_text, "ERROR")
        const told = lines.filter(
          (line) => line["message"] === "A request failed." && line["holdfast.request.id"] === id,
        )
        assert.lengthOf(told, 1)
        assert.isString(told[0]?.["exception.stacktrace"])
      }
    }),
  )

  it.effect("that nobody waited for is given up, and logged so", () =>
    Effect.gen(function* () {
      const { log, url } = yield* TestServer.TestServer
      const headers = { "x-bitgo-signature": yield* Effect.promise(() => Signing.token()) }
      const caller = yield* Effect.forkChild(
        Effect.tryPromise((signal) =>
          fetch(`${url}/bitgo/v1/deallocation/${randomUUID()}/clear`, { method: "PUT", headers, signal }),
        ),
      )
      yield* Deferred.await(clearing)
      yield* Fiber.interrupt(caller)
      const isLogged = Effect.map(log, (log) => log.includes(`"http.response.status_code":499`))
      assert.ok(yield* Effect.repeat(isLogged, { until: (logged) => logged, schedule: Schedule.spaced("5 millis") }))
    }),
  )
})

layer(TestServer.layer(undefined, { trustedProxies: ["127.0.0.1"] }), TestServer.options)("behind a proxy", (it) => {
  it.effect("a request has the id that the proxy gave it, if that is one", () =>
    Effect.gen(function* () {
      const idOf = (id: string, ask = TestServer.anyone) =>
        Effect.map(
          ask("GET", "/operator/v1/balances", { headers: { "x-request-id": id } }),
          ({ headers }) => headers["x-request-id"],
        )
      assert.strictEqual(yield* idOf("4bf92f35-77b3~a.b_c"), "4bf92f35-77b3~a.b_c")
      assert.strictEqual(yield* idOf("4bf92f35", TestServer.network), "4bf92f35")
      for (const id of ["a b", "a,b", "a".repeat(129), 'a"b']) assert.notStrictEqual(yield* idOf(id), id)
    }),
  )
})
