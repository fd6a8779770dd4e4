/**
 * Whatever bytes arrive: an answer that says so, never a 5xx, a crash, a hang or
 * a change. What is signed and well formed but for its content is fuzzed too, so
 * that the inner parts get their share.
 */
import { randomBytes } from "node:crypto"
import * as Net from "node:net"
import { assert, layer } from "@effect/vitest"
import { Holdfast, MemoryStore } from "@holdfast/domain"
import { Effect, Layer } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import fc from "fast-check"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

/** One store, looked at from behind. */
const books = Effect.runSync(MemoryStore.make())
const service = Layer.effect(Holdfast.Holdfast, Holdfast.make(books.store)).pipe(
  Layer.provide(Layer.sync(SecureRandom.SecureRandom, () => SecureRandom.make((size) => randomBytes(size)))),
)

/** Sends bytes, ends the sending side, and gives the statuses of all answers; none where the connection was just closed. */
const send = (port: number, ...chunks: ReadonlyArray<string | Uint8Array>): Promise<ReadonlyArray<number>> =>
  new Promise((resolve, reject) => {
    let text = ""
    const socket = Net.connect(port, "127.0.0.1")
    const hang = setTimeout(() => reject(new Error(`No end after 10 s: ${text.slice(0, 200)}`)), 10_000)
    socket.on("data", (data) => (text += data.toString("latin1")))
    socket.on("error", () => {})
    socket.on("close", () => {
      clearTimeout(hang)
      resolve([...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status)))
    })
    for (const chunk of chunks) socket.write(chunk)
    socket.end()
  })

const bytes = fc.uint8Array({ maxLength: 400 })

/** Text that is awkward for somebody. */
const awkward = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    ...["", "\0", "\ud800", "../..", "%00", "%c0%af", "%", "'; DROP TABLE journal; --", "<script>alert(1)</script>"],
    ...["__proto__", "constructor", "\u202e", "x".repeat(5_000), "9".repeat(1_000_000), "1e999", "-1", "0x10", " 1"],
  ),
)

/** Values where others are expected. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  awkward,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, true, 0, -0, 1e308, [], {}),
)

const fields = ["deallocationId", "amount", "clientId", "connectionId", "partnersConnectionId", "partnerClientId"]

/** Texts that are nearly bodies. */
const bodyText = (terms: TestServer.Terms): fc.Arbitrary<string> => {
  const good = JSON.stringify(terms)
  return fc.oneof(
    fc.tuple(fc.constantFrom(...fields), value).map(([field, value]) => JSON.stringify({ ...terms, [field]: value })),
    fc
      .tuple(fc.constantFrom("currency", "quantity"), value)
      .map(([field, value]) => JSON.stringify({ ...terms, amount: { ...terms.amount, [field]: value } })),
    fc.constantFrom(
      `\ufeff${good}`,
      `${good}${good}`,
      good.replace("{", '{"__proto__":{"amount":1},"__proto__":2,'),
      good.replace('"amount"', '"amount":{"currency":"BTC","quantity":"9"},"amount"'),
      good.replace('"3"', "3"),
      good.replace('"3"', `"${"9".repeat(10_000)}"`),
      `${"[".repeat(30_000)}`,
      `${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}`,
      good.replace("account-7", "\\ud800"),
      good.replace("account-7", "a\\u0000b"),
      " ".repeat(70_000) + good,
    ),
    fc.nat(good.length).map((end) => good.slice(0, end)),
    fc.tuple(fc.nat(good.length - 1), awkward).map(([at, text]) => good.slice(0, at) + text + good.slice(at + 1)),
  )
}

