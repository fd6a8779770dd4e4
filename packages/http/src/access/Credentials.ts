/**
 * Whom to believe: the network's public keys and the operator's tokens. Each may
 * be several, and others can take their place, without an outage.
 */
import { Context, Deferred, Effect, Layer, Redacted } from "effect"
import * as Envelope from "../node/Envelope.ts"
import * as Rs256 from "../node/Rs256.ts"
import { sha256, timingSafeEqual } from "../node/Sha256.ts"
import { InvalidOption } from "./InvalidOption.ts"
import type * as Operators from "./Operators.ts"

/**
 * Keys and tokens as a host has them.
 *
 * @category models
 */
export interface Given {
  /** In PEM, by the name that a signature's `kid` may have for it. */
  readonly publicKeys: ReadonlyArray<{ readonly name: string; readonly pem: string }>
  /** Of programs, and of administrators without a name. */
  readonly operatorTokens: ReadonlyArray<Redacted.Redacted>
  /** Operators by name, each with a token or several. */
  readonly operators?: ReadonlyArray<Operators.Token> | undefined
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
 *   const { operatorOf, replace } = yield* Credentials.Credentials
 *   const before = [operatorOf(old)?.role, operatorOf(next)?.role]
 *   yield* replace({ publicKeys, operatorTokens: [next] })
 *   return [before, [operatorOf(old)?.role, operatorOf(next)?.role]]
 * })
 * const believed = program.pipe(Effect.provide(Credentials.layer({ publicKeys, operatorTokens: [old] })))
 * assert.deepEqual(Effect.runSync(believed), [
 *   ["admin", undefined],
 *   [undefined, "admin"],
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
    /** Whose token it is; nobody's where it is unknown. */
    readonly operatorOf: (token: Redacted.Redacted) => Operators.Known | undefined
    readonly operators: () => ReadonlyArray<Operators.Known>
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
        operatorOf: (token) => {
          const given = digest(token)
          // All are compared: how long it takes says nothing of which one it is.
          return current.operators.filter(({ digest }) => timingSafeEqual(digest, given))[0]
        },
        operators: () => current.operators,
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

/** Who shows a token that is nobody's by name. */
const unnamed = "operator"

const validate = Effect.fnUntraced(function* ({ publicKeys, operatorTokens, operators, connectionTokenKey }: Given) {
  const tokens = [
    ...operatorTokens.map((token) => ({ name: unnamed, role: "admin", token }) as const),
    ...(operators ?? []),
  ]
  for (const [option, given] of [
    ["publicKeys", publicKeys],
    ["operatorTokens", tokens],
  ] as const) {
    if (given.length === 0) return yield* new InvalidOption({ option, fact: "Expected one at least. Got none." })
  }
  return {
    publicKeys: yield* Effect.forEach(publicKeys, ({ name, pem }) =>
      Effect.map(importKey(name, pem), (key): PublicKey => ({ name, key })),
    ),
    operators: yield* validateTokens(tokens),
    connectionTokenKey: connectionTokenKey && (yield* importPrivateKey(connectionTokenKey)),
  }
})

const invalidTokens = (fact: string) => new InvalidOption({ option: "operatorTokens", fact })
const invalidOperators = (fact: string) => new InvalidOption({ option: "operators", fact })

/** Each is one person's, so that the log can tell who it was. */
const validateTokens = Effect.fnUntraced(function* (tokens: ReadonlyArray<Operators.Token>) {
  const owners = new Map<string, string>()
  const roles = new Map<string, Operators.Role>()
  return yield* Effect.forEach(tokens, ({ name, role, token }) => {
    const [, hash] = /^sha256:(.*)$/s.exec(Redacted.value(token)) ?? []
    if (hash !== undefined && !/^[\da-f]{64}$/i.test(hash)) {
      return invalidOperators(`Expected 64 hexadecimal digits behind "sha256:". Got something else for ${name}.`)
    }
    if (hash === undefined && Redacted.value(token).length < minTokenLength) {
      const expected = `Expected tokens of ${minTokenLength} characters or more.`
      return name === unnamed ? invalidTokens(expected) : invalidOperators(`${expected} Got a shorter one for ${name}.`)
    }
    const known = hash === undefined ? digest(token) : Buffer.from(hash, "hex")
    const owner = owners.get(known.toString("hex"))
    if (owner !== undefined && owner !== name) {
      return invalidOperators(`Expected each token once. Got one of ${owner} and ${name}.`)
    }
    if ((roles.get(name) ?? role) !== role) return invalidOperators(`Expected one role of each. Got two of ${name}.`)
    owners.set(known.toString("hex"), name)
    roles.set(name, role)
    return Effect.succeed<Operators.Known>({ name, role, digest: known })
  })
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
