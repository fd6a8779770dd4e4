/**
 * The network's signature: a JWT in `X-BitGo-Signature`, RS256, at most a minute
 * old and used once. That it is used once is for the store to find out, together
 * with the command: a good signature yields its nonce, and costs no round trip.
 */
import { Ledger } from "@holdfast/domain"
import { Context, DateTime, Effect, Layer, Schema } from "effect"
import { importSPKI, type JWTPayload, jwtVerify } from "jose"
import { refuse, type Unauthorized } from "./Problems.ts"
import { InvalidSetting } from "./Settings.ts"

const lifetimeSeconds = 60
const skewSeconds = 5
const modulusBits = 2048

const invalidKey = (found: string) =>
  new InvalidSetting({
    variable: "BITGO_PUBLIC_KEY_FILE",
    fact: `Expected an RSA public key of ${modulusBits} bits or more in PEM ("BEGIN PUBLIC KEY"). Got ${found}.`,
  })

/** Tells whether a request is the network's. */
export class Signature extends Context.Service<
  Signature,
  {
    /** The nonce of a good signature; not used up yet. */
    readonly verify: (token: string) => Effect.Effect<Ledger.Nonce, Unauthorized>
  }
>()("@holdfast/http/Signature") {}

/** Verifies with a public key in PEM. Fails where it is none, or too short. */
export const layer = (pem: string): Layer.Layer<Signature, InvalidSetting> =>
  Layer.effect(
    Signature,
    Effect.map(importKey(pem), (key) => Signature.of({ verify: verifyWith(key) })),
  )

const importKey = Effect.fnUntraced(function* (pem: string) {
  const key = yield* Effect.tryPromise({
    try: () => importSPKI(pem, "RS256"),
    catch: () => invalidKey("something else"),
  })
  const { modulusLength } = yield* Effect.orDie(decodeAlgorithm(key.algorithm))
  return modulusLength >= modulusBits ? key : yield* invalidKey(`${modulusLength} bits`)
})

const decodeAlgorithm = Schema.decodeUnknownEffect(Schema.Struct({ modulusLength: Schema.Int }))
const isNonceValue = Schema.is(Ledger.Nonce.fields.value)

const verifyWith = (key: Awaited<ReturnType<typeof importSPKI>>) => (token: string) =>
  Effect.clockWith((clock) =>
    Effect.tryPromise(() =>
      jwtVerify(token, key, {
        algorithms: ["RS256"],
        requiredClaims: ["exp", "jti"],
        // Requires `iat` too, and that it does not lie in the future.
        maxTokenAge: lifetimeSeconds,
        clockTolerance: skewSeconds,
        currentDate: new Date(clock.currentTimeMillisUnsafe()),
      }).then(nonceOf),
    ),
  ).pipe(Effect.catch(({ cause, message }) => refuse(cause instanceof Error ? cause.message : message)))

const nonceOf = ({ payload: { exp = 0, iat = 0, jti } }: { readonly payload: JWTPayload }): Ledger.Nonce => {
  if (exp - iat > lifetimeSeconds) throw new Error(`It is valid for ${exp - iat} s.`)
  if (!isNonceValue(jti)) throw new Error("The value of jti is no nonce.")
  return { value: jti, expiresAt: DateTime.makeUnsafe((Math.ceil(exp) + skewSeconds) * 1000) }
}
