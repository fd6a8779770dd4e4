/** Only requests that the network signed a moment ago, each once, are let in. */
import { createPublicKey, generateKeyPairSync, randomUUID } from "node:crypto"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Credentials from "@holdfast/http/Credentials"
import * as Signature from "@holdfast/http/Signature"
import { DateTime, Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

const { now, token } = Signing
const stranger = Signing.makeKeys()
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Each with what the log, and only the log, says of it. */
const bad: Readonly<Record<string, readonly [signature: () => Promise<string>, reason: RegExp]>> = {
  "of another key": [() => token({}, { key: stranger.privateKey }), /signature verification failed/],
  "of HS256 with the public key as its secret": [
    () => token({}, { alg: "HS256", key: Buffer.from(Signing.publicKeyPem) }),
    /alg/,
  ],
  "of PS256": [() => token({}, { alg: "PS256" }), /alg/],
  "of RS512": [() => token({}, { alg: "RS512" }), /alg/],
  "of none": [
    async () => `${encode({ alg: "none" })}.${encode({ jti: randomUUID(), iat: now(), exp: now() + 60 })}.`,
    /alg/,
  ],
  "whose payload was changed": [
    async () => {
      const [head, , signature] = (await token()).split(".")
      return [head, encode({ jti: randomUUID(), iat: now(), exp: now() + 60 }), signature].join(".")
    },
    /signature verification failed/,
  ],
  "that expired": [() => token({ iat: now() - 60, exp: now() - 6 }), /exp/],
  "that lives too long": [
    () => {
      const iat = now()
      return token({ exp: iat + 62, iat })
    },
    /valid for 62 s/,
  ],
  "that lives for ever": [() => token({ exp: 9e15 }), /valid for/],
  "from the future": [() => token({ iat: now() + 40, exp: now() + 60 }), /iat/],
  "without jti": [() => token({ jti: undefined }), /jti/],
  "with an empty jti": [() => token({ jti: "" }), /jti/],
  "with a jti that is a number": [() => token({ jti: 7 }), /jti/],
  "with a jti of 256 characters": [() => token({ jti: "x".repeat(256) }), /jti/],
  "with a jti of control characters": [() => token({ jti: "a\0b" }), /jti/],
  "without iat": [() => token({ iat: undefined }), /iat/],
  "without exp": [() => token({ exp: undefined }), /exp/],
  "whose exp is text": [() => token({ exp: "never" }), /exp/],
  "that is empty": [async () => "", /JWS/],
  "that is no token": [async () => "nonsense", /JWS/],
  "of which there are two": [async () => `${await token()}, ${await token()}`, /JWS|signature/],
}

layer(TestServer.layer(), TestServer.options)("a signature", (it) => {
  for (const [name, [sign, reason]] of Object.entries(bad)) {
    it.effect(`${name} is refused`, () =>
      Effect.gen(function* () {
        const { log } = yield* TestServer.TestServer
        const terms = yield* TestServer.funded("5")
        const before = (yield* log).length
        const signature = yield* Effect.promise(sign)
        const answer = yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body: terms, signature })
        assert.strictEqual(answer.status, 401)
        assert.deepStrictEqual(answer.json, {
          type: "urn:holdfast:problem:unauthorized",
          title: "The request is not authorized.",
          status: 401,
          detail: "The credentials are missing, wrong, expired or used up.",
        })
        assert.deepStrictEqual(yield* TestServer.recorded(terms), [])
        const line = (yield* log)
          .slice(before)
          .split("\n")
          .find((line) => line.includes("holdfast.refusal"))
        assert.match(line ?? "", reason)
      }),
    )
  }

  it.effect("that is missing is refused, on every one of the network's addresses", () =>
    Effect.gen(function* () {
      for (const [method, path] of [
        ["POST", "/bitgo/v1/deallocations"],
        ["GET", `/bitgo/v1/deallocation/${randomUUID()}`],
        ["PUT", `/bitgo/v1/deallocation/${randomUUID()}/clear`],
        ["PUT", `/bitgo/v1/deallocation/${randomUUID()}/release`],
        ["GET", `/bitgo/v1/deallocations/${randomUUID()}`],
        ["PUT", `/bitgo/v1/deallocations/${randomUUID()}/clear`],
        ["PUT", `/bitgo/v1/deallocations/${randomUUID()}/release`],
      ] as const) {
        assert.strictEqual((yield* TestServer.anyone(method, path)).status, 401, path)
        assert.strictEqual((yield* TestServer.operator(method, path)).status, 401, path)
      }
    }),
  )

  it.effect("sent twice in one request is refused", () =>
    Effect.gen(function* () {
      const header = `X-BitGo-Signature: ${yield* Effect.promise(() => token())}\r\n`
      const answer = yield* TestServer.raw(
        `GET /bitgo/v1/deallocation/${randomUUID()} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}${header}\r\n`,
      )
      assert.match(answer, /^HTTP\/1\.1 401 /)
    }),
  )

  it.effect("within the skew of clocks is accepted", () =>
    Effect.gen(function* () {
      for (const claims of [
        { iat: now() - 61, exp: now() - 1 },
        { iat: now() + 3, exp: now() + 63 },
        { iat: now() + 0.5, exp: now() + 60.5 },
      ]) {
        const signature = yield* Effect.promise(() => token(claims))
        const answer = yield* TestServer.network("GET", `/bitgo/v1/deallocation/${randomUUID()}`, { signature })
        assert.strictEqual(answer.status, 404)
      }
    }),
  )

  it.effect("is accepted once, whatever it is used for first", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      yield* TestServer.reserve(terms)
      const path = `/bitgo/v1/deallocation/${terms.deallocationId}`
      const uses = [
        ["POST", "/bitgo/v1/deallocations", terms],
        ["PUT", `${path}/clear`, undefined],
        ["GET", path, undefined],
      ] as const
      for (const [method, address, body] of uses) {
        const signature = yield* Effect.promise(() => token())
        assert.strictEqual((yield* TestServer.network(method, address, { body, signature })).status, 200)
        for (const [method, address, body] of uses) {
          const replayed = yield* TestServer.network(method, address, { body, signature })
          assert.strictEqual(replayed.status, 401)
          assert.strictEqual(replayed.text, (yield* TestServer.network("GET", path, { signature: "x" })).text)
        }
      }
    }),
  )

  it.effect("of which ten uses race is accepted once", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const signature = yield* Effect.promise(() => token())
      const answers = yield* Effect.all(
        Array.from({ length: 10 }, () =>
          TestServer.network("POST", "/bitgo/v1/deallocations", { body: terms, signature }),
        ),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(answers.map(({ status }) => status).toSorted(), [
        200,
        ...Array.from({ length: 9 }, () => 401),
      ])
    }),
  )
})

