/**
 * Group commit: every command that arrives while a transaction is in flight
 * joins the next one. One writer drains the queue in batches, and each caller
 * gets its own answer, only after the commit. How a batch is kept is for a
 * {@link Session} to know; that it is kept once is the business here:
 *
 * - **In doubt.** From when its commit may have been sent until that is answered,
 *   a batch is in doubt, and what it was decided to come to is remembered. Nothing
 *   is done for it before its fate is known. If it was committed, its callers get
 *   what was decided then; only if it was not, and cannot be any more, it is
 *   decided anew. (Deciding a committed batch again would act twice: others may
 *   have acted since, and a released deallocation may be reserved again.)
 * - A passing failure (a deadlock, a race for a key, a full disk, a lost
 *   connection): the batch is run again, after a pause that grows until something
 *   succeeds.
 * - A lasting failure, or one that passed too often: the batch is split, so that
 *   one bad command never fails its neighbours.
 * - A command that waits longer than {@link Config.patienceMillis}, or that fails
 *   on its own: its caller gets `Unavailable`. Nothing of this is ever recorded as
 *   a rejection. Time is what the monotonic clock says.
 */
import { Ledger, Store } from "@holdfast/domain"
import { Cause, Clock, Data, Deferred, Effect, Exit, Fiber, Latch, type Result, Schedule, Scope } from "effect"
import * as WriterMetrics from "./WriterMetrics.ts"

/** What the instructions of a batch came to, in their order. */
export type Outcomes = ReadonlyArray<Result.Result<Ledger.Success, Ledger.Failure>>

/** A batch that is decided and not yet durable. */
export interface Decided {
  readonly outcomes: Outcomes
}

/** What became of a batch whose commit was not answered. `unknown` if that is too long ago to tell. */
export type Fate = "committed" | "lost" | "unknown"

/** A connection to where batches are kept. After a failure of kind `connection` it is of no more use. */
export interface Session<D extends Decided = Decided> {
  /** Decides instructions on what is there, and keeps others from changing that before the commit. */
  readonly decide: (instructions: ReadonlyArray<Ledger.Instruction>) => Effect.Effect<D, BatchFailure>
  /** Makes all of it durable. Where this fails, it may be durable all the same. */
  readonly commit: (decided: D) => Effect.Effect<void, BatchFailure>
  /** What became of it, for good: a commit that is still on its way is waited for, or will fail. */
  readonly fateOf: (decided: D) => Effect.Effect<Fate, BatchFailure>
}

/**
 * A batch that failed.
 *
 * - `connection`: the database is away, or the connection to it is lost;
 * - `passing`: the transaction met another one, or a shortage; the same batch can succeed;
 * - `lasting`: something in the batch fails whenever it is run.
 */
export class BatchFailure extends Data.TaggedError("BatchFailure")<{
  readonly kind: "connection" | "passing" | "lasting"
  readonly cause: unknown
}> {}

/** How the writer works. */
export interface Config<D extends Decided> {
  /** Opens a session that lasts as long as its scope. */
  readonly connect: Effect.Effect<Session<D>, BatchFailure, Scope.Scope>
  /** How many commands may wait; one more is refused at once. */
  readonly maxQueue: number
  /** How many commands one transaction takes at the most. */
  readonly maxBatch: number
  /** How long a command may wait for its answer before its caller is told that the database is unavailable. */
  readonly patienceMillis: number
}

/** A way to have commands executed. */
export interface GroupCommit {
  readonly execute: Store.Store["execute"]
  /** Succeeds where something was committed a moment ago, or can be: if there is nothing to commit, an empty batch is. */
  readonly ready: Effect.Effect<void, Store.Unavailable>
}

/** A command and its caller; nobody's and empty if all that is asked is whether it can be committed. */
interface Waiting {
  readonly instruction: Ledger.Instruction | undefined
  readonly deadlineMillis: number
  readonly traced: WriterMetrics.Traced | undefined
  readonly answer: Deferred.Deferred<Ledger.Success, Ledger.Failure | Store.Unavailable>
}

