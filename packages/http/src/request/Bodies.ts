/**
 * Request bodies: JSON, strictly, of so many bytes at the most. Fields that a
 * schema does not know are ignored.
 */
import { Context, Effect, Layer, Schema, type SchemaIssue } from "effect"
import { MalformedRequest, PayloadTooLarge, UnsupportedMediaType } from "../contract/Problems.ts"
import type { Received } from "./Call.ts"
import * as Json from "./Json.ts"

type Unreadable = MalformedRequest | PayloadTooLarge

export class Bodies extends Context.Service<
  Bodies,
  {
    /** Reads a request's body, byte for byte. */
    readonly readBytes: (request: Received) => Effect.Effect<Uint8Array, Unreadable>
    /** Reads a request's body as a schema has it, once `inspect` has seen its bytes. */
    readonly readAs: <S extends Schema.Top & { readonly DecodingServices: never }>(
      schema: S,
    ) => <E = never>(
      request: Received,
      inspect?: (bytes: Uint8Array) => Effect.Effect<void, E>,
    ) => Effect.Effect<S["Type"], E | Unreadable | UnsupportedMediaType>
  }
>()("@holdfast/http/Bodies") {}

export const layer = (maxBytes: number): Layer.Layer<Bodies> =>
  Layer.sync(Bodies, () => {
    const refused = (reason: "TooLarge" | "NotWhole") =>
      reason === "TooLarge"
        ? new PayloadTooLarge({ detail: `A body may have at most ${maxBytes} bytes.` })
        : new MalformedRequest({ detail: "The body did not arrive whole." })
    const readBytes = ({ headers, readBody }: Received) =>
      Number(headers["content-length"]) > maxBytes
        ? Effect.fail(refused("TooLarge"))
        : Effect.mapError(readBody(maxBytes), refused)
    return Bodies.of({
      readBytes,
      readAs: (schema) => {
        const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(schema), { errors: "all" })
        return Effect.fnUntraced(function* (request, inspect) {
          const bytes = yield* readBytes(request)
          if (inspect !== undefined) yield* inspect(bytes)
          yield* checkMediaType(request.headers)
          const value = yield* Effect.try({ try: () => Json.parse(bytes), catch: malformed })
          return yield* Effect.mapError(decode(value), (error) => malformedBy(error.issue))
        })
      },
    })
  })

/** The problem that a failed decoding is. */
export const malformedBy = (issue: SchemaIssue.Issue): MalformedRequest =>
  new MalformedRequest({ detail: Json.factsOf(issue) })

const checkMediaType = (headers: Received["headers"]) => {
  const type = headers["content-type"]
  const encoding = headers["content-encoding"]
  const refuse = (detail: string) => Effect.fail(new UnsupportedMediaType({ detail }))
  if (type === undefined) return refuse("The content type is missing. Expected application/json.")
  if (!/^application\/json\s*(;|$)/i.test(type)) return refuse(`Expected application/json. Got ${type}.`)
  if (encoding !== undefined) return refuse(`Expected a body that is not encoded. Got ${encoding}.`)
  return Effect.void
}

const malformed = (cause: unknown) =>
  new MalformedRequest({ detail: cause instanceof SyntaxError ? cause.message : "The body is not valid UTF-8." })
