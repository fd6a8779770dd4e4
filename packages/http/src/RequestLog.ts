/**
 * What is seen of every request: one line in the log, a count and a duration.
 * Never a signature, a token, a body or a query.
 */
import { Context, Effect, Exit, Metric, Option } from "effect"

/** What is known of a request once it is answered. */
export interface Seen {
  readonly method: string
  /** The pattern of the address, such as `/health/live`; none for an unknown one. */
  readonly route: string | undefined
  readonly status: number
  readonly durationMillis: number
  readonly notes: Notes
}

/** What the parts that handle a request add to its line. */
export interface Notes {
  deallocationId?: string
  /** Why its credentials were refused; the answer never says. */
  refused?: string
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

/** Records a request that was answered. */
export const record = (seen: Seen): Effect.Effect<void> => {
  const { method, route = "unknown", status, durationMillis, notes } = seen
  const metrics = metricsOf(method, route, status)
  return Metric.update(metrics.requests, 1).pipe(
    Effect.andThen(Metric.update(metrics.duration, durationMillis / 1000)),
    Effect.andThen(Effect.logInfo({ method, route, status, durationMillis, ...notes })),
  )
}

/** Counts what a command comes to: the state that it left, or the error. */
export const counted =
  (command: string) =>
  <A extends Tagged, E extends Tagged, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.onExit(self, (exit) => {
      const outcome = Exit.isSuccess(exit) ? exit.value : Option.getOrUndefined(Exit.findErrorOption(exit))
      return Metric.update(commandsOf(command, outcome?._tag ?? "None"), 1)
    })

interface Tagged {
  readonly _tag: string
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

const commandsOf = memoize((command: string, outcome: string) =>
  Metric.counter("holdfast_commands_total", {
    description: "Commands by what they came to.",
    incremental: true,
    attributes: { command, outcome },
  }),
)
