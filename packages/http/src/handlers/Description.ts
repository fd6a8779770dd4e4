/**
 * The API's description: the OpenAPI document, and the page that shows it. They
 * are large, and the same for everybody as long as the server runs: made once,
 * when somebody first asks, in each encoding, and every answer is of those bytes.
 */
import { Effect, Record } from "effect"
import { HttpRouter, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { OpenApi } from "effect/http-api"
import { Api } from "../contract/Api.ts"
import * as Routes from "../contract/Routes.ts"
import * as Page from "../docs/Page.ts"
import { brotli, gzip } from "../node/Compression.ts"
import { sha256 } from "../node/Sha256.ts"
import { type Coding, codingFor, isKnown } from "../request/Negotiation.ts"

/** A text in one encoding. */
interface Representation {
  readonly bytes: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

const codings: Record<Coding, (bytes: Uint8Array) => Promise<Uint8Array>> = {
  br: brotli,
  gzip,
  identity: async (bytes) => bytes,
}

/** What is served for a text that is made when it is first asked for. */
const text = (make: () => string) => Effect.sync(() => new TextEncoder().encode(make()))

const document = text(() => JSON.stringify(OpenApi.fromApi(Api)))

const page = text(() => Page.make(OpenApi.fromApi(Api)))

const encode = Effect.fnUntraced(function* (text: Uint8Array, contentType: string, coding: Coding) {
  const bytes = yield* Effect.promise(() => codings[coding](text))
  const headers = {
    "content-type": contentType,
    vary: "accept-encoding",
    etag: `"${sha256(bytes).toString("base64url")}"`,
    ...(coding === "identity" ? {} : { "content-encoding": coding }),
  }
  return { bytes, headers }
})

/** Answers with a text in the best encoding that a caller takes, each made when it is first asked for. */
const serve = Effect.fnUntraced(function* (make: Effect.Effect<Uint8Array>, contentType: string) {
  const text = yield* Effect.cached(make)
  const representations = yield* Effect.all(
    Record.map(codings, (_, coding) => Effect.cached(Effect.flatMap(text, (_) => encode(_, contentType, coding)))),
  )
  return Effect.fnUntraced(function* ({ headers }: HttpServerRequest.HttpServerRequest) {
    const representation: Representation = yield* representations[codingFor(headers["accept-encoding"])]
    return respond(representation, headers["if-none-match"])
  })
})

const respond = ({ bytes, headers }: Representation, known: string | undefined) => {
  if (!isKnown(known, headers["etag"] ?? ""))
    return HttpServerResponse.uint8Array(bytes, { headers, contentType: headers["content-type"] ?? "" })
  const { "content-type": _, "content-encoding": __, ...rest } = headers
  return HttpServerResponse.empty({ status: 304, headers: rest })
}

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    yield* router.add("GET", Routes.openApiPath, yield* serve(document, "application/json"))
    yield* router.add("GET", Routes.docsPath, yield* serve(page, "text/html; charset=utf-8"))
    yield* router.add("GET", Routes.rootPath, HttpServerResponse.redirect(Routes.docsPath, { status: 303 }))
  }),
)
