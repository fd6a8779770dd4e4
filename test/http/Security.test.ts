/** Only the network and the operator get in, each to their own; nobody can wear the door out. */
import { execFileSync } from "node:child_process"
import { createHash, generateKeyPairSync, randomUUID } from "node:crypto"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { text } from "node:stream/consumers"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Holdfast, MemoryStore, Store } from "@holdfast/domain"
import * as Credentials from "@holdfast/http/Credentials"
import * as CredentialFiles from "@holdfast/server/CredentialFiles"
import { Clock, Context, Effect, Layer, Option, Redacted } from "effect"
import { SignJWT } from "jose"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

const unknown = () => `/bitgo/v1/deallocation/${randomUUID()}`

/** 404 where the signature is believed: there is no such deallocation. */
const statusOf = Effect.fnUntraced(function* (signature: string) {
  return (yield* TestServer.network("GET", unknown(), { signature })).status
})

const sign = (
  header: { readonly alg: string; readonly [field: string]: unknown },
  claims: Readonly<Record<string, unknown>> = {},
  key: Parameters<SignJWT["sign"]>[0] = Signing.privateKey,
) =>
  Effect.promise(() => {
    const times = { jti: randomUUID(), iat: Signing.now(), exp: Signing.now() + 60 }
    return new SignJWT({ ...times, ...claims }).setProtectedHeader(header).sign(key, { crit: { "b64-x": true } })
  })

layer(TestServer.layer(), TestServer.options)("a signature", (it) => {
  it.effect("of ES256, of an unknown extension, from tomorrow or of 20 KB is refused", () =>
    Effect.gen(function* () {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
      assert.strictEqual(yield* statusOf(yield* sign({ alg: "ES256" }, {}, privateKey)), 401)
      const critical = yield* sign({ alg: "RS256", crit: ["b64-x"], "b64-x": true })
      assert.strictEqual(yield* statusOf(critical), 401)
      assert.strictEqual(yield* statusOf(yield* sign({ alg: "RS256" }, { nbf: Signing.now() + 50 })), 401)
      assert.strictEqual(yield* statusOf(yield* sign({ alg: "RS256" }, { nbf: Signing.now() - 10 })), 404)
      assert.strictEqual(yield* statusOf(yield* sign({ alg: "RS256" }, { padding: "x".repeat(15_000) })), 401)
      assert.strictEqual(yield* statusOf("x".repeat(20_000)), 401)
    }),
  )

  it.effect("never follows an address in its header", () =>
    Effect.gen(function* () {
      const jwk = Signing.makeKeys()
      const { url } = yield* TestServer.TestServer
      for (const header of [
        { jku: `${url}/health/live` },
        { x5u: `${url}/health/live` },
        { kid: `${url}/health/live` },
        { kid: "../../etc/passwd" },
        { jwk: jwk.publicKey.export({ format: "jwk" }) },
      ]) {
        assert.strictEqual(yield* statusOf(yield* sign({ alg: "RS256", ...header }, {}, jwk.privateKey)), 401)
      }
    }),
  )

  it.effect("opens the network's addresses alone, and the operator's token the operator's", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const token = yield* Effect.promise(() => Signing.token())
      for (const headers of [{ "x-bitgo-signature": token }, { authorization: `Bearer ${token}` }]) {
        const path = `/operator/v1/connections/${terms.connectionId}`
        assert.strictEqual((yield* TestServer.anyone("GET", path, { headers })).status, 401)
      }
      for (const headers of [
        { authorization: `Bearer ${TestServer.operatorToken}` },
        { "x-bitgo-signature": TestServer.operatorToken },
      ]) {
        assert.strictEqual(
          (yield* TestServer.anyone("POST", "/bitgo/v1/deallocations", { body: terms, headers })).status,
          401,
        )
      }
      assert.deepStrictEqual(yield* TestServer.recorded(terms), [])
    }),
  )

  it.effect("of which a hundred uses race is accepted once", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const signature = yield* Effect.promise(() => Signing.token())
      const uses = Array.from({ length: 100 }, () =>
        TestServer.network("POST", "/bitgo/v1/deallocations", { body: terms, signature }),
      )
      const answers = yield* Effect.all(uses, { concurrency: "unbounded" })
      assert.strictEqual(answers.filter(({ status }) => status === 200).length, 1)
      assert.strictEqual(answers.filter(({ status }) => status === 401).length, 99)
    }),
  )
})

