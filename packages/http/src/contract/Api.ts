/** All that the server offers, as one API: the source of routes and of the OpenAPI document. */
import { HttpApi, OpenApi } from "effect/http-api"
import * as NetworkApi from "./NetworkApi.ts"
import { OperatorApi } from "./OperatorApi.ts"
import { SessionApi } from "./SessionApi.ts"
import { SystemApi } from "./SystemApi.ts"
import { WellFormed } from "./WellFormed.ts"

/**
 * What the generator takes for closed objects are open: fields that we do not
 * know are ignored in requests, and callers had better do so with answers.
 */
const open = (document: Record<string, unknown>) =>
  JSON.parse(JSON.stringify(document, (key, value) => (key === "additionalProperties" ? undefined : value)))

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
  .annotate(OpenApi.Title, "Holdfast")
  .annotate(OpenApi.Version, "1.0.0")
  .annotate(OpenApi.Description, "The partner's side of the Go Network: connections, allocations, deallocations.")
  .annotate(OpenApi.Transform, open)
