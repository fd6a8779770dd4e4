/** What is answered about the server itself. */
import { Deallocations } from "@holdfast/domain"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Routed } from "./Api.ts"
import { orProblem } from "./Problems.ts"
import { RequestLog } from "./RequestLog.ts"

const ok = { status: "ok" } as const

export const layer = HttpApiBuilder.group(
  Routed,
  "system",
  Effect.fnUntraced(function* (handlers) {
    const { ready } = yield* Deallocations.Deallocations
    const { flush } = yield* RequestLog
    return handlers.handleAll({
      live: () => Effect.succeed(ok),
      ready: () => Effect.as(orProblem(ready), ok),
      metrics: () => Effect.andThen(flush, PrometheusMetrics.format()),
    })
  }),
)