layer(TestServer.layer(undefined, { issuer: "bitgo", audience: "us", bodyClaim: "body_sha256" }), TestServer.options)(
  "where issuer, audience and body claim are configured, a signature",
  (it) => {
    const digest = (body: string, encoding: "hex" | "base64url" = "hex") =>
      createHash("sha256").update(body).digest(encoding)
    const claims = { iss: "bitgo", aud: "us" }
    const from = (claims: Readonly<Record<string, unknown>>) => sign({ alg: "RS256" }, claims)

    it.effect("is refused without them, and with others", () =>
      Effect.gen(function* () {
        const body = digest("")
        assert.strictEqual(yield* statusOf(yield* from({ ...claims, body_sha256: body })), 404)
        assert.strictEqual(yield* statusOf(yield* from({ body_sha256: body })), 401)
        assert.strictEqual(yield* statusOf(yield* from({ ...claims, iss: "other", body_sha256: body })), 401)
        assert.strictEqual(yield* statusOf(yield* from({ ...claims, aud: "other", body_sha256: body })), 401)
        assert.strictEqual(yield* statusOf(yield* from({ ...claims, body_sha256: digest("other") })), 401)
        assert.strictEqual(yield* statusOf(yield* from(claims)), 401)
      }),
    )

    it.effect("is good for the bytes of its own body alone", () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("5")
        const body = JSON.stringify(terms)
        const reserve = Effect.fnUntraced(function* (signedFor: string, encoding: "hex" | "base64url" = "hex") {
          const signature = yield* from({ ...claims, body_sha256: digest(signedFor, encoding) })
          return (yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body, signature })).status
        })
        assert.strictEqual(yield* reserve(`${body} `), 401)
        assert.strictEqual(
          yield* reserve(JSON.stringify({ ...terms, amount: { currency: "BTC", quantity: "4" } })),
          401,
        )
        assert.deepStrictEqual(yield* TestServer.recorded(terms), [])
        assert.strictEqual(yield* reserve(body), 200)
        assert.strictEqual(yield* reserve(body, "base64url"), 200)
        const clear = (signature: string) =>
          TestServer.network("PUT", `/bitgo/v1/deallocation/${terms.deallocationId}/clear`, { signature })
        assert.strictEqual((yield* clear(yield* from({ ...claims, body_sha256: digest("x") }))).status, 401)
        assert.strictEqual((yield* clear(yield* from({ ...claims, body_sha256: digest("") }))).status, 200)
      }),
    )
  },
)

layer(TestServer.layer(undefined, { maxRefusalsPerMinute: 5, trustedProxies: ["127.0.0.0/8"] }), TestServer.options)(
  "an address that was refused too often",
  (it) => {
    const from = (address: string) => ({ "x-forwarded-for": address })
    it.effect("has to wait, and no other; whoever is let in never waits", () =>
      Effect.gen(function* () {
        const guess = (address: string) =>
          TestServer.network("GET", unknown(), { signature: "x", headers: from(address) })
        for (let n = 0; n < 5; n++) assert.strictEqual((yield* guess("192.0.2.1")).status, 401)
        const answer = yield* guess("192.0.2.1")
        assert.deepStrictEqual([answer.status, answer.headers["retry-after"]], [429, "12"])
        assert.deepInclude(answer.json, { type: "urn:holdfast:problem:too-many-requests", retryAfterSeconds: 12 })
        // Not even a good signature is looked at, nor a token.
        assert.strictEqual((yield* TestServer.network("GET", unknown(), { headers: from("192.0.2.1") })).status, 429)
        assert.strictEqual(
          (yield* TestServer.operator("GET", "/operator/v1/deallocations", { headers: from("192.0.2.1") })).status,
          429,
        )
        // What a client puts before the address that the proxy saw does not count.
        assert.strictEqual((yield* guess("198.51.100.7, 192.0.2.1")).status, 429)
        for (let n = 0; n < 20; n++) {
          const good = yield* TestServer.network("GET", unknown(), { headers: from("192.0.2.2") })
          assert.strictEqual(good.status, 404)
        }
      }),
    )
  },
)

