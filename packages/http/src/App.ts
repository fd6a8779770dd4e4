/**
 * The whole application as routes: what remains to be given is where
 * deallocations are kept, whom to believe, and a server to run on.
 */
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiBuilder, type HttpApiError, HttpApiMiddleware, HttpApiSwagger } from "effect/http-api"
import { Api, WellFormed } from "./Api.ts"
import * as Boundary from "./Boundary.ts"
import { malformedBy } from "./Json.ts"
import * as NetworkHandlers from "./NetworkHandlers.ts"
import * as OperatorHandlers from "./OperatorHandlers.ts"
import * as Routes from "./Routes.ts"
import * as SystemHandlers from "./SystemHandlers.ts"

/** An answer of ours that does not fit its own schema is our fault, not the caller's. */
const isOurs = ({ kind }: HttpApiError.HttpApiSchemaError) => kind === "Body" || kind === "ResponseHeaders"

const layerWellFormed = HttpApiMiddleware.layerSchemaErrorTransform(WellFormed, (error) =>
  isOurs(error) ? Effect.die(error) : Effect.fail(malformedBy(error.cause.issue)),
)

const handlers = Layer.mergeAll(NetworkHandlers.layer, OperatorHandlers.layer, SystemHandlers.layer).pipe(
  Layer.provide(layerWellFormed),
)

const routes = Layer.mergeAll(
  HttpApiBuilder.layer(Api, { openapiPath: Routes.openApiPath }),
  HttpApiSwagger.layer(Api, { path: Routes.docsPath }),
  Boundary.layer,
).pipe(Layer.provide(handlers))

/** Serves all of it. */
export const layer = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })
