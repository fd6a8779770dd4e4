/**
 * The partner's own side: connections and their tokens, movements of balance and
 * locks, and a look at everything there is. Quantities are strings in both
 * directions. Each list can be had as CSV too, the whole of it.
 */
import {
  Account,
  Adjustment,
  Allocation,
  Amount,
  BaseUnits,
  Connection,
  Deallocation,
  Ledger,
  Lock,
  Store,
  Transfer,
  Uuid,
} from "@holdfast/domain"
import { Context, DateTime, Schema, SchemaGetter, Struct } from "effect"
import {
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  HttpApiSecurity,
  OpenApi,
} from "effect/http-api"
import { Needs } from "../access/Operators.ts"
import * as Problems from "./Problems.ts"
import * as WireAmount from "./WireAmount.ts"
import { WireAdjustment, WireEvent, WireState } from "./WireState.ts"

/** Lets only the operator pass. */
export class Operator extends HttpApiMiddleware.Service<Operator>()("@holdfast/http/Operator", {
  error: [
    Problems.Unauthorized,
    Problems.TooManyRequestsRetryAfter,
    Problems.Forbidden,
    Problems.NotConfirmed,
    Problems.UnavailableRetryAfter,
  ],
  security: { operatorToken: HttpApiSecurity.bearer },
}) {}

/** Lets only such queries pass as are declared: a misspelt filter would otherwise be none, and a doubled one either. */
export class KnownQuery extends HttpApiMiddleware.Service<KnownQuery>()("@holdfast/http/KnownQuery", {
  error: Problems.MalformedRequest,
}) {}

/** Of an endpoint: whether its answer goes on for as long as anybody listens. */
export const Endless = Context.Reference("@holdfast/http/Endless", { defaultValue: () => false })

const { connectionId, ...identifiers } = Connection.Connection.fields
const { id: adjustmentId, ...adjustment } = Adjustment.Terms.fields
const { id: lockId, ...lock } = Lock.Terms.fields

/** What a connection is registered with; its id is in the path. */
export const ConnectionRequest = Schema.Struct(identifiers)

/** A field of a schema for each name. */
const of = <Name extends string, S>(names: ReadonlyArray<Name>, schema: S) =>
  Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, S>

const balances = of(Account.Balance.literals, BaseUnits.FromString)

const at = Schema.DateTimeUtcFromString

/** When a transfer was first asked for, and when it came into its present state. */
const moments = { createdAt: at, updatedAt: at }

const RegisteredAnswer = Connection.Registered

const ConnectionAnswer = Schema.Struct({
  ...Connection.Registered.fields,
  balances: Schema.Array(Schema.Struct({ currency: Amount.Currency, ...balances })),
})

/** What a token is issued with. */
export const TokenRequest = Schema.Struct({
  ...Struct.pick(Connection.Connection.fields, ["partnersConnectionId", "partnerClientId"]),
  expiresInSeconds: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_592_000 }))),
})

const TokenAnswer = Schema.Struct({
  tokenId: Uuid.Uuid,
  ...Struct.pick(Connection.Connection.fields, ["partnersConnectionId", "partnerClientId"]),
  issuedAt: at,
  expiresAt: at,
  revokedAt: Schema.optionalKey(at),
  /** The connection that came of it. */
  usedBy: Schema.optionalKey(Uuid.Uuid),
})

/** The token itself is shown this once. */
const IssuedAnswer = Schema.Struct({ ...TokenAnswer.fields, connectionToken: Schema.String })

/** What an adjustment is made with; its id is in the path. */
export const AdjustmentRequest = Schema.Struct({
  ...adjustment,
  amount: WireAmount.FromString,
  newCurrency: Schema.optionalKey(Schema.Boolean),
})

const AdjustmentAnswer = Schema.Struct({
  adjustmentId,
  ...adjustment,
  amount: WireAmount.FromString,
  createdAt: at,
})

