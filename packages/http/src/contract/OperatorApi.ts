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
import { Context, DateTime, Record, Schema, SchemaGetter, Struct } from "effect"
import {
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  HttpApiSecurity,
  OpenApi,
} from "effect/http-api"
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
  security: {
    operatorToken: HttpApiSecurity.bearer.pipe(
      HttpApiSecurity.annotate(
        OpenApi.Description,
        "A token that the server is set up with (`OPERATOR_TOKEN`; on its own database the server has made one, in `operator-token` of its data directory).",
      ),
    ),
  },
}) {}

/** Lets only such queries pass as are declared: a misspelt filter would otherwise be none, and a doubled one either. */
export class KnownQuery extends HttpApiMiddleware.Service<KnownQuery>()("@holdfast/http/KnownQuery", {
  error: Problems.MalformedRequest,
}) {}

/** What an operator may do, see `Operators.Role`. */
export type Role = "read" | "operate" | "admin"

/** Of an endpoint that changes something: the role that it takes; whoever operates may do that of which nothing is said. */
export const Needs = Context.Reference<Role>("@holdfast/http/Needs", { defaultValue: () => "operate" })

/** Of an endpoint: whether its answer goes on for as long as anybody listens. */
export const Endless = Context.Reference("@holdfast/http/Endless", { defaultValue: () => false })

const { connectionId, ...identifiers } = Connection.Connection.fields
const { id: adjustmentId, ...adjustment } = Adjustment.Terms.fields
const { id: lockId, ...lock } = Lock.Terms.fields

/** What a connection is registered with; its id is in the path. */
export const ConnectionRequest = Schema.Struct(identifiers)

const says = (summary: string, description: string) => OpenApi.annotations({ summary, description })

/** A field of a schema for each name. */
const of = <Name extends string, S>(names: ReadonlyArray<Name>, schema: S) =>
  Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, S>

const balances = of(Account.Balance.literals, BaseUnits.FromString)

const at = Schema.DateTimeUtcFromString

/** When a transfer was first asked for, and when it came into its present state. */
const moments = { createdAt: at, updatedAt: at }

const RegisteredAnswer = Connection.Registered.annotate({ identifier: "Registered", description: "A connection." })

const ConnectionAnswer = Schema.Struct({
  ...Connection.Registered.fields,
  balances: Schema.Array(Schema.Struct({ currency: Amount.Currency, ...balances })),
}).annotate({ identifier: "Connection", description: "A connection with its balances." })

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
}).annotate({ identifier: "ConnectionToken", description: "A token, without its text." })

/** The token itself is shown this once. */
const IssuedAnswer = Schema.Struct({ ...TokenAnswer.fields, connectionToken: Schema.String }).annotate({
  description: "The token.",
})

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
}).annotate({ identifier: "Adjustment", description: "An adjustment." })

/** What a lock is made with; its id is in the path. */
export const LockRequest = Schema.Struct({ ...lock, amount: WireAmount.FromString })

const LockAnswer = Schema.Struct({ lockId, ...LockRequest.fields, state: WireState, ...moments }).annotate({
  identifier: "Lock",
  description: "A lock.",
})

/** The terms of what the network asks for. */
const asked = { amount: WireAmount.FromString, ...Connection.Connection.fields }

const DeallocationAnswer = Schema.Struct({
  deallocationId: Uuid.FromString,
  ...asked,
  partnerDeallocationId: Transfer.PartnerTransferId,
  state: WireState,
  rejectionReason: Schema.optionalKey(Deallocation.RejectionReason),
  ...moments,
}).annotate({ identifier: "Deallocation", description: "A deallocation." })

const AllocationAnswer = Schema.Struct({
  allocationId: Uuid.FromString,
  ...asked,
  partnerAllocationId: Transfer.PartnerTransferId,
  state: WireState,
  rejectionReason: Schema.optionalKey(Allocation.RejectionReason),
  ...moments,
}).annotate({ identifier: "Allocation", description: "An allocation." })

/** What is answered of each kind. */
export const answers = {
  deallocation: DeallocationAnswer,
  allocation: AllocationAnswer,
  lock: LockAnswer,
  adjustment: AdjustmentAnswer,
}

/**
 * With what happened to it, oldest first, and the balances after that. `hash` is the SHA-256 of `hashed`, which has the hash
 * before it: null where the store keeps none, or the entry before is not among the account's latest.
 */
