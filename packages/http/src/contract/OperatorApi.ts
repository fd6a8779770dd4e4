/**
 * The partner's own side: registers connections, moves available balance, and
 * looks at deallocations. Quantities are strings in both directions.
 */
import { Adjustment, Amount, BaseUnits, Connection, Deallocation, Store, Uuid } from "@holdfast/domain"
import { DateTime, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import * as Problems from "./Problems.ts"
import * as WireAmount from "./WireAmount.ts"
import { WireState } from "./WireState.ts"

/** Lets only the operator pass. */
export class Operator extends HttpApiMiddleware.Service<Operator>()("@holdfast/http/Operator", {
  error: [Problems.Unauthorized, Problems.TooManyRequestsRetryAfter],
  security: { operatorToken: HttpApiSecurity.bearer },
}) {}

/** Lets only such queries pass as are declared: a misspelt filter would otherwise be none, and a doubled one either. */
export class KnownQuery extends HttpApiMiddleware.Service<KnownQuery>()("@holdfast/http/KnownQuery", {
  error: Problems.MalformedRequest,
}) {}

const { connectionId, ...identifiers } = Connection.Connection.fields
const { id: adjustmentId, ...adjustment } = Adjustment.Terms.fields

/** What a connection is registered with; its id is in the path. */
export const ConnectionRequest = Schema.Struct(identifiers)

const Account = Schema.Struct({
  available: BaseUnits.FromString,
  reserved: BaseUnits.FromString,
  deallocated: BaseUnits.FromString,
})

const ConnectionAnswer = Schema.Struct({
  ...Connection.Connection.fields,
  balances: Schema.Array(Schema.Struct({ currency: Amount.Currency, ...Account.fields })),
})

/** What an adjustment is made with; its id is in the path. */
export const AdjustmentRequest = Schema.Struct({ ...adjustment, amount: WireAmount.FromString })

const AdjustmentAnswer = Schema.Struct({
  adjustmentId,
  ...AdjustmentRequest.fields,
  createdAt: Schema.DateTimeUtcFromString,
})

const DeallocationAnswer = Schema.Struct({
  deallocationId: Uuid.FromString,
  amount: WireAmount.FromString,
  ...Connection.Connection.fields,
  partnerDeallocationId: Uuid.Uuid,
  state: WireState,
  rejectionReason: Schema.optionalKey(Deallocation.RejectionReason),
  createdAt: Schema.DateTimeUtcFromString,
  updatedAt: Schema.DateTimeUtcFromString,
})

const DeallocationWithJournal = Schema.Struct({
  ...DeallocationAnswer.fields,
  /** What happened, oldest first, with the balances after it. */
  journal: Schema.Array(
    Schema.Struct({
      event: WireState,
      quantity: BaseUnits.FromString,
      balances: Account,
      at: Schema.DateTimeUtcFromString,
    }),
  ),
})

/** No other moments can be asked the database for. */
const RecordedCursor = Store.Cursor.check(
  Schema.makeFilter(({ createdAt }) => {
    const { year } = DateTime.toPartsUtc(createdAt)
    return year >= 1 && year <= 9999 ? undefined : { path: ["createdAt"], issue: "Expected a year from 1 to 9999." }
  }),
)

/** With the name that the id has on the wire. */
const CursorJson = Schema.fromJsonString(
  Schema.toCodecJson(RecordedCursor.pipe(Schema.encodeKeys({ id: "deallocationId" }))),
)

/** Opaque to callers, who only hand it back. */
const Cursor = Schema.StringFromBase64Url.pipe(Schema.decodeTo(CursorJson))

/** Digits alone: a number may also be written as `0x10` or `1e2`. */
const Limit = Schema.String.check(
  Schema.isPattern(/^[1-9][0-9]{0,2}$/, { message: "Expected a number from 1 to 200." }),
).pipe(Schema.decodeTo(Schema.FiniteFromString.check(Schema.isBetween({ minimum: 1, maximum: 200 }))))

export const OperatorApi = HttpApiGroup.make("operator")
  .add(
    HttpApiEndpoint.put("register", "/connections/:connectionId", {
      params: { connectionId },
      payload: ConnectionRequest,
      success: Connection.Connection,
      error: [
        Problems.PayloadTooLarge,
        Problems.UnsupportedMediaType,
        Problems.ConnectionConflict,
        Problems.UnavailableRetryAfter,
      ],
    }).annotate(OpenApi.Summary, "Registers a connection, for good."),
    HttpApiEndpoint.get("connection", "/connections/:connectionId", {
      params: { connectionId },
      success: ConnectionAnswer,
      error: [Problems.ConnectionNotFound, Problems.UnavailableRetryAfter],
    }).annotate(OpenApi.Summary, "Shows a connection and its balances."),
    HttpApiEndpoint.put("adjust", "/adjustments/:adjustmentId", {
      params: { adjustmentId },
      payload: AdjustmentRequest,
      success: AdjustmentAnswer,
      error: [
        Problems.PayloadTooLarge,
        Problems.UnsupportedMediaType,
        Problems.ConnectionNotFound,
        Problems.AdjustmentMismatch,
        Problems.IdInUse,
        Problems.InsufficientBalance,
        Problems.BaseUnitsOverflow,
        Problems.UnavailableRetryAfter,
      ],
    }).annotate(OpenApi.Summary, "Credits or debits available balance, once per id."),
    HttpApiEndpoint.get("deallocations", "/deallocations", {
      query: {
        state: Schema.optionalKey(WireState),
        connectionId: Schema.optionalKey(Uuid.FromString),
        currency: Schema.optionalKey(Amount.Currency),
        limit: Schema.optionalKey(Limit),
        cursor: Schema.optionalKey(Cursor),
      },
      success: Schema.Struct({
        deallocations: Schema.Array(DeallocationAnswer),
        nextCursor: Schema.NullOr(Cursor),
      }),
      error: Problems.UnavailableRetryAfter,
    }).annotate(OpenApi.Summary, "Lists deallocations, newest first, 50 to a page unless `limit` says otherwise."),
    HttpApiEndpoint.get("deallocation", "/deallocations/:deallocationId", {
      params: { deallocationId: Uuid.FromString },
      success: DeallocationWithJournal,
      error: [Problems.DeallocationNotFound, Problems.UnavailableRetryAfter],
    }).annotate(OpenApi.Summary, "Shows a deallocation and all that happened to it."),
  )
  .prefix("/operator/v1")
  .middleware(KnownQuery)
  .middleware(Operator)
