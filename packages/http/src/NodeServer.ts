/**
 * Node's HTTP server, with limits in seconds where Node's own are in minutes.
 * What cannot be parsed as HTTP gets a problem too. Once the server closes,
 * every answer asks its caller to let go of the connection, so that connections
 * that are kept alive do not keep the server.
 *
 * A server with more requests in hand than it can answer soon turns the next one
 * away, before any work is done for it: so what it takes it answers in time.
 */
import * as Http from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, Metric, Schema } from "effect"
import * as Problems from "./Problems.ts"
import { guarding } from "./ResponseHeaders.ts"
import type { Settings } from "./Settings.ts"
import { SystemApi } from "./SystemApi.ts"

interface Options
  extends Pick<
    Settings,
    | "maxInFlight"
    | "maxConnectionsPerAddress"
    | "maxHeaderBytes"
    | "headersTimeoutSeconds"
    | "requestTimeoutSeconds"
    | "idleTimeoutSeconds"
  > {
  /** Hears how many were turned away, now and then. */
  readonly onTurnedAway: (count: number) => void
}

class BoundedServer extends Http.Server {
  readonly #unanswered = new Set<Http.ServerResponse>()
  readonly #connections = new Map<string, number>()
  readonly #options: Options
  #turnedAway = 0
  #closing = false

  constructor(options: Options) {
    super({
      headersTimeout: options.headersTimeoutSeconds * 1_000,
      requestTimeout: options.requestTimeoutSeconds * 1_000,
      keepAliveTimeout: options.idleTimeoutSeconds * 1_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: options.maxHeaderBytes,
    })
    this.#options = options
    // Whoever sends nothing for so long is let go; whoever does not read what is sent, after twice that.
    this.setTimeout(options.idleTimeoutSeconds * 1_000)
    this.maxConnections = 10_000
    this.on("clientError", answerUnparsable)
    this.on("connection", (socket) => this.#admit(socket))
    const track = (_: Http.IncomingMessage, response: Http.ServerResponse) => {
      response.shouldKeepAlive &&= !this.#closing
      this.#unanswered.add(response)
      response.on("close", () => this.#unanswered.delete(response))
    }
    this.on("request", track)
    // In place of `request`, for one that waits to be asked for its body.
    this.on("checkContinue", track)
  }

  /** Before any listener hears of a request. */
  override emit(event: string | symbol, ...args: Array<unknown>): boolean {
    if ((event === "request" || event === "checkContinue") && this.#unanswered.size >= this.#options.maxInFlight) {
      const [request, response] = args as [Http.IncomingMessage, Http.ServerResponse]
      if (!isAboutServer(request.url)) {
        this.#turnAway(response)
        return true
      }
    }
    return super.emit(event as "request", ...(args as [Http.IncomingMessage, never]))
  }

  override close(callback?: (error?: Error) => void): this {
    this.#closing = true
    for (const response of this.#unanswered) response.shouldKeepAlive = false
    return super.close(callback)
  }

  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? ""
    const count = (this.#connections.get(address) ?? 0) + 1
    this.#connections.set(address, count)
    socket.once("close", () => {
      const left = (this.#connections.get(address) ?? 1) - 1
      if (left === 0) this.#connections.delete(address)
      else this.#connections.set(address, left)
    })
    if (count > this.#options.maxConnectionsPerAddress) socket.destroy()
  }

  #turnAway(response: Http.ServerResponse): void {
    // Not at once: callers that ask again at once would otherwise take the time of those in hand.
    setTimeout(() => {
      response.shouldKeepAlive &&= !this.#closing
      response.writeHead(503, turnedAwayHeaders).end(turnedAwayBody)
    }, turnedAwayAfterMillis)
    if (this.#turnedAway++ > 0) return
    setTimeout(() => {
      this.#options.onTurnedAway(this.#turnedAway)
      this.#turnedAway = 0
    }, 1_000).unref()
  }
}

const turnedAwayAfterMillis = 250

const aboutServer: ReadonlySet<string | undefined> = new Set(Object.values(SystemApi.endpoints).map(({ path }) => path))

/** Whoever watches over the server must see it under load too. */
const isAboutServer = (url = "") => aboutServer.has(url.split("?", 1)[0])

const turnedAway = new Problems.Unavailable({ detail: "Too many requests are in hand.", retryAfterSeconds: 1 })
const turnedAwayBody = JSON.stringify(Schema.encodeSync(Problems.Unavailable)(turnedAway))
const turnedAwayHeaders = {
  "content-type": "application/problem+json",
  "content-length": Buffer.byteLength(turnedAwayBody),
  "retry-after": String(turnedAway.retryAfterSeconds),
  ...guarding,
}

const turnedAwayTotal = Metric.counter("holdfast_http_turned_away_total", {
  description: "Requests that were turned away because too many were in hand.",
  incremental: true,
})

/** Listens at an address. */
export const layer = ({ host, port, ...limits }: Omit<Options, "onTurnedAway"> & Pick<Settings, "host" | "port">) =>
  Layer.unwrap(
    Effect.map(Effect.context(), (context) => {
      const onTurnedAway = (count: number) =>
        Effect.runForkWith(context)(
          Effect.andThen(
            Metric.update(turnedAwayTotal, count),
            Effect.logWarning("Too many requests are in hand.", { turnedAway: count }),
          ),
        )
      return NodeHttpServer.layer(() => new BoundedServer({ ...limits, onTurnedAway }), { host, port })
    }),
  )

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
    ...Object.entries(guarding).map(([name, value]) => `${name}: ${value}`),
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
