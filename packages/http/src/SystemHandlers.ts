/** What is answered about the server itself. */
import { Deallocations } from "@holdfast/domain"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Api } from "./Api.ts"
import { orProblem } from "./Problems.ts"

const ok = { status: "ok" } as const

export const layer = HttpApiBuilder.group(
  Api,
  "system",
  Effect.fnUntraced(function* (handlers) {
    const { ready } = yield* Deallocations.Deallocations
    return handlers.handleAll({
      live: () => Effect.succeed(ok),
      ready: () => Effect.as(orProblem(ready), ok),
      metrics: () => PrometheusMetrics.format(),
    })
  }),
)
