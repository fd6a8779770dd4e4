/**
 * What keeps transfers, accounts and connections: {@link Store} is all that it has
 * to do. `MemoryStore` keeps them in memory, `@holdfast/persistence` in PostgreSQL.
 * Each decides through {@link Ledger.fold}, and so they answer alike.
 */
import { DateTime, type Effect, Order as Order_, Schema } from "effect"
import type * as Account from "./Account.ts"
import * as Amount from "./Amount.ts"
import * as Connection from "./Connection.ts"
import * as Parsing from "./internal/parsing.ts"
import type * as Ledger from "./Ledger.ts"
import * as Transfer from "./Transfer.ts"
import * as Uuid from "./Uuid.ts"

/**
 * The store cannot answer now: it is away, overloaded or shutting down. Whether
 * the command took effect is unknown: send it again.
 *
 * ```ts
 * import { Store } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const error = new Store.Unavailable({ reason: "The database is away.", retryAfterSeconds: 1 })
 * assert.match(error.message, /^The database is away\. .*1 s/)
 *
 * // Send the same command again, under the same id, until it is answered.
 * let attempts = 0
 * const clear = Effect.suspend(() => (++attempts < 3 ? Effect.fail(error) : Effect.succeed("Cleared")))
 * assert.equal(
 *   Effect.runSync(Effect.retry(clear, { times: 5, while: ({ _tag }) => _tag === "Unavailable" })),
 *   "Cleared",
 * )
 * assert.equal(attempts, 3)
 * ```
 *
 * @category errors
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  reason: Schema.String,
  retryAfterSeconds: Schema.Int,
}) {
  override get message() {
    return `${this.reason} Retry after ${this.retryAfterSeconds} s.`
  }
}

/**
 * The balances of a connection in one currency.
 *
 * @category models
 */
export interface Balance extends Account.Account {
  readonly currency: Amount.Currency
}

/**
 * What all accounts of a currency have together, without a bound, and how many there are.
 *
 * @category models
 */
export type Total = { readonly [B in Account.Balance]: bigint } & {
  readonly currency: Amount.Currency
  readonly accounts: number
}

/**
 * What is reserved now of one kind in one currency.
 *
 * @category models
 */
export interface Reserved {
  readonly kind: Exclude<Ledger.Kind, "adjustment">
  readonly currency: Amount.Currency
  readonly count: number
  /** Together, without a bound. */
  readonly quantity: bigint
  /** Since when the one is that has been reserved for longest. */
  readonly oldestAt: DateTime.Utc
  /** How many have been so for less than each of {@link reservedAges} and not less than the one before; then those that are older. */
  readonly ages: ReadonlyArray<number>
}

/**
 * The ages by which what is reserved is counted, in seconds: a minute, five, an hour, six, a day.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Store } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.flatMap(Holdfast.Holdfast, ({ reserved }) => reserved)
 * const reserved = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * // Whatever has been reserved for an hour or longer.
 * const first = Store.reservedAges.indexOf(3_600) + 1
 * const late = reserved.flatMap(({ ages }) => ages.slice(first)).reduce((sum, count) => sum + count, 0)
 * assert.equal(late, 0)
 * ```
 *
 * @category constants
 */
export const reservedAges = [60, 300, 3_600, 21_600, 86_400] as const

/**
 * What is reserved of all transfers, or of those that are reserved, for a store that does not count them itself.
 *
 * ```ts
 * import { Amount, BaseUnits, type Ledger, Store, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const terms = { id, connectionId: id, amount }
 * const lock: Ledger.Transfer = { kind: "lock", state: "Reserved", terms, createdAt: at, updatedAt: at }
 * const [reserved] = Store.reservedIn([lock], DateTime.add(at, { minutes: 2 }))
 * assert.deepEqual([reserved?.count, reserved?.quantity, reserved?.ages], [1, 2n, [0, 1, 0, 0, 0, 0]])
 * ```
 *
 * @category getters
 */