/** What a lock is made with; its id is in the path. */
export const LockRequest = Schema.Struct({ ...lock, amount: WireAmount.FromString })

const LockAnswer = Schema.Struct({ lockId, ...LockRequest.fields, state: WireState, ...moments })

/** The terms of what the network asks for. */
const asked = { amount: WireAmount.FromString, ...Connection.Connection.fields }

const DeallocationAnswer = Schema.Struct({
  deallocationId: Uuid.FromString,
  ...asked,
  partnerDeallocationId: Transfer.PartnerTransferId,
  state: WireState,
  rejectionReason: Schema.optionalKey(Deallocation.RejectionReason),
  ...moments,
})

const AllocationAnswer = Schema.Struct({
  allocationId: Uuid.FromString,
  ...asked,
  partnerAllocationId: Transfer.PartnerTransferId,
  state: WireState,
  rejectionReason: Schema.optionalKey(Allocation.RejectionReason),
  ...moments,
})

/** What is answered of each kind. */
export const answers = {
  deallocation: DeallocationAnswer,
  allocation: AllocationAnswer,
  lock: LockAnswer,
  adjustment: AdjustmentAnswer,
}

/**
 * What happened, oldest first, with the balances after it. `hash` is the SHA-256 of `hashed`, which has the hash before it:
 * null where the store keeps none, or the entry before is not among the account's latest.
 */
const journalOf = <Event extends Schema.Constraint>(event: Event) => ({
  journal: Schema.Array(
    Schema.Struct({
      event,
      quantity: BaseUnits.FromString,
      balances: Schema.Struct(balances),
      at,
      hash: Schema.NullOr(Schema.String),
      hashed: Schema.NullOr(Schema.String),
    }),
  ),
})

/** No other moments can be asked the database for. */
const isRecordable = (time: DateTime.Utc) => {
  const { year } = DateTime.toPartsUtc(time)
  return year >= 1 && year <= 9999 ? undefined : "Expected a year from 1 to 9999."
}

const moment = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/

/** JavaScript takes much for a time, and moves a day that there is not to the next month. */
const isMoment = (text: string) => {
  const [, day = ""] = moment.exec(text) ?? []
  const millis = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(Date.parse(text)) && !Number.isNaN(millis) && new Date(millis).toISOString().startsWith(day)
}

const Time = Schema.String.check(
  Schema.makeFilter((text: string) => (isMoment(text) ? undefined : "Expected a time such as 2026-01-31T12:00:00Z."), {
    toJsonSchema: () => ({ format: "date-time" }),
  }),
).pipe(Schema.decodeTo(at.check(Schema.makeFilter(isRecordable))))

const RecordedCursor = Store.Cursor.check(
  Schema.makeFilter(({ createdAt }) => {
    const issue = isRecordable(createdAt)
    return issue && { path: ["createdAt"], issue }
  }),
)

/** Opaque to callers, who only hand it back. */
const cursorOf = <S extends Schema.Codec<unknown, unknown>>(schema: S) =>
  Schema.StringFromBase64Url.pipe(Schema.decodeTo(Schema.fromJsonString(Schema.toCodecJson(schema))))

const Cursor = cursorOf(RecordedCursor)
const IdCursor = cursorOf(Uuid.Uuid)

/** Digits alone: a number may also be written as `0x10` or `1e2`. */
const digits = (pattern: RegExp, minimum: number, maximum: number) =>
  Schema.String.check(Schema.isPattern(pattern, { message: `Expected a number from ${minimum} to ${maximum}.` })).pipe(
    Schema.decodeTo(Schema.FiniteFromString.check(Schema.isBetween({ minimum, maximum }))),
  )

const Limit = digits(/^[1-9][0-9]{0,2}$/, 1, 200)

const Seconds = digits(/^[1-9][0-9]{0,8}$/, 1, 999_999_999)

