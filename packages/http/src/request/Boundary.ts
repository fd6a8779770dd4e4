/**
 * The outermost layer around every request: only what names a declared address
 * and method gets further, whatever goes wrong inside leaves as a problem, and
 * every request is recorded. A defect is logged whole and leaves as a bare 500.
 */
import { Cause, Clock, Context, Effect, Exit } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Problems from "../contract/Problems.ts"
import * as Routes from "../contract/Routes.ts"
import type { Call } from "./Call.ts"
import { Host } from "./Host.ts"
import * as Pages from "./Pages.ts"
import * as RequestLog from "./RequestLog.ts"
import { guardingFor } from "./ResponseHeaders.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

interface Options {
  readonly log: RequestLog.RequestLog["Service"]
  readonly maxUrlLength: number
  /** What is served beside the application. */
  readonly pages?: Pages.Pages | undefined
}

/** Around whatever serves a request at an address that there is, by a method that it supports. */
export const around = <E, R>(
  { log, maxUrlLength, pages }: Options,
  serve: (request: Request, found: Routes.Found) => Effect.Effect<Response, E, R>,
): Effect.Effect<Response, E, R | Request> => {
  const tooLong = Problems.toResponse(
    new Problems.UrlTooLong({ detail: `A URL may have at most ${maxUrlLength} characters.` }),
  )
  const answer = (request: Request, url: string, target: Routes.Target): Effect.Effect<Response, E, R> => {
    if (url.length > maxUrlLength) return tooLong
    if (target === "Malformed") return malformed
    if (target === "Unknown") {
      const page =
        pages && (request.method === "GET" || request.method === "HEAD")
          ? Pages.find(pages, url, request.headers)
          : undefined
      return page === undefined ? routeNotFound(request.method, url) : Effect.succeed(page)
    }
    if (!target.route.methods.includes(request.method)) return methodNotAllowed(request.method, target.route)
    return serve(request, target)
  }
  return Effect.flatMap(Host, ({ targetOf }) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.clockWith((clock) => {
        const url = targetOf(request)
        const target = Routes.find(url)
        const found = typeof target === "string" ? undefined : target
        const { notes, end } = begin(log, clock, request.method, found)
        return answer(request, url, target).pipe(
          Effect.provideService(RequestLog.CurrentNotes, notes),
          // So that work for a caller that is gone is given up.
          Effect.interruptible,
          Effect.catchCause(answerFailure),
          Effect.map((response) => guarded(response, found?.route)),
          Effect.onExit((exit) => Effect.sync(() => end(exit))),
        )
      }),
    ),
  )
}

/** What has a policy of its own keeps it. */
const guarded = (response: Response, route: Routes.Route | undefined): Response =>
  response.headers["content-security-policy"] === undefined
    ? HttpServerResponse.setHeaders(response, guardingFor(route))
    : response

/** The same for what comes by the short way. */
export const shortly = Effect.fnUntraced(function* (
  log: RequestLog.RequestLog["Service"],
  serve: (call: Call) => Effect.Effect<Response>,
) {
  const context = yield* Effect.context()
  const clock = yield* Clock.Clock
  return (call: Call, answer: (response: Response) => void) => {
    const { notes, end } = begin(log, clock, call.method, call.found)
    const run = Effect.runForkWith(Context.add(context, RequestLog.CurrentNotes, notes))
    const fiber = run(Effect.catchCause(serve(call), answerFailure))
    fiber.addObserver((exit) => {
      end(exit)
      if (Exit.isSuccess(exit)) answer(HttpServerResponse.setHeaders(exit.value, guardingFor(call.found.route)))
    })
    return () => fiber.interruptUnsafe()
  }
})

/** What is seen of a request, from its head to its answer. */
const begin = (
  log: RequestLog.RequestLog["Service"],
  clock: Clock.Clock,
  method: string,
  found: Routes.Found | undefined,
) => {
  const notes: RequestLog.Notes = {}
  for (const name in found?.params) notes[name as `${string}Id`] = found?.params[name]?.toLowerCase()
  const startMillis = clock.currentTimeMillisUnsafe()
  const startNanos = clock.monotonicTimeNanosUnsafe()
  const end = (exit: Exit.Exit<Response, unknown>) =>
    log.add({
      method,
      route: found?.route,
      status: Exit.isSuccess(exit) ? exit.value.status : Problems.abandoned,
      startMillis,
      durationMillis: Number(clock.monotonicTimeNanosUnsafe() - startNanos) / 1e6,
      notes,
    })
  return { notes, end }
}

/** The answer to a failure; none where nobody waits for one, because the caller is gone. */
const answerFailure = <E>(cause: Cause.Cause<E>): Effect.Effect<Response, E> =>
  Cause.hasInterruptsOnly(cause)
    ? Effect.failCause(cause)
    : Effect.andThen(Effect.logError("A request failed.", cause), internalError)

const internalError = Problems.toResponse(Problems.InternalError.always)

const malformed = Problems.toResponse(
  new Problems.MalformedRequest({
    detail: "Expected a path of segments of letters, digits and . _ ~ - with one / before each, and none at its end.",
  }),
)

const routeNotFound = (method: string, url: string) =>
  Problems.toResponse(new Problems.RouteNotFound({ detail: `There is nothing at ${method} ${url.split("?", 1)[0]}.` }))

const methodNotAllowed = (method: string, { pattern, methods }: Routes.Route) =>
  Effect.map(
    Problems.toResponse(
      new Problems.MethodNotAllowed({ detail: `${pattern} supports ${methods.join(", ")}. Got ${method}.` }),
    ),
    HttpServerResponse.setHeader("allow", methods.join(", ")),
  )
