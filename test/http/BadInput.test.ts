/** Whatever cannot be understood is refused with the fact, and records nothing. */
import { randomUUID } from "node:crypto"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import * as Net from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

type Change = (terms: TestServer.Terms) => unknown

/** The body, and what the answer's detail is to say. */
const malformed: Readonly<Record<string, readonly [body: Change, detail: RegExp]>> = {
  "an empty body": [() => "", /JSON/],
  "no JSON": [() => "{", /JSON/],
  "JSON with something after it": [(terms) => `${JSON.stringify(terms)}x`, /JSON/],
  "a trailing comma": [(terms) => `${JSON.stringify(terms).slice(0, -1)},}`, /JSON/],
  null: [() => "null", /Expected object/],
  "an array": [(terms) => [terms], /Expected object/],
  "a deeply nested array": [() => "[".repeat(30_000) + "]".repeat(30_000), /Expected object/],
  "an unfinished deep nest": [() => "[".repeat(60_000), /JSON/],
  "a deep nest in a field": [
    (terms) => `{"x":${"[".repeat(30_000)}${"]".repeat(30_000)},${JSON.stringify({ ...terms, clientId: 1 }).slice(1)}`,
    /^clientId: Expected string$/,
  ],
  "a deep nest in place of a field": [
    (terms) =>
      JSON.stringify({ ...terms, amount: 0 }).replace(
        `"amount":0`,
        `"amount":${"[".repeat(9_999)}${"]".repeat(9_999)}`,
      ),
    /^amount: Expected object/,
  ],
  "a key twice": [(terms) => `{"clientId":"x",${JSON.stringify(terms).slice(1)}`, /"clientId" appears twice/],
  "a key twice with one value": [
    (terms) => `{"clientId":"${terms.clientId}",${JSON.stringify(terms).slice(1)}`,
    /"clientId" appears twice/,
  ],
  "a key twice, once in escapes": [
    (terms) => `{"\\u0063lientId":"${terms.clientId}",${JSON.stringify(terms).slice(1)}`,
    /"clientId" appears twice/,
  ],
  "a key twice in an inner object": [
    (terms) => JSON.stringify(terms).replace(`"currency"`, `"currency":"BTC","currency"`),
    /"currency" appears twice/,
  ],
  "a key twice in a field that we do not know": [
    (terms) => `{"x":[{"a":1,"b":{"a":1},"a":1}],${JSON.stringify(terms).slice(1)}`,
    /"a" appears twice/,
  ],
  "a byte order mark": [(terms) => `\ufeff${JSON.stringify(terms)}`, /JSON/],
  "bytes that are no UTF-8": [
    (terms) => Buffer.from(JSON.stringify(terms).replace("client-3", "client-\xff"), "latin1"),
    /UTF-8/,
  ],
  "a quantity that is a number": [
    (terms) => ({ ...terms, amount: { currency: "BTC", quantity: 3 } }),
    /^amount\.quantity: Expected a string of digits, not a JSON number\.$/,
  ],
  "a missing field": [({ clientId: _, ...terms }) => terms, /^clientId: Missing key$/],
  "a missing inner field": [(terms) => ({ ...terms, amount: { currency: "BTC" } }), /^amount\.quantity: Missing key$/],
  "a missing client": [({ partnerClientId: _, ...terms }) => terms, /^partnerClientId: Missing key$/],
  "two clients": [(terms) => ({ ...terms, partnersClientId: "client-4" }), /^partnersClientId: Differs/],
  "a field that is null": [(terms) => ({ ...terms, partnerClientId: null }), /^partnerClientId: Expected string$/],
  "an id that is no UUID": [
    (terms) => ({ ...terms, deallocationId: "1" }),
    /^deallocationId: Expected a UUID\. Got "1"\.$/,
  ],
  "an empty connection": [(terms) => ({ ...terms, partnersConnectionId: "" }), /^partnersConnectionId: /],
  "a NUL": [(terms) => ({ ...terms, partnerClientId: "a\0b" }), /^partnerClientId: .*NUL/],
  "half a surrogate pair": [(terms) => ({ ...terms, partnerClientId: "\ud800" }), /^partnerClientId: .*Unicode/],
  "a currency with a space": [
    (terms) => ({ ...terms, amount: { currency: "B TC", quantity: "3" } }),
    /^amount\.currency: Expected a currency/,
  ],
  "several faults": [
    (terms) => ({ ...terms, clientId: "x", amount: { currency: "BTC", quantity: "-1" } }),
    /amount\.quantity: .*clientId: /,
  ],
}

const quantities = [
  "0",
  "007",
  "+5",
  "-5",
  "1e3",
  "1.0",
  " 1",
  "1 ",
  "",
  "0x10",
  "１",
  "1_000",
  (2n ** 256n).toString(),
  "9".repeat(79),
]