export const reservedIn = (transfers: Iterable<Ledger.Transfer>, now: DateTime.Utc): ReadonlyArray<Reserved> => {
  const sums = new Map<string, Reserved>()
  for (const { kind, state, terms, updatedAt } of transfers) {
    if (kind === "adjustment" || state !== "Reserved") continue
    const { currency, quantity } = terms.amount
    const before = sums.get(`${kind} ${currency}`)
    const seconds = (DateTime.toEpochMillis(now) - DateTime.toEpochMillis(updatedAt)) / 1_000
    const age = reservedAges.filter((bound) => seconds >= bound).length
    sums.set(`${kind} ${currency}`, {
      kind,
      currency,
      count: (before?.count ?? 0) + 1,
      quantity: (before?.quantity ?? 0n) + quantity,
      oldestAt: before === undefined ? updatedAt : DateTime.min(before.oldestAt, updatedAt),
      ages: (before?.ages ?? [0, ...reservedAges].map(() => 0)).map((count, of) => (of === age ? count + 1 : count)),
    })
  }
  return Array.from(sums.values()).sort(mostReservedFirst)
}

const mostReservedFirst = Order_.combineAll([
  Order_.mapInput(Order_.flip(Order_.Number), ({ count }: Reserved) => count),
  Order_.mapInput(Order_.String, ({ currency }: Reserved) => currency),
  Order_.mapInput(Order_.String, ({ kind }: Reserved) => kind),
])

/**
 * A place in a list of transfers: the next page begins after it.
 *
 * ```ts
 * import { Store, Uuid } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * // As text, for a link to the next page.
 * const text = Schema.fromJsonString(Schema.toCodecJson(Store.Cursor))
 * const cursor = Store.Cursor.make({
 *   createdAt: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003"),
 * })
 * assert.deepEqual(Schema.decodeSync(text)(Schema.encodeSync(text)(cursor)), cursor)
 * ```
 *
 * @category schemas
 */
export const Cursor = Schema.Struct({ createdAt: Schema.DateTimeUtc, id: Uuid.Uuid })

/** @category models */
export type Cursor = typeof Cursor.Type

/**
 * The size of a page, 1 to 200.
 *
 * ```ts
 * import { Store } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Schema.is(Store.Limit)(200))
 * assert.throws(() => Store.Limit.make(0), /a limit of 1 to 200/)
 * ```
 *
 * @category schemas
 */
export const Limit = Schema.Int.check(
  Schema.isBetween({ minimum: 1, maximum: 200 }, { expected: "a limit of 1 to 200" }),
).pipe(Parsing.telling)

/**
 * The order of a list: by when transfers were first asked for.
 *
 * ```ts
 * import { Store } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Store.Order.literals, ["newest", "oldest"])
 * ```
 *
 * @category schemas
 */
export const Order = Schema.Literals(["newest", "oldest"])

/** @category models */
export type Order = typeof Order.Type

/**
 * Which transfers of a kind to list. What is left out does not restrict. `limit` is
 * the size of a page, 1 to 200.
 *
 * ```ts
 * import { Store } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * // Reserved for more than an hour, the oldest first.
 * const now = DateTime.makeUnsafe("2026-01-01T12:00:00Z")
 * const query = Store.Query.make({
 *   state: "Reserved",
 *   unchangedSince: DateTime.subtract(now, { hours: 1 }),
 *   order: "oldest",
 *   limit: 50,
 * })
 * assert.equal(DateTime.formatIso(query.unchangedSince ?? now), "2026-01-01T11:00:00.000Z")
 * assert.ok(!Schema.is(Store.Query)({ limit: 201 }))
 * ```
 *
 * @category schemas
 */
export const Query = Schema.Struct({
  state: Schema.optional(Transfer.State),
  connectionId: Schema.optional(Uuid.Uuid),
  currency: Schema.optional(Amount.Currency),
  /** The partner's own id of it, which several may share where the partner gave it to them. */
  partnerTransferId: Schema.optional(Transfer.PartnerTransferId),
  /** First asked for at this time or later. */
  from: Schema.optional(Schema.DateTimeUtc),
  /** First asked for before this time. */
  to: Schema.optional(Schema.DateTimeUtc),
  /** In its state since this time or longer: what has been reserved too long, say. */
  unchangedSince: Schema.optional(Schema.DateTimeUtc),
  /** Newest first where it is left out. */
  order: Schema.optional(Order),
  cursor: Schema.optional(Cursor),
  limit: Limit,
}).pipe(Parsing.telling)

/** @category models */
export type Query = typeof Query.Type

/**
 * A page of a list, and where the next one begins if there is more.
 *
 * @category models
 */
export interface Page<A, C = Cursor> {
  readonly items: ReadonlyArray<A>
  readonly next: C | undefined
}

