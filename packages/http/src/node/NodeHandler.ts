/**
 * The application as a function of Node's request and response: a `request` listener of `node:http`, and a middleware
 * of Express, Connect, NestJS and whatever else has theirs.
 *
 * It answers at its own addresses, and whatever else is below `/bitgo/` and `/operator/`. All other requests go on to what
 * comes after it, if there is anything, and are a 404 otherwise. A body is read from Node's stream byte for byte, since that is what a signature may be about; so this
 * stands before whatever reads bodies for others. Where that is not so, and nobody kept the bytes as `rawBody`, the
 * request is a fault of the server's (500), whose cause is in the log.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { Effect, type Layer } from "effect"
import * as App from "../App.ts"
import * as Routes from "../contract/Routes.ts"
import { bodyIsGone } from "../request/Host.ts"
import * as NodeBody from "./NodeBody.ts"

/**
 * A listener of requests. `next` is what comes after it, as Connect has it.
 *
 * @category models
 */
export type Handler = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void

/**
 * Makes the handler. Rejects where a service cannot be had. `dispose` ends it, once what
 * is in hand is answered.
 *
 * ```ts
 * import assert from "node:assert/strict"
 * import { generateKeyPairSync } from "node:crypto"
 * import { once } from "node:events"
 * import { createServer } from "node:http"
 * import { MemoryStore } from "@holdfast/domain"
 * import * as Access from "@holdfast/http/Access"
 * import * as NodeHandler from "@holdfast/http/NodeHandler"
 * import { Layer, Redacted } from "effect"
 *
 * const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
 * const access = Access.layer({
 *   publicKeys: [{ name: "network", pem: publicKey.export({ type: "spki", format: "pem" }).toString() }],
 *   operatorTokens: [Redacted.make("a-token-that-nobody-guesses")],
 * })
 * const { handler, dispose } = await NodeHandler.make(Layer.merge(access, MemoryStore.layer()))
 * const server = createServer((request, response) =>
 *   handler(request, response, () => response.end("ours")),
 * ).listen(0, "127.0.0.1")
 * await once(server, "listening")
 * const { port } = server.address() as { port: number }
 * const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
 * assert.equal(await get("/"), "ours")
 * assert.match(await get("/operator/v1/balances"), /urn:holdfast:problem:unauthorized/)
 * await dispose()
 * server.close()
 * server.closeAllConnections()
 * ```
 *
 * @category serving
 */
export const make = async <E>(
  services: Layer.Layer<App.Needs, E>,
  options?: Partial<App.Options>,
): Promise<{ readonly handler: Handler; readonly dispose: () => Promise<void> }> => {
  const { handler, dispose } = await App.toWebHandler(services, options)
  let isStopping = false
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const gone = new AbortController()
    response.on("close", () => {
      if (!response.writableFinished) gone.abort()
    })
    const answer = await handler(toWeb(request, gone.signal), {
      target: targetOf(request),
      peer: request.socket.remoteAddress,
      readBody: (maxBytes) => readBody(request, maxBytes),
    })
    // A connection that is kept alive does not keep a server that stops: some frameworks would wait for it for a minute.
    // Nor does a body that nobody will read leave room for the next request.
    if (isStopping || !request.complete) response.shouldKeepAlive = false
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body === null) response.end()
    else await pipeline(Readable.fromWeb(answer.body), response)
    if (isStopping) request.socket.end()
  }
  return {
    handler: (request, response, next) => {
      if (next !== undefined && !isOurs(request)) return next()
      // The web's standard has no request for it.
      if (request.method === "TRACE") return void response.writeHead(501).end()
      serve(request, response).catch((error: unknown) => {
        // Its caller is gone.
        if (response.headersSent) response.destroy()
        else if (next !== undefined) next(error)
        else response.writeHead(500).end()
      })
    },
    dispose: () => {
      isStopping = true
      return dispose()
    },
  }
}

/** The whole of it as it came: below a path of theirs, frameworks have the rest as `url`. */
const targetOf = ({ originalUrl, url = "" }: IncomingMessage & { readonly originalUrl?: unknown }) =>
  typeof originalUrl === "string" ? originalUrl : url

const isOurs = (request: IncomingMessage) => request.method !== "TRACE" && Routes.isOurs(targetOf(request))

/** Without its body, which is read from Node's, and without a target that is no path: the target is told as it came. */
const toWeb = (request: IncomingMessage, signal: AbortSignal) => {
  const target = targetOf(request)
  return new Request(`http://localhost${target.startsWith("/") ? target : "/"}`, {
    method: request.method ?? "",
    headers: Object.entries(request.headers).flatMap(
      ([name, value]): Array<[string, string]> =>
        // HTTP/2 has `:path` and the like among them.
        value === undefined || name.startsWith(":") ? [] : [[name, value.toString()]],
    ),
    signal,
  })
}

/** The bytes as they came: from the stream, or where somebody has read them and kept them. */
const readBody = (request: IncomingMessage & { readonly rawBody?: unknown }, maxBytes: number) => {
  const { rawBody } = request
  if (rawBody instanceof Uint8Array) {
    return rawBody.length > maxBytes ? Effect.fail("TooLarge" as const) : Effect.succeed(rawBody)
  }
  return request.readableDidRead ? bodyIsGone : NodeBody.read(request, maxBytes)
}
