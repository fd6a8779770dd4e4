/**
 * The whole HTTP application on a real socket, with everything kept in memory
 * unless a test says otherwise, and clients that send what the network and the
 * operator send.
 */
import { randomUUID } from "node:crypto"
import * as Net from "node:net"
import { assert } from "@effect/vitest"
import { type Holdfast, MemoryStore } from "@holdfast/domain"
import * as App from "@holdfast/http/App"
import * as CallerLimits from "@holdfast/http/CallerLimits"
import * as Credentials from "@holdfast/http/Credentials"
import * as LogLine from "@holdfast/http/LogLine"
import * as OperatorToken from "@holdfast/http/OperatorToken"
import * as Signature from "@holdfast/http/Signature"
import * as NodeServer from "@holdfast/server/NodeServer"
import * as Settings from "@holdfast/server/Settings"
import { ConfigProvider, Context, Effect, Layer, Logger, Redacted, Schedule } from "effect"
import { HttpServer } from "effect/http"
import * as Signing from "../support/Signing.ts"

export const operatorToken = "an-operator-token-that-nobody-guesses"

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The body, byte for byte. */
  readonly text: string
  /** The body as an object; empty where it is none. */
  readonly json: { readonly [field: string]: unknown }
}

interface Options {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** In place of a good one. */
  readonly signature?: string
}

export class TestServer extends Context.Service<
  TestServer,
  {
    readonly url: string
    readonly port: number
    /** All that was logged so far, the lines of the requests answered so far included. */
    readonly log: Effect.Effect<string>
  }
>()("@holdfast/test/http/TestServer") {}

/** Longer than the line of a request waits for others. */
const logged = "200 millis"

const make = (log: Effect.Effect<string>) =>
  Layer.effect(
    TestServer,
    Effect.map(HttpServer.HttpServer, ({ address }) => {
      const url = HttpServer.formatAddress(address)
      return { url, port: Number(new URL(url).port), log }
    }),
  )

/** Whom every server here believes. */
export const credentials: Credentials.Given = {
  publicKeys: [{ name: "bitgo", pem: Signing.publicKeyPem }],
  operatorTokens: [Redacted.make(operatorToken)],
}

export const defaults = {
  ...Effect.runSync(
    Effect.provideService(Settings.load, ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord({ PORT: "0" })),
  ),
  // Linters keep the process busy for longer than a connection would be kept, which breaks off what is asked on it next.
  idleTimeoutSeconds: 600,
  // Tests are refused a lot, and ask for much without credentials.
  maxRefusalsPerMinute: 100_000,
  maxUnsignedPerSecond: 100_000,
}

/** A server of its own, on a free port. */
export const layer = (
  deallocations: Layer.Layer<Holdfast.Holdfast> = MemoryStore.layer(),
  settings: Partial<Settings.Settings> = {},
  {
    connectionTokenKey,
    operators,
  }: Partial<Pick<Credentials.Given, "operators">> & { readonly connectionTokenKey?: string } = {},
) =>
  Layer.suspend(() => {
    const lines: Array<string> = []
    const given = { ...defaults, ...settings }
    const logger = Logger.layer([Logger.map(LogLine.format, (line) => void lines.push(line))])
    return Layer.mergeAll(
      App.layer(given),
      make(
        Effect.delay(
          Effect.sync(() => lines.join("\n")),
          logged,
        ),
      ),
    ).pipe(
      Layer.provide(NodeServer.layer(given)),
      Layer.provide([Signature.layer(given), OperatorToken.layer, deallocations]),
      Layer.provide([
        CallerLimits.layer(given),
        Credentials.layer({
          ...credentials,
          operators,
          ...(connectionTokenKey === undefined ? {} : { connectionTokenKey: Redacted.make(connectionTokenKey) }),
        }),
      ]),
      Layer.provide(logger),
    )
  })

/** The real clock: signatures are made by it. */
export const options = { excludeTestServices: true } as const

const send = Effect.fnUntraced(function* (method: string, path: string, { body, headers }: Options) {
  const { url } = yield* TestServer
  return yield* Effect.promise(async (): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: toBody(body), duplex: "half" }),
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get("content-type") ?? "")
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text,
      json: isJson && text !== "" ? JSON.parse(text) : {},
    }
  })
})