const withJournal = <Fields extends Schema.Struct.Fields, Event extends Schema.Constraint>(
  answer: Schema.Struct<Fields>,
  event: Event,
) =>
  Schema.Struct({
    ...answer.fields,
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
  }).annotate({ description: "What it is, and what happened to it." })

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
const digits = (pattern: RegExp, minimum: number, maximum: number) => {
  const said = { message: `Expected a number from ${minimum} to ${maximum}.` }
  return Schema.String.check(Schema.isPattern(pattern, said)).pipe(
    Schema.decodeTo(Schema.FiniteFromString.check(Schema.isBetween({ minimum, maximum }, said))),
  )
}

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

/** Those that the network asks for have an id of the partner's as well. */
const ofNetworks = <const Name extends string>(name: Name) => ({
  ...stateful,
  ...({ [name]: Schema.optionalKey(Transfer.PartnerTransferId) } as {
    readonly [_ in Name]: Schema.optionalKey<typeof Transfer.PartnerTransferId>
  }),
})

const ofAllocations = ofNetworks("partnerAllocationId")
const ofDeallocations = ofNetworks("partnerDeallocationId")

const ofAdjustments = { ...filters, direction: Schema.optionalKey(Adjustment.Terms.fields.direction) }

const ofConnections = {
  clientId: Schema.optionalKey(Uuid.FromString),
  partnersConnectionId: Schema.optionalKey(Connection.Connection.fields.partnersConnectionId),
  partnerClientId: Schema.optionalKey(Connection.Connection.fields.partnerClientId),
  suspended: Schema.optionalKey(Flag),
}

/** A page of a list, and where the next begins. */
const pageOf = <const Name extends string, Item extends Schema.Constraint, Cursor extends Schema.Constraint>(
  name: Name,
  item: Item,
  cursor: Cursor,
) =>
  Schema.Struct({
    ...({ [name]: Schema.Array(item) } as { readonly [N in Name]: Schema.$Array<Item> }),
    nextCursor: Schema.NullOr(cursor),
  }).annotate({ description: "A page of the list." })

const unavailable = Problems.UnavailableRetryAfter
const unreadable = [Problems.PayloadTooLarge, Problems.UnsupportedMediaType] as const

const Csv = HttpApiSchema.StreamUint8Array({ contentType: "text/csv" })
const EventStream = HttpApiSchema.StreamUint8Array({ contentType: "text/event-stream" })

const askedColumns = [
  "amount.currency",
  "amount.quantity",
  "clientId",
  "connectionId",
  "partnersConnectionId",
  "partnerClientId",
]
const stateColumns = ["state", "rejectionReason", "createdAt", "updatedAt"]
const ownColumns = ["connectionId", "amount.currency", "amount.quantity", "memo"]

/** The columns of each list as CSV, by the names of its fields. */
export const columns = {
  deallocation: ["deallocationId", ...askedColumns, "partnerDeallocationId", ...stateColumns],
  allocation: ["allocationId", ...askedColumns, "partnerAllocationId", ...stateColumns],
  lock: ["lockId", ...ownColumns, "state", "createdAt", "updatedAt"],
  adjustment: ["adjustmentId", "direction", ...ownColumns, "createdAt"],
  connection: ["connectionId", "clientId", "partnersConnectionId", "partnerClientId", "suspended"],
}

/** The whole of a list as CSV. */
const csv = <const Name extends string, const Path extends `/${string}`, Query extends Schema.Struct.Fields>(
  name: Name,
  path: Path,
  query: Query,
  kind: keyof typeof columns,
) =>
  HttpApiEndpoint.get(name, path, { query, success: Csv, error: unavailable })
    .annotateMerge(
      says(`Export ${kind}s.`, `All ${kind}s that the query says, as CSV: one to a row, with every digit.`),
    )
    .annotate(OpenApi.Transform, answering("The rows, below the names of their columns.", columns[kind]))

/** Says of an answer that is no JSON what is in it; `Document` makes an example of that. */
const answering = (description: string, columns?: ReadonlyArray<string>) => (operation: Record<string, unknown>) => {
  const responses = operation["responses"] as Record<string, { content: Record<string, unknown> }>
  const content = Record.map(responses[200]?.content ?? {}, () => ({ columns }))
  return { ...operation, responses: { ...responses, 200: { description, content } } }
}

