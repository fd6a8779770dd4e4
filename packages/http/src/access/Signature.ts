/**
 * The network's signature: a JWT in `X-BitGo-Signature`, RS256, at most a minute
 * old and used once. That it is used once is for the store to find out, together
 * with the command: a good signature yields its nonce, and costs no round trip.
 *
 * A token is not bound to the request that it comes with, unless the network puts
 * a digest of the body into a claim, and that claim is configured.
 */
import { Ledger } from "@holdfast/domain"
import { Context, DateTime, Effect, Layer, Schema } from "effect"
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose"
import type { Unauthorized } from "../contract/Problems.ts"
import { sha256 } from "../node/Sha256.ts"
import { refuse } from "../request/Failures.ts"
import { Credentials } from "./Credentials.ts"

const lifetimeSeconds = 60
const skewSeconds = 5

/** Longer ones are not looked at. */
const maxTokenLength = 8_192

/** What a good signature says. */
export interface Signed {
  /** Not used up yet. */
  readonly nonce: Ledger.Nonce
  /** Whether it is about this body. */
  readonly covers: (body: Uint8Array) => Effect.Effect<void, Unauthorized>
}

/** Tells whether a request is the network's. */
export class Signature extends Context.Service<
  Signature,
  {
    readonly verify: (token: string) => Effect.Effect<Signed, Unauthorized>
    /** Whether a request without a body of its own must be read all the same, to be compared with its signature. */
    readonly coversBodies: boolean
  }
>()("@holdfast/http/Signature") {}

export interface Options {
  /** What signatures must name as `iss` and `aud`. */
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** The claim that holds a digest of the body. */
  readonly bodyClaim: string | undefined
}

export const layer = (options: Options): Layer.Layer<Signature, never, Credentials> =>
  Layer.effect(
    Signature,
    Effect.map(Credentials, ({ publicKeys }) =>
      Signature.of({ verify: verifyWith(publicKeys, options), coversBodies: options.bodyClaim !== undefined }),
    ),
  )

type PublicKeys = Credentials["Service"]["publicKeys"]

const verifyWith = (publicKeys: PublicKeys, { issuer, audience, bodyClaim }: Options) => {
  const claims = {
    algorithms: ["RS256"],
    requiredClaims: ["exp", "jti"],
    // Requires `iat` too, and that it does not lie in the future.
    maxTokenAge: lifetimeSeconds,
    clockTolerance: skewSeconds,
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  }
  return (token: string) =>
    Effect.clockWith((clock) =>
      Effect.tryPromise(async () => {
        if (token.length > maxTokenLength) throw new Error(`It has ${token.length} characters.`)
        const currentDate = new Date(clock.currentTimeMillisUnsafe())
        const { payload } = await verifyWithAny(token, candidates(token, publicKeys()), { ...claims, currentDate })
        return signedBy(payload, bodyClaim)
      }),
    ).pipe(Effect.catch(({ cause, message }) => refuse(cause instanceof Error ? cause.message : message)))
}

/** The key that the token names, if it is one of ours; else each of ours may be it. */
const candidates = (token: string, keys: ReturnType<PublicKeys>) => {
  if (keys.length === 1) return keys
  const { kid } = decodeProtectedHeader(token)
  const named = keys.filter(({ name }) => name === kid)
  return named.length > 0 ? named : keys
}

const verifyWithAny = async (
  token: string,
  keys: ReturnType<PublicKeys>,
  options: Parameters<typeof jwtVerify>[2],
): Promise<{ readonly payload: JWTPayload }> => {
  const [first, ...others] = keys
  if (first === undefined) throw new Error("There is no key.")
  try {
    return await jwtVerify(token, first.key, options)
  } catch (error) {
    if (others.length === 0 || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    return verifyWithAny(token, others, options)
  }
}

const isNonceValue = Schema.is(Ledger.Nonce.fields.value)

const signedBy = ({ exp = 0, iat = 0, jti, ...claims }: JWTPayload, bodyClaim: string | undefined): Signed => {
  if (exp - iat > lifetimeSeconds) throw new Error(`It is valid for ${exp - iat} s.`)
  if (!isNonceValue(jti)) throw new Error("The value of jti is no nonce.")
  const nonce = { value: jti, expiresAt: DateTime.makeUnsafe((Math.ceil(exp) + skewSeconds) * 1000) }
  return { nonce, covers: bodyClaim === undefined ? () => Effect.void : covers(claims[bodyClaim]) }
}

/** A SHA-256 of the body's bytes, in hexadecimal or base64url. */
const covers = (claimed: unknown) => (body: Uint8Array) => {
  const digest = sha256(body)
  return claimed === digest.toString("hex") || claimed === digest.toString("base64url")
    ? Effect.void
    : refuse("It was signed for another body.")
}