const Flag = Schema.Literals(["true", "false"]).pipe(
  Schema.decodeTo(Schema.Boolean, {
    decode: SchemaGetter.transform((text) => text === "true"),
    encode: SchemaGetter.transform((flag) => (flag ? ("true" as const) : ("false" as const))),
  }),
)

const paging = { limit: Schema.optionalKey(Limit), cursor: Schema.optionalKey(Cursor) }
const pagingById = { limit: Schema.optionalKey(Limit), cursor: Schema.optionalKey(IdCursor) }

/** What every list of transfers can be restricted to. */
const filters = {
  connectionId: Schema.optionalKey(Uuid.FromString),
  currency: Schema.optionalKey(Amount.Currency),
  /** First asked for at this time or later, and before that. */
  from: Schema.optionalKey(Time),
  to: Schema.optionalKey(Time),
  order: Schema.optionalKey(Store.Order),
}

const stateful = {
  state: Schema.optionalKey(WireState),
  ...filters,
  /** For so many seconds in its state, or longer. */
  olderThan: Schema.optionalKey(Seconds),
}

const ofAdjustments = { ...filters, direction: Schema.optionalKey(Adjustment.Terms.fields.direction) }

const ofConnections = {
  clientId: Schema.optionalKey(Uuid.FromString),
  partnersConnectionId: Schema.optionalKey(Connection.Connection.fields.partnersConnectionId),
  partnerClientId: Schema.optionalKey(Connection.Connection.fields.partnerClientId),
  suspended: Schema.optionalKey(Flag),
}

const unavailable = Problems.UnavailableRetryAfter
const unreadable = [Problems.PayloadTooLarge, Problems.UnsupportedMediaType] as const

const Csv = HttpApiSchema.StreamUint8Array({ contentType: "text/csv" })
const EventStream = HttpApiSchema.StreamUint8Array({ contentType: "text/event-stream" })

/** The whole of a list as CSV. */
const csv = <const Name extends string, const Path extends `/${string}`, Query extends Schema.Struct.Fields>(
  name: Name,
  path: Path,
  query: Query,
  what: string,
) =>
  HttpApiEndpoint.get(name, path, { query, success: Csv, error: unavailable }).annotate(
    OpenApi.Summary,
    `All ${what} that the query says, as CSV, with every digit.`,
  )

const ofKind = (what: string) =>
  `Lists ${what}, newest first unless \`order\` says otherwise, 50 to a page unless \`limit\` does.`

const Place = Store.Place

/** An entry of the journal, in its place. */
export const PlacedEntry = Schema.Struct({
  cursor: Place,
  kind: Schema.Literals(Struct.keys(Ledger.kinds)),
  transferId: Uuid.Uuid,
  event: WireEvent,
  connectionId: Uuid.Uuid,
  currency: Amount.Currency,
  quantity: BaseUnits.FromString,
  balances: Schema.Struct(balances),
  at,
  /** Of the account's chain; where the store keeps none, null. */
  hash: Schema.NullOr(Schema.String),
})

/** Sums have no bound. */
const sums = of(Account.Balance.literals, Schema.BigIntFromString)

/** What an operator asked for, and what became of it: null where it was begun and nobody knows its end. */
const LogEntry = Schema.Struct({
  id: Uuid.Uuid,
  at,
  operator: Schema.String,
  role: Schema.String,
  action: Schema.String,
  reason: Schema.NullOr(Schema.String),
  outcome: Schema.NullOr(Schema.String),
})

/** A request that this process answered lately. */
const RequestSeen = Schema.Struct({
  at,
  method: Schema.String,
  route: Schema.String,
  status: Schema.Int,
  durationMillis: Schema.Number,
})

/** What is reserved now of a kind in a currency, and for how long. */
const ReservedAnswer = Schema.Struct({
  kind: Schema.String,
  currency: Amount.Currency,
  count: Schema.Int,
  quantity: Schema.BigIntFromString,
  oldestAt: at,
  ages: Schema.Array(Schema.Struct({ upToSeconds: Schema.NullOr(Schema.Int), count: Schema.Int })),
})

