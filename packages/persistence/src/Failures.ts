/** What a failure of PostgreSQL means for a batch: whether to run it again as it is, or to split it. */
import { Cause, Effect } from "effect"
import { SqlError } from "effect/sql/SqlError"
import { BatchFailure } from "./GroupCommit.ts"

/**
 * SQLSTATE classes that pass: transaction state, a prepared statement that the server has lost, rollback, shortages
 * (disk full…), locks, operator intervention (shutdown…), I/O.
 */
const passingClasses = ["25", "26", "40", "53", "55", "57", "58"]

/** What a failed statement means. */
export const kindOf = (error: unknown): BatchFailure["kind"] => {
  if (Cause.isTimeoutError(error)) return "connection"
  if (!(error instanceof SqlError)) return "lasting"
  switch (error.reason._tag) {
    case "ConnectionError":
    case "AuthenticationError":
      return "connection"
    // A race for a key that another batch won: the next run finds its row.
    case "UniqueViolation":
      return "passing"
    default:
      return passingClasses.includes(sqlState(error).slice(0, 2)) ? "passing" : "lasting"
  }
}

const sqlState = (error: SqlError): string => {
  const { cause } = error.reason
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
}

/** Turns every failure and every defect of a batch into a `BatchFailure`. */
export const caught = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, BatchFailure, R> =>
  Effect.catchCause(effect, (cause) => {
    const error = Cause.squash(cause)
    return Effect.fail(error instanceof BatchFailure ? error : new BatchFailure({ kind: kindOf(error), cause: error }))
  })

/** Turns every failure to reach the database into one of the connection: "starting up" or "too many clients" says nothing of a batch. */
export const connecting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, BatchFailure, R> =>
  Effect.catchCause(effect, (cause) =>
    Effect.fail(new BatchFailure({ kind: "connection", cause: Cause.squash(cause) })),
  )
