/**
 * The network's signature: a JWT in `X-BitGo-Signature`, RS256, at most a minute
 * old and used once. That it is used once is for the store to find out, together
 * with the command: a good signature yields its nonce, and costs no round trip.
 *
 * A token is not bound to the request that it comes with, unless the network puts
 * a digest of the body into a claim, and that claim is configured.
 */
import { Ledger } from "@holdfast/domain"
import { Context, DateTime, Effect, Layer, Result, Schema } from "effect"
import type { Unauthorized } from "../contract/Problems.ts"
import * as Rs256 from "../node/Rs256.ts"
import { sha256 } from "../node/Sha256.ts"
import { refuse } from "../request/Failures.ts"
import * as Json from "../request/Json.ts"
import { Credentials } from "./Credentials.ts"
import * as Token from "./Token.ts"

const lifetimeSeconds = 60
const skewSeconds = 5

/**
 * What a good signature says.
 *
 * @category models
 */
export interface Signed {
  /** Not used up yet. */
  readonly nonce: Ledger.Nonce
  /** Whether it is about this body. */
  readonly covers: (body: Uint8Array) => Effect.Effect<void, Unauthorized>
}

/**
 * Tells whether a request is the network's.
 *
 * ```ts
 * import * as Credentials from "@holdfast/http/Credentials"
 * import * as Signature from "@holdfast/http/Signature"
 * import { Effect, Layer, Redacted } from "effect"
 * import assert from "node:assert/strict"
 * import { generateKeyPairSync, sign } from "node:crypto"
 *
 * const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
 * const trusted = Credentials.layer({
 *   publicKeys: [{ name: "network", pem: publicKey.export({ type: "spki", format: "pem" }).toString() }],
 *   operatorTokens: [Redacted.make("a-token-that-nobody-guesses")],
 * })
 * const signatures = Signature.layer({ issuer: undefined, audience: undefined, bodyClaim: undefined })
 *
 * const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
 * const now = Math.floor(Date.now() / 1000)
 * const text = `${part({ alg: "RS256" })}.${part({ jti: "request-1", iat: now, exp: now + 30 })}`
 * const token = `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`
 *
 * const program = Effect.gen(function* () {
 *   const { verify } = yield* Signature.Signature
 *   const { nonce } = yield* verify(token)
 *   const refused = yield* Effect.flip(verify(`${token}x`))
 *   return [nonce.value, refused._tag]
 * })
 * const outcomes = await Effect.runPromise(Effect.provide(program, Layer.provide(signatures, trusted)))
 * assert.deepEqual(outcomes, ["request-1", "Unauthorized"])
 * ```
 *
 * @category services
 */
export class Signature extends Context.Service<
  Signature,
  {
    readonly verify: (token: string) => Effect.Effect<Signed, Unauthorized>
    /** Whether a request without a body of its own must be read all the same, to be compared with its signature. */
    readonly coversBodies: boolean
  }
>()("@holdfast/http/Signature") {}

/**
 * What a signature must say beside what each has to.
 *
 * @category models
 */
export interface Options {
  /** What signatures must name as `iss` and `aud`. */
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** The claim that holds a digest of the body. */
  readonly bodyClaim: string | undefined
}

