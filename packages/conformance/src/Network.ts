/**
 * The network's HTTP client: signs requests as the network does, or wrongly in
 * every way there is, and keeps each answer as it came, digit by digit.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer, Redacted, Schema } from "effect"
import { SignJWT, UnsecuredJWT } from "jose"
import { parse } from "lossless-json"

/**
 * Where the server is, and with which credentials to call it.
 *
 * @category models
 */
export interface Options {
  readonly url: string
  /** The network's key, with which it signs. */
  readonly privateKey: KeyObject
  readonly operatorToken: Redacted.Redacted
}

/**
 * How a request proves who sends it.
 *
 * @category models
 */
export type Credentials =
  | { readonly _tag: "Nothing" }
  /** `Authorization: Bearer`, with the operator's token unless another is given. */
  | { readonly _tag: "Operator"; readonly token?: string }
  /** `X-BitGo-Signature`, the header's text given. */
  | { readonly _tag: "Verbatim"; readonly signature: string }
  | ({ readonly _tag: "Signed" } & Signature)

/**
 * How a signature departs from what the network sends: RS256 by its own key,
 * issued now, valid for 30 seconds, with a fresh `jti`.
 *
 * @category models
 */
export interface Signature {
  readonly algorithm?: "RS512" | "HS256" | "none"
  readonly signer?: "stranger"
  readonly issuedAfterSeconds?: number
  readonly lifetimeSeconds?: number
  readonly jti?: string
  readonly without?: "iat" | "exp" | "jti"
  /** The claims are exchanged after signing. */
  readonly tampered?: boolean
}

/** @category models */
export interface Request {
  readonly method: string
  readonly path: string
  readonly credentials: Credentials
  readonly body?: string
  /** `application/json` where there is a body. */
  readonly contentType?: string
}

/** @category models */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly text: string
  /** The text parsed, its numbers as `LosslessNumber`, which keeps them as they were written; `undefined` if it is no JSON. */
  readonly json: unknown
}

/**
 * A request was not answered.
 *
 * @category errors
 */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { detail: Schema.String }) {
  override get message() {
    return `no answer (${this.detail})`
  }
}

/**
 * Sends requests to the server.
 *
 * @category services
 */
export class Network extends Context.Service<
  Network,
  { readonly send: (request: Request) => Effect.Effect<Answer, NoAnswer> }
>()("@holdfast/conformance/Network") {
  static readonly layer = ({ url, privateKey, operatorToken }: Options) =>
    Layer.sync(Network, () => {
      const keys = makeKeys(privateKey)
      const headers = (credentials: Credentials): Effect.Effect<Record<string, string>> => {
        switch (credentials._tag) {
          case "Nothing":
            return Effect.succeed({})
          case "Operator":
            return Effect.succeed({ authorization: `Bearer ${credentials.token ?? Redacted.value(operatorToken)}` })
          case "Verbatim":
            return Effect.succeed({ "x-bitgo-signature": credentials.signature })
          case "Signed":
            return Effect.map(sign(keys, credentials), (signature) => ({ "x-bitgo-signature": signature }))
        }
      }
      return Network.of({
        send: Effect.fnUntraced(function* ({ method, path, credentials, body, contentType = "application/json" }) {
          const content = body === undefined ? {} : { body, headers: { "content-type": contentType } }
          const init = { method, ...content, headers: { ...content.headers, ...(yield* headers(credentials)) } }
          return yield* Effect.tryPromise({
            try: async (signal) => read(await fetch(`${url}${path}`, { ...init, redirect: "manual", signal })),
            catch: (error) => new NoAnswer({ detail: rootOf(error) }),
          }).pipe(
            Effect.timeoutOrElse({
              duration: "30 seconds",
              orElse: () => Effect.fail(new NoAnswer({ detail: "30 seconds have passed" })),
            }),
          )
        }),
      })
    })
}

const read = async (response: Response): Promise<Answer> => {
  const text = await response.text()
  const contentType = response.headers.get("content-type") ?? ""
  return { status: response.status, contentType, text, json: parseOrUndefined(text) }
}

const parseOrUndefined = (text: string): unknown => {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/** `fetch` fails with "fetch failed" and hides the reason in the causes. */
const rootOf = (error: unknown): string =>
  error instanceof Error ? (error.cause === undefined ? error.message : rootOf(error.cause)) : String(error)

interface Keys {
  readonly network: KeyObject
  readonly stranger: KeyObject
  /** The public key as a shared secret: what a verifier uses that lets the token choose the algorithm. */
  readonly secret: Uint8Array
}

const makeKeys = (network: KeyObject): Keys => ({
  network,
  stranger: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  secret: Buffer.from(createPublicKey(network).export({ type: "spki", format: "pem" })),
})

const sign = Effect.fnUntraced(function* (keys: Keys, signature: Signature) {
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const iat = now + (signature.issuedAfterSeconds ?? 0)
  const exp = iat + (signature.lifetimeSeconds ?? 30)
  const claims = { iat, exp, jti: signature.jti ?? randomUUID() }
  const kept = Object.fromEntries(Object.entries(claims).filter(([name]) => name !== signature.without))
  const alg = signature.algorithm ?? "RS256"
  if (alg === "none") return new UnsecuredJWT(kept).encode()
  const key = alg === "HS256" ? keys.secret : signature.signer === "stranger" ? keys.stranger : keys.network
  const token = yield* Effect.promise(() => new SignJWT(kept).setProtectedHeader({ alg }).sign(key))
  if (signature.tampered !== true) return token
  const [header, , seal] = token.split(".")
  const [, payload] = new UnsecuredJWT({ ...claims, jti: randomUUID() }).encode().split(".")
  return `${header}.${payload}.${seal}`
})
