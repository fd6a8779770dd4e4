/**
 * Which tokens are a signature: none of those that attackers have come up with, none that jose would refuse, and each
 * plain one that it would accept. Not over HTTP, so that many can be tried.
 */
import { createPublicKey } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Ledger } from "@holdfast/domain"
import * as Credentials from "@holdfast/http/Credentials"
import * as Signature from "@holdfast/http/Signature"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { jwtVerify } from "jose"
import * as Seen from "../../packages/http/src/request/Seen.ts"
import * as Raw from "../support/RawTokens.ts"
import * as Signing from "../support/Signing.ts"
import * as BadTokens from "./BadTokens.ts"
import * as NearTokens from "./NearTokens.ts"

const { audience, issuer, nowSeconds, token } = Raw

/** Nearly all of the second is over. */
const nowMillis = nowSeconds * 1_000 + 900

const free = { issuer: undefined, audience: undefined, bodyClaim: undefined }
const bound = { issuer, audience, bodyClaim: undefined }

const oneKey = [{ name: "bitgo", pem: Signing.publicKeyPem }]
const twoKeys = [
  { name: BadTokens.firstName, pem: Signing.publicKeyPem },
  { name: BadTokens.secondName, pem: Signing.pemOf(BadTokens.nextKeys.publicKey) },
]

type Verifier = Signature.Signature["Service"]

const verifierOf = (options: Signature.Options, publicKeys: Credentials.Given["publicKeys"]) =>
  Signature.layer(options).pipe(
    Layer.provide(Credentials.layer({ publicKeys, operatorTokens: [Redacted.make("x".repeat(20))] })),
    Layer.build,
    Effect.map(Context.get(Signature.Signature)),
  )

type Outcome = { readonly nonce: string } | { readonly refused: string | undefined } | { readonly defect: unknown }

const outcomeOf = ({ verify }: Verifier, token: string): Effect.Effect<Outcome> => {
  const notes: Seen.Notes = {}
  return verify(token).pipe(
    Effect.provideService(Seen.CurrentNotes, notes),
    Effect.match({
      onSuccess: ({ nonce }): Outcome => ({ nonce: nonce.value }),
      onFailure: () => ({ refused: notes.refused }),
    }),
    Effect.catchDefect((defect) => Effect.succeed({ defect })),
  )
}

const at = (seconds: number) => String(nowSeconds + seconds)

/** What may be otherwise, by the nonce that the token has. */
const good: Readonly<Record<string, Raw.Changes>> = {
  plain: {},
  "of the key's name": { header: { kid: '"bitgo"' } },
  "of another name": { header: { kid: '"../../etc/passwd"' } },
  "of no name": { header: { kid: '""' } },
  "of the usual type": { header: { typ: '"JWT"' } },
  "of another type": { header: { typ: '"at+jwt"', cty: '"json"' } },
  "with addresses that nobody follows": { header: { jku: '"http://127.0.0.1/"', x5u: '"file:///"' } },
  "with a key that nobody believes": { header: { jwk: "{}", x5c: "[]" } },
  "with other claims": { claims: { sub: '"x"', scope: "[1,null,{}]", ["__proto__"]: '{"jti":"y"}' } },
  "with a claim that nests": { claims: { x: "[".repeat(1_000) + "]".repeat(1_000) } },
  "with a claim twice, but apart": { claims: { x: '{"jti":"y","iat":1}', y: '[{"exp":1},{"exp":2}]' } },
  "with an escape": { header: { alg: '"\\u0052S256"' } },
  "with fractions": { claims: { iat: at(-0.25), exp: at(59.75) } },
  "with exponents": { claims: { iat: `${nowSeconds / 100}e2`, exp: `${at(60)}.000` } },
  "a little too late": { claims: { iat: at(-64.9), exp: at(-4.9) } },
  "a little too early": { claims: { iat: at(5), exp: at(65), nbf: at(5) } },
  "that ends as it begins": { claims: { exp: at(0) } },
  "that ends before it begins": { claims: { exp: at(-1) } },
  "of old": { claims: { nbf: at(-1_000) } },
  "of always": { claims: { nbf: "-0" } },
  "of before always": { claims: { nbf: "-1e308" } },
  "for several": { claims: { aud: `["other","${audience}",""]` } },
  "for one of one": { claims: { aud: `["${audience}"]` } },
  "konto «ß» 口座 e\u0301": {},
  " ": {},
  ["x".repeat(255)]: {},
  ["🏦".repeat(255)]: {},
}

