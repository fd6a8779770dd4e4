/**
 * The outermost layer around every request: whatever goes wrong inside leaves
 * as a problem, and every request is recorded. A defect is logged whole and
 * leaves as a bare 500.
 */
import { Cause, Clock, Effect, Exit, type Types } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import * as Problems from "./Problems.ts"
import * as RequestLog from "./RequestLog.ts"
import * as Routes from "./Routes.ts"

type Response = HttpServerResponse.HttpServerResponse

const around = Effect.fnUntraced(function* (
  httpEffect: Effect.Effect<Response, Types.unhandled>,
): Effect.fn.Return<Response, Types.unhandled, HttpServerRequest.HttpServerRequest> {
  const request = yield* HttpServerRequest.HttpServerRequest
  const found = Routes.find(request.url)
  const notes: RequestLog.Notes = {}
  const deallocationId = found?.params["deallocationId"]
  if (deallocationId !== undefined) notes.deallocationId = deallocationId.toLowerCase()
  const startNanos = yield* Clock.currentTimeNanos
  const exit = yield* Effect.exit(Effect.provideService(httpEffect, RequestLog.CurrentNotes, notes))
  const answer = Exit.isSuccess(exit) ? exit : yield* answerFailure(exit.cause, request, found?.handler)
  yield* RequestLog.record({
    method: request.method,
    route: found?.handler.pattern,
    status: Exit.isSuccess(answer) ? answer.value.status : Problems.abandoned,
    durationMillis: Number((yield* Clock.currentTimeNanos) - startNanos) / 1e6,
    notes,
  })
  return yield* answer
})

/** Runs around every route. */
export const layer = HttpRouter.middleware(around, { global: true })

/** The answer to a failure; none where nobody waits for one, because the caller is gone. */
const answerFailure = <E>(
  cause: Cause.Cause<E>,
  request: HttpServerRequest.HttpServerRequest,
  address: Routes.Address | undefined,
): Effect.Effect<Exit.Exit<Response, E>> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.succeed(Exit.failCause(cause))
  const error = Cause.squash(cause)
  if (HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound") {
    return Effect.exit(address === undefined ? routeNotFound(request) : methodNotAllowed(request, address))
  }
  return Effect.exit(Effect.andThen(Effect.logError("A request failed.", cause), internalError))
}

const internalError = HttpServerRespondable.toResponse(Problems.InternalError.always)

const routeNotFound = ({ method, url }: HttpServerRequest.HttpServerRequest) =>
  HttpServerRespondable.toResponse(
    new Problems.RouteNotFound({ detail: `There is nothing at ${method} ${url.split("?", 1)[0]}.` }),
  )

const methodNotAllowed = ({ method }: HttpServerRequest.HttpServerRequest, { pattern, methods }: Routes.Address) =>
  Effect.map(
    HttpServerRespondable.toResponse(
      new Problems.MethodNotAllowed({ detail: `${pattern} supports ${methods.join(", ")}. Got ${method}.` }),
    ),
    HttpServerResponse.setHeader("allow", methods.join(", ")),
  )
