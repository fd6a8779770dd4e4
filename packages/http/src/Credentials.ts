/**
 * Whom to believe: the network's public keys and the operator's tokens. Each may
 * be several, so that one can take the place of another without an outage, and
 * all are read again when the process is asked to (SIGHUP).
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { importSPKI } from "jose"
import { InvalidSetting } from "./Settings.ts"

/** As they are configured. */
export interface Given {
  /** In PEM, by the name that a signature's `kid` may have for it. */
  readonly publicKeys: ReadonlyArray<{ readonly name: string; readonly pem: string }>
  readonly operatorTokens: ReadonlyArray<Redacted.Redacted>
}

interface PublicKey {
  readonly name: string
  readonly key: Awaited<ReturnType<typeof importSPKI>>
}

export class Credentials extends Context.Service<
  Credentials,
  {
    readonly publicKeys: () => ReadonlyArray<PublicKey>
    readonly isOperatorToken: (token: Redacted.Redacted) => boolean
    /** Reads them again; where they are no good, those that were good stay. */
    readonly reload: Effect.Effect<void, InvalidSetting>
  }
>()("@holdfast/http/Credentials") {}

/** Fails where there is no key or no token, a key is none or too short, or a token is too short. */
export const layer = (read: Effect.Effect<Given, InvalidSetting>): Layer.Layer<Credentials, InvalidSetting> =>
  Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const load = Effect.flatMap(read, validate)
      let current = yield* load
      return Credentials.of({
        publicKeys: () => current.publicKeys,
        isOperatorToken: (token) => {
          const given = digest(token)
          // All are compared: how long it takes says nothing of which one it is.
          return current.tokens.filter((token) => timingSafeEqual(token, given)).length > 0
        },
        reload: Effect.map(load, (loaded) => {
          current = loaded
        }),
      })
    }),
  )

const validate = Effect.fnUntraced(function* ({ publicKeys, operatorTokens }: Given) {
  for (const [variable, given] of [
    ["BITGO_PUBLIC_KEY_FILE", publicKeys],
    ["OPERATOR_TOKEN", operatorTokens],
  ] as const) {
    if (given.length === 0) return yield* new InvalidSetting({ variable, fact: "Expected one at least. Got none." })
  }
  return {
    publicKeys: yield* Effect.forEach(publicKeys, ({ name, pem }) =>
      Effect.map(importKey(name, pem), (key): PublicKey => ({ name, key })),
    ),
    tokens: yield* Effect.forEach(operatorTokens, (token) =>
      Redacted.value(token).length < minTokenLength
        ? new InvalidSetting({
            variable: "OPERATOR_TOKEN",
            fact: `Expected tokens of ${minTokenLength} characters or more.`,
          })
        : Effect.succeed(digest(token)),
    ),
  }
})

const minTokenLength = 20
const modulusBits = 2048

const digest = (token: Redacted.Redacted) => createHash("sha256").update(Redacted.value(token)).digest()

const invalidKey = (name: string, found: string) =>
  new InvalidSetting({
    variable: "BITGO_PUBLIC_KEY_FILE",
    fact: `Expected an RSA public key of ${modulusBits} bits or more in PEM ("BEGIN PUBLIC KEY"). Got ${found} in ${name}.`,
  })

const importKey = Effect.fnUntraced(function* (name: string, pem: string) {
  // Only the first would count.
  if (pem.split("-----BEGIN ").length > 2) return yield* invalidKey(name, "several keys")
  const key = yield* Effect.tryPromise({
    try: () => importSPKI(pem, "RS256"),
    catch: () => invalidKey(name, "something else"),
  })
  const { modulusLength } = yield* Effect.orDie(decodeAlgorithm(key.algorithm))
  return modulusLength >= modulusBits ? key : yield* invalidKey(name, `${modulusLength} bits`)
})

const decodeAlgorithm = Schema.decodeUnknownEffect(Schema.Struct({ modulusLength: Schema.Int }))