describe("a nonce", () => {
  const given = {
    publicKeys: [{ name: "bitgo", pem: Signing.publicKeyPem }],
    operatorTokens: [Redacted.make("x".repeat(20))],
  }
  const options = { issuer: undefined, audience: undefined, bodyClaim: undefined }
  const signatures = Signature.layer(options).pipe(Layer.provide(Credentials.layer(given)))

  it.effect("is kept as long as its token is good", () =>
    Effect.gen(function* () {
      const { verify } = yield* Signature.Signature
      for (const exp of [1_000_060, 1_000_059.2]) {
        const signature = yield* Effect.promise(() => token({ iat: 1_000_000, exp }))
        let lastGood = 0
        for (let at = 1_000_055_000; at < 1_000_070_000; at += 100) {
          yield* TestClock.setTime(at)
          const verified = yield* Effect.option(verify(signature))
          if (Option.isNone(verified)) continue
          lastGood = at
          assert.isAtLeast(DateTime.toEpochMillis(verified.value.nonce.expiresAt), at)
        }
        assert.isAbove(lastGood, exp * 1_000)
      }
    }).pipe(Effect.provide(signatures)),
  )
})

describe("a public key", () => {
  const refusal = (pem: string) =>
    Layer.build(
      Credentials.layer({ publicKeys: [{ name: "bitgo", pem }], operatorTokens: [Redacted.make("x".repeat(20))] }),
    ).pipe(
      Effect.flip,
      Effect.map(({ message }) => message),
    )
  const { privateKey } = Signing.makeKeys()
  const cases: Readonly<Record<string, readonly [pem: string, found: string]>> = {
    "of 1024 bits": [Signing.pemOf(Signing.makeKeys(1024).publicKey), "1024 bits"],
    "that is a private key": [privateKey.export({ type: "pkcs8", format: "pem" }).toString(), "something else"],
    "that is no key": ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "something else"],
    "that is empty": ["", "something else"],
    "of which there are two": [Signing.publicKeyPem + Signing.publicKeyPem, "several keys"],
    "of RSA, but for another padding": [
      Signing.pemOf(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey),
      "something else",
    ],
    "of another kind": [
      Signing.pemOf(
        createPublicKey({
          key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
          format: "jwk",
        }),
      ),
      "something else",
    ],
  }
  for (const [name, [pem, found]] of Object.entries(cases)) {
    it.effect(`${name} is refused at the start`, () =>
      Effect.gen(function* () {
        const message = yield* refusal(pem)
        assert.strictEqual(
          message,
          `publicKeys: Expected an RSA public key of 2048 bits or more in PEM ("BEGIN PUBLIC KEY"). Got ${found} in bitgo.`,
        )
      }),
    )
  }
})
