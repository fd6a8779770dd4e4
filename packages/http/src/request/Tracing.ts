/** What W3C's Trace Context says of a request, and its span where somebody collects spans. */
import { type Clock, Context, Effect, Exit, Option, Tracer } from "effect"
import { abandoned } from "../contract/Problems.ts"

const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/

/** The caller's span, if it names one. */
export const callersSpan = (header: string | undefined): Tracer.ExternalSpan | undefined => {
  const [, traceId, spanId, flags = ""] = (header !== undefined && traceparent.exec(header)) || []
  if (traceId === undefined || spanId === undefined) return undefined
  return Tracer.externalSpan({ traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 })
}

/** What collects spans, if anything does: Effect's own default drops them. */
export const tracer: Effect.Effect<Tracer.Tracer | undefined> = Effect.map(Tracer.Tracer, (tracer) =>
  tracer === Tracer.nativeTracer ? undefined : tracer,
)

/** The span of a request, as OpenTelemetry wants those of servers. */
export const begin = (
  tracer: Tracer.Tracer,
  {
    clock,
    method,
    route,
    parent,
  }: {
    readonly clock: Clock.Clock
    readonly method: string
    readonly route: string
    readonly parent: Tracer.ExternalSpan | undefined
  },
): Tracer.Span => {
  const span = tracer.span({
    name: `${method} ${route}`,
    parent: Option.fromUndefinedOr(parent),
    annotations: Context.empty(),
    links: [],
    startTime: clock.currentTimeNanosUnsafe(),
    kind: "server",
    root: parent === undefined,
    sampled: parent?.sampled ?? true,
  })
  span.attribute("http.request.method", method)
  span.attribute("http.route", route)
  return span
}

/** Ends it with what is known by then. */
export const end = (span: Tracer.Span, clock: Clock.Clock, status: number, fields: object): void => {
  for (const [name, value] of Object.entries(fields)) span.attribute(name, value)
  span.attribute("http.response.status_code", status)
  const isFault = status >= 500
  const exit = status === abandoned ? Exit.interrupt() : isFault ? Exit.fail(`Status ${status}`) : Exit.void
  span.end(clock.currentTimeNanosUnsafe(), exit)
}
