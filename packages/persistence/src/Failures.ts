/** What a failed batch means: whether to run it again as it is, or to split it. */
import { Cause, Data, Effect } from "effect"
import { SqlError } from "effect/sql/SqlError"
import { TransactionLost } from "./Batch.ts"

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

/**
 * SQLSTATE classes that pass: transaction state, a prepared statement that the server has lost, rollback, shortages
 * (disk full…), locks, operator intervention (shutdown…), I/O.
 */
const passingClasses = ["25", "26", "40", "53", "55", "57", "58"]

const classify = (error: unknown): BatchFailure["kind"] => {
  if (error instanceof TransactionLost) return "passing"
  if (Cause.isTimeoutError(error)) return "connection"
  if (!(error instanceof SqlError)) return "lasting"
  switch (error.reason._tag) {
    case "ConnectionError":
    case "AuthenticationError":
      return "connection"
    // A race for a key that another batch won: the next run finds its row.
    case "UniqueViolation":
    case "DeadlockError":
    case "SerializationError":
    case "LockTimeoutError":
    case "StatementTimeoutError":
      return "passing"
    default:
      return passingClasses.includes(sqlState(error).slice(0, 2)) ? "passing" : "lasting"
  }
}

const sqlState = (error: SqlError): string => {
  const { cause } = error.reason
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
}

/**
 * Turns every failure to connect into one of the connection: "starting up" or "too many clients" says nothing of a batch.
 */
export const connecting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, BatchFailure, R> =>
  Effect.mapError(effect, (cause) => new BatchFailure({ kind: "connection", cause }))

/** Turns every failure and every defect of a batch into a `BatchFailure`. */
export const caught = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, BatchFailure, R> =>
  Effect.catchCause(effect, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    const error = Cause.squash(cause)
    return Effect.fail(new BatchFailure({ kind: classify(error), cause: error }))
  })
