/** What a browser's session takes. */
import { OperatorsLog } from "@holdfast/domain/OperatorsLog"
import { DateTime, Effect, Redacted, Schema } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { CallerLimits } from "../access/CallerLimits.ts"
import { Credentials } from "../access/Credentials.ts"
import * as Operators from "../access/Operators.ts"
import { whoAsks } from "../access/OperatorToken.ts"
import { Routed } from "../contract/Api.ts"
import { Forbidden } from "../contract/Problems.ts"
import { SessionAnswer, SessionRequest } from "../contract/SessionApi.ts"
import { Bodies } from "../request/Bodies.ts"
import { refuse } from "../request/Failures.ts"
import { originOf, received } from "../request/Host.ts"
import { note } from "../request/Seen.ts"

const cookieOptions = { httpOnly: true, sameSite: "strict", path: "/operator" } as const

/** Over TLS the browser keeps it for TLS: the first proxy says so, and whoever makes it up hurts nobody else. */
const isSecure = ({ headers }: HttpServerRequest.HttpServerRequest) =>
  /^ *https *(,|$)/i.test(headers["x-forwarded-proto"] ?? "")

const bearerOf = ({ headers }: HttpServerRequest.HttpServerRequest) =>
  Redacted.make(/^bearer +(.+)$/i.exec(headers["authorization"] ?? "")?.[1] ?? "")

const momentOf = (seconds: number) => DateTime.makeUnsafe(seconds * 1000)

type Kept = Omit<Operators.Session, "confirmed" | "reason">

const answerOf = ({
  name: operator,
  role,
  session,
}: Operators.Operator & { readonly session: Kept | undefined }): typeof SessionAnswer.Type => ({
  operator,
  role,
  changes: role !== "read" && (session?.changes ?? true),
  expiresAt: session ? momentOf(session.expiresAtSeconds) : null,
  changesUntil: role !== "read" && session?.changes ? momentOf(session.changesUntilSeconds) : null,
})

const encodeAnswer = Schema.encodeSync(SessionAnswer)

/** What a session is from now on, for the browser to keep. */
const answerWith = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  asking: Operators.Operator & { readonly session: Kept },
  nowSeconds: number,
) {
  const { sessionKey } = yield* OperatorsLog
  const cookie = Operators.seal(sessionKey, asking.session)
  return HttpServerResponse.jsonUnsafe(encodeAnswer(answerOf(asking))).pipe(
    HttpServerResponse.setCookieUnsafe(Operators.cookieName, cookie, {
      ...cookieOptions,
      maxAge: `${asking.session.expiresAtSeconds - nowSeconds} seconds`,
      secure: isSecure(request),
    }),
  )
})

export const layer = HttpApiBuilder.group(
  Routed,
  "session",
  Effect.fnUntraced(function* (handlers) {
    const credentials = yield* Credentials
    const { guard, callerOf } = yield* CallerLimits
    const { readAs } = yield* Bodies
    const readSession = readAs(SessionRequest)

    const asking = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
      const token = bearerOf(request)
      const asked = whoAsks(credentials, token, request)
      // A page that is opened asks with nothing: nobody guesses at anything.
      const isGuess = Redacted.value(token) !== "" || Operators.cookiesOf(request.headers["cookie"]).length > 0
      const known = yield* isGuess ? guard(callerOf(yield* originOf(request)), asked) : asked
      yield* note({ operator: known.name })
      return known
    })

    return handlers
      .handleRaw(
        "begin",
        Effect.fnUntraced(function* ({ request }) {
          const asked = yield* readSession(yield* received(request))
          const known = yield* guard(
            callerOf(yield* originOf(request)),
            Effect.suspend(() => {
              const known = credentials.operatorOf(Redacted.make(asked.token))
              return known === undefined ? refuse("The operator token is missing or wrong.") : Effect.succeed(known)
            }),
          )
          yield* note({ operator: known.name })
          if (asked.operator !== undefined && asked.operator !== known.name) {
            return yield* new Forbidden({
              detail: `This is a token of ${known.name}. Expected one of ${asked.operator}.`,
            })
          }
          const changes = asked.changes === true && known.role !== "read"
          const nowSeconds = yield* Operators.nowSeconds
          const session = {
            digest: known.digest,
            expiresAtSeconds: nowSeconds + Operators.sessionSeconds,
            changesUntilSeconds: changes ? nowSeconds + Operators.changesSeconds : 0,
            changes,
          }
          return yield* answerWith(request, { ...known, session }, nowSeconds)
        }),
      )
      .handleRaw(
        "closeChanges",
        Effect.fnUntraced(function* ({ request }) {
          const { session, ...operator } = yield* asking(request)
          // A program shows its token each time: for it nothing is open.
          if (session === undefined)
            return HttpServerResponse.jsonUnsafe(encodeAnswer(answerOf({ ...operator, session })))
          const closed = { ...session, changes: false, changesUntilSeconds: 0 }
          return yield* answerWith(request, { ...operator, session: closed }, yield* Operators.nowSeconds)
        }),
      )
      .handleRaw("end", () =>
        Effect.succeed(
          HttpServerResponse.setCookieUnsafe(HttpServerResponse.empty({ status: 204 }), Operators.cookieName, "", {
            ...cookieOptions,
            maxAge: 0,
          }),
        ),
      )
      .handleAll({
        who: () => Effect.map(Effect.flatMap(HttpServerRequest.HttpServerRequest, asking), answerOf),
      })
  }),
)
