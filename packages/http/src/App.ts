/**
 * The whole application as routes: what remains to be given is where
 * deallocations are kept, whom to believe, and a server to run on.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder, type HttpApiError, HttpApiMiddleware } from "effect/http-api"
import { Routed, WellFormed } from "./contract/Api.ts"
import * as Description from "./handlers/Description.ts"
import * as KnownQuery from "./handlers/KnownQuery.ts"
import * as NetworkHandlers from "./handlers/NetworkHandlers.ts"
import * as OperatorHandlers from "./handlers/OperatorHandlers.ts"
import * as SystemHandlers from "./handlers/SystemHandlers.ts"
import * as Boundary from "./request/Boundary.ts"
import { MaxBytes, malformedBy } from "./request/Json.ts"
import * as RequestLog from "./request/RequestLog.ts"

/** An answer of ours that does not fit its own schema is our fault, not the caller's. */
const isOurs = ({ kind }: HttpApiError.HttpApiSchemaError) => kind === "Body" || kind === "ResponseHeaders"

const layerWellFormed = HttpApiMiddleware.layerSchemaErrorTransform(WellFormed, (error) =>
  isOurs(error) ? Effect.die(error) : Effect.fail(malformedBy(error.cause.issue)),
)

const routes = Layer.mergeAll(HttpApiBuilder.layer(Routed), Description.layer).pipe(
  Layer.provide(Layer.mergeAll(OperatorHandlers.layer, SystemHandlers.layer)),
  Layer.provide([layerWellFormed, KnownQuery.layer]),
)

/** Finds what Routes.ts found, nothing else and no less. */
const exactly = {
  caseSensitive: true,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  maxParamLength: Number.POSITIVE_INFINITY,
}

export interface Options {
  readonly maxBodyBytes: number
  readonly maxUrlLength: number
}

/** Serves all of it, within limits. */
export const layer = ({ maxBodyBytes, maxUrlLength }: Options) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const router = yield* HttpRouter.toHttpEffect(routes).pipe(
        Effect.provideService(HttpRouter.RouterConfig, exactly),
      )
      const network = yield* NetworkHandlers.make
      const log = yield* RequestLog.RequestLog
      return HttpServer.serve(
        Boundary.around({ log, maxUrlLength }, (request, found) => network(request, found) ?? router),
      )
    }),
  ).pipe(Layer.provide(RequestLog.layer), Layer.provide(Layer.succeed(MaxBytes, maxBodyBytes)))