const ofKind = (what: string) =>
  says(`List ${what}.`, "Newest first unless `order` says otherwise, 50 to a page unless `limit` does.")

/** Clients of server-sent events come back with this header by themselves. */
const resumable = (operation: Record<string, unknown>) => ({
  ...answering("Events, for as long as anybody listens.")(operation),
  parameters: [
    ...(operation["parameters"] as ReadonlyArray<unknown>),
    {
      name: "Last-Event-ID",
      in: "header",
      required: false,
      schema: { type: "string", description: "The `id` of the last event that came. It goes before `after`." },
      example: "42",
    },
  ],
})

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
}).annotate({ identifier: "Entry", description: "An entry of the journal, in its place." })

const JournalPage = Schema.Struct({ entries: Schema.Array(PlacedEntry), next: Schema.NullOr(Place) }).annotate({
  description: "Entries, and where to go on.",
})

/** Sums have no bound. */
const sums = of(Account.Balance.literals, Schema.BigIntFromString)

const TotalAnswer = Schema.Struct({ currency: Amount.Currency, ...sums, accounts: Schema.Int })

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
  answeredWith: Schema.Int,
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
export const OverviewAnswer = Schema.Struct({
  at,
  /** The last entry of the journal. */
  lastEntry: Schema.NullOr(PlacedEntry),
  totals: Schema.Array(TotalAnswer),
  reservations: Schema.Array(ReservedAnswer),
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
}).annotate({ description: "How it is doing." })

const settled = [Problems.LockNotFound, Problems.StateConflict, Problems.IdInUse, unavailable] as const

