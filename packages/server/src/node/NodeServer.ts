/**
 * Node's HTTP server, with limits in seconds where Node's own are in minutes, and
 * with the order in which requests are looked at.
 *
 * * A connection has one request in hand at a time: the next is looked at when
 *   the answer before it has left. So whoever asks and does not read gets no more
 *   of our memory than one answer.
 * * With more signed requests in hand than can be answered soon, the next one is
 *   turned away before any work is done for it: what is taken is answered in time.
 * * What is not signed takes turns, so many a second, caller by caller; what is
 *   large takes several. It waits and is not refused: who asks in a loop slows
 *   down, and who asks rarely, such as those who watch over the server, notices
 *   nothing.
 * * What arrives before there is anybody to answer it waits for that.
 * * What cannot be parsed as HTTP gets a problem too; an expectation that nobody has heard of is passed over.
 * * When there are too many connections, the one that has been idle for longest makes room: whoever holds many keeps
 *   nobody out.
 * * Once the server closes, every answer asks its caller to let go of the
 *   connection, so that connections that are kept alive do not keep the server.
 */
import * as Http from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as App from "@holdfast/http/App"
import type { Call } from "@holdfast/http/Call"
import { CallerLimits } from "@holdfast/http/CallerLimits"
import * as NodeBody from "@holdfast/http/NodeBody"
import * as Problems from "@holdfast/http/Problems"
import * as RequestId from "@holdfast/http/RequestId"
import { guarding } from "@holdfast/http/ResponseHeaders"
import { type Serve, Shortcut } from "@holdfast/http/Shortcut"
import { type Context, Effect, Layer, Metric, Schema } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as Lanes from "./Lanes.ts"
import * as NodeHost from "./NodeHost.ts"
import { Turns } from "./Turns.ts"

interface Limits {
  /** Requests with credentials that are not answered yet. */
  readonly maxInFlight: number
  /** Of what anybody may ask, health checks apart. */
  readonly maxUnsignedPerSecond: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** A request's line and headers together. */
  readonly maxHeaderBytes: number
  readonly headersTimeoutSeconds: number
  /** For the whole request. */
  readonly requestTimeoutSeconds: number
  /** Without a sign of life on a connection. */
  readonly idleTimeoutSeconds: number
}

export interface Options extends Limits {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
}

interface Bounds extends Limits {
  readonly placeOf: (request: Http.IncomingMessage) => Lanes.Place
  readonly maxBodyBytes: number
  /** The name under which the connections from an address are counted; none for proxies, behind which are many. */
  readonly peerOf: (address: string) => string | undefined
  /** Hears how many were turned away, now and then. */
  readonly onTurnedAway: (count: number) => void
  /** Hears how many had to wait for their turn, now and then. */
  readonly onHeld: (count: number) => void
}

/** A request, and how Node announced it. */
interface Arrival {
  /** `checkContinue` for one that waits to be asked for its body. */
  readonly event: "request" | "checkContinue"
  readonly request: Http.IncomingMessage
  readonly response: Http.ServerResponse
  /** Known once it is looked at. */
  place?: Lanes.Place
  served?: true
  /** Where it is counted. */
  hands?: ReadonlyArray<Hand>
  /** Where it went the short way: nobody waits for its answer any more. */
  giveUp?: () => void
}

/** What is not answered yet, and how much of it there may be. */
interface Hand {
  readonly arrivals: Set<Arrival>
  readonly room: number
}

/** How many requests a connection may send ahead of its answers, the one in hand included. */
const maxAhead = 64

/** The same of all connections together, those in hand not counted. */
const maxAheadInAll = 5_000

/** How many may listen at a time: they keep nobody from being answered, but each asks the database now and then. */
const maxEndless = 100

/** How much may be sent in a turn: a large page is several. */
const bytesPerTurn = 65_536

/** How long a server that stops waits for the rest of a request's head, and of its body. */
const headMillisOnceClosing = 1_000
const bodyMillisOnceClosing = 5_000

