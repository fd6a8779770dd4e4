/**
 * What is seen of every request: one line in the log, a count and a duration.
 * Never a signature, a token, a body or a query.
 */
import { Ledger } from "@holdfast/domain"
import { Context, Effect, Layer, Metric, Queue } from "effect"
import { Recent } from "./Recent.ts"
import type { Notes, Seen } from "./Seen.ts"

/** OpenTelemetry's names for notes, where it has some. */
const names: Readonly<Record<string, string>> = {
  caller: "client.address",
  traceId: "trace_id",
  spanId: "span_id",
  error: "error.type",
  refused: "holdfast.refusal",
  outcome: "holdfast.outcome",
  rejection: "holdfast.rejection.reason",
  replayed: "holdfast.replayed",
}

/** A function of few different arguments, called once for each. */
const memoize = <Args extends ReadonlyArray<string | number>, A>(make: (...args: Args) => A) => {
  const made = new Map<string, A>()
  return (...args: Args): A => {
    const key = args.join(" ")
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(...args)
    made.set(key, value)
    return value
  }
}

const nameOf = memoize((note: string) => names[note] ?? `holdfast.${note.replace(/Id$/, ".id")}`)

/** Notes as fields of a line. */
export const fieldsOf = (notes: Notes): Readonly<Record<string, unknown>> => {
  const fields: Record<string, unknown> = {}
  for (const note in notes) {
    const value = notes[note as keyof Notes]
    if (typeof value === "object") fields["holdfast.command"] = `${value.name} ${value.kind}`
    else if (value !== undefined) fields[nameOf(note)] = value
  }
  return fields
}

/** What remains to be written of the requests that were answered. */
export class RequestLog extends Context.Service<
  RequestLog,
  {
    readonly add: (seen: Seen) => void
    /** Writes what was added so far. */
    readonly flush: Effect.Effect<void>
  }
>()("@holdfast/http/RequestLog") {}

/** How long a line may wait for others. */
const window = "100 millis"

/** Writes many requests in one go: by itself in the midst of a request, the same work costs a multiple. */
export const layer: Layer.Layer<RequestLog, never, Recent> = Layer.effect(
  RequestLog,
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<Seen>()
    const recent = yield* Recent
    // So that a rate is there before the first.
    yield* Metric.update(nonceRefusals, 0)
    for (const { kind } of Object.values(Ledger.kinds)) yield* Metric.update(replaysOf(kind), 0)
    const flush = Effect.uninterruptible(Effect.flatMap(Queue.clear(queue), Effect.forEach(write, { discard: true })))
    yield* Queue.peek(queue).pipe(
      Effect.andThen(Effect.sleep(window)),
      Effect.andThen(flush),
      Effect.forever,
      Effect.forkScoped,
    )
    yield* Effect.addFinalizer(() => flush)
    const add = (seen: Seen) => {
      recent.add(seen)
      Queue.offerUnsafe(queue, seen)
    }
    return { add, flush }
  }),
)

/** What stands for methods and addresses that nobody declared: callers must not choose how many series there are. */
const other = "other"

const write = ({ startMillis, method, route, status, durationMillis, notes }: Seen): Effect.Effect<void> =>
  Effect.contextWith((context) => {
    const pattern = route?.pattern ?? other
    const metrics = metricsOf(route?.methods.includes(method) ? method : other, pattern, status)
    metrics.requests.updateUnsafe(1, context)
    metrics.duration.updateUnsafe(durationMillis / 1000, context)
    count(notes, context)
    const line = {
      start_time: new Date(startMillis).toISOString(),
      "http.request.method": method,
      "http.route": pattern,
      "http.response.status_code": status,
      "http.server.request.duration": durationMillis / 1000,
      ...fieldsOf(notes),
    }
    const message = `${method} ${pattern} ${status}`
    return status >= 500 ? Effect.logError(message, line) : Effect.logInfo(message, line)
  })

/** What a request came to. A repeat did nothing, and is none of the actions. */
const count = ({ command, outcome, error, rejection, replayed }: Notes, context: Context.Context<never>): void => {
  if (error === "NonceUsed") nonceRefusals.updateUnsafe(1, context)
  if (command === undefined) return
  const { kind, name } = command
  if (replayed) replaysOf(kind).updateUnsafe(1, context)
  else commandsOf(kind, name, outcome ?? error ?? "None").updateUnsafe(1, context)
  if (!replayed && rejection !== undefined) rejectionsOf(kind, rejection).updateUnsafe(1, context)
}

const metricsOf = memoize((method: string, route: string, status: number) => ({
  requests: Metric.counter("holdfast_http_requests_total", {
    description: "Requests answered.",
    incremental: true,
    attributes: { method, route, status: String(status) },
  }),
  duration: Metric.histogram("holdfast_http_request_duration_seconds", {
    description: "Time from a request's head to its answer.",
    boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    attributes: { method, route },
  }),
}))

const commandsOf = memoize((kind: string, command: string, outcome: string) =>
  Metric.counter("holdfast_commands_total", {
    description: "Commands by what they came to, equal repeats not counted.",
    incremental: true,
    attributes: { kind, command, outcome },
  }),
)

const rejectionsOf = memoize((kind: string, reason: string) =>
  Metric.counter("holdfast_rejections_total", {
    description: "Requests of the network that were recorded as rejected.",
    incremental: true,
    attributes: { kind, reason },
  }),
)

const replaysOf = memoize((kind: string) =>
  Metric.counter("holdfast_replays_total", {
    description: "Equal repeats, which were answered as before and did nothing.",
    incremental: true,
    attributes: { kind },
  }),
)

const nonceRefusals = Metric.counter("holdfast_nonce_refusals_total", {
  description: "Signed requests that were refused because their token had been used.",
  incremental: true,
})
