/**
 * Node's HTTP server, with limits in seconds where Node's own are in minutes.
 * What cannot be parsed as HTTP gets a problem too. Once the server closes,
 * every answer asks its caller to let go of the connection, so that connections
 * that are kept alive do not keep the server.
 */
import * as Http from "node:http"
import type { Duplex } from "node:stream"
import { Schema } from "effect"
import * as Problems from "./Problems.ts"

class DrainingServer extends Http.Server {
  readonly #unanswered = new Set<Http.ServerResponse>()
  #closing = false

  constructor(options: Http.ServerOptions) {
    super(options)
    this.on("clientError", answerUnparsable)
    const track = (_: Http.IncomingMessage, response: Http.ServerResponse) => {
      response.shouldKeepAlive &&= !this.#closing
      this.#unanswered.add(response)
      response.on("close", () => this.#unanswered.delete(response))
    }
    this.on("request", track)
    // In place of `request`, for one that waits to be asked for its body.
    this.on("checkContinue", track)
  }

  override close(callback?: (error?: Error) => void): this {
    this.#closing = true
    for (const response of this.#unanswered) response.shouldKeepAlive = false
    return super.close(callback)
  }
}

export const make = (): Http.Server =>
  new DrainingServer({
    headersTimeout: 10_000,
    requestTimeout: 20_000,
    keepAliveTimeout: 30_000,
    connectionsCheckingInterval: 5_000,
    maxHeaderSize: 16_384,
  })

const answerUnparsable = (error: NodeJS.ErrnoException, socket: Duplex) => {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = encode(problemOf(error.code))
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "Connection: close",
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`)
}

const problemOf = (code: string | undefined) => {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new Problems.RequestTimeout()
  if (code === "HPE_HEADER_OVERFLOW") return new Problems.HeadersTooLarge()
  return new Problems.MalformedRequest({ detail: `The request is not HTTP (${code}).` })
}

const encode = Schema.encodeSync(
  Schema.Union([Problems.RequestTimeout, Problems.HeadersTooLarge, Problems.MalformedRequest]),
)