layer(TestServer.layer(service), TestServer.options)("whatever is sent", (it) => {
  /** No answer is a 5xx or a success, nothing is recorded, and the server is well. */
  const harmless = Effect.fnUntraced(function* (what: (port: number) => Promise<ReadonlyArray<number>>) {
    const { port } = yield* TestServer.TestServer
    const before = books.books.entries.length
    const statuses = yield* Effect.promise(() => what(port))
    for (const status of statuses) assert.include([400, 401, 404, 405, 408, 413, 414, 415, 417, 422, 431], status)
    assert.strictEqual(books.books.entries.length, before)
  })
  const holds = (
    property: (run: <A>(effect: Effect.Effect<A, never, TestServer.TestServer>) => Promise<A>) => Promise<void>,
  ) =>
    Effect.flatMap(Effect.context<TestServer.TestServer>(), (context) =>
      Effect.promise(() => property((effect) => Effect.runPromise(Effect.provide(effect, context)))),
    )

  it.effect(
    "as bytes is refused",
    () =>
      holds((run) =>
        fc.assert(
          fc.asyncProperty(bytes, (bytes) => run(harmless((port) => send(port, bytes)))),
          { numRuns: 150 },
        ),
      ),
    60_000,
  )

  it.effect("as a line and headers is refused", () => {
    const line = fc.tuple(
      fc.constantFrom("GET", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PRI", "get"),
      fc.oneof(
        awkward,
        fc.constantFrom("/bitgo/v1/deallocations", "/operator/v1/deallocations", "*", "http://x/", "//", "/../"),
      ),
      fc.array(
        fc.tuple(
          fc.constantFrom(
            "Host",
            "X-BitGo-Signature",
            "Authorization",
            "Content-Length",
            "Transfer-Encoding",
            "Expect",
            "Upgrade",
            "Cookie",
          ),
          awkward,
        ),
        { maxLength: 4 },
      ),
    )
    return holds((run) =>
      fc.assert(
        fc.asyncProperty(line, ([method, path, headers]) => {
          const lines = headers.map(([name, value]) => `${name}: ${value.slice(0, 5_000)}\r\n`)
          const head = `${method} ${path.slice(0, 5_000)} HTTP/1.1\r\nConnection: close\r\n${lines.join("")}\r\n`
          return run(harmless((port) => send(port, Buffer.from(head, "utf8"))))
        }),
        { numRuns: 150 },
      ),
    )
  })

  it.effect("as a signed body is refused", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("1000")
      yield* holds((run) =>
        fc.assert(
          fc.asyncProperty(
            bodyText(terms).filter((text) => !isReservation(text)),
            async (text) => {
              const body = Buffer.from(text, "utf8")
              const head = await signedHead(`Content-Length: ${body.length}\r\n`)
              await run(harmless((port) => send(port, head, body)))
            },
          ),
          { numRuns: 300 },
        ),
      )
    }),
  )

  it.effect("in a field that we do not know is accepted, with one of its keys twice refused", () => {
    const stringUnit = fc.constantFrom(...'"\\{}[]:,au')
    const key = fc.string({ unit: stringUnit, maxLength: 12 })
    return holds((run) =>
      fc.assert(
        fc.asyncProperty(key, fc.jsonValue({ stringUnit }), (key, value) =>
          run(
            Effect.gen(function* () {
              const terms = yield* TestServer.funded("5")
              const field = `${JSON.stringify(key)}:${JSON.stringify([value, { [key]: value }])}`
              const reserve = (fields: string) =>
                TestServer.network("POST", "/bitgo/v1/deallocations", {
                  body: `{"unknown":{${fields}},${JSON.stringify(terms).slice(1)}`,
                })
              const refused = yield* reserve(`${field},${field}`)
              assert.strictEqual(refused.json["detail"], `The key ${JSON.stringify(key)} appears twice in one object.`)
              assert.strictEqual((yield* reserve(field)).status, 200)
            }),
          ),
        ),
        { numRuns: 150 },
      ),
    )
  })

  it.effect("as a signed body of bytes is refused", () =>
    holds((run) =>
      fc.assert(
        fc.asyncProperty(bytes, async (bytes) => {
          const head = await signedHead(`Content-Length: ${bytes.length}\r\n`)
          await run(harmless((port) => send(port, head, bytes)))
        }),
        { numRuns: 100 },
      ),
    ),
  )

  it.effect("as an id or a query is refused", () => {
    const address = fc.tuple(
      fc.constantFrom(
        "/bitgo/v1/deallocation/#",
        "/bitgo/v1/deallocations/#/clear",
        "/operator/v1/deallocations?cursor=#",
        "/operator/v1/deallocations?limit=#",
        "/operator/v1/connections/#",
        "/operator/v1/deallocations/#",
      ),
      awkward.map((text) => encodeURIComponent(text.toWellFormed().slice(0, 3_000))),
    )
    return holds((run) =>
      fc.assert(
        fc.asyncProperty(address, async ([pattern, text]) => {
          const path = pattern.replace("#", text)
          const method = path.endsWith("/clear") ? "PUT" : "GET"
          const credentials = `X-BitGo-Signature: ${await Signing.token()}\r\nAuthorization: Bearer ${TestServer.operatorToken}`
          const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${credentials}\r\n\r\n`
          // An empty query parameter or a good limit is a good request.
          if (/limit=[1-9]\d?$|operator\/v1\/(deallocations|connections)\/?$/.test(path)) return
          await run(harmless((port) => send(port, head)))
        }),
        { numRuns: 150 },
      ),
    )
  })

  it.effect("to smuggle one request inside of another is refused", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("1000")
      const inner = JSON.stringify(terms)
      const smuggled = `${yield* Effect.promise(() => signedHead(`Content-Length: ${inner.length}\r\n`))}${inner}`
      for (const framing of [
        `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`,
        `Content-Length: 5\r\nContent-Length: 6\r\n`,
        `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n`,
        `Transfer-Encoding: xchunked\r\n`,
        `Transfer-Encoding : chunked\r\n`,
        `Content-Length: +5\r\n`,
        `Content-Length: 5, 5\r\n`,
        `Content-Length:\r\n 5\r\n`,
      ]) {
        const head = yield* Effect.promise(() => signedHead(framing))
        yield* harmless((port) => send(port, `${head}0\r\n\r\n${smuggled}`))
      }
      const endless = yield* Effect.promise(() => signedHead("Transfer-Encoding: chunked\r\n"))
      yield* harmless((port) =>
        send(port, endless, ...Array.from({ length: 200 }, () => `400\r\n${"x".repeat(1024)}\r\n`)),
      )
    }),
  )
})

const signedHead = async (more: string) =>
  `POST /bitgo/v1/deallocations HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n` +
  `X-BitGo-Signature: ${await Signing.token()}\r\n${more}\r\n`

/** By accident a good one: every field is there, and is what it should be. */
const isReservation = (text: string) => {
  try {
    const { deallocationId, clientId, connectionId, amount, partnersConnectionId, partnerClientId } = JSON.parse(text)
    const isUuid = (id: unknown) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(String(id))
    return (
      [deallocationId, clientId, connectionId].every(isUuid) &&
      /^[1-9]\d{0,77}$/.test(amount.quantity) &&
      /^[^\s\p{C}]{1,128}$/u.test(amount.currency) &&
      typeof partnersConnectionId === "string" &&
      typeof partnerClientId === "string"
    )
  } catch {
    return false
  }
}
