/**
 * The outermost layer around every request: whatever goes wrong inside leaves
 * as a problem, and every request is recorded. A defect is logged whole and
 * leaves as a bare 500.
 */
import { Cause, Effect, Exit } from "effect"
import { HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Problems from "./Problems.ts"
import * as RequestLog from "./RequestLog.ts"
import { guardingFor } from "./ResponseHeaders.ts"
import * as Routes from "./Routes.ts"

type Response = HttpServerResponse.HttpServerResponse

/** Around whatever serves a request at an address that there may be. */
export const around = <E, R>(
  log: RequestLog.RequestLog["Service"],
  serve: (
    request: HttpServerRequest.HttpServerRequest,
    address: Routes.Found | undefined,
  ) => Effect.Effect<Response, E, R>,
): Effect.Effect<Response, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.clockWith((clock) => {
      const address = Routes.find(request.url)
      const notes: RequestLog.Notes = {}
      const deallocationId = address?.params["deallocationId"]
      if (deallocationId !== undefined) notes.deallocationId = deallocationId.toLowerCase()
      const startMillis = clock.currentTimeMillisUnsafe()
      const startNanos = clock.monotonicTimeNanosUnsafe()
      return serve(request, address).pipe(
        Effect.provideService(RequestLog.CurrentNotes, notes),
        // So that work for a caller that is gone is given up.
        Effect.interruptible,
        Effect.catchCause((cause) => answerFailure(cause, request, address?.handler)),
        Effect.map(HttpServerResponse.setHeaders(guardingFor(address?.handler.pattern))),
        Effect.onExit((exit) =>
          Effect.sync(() =>
            log.add({
              method: request.method,
              route: address?.handler.pattern,
              status: Exit.isSuccess(exit) ? exit.value.status : Problems.abandoned,
              startMillis,
              durationMillis: Number(clock.monotonicTimeNanosUnsafe() - startNanos) / 1e6,
              notes,
            }),
          ),
        ),
      )
    }),
  )

/** The answer to a failure; none where nobody waits for one, because the caller is gone. */
const answerFailure = <E>(
  cause: Cause.Cause<E>,
  request: HttpServerRequest.HttpServerRequest,
  address: Routes.Address | undefined,
): Effect.Effect<Response, E> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
  const error = Cause.squash(cause)
  if (HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound") {
    return address === undefined ? routeNotFound(request) : methodNotAllowed(request, address)
  }
  return Effect.andThen(Effect.logError("A request failed.", cause), internalError)
}

const internalError = Problems.toResponse(Problems.InternalError.always)

const routeNotFound = ({ method, url }: HttpServerRequest.HttpServerRequest) =>
  Problems.toResponse(new Problems.RouteNotFound({ detail: `There is nothing at ${method} ${url.split("?", 1)[0]}.` }))

const methodNotAllowed = ({ method }: HttpServerRequest.HttpServerRequest, { pattern, methods }: Routes.Address) =>
  Effect.map(
    Problems.toResponse(
      new Problems.MethodNotAllowed({ detail: `${pattern} supports ${methods.join(", ")}. Got ${method}.` }),
    ),
    HttpServerResponse.setHeader("allow", methods.join(", ")),
  )