/**
 * Which connections to list, in the order of their ids. What is left out does not restrict.
 *
 * ```ts
 * import { Connection, Holdfast, MemoryStore, Store } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const program = Effect.gen(function* () {
 *   const { register, connections } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   const suspended = yield* connections(Store.ConnectionQuery.make({ suspended: true, limit: 200 }))
 *   const ofClient = yield* connections(Store.ConnectionQuery.make({ partnerClientId: "client-3", limit: 200 }))
 *   return [suspended.items.length, ofClient.items.length]
 * })
 * assert.deepEqual(Effect.runSync(Effect.provide(program, MemoryStore.layer())), [0, 1])
 * ```
 *
 * @category schemas
 */
export const ConnectionQuery = Schema.Struct({
  clientId: Schema.optional(Uuid.Uuid),
  partnersConnectionId: Schema.optional(Connection.Connection.fields.partnersConnectionId),
  partnerClientId: Schema.optional(Connection.Connection.fields.partnerClientId),
  suspended: Schema.optional(Schema.Boolean),
  /** The id of the last of the page before. */
  cursor: Schema.optional(Uuid.Uuid),
  limit: Limit,
}).pipe(Parsing.telling)

/** @category models */
export type ConnectionQuery = typeof ConnectionQuery.Type

/**
 * Which tokens to list, newest first. What is left out does not restrict.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const tokenOf = (number: number) => ({
 *   id: Uuid.Uuid.make(`018f3f1e-0000-7000-8000-00000000000${number}`),
 *   hash: String(number).repeat(64),
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 *   issuedAt: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 *   expiresAt: DateTime.makeUnsafe("2026-01-02T00:00:00Z"),
 * })
 * const program = Effect.gen(function* () {
 *   const { issueToken, tokens } = yield* Holdfast.Holdfast
 *   yield* Effect.forEach([1, 2, 3].map(tokenOf), issueToken)
 *   const first = yield* tokens({ limit: 2 })
 *   assert.ok(first.next)
 *   const second = yield* tokens({ limit: 2, cursor: first.next })
 *   return [first.items, second.items].map((page) => page.map(({ id }) => id.at(-1)))
 * })
 * assert.deepEqual(Effect.runSync(Effect.provide(program, MemoryStore.layer())), [["3", "2"], ["1"]])
 * ```
 *
 * @category schemas
 */
export const TokenQuery = Schema.Struct({
  id: Schema.optional(Uuid.Uuid),
  partnersConnectionId: Schema.optional(Connection.Connection.fields.partnersConnectionId),
  /** The id of the last of the page before. */
  cursor: Schema.optional(Uuid.Uuid),
  limit: Limit,
}).pipe(Parsing.telling)

/** @category models */
export type TokenQuery = typeof TokenQuery.Type

/**
 * A place in the journal. It stays one whatever happens later, a restore of the
 * store from a backup included, where the store can see that it was restored.
 *
 * ```ts
 * import { Store } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isPlace = Schema.is(Store.Place)
 * assert.ok(isPlace("42"))
 * assert.ok(!isPlace("-1"))
 * ```
 *
 * @category schemas
 */
export const Place = Schema.String.check(
  Schema.isPattern(/^\d{1,18}$/, { expected: "a cursor of the journal: 1 to 18 digits" }),
).pipe(Schema.brand("Place"), Parsing.telling)

/** @category models */
export type Place = typeof Place.Type

/**
 * The journal is not that long: the place is of another one.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Store } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.flatMap(Holdfast.Holdfast, ({ entries }) =>
 *   Effect.flip(entries(Store.Place.make("42"), 100)),
 * )
 * const error = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(error._tag, "PlaceNotFound")
 * assert.match(error.message, /has no place 42/)
 * ```
 *
 * @category errors
 */
export class PlaceNotFound extends Schema.TaggedError<PlaceNotFound>()("PlaceNotFound", { place: Place }) {
  override get message() {
    return `The journal has no place ${this.place}: it is of another one.`
  }
}

/**
 * An entry of the journal in its place.
 *
 * @category models
 */
export interface Placed extends Ledger.Entry {
  readonly place: Place
  readonly kind: Ledger.Kind
  /** SHA-256 in hexadecimal, as `Journal` has it; of a store that keeps none, nothing. */
  readonly hash: string | undefined
}

/**
 * A command on its way: its outcome once that is durable.
 *
 * @category models
 */