const signer = Raw.rs256(BadTokens.nextKeys.privateKey)
const goodOfTwoKeys: Readonly<Record<string, Raw.Changes>> = {
  "the second's": { signer },
  "the second's, by its name": { signer, header: { kid: `"${BadTokens.secondName}"` } },
  "the second's, by a name that is none": { signer, header: { kid: '"x"' } },
  "the first's, by its name": { header: { kid: `"${BadTokens.firstName}"` } },
}

const spaced = (fields: Raw.Fields) => JSON.stringify(JSON.parse(Raw.object(fields)), null, "\r\n\t ")

const byNonce = (changes: Readonly<Record<string, Raw.Changes>>): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    Object.entries(changes).map(([nonce, { claims, ...others }]) => [
      nonce,
      token({ ...others, claims: { jti: JSON.stringify(nonce), ...claims } }),
    ]),
  ),
  "with blanks": Raw.compact(spaced(Raw.goodHeader), spaced({ ...Raw.goodClaims, jti: '"with blanks"' })),
  "of the greatest length": BadTokens.ofLength(8_192, "of the greatest length"),
})

const settings = {
  "of one key": {
    verifier: verifierOf(free, oneKey),
    bad: BadTokens.always,
    good: byNonce({ ...good, "from nobody for nobody": { claims: { iss: undefined, aud: undefined } } }),
  },
  "of one key, from one for one": {
    verifier: verifierOf(bound, oneKey),
    bad: { ...BadTokens.always, ...BadTokens.whereBound },
    good: byNonce(good),
  },
  "of two keys": {
    verifier: verifierOf(free, twoKeys),
    bad: { ...BadTokens.always, ...BadTokens.whereTwoKeys },
    good: byNonce({ ...good, ...goodOfTwoKeys }),
  },
}

for (const [setting, { verifier, bad, good }] of Object.entries(settings)) {
  describe(`a signature ${setting}`, () => {
    for (const [name, { reason, tokens }] of Object.entries(bad)) {
      it.effect(`is none that has ${name}, and the log says why`, () =>
        Effect.gen(function* () {
          yield* TestClock.setTime(nowMillis)
          const service = yield* verifier
          const wrong: Array<readonly [name: string, Outcome]> = []
          for (const [name, token] of Object.entries(tokens)) {
            const outcome = yield* outcomeOf(service, token)
            if (!("refused" in outcome && reason.test(outcome.refused ?? ""))) wrong.push([name, outcome])
          }
          assert.deepStrictEqual(wrong, [])
        }),
      )
    }

    it.effect("yields its nonce", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(nowMillis)
        const service = yield* verifier
        for (const [nonce, token] of Object.entries(good)) {
          assert.deepStrictEqual(yield* outcomeOf(service, token), { nonce })
        }
      }),
    )

    it.effect("is the same beside all others as alone", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(nowMillis)
        const service = yield* verifier
        const goodOnes = Object.entries(good)
        const all = Object.values(bad)
          .flatMap(({ tokens }) => Object.values(tokens))
          .flatMap((token, n) => {
            const [nonce, goodOne] = goodOnes[n % goodOnes.length] ?? assert.fail()
            return [{ token }, { token: goodOne, nonce }]
          })
        const verifyAll = (concurrency: number | "unbounded") =>
          Effect.forEach(all, ({ token }) => outcomeOf(service, token), { concurrency })
        const together = yield* verifyAll("unbounded")
        assert.deepStrictEqual(
          together.map((outcome) => ("nonce" in outcome ? outcome.nonce : undefined)),
          all.map(({ nonce }) => nonce),
        )
        assert.deepStrictEqual(together, yield* verifyAll(1))
      }),
    )
  })
}

