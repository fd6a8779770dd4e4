/** Lets operators in, with a token of theirs or a session, to what their role allows; and has their changes in the log. */
import { Uuid } from "@holdfast/domain"
import { Action, OperatorsLog } from "@holdfast/domain/OperatorsLog"
import { Context, DateTime, Effect, Exit, Layer, Redacted, Schema } from "effect"
import { layerWebCrypto, SecureRandom } from "effect/crypto/SecureRandom"
import { HttpServerRequest } from "effect/http"
import { Needs, Operator } from "../contract/OperatorApi.ts"
import { Forbidden, NotConfirmed, type Unauthorized } from "../contract/Problems.ts"
import { orProblem, refuse } from "../request/Failures.ts"
import { Host, originOf } from "../request/Host.ts"
import { note } from "../request/Seen.ts"
import { CallerLimits } from "./CallerLimits.ts"
import { Credentials } from "./Credentials.ts"
import * as Operators from "./Operators.ts"

type Request = HttpServerRequest.HttpServerRequest

/**
 * Lets a request in whose bearer token is one of {@link Credentials}, or whose cookie is a session of one, and any other
 * not: it is a 401. A change takes the role that it needs, or is a 403; from a browser also that somebody typed what it is
 * about, and why.
 *
 * ```ts
 * import * as CallerLimits from "@holdfast/http/CallerLimits"
 * import * as Credentials from "@holdfast/http/Credentials"
 * import * as OperatorToken from "@holdfast/http/OperatorToken"
 * import { Effect, Layer } from "effect"
 * import assert from "node:assert/strict"
 *
 * const limits = CallerLimits.layer({ maxRequestsPerSecond: 100, maxRefusalsPerMinute: 60, trustedProxies: [] })
 * // Nobody is let in by no token: without one it is not even built.
 * const nobody = Credentials.layer({ publicKeys: [], operatorTokens: [] })
 * const operators = OperatorToken.layer.pipe(Layer.provide([limits, nobody]))
 * const error = Effect.runSync(Effect.scoped(Effect.flip(Layer.build(operators))))
 * assert.equal(error._tag, "InvalidOption")
 * ```
 *
 * @category layers
 */
export const layer: Layer.Layer<Operator, never, CallerLimits | Credentials> = Layer.effect(
  Operator,
  Effect.gen(function* () {
    const credentials = yield* Credentials
    const { guard, callerOf } = yield* CallerLimits
    const random = yield* Effect.provide(SecureRandom, layerWebCrypto)

    /** Records a change before it is made, and what became of it. What cannot be recorded is not made. */
    const recorded = Effect.fnUntraced(function* <A, E, R>(
      { name: operator, role, session }: Operators.Asking,
      reason: string | undefined,
      request: Request,
      made: Effect.Effect<A, E, R>,
    ) {
      const log = yield* OperatorsLog
      const id = Uuid.Uuid.make(yield* random.uuidV7())
      const [path = ""] = (yield* Host).targetOf(request).split("?", 1)
      // What somebody typed tells of what it was, where the path does not; whatever it is, it stays one text.
      const about = session?.confirmed === undefined ? "" : ` ${JSON.stringify(session.confirmed)}`
      const action = { id, at: yield* DateTime.now, operator, role, action: `${request.method} ${path}${about}` }
      const asked = yield* Effect.mapError(
        decodeAction(reason === undefined ? action : { ...action, reason }),
        () =>
          new NotConfirmed({
            detail:
              "Expected a reason of at most 500 characters in Holdfast-Reason, and a short text in Holdfast-Confirm.",
          }),
      )
      // Whoever does not wait for the answer does not keep what became of it from being written down.
      return yield* Effect.uninterruptible(
        Effect.gen(function* () {
          yield* orProblem(log.begin(asked))
          const exit = yield* Effect.exit(made)
          const outcome = Exit.isSuccess(exit) ? "done" : outcomeOf(exit)
          // It was made or not: that this cannot be written down now changes nothing of it.
          yield* Effect.ignore(log.conclude(id, yield* DateTime.now, outcome), { log: "Warn" })
          return yield* exit
        }),
      )
    })

    return Operator.of({
      operatorToken: (httpEffect, { credential, endpoint }) =>
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const asking = yield* guard(callerOf(yield* originOf(request)), whoAsks(credentials, credential, request))
          yield* note({ operator: asking.name })
          const answered = Effect.provideService(httpEffect, Operators.Current, asking)
          if (endpoint.method === "GET") return yield* answered
          yield* Operators.mayChange(asking, Context.get(endpoint.annotations, Needs))
          if (asking.session === undefined) {
            const header = request.headers["holdfast-reason"]
            const reason = Operators.said(header)
            if (header !== undefined && reason === undefined) {
              return yield* new NotConfirmed({ detail: "Expected percent-encoded text in Holdfast-Reason." })
            }
            return yield* recorded(asking, reason, request, answered)
          }
          yield* fromOurPage(request)
          const reason = asking.session.reason?.trim()
          if (!reason) return yield* new NotConfirmed({ detail: "Expected a reason in Holdfast-Reason." })
          return yield* recorded(asking, reason, request, answered)
        }),
    })
  }),
)

const decodeAction = Schema.decodeUnknownEffect(Schema.toType(Action))

/**
 * Whoever shows a token, or else has a session.
 *
 * @internal
 */
export const whoAsks = (
  { operatorOf, operators }: Credentials["Service"],
  token: Redacted.Redacted,
  { headers }: Request,
): Effect.Effect<Operators.Asking, Unauthorized> =>
  Effect.gen(function* () {
    const { sessionKey } = yield* OperatorsLog
    const nowSeconds = yield* Operators.nowSeconds
    if (Redacted.value(token) !== "") {
      const known = operatorOf(token)
      if (known !== undefined) return { name: known.name, role: known.role, session: undefined }
    } else {
      // Another page of this host may have set one of the same name, which comes first.
      const [session] = Operators.cookiesOf(headers["cookie"]).flatMap(
        (cookie) => Operators.unseal(sessionKey, cookie, operators(), nowSeconds) ?? [],
      )
      if (session !== undefined) {
        const { name, role, ...until } = session
        const confirmed = Operators.said(headers["holdfast-confirm"])
        const reason = Operators.said(headers["holdfast-reason"])
        return { name, role, session: { ...until, confirmed, reason } }
      }
    }
    return yield* refuse("The operator token is missing or wrong.")
  })

/** Browsers say of a request where it comes from; one that does not is an old one, and has sent headers that no form can. */
const fromOurPage = ({ headers }: Request): Effect.Effect<void, Forbidden> => {
  const site = headers["sec-fetch-site"]
  return site === undefined || site === "same-origin"
    ? Effect.void
    : new Forbidden({ detail: "A change by session has to come from a page of this server." })
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** The problem that a change ended with, by its type. */
const outcomeOf = ({ cause }: Exit.Failure<unknown, unknown>): string => {
  const [reason] = cause.reasons
  const failed: unknown = reason?._tag === "Fail" ? reason.error : undefined
  // What a handler fails with comes wrapped.
  const problem = isRecord(failed) && isRecord(failed["error"]) ? failed["error"] : failed
  return isRecord(problem) && typeof problem["type"] === "string" ? problem["type"] : "failed"
}