export type Execution<C extends Ledger.Command> = Effect.Effect<Ledger.Success<C>, Ledger.Failure<C> | Unavailable>

/**
 * What a store does: it executes instructions, each durable before it is
 * answered, and reads what they left.
 *
 * @category models
 */
export interface Store {
  readonly execute: <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) => Execution<C>
  /** Uses up the nonce of a request that is no command. */
  readonly useNonce: (nonce: Ledger.Nonce) => Effect.Effect<void, Ledger.NonceUsed | Unavailable>
  /** Registers a connection for good, on the partner's word; the same again is no change. */
  readonly register: (
    connection: Connection.Connection,
  ) => Effect.Effect<Connection.Registered, Connection.ConnectionConflict | Unavailable>
  /** Registers a connection for good, on the word of a token ({@link Connection.connect}), and uses the nonce, both or neither. */
  readonly connect: (
    request: Connection.Request,
    nonce?: Ledger.Nonce,
  ) => Effect.Effect<Connection.Registered, Connection.ConnectFailure | Ledger.NonceUsed | Unavailable>
  /** Keeps a token for a connection to come; one with the same id again is no change. */
  readonly issueToken: (token: Connection.Token) => Effect.Effect<void, Unavailable>
  /** Makes a token void; the same again is no change. */
  readonly revokeToken: (
    tokenId: Uuid.Uuid,
  ) => Effect.Effect<Connection.Token, Connection.TokenNotFound | Connection.TokenUsed | Unavailable>
  readonly tokens: (query: TokenQuery) => Effect.Effect<Page<Connection.Token, Uuid.Uuid>, Unavailable>
  /** Suspends a connection, or resumes it; the same again is no change. */
  readonly suspend: (
    connectionId: Uuid.Uuid,
    suspended: boolean,
  ) => Effect.Effect<Connection.Registered, Connection.ConnectionNotFound | Unavailable>
  /** A registered connection with its balances, by currency. */
  readonly connection: (
    connectionId: Uuid.Uuid,
  ) => Effect.Effect<
    { readonly connection: Connection.Registered; readonly balances: ReadonlyArray<Balance> },
    Connection.ConnectionNotFound | Unavailable
  >
  readonly connections: (query: ConnectionQuery) => Effect.Effect<Page<Connection.Registered, Uuid.Uuid>, Unavailable>
  /** The balances of all connections together, by currency. */
  readonly totals: Effect.Effect<ReadonlyArray<Total>, Unavailable>
  /** What is reserved now, by kind and currency, the most numerous first. */
  readonly reserved: Effect.Effect<ReadonlyArray<Reserved>, Unavailable>
  /** The transfer of a kind with this id. */
  readonly find: <Kind extends Ledger.Kind>(
    kind: Kind,
    id: Uuid.Uuid,
  ) => Effect.Effect<Extract<Ledger.Transfer, { readonly kind: Kind }>, Transfer.TransferNotFound | Unavailable>
  /** The transfers of a kind. */
  readonly list: <Kind extends Ledger.Kind>(
    kind: Kind,
    query: Query,
  ) => Effect.Effect<Page<Extract<Ledger.Transfer, { readonly kind: Kind }>>, Unavailable>
  /** What happened under an id, oldest first; nothing for an id that is not in use. */
  readonly journal: (transferId: Uuid.Uuid) => Effect.Effect<ReadonlyArray<Placed>, Unavailable>
  /**
   * Entries of all accounts after a place, the next ones, at most so many. Whoever goes on from the last of them misses
   * none: an entry has its place only once none can come before it any more. Fails with {@link PlaceNotFound} where there
   * never was such a place: whoever asks for it has followed another journal.
   */
  readonly entries: (
    after: Place | undefined,
    limit: number,
  ) => Effect.Effect<ReadonlyArray<Placed>, PlaceNotFound | Unavailable>
  /**
   * Entries of all accounts before a place, or before the journal's end where none is given: the last ones, newest first,
   * at most so many. The first of them is where {@link Store.entries} goes on.
   */
  readonly entriesBefore: (
    before: Place | undefined,
    limit: number,
  ) => Effect.Effect<ReadonlyArray<Placed>, Unavailable>
  /** Succeeds where the store answers. */
  readonly ready: Effect.Effect<void, Unavailable>
}

/**
 * What a store keeps beside balances.
 *
 * @category models
 */