/**
 * Judges signatures by the keys of {@link Credentials}, those that are given at the time.
 *
 * ```ts
 * import * as Credentials from "@holdfast/http/Credentials"
 * import * as Signature from "@holdfast/http/Signature"
 * import { Effect, Layer, Redacted } from "effect"
 * import assert from "node:assert/strict"
 * import { createHash, generateKeyPairSync, sign } from "node:crypto"
 *
 * const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
 * const trusted = Credentials.layer({
 *   publicKeys: [{ name: "network", pem: publicKey.export({ type: "spki", format: "pem" }).toString() }],
 *   operatorTokens: [Redacted.make("a-token-that-nobody-guesses")],
 * })
 * // The network says in `body` what the request is about.
 * const signatures = Signature.layer({ issuer: undefined, audience: undefined, bodyClaim: "body" })
 *
 * const body = new TextEncoder().encode('{"amount":{"currency":"BTC","quantity":"2"}}')
 * const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
 * const now = Math.floor(Date.now() / 1000)
 * const claims = { jti: "request-1", iat: now, exp: now + 30, body: createHash("sha256").update(body).digest("hex") }
 * const text = `${part({ alg: "RS256" })}.${part(claims)}`
 * const token = `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`
 *
 * const program = Effect.gen(function* () {
 *   const { verify } = yield* Signature.Signature
 *   const { covers } = yield* verify(token)
 *   yield* covers(body)
 *   return yield* Effect.flip(covers(new TextEncoder().encode("{}")))
 * })
 * const refused = await Effect.runPromise(Effect.provide(program, Layer.provide(signatures, trusted)))
 * assert.equal(refused._tag, "Unauthorized")
 * ```
 *
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Signature, never, Credentials> =>
  Layer.effect(
    Signature,
    Effect.map(Credentials, ({ publicKeys }) =>
      Signature.of({ verify: verifyWith(publicKeys, options), coversBodies: options.bodyClaim !== undefined }),
    ),
  )

type PublicKeys = Credentials["Service"]["publicKeys"]

const verifyWith =
  (publicKeys: PublicKeys, options: Options) =>
  (text: string): Effect.Effect<Signed, Unauthorized> =>
    Effect.clockWith((clock) => {
      const token = Token.read(text)
      if (Result.isFailure(token)) return refuse(token.failure)
      const claims = decodeClaims(token.success.claims)
      if (Result.isFailure(claims)) return refuse(Json.factsOf(claims.failure.issue))
      const nowSeconds = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
      const reason = whyRefused(claims.success, options, nowSeconds)
      if (reason !== undefined) return refuse(reason)
      return Effect.flatMap(isSignedByAny(token.success, candidates(token.success, publicKeys())), (isSigned) =>
        isSigned
          ? Effect.succeed(signedBy(claims.success, token.success.claims, options.bodyClaim))
          : refuse("The signature verification failed."),
      )
    })

/** What must be said, and what may be; whatever else is said stands for nothing. */
const Claims = Schema.Struct({
  iat: Schema.Finite,
  exp: Schema.Finite,
  nbf: Schema.optionalKey(Schema.Finite),
  jti: Ledger.Nonce.fields.value,
  iss: Schema.optionalKey(Schema.String),
  aud: Schema.optionalKey(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
})

type Claims = typeof Claims.Type

const decodeClaims = Schema.decodeUnknownResult(Claims)

/** Why a token is not good here and now, if it is not. One that has not expired, and lives for no longer, is not too old either. */
const whyRefused = ({ iat, exp, nbf, iss, aud = [] }: Claims, { issuer, audience }: Options, nowSeconds: number) => {
  if (issuer !== undefined && iss !== issuer) return "It is from another issuer: iss."
  if (audience !== undefined && !(typeof aud === "string" ? [aud] : aud).includes(audience)) {
    return "It is for another audience: aud."
  }
  if (exp - iat > lifetimeSeconds) return `It is valid for ${exp - iat} s: exp.`
  if (exp <= nowSeconds - skewSeconds) return "It has expired: exp."
  if (iat - skewSeconds > nowSeconds) return "It is from the future: iat."
  if (nbf !== undefined && nbf - skewSeconds > nowSeconds) return "It is not good yet: nbf."
  return undefined
}

/** The key that the token names, if it is one of ours; else each of ours may be it. */
const candidates = ({ kid }: Token.Token, keys: ReturnType<PublicKeys>) => {
  const named = keys.filter(({ name }) => name === kid)
  return named.length > 0 ? named : keys
}

const isSignedByAny = (token: Token.Token, keys: ReturnType<PublicKeys>): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const tryNext = (index: number) => {
      const key = keys[index]?.key
      if (key === undefined) return resume(Effect.succeed(false))
      Rs256.check({ ...token, key, onDone: (isGood) => (isGood ? resume(Effect.succeed(true)) : tryNext(index + 1)) })
    }
    tryNext(0)
  })

const signedBy = ({ exp, jti }: Claims, all: unknown, bodyClaim: string | undefined): Signed => ({
  nonce: { value: jti, expiresAt: DateTime.makeUnsafe((Math.ceil(exp) + skewSeconds) * 1000) },
  covers: bodyClaim === undefined ? () => Effect.void : covers((all as Record<string, unknown>)[bodyClaim]),
})

/** A SHA-256 of the body's bytes, in hexadecimal or base64url. */
const covers = (claimed: unknown) => (body: Uint8Array) => {
  const digest = sha256(body)
  return claimed === digest.toString("hex") || claimed === digest.toString("base64url")
    ? Effect.void
    : refuse("It was signed for another body.")
}
