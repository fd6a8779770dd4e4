/**
 * The network's signature: a JWT in `X-BitGo-Signature`, RS256, at most a minute
 * old and used once. That it is used once is for the store to find out, together
 * with the command: a good signature yields its nonce, and costs no round trip.
 */
import { Ledger } from "@holdfast/domain"
import { Clock, DateTime, Effect, Layer, Redacted, Schema } from "effect"
import { importSPKI, type JWTPayload, jwtVerify } from "jose"
import { Signed, SignedNonce } from "./NetworkApi.ts"
import { refuse } from "./Problems.ts"
import { InvalidSetting } from "./Settings.ts"

const lifetimeSeconds = 60
const skewSeconds = 5
const modulusBits = 2048

const invalidKey = (found: string) =>
  new InvalidSetting({
    variable: "BITGO_PUBLIC_KEY_FILE",
    fact: `Expected an RSA public key of ${modulusBits} bits or more in PEM ("BEGIN PUBLIC KEY"). Got ${found}.`,
  })

/** Verifies with a public key in PEM. Fails where it is none, or too short. */
export const layer = (pem: string): Layer.Layer<Signed, InvalidSetting> =>
  Layer.effect(
    Signed,
    Effect.map(importKey(pem), (key) => {
      const verify = verifyWith(key)
      return Signed.of({
        signature: (httpEffect, { credential }) =>
          Effect.flatMap(verify(Redacted.value(credential)), (nonce) =>
            Effect.provideService(httpEffect, SignedNonce, nonce),
          ),
      })
    }),
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
const decodeNonce = Schema.decodeUnknownEffect(Ledger.Nonce)

const verifyWith = (key: Awaited<ReturnType<typeof importSPKI>>) =>
  Effect.fnUntraced(
    function* (token: string) {
      const currentDate = new Date(yield* Clock.currentTimeMillis)
      const { payload } = yield* Effect.tryPromise(
        (): Promise<{ readonly payload: JWTPayload }> =>
          jwtVerify(token, key, {
            algorithms: ["RS256"],
            requiredClaims: ["exp", "jti"],
            // Requires `iat` too, and that it does not lie in the future.
            maxTokenAge: lifetimeSeconds,
            clockTolerance: skewSeconds,
            currentDate,
          }),
      )
      const { exp = 0, iat = 0, jti } = payload
      if (exp - iat > lifetimeSeconds) return yield* Effect.fail(new Error(`It is valid for ${exp - iat} s.`))
      const expiresAt = DateTime.makeUnsafe((Math.ceil(exp) + skewSeconds) * 1000)
      return yield* decodeNonce({ value: jti, expiresAt })
    },
    Effect.catch(({ cause, message }) => refuse(cause instanceof Error ? cause.message : message)),
  )