layer(TestServer.layer(undefined, { maxRefusalsPerMinute: 5 }), TestServer.options)("without a trusted proxy", (it) => {
  it.effect("nobody chooses an address", () =>
    Effect.gen(function* () {
      const statuses = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (n) =>
        TestServer.operator("GET", "/operator/v1/deallocations", {
          headers: { authorization: "Bearer wrong", "x-forwarded-for": `192.0.2.${n}` },
        }),
      )
      assert.deepStrictEqual(
        statuses.map(({ status }) => status),
        [401, 401, 401, 401, 401, 429],
      )
    }),
  )
})

layer(TestServer.layer(undefined, { maxRefusalsPerMinute: 3, bodyClaim: "sha" }), TestServer.options)(
  "a good signature that is",
  (it) => {
    const digest = (body: string) => createHash("sha256").update(body).digest("hex")
    const reserve = (body: string, signature: string) =>
      Effect.map(TestServer.network("POST", "/bitgo/v1/deallocations", { body, signature }), ({ status }) => status)
    it.effect("used up, or of another body, counts as refused", () =>
      Effect.gen(function* () {
        const body = JSON.stringify(yield* TestServer.funded("5"))
        const once = yield* sign({ alg: "RS256" }, { sha: digest(body) })
        assert.deepStrictEqual([yield* reserve(body, once), yield* reserve(body, once)], [200, 401])
        const other = yield* sign({ alg: "RS256" }, { sha: digest("") })
        assert.deepStrictEqual([yield* reserve(body, other), yield* reserve(body, other)], [401, 401])
        assert.strictEqual(yield* reserve(body, yield* sign({ alg: "RS256" }, { sha: digest(body) })), 429)
      }),
    )
  },
)

layer(TestServer.layer(undefined, { bodyClaim: "sha" }), TestServer.options)(
  "a signature whose body is another",
  (it) => {
    it.effect("stays good for its own", () =>
      Effect.gen(function* () {
        const body = JSON.stringify(yield* TestServer.funded("5"))
        const sha = createHash("sha256").update(body).digest("hex")
        const signature = yield* sign({ alg: "RS256" }, { sha })
        const statuses = Effect.forEach([`${body} `, "{", body, body], (body) =>
          Effect.map(
            TestServer.network("POST", "/bitgo/v1/deallocations", { body, signature }),
            ({ status }) => status,
          ),
        )
        assert.deepStrictEqual(yield* statuses, [401, 401, 200, 401])
      }),
    )

    const others: Readonly<Record<string, readonly [status: number, sent: object]>> = {
      "of another media type": [401, { body: "{}", headers: { "content-type": "text/plain" } }],
      "of no media type": [401, { body: "{}", headers: { "content-type": undefined } }],
      "that is encoded": [401, { body: "{}", headers: { "content-encoding": "gzip" } }],
      "that is too large": [413, { body: " ".repeat(65_537) }],
    }
    for (const [name, [status, sent]] of Object.entries(others)) {
      it.effect(`stays good for its own when one comes ${name}`, () =>
        Effect.gen(function* () {
          const body = JSON.stringify(yield* TestServer.funded("5"))
          const sha = createHash("sha256").update(body).digest("hex")
          const signature = yield* sign({ alg: "RS256" }, { sha })
          const reserve = (sent: object) =>
            TestServer.network("POST", "/bitgo/v1/deallocations", { ...sent, signature })
          assert.strictEqual((yield* reserve(sent)).status, status)
          assert.strictEqual((yield* reserve({ body })).status, 200)
          assert.strictEqual((yield* reserve({ body })).status, 401)
        }),
      )
    }

    it.effect("is used by what cannot be understood of its own", () =>
      Effect.gen(function* () {
        const sha = createHash("sha256").update("{").digest("hex")
        const signature = yield* sign({ alg: "RS256" }, { sha })
        const ask = TestServer.network("POST", "/bitgo/v1/deallocations", { body: "{", signature })
        assert.strictEqual((yield* ask).status, 400)
        assert.strictEqual((yield* ask).status, 401)
      }),
    )
  },
)