interface Batch<D> {
  commands: ReadonlyArray<Waiting>
  /** How often it failed. */
  failures: number
  /** While it is in doubt: what it was decided to come to. */
  inDoubt: D | undefined
}

/** How often a batch may meet passing failures before it is split. */
const maxFailures = 5

const backoff = Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("500 millis")])

/** How long a commit shows that the next will succeed, and how long that is waited for. */
const readiness = { forMillis: 1_000, withinMillis: 1_500 }

/** How long a failure that goes on is not told of again. */
const quietMillis = 10_000

const unavailable = (reason: string) => new Store.Unavailable({ reason, retryAfterSeconds: 1 })

const notWritable = unavailable("Nothing can be written to the database.")

/** Starts a writer. When the scope closes, the writer finishes what is waiting and takes nothing more. */
export const make = Effect.fnUntraced(function* <D extends Decided>({
  connect,
  maxQueue,
  maxBatch,
  patienceMillis,
}: Config<D>): Effect.fn.Return<GroupCommit, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const nowMillis = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

  const queue: Array<Waiting> = []
  /** Batches that are taken from the queue and not done; the last is the next to run. */
  const backlog: Array<Batch<D>> = []
  /** All that were not answered, in the order of their deadlines. */
  const unanswered = new Set<Waiting>()
  /** Open while there may be something to do. */
  const arrivals = Latch.makeUnsafe()
  let nextCommit = Deferred.makeUnsafe<void>()
  let lastCommitMillis = Number.NEGATIVE_INFINITY
  /** When commands failed again in passing, if none was written since: an empty batch may fit where they do not. */
  let lastFailureMillis = Number.NEGATIVE_INFINITY
  /** The failure that the log was told of last, until something succeeds. */
  let told: { readonly kind: BatchFailure["kind"]; readonly atMillis: number } | undefined
  let isEnding = false

  const metrics = yield* WriterMetrics.make({
    queueDepth: () => queue.length,
    inFlight: () => backlog.reduce((sum, { commands }) => sum + commands.length, 0),
    epochNanos: () => clock.currentTimeNanosUnsafe() - clock.monotonicTimeNanosUnsafe(),
  })

  const submit = (instruction: Ledger.Instruction | undefined, traced?: WriterMetrics.Traced) => {
    const deadlineMillis = nowMillis() + patienceMillis
    const waiting: Waiting = { instruction, deadlineMillis, traced, answer: Deferred.makeUnsafe() }
    unanswered.add(waiting)
    queue.push(waiting)
    arrivals.openUnsafe()
    return waiting
  }

  const answer = (waiting: Waiting, outcome: Effect.Effect<Ledger.Success, Ledger.Failure | Store.Unavailable>) => {
    unanswered.delete(waiting)
    Deferred.doneUnsafe(waiting.answer, outcome)
  }

  const refuse = (waiting: Waiting, reason: string) => answer(waiting, Effect.fail(unavailable(reason)))

  /** Tells callers in time that they wait in vain, whatever the writer is doing. */
  const watch = Effect.gen(function* () {
    while (true) {
      const now = nowMillis()
      for (const waiting of unanswered) {
        if (waiting.deadlineMillis > now) break
        refuse(waiting, "The database does not answer.")
      }
      // Nor do they take up the room of others.
      const firstOpen = queue.findIndex((waiting) => unanswered.has(waiting))
      queue.splice(0, firstOpen === -1 ? queue.length : firstOpen)
      const [next] = unanswered
      yield* Effect.sleep((next?.deadlineMillis ?? now + patienceMillis) - now)
    }
  })

  let open: { readonly session: Session<D>; readonly scope: Scope.Closeable } | undefined

  const disconnect = Effect.suspend(() => {
    if (open === undefined) return Effect.void
    const { scope } = open
    open = undefined
    return Scope.close(scope, Exit.void)
  })

  const connected = Effect.suspend(() => {
    if (open !== undefined) return Effect.succeed(open.session)
    const scope = Scope.makeUnsafe()
    return Scope.provide(connect, scope).pipe(
      Effect.timeout(patienceMillis),
      Effect.interruptible,
      Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void)),
      Effect.tap((session) => {
        open = { session, scope }
        return Effect.void
      }),
    )
  })

  /** Runs a batch once, as far as to its outcomes; or tells what else has to be done with it. */
  const attempt = Effect.fnUntraced(function* (session: Session<D>, batch: Batch<D>) {
    if (batch.inDoubt !== undefined) {
      const fate = yield* session.fateOf(batch.inDoubt)
      if (fate === "committed") return batch.inDoubt.outcomes
      if (fate === "unknown") return "abandon"
      batch.inDoubt = undefined
    }
    if (batch.failures >= maxFailures) return "split"
    batch.commands = batch.commands.filter((waiting) => unanswered.has(waiting))
    const begunNanos = clock.monotonicTimeNanosUnsafe()
    const decided = yield* session.decide(batch.commands.flatMap(({ instruction }) => instruction ?? []))
    const decidedNanos = clock.monotonicTimeNanosUnsafe()
    batch.inDoubt = decided
    yield* session.commit(decided)
    const { commands, failures } = batch
    const committedNanos = clock.monotonicTimeNanosUnsafe()
    metrics.committed({ commands, begunNanos, decidedNanos, committedNanos, failures })
    return decided.outcomes
  })

  const run = Effect.fnUntraced(function* (batch: Batch<D>) {
    const session = yield* connected
    // For as long as anybody of it may still wait.
    const came = yield* Effect.interruptible(Effect.timeout(attempt(session, batch), patienceMillis))
    if (came === "abandon") return abandon(batch)
    if (came === "split") return yield* split(batch)
    return yield* conclude(batch, came)
  })

  const conclude = ({ commands }: Batch<D>, outcomes: Outcomes) => {
    backlog.pop()
    const remaining = outcomes.values()
    for (const waiting of commands) {
      const outcome = waiting.instruction === undefined ? undefined : remaining.next().value
      if (outcome === undefined) refuse(waiting, "Nothing was asked.")
      else answer(waiting, Effect.fromResult(outcome))
    }
    lastCommitMillis = nowMillis()
    if (commands.some(isCommand)) lastFailureMillis = Number.NEGATIVE_INFINITY
    const isBack = told?.kind === "connection"
    told = undefined
    Deferred.doneUnsafe(nextCommit, Effect.void)
    nextCommit = Deferred.makeUnsafe()
    return isBack ? Effect.logInfo("The database answers again.") : Effect.void
  }

  const abandon = ({ commands }: Batch<D>) => {
    backlog.pop()
    for (const waiting of commands) refuse(waiting, "Whether the command was recorded cannot be told any more.")
  }

  const split = Effect.fnUntraced(function* ({ commands }: Batch<D>) {
    backlog.pop()
    if (commands.length > 1) {
      const half = Math.ceil(commands.length / 2)
      for (const part of [commands.slice(half), commands.slice(0, half)]) backlog.push(batchOf(part))
      return
    }
    for (const waiting of commands) {
      const command = waiting.instruction?.command
      if (command !== undefined) {
        yield* Effect.logError("A command cannot be written.", {
          "holdfast.command": `${command._tag} ${command.kind}`,
          [`holdfast.${command.kind}.id`]: Ledger.idOf(command),
        })
      }
      refuse(waiting, "The command cannot be recorded.")
    }
  })

  const tell = ({ kind, cause }: BatchFailure) =>
    Effect.suspend(() => {
      const isTold = told !== undefined && told.kind === kind && nowMillis() - told.atMillis < quietMillis
      if (isTold && kind !== "lasting") return Effect.void
      told = { kind, atMillis: nowMillis() }
      return Effect.logWarning(messages[kind], cause)
    })

  const recover = Effect.fnUntraced(function* (batch: Batch<D>, cause: Cause.Cause<BatchFailure | Cause.TimeoutError>) {
    const failure = failureOf(cause)
    metrics.failed(failure.kind)
    if (failure.kind === "connection") yield* disconnect
    yield* tell(failure)
    batch.failures += { connection: 0, passing: 1, lasting: maxFailures }[failure.kind]
    if (failure.kind === "passing" && batch.failures > 1 && batch.commands.some(isCommand)) {
      lastFailureMillis = nowMillis()
    }
    // What lasts needs no pause: the batch is split next.
    if (failure.kind !== "lasting") return yield* failure
  })

  /** Runs the next batch, or splits it, or drops it if nobody waits for it. */
  const runNext = Effect.suspend(() => {
    const batch = backlog.at(-1) ?? batchOf(queue.splice(0, maxBatch))
    if (backlog.length === 0) backlog.push(batch)
    if (batch.commands.some((waiting) => unanswered.has(waiting))) {
      return Effect.catchCause(run(batch), (cause) => recover(batch, cause))
    }
    backlog.pop()
    return Effect.void
  })

  const write = Effect.gen(function* () {
    while (true) {
      if (backlog.length > 0 || queue.length > 0) {
        yield* Effect.retry(Effect.uninterruptible(runNext), backoff)
        // Whatever has come in meanwhile joins the next batch: the larger, the less each command costs.
        yield* Effect.yieldNow
      } else if (isEnding) {
        return
      } else {
        // In one go with the look at the queue, or what arrives between them would not be noticed.
        arrivals.closeUnsafe()
        yield* arrivals.await
      }
    }
  })

  yield* Effect.forkScoped(watch)
  const writer = yield* Effect.forkScoped(Effect.ensuring(write, disconnect))
  yield* Effect.addFinalizer(() => {
    isEnding = true
    const callers = Array.from(unanswered).filter(isCommand)
    const answered = Effect.forEach(callers, ({ answer }) => Effect.exit(Deferred.await(answer)))
    // When nobody waits any more, nor does it.
    return Effect.andThen(Effect.andThen(arrivals.open, answered), Fiber.interrupt(writer))
  })

  return {
    execute: <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) =>
      Effect.withFiber((fiber) => {
        if (isEnding) return Effect.fail(unavailable("The server is stopping."))
        if (queue.length >= maxQueue) return Effect.fail(unavailable("Too many commands are waiting."))
        // The fold answers each command with its own kind of outcome.
        return Deferred.await(submit(instruction, WriterMetrics.tracedBy(fiber, clock)).answer) as Store.Execution<C>
      }),
    ready: Effect.suspend(() => {
      if (nowMillis() - lastFailureMillis < patienceMillis) return Effect.fail(notWritable)
      if (nowMillis() - lastCommitMillis < readiness.forMillis) return Effect.void
      const committed = Deferred.await(nextCommit)
      if (unanswered.size === 0 && !isEnding) submit(undefined)
      return Effect.timeoutOrElse(committed, {
        duration: readiness.withinMillis,
        orElse: () => Effect.fail(notWritable),
      })
    }),
  }
})

const isCommand = ({ instruction }: Waiting) => instruction !== undefined

const batchOf = (commands: ReadonlyArray<Waiting>) => ({ commands, failures: 0, inDoubt: undefined })

const messages: Record<BatchFailure["kind"], string> = {
  connection: "The database does not answer.",
  passing: "A batch met a passing failure, and is run again.",
  lasting: "A batch met a lasting failure, and is split.",
}

/** A session that ends in any other way than by telling of it is of no more use. */
const failureOf = (cause: Cause.Cause<BatchFailure | Cause.TimeoutError>): BatchFailure => {
  const error = Cause.squash(cause)
  return error instanceof BatchFailure ? error : new BatchFailure({ kind: "connection", cause: error })
}