class BoundedServer extends Http.Server {
  /**
   * What is not answered yet, by connection, in the order of arrival: the first is in hand. Of the connections that have
   * nothing in hand, the one that has been idle for longest comes first.
   */
  readonly #connections = new Map<Socket, Array<Arrival>>()
  readonly #connectionsOf = new Map<string, number>()
  readonly #signed: Hand
  /** Where requests with credentials are counted, by whose they are. */
  readonly #hands: Readonly<Record<"network" | "operators" | "endless", ReadonlyArray<Hand>>>
  readonly #turns: Readonly<Record<Exclude<Lanes.Lane, "signed">, Turns<Arrival>>>
  /** What arrived before there was anybody to answer it. */
  readonly #early = new Set<Arrival>()
  readonly #bounds: Bounds
  readonly #countTurnedAway: () => void
  readonly #countHeld: () => void
  #ahead = 0
  #nextTurn: NodeJS.Timeout | undefined
  #closing = false
  /** Where the network's requests go, if that is known. */
  shortcut: Serve | undefined

  constructor(bounds: Bounds) {
    super({
      headersTimeout: bounds.headersTimeoutSeconds * 1_000,
      requestTimeout: bounds.requestTimeoutSeconds * 1_000,
      keepAliveTimeout: bounds.idleTimeoutSeconds * 1_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: bounds.maxHeaderBytes,
      // Node would answer, without a problem.
      requireHostHeader: false,
    })
    this.#bounds = bounds
    const { maxInFlight } = bounds
    this.#signed = { arrivals: new Set(), room: maxInFlight }
    this.#hands = {
      network: [this.#signed],
      // Half of the room at most, so that no operator keeps the network waiting.
      operators: [this.#signed, { arrivals: new Set(), room: Math.ceil(maxInFlight / 2) }],
      // What is answered for as long as anybody listens.
      endless: [{ arrivals: new Set(), room: maxEndless }],
    }
    this.#countTurnedAway = tally(bounds.onTurnedAway)
    this.#countHeld = tally(bounds.onHeld)
    const turns = () => new Turns<Arrival>(bounds.maxUnsignedPerSecond)
    this.#turns = { health: turns(), open: turns() }
    // Whoever sends nothing for so long is let go; whoever does not read what is sent, after twice that.
    this.setTimeout(bounds.idleTimeoutSeconds * 1_000, (socket) => {
      const [inHand] = this.#connections.get(socket) ?? []
      // Who waits for us is not idle.
      const isOurs = inHand?.served && inHand.request.complete && !inHand.response.headersSent
      if (!isOurs) socket.destroy()
    })
    // For a socket that is told to go takes a moment.
    this.maxConnections = 2 * bounds.maxConnections
    this.on("connection", (socket) => this.#admit(socket))
    this.on("clientError", ({ code }: NodeJS.ErrnoException, socket) => this.#answerUnparsable(code, socket))
    // With a listener, Node leaves the answer to us.
    this.on("checkExpectation", () => {})
    this.on("connect", (_, socket) => endWith(socket, new Problems.MalformedRequest({ detail: "This is no proxy." })))
  }

  /**
   * Nobody here speaks another protocol. Without a listener for it, a request that
   * offers one is like any other, within all limits; Java's client offers HTTP/2.
   */
  // biome-ignore lint/suspicious/noExplicitAny: whatever Node has events for.
  override on(event: string, listener: (...args: Array<any>) => void): this {
    if (event === "upgrade") return this
    super.on(event, listener)
    // Once all listeners are there that are added together.
    if (event === "request") queueMicrotask(() => this.#lookAtEarly())
    return this
  }

  /** Before any listener hears of a request. */
  override emit(event: string | symbol, ...args: Array<unknown>): boolean {
    if (event !== "request" && event !== "checkContinue" && event !== "checkExpectation") {
      return super.emit(event as "request", ...(args as [Http.IncomingMessage, never]))
    }
    const [request, response] = args as [Http.IncomingMessage, Http.ServerResponse]
    if (request.httpVersion === "1.1" && request.headers.host === undefined) {
      this.#answerUnparsable("no Host", request.socket)
      return true
    }
    this.#arrive({ event: event === "checkContinue" ? event : "request", request, response })
    return true
  }

  override close(callback?: (error?: Error) => void): this {
    this.#closing = true
    for (const arrivals of this.#connections.values()) {
      for (const { response, place } of arrivals) {
        response.shouldKeepAlive = false
        // Whoever listens comes back, to another server.
        if (place?.found?.route.endless) response.destroy()
      }
    }
    for (const turns of Object.values(this.#turns)) for (const { response } of turns.clear()) turnAway(response)
    // Node lets go of those that are idle after an answer, and waits for those that never asked: browsers open some ahead.
    this.#letGo((socket) => socket.bytesRead === 0)
    setTimeout(() => this.#letGo(() => true), headMillisOnceClosing).unref()
    // Nothing was done yet of what did not come whole.
    setTimeout(() => {
      for (const [socket, [inHand]] of this.#connections) if (inHand?.request.complete === false) socket.destroy()
    }, bodyMillisOnceClosing).unref()
    return super.close(callback)
  }

  /** Of those that have nothing in hand. */
  #letGo(whom: (socket: Socket) => boolean): void {
    for (const [socket, arrivals] of this.#connections) if (arrivals.length === 0 && whom(socket)) socket.destroy()
  }

  /** How many requests with credentials are not answered yet. */
  get inFlight(): number {
    return this.#signed.arrivals.size
  }

  #admit(socket: Socket): void {
    const { maxConnections, maxConnectionsPerAddress } = this.#bounds
    if (this.#connections.size >= maxConnections) this.#makeRoom()
    this.#connections.set(socket, [])
    socket.once("close", () => this.#forget(socket))
    if (this.#connections.size > maxConnections) socket.destroy()
    const peer = this.#bounds.peerOf(socket.remoteAddress ?? "")
    if (peer === undefined) return
    const count = (this.#connectionsOf.get(peer) ?? 0) + 1
    this.#connectionsOf.set(peer, count)
    socket.once("close", () => {
      const left = (this.#connectionsOf.get(peer) ?? 1) - 1
      if (left === 0) this.#connectionsOf.delete(peer)
      else this.#connectionsOf.set(peer, left)
    })
    if (count > maxConnectionsPerAddress) socket.destroy()
  }

  #makeRoom(): void {
    for (const [socket, arrivals] of this.#connections) {
      if (arrivals.length > 0) continue
      this.#connections.delete(socket)
      socket.destroy()
      return
    }
  }

  #arrive(arrival: Arrival): void {
    const { request, response } = arrival
    const arrivals = this.#connections.get(request.socket)
    // What was read together with the request that was one too many.
    if (arrivals === undefined || request.socket.destroyed) return
    response.shouldKeepAlive &&= !this.#closing
    response.on("close", () => {
      if (!response.writableEnded) arrival.giveUp?.()
      this.#goOn(arrival)
    })
    arrivals.push(arrival)
    if (arrivals.length === 1) {
      this.#look(arrival)
      return
    }
    this.#ahead++
    if (arrivals.length > maxAhead || this.#ahead > maxAheadInAll) request.socket.destroy()
  }

  /** Once an answer has left, it is the next one's turn on its connection. */
  #goOn(answered: Arrival): void {
    const { socket } = answered.request
    const arrivals = this.#connections.get(socket)
    if (arrivals?.[0] !== answered || socket.destroyed) return
    this.#letOut(answered)
    arrivals.shift()
    const [next] = arrivals
    if (next === undefined) {
      this.#connections.delete(socket)
      this.#connections.set(socket, arrivals)
      return
    }
    this.#ahead--
    this.#look(next)
  }

  /** When a connection is gone. */
  #forget(socket: Socket): void {
    const [inHand, ...ahead] = this.#connections.get(socket) ?? []
    this.#connections.delete(socket)
    this.#ahead -= ahead.length
    if (inHand === undefined) return
    this.#letOut(inHand)
    this.#early.delete(inHand)
    if (inHand.place !== undefined && inHand.place.lane !== "signed") {
      this.#turns[inHand.place.lane].remove(inHand.place.caller, inHand)
    }
  }

  #look(arrival: Arrival): void {
    if (this.listenerCount("request") === 0) {
      this.#early.add(arrival)
      return
    }
    const place = this.#bounds.placeOf(arrival.request)
    arrival.place = place
    if (place.lane !== "signed") {
      this.#turns[place.lane].add(place.caller, arrival)
      this.#giveTurns()
      if (!arrival.served) this.#countHeld()
      return
    }
    const hands = this.#handsOf(place, arrival.request)
    if (hands.every(({ arrivals, room }) => arrivals.size < room)) {
      arrival.hands = hands
      for (const { arrivals } of hands) arrivals.add(arrival)
      this.#serve(arrival)
    } else {
      this.#countTurnedAway()
      // Not at once: callers that ask again at once would otherwise take the time of those in hand.
      setTimeout(() => turnAway(arrival.response), turnedAwayAfterMillis)
    }
  }

  #handsOf({ found }: Lanes.Place, { method = "" }: Http.IncomingMessage) {
    if (found?.route.endless) return this.#hands.endless
    return found?.route.network[method] === undefined ? this.#hands.operators : this.#hands.network
  }

  /** It is in no hand any more. */
  #letOut(arrival: Arrival): void {
    for (const { arrivals } of arrival.hands ?? []) arrivals.delete(arrival)
  }

  #lookAtEarly(): void {
    const early = [...this.#early]
    this.#early.clear()
    for (const arrival of early) this.#look(arrival)
  }

  #giveTurns(): void {
    let millisToNext = Number.POSITIVE_INFINITY
    for (const turns of Object.values(this.#turns)) {
      for (let next = turns.take(performance.now()); next !== undefined; next = turns.take(performance.now())) {
        const { socket } = next.request
        const before = socket.bytesWritten
        this.#serve(next)
        turns.charge(Math.floor((socket.bytesWritten - before) / bytesPerTurn))
      }
      millisToNext = Math.min(millisToNext, turns.millisToNext(performance.now()) ?? millisToNext)
    }
    clearTimeout(this.#nextTurn)
    if (millisToNext < Number.POSITIVE_INFINITY) {
      this.#nextTurn = setTimeout(() => this.#giveTurns(), Math.ceil(millisToNext))
    }
  }

  #serve(arrival: Arrival): void {
    arrival.served = true
    const { event, request, response, place } = arrival
    const call = event === "request" && place !== undefined ? this.#callOf(request, place) : undefined
    if (this.shortcut === undefined || call === undefined) super.emit(event as "request", request, response as never)
    else arrival.giveUp = this.shortcut(call, (answer, headers) => write(response, answer, headers))
  }

  /** A request of the network's whose body, if it has one, is as long as it says and may be. */
  #callOf(request: Http.IncomingMessage, { found, caller }: Lanes.Place): Call | undefined {
    const { method = "", headers } = request
    const endpoint = found?.route.network[method]
    if (found === undefined || endpoint === undefined) return undefined
    const length = Number(headers["content-length"] ?? 0)
    if (headers["transfer-encoding"] !== undefined || !(length <= this.#bounds.maxBodyBytes)) return undefined
    return {
      method,
      endpoint,
      found,
      peer: request.socket.remoteAddress,
      caller,
      // Only `set-cookie` comes as a list, which nobody looks at.
      headers: headers as Call["headers"],
      // When it is asked for, not before: of whoever is refused, nothing is kept.
      readBody: (maxBytes) => NodeBody.read(request, maxBytes),
    }
  }

  #answerUnparsable(code: string | undefined, socket: Duplex): void {
    // What comes after such an answer is of no interest.
    if (socket.writableEnded) return
    const arrivals = this.#connections.get(socket as Socket) ?? []
    // An answer is taken for that of the request before it, if there is one that came whole.
    const isAnswerable = arrivals.every(({ request, response }) => !request.complete && !response.headersSent)
    if (code === "ECONNRESET" || !socket.writable || !isAnswerable) socket.destroy()
    else endWith(socket, problemOf(code))
  }
}

const write = (
  response: Http.ServerResponse,
  { status, body }: HttpServerResponse.HttpServerResponse,
  headers: Readonly<Record<string, string>>,
) => {
  if (response.destroyed) return
  response.writeHead(status, headers)
  if (body._tag === "Uint8Array") response.end(body.text ?? body.body)
  else response.end()
}

/** Counts what happens, and tells how much it was in a second. */
const tally = (tell: (count: number) => void) => {
  let count = 0
  return () => {
    if (count++ > 0) return
    setTimeout(() => {
      tell(count)
      count = 0
    }, 1_000).unref()
  }
}

const turnedAwayAfterMillis = 250

const turnedAway = new Problems.Unavailable({ detail: "Too many requests are in hand.", retryAfterSeconds: 1 })
const turnedAwayBody = JSON.stringify(Schema.encodeSync(Problems.Unavailable)(turnedAway))
const turnedAwayHeaders = {
  "content-type": "application/problem+json",
  "content-length": Buffer.byteLength(turnedAwayBody),
  "retry-after": String(turnedAway.retryAfterSeconds),
  ...guarding,
}

const turnAway = (response: Http.ServerResponse): void => {
  response.writeHead(503, { ...turnedAwayHeaders, [RequestId.header]: RequestId.make() }).end(turnedAwayBody)
}

const turnedAwayTotal = Metric.counter("holdfast_http_turned_away_total", {
  description: "Requests that were turned away because too many were in hand.",
  incremental: true,
})

const inFlight = Metric.gauge("holdfast_http_in_flight_requests", {
  description: "Requests with credentials that are not answered yet.",
})

const registerInFlight = (server: BoundedServer) =>
  Effect.contextWith((context: Context.Context<never>) =>
    Effect.sync(() =>
      Metric.registerUnsafe(inFlight, context, {
        get: () => ({ value: server.inFlight }),
        update: () => {},
        modify: () => {},
      }),
    ),
  )

const heldTotal = Metric.counter("holdfast_http_held_total", {
  description: "Requests without credentials that had to wait for their turn.",
  incremental: true,
})

/** Listens at an address. */
export const layer = ({ host, port, maxUrlLength, maxBodyBytes, ...limits }: Options & App.Options) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const placeOf = yield* Lanes.make({ maxUrlLength })
      const { peerOf } = yield* CallerLimits
      const run = Effect.runForkWith(yield* Effect.context())
      const told = (total: typeof heldTotal, message: string, name: string) => (count: number) =>
        run(Effect.andThen(Metric.update(total, count), Effect.logWarning(message, { [name]: count })))
      // So that a rate is there before the first.
      yield* Effect.all([Metric.update(turnedAwayTotal, 0), Metric.update(heldTotal, 0)])
      const onTurnedAway = told(turnedAwayTotal, "Too many requests are in hand.", "holdfast.http.turned_away")
      const onHeld = told(heldTotal, "Requests without credentials wait for their turn.", "holdfast.http.held")
      const server = new BoundedServer({ ...limits, maxBodyBytes, placeOf, peerOf, onTurnedAway, onHeld })
      yield* Effect.acquireRelease(registerInFlight(server), (registration) => Effect.sync(() => registration.remove()))
      const shorten = (serve: Serve | undefined) => Effect.sync(() => (server.shortcut = serve))
      return Layer.mergeAll(
        NodeHttpServer.layer(() => server, { host, port }),
        NodeHost.layer,
        Layer.succeed(Shortcut, (serve) => Effect.acquireRelease(shorten(serve), () => shorten(undefined))),
      )
    }),
  )

type Unparsable = Problems.RequestTimeout | Problems.HeadersTooLarge | Problems.MalformedRequest

const problemOf = (code: string | undefined): Unparsable => {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new Problems.RequestTimeout()
  if (code === "HPE_HEADER_OVERFLOW") return new Problems.HeadersTooLarge()
  return new Problems.MalformedRequest({ detail: `The request is not HTTP (${code}).` })
}

const encode = Schema.encodeSync(
  Schema.Union([Problems.RequestTimeout, Problems.HeadersTooLarge, Problems.MalformedRequest]),
)

/** How long a connection is kept open after its last answer, for the caller to read it. */
const lingerMillis = 1_000

/** Answers where Node has no response to answer with, and lets go of the connection. */
const endWith = (socket: Duplex, unparsable: Unparsable): void => {
  const problem = encode(unparsable)
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "Connection: close",
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(guarding).map(([name, value]) => `${name}: ${value}`),
    `${RequestId.header}: ${RequestId.make()}`,
  ]
  socket.on("error", () => socket.destroy())
  socket.resume()
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`)
  setTimeout(() => socket.destroy(), lingerMillis).unref()
}
