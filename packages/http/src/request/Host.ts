/**
 * What of a request is better asked of its host than of Effect's request. By
 * default nothing is, so that any `HttpServer` and any handler of the web
 * standard will do. A host that knows more says so, for all requests or for one.
 */
import { ByteSize, Context, Effect, Option } from "effect"
import { HttpIncomingMessage, type HttpServerError, type HttpServerRequest } from "effect/http"
import type { Origin } from "../access/CallerLimits.ts"
import type { Received } from "./Call.ts"

/**
 * What a host can tell of a request.
 *
 * @category models
 */
export interface Knowledge {
  /** The request's target. Where the host has it, as it came, before anybody has read it in a way of their own. */
  readonly targetOf: (request: HttpServerRequest.HttpServerRequest) => string
  /** The address at the other end of the connection. Those of whom it is not known are counted as one caller. */
  readonly peerOf: (request: HttpServerRequest.HttpServerRequest) => string | undefined
  /** The body, of at most so many bytes; fails where there are more, or where it does not arrive whole. */
  readonly readBody: (
    request: HttpServerRequest.HttpServerRequest,
    maxBytes: number,
  ) => Effect.Effect<Uint8Array, "TooLarge" | "NotWhole">
}

/**
 * What a host tells of one request, beside a `Request` of the web standard.
 *
 * @category models
 */
export interface Told {
  /** The target as it came: a `Request` has it with `..` and `%2e` resolved, so that whoever is in front may have read another. */
  readonly target?: string | undefined
  /** The address at the other end of the connection. */
  readonly peer?: string | undefined
  readonly readBody?: (maxBytes: number) => Effect.Effect<Uint8Array, "TooLarge" | "NotWhole">
}

/**
 * What Effect's request says.
 *
 * ```ts
 * import * as Host from "@holdfast/http/Host"
 * import { HttpServerRequest } from "effect/http"
 * import assert from "node:assert/strict"
 *
 * const request = HttpServerRequest.fromWeb(new Request("https://partner.example/metrics?a=1"))
 * assert.equal(Host.standard.targetOf(request), "/metrics?a=1")
 * ```
 *
 * @category constants
 */
export const standard: Knowledge = {
  targetOf: ({ url }) => url,
  peerOf: ({ peerAddress }) => Option.getOrUndefined(peerAddress),
  readBody: ({ arrayBuffer }, maxBytes) =>
    arrayBuffer.pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBytes)),
      Effect.mapBoth({ onSuccess: (buffer) => new Uint8Array(buffer), onFailure: reasonOf }),
    ),
}

const reasonOf = ({ reason }: HttpServerError.HttpServerError) =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? "TooLarge" : "NotWhole"

/**
 * What is known of a request that has been told of, and what it says itself.
 *
 * @internal
 */
export const knowing = ({ target, peer, readBody }: Told, { bodyUsed }: Request): Knowledge => ({
  targetOf: target === undefined ? standard.targetOf : () => target,
  peerOf: () => peer,
  readBody: (request, maxBytes) => {
    if (readBody !== undefined) return readBody(maxBytes)
    return bodyUsed ? bodyIsGone : standard.readBody(request, maxBytes)
  },
})

/**
 * A fault of whoever put Holdfast where it is: what was parsed cannot be made into the bytes that it came from.
 *
 * @internal
 */
export const bodyIsGone = Effect.die(
  new Error("The body of a request was read before Holdfast could. Put Holdfast before whatever reads bodies."),
)

/**
 * Who tells of the request at hand: {@link standard}, unless a host says otherwise.
 *
 * ```ts
 * import * as Host from "@holdfast/http/Host"
 * import { Context, Effect } from "effect"
 * import { HttpServerRequest } from "effect/http"
 * import assert from "node:assert/strict"
 *
 * const request = HttpServerRequest.fromWeb(new Request("https://partner.example/health/live"))
 * assert.equal(Effect.runSync(Host.originOf(request)).peer, undefined)
 *
 * // As it goes with the request: `handler(request, told)`.
 * const told = Context.make(Host.Host, { ...Host.standard, peerOf: () => "192.0.2.1" })
 * assert.equal(Effect.runSync(Effect.provideContext(Host.originOf(request), told)).peer, "192.0.2.1")
 * ```
 *
 * @category services
 */
export const Host = Context.Reference("@holdfast/http/Host", { defaultValue: () => standard })

/**
 * What is to be read of the request at hand.
 *
 * ```ts
 * import * as Host from "@holdfast/http/Host"
 * import { Effect } from "effect"
 * import { HttpServerRequest } from "effect/http"
 * import assert from "node:assert/strict"
 *
 * const request = HttpServerRequest.fromWeb(new Request("https://partner.example", { method: "POST", body: "12345" }))
 * const read = (maxBytes: number) => Effect.flatMap(Host.received(request), ({ readBody }) => readBody(maxBytes))
 * assert.equal(await Effect.runPromise(Effect.flip(read(4))), "TooLarge")
 * ```
 *
 * @category getters
 */
export const received = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Received> =>
  Effect.map(Host, ({ readBody }) => ({
    headers: request.headers,
    readBody: (maxBytes) => readBody(request, maxBytes),
  }))

/**
 * Where the request at hand came from.
 *
 * ```ts
 * import * as Host from "@holdfast/http/Host"
 * import { Effect } from "effect"
 * import { HttpServerRequest } from "effect/http"
 * import assert from "node:assert/strict"
 *
 * const headers = { "X-Forwarded-For": "203.0.113.9" }
 * const request = HttpServerRequest.fromWeb(new Request("https://partner.example", { headers }))
 * // What is said of it is no more than that: `CallerLimits` tells whether to believe it.
 * assert.deepEqual(Effect.runSync(Host.originOf(request)), { peer: undefined, forwardedFor: "203.0.113.9" })
 * ```
 *
 * @category getters
 */
export const originOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Origin> =>
  Effect.map(Host, ({ peerOf }) => ({ peer: peerOf(request), forwardedFor: request.headers["x-forwarded-for"] }))
