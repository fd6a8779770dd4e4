/** What is answered about the server itself. */
import { Holdfast } from "@holdfast/domain"
import { Context, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Routed } from "../contract/Api.ts"
import { orProblem } from "../request/Failures.ts"
import { RequestLog } from "../request/RequestLog.ts"
import { Whole } from "../request/Whole.ts"

const ok = { status: "ok" } as const

/** Whether this is a server to play with. */
export const IsDevelopment = Context.Reference("@holdfast/http/IsDevelopment", { defaultValue: () => false })

/** How old metrics may be: they take a while to write down, however many ask. */
const maxAge = "1 second"

const text = Effect.gen(function* () {
  const { flush } = yield* RequestLog
  const scope = yield* Effect.scope
  const expire: Effect.Effect<void> = Effect.suspend(() => forget)
  const [written, forget] = yield* Effect.cachedInvalidateWithTTL(
    Effect.andThen(flush, PrometheusMetrics.format()).pipe(
      Effect.tap(Effect.forkIn(Effect.delay(expire, maxAge), scope)),
    ),
    Number.POSITIVE_INFINITY,
  )
  return written
})

export const layer = HttpApiBuilder.group(
  Routed,
  "system",
  Effect.fnUntraced(function* (handlers) {
    const holdfast = yield* Holdfast.Holdfast
    const tell = yield* Whole
    const readiness = (yield* IsDevelopment) ? ({ ...ok, development: true } as const) : ok
    const { metrics, ready } = yield* tell({ metrics: yield* text, ready: orProblem(holdfast.ready) })
    return handlers.handleAll({
      live: () => Effect.succeed(ok),
      ready: () => Effect.as(ready, readiness),
      metrics: () => metrics,
    })
  }),
)