/** How this process is doing, and what is open. */
const OverviewAnswer = Schema.Struct({
  at,
  reserved: Schema.Array(ReservedAnswer),
  requests: Schema.Struct({
    secondsEach: Schema.Int,
    series: Schema.Array(
      Schema.Struct({
        at,
        answered: Schema.Int,
        refused: Schema.Int,
        failed: Schema.Int,
        p50Millis: Schema.NullOr(Schema.Number),
        p99Millis: Schema.NullOr(Schema.Number),
      }),
    ),
    byReason: Schema.Array(Schema.Struct({ reason: Schema.String, count: Schema.Int })),
  }),
  queue: Schema.Struct({ waiting: Schema.NullOr(Schema.Int), inFlight: Schema.NullOr(Schema.Int) }),
  database: Schema.Struct({ up: Schema.Boolean }),
})

const settled = [Problems.LockNotFound, Problems.StateConflict, Problems.IdInUse, unavailable] as const

export const OperatorApi = HttpApiGroup.make("operator")
  .add(
    HttpApiEndpoint.put("register", "/connections/:connectionId", {
      params: { connectionId },
      payload: ConnectionRequest,
      success: Connection.Connection,
      error: [...unreadable, Problems.ConnectionConflict, unavailable],
    })
      .annotate(Needs, "admin")
      .annotate(OpenApi.Summary, "Registers a connection, for good."),
    HttpApiEndpoint.get("connection", "/connections/:connectionId", {
      params: { connectionId },
      success: ConnectionAnswer,
      error: [Problems.ConnectionNotFound, unavailable],
    }).annotate(OpenApi.Summary, "Shows a connection and its balances."),
    HttpApiEndpoint.put("suspend", "/connections/:connectionId/suspend", {
      params: { connectionId },
      success: ConnectionAnswer,
      error: [Problems.ConnectionNotFound, unavailable],
    }).annotate(OpenApi.Summary, "Suspends a connection: no new allocation is taken. What is reserved goes on."),
    HttpApiEndpoint.put("resume", "/connections/:connectionId/resume", {
      params: { connectionId },
      success: ConnectionAnswer,
      error: [Problems.ConnectionNotFound, unavailable],
    }).annotate(OpenApi.Summary, "Resumes a suspended connection."),
    HttpApiEndpoint.get("connections", "/connections", {
      query: { ...ofConnections, ...pagingById },
      success: Schema.Struct({ connections: Schema.Array(RegisteredAnswer), nextCursor: Schema.NullOr(IdCursor) }),
      error: unavailable,
    }).annotate(
      OpenApi.Summary,
      "Lists connections in the order of their ids, 50 to a page unless `limit` says otherwise.",
    ),
    csv("connectionsCsv", "/connections.csv", ofConnections, "connections"),
    HttpApiEndpoint.post("issueToken", "/connection-tokens", {
      payload: TokenRequest,
      success: IssuedAnswer.pipe(HttpApiSchema.status(201)),
      error: [...unreadable, unavailable],
    }).annotate(
      OpenApi.Summary,
      "Issues a token for an account, shown this once. It works once, for a day unless it is said.",
    ),
    HttpApiEndpoint.get("tokens", "/connection-tokens", {
      query: { partnersConnectionId: ofConnections.partnersConnectionId, ...pagingById },
      success: Schema.Struct({ connectionTokens: Schema.Array(TokenAnswer), nextCursor: Schema.NullOr(IdCursor) }),
      error: unavailable,
    }).annotate(
      OpenApi.Summary,
      "Lists tokens, newest first, 50 to a page unless `limit` says otherwise; never their text.",
    ),
    HttpApiEndpoint.put("revokeToken", "/connection-tokens/:tokenId/revoke", {
      params: { tokenId: Uuid.FromString },
      success: TokenAnswer,
      error: [Problems.ConnectionTokenNotFound, Problems.ConnectionTokenUsed, unavailable],
    }).annotate(OpenApi.Summary, "Makes a token void that was not used."),
    HttpApiEndpoint.put("adjust", "/adjustments/:adjustmentId", {
      params: { adjustmentId },
      payload: AdjustmentRequest,
      success: AdjustmentAnswer,
      error: [
        ...unreadable,
        Problems.ConnectionNotFound,
        Problems.AdjustmentMismatch,
        Problems.IdInUse,
        Problems.UnknownCurrency,
        Problems.CurrencyLooksAlike,
        Problems.InsufficientBalance,
        Problems.BaseUnitsOverflow,
        unavailable,
      ],
    })
      .annotate(Needs, "admin")
      .annotate(OpenApi.Summary, "Credits or debits available balance, once per id."),
    HttpApiEndpoint.get("adjustments", "/adjustments", {
      query: { ...ofAdjustments, ...paging },
      success: Schema.Struct({ adjustments: Schema.Array(AdjustmentAnswer), nextCursor: Schema.NullOr(Cursor) }),
      error: unavailable,
    }).annotate(OpenApi.Summary, ofKind("adjustments")),
    csv("adjustmentsCsv", "/adjustments.csv", ofAdjustments, "adjustments"),
    HttpApiEndpoint.get("adjustment", "/adjustments/:adjustmentId", {
      params: { adjustmentId },
      success: Schema.Struct({
        ...AdjustmentAnswer.fields,
        ...journalOf(WireAdjustment),
      }),
      error: [Problems.AdjustmentNotFound, unavailable],
    }).annotate(OpenApi.Summary, "Shows an adjustment."),
    HttpApiEndpoint.put("lock", "/locks/:lockId", {
      params: { lockId },
      payload: LockRequest,
      success: LockAnswer,
      error: [
        ...unreadable,
        Problems.ConnectionNotFound,
        Problems.TermsMismatch,
        Problems.StateConflict,
        Problems.IdInUse,
        Problems.InsufficientBalance,
        unavailable,
      ],
    }).annotate(OpenApi.Summary, "Sets available balance aside, for an open order, say."),
    HttpApiEndpoint.put("clearLock", "/locks/:lockId/clear", {
      params: { lockId },
      success: LockAnswer,
      error: settled,
    }).annotate(OpenApi.Summary, "Spends what a lock holds: it leaves the account."),
    HttpApiEndpoint.put("releaseLock", "/locks/:lockId/release", {
      params: { lockId },
      success: LockAnswer,
      error: settled,
    }).annotate(OpenApi.Summary, "Gives back what a lock holds: it is available again."),
    HttpApiEndpoint.get("locks", "/locks", {
      query: { ...stateful, ...paging },
      success: Schema.Struct({ locks: Schema.Array(LockAnswer), nextCursor: Schema.NullOr(Cursor) }),
      error: unavailable,
    }).annotate(OpenApi.Summary, ofKind("locks")),
    csv("locksCsv", "/locks.csv", stateful, "locks"),
    HttpApiEndpoint.get("findLock", "/locks/:lockId", {
      params: { lockId },
      success: Schema.Struct({ ...LockAnswer.fields, ...journalOf(WireState) }),
      error: [Problems.LockNotFound, unavailable],
    }).annotate(OpenApi.Summary, "Shows a lock and all that happened to it."),
    HttpApiEndpoint.get("allocations", "/allocations", {
      query: { ...stateful, ...paging },
      success: Schema.Struct({ allocations: Schema.Array(AllocationAnswer), nextCursor: Schema.NullOr(Cursor) }),
      error: unavailable,
    }).annotate(OpenApi.Summary, ofKind("allocations")),
    csv("allocationsCsv", "/allocations.csv", stateful, "allocations"),
    HttpApiEndpoint.get("allocation", "/allocations/:allocationId", {
      params: { allocationId: Uuid.FromString },
      success: Schema.Struct({ ...AllocationAnswer.fields, ...journalOf(WireState) }),
      error: [Problems.AllocationNotFound, unavailable],
    }).annotate(OpenApi.Summary, "Shows an allocation and all that happened to it."),
    HttpApiEndpoint.get("deallocations", "/deallocations", {
      query: { ...stateful, ...paging },
      success: Schema.Struct({ deallocations: Schema.Array(DeallocationAnswer), nextCursor: Schema.NullOr(Cursor) }),
      error: unavailable,
    }).annotate(OpenApi.Summary, ofKind("deallocations")),
    csv("deallocationsCsv", "/deallocations.csv", stateful, "deallocations"),
    HttpApiEndpoint.get("deallocation", "/deallocations/:deallocationId", {
      params: { deallocationId: Uuid.FromString },
      success: Schema.Struct({ ...DeallocationAnswer.fields, ...journalOf(WireState) }),
      error: [Problems.DeallocationNotFound, unavailable],
    }).annotate(OpenApi.Summary, "Shows a deallocation and all that happened to it."),
    HttpApiEndpoint.get("balances", "/balances", {
      success: Schema.Struct({
        totals: Schema.Array(
          Schema.Struct({
            currency: Amount.Currency,
            ...sums,
            accounts: Schema.Int,
          }),
        ),
      }),
      error: unavailable,
    }).annotate(OpenApi.Summary, "The balances of all connections together, by currency."),
    HttpApiEndpoint.get("overview", "/overview", { success: OverviewAnswer, error: unavailable }).annotate(
      OpenApi.Summary,
      "What is reserved and for how long, and how this process is doing.",
    ),
    HttpApiEndpoint.get("requests", "/requests", {
      query: { transferId: Uuid.FromString },
      success: Schema.Struct({ requests: Schema.Array(RequestSeen) }),
    }).annotate(OpenApi.Summary, "The requests about a transfer that this process answered lately, newest first."),
    HttpApiEndpoint.get("operatorsLog", "/operators/log", {
      query: pagingById,
      success: Schema.Struct({ entries: Schema.Array(LogEntry), nextCursor: Schema.NullOr(IdCursor) }),
      error: unavailable,
    }).annotate(OpenApi.Summary, "What operators changed, who, why and what became of it, newest first."),
    HttpApiEndpoint.get("connectionJournal", "/connections/:connectionId/journal", {
      params: { connectionId },
      query: { currency: Schema.optionalKey(Amount.Currency), limit: Schema.optionalKey(Limit) },
      success: Schema.Struct({ entries: Schema.Array(PlacedEntry) }),
      error: unavailable,
    }).annotate(
      OpenApi.Summary,
      "What happened to the connection's latest transfers, newest first, with the balances after it.",
    ),
    HttpApiEndpoint.get("journal", "/journal", {
      query: { after: Schema.optionalKey(Place), limit: Schema.optionalKey(Limit) },
      success: Schema.Struct({ entries: Schema.Array(PlacedEntry), next: Schema.NullOr(Place) }),
      error: [Problems.JournalPlaceNotFound, unavailable],
    }).annotate(
      OpenApi.Summary,
      "The journal of all accounts from the beginning, or after a cursor: whoever goes on from `next` misses nothing.",
    ),
    HttpApiEndpoint.get("journalStream", "/journal/stream", {
      query: { after: Schema.optionalKey(Place) },
      success: EventStream,
      error: [Problems.JournalPlaceNotFound, unavailable],
    })
      .annotate(Endless, true)
      .annotate(
        OpenApi.Summary,
        "The same as server-sent events, and what is added to it as it is added. `Last-Event-ID` resumes.",
      ),
  )
  .prefix("/operator/v1")
  .middleware(KnownQuery)
  .middleware(Operator)