export const OperatorApi = HttpApiGroup.make("operator")
  .annotate(OpenApi.Title, "Operator")
  .add(
    HttpApiEndpoint.put("register", "/connections/:connectionId", {
      params: { connectionId },
      payload: ConnectionRequest,
      success: Connection.Connection.annotate({ description: "The connection." }),
      error: [...unreadable, Problems.ConnectionConflict, unavailable],
    })
      .annotate(Needs, "admin")
      .annotateMerge(
        says(
          "Register a connection.",
          "On the partner's own word: no token is asked for. Sent again, it is the same connection; with other identifiers it is a 409 that names each difference.",
        ),
      ),
    HttpApiEndpoint.get("connection", "/connections/:connectionId", {
      params: { connectionId },
      success: ConnectionAnswer,
      error: [Problems.ConnectionNotFound, unavailable],
    }).annotateMerge(says("Find a connection.", "With the balances of its accounts, one for each currency.")),
    HttpApiEndpoint.put("suspend", "/connections/:connectionId/suspend", {
      params: { connectionId },
      success: ConnectionAnswer,
      error: [Problems.ConnectionNotFound, unavailable],
    }).annotateMerge(
      says(
        "Suspend a connection.",
        "No new allocation is taken; whether new deallocations are is a setting (`SUSPENDED_DEALLOCATIONS`). What is reserved is cleared or released all the same.",
      ),
    ),
    HttpApiEndpoint.put("resume", "/connections/:connectionId/resume", {
      params: { connectionId },
      success: ConnectionAnswer,
      error: [Problems.ConnectionNotFound, unavailable],
    }).annotateMerge(says("Resume a connection.", "New allocations are taken again.")),
    HttpApiEndpoint.get("connections", "/connections", {
      query: { ...ofConnections, ...pagingById },
      success: pageOf("connections", RegisteredAnswer, IdCursor),
      error: unavailable,
    }).annotateMerge(
      says("List connections.", "In the order of their ids, 50 to a page unless `limit` says otherwise."),
    ),
    csv("connectionsCsv", "/connections.csv", ofConnections, "connection"),
    HttpApiEndpoint.post("issueToken", "/connection-tokens", {
      payload: TokenRequest,
      success: IssuedAnswer.pipe(HttpApiSchema.status(201)),
      error: [...unreadable, unavailable],
    }).annotateMerge(
      says(
        "Issue a token.",
        "For one of the partner's accounts. Its text is shown this once, and stored only as a hash. It works once, for a day unless `expiresInSeconds` says otherwise.",
      ),
    ),
    HttpApiEndpoint.get("tokens", "/connection-tokens", {
      query: {
        tokenId: Schema.optionalKey(Uuid.FromString),
        partnersConnectionId: ofConnections.partnersConnectionId,
        ...pagingById,
      },
      success: pageOf("connectionTokens", TokenAnswer, IdCursor),
      error: unavailable,
    }).annotateMerge(
      says("List tokens.", "Newest first, 50 to a page unless `limit` says otherwise; never their text."),
    ),
    HttpApiEndpoint.put("revokeToken", "/connection-tokens/:tokenId/revoke", {
      params: { tokenId: Uuid.FromString },
      success: TokenAnswer,
      error: [Problems.ConnectionTokenNotFound, Problems.ConnectionTokenUsed, unavailable],
    }).annotateMerge(
      says(
        "Revoke a token.",
        "It does not work any more. One that was used cannot be revoked: suspend its connection.",
      ),
    ),
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
      .annotateMerge(
        says(
          "Credit or debit available balance.",
          "Once per id: sent again, nothing moves. A debit of more than is available is a 422, and changes nothing. A code that is new and differs only in case from a known one is a 422 unless `newCurrency` says that it is meant.",
        ),
      ),
    HttpApiEndpoint.get("adjustments", "/adjustments", {
      query: { ...ofAdjustments, ...paging },
      success: pageOf("adjustments", AdjustmentAnswer, Cursor),
      error: unavailable,
    }).annotateMerge(ofKind("adjustments")),
    csv("adjustmentsCsv", "/adjustments.csv", ofAdjustments, "adjustment"),
    HttpApiEndpoint.get("adjustment", "/adjustments/:adjustmentId", {
      params: { adjustmentId },
      success: withJournal(AdjustmentAnswer, WireAdjustment),
      error: [Problems.AdjustmentNotFound, unavailable],
    }).annotateMerge(says("Find an adjustment.", "With its entry of the journal.")),
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
    }).annotateMerge(
      says(
        "Lock available balance.",
        "What is locked can be neither traded nor deallocated, until the lock is cleared or released. More than is available is a 422, and changes nothing.",
      ),
    ),
    HttpApiEndpoint.put("clearLock", "/locks/:lockId/clear", {
      params: { lockId },
      success: LockAnswer,
      error: settled,
    }).annotateMerge(says("Clear a lock.", "What it holds is spent: it leaves the account.")),
    HttpApiEndpoint.put("releaseLock", "/locks/:lockId/release", {
      params: { lockId },
      success: LockAnswer,
      error: settled,
    }).annotateMerge(says("Release a lock.", "What it holds is available again.")),
    HttpApiEndpoint.get("locks", "/locks", {
      query: { ...stateful, ...paging },
      success: pageOf("locks", LockAnswer, Cursor),
      error: unavailable,
    }).annotateMerge(ofKind("locks")),
    csv("locksCsv", "/locks.csv", stateful, "lock"),
    HttpApiEndpoint.get("findLock", "/locks/:lockId", {
      params: { lockId },
      success: withJournal(LockAnswer, WireState),
      error: [Problems.LockNotFound, unavailable],
    }).annotateMerge(says("Find a lock.", "With all that happened to it.")),
    HttpApiEndpoint.get("allocations", "/allocations", {
      query: { ...ofAllocations, ...paging },
      success: pageOf("allocations", AllocationAnswer, Cursor),
      error: unavailable,
    }).annotateMerge(ofKind("allocations")),
    csv("allocationsCsv", "/allocations.csv", ofAllocations, "allocation"),
    HttpApiEndpoint.get("allocation", "/allocations/:allocationId", {
      params: { allocationId: Uuid.FromString },
      success: withJournal(AllocationAnswer, WireState),
      error: [Problems.AllocationNotFound, unavailable],
    }).annotateMerge(says("Find an allocation.", "With all that happened to it.")),
    HttpApiEndpoint.get("deallocations", "/deallocations", {
      query: { ...ofDeallocations, ...paging },
      success: pageOf("deallocations", DeallocationAnswer, Cursor),
      error: unavailable,
    }).annotateMerge(ofKind("deallocations")),
    csv("deallocationsCsv", "/deallocations.csv", ofDeallocations, "deallocation"),
    HttpApiEndpoint.get("deallocation", "/deallocations/:deallocationId", {
      params: { deallocationId: Uuid.FromString },
      success: withJournal(DeallocationAnswer, WireState),
      error: [Problems.DeallocationNotFound, unavailable],
    }).annotateMerge(says("Find a deallocation.", "With all that happened to it.")),
    HttpApiEndpoint.get("balances", "/balances", {
      success: Schema.Struct({
        totals: Schema.Array(TotalAnswer),
      }).annotate({ description: "The sums." }),
      error: unavailable,
    }).annotateMerge(says("Sum up all balances.", "Of all connections together, by currency. Sums have no bound.")),
    HttpApiEndpoint.get("overview", "/overview", { success: OverviewAnswer, error: unavailable }).annotateMerge(
      says("See how it is doing.", "What is reserved and for how long, and how this process is doing."),
    ),
    HttpApiEndpoint.get("overviewStream", "/overview/stream", { success: EventStream, error: unavailable })
      .annotate(Endless, true)
      .annotateMerge(
        says(
          "Watch how it is doing.",
          "As server-sent events: the overview, now and every 2 seconds if it changed, at least every 10.",
        ),
      )
      .annotate(OpenApi.Transform, answering("Events, for as long as anybody listens.")),
    HttpApiEndpoint.get("requests", "/requests", {
      query: { transferId: Uuid.FromString },
      success: Schema.Struct({ requests: Schema.Array(RequestSeen) }).annotate({ description: "The requests." }),
    }).annotateMerge(
      says(
        "Find the requests about a transfer.",
        "The requests about a transfer that this process answered lately, newest first.",
      ),
    ),
    HttpApiEndpoint.get("operatorsLog", "/operators/log", {
      query: pagingById,
      success: Schema.Struct({ entries: Schema.Array(LogEntry), nextCursor: Schema.NullOr(IdCursor) }).annotate({
        description: "A page of changes.",
      }),
      error: unavailable,
    }).annotateMerge(
      says("Read what operators changed.", "What operators changed, who, why and what became of it, newest first."),
    ),
    HttpApiEndpoint.get("connectionJournal", "/connections/:connectionId/journal", {
      params: { connectionId },
      query: { currency: Schema.optionalKey(Amount.Currency), limit: Schema.optionalKey(Limit) },
      success: Schema.Struct({ entries: Schema.Array(PlacedEntry) }).annotate({
        description: "Entries, newest first.",
      }),
      error: unavailable,
    }).annotateMerge(
      says(
        "Read a connection's history.",
        "What happened to the connection's latest transfers, newest first, with the balances after it.",
      ),
    ),
    HttpApiEndpoint.get("journal", "/journal", {
      query: { after: Schema.optionalKey(Place), limit: Schema.optionalKey(Limit) },
      success: JournalPage,
      error: [Problems.JournalPlaceNotFound, unavailable],
    }).annotateMerge(
      says(
        "Read the journal.",
        "Of all accounts from the beginning, or after a place. Whoever goes on from `next` misses nothing.",
      ),
    ),
    HttpApiEndpoint.get("journalNewest", "/journal/newest", {
      query: { before: Schema.optionalKey(Place), limit: Schema.optionalKey(Limit) },
      success: JournalPage,
      error: unavailable,
    }).annotateMerge(
      says("Read the journal backwards.", "Of all accounts from the end, or before a place; newest first."),
    ),
    HttpApiEndpoint.get("changesStream", "/journal/changes/stream", {
      query: { withEntries: Schema.optionalKey(Flag) },
      success: EventStream,
      error: unavailable,
    })
      .annotate(Endless, true)
      .annotateMerge(
        says(
          "Watch what changes.",
          "As server-sent events, one a second at most: what the journal's entries after one place (`after`) until another (`last`) are about. An `after` that is not the `last` that came before, or null, says that anything may have changed; the entries are the newest 200 at most then.",
        ),
      )
      .annotate(OpenApi.Transform, answering("Events, for as long as anybody listens.")),
    HttpApiEndpoint.get("journalStream", "/journal/stream", {
      query: { after: Schema.optionalKey(Place) },
      success: EventStream,
      error: [Problems.JournalPlaceNotFound, unavailable],
    })
      .annotate(Endless, true)
      .annotateMerge(
        says(
          "Follow the journal.",
          "As server-sent events: what is there after a place, then what is added. The `data` of each is an entry as pages have it, its `id` its place; a comment comes where there are none for long. `Last-Event-ID` resumes after the last that came.",
        ),
      )
      .annotate(OpenApi.Transform, resumable),
  )
  .prefix("/operator/v1")
  .middleware(KnownQuery)
  .middleware(Operator)
