/** What machines ask about the server itself. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Problems from "./Problems.ts"

const Health = Schema.Struct({ status: Schema.Literal("ok") })

/** Of a server with made-up keys, which holds nobody's money, it says so: such a one may be played with. */
const Readiness = Schema.Struct({ ...Health.fields, development: Schema.optionalKey(Schema.Literal(true)) })

/**
 * Whether the process runs, whether it can serve, and its metrics.
 *
 * ```ts
 * import { SystemApi } from "@holdfast/http/SystemApi"
 * import assert from "node:assert/strict"
 *
 * const paths = Object.values(SystemApi.endpoints).map(({ path }) => path)
 * assert.deepEqual(paths, ["/health/live", "/health/ready", "/metrics"])
 * ```
 *
 * @category descriptions
 */
export const SystemApi = HttpApiGroup.make("system").add(
  HttpApiEndpoint.get("live", "/health/live", { success: Health }).annotate(
    OpenApi.Summary,
    "Answers while the process runs.",
  ),
  HttpApiEndpoint.get("ready", "/health/ready", { success: Readiness, error: Problems.UnavailableRetryAfter }).annotate(
    OpenApi.Summary,
    "Answers while the database does.",
  ),
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" })),
  }).annotate(OpenApi.Summary, "Metrics for Prometheus."),
)