const toBody = (body: unknown) => {
  if (typeof body === "string" || body instanceof ReadableStream) return body
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body)
}

/** Sends a request as the network does: signed. */
export const network = Effect.fnUntraced(function* (method: string, path: string, options: Options = {}) {
  const signature = options.signature ?? (yield* Effect.promise(() => Signing.token()))
  return yield* send(method, path, { ...options, headers: { "x-bitgo-signature": signature, ...options.headers } })
})

/** Sends a request as the operator does. */
export const operator = (method: string, path: string, options: Options = {}) =>
  send(method, path, { ...options, headers: { authorization: `Bearer ${operatorToken}`, ...options.headers } })

/** Sends a request as anybody can. */
export const anyone = (method: string, path: string, options: Options = {}) => send(method, path, options)

/**
 * What the metrics say now. They are written down once a second at the most, and
 * are new when they say another number of requests.
 */
export const metrics = Effect.gen(function* () {
  const before = yield* anyone("GET", "/metrics")
  const { headers, text } = yield* anyone("GET", "/metrics").pipe(
    Effect.filterOrFail(({ text }) => text !== before.text),
    Effect.retry(Schedule.spaced("20 millis")),
  )
  assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/)
  return text
})

/** Writes bytes to a connection of its own and reads until the server closes it; of an answer without an end, its beginning. */
export const raw = Effect.fnUntraced(function* (...chunks: ReadonlyArray<string | Uint8Array>) {
  const { port } = yield* TestServer
  return yield* Effect.promise(async () => {
    const socket = Net.connect(port, "127.0.0.1")
    for (const chunk of chunks) socket.write(chunk)
    let answer = ""
    for await (const chunk of socket.setEncoding("utf8")) {
      answer += chunk
      if (answer.split("\r\n\r\n", 1)[0]?.includes("text/event-stream")) break
    }
    return answer
  })
})

export type Terms = ReturnType<typeof newTerms>

/** The body of a reservation that is in order, for a connection that nobody knows yet. */
export const newTerms = () => ({
  deallocationId: randomUUID() as string,
  amount: { currency: "BTC", quantity: "3" },
  clientId: randomUUID() as string,
  connectionId: randomUUID() as string,
  partnersConnectionId: "account-7",
  partnerClientId: "client-3",
})

export const register = ({ connectionId, clientId, partnersConnectionId, partnerClientId }: Terms) =>
  operator("PUT", `/operator/v1/connections/${connectionId}`, {
    body: { clientId, partnersConnectionId, partnerClientId },
  })

export const adjust = (
  { connectionId }: Terms,
  direction: "credit" | "debit",
  amount: { readonly currency: string; readonly quantity: unknown },
  adjustmentId: string = randomUUID(),
) => operator("PUT", `/operator/v1/adjustments/${adjustmentId}`, { body: { connectionId, direction, amount } })

/** Terms of a registered connection with a balance. */
export const funded = Effect.fnUntraced(function* (quantity: string) {
  const terms = newTerms()
  yield* register(terms)
  yield* adjust(terms, "credit", { currency: terms.amount.currency, quantity })
  return terms
})

export const reserve = (terms: object) => network("POST", "/bitgo/v1/deallocations", { body: terms })

export const settle = ({ deallocationId }: Terms, action: "clear" | "release") =>
  network("PUT", `/bitgo/v1/deallocation/${deallocationId}/${action}`)

/** The connection's balances as the operator sees them: available, reserved, deallocated. */
export const balances = Effect.fnUntraced(function* ({ connectionId }: Terms) {
  const { json } = yield* operator("GET", `/operator/v1/connections/${connectionId}`)
  const [balance] = json["balances"] as ReadonlyArray<Record<string, string>>
  return balance === undefined ? [] : [balance["available"], balance["reserved"], balance["deallocated"]]
})

/** The deallocations that the connection has. */
export const recorded = Effect.fnUntraced(function* ({ connectionId }: Pick<Terms, "connectionId">) {
  const { json } = yield* operator("GET", `/operator/v1/deallocations?connectionId=${connectionId}`)
  return json["deallocations"] as ReadonlyArray<Readonly<Record<string, unknown>>>
})
