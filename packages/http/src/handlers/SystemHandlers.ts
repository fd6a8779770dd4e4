/** What is answered about the server itself. */
import { Holdfast } from "@holdfast/domain"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Routed } from "../contract/Api.ts"
import { orProblem } from "../request/Failures.ts"
import { RequestLog } from "../request/RequestLog.ts"

const ok = { status: "ok" } as const

/** How old metrics may be: they take a while to write down, however many ask. */
const maxAge = "1 second"

const metrics = Effect.gen(function* () {
  const { flush } = yield* RequestLog
  const scope = yield* Effect.scope
  const expire: Effect.Effect<void> = Effect.suspend(() => forget)
  const [text, forget] = yield* Effect.cachedInvalidateWithTTL(
    Effect.andThen(flush, PrometheusMetrics.format()).pipe(
      Effect.tap(Effect.forkIn(Effect.delay(expire, maxAge), scope)),
    ),
    Number.POSITIVE_INFINITY,
  )
  return text
})

export const layer = HttpApiBuilder.group(
  Routed,
  "system",
  Effect.fnUntraced(function* (handlers) {
    const { ready } = yield* Holdfast.Holdfast
    const text = yield* metrics
    return handlers.handleAll({
      live: () => Effect.succeed(ok),
      ready: () => Effect.as(orProblem(ready), ok),
      metrics: () => text,
    })
  }),
)
