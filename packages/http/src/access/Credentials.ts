/**
 * Whom to believe: the network's public keys and the operator's tokens. Each may
 * be several, and others can take their place, without an outage.
 */
import { Context, Deferred, Effect, Layer, Redacted } from "effect"
import * as Envelope from "../node/Envelope.ts"
import * as Rs256 from "../node/Rs256.ts"
import { sha256, timingSafeEqual } from "../node/Sha256.ts"
import { InvalidOption } from "./InvalidOption.ts"

/**
 * Keys and tokens as a host has them.
 *
 * @category models
 */
export interface Given {
  /** In PEM, by the name that a signature's `kid` may have for it. */
  readonly publicKeys: ReadonlyArray<{ readonly name: string; readonly pem: string }>
  readonly operatorTokens: ReadonlyArray<Redacted.Redacted>
  /** An RSA private key of 2048 bits or more in PEM: the network may encrypt connection tokens for it. */
  readonly connectionTokenKey?: Redacted.Redacted | undefined
}

interface PublicKey {
  readonly name: string
  readonly key: Rs256.PublicKey
}

/**
 * Whom to believe now, and from when on others.
 *
 * ```ts
 * import * as Credentials from "@holdfast/http/Credentials"
 * import { Effect, Redacted } from "effect"
 * import assert from "node:assert/strict"
 * import { generateKeyPairSync } from "node:crypto"
 *
 * const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
 * const publicKeys = [{ name: "network", pem: publicKey.export({ type: "spki", format: "pem" }).toString() }]
 * const [old, next] = [Redacted.make("the-token-of-last-month"), Redacted.make("the-token-of-this-month")]
 *
 * const program = Effect.gen(function* () {
 *   const { isOperatorToken, replace } = yield* Credentials.Credentials
 *   const before = [isOperatorToken(old), isOperatorToken(next)]
 *   yield* replace({ publicKeys, operatorTokens: [next] })
 *   return [before, [isOperatorToken(old), isOperatorToken(next)]]
 * })
 * const believed = program.pipe(Effect.provide(Credentials.layer({ publicKeys, operatorTokens: [old] })))
 * assert.deepEqual(Effect.runSync(believed), [
 *   [true, false],
 *   [false, true],
 * ])
 * ```
 *
 * @category services
 */
export class Credentials extends Context.Service<
  Credentials,
  {
    readonly publicKeys: () => ReadonlyArray<PublicKey>
    readonly connectionTokenKey: () => Envelope.PrivateKey | undefined
    readonly isOperatorToken: (token: Redacted.Redacted) => boolean
    /** Waits for when others will be believed: whoever was let in for long has to show again that they may. */
    readonly replacement: () => Effect.Effect<void>
    /** Believes others from now on; where they are no good, those that were good stay. */
    readonly replace: (given: Given) => Effect.Effect<void, InvalidOption>
  }
>()("@holdfast/http/Credentials") {}

/**
 * What was given, checked. Fails with {@link InvalidOption} where there is no key or no
 * token, a key is none or too short, or a token is too short.
 *
 * ```ts
 * import * as Credentials from "@holdfast/http/Credentials"
 * import { Effect, Layer, Redacted } from "effect"
 * import assert from "node:assert/strict"
 * import { generateKeyPairSync } from "node:crypto"
 *
 * const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 })
 * const weak = Credentials.layer({
 *   publicKeys: [{ name: "network", pem: publicKey.export({ type: "spki", format: "pem" }).toString() }],
 *   operatorTokens: [Redacted.make("a-token-that-nobody-guesses")],
 * })
 * const error = Effect.runSync(Effect.scoped(Effect.flip(Layer.build(weak))))
 * assert.match(
 *   error.message,
 *   /^publicKeys: Expected an RSA public key of 2048 bits or more.* Got 1024 bits in network\.$/,
 * )
 * ```
 *
 * @category layers
 */
export const layer = (given: Given): Layer.Layer<Credentials, InvalidOption> =>
  Layer.effect(
    Credentials,
    Effect.gen(function* () {
      let current = yield* validate(given)
      let replaced = Deferred.makeUnsafe<void>()
      return Credentials.of({
        publicKeys: () => current.publicKeys,
        connectionTokenKey: () => current.connectionTokenKey,
        isOperatorToken: (token) => {
          const given = digest(token)
          // All are compared: how long it takes says nothing of which one it is.
          return current.tokens.filter((token) => timingSafeEqual(token, given)).length > 0
        },
        replacement: () => Deferred.await(replaced),
        replace: (others) =>
          Effect.map(validate(others), (valid) => {
            current = valid
            Deferred.doneUnsafe(replaced, Effect.void)
            replaced = Deferred.makeUnsafe()
          }),
      })
    }),
  )

const validate = Effect.fnUntraced(function* ({ publicKeys, operatorTokens, connectionTokenKey }: Given) {
  for (const [option, given] of [
    ["publicKeys", publicKeys],
    ["operatorTokens", operatorTokens],
  ] as const) {
    if (given.length === 0) return yield* new InvalidOption({ option, fact: "Expected one at least. Got none." })
  }
  return {
    publicKeys: yield* Effect.forEach(publicKeys, ({ name, pem }) =>
      Effect.map(importKey(name, pem), (key): PublicKey => ({ name, key })),
    ),
    tokens: yield* Effect.forEach(operatorTokens, (token) =>
      Redacted.value(token).length < minTokenLength
        ? new InvalidOption({
            option: "operatorTokens",
            fact: `Expected tokens of ${minTokenLength} characters or more.`,
          })
        : Effect.succeed(digest(token)),
    ),
    connectionTokenKey: connectionTokenKey && (yield* importPrivateKey(connectionTokenKey)),
  }
})

const minTokenLength = 20
const modulusBits = 2048

const digest = (token: Redacted.Redacted) => sha256(Redacted.value(token))

const invalidKey = (name: string, found: string) =>
  new InvalidOption({
    option: "publicKeys",
    fact: `Expected an RSA public key of ${modulusBits} bits or more in PEM ("BEGIN PUBLIC KEY"). Got ${found} in ${name}.`,
  })

const importKey = Effect.fnUntraced(function* (name: string, pem: string) {
  // Only the first would count.
  if (pem.split("-----BEGIN ").length > 2) return yield* invalidKey(name, "several keys")
  const read = Rs256.readKey(pem)
  if (read === undefined) return yield* invalidKey(name, "something else")
  return read.bits >= modulusBits ? read.key : yield* invalidKey(name, `${read.bits} bits`)
})

const importPrivateKey = (pem: Redacted.Redacted) => {
  const read = Envelope.readKey(Redacted.value(pem))
  return read !== undefined && read.bits >= modulusBits
    ? Effect.succeed(read.key)
    : new InvalidOption({
        option: "connectionTokenKey",
        fact: `Expected an RSA private key of ${modulusBits} bits or more in PEM.`,
      })
}
