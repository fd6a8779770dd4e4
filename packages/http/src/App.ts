/**
 * The whole application as routes: what remains to be given is where
 * deallocations are kept, whom to believe, and a host to run on.
 */
import type { Holdfast } from "@holdfast/domain"
import { Context, Effect, Layer, ManagedRuntime, type Scope, Stream } from "effect"
import {
  HttpBody,
  HttpEffect,
  HttpMiddleware,
  HttpRouter,
  HttpServer,
  type HttpServerRequest,
  HttpServerResponse,
} from "effect/http"
import { HttpApiBuilder, type HttpApiError, HttpApiMiddleware } from "effect/http-api"
import { CallerLimits } from "./access/CallerLimits.ts"
import type { Credentials } from "./access/Credentials.ts"
import { checkLimits, type InvalidOption } from "./access/InvalidOption.ts"
import type { Signature } from "./access/Signature.ts"
import { Routed } from "./contract/Api.ts"
import type * as NetworkApi from "./contract/NetworkApi.ts"
import type { Operator } from "./contract/OperatorApi.ts"
import { WellFormed } from "./contract/WellFormed.ts"
import * as Description from "./handlers/Description.ts"
import * as KnownQuery from "./handlers/KnownQuery.ts"
import * as NetworkHandlers from "./handlers/NetworkHandlers.ts"
import * as OperatorHandlers from "./handlers/OperatorHandlers.ts"
import * as SessionHandlers from "./handlers/SessionHandlers.ts"
import * as SystemHandlers from "./handlers/SystemHandlers.ts"
import * as Bodies from "./request/Bodies.ts"
import * as Boundary from "./request/Boundary.ts"
import { Host, knowing, originOf, received, type Told } from "./request/Host.ts"
import * as InHand from "./request/InHand.ts"
import { withDefaults } from "./request/Limits.ts"
import type { Pages } from "./request/Pages.ts"
import * as Recent from "./request/Recent.ts"
import * as RequestLog from "./request/RequestLog.ts"
import { Shortcut } from "./request/Shortcut.ts"

/** An answer of ours that does not fit its own schema is our fault, not the caller's. */
const isOurs = ({ kind }: HttpApiError.HttpApiSchemaError) => kind === "Body" || kind === "ResponseHeaders"

const layerWellFormed = HttpApiMiddleware.layerSchemaErrorTransform(WellFormed, (error) =>
  isOurs(error) ? Effect.die(error) : Effect.fail(Bodies.malformedBy(error.cause.issue)),
)

const routes = Layer.mergeAll(HttpApiBuilder.layer(Routed), Description.layer).pipe(
  Layer.provide(Layer.mergeAll(OperatorHandlers.layer, SessionHandlers.layer, SystemHandlers.layer)),
  Layer.provide([layerWellFormed, KnownQuery.layer]),
)

/** The platform's tell all headers, signatures too, and queries. Those of requests are made by Boundary.ts. */
const withoutPlatformsSpans = Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)

/** Finds what Routes.ts found, nothing else and no less. */
const exactly = {
  caseSensitive: true,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  maxParamLength: Number.POSITIVE_INFINITY,
}

/**
 * The limits and the edition that the application is served with.
 *
 * @category models
 */
export interface Options {
  /** The edition of the network's guides that answers keep to. Defaults to `first`. */
  readonly edition?: NetworkApi.Edition | undefined
  /** Whether it is a server to play with: it says so to whoever asks whether it is ready. */
  readonly development?: boolean | undefined
  readonly maxBodyBytes: number
  readonly maxUrlLength: number
  /** Pages to serve as well, such as the console. */
  readonly pages?: Pages | undefined
}

/** Answers a request, within limits, on whatever host; what has no end ends when the host is stopping, if it does not see to that itself. */
const make = Effect.fnUntraced(function* (
  { edition = "first", development = false, maxBodyBytes, maxUrlLength, pages }: Options,
  stopping?: Effect.Effect<void>,
) {
  yield* checkLimits({ maxBodyBytes, maxUrlLength })
  const context = yield* Layer.build(
    Layer.mergeAll(RequestLog.layer, Bodies.layer(maxBodyBytes)).pipe(Layer.provideMerge(Recent.layer)),
  )
  const router = yield* HttpRouter.toHttpEffect(routes).pipe(
    Effect.provideService(HttpRouter.RouterConfig, exactly),
    Effect.provideService(SystemHandlers.IsDevelopment, development),
    Effect.provideContext(context),
  )
  const network = yield* Effect.provideContext(NetworkHandlers.make(edition), context)
  const log = Context.get(context, RequestLog.RequestLog)
  const limits = yield* CallerLimits
  const long = yield* Boundary.around({ log, limits, maxUrlLength, pages }, (request, found) => {
    const endpoint = found.route.network[request.method]
    if (endpoint === undefined) {
      return stopping !== undefined && found.route.endless ? Effect.map(router, endWhen(stopping)) : router
    }
    return Effect.flatMap(Effect.zip(received(request), originOf(request)), ([received, origin]) =>
      network({
        ...received,
        method: request.method,
        endpoint,
        found,
        peer: origin.peer,
        caller: limits.callerOf(origin),
      }),
    )
  })
  const short = yield* Boundary.shortly({ log, limits }, network)
  return { long, short }
})

/**
 * What it is to be given: where deallocations are kept, and whom to believe.
 *
 * @category models
 */
export type Needs = Holdfast.Holdfast | CallerLimits | Credentials | Operator | Signature

