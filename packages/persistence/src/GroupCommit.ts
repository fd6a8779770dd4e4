/**
 * Group commit: every command that arrives while a transaction is in flight
 * joins the next one. One writer drains the queue in batches, and each caller
 * gets its own answer, only after the commit.
 *
 * What can go wrong with a batch, and what then happens:
 *
 * - a passing failure (lost connection, deadlock, serialization, a race for a
 *   key, an unknown outcome of `COMMIT`): it is run again on a new connection.
 *   Commands are idempotent by id and nonces remember who used them, so a
 *   second run finds what the first one did;
 * - a lasting failure: the batch is split, so that one bad command never fails
 *   its neighbours;
 * - a command that still waits after {@link Config.patienceMillis}, or that
 *   fails on its own: its caller gets `Unavailable`. Nothing of this is ever
 *   recorded as a rejection.
 */
import { randomUUID } from "node:crypto"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { type Deallocation, Deallocations, Ledger, Uuid } from "@holdfast/domain"
import { type Cause, Clock, DateTime, Deferred, Duration, Effect, Fiber, Queue, type Scope } from "effect"
import * as Batch from "./Batch.ts"
import * as Failures from "./Failures.ts"

/** How the writer works. */
export interface Config {
  readonly connection: PgConnection.Config
  readonly releasedRepost: Deallocation.ReleasedRepost
  /** How many commands may wait; one more is refused at once. */
  readonly maxQueue: number
  /** How many commands one transaction takes at the most. */
  readonly maxBatch: number
  /** How long a command may wait for the database before its caller is told that it is unavailable. */
  readonly patienceMillis: number
}

/** A command, and its caller. */
interface Waiting extends Batch.Attempt {
  readonly deadlineMillis: number
  readonly answer: Deferred.Deferred<Ledger.Success, Ledger.Failure | Deallocations.Unavailable>
}

type Commands = Queue.Queue<Waiting, Cause.Done>

/**
 * Starts a writer, and gives the way to have a command executed by it. When the
 * scope closes, the writer finishes what is waiting and takes nothing more.
 */
export const make = Effect.fnUntraced(function* (
  config: Config,
): Effect.fn.Return<Deallocations.Store["execute"], never, Scope.Scope> {
  const queue = yield* Queue.dropping<Waiting, Cause.Done>(config.maxQueue)
  const writer = yield* Effect.forkScoped(write(config, queue))
  yield* Effect.addFinalizer(() => Effect.andThen(Queue.end(queue), Fiber.await(writer)))

  return <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) =>
    Effect.suspend(() => {
      const answer: Waiting["answer"] = Deferred.makeUnsafe()
      const accepted = Queue.offerUnsafe(queue, {
        ...instruction,
        attempt: Uuid.Uuid.make(randomUUID()),
        deadlineMillis: DateTime.toEpochMillis(instruction.command.at) + config.patienceMillis,
        answer,
      })
      // The fold answers each command with its own kind of outcome.
      return accepted
        ? (Deferred.await(answer) as Deallocations.Execution<C>)
        : Effect.fail(unavailable("Too many commands are waiting."))
    })
})

const unavailable = (reason: string) => new Deallocations.Unavailable({ reason, retryAfterSeconds: 1 })

/** How often a batch may meet passing failures before it is split. */
const maxRuns = 5

/** How long the database may take for a batch before the connection counts as lost. */
const batchTimeout = Duration.seconds(10)

/** Runs batches, on one connection after another, until the queue has ended and all are answered. */
const write = Effect.fnUntraced(function* (config: Config, queue: Commands) {
  /** Batches that are taken from the queue and not answered; the last is the next to run. */
  let backlog: Array<ReadonlyArray<Waiting>> = []
  let runs = 0
  let lostConnections = 0

  const nextBatch = Effect.gen(function* () {
    if (backlog.length === 0) backlog.push(yield* Queue.takeBetween(queue, 1, config.maxBatch))
    return backlog.at(-1) ?? []
  })

  const session = Effect.gen(function* () {
    // Before it connects: with nothing to write, an ended queue must end the writer though the database is away.
    yield* nextBatch
    const connection = yield* Failures.connecting(PgConnection.make(config.connection))
    if (lostConnections > 0) yield* Effect.logInfo("The database answers again.")
    lostConnections = 0
    while (true) {
      const batch = yield* nextBatch
      const outcomes = yield* Failures.caught(Effect.timeout(Batch.run(connection, batch, config), batchTimeout))
      for (const [index, outcome] of outcomes.entries()) {
        const waiting = batch[index]
        if (waiting !== undefined) Deferred.doneUnsafe(waiting.answer, Effect.fromResult(outcome))
      }
      backlog.pop()
      runs = 0
      // Whatever has come in meanwhile joins the next batch: the larger, the less each command costs.
      yield* Effect.yieldNow
    }
  })

  const splitNext = Effect.gen(function* () {
    const batch = backlog.pop() ?? []
    runs = 0
    if (batch.length > 1) {
      const half = Math.ceil(batch.length / 2)
      backlog.push(batch.slice(half), batch.slice(0, half))
      return
    }
    for (const { command, answer } of batch) {
      yield* Effect.logError("A command cannot be written.", { command: command._tag, id: Ledger.idOf(command) })
      yield* Deferred.fail(answer, unavailable("The command cannot be recorded."))
    }
  })

  const giveUpExpired = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const stillWaits = (waiting: Waiting) => {
      const expired = waiting.deadlineMillis <= now
      if (expired) Deferred.doneUnsafe(waiting.answer, unavailable("The database does not answer."))
      return !expired
    }
    backlog = backlog.map((batch) => batch.filter(stillWaits)).filter((batch) => batch.length > 0)
    while (Queue.sizeUnsafe(queue) > 0 && !stillWaits(yield* Queue.peek(queue))) yield* Queue.take(queue)
  })

  const recover = Effect.fnUntraced(function* ({ kind, cause }: Failures.BatchFailure) {
    if (kind === "connection") {
      if (lostConnections++ === 0) yield* Effect.logWarning("The database does not answer.", cause)
      yield* giveUpExpired
      return yield* Effect.sleep(Math.min(10 * 2 ** lostConnections, 500))
    }
    yield* Effect.logWarning(`A batch met a ${kind} failure.`, cause)
    if (kind === "lasting" || ++runs >= maxRuns) return yield* splitNext
    yield* giveUpExpired
  })

  yield* Effect.scoped(session).pipe(Effect.catchTag("BatchFailure", recover), Effect.forever, Effect.ignore)
})
