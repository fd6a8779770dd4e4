/**
 * Request bodies: JSON as RFC 8259 has it and nothing looser. Strict UTF-8
 * without a byte order mark, no key twice in an object (`JSON.parse` would keep
 * the last and say nothing), of so many bytes at the most. Fields that a schema
 * does not know are ignored.
 */
import { Context, Effect, Layer, Schema, SchemaIssue } from "effect"
import type { HttpServerRequest } from "effect/http"
import { MalformedRequest, PayloadTooLarge, UnsupportedMediaType } from "../contract/Problems.ts"
import { Host } from "./Host.ts"

type Request = HttpServerRequest.HttpServerRequest
type Unreadable = MalformedRequest | PayloadTooLarge

export class Bodies extends Context.Service<
  Bodies,
  {
    /** Reads a request's body, byte for byte. */
    readonly readBytes: (request: Request) => Effect.Effect<Uint8Array, Unreadable>
    /** Reads a request's body as a schema has it, once `inspect` has seen its bytes. */
    readonly readAs: <S extends Schema.Top & { readonly DecodingServices: never }>(
      schema: S,
    ) => <E = never>(
      request: Request,
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
    const readBytes = (request: Request) =>
      Number(request.headers["content-length"]) > maxBytes
        ? Effect.fail(refused("TooLarge"))
        : Effect.flatMap(Host, ({ readBody }) => Effect.mapError(readBody(request, maxBytes), refused))
    return Bodies.of({
      readBytes,
      readAs: (schema) => {
        const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(schema), { errors: "all" })
        return Effect.fnUntraced(function* (request, inspect) {
          const bytes = yield* readBytes(request)
          if (inspect !== undefined) yield* inspect(bytes)
          yield* checkMediaType(request.headers)
          const value = yield* Effect.try({ try: () => parse(utf8.decode(bytes)), catch: malformed })
          return yield* Effect.mapError(decode(value), (error) => malformedBy(error.issue))
        })
      },
    })
  })

/** The problem that a failed decoding is: each field with its fact. */
export const malformedBy = (issue: SchemaIssue.Issue): MalformedRequest =>
  new MalformedRequest({
    detail: formatIssue(issue)
      .issues.map(({ path, message }) => [path?.join("."), message].filter(Boolean).join(": "))
      .join("; "),
  })

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const checkMediaType = (headers: HttpServerRequest.HttpServerRequest["headers"]) => {
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

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const parse = (text: string): unknown => {
  const value: unknown = JSON.parse(text)
  const key = duplicateKey(text)
  if (key !== undefined) throw new SyntaxError(`The key ${key} appears twice in one object.`)
  return value
}

/** The first key, in quotes, that an object of a valid JSON text has twice. */
const duplicateKey = (text: string): string | undefined => {
  const objects: Array<Set<string>> = []
  let literal = ""
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === "{") objects.push(new Set())
    else if (character === "}") objects.pop()
    else if (character === '"') {
      const start = at++
      while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1
      literal = text.slice(start, at + 1)
    } else if (character === ":") {
      // The same key can be written with and without escapes.
      const key: string = literal.includes("\\") ? JSON.parse(literal) : literal.slice(1, -1)
      const keys = objects.at(-1)
      if (keys?.has(key)) return literal
      keys?.add(key)
    }
  }
  return undefined
}
