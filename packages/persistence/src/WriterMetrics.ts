/** What is seen of a writer: how much waits for it, how it fares, and, of requests that are traced, where their time went. */
import { type Clock, Context, Effect, Exit, type Fiber, Metric, Option, type Scope, Tracer } from "effect"

/** The span that a command came in, if anybody collects spans. */
export interface Traced {
  readonly tracer: Tracer.Tracer
  readonly span: Tracer.AnySpan
  /** When it came, by the monotonic clock. */
  readonly submittedNanos: bigint
}

/** What went through a transaction, by the monotonic clock. */
export interface Committed {
  readonly commands: ReadonlyArray<{ readonly traced: Traced | undefined }>
  /** When the transaction began, when it was decided and when it was durable. */
  readonly begunNanos: bigint
  readonly decidedNanos: bigint
  readonly committedNanos: bigint
  /** How often it had failed before. */
  readonly failures: number
}

const depth = Metric.gauge("holdfast_writer_queue_depth", { description: "Commands that wait for a transaction." })

const inFlight = Metric.gauge("holdfast_writer_in_flight", {
  description: "Commands in transactions that are not answered yet.",
})

const batchSize = Metric.histogram("holdfast_writer_batch_size", {
  description: "Commands in one transaction.",
  boundaries: [1, 2, 4, 8, 16, 32, 64, 128, 256],
})

const commitDuration = Metric.histogram("holdfast_writer_commit_duration_seconds", {
  description: "Time from a batch's decision until it was durable.",
  boundaries: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
})

const retriesOf = (kind: string) =>
  Metric.counter("holdfast_writer_retries_total", {
    description: "Batches that failed, by whether the connection was lost, the failure passes, or it lasts.",
    incremental: true,
    attributes: { kind },
  })

const retries = {
  connection: retriesOf("connection"),
  passing: retriesOf("passing"),
  lasting: retriesOf("lasting"),
}

const up = {
  database: Metric.gauge("holdfast_database_up", {
    description: "Whether the database answered when it was asked last.",
  }),
  writer: Metric.gauge("holdfast_writer_up", {
    description: "Whether a transaction could be committed when that was looked at last.",
  }),
}

/** Remembers whether what was asked succeeded. */
export const observing =
  (what: keyof typeof up) =>
  <A, E, R>(asked: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.onExit(asked, (exit) => Metric.update(up[what], Exit.isSuccess(exit) ? 1 : 0))

/** Of one writer, until the scope closes. */
export const make = Effect.fnUntraced(function* (looked: {
  readonly queueDepth: () => number
  readonly inFlight: () => number
  /** By how much the clock on the wall is ahead of the monotonic one. */
  readonly epochNanos: () => bigint
}): Effect.fn.Return<
  { readonly failed: (kind: keyof typeof retries) => void; readonly committed: (batch: Committed) => void },
  never,
  Scope.Scope
> {
  const context = yield* Effect.context<never>()
  const register = (gauge: typeof depth, value: () => number) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        Metric.registerUnsafe(gauge, context, { get: () => ({ value: value() }), update: () => {}, modify: () => {} }),
      ),
      (registration) => Effect.sync(() => registration.remove()),
    )
  yield* register(depth, looked.queueDepth)
  yield* register(inFlight, looked.inFlight)
  for (const counter of Object.values(retries)) counter.updateUnsafe(0, context)
  return {
    failed: (kind) => retries[kind].updateUnsafe(1, context),
    committed: (batch) => {
      batchSize.updateUnsafe(batch.commands.length, context)
      commitDuration.updateUnsafe(Number(batch.committedNanos - batch.decidedNanos) / 1e9, context)
      let epochNanos: bigint | undefined
      for (const { traced } of batch.commands) {
        if (traced === undefined) continue
        epochNanos ??= looked.epochNanos()
        trace(traced, batch, epochNanos)
      }
    },
  }
})

/** Where the time of a command went: to the queue, and to its batch, the last part of which is the commit. */
const trace = (
  { tracer, span, submittedNanos }: Traced,
  { commands, begunNanos, decidedNanos, committedNanos, failures }: Committed,
  epochNanos: bigint,
): void => {
  const child = (name: string, parent: Tracer.AnySpan, from: bigint) =>
    tracer.span({
      name,
      parent: Option.some(parent),
      annotations: Context.empty(),
      links: [],
      startTime: epochNanos + from,
      kind: "internal",
      root: false,
      sampled: parent.sampled,
    })
  child("holdfast.queue", span, submittedNanos).end(epochNanos + begunNanos, Exit.void)
  const batch = child("holdfast.batch", span, begunNanos)
  batch.attribute("holdfast.batch.size", commands.length)
  batch.attribute("holdfast.batch.failures", failures)
  child("holdfast.commit", batch, decidedNanos).end(epochNanos + committedNanos, Exit.void)
  batch.end(epochNanos + committedNanos, Exit.void)
}

/** Of the fiber that asks, if what collects spans is more than Effect's default, which drops them. */
export const tracedBy = (
  { cache: { tracer, span } }: Pick<Fiber.Fiber<unknown>, "cache">,
  clock: Clock.Clock,
): Traced | undefined =>
  span === undefined || tracer === undefined || tracer === Tracer.nativeTracer
    ? undefined
    : { tracer, span, submittedNanos: clock.monotonicTimeNanosUnsafe() }
