/**
 * What is not answered yet. When the application ends, what is in hand is answered before the services under it
 * close, what has no end is ended, and what comes then is asked to come again, elsewhere.
 */
import { Deferred, Effect, Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Problems from "../contract/Problems.ts"
import * as RequestId from "./RequestId.ts"

/** How long is waited for what is in hand, such as a large list that somebody reads slowly. */
const patience = "20 seconds"

const stopping = Problems.toResponse(
  new Problems.Unavailable({ detail: "This server is about to stop.", retryAfterSeconds: 1 }),
).pipe(Effect.map((response) => HttpServerResponse.setHeader(response, RequestId.header, RequestId.make())))

export const make = () => {
  let count = 0
  const isStopping = Deferred.makeUnsafe<void>()
  const isEmpty = Deferred.makeUnsafe<void>()
  const tellIfEmpty = () => {
    if (count === 0 && Deferred.isDoneUnsafe(isStopping)) Deferred.doneUnsafe(isEmpty, Effect.void)
  }
  const leave = Effect.sync(() => {
    count--
    tellIfEmpty()
  })
  return {
    /** Waits until the application is about to end. */
    stopping: Deferred.await(isStopping),
    /** Ends it: waits until nothing is in hand. */
    stop: Effect.suspend(() => {
      Deferred.doneUnsafe(isStopping, Effect.void)
      tellIfEmpty()
      return Effect.timeoutOption(Deferred.await(isEmpty), patience)
    }),
    /** A request is in hand until its scope closes: once its answer is given, or has been streamed. */
    around: <E, R>(
      answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
    ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Scope.Scope> =>
      Effect.flatMap(Effect.scope, (scope): typeof answer => {
        if (Deferred.isDoneUnsafe(isStopping)) return stopping
        count++
        return Effect.andThen(Scope.addFinalizer(scope, leave), answer)
      }),
  }
}
