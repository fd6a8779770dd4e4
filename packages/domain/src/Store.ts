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
 * A place in a list of transfers: the next page begins after it.
 *
 * @category schemas
 */
export const Cursor = Schema.Struct({ createdAt: Schema.DateTimeUtc, id: Uuid.Uuid })

/** @category models */
export type Cursor = typeof Cursor.Type

/**
 * The size of a page, 1 to 200.
 *
 * @category schemas
 */
export const Limit = Schema.Int.check(
  Schema.isBetween({ minimum: 1, maximum: 200 }, { expected: "a limit of 1 to 200" }),
).pipe(Parsing.telling)

/**
 * The order of a list: by when transfers were first asked for.
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
 * @category schemas
 */
export const Query = Schema.Struct({
  state: Schema.optional(Transfer.State),
  connectionId: Schema.optional(Uuid.Uuid),
  currency: Schema.optional(Amount.Currency),
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
 * @category schemas
 */
export const TokenQuery = Schema.Struct({
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
  /** Keeps a token for a connection to come. */
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
  readonly journal: (transferId: Uuid.Uuid) => Effect.Effect<ReadonlyArray<Ledger.Entry>, Unavailable>
  /**
   * Entries of all accounts after a place, the next ones, at most so many. Whoever goes on from the last of them misses
   * none: an entry has its place only once none can come before it any more. Fails with {@link PlaceNotFound} where there
   * never was such a place: whoever asks for it has followed another journal.
   */
  readonly entries: (
    after: Place | undefined,
    limit: number,
  ) => Effect.Effect<ReadonlyArray<Placed>, PlaceNotFound | Unavailable>
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
 * @category getters
 */
export const cursorOf = ({ terms, createdAt }: Transfer.Transfer): Cursor => ({ createdAt, id: terms.id })

/**
 * Whether a transfer belongs in a list, after its cursor if it has one.
 *
 * @category getters
 */
export const matches = (query: Query, transfer: Transfer.Transfer): boolean =>
  (query.state === undefined || transfer.state === query.state) &&
  (query.connectionId === undefined || transfer.terms.connectionId === query.connectionId) &&
  (query.currency === undefined || transfer.terms.amount.currency === query.currency) &&
  (query.from === undefined || !DateTime.isLessThan(transfer.createdAt, query.from)) &&
  (query.to === undefined || DateTime.isLessThan(transfer.createdAt, query.to)) &&
  (query.unchangedSince === undefined || !DateTime.isGreaterThan(transfer.updatedAt, query.unchangedSince)) &&
  (query.cursor === undefined || inOrder(query.order)(cursorOf(transfer), query.cursor) > 0)

const oldestFirst: Order_.Order<Cursor> = Order_.combine(
  Order_.mapInput(DateTime.Order, (cursor: Cursor) => cursor.createdAt),
  Order_.mapInput(Order_.String, (cursor: Cursor) => cursor.id),
)

/**
 * The order of a list.
 *
 * @category instances
 */
export const inOrder = (order: Order | undefined): Order_.Order<Cursor> =>
  order === "oldest" ? oldestFirst : Order_.flip(oldestFirst)
