/** What is at an address, what is not, and that nonsense is answered and harms nobody. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { guarding } from "@holdfast/http/ResponseHeaders"
import { Effect } from "effect"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

const id = randomUUID()

layer(TestServer.layer(), TestServer.options)("the server", (it) => {
  it.effect("says that there is nothing at an unknown address", () =>
    Effect.gen(function* () {
      for (const path of [
        "/bitgo",
        "/bitgo/v1/deallocation",
        "/bitgo/v2/deallocations",
        "/operator/v1",
        `/${"x".repeat(8_000)}`,
      ]) {
        const answer = yield* TestServer.anyone("GET", `${path}?secret=1`)
        assert.strictEqual(answer.status, 404, path)
        assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/)
        assert.deepInclude(answer.json, { type: "urn:holdfast:problem:route-not-found", status: 404 })
        assert.notInclude(answer.text, "secret")
      }
    }),
  )

  it.effect("leads whoever knows only the host to the page", () =>
    Effect.gen(function* () {
      for (const method of ["GET", "HEAD"]) {
        const answer = yield* TestServer.raw(`${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        assert.match(answer, /^HTTP\/1\.1 303 [\s\S]*\r\nlocation: \/docs\r\n/i)
        assert.match(answer, /\r\n\r\n$/)
      }
    }),
  )

  it.effect("says which methods an address supports", () =>
    Effect.gen(function* () {
      for (const [method, path, allow] of [
        ["GET", "/bitgo/v1/deallocations", "POST"],
        ["DELETE", "/bitgo/v1/deallocations", "POST"],
        ["POST", `/bitgo/v1/deallocation/${id}`, "GET, HEAD"],
        ["POST", `/bitgo/v1/deallocation/${id}/clear`, "PUT"],
        ["OPTIONS", `/bitgo/v1/deallocations/${id}/release`, "PUT"],
        ["PATCH", `/operator/v1/connections/${id}`, "PUT, GET, HEAD"],
        ["POST", "/health/live", "GET, HEAD"],
        ["POST", "/metrics", "GET, HEAD"],
        ["POST", "/openapi.json", "GET, HEAD"],
        ["PUT", "/docs", "GET, HEAD"],
        ["POST", "/", "GET, HEAD"],
      ] as const) {
        const answer = yield* TestServer.anyone(method, path)
        assert.deepStrictEqual([answer.status, answer.headers["allow"]], [405, allow], `${method} ${path}`)
        assert.strictEqual(answer.json["type"], "urn:holdfast:problem:method-not-allowed")
      }
    }),
  )

  it.effect("answers HEAD as GET, without the body", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      yield* TestServer.reserve(terms)
      const found = yield* TestServer.network("HEAD", `/bitgo/v1/deallocation/${terms.deallocationId}`)
      assert.deepStrictEqual([found.status, found.text], [200, ""])
      assert.strictEqual((yield* TestServer.anyone("HEAD", "/health/live")).status, 200)
    }),
  )

  it.effect("says that it lives and is ready", () =>
    Effect.gen(function* () {
      for (const path of ["/health/live", "/health/ready"]) {
        const answer = yield* TestServer.anyone("GET", path)
        assert.deepStrictEqual([answer.status, answer.text], [200, `{"status":"ok"}`])
      }
    }),
  )

  const targets: ReadonlyArray<readonly [target: string, status: number]> = [
    ["*", 400],
    ["/?x", 303],
    ["//", 400],
    ["/%", 400],
    ["/%zz", 400],
    ["/%c0%ae/", 400],
    ["/../../etc/passwd", 400],
    ["http://[", 400],
    ["http://elsewhere/health/live", 400],
    ["/health/live?%zz=%&a=b=c&__proto__=1", 200],
    ["/health/live#x", 400],
    ["/health/live/", 400],
    ["/bitgo/v1/deallocation/%ff/clear", 400],
    ["/\u0001", 400],
    ["/é", 400],
    ["", 400],
  ]
  for (const [target, status] of targets) {
    it.effect(`answers GET ${JSON.stringify(target)} with ${status}`, () =>
      Effect.gen(function* () {
        const answer = yield* TestServer.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
        if (status >= 400) assert.match(answer, /content-type: application\/problem\+json/i)
        assert.strictEqual((yield* TestServer.anyone("GET", "/health/live")).status, 200)
      }),
    )
  }

  const unparsable: Readonly<Record<string, readonly [request: string, status: number, type: string]>> = {
    "no HTTP": ["hello\r\n\r\n", 400, "malformed-request"],
    "an unknown method": ["FROB / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed-request"],
    "a header without a name": ["GET / HTTP/1.1\r\n: x\r\n\r\n", 400, "malformed-request"],
    "two lengths": [
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
      "malformed-request",
    ],
    "headers without end": [`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(200_000)}\r\n\r\n`, 431, "headers-too-large"],
  }
  for (const [name, [request, status, type]] of Object.entries(unparsable)) {
    it.effect(`answers ${name} with ${status}`, () =>
      Effect.gen(function* () {
        const answer = yield* TestServer.raw(request)
        assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
        for (const [name, value] of Object.entries(guarding)) assert.include(answer, `\r\n${name}: ${value}\r\n`)
        assert.match(answer, /content-type: application\/problem\+json/i)
        assert.include(answer, `"urn:holdfast:problem:${type}"`)
      }),
    )
  }

  // Java's client asks for HTTP/2 in its first request.
  it.effect("takes a request that would rather be HTTP/2", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const body = JSON.stringify(terms)
      const signature = yield* Effect.promise(() => Signing.token())
      const answer = yield* TestServer.raw(
        [
          "POST /bitgo/v1/deallocations HTTP/1.1",
          "Host: x",
          "Connection: Upgrade, HTTP2-Settings, close",
          "Upgrade: h2c",
          "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
          "Content-Type: application/json",
          `Content-Length: ${body.length}`,
          `X-BitGo-Signature: ${signature}`,
          "",
          body,
        ].join("\r\n"),
      )
      assert.match(answer, /^HTTP\/1\.1 200 /)
      assert.deepStrictEqual(yield* TestServer.balances(terms), ["2", "3", "0"])
    }),
  )
})
