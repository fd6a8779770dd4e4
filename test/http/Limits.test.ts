/** The limits on what arrives are where the settings put them, and nothing passes beyond. */
import { once } from "node:events"
import * as Net from "node:net"
import { text } from "node:stream/consumers"
import { assert, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { TokenBuckets } from "../../packages/http/src/access/TokenBuckets.ts"
import { Turns } from "../../packages/server/src/node/Turns.ts"
import * as Signing from "../support/Signing.ts"
import { drip, keeps } from "../support/SlowClients.ts"
import * as TestServer from "./TestServer.ts"

const sizes = { maxHeaderBytes: 2_000, maxUrlLength: 100, maxBodyBytes: 400 }

layer(TestServer.layer(undefined, sizes), TestServer.options)("a request", (it) => {
  const ending = (answer: { readonly status: number; readonly json: { readonly [field: string]: unknown } }) => [
    answer.status,
    answer.json["detail"],
  ]

  it.effect("has a URL of so many characters and no more", () =>
    Effect.gen(function* () {
      const urlOf = (length: number) => "/health/live?".padEnd(length, "x")
      assert.deepStrictEqual(ending(yield* TestServer.anyone("GET", urlOf(100))), [200, undefined])
      const tooLong = [414, "A URL may have at most 100 characters."]
      assert.deepStrictEqual(ending(yield* TestServer.anyone("GET", urlOf(101))), tooLong)
      assert.deepStrictEqual(ending(yield* TestServer.network("GET", `/nowhere/${"x".repeat(100)}`)), tooLong)
    }),
  )

  it.effect("has a body of so many bytes and no more, on the network's side and on the operator's", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const padded = (body: object, length: number) => JSON.stringify(body).padEnd(length)
      const tooLarge = [413, "A body may have at most 400 bytes."]
      const reserve = (length: number) =>
        TestServer.network("POST", "/bitgo/v1/deallocations", { body: padded(terms, length) })
      assert.deepStrictEqual(ending(yield* reserve(401)), tooLarge)
      assert.deepStrictEqual(yield* TestServer.recorded(terms), [])
      assert.deepStrictEqual(ending(yield* reserve(400)), [200, undefined])

      const { clientId, partnersConnectionId, partnerClientId } = terms
      const register = (length: number) =>
        TestServer.operator("PUT", `/operator/v1/connections/${terms.connectionId}`, {
          body: padded({ clientId, partnersConnectionId, partnerClientId }, length),
        })
      assert.deepStrictEqual(ending(yield* register(401)), tooLarge)
      assert.deepStrictEqual(ending(yield* register(400)), [200, undefined])
    }),
  )

  it.effect("has no larger body where it first asks whether to send it", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const { port } = yield* TestServer.TestServer
      const reserve = Effect.fnUntraced(function* (length: number) {
        const token = yield* Effect.promise(() => Signing.token())
        const head = [
          "POST /bitgo/v1/deallocations HTTP/1.1",
          "Host: x",
          "Connection: close",
          "Expect: 100-continue",
          "Content-Type: application/json",
          "Transfer-Encoding: chunked",
          `X-BitGo-Signature: ${token}`,
        ]
        return yield* Effect.promise(async () => {
          const socket = Net.connect(port, "127.0.0.1")
          socket.write(`${head.join("\r\n")}\r\n\r\n`)
          const [asked] = await once(socket, "data")
          assert.strictEqual(String(asked), "HTTP/1.1 100 Continue\r\n\r\n")
          socket.write(`${length.toString(16)}\r\n${JSON.stringify(terms).padEnd(length)}\r\n0\r\n\r\n`)
          return await text(socket)
        })
      })
      assert.match(yield* reserve(401), /^HTTP\/1\.1 413 [\s\S]*A body may have at most 400 bytes\./)
      assert.deepStrictEqual(yield* TestServer.recorded(terms), [])
      assert.match(yield* reserve(400), /^HTTP\/1\.1 200 /)
    }),
  )

  it.effect("that is longer is not read on: its connection ends with the answer", () =>
    Effect.gen(function* () {
      const head = [
        "POST /bitgo/v1/deallocations HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        `Content-Length: ${2 ** 40}`,
        `X-BitGo-Signature: ${yield* Effect.promise(() => Signing.token())}`,
      ]
      const answer = yield* TestServer.raw(`${head.join("\r\n")}\r\n\r\n`, "x".repeat(500_000))
      assert.match(answer, /^HTTP\/1\.1 413 /)
    }),
  )

  it.effect("has a line and headers of so many bytes and no more", () =>
    Effect.gen(function* () {
      const withHeader = (length: number) =>
        TestServer.raw(`GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ${"x".repeat(length)}\r\n\r\n`)
      assert.match(yield* withHeader(1_500), /^HTTP\/1\.1 200 /)
      assert.match(yield* withHeader(2_000), /^HTTP\/1\.1 431 [\s\S]*"urn:holdfast:problem:headers-too-large"/)
    }),
  )
})

