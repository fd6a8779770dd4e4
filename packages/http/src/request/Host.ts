/**
 * What of a request is better asked of its host than of Effect's request. By
 * default nothing is, so that any `HttpServer` and any handler of the web
 * standard will do. A host that knows more says so, for all requests or for one.
 */
import { ByteSize, Context, Effect, Option } from "effect"
import { HttpIncomingMessage, type HttpServerError, type HttpServerRequest } from "effect/http"
import type { Origin } from "../access/CallerLimits.ts"
import type { Received } from "./Call.ts"

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

/** What Effect's request says. */
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

/** Of the request at hand. */
export const Host = Context.Reference("@holdfast/http/Host", { defaultValue: () => standard })

/** What is to be read of the request at hand. */
export const received = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Received> =>
  Effect.map(Host, ({ readBody }) => ({
    headers: request.headers,
    readBody: (maxBytes) => readBody(request, maxBytes),
  }))

/** Where the request at hand came from. */
export const originOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Origin> =>
  Effect.map(Host, ({ peerOf }) => ({ peer: peerOf(request), forwardedFor: request.headers["x-forwarded-for"] }))
