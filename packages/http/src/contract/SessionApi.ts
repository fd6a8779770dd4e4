/**
 * A browser's session: it shows an operator's token once, and has a cookie from
 * then on, which no script can read and no other site can send.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { KnownQuery } from "./OperatorApi.ts"
import * as Problems from "./Problems.ts"

/**
 * What a session is begun with.
 *
 * ```ts
 * import { SessionRequest } from "@holdfast/http/SessionApi"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Schema.is(SessionRequest)({ token: "an-operator's-token", changes: true }))
 * ```
 *
 * @category schemas
 */
export const SessionRequest = Schema.Struct({
  /** An operator's token. */
  token: Schema.String,
  /** Whether changes are to be open, for a quarter of an hour; of whoever may make any. */
  changes: Schema.optionalKey(Schema.Boolean),
  /** Whose token it has to be. */
  operator: Schema.optionalKey(Schema.String),
}).annotate({ description: "The token." })

/**
 * Who asks, and for how long that is known.
 *
 * ```ts
 * import { SessionAnswer } from "@holdfast/http/SessionApi"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const answer = Schema.decodeUnknownSync(SessionAnswer)({ operator: "anna", role: "admin", changes: true, expiresAt: null, changesUntil: null })
 * assert.equal(answer.role, "admin")
 * ```
 *
 * @category schemas
 */
export const SessionAnswer = Schema.Struct({
  operator: Schema.String,
  role: Schema.Literals(["read", "operate", "admin"]),
  changes: Schema.Boolean,
  /** None where a token was shown with the request itself. */
  expiresAt: Schema.NullOr(Schema.DateTimeUtcFromString),
  /** None where they are not open, and where a token was shown with the request itself. */
  changesUntil: Schema.NullOr(Schema.DateTimeUtcFromString),
}).annotate({ description: "Who asks." })

const errors = [Problems.Unauthorized, Problems.TooManyRequestsRetryAfter] as const

/**
 * Sessions of operators' browsers.
 *
 * ```ts
 * import { SessionApi } from "@holdfast/http/SessionApi"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Object.values(SessionApi.endpoints).every(({ path }) => path.startsWith("/operator/v1/session")))
 * ```
 *
 * @category descriptions
 */
export const SessionApi = HttpApiGroup.make("session")
  .add(
    HttpApiEndpoint.post("begin", "/session", {
      payload: SessionRequest,
      success: SessionAnswer,
      error: [...errors, Problems.Forbidden, Problems.PayloadTooLarge, Problems.UnsupportedMediaType],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Begin a session.",
        description:
          "Of a browser: a cookie, for eight hours; changes are open for the first fifteen minutes, if they are to be.",
      }),
    ),
    HttpApiEndpoint.get("who", "/session", { success: SessionAnswer, error: errors }).annotateMerge(
      OpenApi.annotations({ summary: "Ask who you are.", description: "By a session or by a token." }),
    ),
    HttpApiEndpoint.delete("closeChanges", "/session/changes", { success: SessionAnswer, error: errors }).annotateMerge(
      OpenApi.annotations({
        summary: "Close changes.",
        description: "Before their fifteen minutes are over; the session goes on for reading.",
      }),
    ),
    HttpApiEndpoint.delete("end", "/session", {
      success: Schema.Void.pipe(HttpApiSchema.status(204)).annotate({ description: "It is forgotten." }),
    }).annotateMerge(
      OpenApi.annotations({ summary: "End the session.", description: "The browser forgets its cookie." }),
    ),
  )
  .middleware(KnownQuery)
  .prefix("/operator/v1")
