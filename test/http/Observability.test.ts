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

interface Line {
  readonly message: Readonly<Record<string, unknown>>
}

const lastLine = (log: string): Line => JSON.parse(log.split("\n").at(-1) ?? "")

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

  it.effect("logs a line for every request", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer.TestServer
      const terms = yield* TestServer.funded("5")
      yield* TestServer.reserve(terms)
      const { startedAt, durationMillis, ...reserved } = lastLine(yield* log).message
      assert.approximately(Date.parse(String(startedAt)), Date.now(), 5_000)
      assert.isAbove(Number(durationMillis), 0)
      const { deallocationId } = terms
      assert.deepStrictEqual(reserved, {
        method: "POST",
        route: "/bitgo/v1/deallocations",
        status: 200,
        deallocationId,
        outcome: "Reserved",
      })
      yield* TestServer.settle({ ...terms, deallocationId: deallocationId.toUpperCase() }, "clear")
      yield* TestServer.settle(terms, "release")
      assert.deepInclude(lastLine(yield* log).message, {
        route: "/bitgo/v1/deallocation/:deallocationId/release",
        status: 409,
        deallocationId,
        error: "StateConflict",
      })
      yield* TestServer.anyone("GET", "/nowhere?token=x")
      assert.deepInclude(lastLine(yield* log).message, { method: "GET", route: "other", status: 404 })
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
    assert.include(yield* Context.get(context, TestServer.TestServer).log, `"route":"/health/live"`)
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
      const isLogged = Effect.map(log, (log) => log.includes(`"status":499`))
      assert.ok(yield* Effect.repeat(isLogged, { until: (logged) => logged, schedule: Schedule.spaced("5 millis") }))
    }),
  )
})