export interface Books {
  readonly entries: ReadonlyArray<Ledger.Entry>
  readonly transfers: ReadonlyMap<Uuid.Uuid, Ledger.Transfer>
}

/**
 * The first `limit` of a sorted list, and the cursor where there is more.
 *
 * ```ts
 * import { Store } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * // One more than asked for tells whether there is more.
 * assert.deepEqual(
 *   Store.page(["a", "b", "c"], 2, (last) => last),
 *   { items: ["a", "b"], next: "b" },
 * )
 * assert.deepEqual(
 *   Store.page(["a", "b"], 2, (last) => last),
 *   { items: ["a", "b"], next: undefined },
 * )
 * ```
 *
 * @category constructors
 */
export const page = <A, C>(all: ReadonlyArray<A>, limit: number, cursorOf: (last: A) => C): Page<A, C> => {
  const items = all.slice(0, limit)
  const last = items.at(-1)
  return { items, next: all.length > limit && last !== undefined ? cursorOf(last) : undefined }
}

/**
 * A transfer's place in a list.
 *
 * ```ts
 * import { Amount, BaseUnits, Store, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const [createdAt, updatedAt] = [
 *   DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 *   DateTime.makeUnsafe("2026-01-02T00:00:00Z"),
 * ]
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const terms = { id, connectionId: id, amount }
 * // Its place is the same in whatever state it is.
 * assert.deepEqual(Store.cursorOf({ kind: "lock", state: "Cleared", terms, createdAt, updatedAt }), { createdAt, id })
 * ```
 *
 * @category getters
 */
export const cursorOf = ({ terms, createdAt }: Transfer.Transfer): Cursor => ({ createdAt, id: terms.id })

/**
 * Whether a transfer belongs in a list, after its cursor if it has one.
 *
 * ```ts
 * import { Amount, BaseUnits, Ledger, Store, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const lock: Ledger.Transfer = {
 *   kind: "lock",
 *   state: "Reserved",
 *   terms: { id, connectionId: id, amount },
 *   createdAt: at,
 *   updatedAt: at,
 * }
 * assert.ok(Store.matches({ state: "Reserved", from: at, limit: 10 }, lock))
 * // The end of a span is not in it.
 * assert.ok(!Store.matches({ state: "Reserved", to: at, limit: 10 }, lock))
 * ```
 *
 * @category getters
 */
export const matches = (query: Query, transfer: Transfer.Transfer): boolean =>
  (query.state === undefined || transfer.state === query.state) &&
  (query.connectionId === undefined || transfer.terms.connectionId === query.connectionId) &&
  (query.currency === undefined || transfer.terms.amount.currency === query.currency) &&
  (query.partnerTransferId === undefined ||
    ("partnerTransferId" in transfer && transfer.partnerTransferId === query.partnerTransferId)) &&
  (query.from === undefined || !DateTime.isLessThan(transfer.createdAt, query.from)) &&
  (query.to === undefined || DateTime.isLessThan(transfer.createdAt, query.to)) &&
  (query.unchangedSince === undefined || !DateTime.isGreaterThan(transfer.updatedAt, query.unchangedSince)) &&
  (query.cursor === undefined || inOrder(query.order)(cursorOf(transfer), query.cursor) > 0)

const oldestFirst: Order_.Order<Cursor> = Order_.combine(
  Order_.mapInput(DateTime.Order, (cursor: Cursor) => cursor.createdAt),
  Order_.mapInput(Order_.String, (cursor: Cursor) => cursor.id),
)

/**
 * The order of a list: by time, and by id where times are equal. Newest first,
 * unless it is said.
 *
 * ```ts
 * import { Store, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const cursorAt = (time: string) => ({
 *   createdAt: DateTime.makeUnsafe(time),
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003"),
 * })
 * const [earlier, later] = [cursorAt("2026-01-01T00:00:00Z"), cursorAt("2026-01-02T00:00:00Z")]
 * assert.deepEqual([earlier, later].toSorted(Store.inOrder(undefined)), [later, earlier])
 * assert.deepEqual([later, earlier].toSorted(Store.inOrder("oldest")), [earlier, later])
 * ```
 *
 * @category instances
 */
export const inOrder = (order: Order | undefined): Order_.Order<Cursor> =>
  order === "oldest" ? oldestFirst : Order_.flip(oldestFirst)
