/**
 * The network's side: what BitGo calls. A quantity arrives as a string of
 * digits and leaves as a JSON number; a refusal is a 200 with `rejectionReason`.
 * This describes it; NetworkHandlers.ts serves it.
 */
import { Connection, Deallocation, Uuid } from "@holdfast/domain"
import { Schema, SchemaTransformation } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import * as Problems from "./Problems.ts"
import type { WellFormed } from "./WellFormed.ts"
import * as WireAmount from "./WireAmount.ts"
import { WireState } from "./WireState.ts"

/** Where the signature stands. */
export const signatureHeader = "X-BitGo-Signature"

/** Only signed requests pass. */
class Signed extends HttpApiMiddleware.Service<Signed>()("@holdfast/http/Signed", {
  error: [Problems.Unauthorized, Problems.TooManyRequestsRetryAfter],
  security: {
    signature: HttpApiSecurity.apiKey({ key: signatureHeader }).pipe(
      HttpApiSecurity.annotate(
        OpenApi.Description,
        "A JWT, RS256, signed with BitGo's key, with `iat`, `exp` at most 60 s later, and a `jti` that was not used before.",
      ),
    ),
  },
}) {}

const { connectionId, clientId, partnersConnectionId, partnerClientId } = Connection.Connection.fields

/** What a reservation is asked with. Later guides write `partnersClientId` for `partnerClientId`. */
export const ReserveRequest = Schema.Struct({
  deallocationId: Uuid.FromString,
  amount: WireAmount.FromString,
  clientId,
  connectionId,
  partnersConnectionId,
  partnerClientId: Schema.optionalKey(partnerClientId),
  partnersClientId: Schema.optionalKey(partnerClientId),
})
  .check(
    Schema.makeFilter(({ partnerClientId, partnersClientId }) => {
      if (partnerClientId === undefined && partnersClientId === undefined) {
        return { path: ["partnerClientId"], issue: "Missing key" }
      }
      return (partnerClientId ?? partnersClientId) === (partnersClientId ?? partnerClientId)
        ? undefined
        : { path: ["partnersClientId"], issue: "Differs from partnerClientId, of which it is another name." }
    }),
  )
  .pipe(
    Schema.decodeTo(
      Schema.toType(Deallocation.Terms),
      SchemaTransformation.transform({
        decode: ({ deallocationId: id, partnersClientId, partnerClientId = partnersClientId ?? "", ...terms }) => ({
          id,
          ...terms,
          partnerClientId,
        }),
        encode: ({ id: deallocationId, ...terms }) => ({ deallocationId, ...terms }),
      }),
    ),
  )

/** The contract's object. */
const SettleAnswer = Schema.Struct({
  deallocationId: Uuid.FromString,
  amount: WireAmount.ToNumber,
  clientId,
  connectionId,
  partnersConnectionId,
  partnerClientId,
  partnerDeallocationId: Uuid.Uuid,
})
const ReserveAnswer = Schema.Struct({
  ...SettleAnswer.fields,
  rejectionReason: Schema.optionalKey(Deallocation.RejectionReason),
})
const FindAnswer = Schema.Struct({ ...ReserveAnswer.fields, status: WireState })

/** By the name of the endpoint. */
const answers = { reserve: ReserveAnswer, find: FindAnswer, clear: SettleAnswer, release: SettleAnswer }

/** What stands in the path. */
export const params = { deallocationId: Uuid.FromString }

const reserve = HttpApiEndpoint.post("reserve", "/bitgo/v1/deallocations", {
  payload: ReserveRequest,
  success: answers.reserve,
  error: [
    Problems.PayloadTooLarge,
    Problems.UnsupportedMediaType,
    Problems.TermsMismatch,
    Problems.StateConflict,
    Problems.IdInUse,
    Problems.UnavailableRetryAfter,
  ],
}).annotate(OpenApi.Summary, "Holds an amount: it becomes RESERVED, or is REJECTED with a reason.")

const settled = [
  Problems.PayloadTooLarge,
  Problems.DeallocationNotFound,
  Problems.StateConflict,
  Problems.IdInUse,
  Problems.UnavailableRetryAfter,
] as const

const ofOne = <const Path extends `/${string}`>(path: Path) =>
  [
    HttpApiEndpoint.get("find", `${path}/:deallocationId`, {
      params,
      success: answers.find,
      error: [Problems.PayloadTooLarge, Problems.DeallocationNotFound, Problems.UnavailableRetryAfter],
    }).annotate(OpenApi.Summary, "Says what has become of a deallocation."),
    HttpApiEndpoint.put("clear", `${path}/:deallocationId/clear`, {
      params,
      success: answers.clear,
      error: settled,
    }).annotate(OpenApi.Summary, "Finalises a reserved amount: it becomes CLEARED."),
    HttpApiEndpoint.put("release", `${path}/:deallocationId/release`, {
      params,
      success: answers.release,
      error: settled,
    }).annotate(OpenApi.Summary, "Gives a reserved amount back: it becomes RELEASED."),
  ] as const

export const NetworkApi = HttpApiGroup.make("network")
  .add(reserve, ...ofOne("/bitgo/v1/deallocation"))
  .middleware(Signed)

/** The same under the plural, which some guides use. */
export const NetworkPluralApi = HttpApiGroup.make("networkPlural")
  .add(...ofOne("/bitgo/v1/deallocations"))
  .middleware(Signed)

type Endpoints = HttpApiGroup.Endpoints<typeof NetworkApi>

/** The names of the endpoints, the same under either spelling. */
export type Endpoint = Endpoints["identifier"]

/** What an endpoint answers with, as it is written. */
export type Answer<Name extends Endpoint> = (typeof answers)[Name]["Encoded"]

/** The problems that an endpoint declares, those of every endpoint included. */
export type Problem<Name extends Endpoint> =
  | HttpApiEndpoint.ErrorsWithIdentifier<Endpoints, Name>
  | HttpApiMiddleware.Error<WellFormed>

const isEndpoint = (name: string): name is Endpoint => Object.hasOwn(NetworkApi.endpoints, name)

/** The network's endpoint that is declared with this name in this group, if it is one. */
export const endpointOf = (group: string, name: string): Endpoint | undefined =>
  (group === NetworkApi.identifier || group === NetworkPluralApi.identifier) && isEndpoint(name) ? name : undefined
