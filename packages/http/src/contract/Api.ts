/** All that the server offers, as one API: the source of routes and of the OpenAPI document. */
import { HttpApi, OpenApi } from "effect/http-api"
import manifest from "../../package.json" with { type: "json" }
import * as Document from "./Document.ts"
import { introduction } from "./Introduction.ts"
import * as NetworkApi from "./NetworkApi.ts"
import { OperatorApi } from "./OperatorApi.ts"
import { SessionApi } from "./SessionApi.ts"
import { SystemApi } from "./SystemApi.ts"
import { WellFormed } from "./WellFormed.ts"

/**
 * The part of {@link Api} that Effect's `HttpApiBuilder` serves: the network's calls
 * take a shorter way to their handlers.
 *
 * ```ts
 * import * as Api from "@holdfast/http/Api"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Object.keys(Api.Routed.groups).toSorted(), ["operator", "session", "system"])
 * ```
 *
 * @category descriptions
 */
export const Routed = HttpApi.make("holdfast").add(OperatorApi, SessionApi, SystemApi).middleware(WellFormed)

/**
 * Every call that the server answers, with its schemas and errors.
 *
 * ```ts
 * import * as Api from "@holdfast/http/Api"
 * import { OpenApi } from "effect/http-api"
 * import assert from "node:assert/strict"
 *
 * const { paths } = OpenApi.fromApi(Api.Api)
 * assert.ok(paths["/bitgo/v1/deallocations"]?.post)
 * assert.ok(paths["/operator/v1/adjustments/{adjustmentId}"]?.put)
 * ```
 *
 * @category descriptions
 */
export const Api = HttpApi.make("holdfast")
  .add(...NetworkApi.groups, OperatorApi, SessionApi, SystemApi)
  .middleware(WellFormed)
  .annotateMerge(
    OpenApi.annotations({
      title: "Holdfast",
      version: manifest.version,
      description: introduction,
      license: { name: manifest.license, identifier: manifest.license },
      servers: [{ url: "/", description: "The server that this document comes from." }],
      transform: (generated) => Document.complete(generated, { name: "Holdfast", url: manifest.bugs }),
    }),
  )