layer(TestServer.layer(), TestServer.options)("a request that cannot be understood", (it) => {
  const asks: Readonly<Record<string, readonly [status: number, method: string, path: string, sent: object]>> = {
    "no JSON": [400, "POST", "/bitgo/v1/deallocations", { body: "{" }],
    "another media type": [
      415,
      "POST",
      "/bitgo/v1/deallocations",
      { body: "{}", headers: { "content-type": "text/plain" } },
    ],
    "a body that is too large": [413, "POST", "/bitgo/v1/deallocations", { body: " ".repeat(65_537) }],
    "an id that is none, to find": [400, "GET", "/bitgo/v1/deallocation/1", {}],
    "an id that is none, to clear": [400, "PUT", "/bitgo/v1/deallocation/1/clear", {}],
    "an id that is none, to release": [400, "PUT", "/bitgo/v1/deallocations/1/release", {}],
  }
  for (const [name, [status, method, path, sent]] of Object.entries(asks)) {
    it.effect(`(${name}) has used its signature`, () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("5")
        const signature = yield* Effect.promise(() => Signing.token())
        assert.strictEqual((yield* TestServer.network(method, path, { ...sent, signature })).status, status)
        const again = yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body: terms, signature })
        assert.strictEqual(again.status, 401)
        assert.deepStrictEqual(yield* TestServer.recorded(terms), [])
        assert.strictEqual((yield* TestServer.network(method, path, { ...sent, signature })).status, 401)
      }),
    )
  }
})

/** The service in memory, which cannot note that a nonce is used. */
const forgetful = Layer.effect(
  Holdfast.Holdfast,
  Effect.map(Holdfast.Holdfast, (service) => ({
    ...service,
    useNonce: () => Effect.fail(new Store.Unavailable({ reason: "It is away.", retryAfterSeconds: 1 })),
  })),
).pipe(Layer.provide(MemoryStore.layer()))

layer(TestServer.layer(forgetful), TestServer.options)("a signature of which nobody can note that it is used", (it) => {
  it.effect("gets no answer but that", () =>
    Effect.gen(function* () {
      const answer = yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body: "{" })
      assert.deepStrictEqual([answer.status, answer.json["detail"]], [503, "It is away. Retry after 1 s."])
    }),
  )
})

/** The real clock, whose seconds a test lets pass. */
const stopped = (() => {
  const clock = Clock.Clock.defaultValue()
  let seconds = 0n
  return {
    pass: () => void seconds++,
    layer: Layer.succeed(Clock.Clock, {
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
      currentTimeMillis: clock.currentTimeMillis,
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
      currentTimeNanos: clock.currentTimeNanos,
      sleep: (duration) => clock.sleep(duration),
      monotonicTimeNanosUnsafe: () => seconds * 1_000_000_000n,
      monotonicTimeNanos: Effect.sync(() => seconds * 1_000_000_000n),
    }),
  }
})()

const limited = TestServer.layer(undefined, { maxRequestsPerSecond: 3 }).pipe(Layer.provide(stopped.layer))