/**
 * Serves all of it on an `HttpServer`. Fails with {@link InvalidOption} where a limit is no
 * number of 1 or more.
 *
 * ```ts
 * import { createServer } from "node:http"
 * import assert from "node:assert/strict"
 * import { generateKeyPairSync } from "node:crypto"
 * import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
 * import { MemoryStore } from "@holdfast/domain"
 * import * as App from "@holdfast/http/App"
 * import * as CallerLimits from "@holdfast/http/CallerLimits"
 * import * as Credentials from "@holdfast/http/Credentials"
 * import * as OperatorToken from "@holdfast/http/OperatorToken"
 * import * as Signature from "@holdfast/http/Signature"
 * import { Effect, Layer, Redacted } from "effect"
 * import { HttpServer } from "effect/http"
 *
 * const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
 * const pem = publicKey.export({ type: "spki", format: "pem" }).toString()
 * const services = Layer.mergeAll(
 *   Signature.layer({ issuer: undefined, audience: undefined, bodyClaim: undefined }),
 *   OperatorToken.layer,
 *   MemoryStore.layer(),
 * ).pipe(
 *   Layer.provideMerge(
 *     CallerLimits.layer({ maxRequestsPerSecond: 1_000, maxRefusalsPerMinute: 60, trustedProxies: [] }),
 *   ),
 *   Layer.provideMerge(
 *     Credentials.layer({
 *       publicKeys: [{ name: "network", pem }],
 *       operatorTokens: [Redacted.make("a-token-that-nobody-guesses")],
 *     }),
 *   ),
 * )
 * const app = App.layer({ maxBodyBytes: 65_536, maxUrlLength: 8_192 }).pipe(
 *   Layer.provide(services),
 *   Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
 * )
 * const program = Effect.gen(function* () {
 *   const { address } = yield* HttpServer.HttpServer
 *   return yield* Effect.promise(() => fetch(`${HttpServer.formatAddress(address)}/health/ready`))
 * })
 * const response = await Effect.runPromise(Effect.provide(program, app))
 * assert.equal(response.status, 200)
 * ```
 *
 * @category serving
 */
export const layer = (
  options: Options,
): Layer.Layer<never, InvalidOption, Needs | HttpServer.HttpServer | Layer.Success<typeof HttpServer.layerServices>> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { long, short } = yield* make(options)
      const offer = yield* Shortcut
      return HttpServer.serve(long).pipe(
        Layer.provideMerge(Layer.effectDiscard(offer(short))),
        Layer.provide(withoutPlatformsSpans),
      )
    }),
  )

/** Ends what would be sent for as long as anybody listens. */
const endWhen = (stopping: Effect.Effect<void>) => (response: HttpServerResponse.HttpServerResponse) => {
  const { body } = response
  if (body._tag !== "Stream") return response
  return HttpServerResponse.setBody(
    response,
    HttpBody.stream(Stream.interruptWhen(body.stream, stopping), body.contentType),
  )
}

class App extends Context.Service<App, Effect.Success<ReturnType<typeof make>>["long"]>()("@holdfast/http/App") {}

const layerApp = (options: Options) =>
  Layer.effect(
    App,
    Effect.gen(function* () {
      const { around, stopping, stop } = InHand.make()
      const { long } = yield* make(options, stopping)
      // Before all of that ends.
      yield* Effect.addFinalizer(() => stop)
      return around(long)
    }),
  )

/**
 * All of it as a function from a `Request` of the web standard to a `Response`, for
 * hosts that call one. What a host knows of a request beyond that (who sent it) goes
 * with it. Rejects where a service cannot be had, so that nothing is served without it.
 * `dispose` ends it, once what is in hand is answered.
 *
 * ```ts
 * import assert from "node:assert/strict"
 * import { generateKeyPairSync } from "node:crypto"
 * import { MemoryStore } from "@holdfast/domain"
 * import * as Access from "@holdfast/http/Access"
 * import * as App from "@holdfast/http/App"
 * import { Layer, Redacted } from "effect"
 *
 * const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
 * const access = Access.layer({
 *   publicKeys: [{ name: "network", pem: publicKey.export({ type: "spki", format: "pem" }).toString() }],
 *   operatorTokens: [Redacted.make("a-token-that-nobody-guesses")],
 * })
 * const { handler, dispose } = await App.toWebHandler(Layer.merge(access, MemoryStore.layer()))
 * const response = await handler(new Request("https://partner.example/operator/v1/balances"))
 * assert.equal(response.status, 401)
 * assert.match(await response.text(), /urn:holdfast:problem:unauthorized/)
 * await dispose()
 * ```
 *
 * @category serving
 */
export const toWebHandler = async <E>(
  services: Layer.Layer<Needs, E>,
  options: Partial<Options> = {},
): Promise<{
  readonly handler: (request: Request, told?: Told) => Promise<Response>
  readonly dispose: () => Promise<void>
}> => {
  const layer = layerApp(withDefaults(options)).pipe(
    Layer.provideMerge([services, HttpServer.layerServices, withoutPlatformsSpans]),
  )
  const runtime = ManagedRuntime.make(layer)
  // Where it cannot be built, what had been acquired for it is let go.
  const handler = HttpEffect.toWebHandlerWith<App, App | Scope.Scope | HttpServerRequest.HttpServerRequest>(
    await runtime.context(),
  )(Effect.flatten(App))
  return {
    handler: (request, told = {}) => handler(request, Context.make(Host, knowing(told, request))),
    dispose: () => runtime.dispose(),
  }
}