layer(TestServer.layer(), TestServer.options)("a reservation with", (it) => {
  const refused = Effect.fnUntraced(function* (change: Change, detail: RegExp) {
    const terms = yield* TestServer.funded("5")
    const answer = yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body: change(terms) })
    assert.strictEqual(answer.status, 400, answer.text)
    assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/)
    assert.include(answer.json, { type: "urn:holdfast:problem:malformed-request", status: 400 })
    assert.match(String(answer.json["detail"]), detail)
    assert.deepStrictEqual(yield* TestServer.recorded(terms), [])
    assert.deepStrictEqual(yield* TestServer.balances(terms), ["5", "0", "0"])
  })

  for (const [name, [change, detail]] of Object.entries(malformed)) {
    it.effect(`${name} is refused`, () => refused(change, detail))
  }

  for (const quantity of quantities) {
    it.effect(`the quantity ${JSON.stringify(quantity)} is refused`, () =>
      refused((terms) => ({ ...terms, amount: { currency: "BTC", quantity } }), /^amount\.quantity: /),
    )
  }

  const padded = (terms: TestServer.Terms, bytes: number) => JSON.stringify(terms).padEnd(bytes)

  it.effect("65,536 bytes is accepted, with 65,537 refused", () =>
    Effect.gen(function* () {
      const [small, large] = [yield* TestServer.funded("5"), yield* TestServer.funded("5")]
      const accepted = yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body: padded(small, 65_536) })
      assert.strictEqual(accepted.status, 200)
      const refused = yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body: padded(large, 65_537) })
      assert.deepStrictEqual([refused.status, refused.json["type"]], [413, "urn:holdfast:problem:payload-too-large"])
      assert.deepStrictEqual(yield* TestServer.recorded(large), [])
    }),
  )

  it.effect("65,537 bytes in chunks is refused, with 65,536 accepted", () =>
    Effect.gen(function* () {
      const [small, large] = [yield* TestServer.funded("5"), yield* TestServer.funded("5")]
      const stream = (text: string) => new Blob([text.slice(0, 9), text.slice(9)]).stream()
      const accepted = yield* TestServer.network("POST", "/bitgo/v1/deallocations", {
        body: stream(padded(small, 65_536)),
      })
      assert.strictEqual(accepted.status, 200)
      const refused = yield* TestServer.network("POST", "/bitgo/v1/deallocations", {
        body: stream(padded(large, 65_537)),
      })
      assert.strictEqual(refused.status, 413)
      assert.deepStrictEqual(yield* TestServer.recorded(large), [])
    }),
  )

  it.effect("a body without end is refused without reading on", () =>
    Effect.gen(function* () {
      const head = Effect.map(
        Effect.promise(() => Signing.token()),
        (token) =>
          `POST /bitgo/v1/deallocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-BitGo-Signature: ${token}\r\n`,
      )
      const megabytes = Buffer.alloc(2 ** 20, " ")
      const announced = yield* TestServer.raw(`${yield* head}Content-Length: 99999999999\r\n\r\n`, megabytes)
      assert.match(announced, /^HTTP\/1\.1 413 /)
      const chunk = Buffer.concat([Buffer.from("100000\r\n"), megabytes, Buffer.from("\r\n")])
      const chunked = yield* TestServer.raw(`${yield* head}Transfer-Encoding: chunked\r\n\r\n`, chunk, chunk)
      assert.match(chunked, /^HTTP\/1\.1 413 /)
    }),
  )

  it.effect("a body that breaks off records nothing, and the server goes on", () =>
    Effect.gen(function* () {
      const { log, port } = yield* TestServer.TestServer
      const terms = yield* TestServer.funded("5")
      const token = yield* Effect.promise(() => Signing.token())
      const body = JSON.stringify(terms)
      const head = `POST /bitgo/v1/deallocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-BitGo-Signature: ${token}\r\n`
      const socket = Net.connect(port, "127.0.0.1")
      // All that there is comes in one piece.
      yield* Effect.callback<void>((resume) => {
        const begun = () => resume(Effect.void)
        const channel = "http.server.request.start"
        subscribe(channel, begun)
        socket.write(`${head}Content-Length: ${body.length + 1}\r\n\r\n${body}`)
        socket.once("close", () => unsubscribe(channel, begun))
      })
      socket.resetAndDestroy()
      const isLogged = Effect.map(log, (log) => log.includes(`"http.response.status_code":499`))
      yield* Effect.repeat(isLogged, { until: (logged) => logged, schedule: Schedule.spaced("5 millis") })
      assert.deepStrictEqual(yield* TestServer.recorded(terms), [])
      assert.strictEqual((yield* TestServer.reserve(terms)).status, 200)
    }),
  )

  const mediaTypes: ReadonlyArray<readonly [type: string, status: number]> = [
    ["application/json", 200],
    ["application/json; charset=utf-8", 200],
    ["Application/JSON ;charset=UTF-8", 200],
    ["text/plain", 415],
    ["application/jsonp", 415],
    ["application/problem+json", 415],
    ["application/x-www-form-urlencoded", 415],
    ["", 415],
  ]
  for (const [type, status] of mediaTypes) {
    it.effect(`the content type ${JSON.stringify(type)} is answered with ${status}`, () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("5")
        const answer = yield* TestServer.network("POST", "/bitgo/v1/deallocations", {
          body: Buffer.from(JSON.stringify(terms)),
          headers: { "content-type": type },
        })
        assert.strictEqual(answer.status, status, answer.text)
        assert.strictEqual((yield* TestServer.recorded(terms)).length, status === 200 ? 1 : 0)
      }),
    )
  }

  it.effect("an encoded body is refused", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const answer = yield* TestServer.network("POST", "/bitgo/v1/deallocations", {
        body: terms,
        headers: { "content-encoding": "gzip" },
      })
      assert.strictEqual(answer.status, 415)
    }),
  )

  it.effect("an id in the path that is no UUID is refused", () =>
    Effect.gen(function* () {
      for (const [method, path] of [
        ["PUT", "/bitgo/v1/deallocation/1/clear"],
        ["PUT", "/bitgo/v1/deallocation/-/release"],
        ["GET", `/bitgo/v1/deallocations/${randomUUID()}x`],
      ] as const) {
        const answer = yield* TestServer.network(method, path)
        assert.strictEqual(answer.status, 400, path)
        assert.match(String(answer.json["detail"]), /^deallocationId: Expected a UUID\. Got "/)
      }
    }),
  )
})
