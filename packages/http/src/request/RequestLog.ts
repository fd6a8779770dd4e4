/**
 * What is seen of every request: one line in the log, a count and a duration.
 * Never a signature, a token, a body or a query.
 */
import { Context, Effect, Layer, Metric, Queue } from "effect"
import type { Route } from "../contract/Routes.ts"
import { Recent } from "./Recent.ts"

/** What is known of a request once it is answered. */
export interface Seen {
  readonly method: string
  /** None for an address that is unknown. */
  readonly route: Route | undefined
  readonly status: number
  readonly startMillis: number
  readonly durationMillis: number
  readonly notes: Notes
}

/** What the parts that handle a request add to its line: ids by their names, and what is said here. */
export interface Notes {
  [id: `${string}Id`]: string | undefined
  /** The name of the operator who asked. */
  operator?: string
  /** Why its credentials were refused; the answer never says. */
  refused?: string
  /** The command that it was and about what, for the metrics. */
  command?: { readonly kind: string; readonly name: string }
  /** The state that the command left. */
  outcome?: string
  /** The error of the domain that it ended with. */
  error?: string
}

/** The notes of the request at hand. */
export const CurrentNotes = Context.Reference<Notes>("@holdfast/http/RequestLog/CurrentNotes", {
  defaultValue: () => ({}),
})

/** Adds to the line of the request at hand. */
export const note = (notes: Notes): Effect.Effect<void> =>
  Effect.map(CurrentNotes, (current) => {
    Object.assign(current, notes)
  })

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

const write = ({ startMillis, method, route, status, durationMillis, notes }: Seen): Effect.Effect<void> => {
  const pattern = route?.pattern ?? other
  const metrics = metricsOf(route?.methods.includes(method) ? method : other, pattern, status)
  const { command, ...told } = notes
  return Metric.update(metrics.requests, 1).pipe(
    Effect.andThen(Metric.update(metrics.duration, durationMillis / 1000)),
    Effect.andThen(
      command === undefined
        ? Effect.void
        : Metric.update(commandsOf(command.kind, command.name, notes.outcome ?? notes.error ?? "None"), 1),
    ),
    Effect.andThen(
      Effect.logInfo({
        startedAt: new Date(startMillis).toISOString(),
        method,
        route: pattern,
        status,
        durationMillis,
        ...told,
      }),
    ),
  )
}

/** Notes a command, and the state that it leaves. */
export const counted =
  (kind: string, name: string) =>
  <A extends { readonly state: string }, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(CurrentNotes, (notes) => {
      notes.command = { kind, name }
      return Effect.map(self, (value) => {
        notes.outcome = value.state
        return value
      })
    })

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
    description: "Commands by what they came to.",
    incremental: true,
    attributes: { kind, command, outcome },
  }),
)