const times = { headersTimeoutSeconds: 1, requestTimeoutSeconds: 3, idleTimeoutSeconds: 5 }

layer(TestServer.layer(undefined, times), TestServer.options)("a connection", (it) => {
  it.effect("is kept as long as the settings say, and a second for the check", () =>
    Effect.gen(function* () {
      const head = "POST /bitgo/v1/deallocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      const { port } = yield* TestServer.TestServer
      const token = yield* Effect.promise(() => Signing.token())
      const sends = (start: string, then: string) =>
        keeps(port, (socket) => {
          socket.write(start)
          void drip(socket, then, 100)
        })
      const get = "GET /health/live HTTP/1.1\r\nHost: x\r\n"
      const [slowHead, slowBody, idle, upgrading] = yield* Effect.promise(() =>
        Promise.all([
          sends("GET / HTTP/1.1\r\nX: ", "x"),
          sends(`${head}X-BitGo-Signature: ${token}\r\nContent-Length: 5000\r\n\r\n`, " "),
          keeps(port, (socket) => void socket.write(`${get}\r\n`)),
          keeps(port, (socket) => void socket.write(`${get}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`)),
        ]),
      )
      const isBetween = (actual: typeof idle, atLeast: number, below: number) => {
        assert.isAtLeast(actual.seconds, atLeast)
        assert.isBelow(actual.awake, below)
      }
      isBetween(slowHead, 1, 2.9)
      isBetween(slowBody, 3, 4.9)
      isBetween(idle, 5, 7)
      isBetween(upgrading, 5, 7)
    }),
  )
})

it("a bucket gives its tokens at once, then one after another, to each key its own", () => {
  const buckets = new TokenBuckets(3, 60)
  const taken = (key: string, nowMillis: number) => [1, 2, 3, 4].filter(() => buckets.take(key, nowMillis)).length
  assert.strictEqual(buckets.secondsPerToken, 20)
  assert.deepStrictEqual([taken("a", 0), taken("b", 1_000)], [3, 3])
  assert.deepStrictEqual([buckets.has("a", 19_999), buckets.has("a", 20_000), taken("a", 20_000)], [false, true, 1])
  assert.deepStrictEqual([taken("a", 60_000), taken("a", 600_000)], [2, 3])
})

it("ten thousand callers are remembered; for one more, the one is forgotten who was seen longest ago", () => {
  const buckets = new TokenBuckets(1, 60)
  for (let n = 0; n < 10_000; n++) assert.isTrue(buckets.take(`${n}`, n))
  // Seen again, though in vain.
  assert.isFalse(buckets.take("0", 10_000))
  assert.isFalse(buckets.has("1", 10_000))
  assert.isTrue(buckets.take("new", 10_000))
  assert.deepStrictEqual(
    ["new", "0", "1", "2", "3", "9999"].map((key) => buckets.has(key, 10_000)),
    [false, false, false, true, false, false],
  )
})

it("callers have their turns one after another, however much each asks for, and so many a second", () => {
  const turns = new Turns<string>(4)
  const take = (nowMillis: number) => {
    const taken: Array<string> = []
    for (let next = turns.take(nowMillis); next !== undefined; next = turns.take(nowMillis)) taken.push(next)
    return taken.join(" ")
  }
  for (const item of ["a1", "a2", "a3", "a4", "a5", "a6", "a7"]) turns.add("a", item)
  turns.add("b", "b1")
  turns.add("b", "b2")
  assert.strictEqual(take(0), "a1 b1 a2 b2")
  assert.deepStrictEqual([turns.millisToNext(0), turns.millisToNext(200)], [250, 50])
  turns.add("c", "c1")
  turns.remove("a", "a4")
  turns.remove("d", "d1")
  assert.strictEqual(take(249), "")
  assert.strictEqual(take(500), "a3 c1")
  assert.strictEqual(turns.millisToNext(500), 250)
  // What is left over is kept, but no more than for a second.
  assert.strictEqual(take(60_000), "a5 a6 a7")
  assert.strictEqual(turns.millisToNext(60_000), undefined)
  for (const item of ["a1", "a2", "a3"]) turns.add("a", item)
  assert.strictEqual(take(60_000), "a1")
  turns.charge(2)
  assert.strictEqual(turns.millisToNext(60_000), 750)
  assert.deepStrictEqual(turns.clear(), ["a2", "a3"])
  assert.strictEqual(take(90_000), "")
})
