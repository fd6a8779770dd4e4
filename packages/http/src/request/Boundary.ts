/**
 * The outermost layer around every request: only what names a declared address
 * and method gets further, whatever goes wrong inside leaves as a problem, and
 * every request is recorded. A defect is logged whole and leaves as a bare 500.
 */
import { Cause, Clock, Context, Effect, Exit, Tracer } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { CallerLimits } from "../access/CallerLimits.ts"
import * as Problems from "../contract/Problems.ts"
import * as Routes from "../contract/Routes.ts"
import type { Call } from "./Call.ts"
import { Host } from "./Host.ts"
import * as Pages from "./Pages.ts"
import * as RequestId from "./RequestId.ts"
import * as RequestLog from "./RequestLog.ts"
import { guardingFor } from "./ResponseHeaders.ts"
import * as Seen from "./Seen.ts"
import type { Serve } from "./Shortcut.ts"
import * as Tracing from "./Tracing.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

interface Options {
  readonly log: RequestLog.RequestLog["Service"]
  readonly limits: CallerLimits["Service"]
}

/** Around whatever serves a request at an address that there is, by a method that it supports. */
export const around = Effect.fnUntraced(function* <E, R>(
  {
    maxUrlLength,
    pages,
    ...options
  }: Options & {
    readonly maxUrlLength: number
    /** What is served beside the application. */
    readonly pages?: Pages.Pages | undefined
  },
  serve: (request: Request, found: Routes.Found) => Effect.Effect<Response, E, R>,
) {
  const begin = yield* beginning(options)
  const tooLong = Problems.toResponse(
    new Problems.UrlTooLong({ detail: `A URL may have at most ${maxUrlLength} characters.` }),
  )
  const answer = (request: Request, url: string, target: Routes.Target): Effect.Effect<Response, E, R> => {
    if (url.length > maxUrlLength) return tooLong
    if (typeof target === "string") {
      const isRead = request.method === "GET" || request.method === "HEAD"
      const isPage = pages !== undefined && isRead && Routes.find(url.replace(/\/(\?|$)/, "$1")) === "Unknown"
      const page = isPage ? Pages.find(pages, url, request.headers) : undefined
      if (page !== undefined) return Effect.succeed(page)
      return target === "Malformed" ? malformed : routeNotFound(request.method, url)
    }
    if (!target.route.methods.includes(request.method)) return methodNotAllowed(request.method, target.route)
    return serve(request, target)
  }
  return Effect.flatMap(Host, ({ targetOf, peerOf }) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const { method, headers } = request
      const url = targetOf(request)
      const target = Routes.find(url)
      const found = typeof target === "string" ? undefined : target
      const peer = peerOf(request)
      const caller = options.limits.callerOf({ peer, forwardedFor: headers["x-forwarded-for"] })
      const { notes, span, guarding, end } = begin({ method, found, headers, peer, caller })
      const answered = answer(request, url, target)
      // Where the request is of no interest, neither is what is asked of the database for it.
      const traced =
        span === undefined ? Effect.withTracerEnabled(answered, false) : Effect.withParentSpan(answered, span)
      return traced.pipe(
        Effect.provideService(Seen.CurrentNotes, notes),
        // So that work for a caller that is gone is given up.
        Effect.interruptible,
        Effect.catchCause((cause) => answerFailure(cause, notes)),
        Effect.map((response) => guarded(response, guarding)),
        Effect.onExit((exit) => Effect.sync(() => end(exit))),
      )
    }),
  )
})

/** What has a policy of its own keeps it. */
const guarded = (response: Response, guarding: Readonly<Record<string, string>>): Response =>
  response.headers["content-security-policy"] === undefined
    ? HttpServerResponse.setHeaders(response, guarding)
    : HttpServerResponse.setHeader(response, RequestId.header, guarding[RequestId.header] ?? "")

/** The same for what comes by the short way. */
export const shortly = Effect.fnUntraced(function* (
  options: Options,
  serve: (call: Call) => Effect.Effect<Response>,
): Effect.fn.Return<Serve> {
  const context = yield* Effect.context()
  const begin = yield* beginning(options)
  return (call, answer) => {
    const { notes, span, guarding, end } = begin(call)
    const noted = Context.add(context, Seen.CurrentNotes, notes)
    const run = Effect.runForkWith(span === undefined ? noted : Context.add(noted, Tracer.ParentSpan, span))
    const fiber = run(Effect.catchCause(serve(call), (cause) => answerFailure(cause, notes)))
    fiber.addObserver((exit) => {
      end(exit)
      if (Exit.isSuccess(exit)) answer(exit.value, { ...exit.value.headers, ...guarding })
    })
    return () => fiber.interruptUnsafe()
  }
})

/** What is seen of a request, from its head to its answer. */
const beginning = Effect.fnUntraced(function* ({ log, limits }: Options) {
  const clock = yield* Clock.Clock
  const tracer = yield* Tracing.tracer
  return ({
    method,
    found,
    headers,
    peer,
    caller,
  }: Omit<Call, "found" | "endpoint" | "readBody"> & { readonly found: Routes.Found | undefined }) => {
    const requestId = RequestId.of(
      headers[RequestId.header],
      () => peer !== undefined && limits.peerOf(peer) === undefined,
    )
    const notes: Seen.Notes = { requestId, caller }
    for (const name in found?.params) notes[name as `${string}Id`] = found?.params[name]?.toLowerCase()
    const parent = Tracing.callersSpan(headers["traceparent"])
    // What is asked without credentials is of no interest to whoever follows a transfer.
    const span =
      tracer !== undefined && (found?.route.credentials ?? []).length > 0
        ? Tracing.begin(tracer, { clock, method, route: found?.route.pattern ?? "", parent })
        : undefined
    const shown = span ?? parent
    if (shown !== undefined) {
      notes["traceId"] = shown.traceId
      notes["spanId"] = shown.spanId
    }
    const startMillis = clock.currentTimeMillisUnsafe()
    const startNanos = clock.monotonicTimeNanosUnsafe()
    const end = (exit: Exit.Exit<Response, unknown>) => {
      const status = Exit.isSuccess(exit) ? exit.value.status : Problems.abandoned
      const durationMillis = Number(clock.monotonicTimeNanosUnsafe() - startNanos) / 1e6
      log.add({ method, route: found?.route, status, startMillis, durationMillis, notes })
      if (span !== undefined) Tracing.end(span, clock, status, RequestLog.fieldsOf(notes))
    }
    return { notes, span, guarding: { ...guardingFor(found?.route), [RequestId.header]: requestId }, end }
  }
})

/** The answer to a failure; none where nobody waits for one, because the caller is gone. */
const answerFailure = <E>(cause: Cause.Cause<E>, notes: Seen.Notes): Effect.Effect<Response, E> =>
  Cause.hasInterruptsOnly(cause)
    ? Effect.failCause(cause)
    : Effect.andThen(Effect.logError("A request failed.", RequestLog.fieldsOf(notes), cause), internalError)

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