layer(limited, TestServer.options)("an address", (it) => {
  it.effect("has so many requests in a second, however good they are, and then has to wait", () =>
    Effect.gen(function* () {
      const ask = TestServer.operator("GET", "/operator/v1/deallocations")
      const answers = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => ask, { concurrency: "unbounded" })
      const refused = answers.filter(({ status }) => status === 429)
      assert.lengthOf(refused, 3)
      assert.lengthOf(
        answers.filter(({ status }) => status === 200),
        3,
      )
      assert.strictEqual(refused[0]?.headers["retry-after"], "1")
      assert.strictEqual((yield* TestServer.network("GET", unknown())).status, 429)
      stopped.pass()
      assert.strictEqual((yield* ask).status, 200)
    }),
  )
})

layer(TestServer.layer(undefined, { maxConnectionsPerAddress: 3 }), TestServer.options)("connections", (it) => {
  it.effect("of one address are so many and no more", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const open = () =>
        new Promise<{ readonly socket: Net.Socket; readonly isOpen: boolean }>((resolve) => {
          const socket = Net.connect(port, "127.0.0.1")
          socket.on("error", () => resolve({ socket, isOpen: false }))
          socket.on("close", () => resolve({ socket, isOpen: false }))
          socket.on("data", () => resolve({ socket, isOpen: true }))
          socket.write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        })
      const opened = []
      for (let n = 0; n < 4; n++) opened.push(yield* Effect.promise(open))
      assert.deepStrictEqual(
        opened.map(({ isOpen }) => isOpen),
        [true, true, true, false],
      )
      for (const { socket } of opened) socket.destroy()
      const again = Effect.filterOrFail(Effect.promise(open), ({ isOpen }) => isOpen)
      const { socket } = yield* Effect.eventually(again)
      socket.destroy()
    }),
  )
})

layer(TestServer.layer(undefined, { maxConnectionsPerAddress: 3, trustedProxies: ["127.0.0.1"] }), TestServer.options)(
  "connections of a trusted proxy",
  (it) => {
    it.effect("are as many as there may be: behind it are many callers", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer.TestServer
        const sockets = Array.from({ length: 9 }, () => Net.connect(port, "127.0.0.1"))
        for (const socket of sockets) {
          socket.write("GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
          assert.match(yield* Effect.promise(() => text(socket)), /^HTTP\/1\.1 200 /)
        }
      }),
    )
  },
)

layer(TestServer.layer(), TestServer.options)("every answer", (it) => {
  it.effect("is not to be kept, guessed at or framed, and opens to no other origin", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const origin = { origin: "https://elsewhere.example" }
      const answers = [
        yield* TestServer.reserve(terms),
        yield* TestServer.operator("GET", `/operator/v1/connections/${terms.connectionId}`, { headers: origin }),
        yield* TestServer.anyone("GET", "/operator/v1/deallocations"),
        yield* TestServer.anyone("GET", "/nowhere"),
        yield* TestServer.anyone("GET", "/health/live", { headers: origin }),
        yield* TestServer.anyone("OPTIONS", "/bitgo/v1/deallocations", {
          headers: { ...origin, "access-control-request-method": "POST" },
        }),
      ]
      // The description is no secret.
      const description = [yield* TestServer.anyone("GET", "/docs"), yield* TestServer.anyone("GET", "/openapi.json")]
      for (const { headers } of [...answers, ...description]) {
        const mayBeKept = description.some((answer) => answer.headers === headers)
        assert.strictEqual(headers["cache-control"], mayBeKept ? "public, no-cache" : "no-store")
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
        assert.strictEqual(headers["referrer-policy"], "no-referrer")
        assert.match(headers["content-security-policy"] ?? "", /^default-src 'none'.*frame-ancestors 'none'$/)
        assert.notProperty(headers, "access-control-allow-origin")
        assert.notProperty(headers, "x-powered-by")
        assert.notProperty(headers, "server")
      }
    }),
  )
})

