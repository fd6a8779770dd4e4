/** What is answered about the server itself. */
import { Holdfast } from "@holdfast/domain"
import { Context, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Routed } from "../contract/Api.ts"
import { orProblem } from "../request/Failures.ts"
import { RequestLog } from "../request/RequestLog.ts"
import { Whole } from "../request/Whole.ts"
import * as ReservedMetrics from "./ReservedMetrics.ts"

const ok = { status: "ok" } as const

/** Whether this is a server to play with. */
export const IsDevelopment = Context.Reference("@holdfast/http/IsDevelopment", { defaultValue: () => false })

/** How old metrics may be: they take a while to write down, however many ask. */
const maxAge = "1 second"

const text = Effect.fnUntraced(function* (holdfast: Holdfast.Holdfast["Service"]) {
  const { flush } = yield* RequestLog
  const readReserved = yield* ReservedMetrics.make(holdfast)
  // Whether the store answers is seen by asking it.
  const look = Effect.all([Effect.ignore(holdfast.ready), readReserved], { concurrency: "unbounded" })
  const scope = yield* Effect.scope
  const expire: Effect.Effect<void> = Effect.suspend(() => forget)
  const [written, forget] = yield* Effect.cachedInvalidateWithTTL(
    Effect.andThen(Effect.andThen(look, flush), PrometheusMetrics.format()).pipe(
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
    const { metrics, ready } = yield* tell({ metrics: yield* text(holdfast), ready: orProblem(holdfast.ready) })
    return handlers.handleAll({
      live: () => Effect.succeed(ok),
      ready: () => Effect.as(ready, readiness),
      metrics: () => metrics,
    })
  }),
)