const publicKey = createPublicKey(Signing.publicKeyPem)
const isNonce = Schema.is(Ledger.Nonce.fields.value)

/** The nonce, as long as the signature was checked by jose, and by these two rules of ours. */
const nonceByJose = async (token: string, { issuer, audience }: Signature.Options): Promise<string | undefined> => {
  const verified = await jwtVerify(token, publicKey, {
    algorithms: ["RS256"],
    requiredClaims: ["exp", "jti"],
    maxTokenAge: 60,
    clockTolerance: 5,
    currentDate: new Date(nowMillis),
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  }).catch(() => undefined)
  if (verified === undefined) return undefined
  const { exp = 0, iat = 0, jti } = verified.payload
  return exp - iat <= 60 && isNonce(jti) ? jti : undefined
}

/** What is plain leaves nothing to taste: one text for its bytes, one JSON for its values, each of its type. */
const Plain = Schema.Tuple([
  Schema.Struct({
    alg: Schema.Literal("RS256"),
    typ: Schema.optionalKey(Schema.String),
    kid: Schema.optionalKey(Schema.String),
  }),
  Schema.Struct({
    iat: Schema.Finite,
    exp: Schema.Finite,
    jti: Schema.String,
    nbf: Schema.optionalKey(Schema.Finite),
    iss: Schema.optionalKey(Schema.String),
    aud: Schema.optionalKey(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
  }),
])
const isOfPlainTypes = Schema.is(Plain)

const isPlain = (token: string): boolean => {
  const parts = token.split(".")
  if (token.length > 8_192 || parts.some((part) => Raw.base64url(Buffer.from(part, "base64url")) !== part)) return false
  try {
    const values = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url").toString()))
    const isOneText = values.every((value, n) => Raw.base64url(JSON.stringify(value)) === parts[n])
    const others = Object.keys(values[0]).filter((name) => !["alg", "typ", "kid"].includes(name))
    return isOneText && others.length === 0 && isOfPlainTypes(values)
  } catch {
    return false
  }
}

it.effect("jose refuses none that is a signature, and accepts no plain one that is none", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(nowMillis)
    const all = yield* Effect.forEach([free, bound, { ...free, issuer }, { ...free, audience }], (options) =>
      Effect.map(verifierOf(options, oneKey), (verifier) => ({ options, verifier })),
    )
    const context = yield* Effect.context()
    const count = { all: 0, accepted: 0, refused: 0 }
    yield* Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.nat(all.length - 1), NearTokens.draft, async (n, draft) => {
          const { options, verifier } = all[n] ?? assert.fail()
          const token = NearTokens.textOf(draft)
          const alone = await Effect.runPromiseWith(context)(outcomeOf(verifier, token))
          const beside = [token, token].map((token) => outcomeOf(verifier, token))
          const together = Effect.all(beside, { concurrency: "unbounded" })
          assert.deepStrictEqual(await Effect.runPromiseWith(context)(together), [alone, alone])
          assert.notProperty(alone, "defect")
          const ours = "nonce" in alone ? alone.nonce : undefined
          const joses = await nonceByJose(token, options)
          if (ours !== undefined || isPlain(token)) assert.strictEqual(ours, joses)
          count.all++
          if (ours !== undefined) count.accepted++
          else if (joses === undefined) count.refused++
        }),
        { numRuns: 1_000 },
      ),
    )
    assert.isAbove(count.accepted, count.all / 4)
    assert.isAbove(count.refused, count.all / 4)
  }),
)