describe("files of credentials", () => {
  const { publicKey, privateKey } = Signing.makeKeys()
  const self = process.getuid?.() ?? 0
  const good = { key: 0o600, token: 0o600, owner: self, tokens: "the-first-of-the-tokens\nthe-second-of-the-tokens\n" }
  const load = Effect.fnUntraced(function* (files: Partial<typeof good>) {
    const { key, token, owner, tokens } = { ...good, ...files }
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(tmpdir(), "holdfast-credentials-"))),
      (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true })),
    )
    const write = (name: string, text: string, mode: number) => {
      const file = Path.join(directory, name)
      Fs.writeFileSync(file, text)
      Fs.chmodSync(file, mode)
      if (owner !== self) Fs.chownSync(file, owner, owner)
      return file
    }
    const file = write("bitgo-2026.pem", Signing.pemOf(publicKey), key)
    const operatorTokenFile = write("tokens", tokens, token)
    return yield* CredentialFiles.load({
      publicKeyFiles: [file],
      operatorTokens: [],
      operatorTokenFile,
      operatorsFile: undefined,
      connectionTokenKeyFile: undefined,
    })
  }, Effect.provide(NodeFileSystem.layer))
  const refusal = (files: Partial<typeof good>) => Effect.map(Effect.flip(load(files)), (_) => _.message)

  it.effect("may be several keys and tokens, named after their files", () =>
    Effect.gen(function* () {
      const { publicKeys, operatorTokens } = yield* load({ key: 0o640, token: 0o640 })
      assert.deepStrictEqual(
        publicKeys.map(({ name }) => name),
        ["bitgo-2026"],
      )
      assert.deepStrictEqual(operatorTokens.map(Redacted.value), [
        "the-first-of-the-tokens",
        "the-second-of-the-tokens",
      ])
      assert.isDefined(privateKey)
    }),
  )

  it.effect("that others can read, or change, are refused; a public key may be read by all", () =>
    Effect.gen(function* () {
      for (const mode of [0o604, 0o602, 0o620, 0o644, 0o601]) {
        assert.match(yield* refusal({ token: mode }), /^OPERATOR_TOKEN_FILE: .* is open to others/)
      }
      for (const mode of [0o640, 0o440, 0o400])
        assert.strictEqual((yield* load({ token: mode })).operatorTokens.length, 2)
      for (const mode of [0o602, 0o620, 0o664, 0o666]) {
        assert.match(yield* refusal({ key: mode }), /^BITGO_PUBLIC_KEY_FILE: .* can be changed by others/)
      }
      for (const mode of [0o644, 0o444, 0o755]) assert.strictEqual((yield* load({ key: mode })).publicKeys.length, 1)
    }),
  )

  it.effect("without a token are refused, and such as never end", () =>
    Effect.gen(function* () {
      for (const tokens of ["", " \n\t\n"])
        assert.match(yield* refusal({ tokens }), /^OPERATOR_TOKEN_FILE: There is no token/)
      assert.match(yield* refusal({ tokens: "x ".repeat(600_000) }), /^OPERATOR_TOKEN_FILE: .* more than 1048576 bytes/)
    }),
  )

  it.effect("are regular files: opening a pipe would wait for whoever writes", () =>
    Effect.gen(function* () {
      const directory = Fs.mkdtempSync(Path.join(tmpdir(), "holdfast-"))
      const pipe = Path.join(directory, "pipe")
      execFileSync("mkfifo", ["-m", "600", pipe])
      const refused = Effect.flip(CredentialFiles.read("OPERATOR_TOKEN_FILE", pipe))
      const { message } = yield* refused.pipe(Effect.provide(NodeFileSystem.layer), Effect.timeout("5 seconds"))
      assert.strictEqual(message, `OPERATOR_TOKEN_FILE: ${pipe} is no regular file.`)
      Fs.rmSync(directory, { recursive: true })
    }),
  )

  it.effect("of somebody else are refused, which root alone can try", () =>
    Effect.gen(function* () {
      if (self === 0)
        assert.match(yield* refusal({ owner: 65_534 }), /^BITGO_PUBLIC_KEY_FILE: .* belongs to user 65534/)
    }),
  )

  it("belong to root or to whoever runs the server", () => {
    const faultOf = (uid: number | undefined, self: number | undefined, mode = 0o600) =>
      CredentialFiles.faultOf({ mode, uid: Option.fromUndefinedOr(uid) }, "secret", self)?.("file")
    for (const [uid, self] of [
      [0, 0],
      [0, 1000],
      [1000, 1000],
      [undefined, 1000],
      [1000, undefined],
    ] as const) {
      assert.strictEqual(faultOf(uid, self), undefined)
      assert.match(faultOf(uid, self, 0o644) ?? "", /is open to others/)
    }
    for (const [uid, self] of [
      [1000, 0],
      [1001, 1000],
    ] as const) {
      assert.strictEqual(
        faultOf(uid, self),
        `file belongs to user ${uid}. It must belong to root or to user ${self}, who runs this.`,
      )
    }
  })

  it.effect("are the ones that are there: neither key nor token may be missing", () =>
    Effect.gen(function* () {
      const token = Redacted.make("a-token-of-twenty-ch")
      const key = { name: "bitgo", pem: Signing.publicKeyPem }
      const build = (
        publicKeys: Credentials.Given["publicKeys"],
        ...operatorTokens: ReadonlyArray<Redacted.Redacted>
      ) => Layer.build(Credentials.layer({ publicKeys, operatorTokens })).pipe(Effect.scoped)
      assert.isOk(yield* build([key], token))
      const refused = (...given: Parameters<typeof build>) => Effect.map(Effect.flip(build(...given)), (_) => _.message)
      assert.match(yield* refused([], token), /^publicKeys: Expected one at least/)
      assert.match(yield* refused([key]), /^operatorTokens: Expected one at least/)
      const short = Redacted.make(Redacted.value(token).slice(1))
      assert.match(yield* refused([key], token, short), /^operatorTokens: Expected tokens of 20 characters or more\.$/)
    }),
  )

  it.effect("of operators are each one person's, with one role, and a hash is one", () =>
    Effect.gen(function* () {
      const publicKeys = [{ name: "bitgo", pem: Signing.publicKeyPem }]
      const operator = (name: string, role: "read" | "admin", token: string) => ({
        name,
        role,
        token: Redacted.make(token),
      })
      const build = (...operators: ReadonlyArray<ReturnType<typeof operator>>) =>
        Layer.build(Credentials.layer({ publicKeys, operatorTokens: [], operators })).pipe(Effect.scoped)
      const text = "a-token-that-nobody-guesses"
      const hash = createHash("sha256").update(text).digest("hex")
      for (const written of [hash, hash.toUpperCase()]) {
        const { operatorOf } = Context.get(
          yield* build(operator("uma", "admin", `sha256:${written}`)),
          Credentials.Credentials,
        )
        assert.strictEqual(operatorOf(Redacted.make(text))?.name, "uma")
        assert.isUndefined(operatorOf(Redacted.make(`sha256:${written}`)))
      }
      const refused: ReadonlyArray<readonly [RegExp, ...ReadonlyArray<ReturnType<typeof operator>>]> = [
        [/64 hexadecimal digits behind "sha256:"/, operator("uma", "admin", `sha256:${hash} `)],
        [
          /each token once\. Got one of uma and rita/,
          operator("uma", "admin", text),
          operator("rita", "read", `sha256:${hash}`),
        ],
        [/one role of each\. Got two of uma/, operator("uma", "admin", text), operator("uma", "read", `${text}-2`)],
      ]
      for (const [fact, ...operators] of refused) {
        assert.match((yield* Effect.flip(build(...operators))).message, fact)
      }
    }),
  )
})
