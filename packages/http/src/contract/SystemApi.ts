/** What machines ask about the server itself. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Problems from "./Problems.ts"

const Health = Schema.Struct({ status: Schema.Literal("ok") }).annotate({ description: "It does." })

/** Of a server with made-up keys, which holds nobody's money, it says so: such a one may be played with. */
const Readiness = Schema.Struct({ ...Health.fields, development: Schema.optionalKey(Schema.Literal(true)) }).annotate({
  description: "It can.",
})

const Metrics = Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))

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
export const SystemApi = HttpApiGroup.make("system")
  .annotate(OpenApi.Title, "Server")
  .add(
    HttpApiEndpoint.get("live", "/health/live", { success: Health }).annotateMerge(
      OpenApi.annotations({
        summary: "Ask whether the process runs.",
        description: "Answers while it does, whatever the database does: restart what does not answer.",
      }),
    ),
    HttpApiEndpoint.get("ready", "/health/ready", {
      success: Readiness,
      error: Problems.UnavailableRetryAfter,
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Ask whether the server can serve.",
        description: "Answers 200 while the database takes what is written to it, and 503 while it does not.",
      }),
    ),
    HttpApiEndpoint.get("metrics", "/metrics", {
      success: Metrics.annotate({ description: "The metrics, in the text format of Prometheus." }),
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Read the metrics.",
        description: "Counts and durations of requests, commands and the database's work, for Prometheus.",
      }),
    ),
  )
