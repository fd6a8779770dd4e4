/** All that the server offers, as one API: the source of routes and of the OpenAPI document. */
import { HttpApi, OpenApi } from "effect/http-api"
import * as NetworkApi from "./NetworkApi.ts"
import { OperatorApi } from "./OperatorApi.ts"
import { SystemApi } from "./SystemApi.ts"
import { WellFormed } from "./WellFormed.ts"

/**
 * What the generator takes for closed objects are open: fields that we do not
 * know are ignored in requests, and callers had better do so with answers.
 */
const open = (document: Record<string, unknown>) =>
  JSON.parse(JSON.stringify(document, (key, value) => (key === "additionalProperties" ? undefined : value)))

/** The part of it that `HttpApiBuilder` serves. */
export const Routed = HttpApi.make("holdfast").add(OperatorApi, SystemApi).middleware(WellFormed)

export const Api = HttpApi.make("holdfast")
  .add(...NetworkApi.groups, OperatorApi, SystemApi)
  .middleware(WellFormed)
  .annotate(OpenApi.Title, "Holdfast")
  .annotate(OpenApi.Version, "1.0.0")
  .annotate(OpenApi.Description, "The partner's side of the Go Network: connections, allocations, deallocations.")
  .annotate(OpenApi.Transform, open)
