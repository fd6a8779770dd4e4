/**
 * What keeps transfers, accounts and connections: {@link Store} is all that it has
 * to do. `MemoryStore` keeps them in memory, `@holdfast/persistence` in PostgreSQL.
 * Each decides through {@link Ledger.fold}, and so they answer alike.
 */
import { DateTime, type Effect, Order, Schema } from "effect"
import type * as Account from "./Account.ts"
import * as Amount from "./Amount.ts"
import type * as Connection from "./Connection.ts"
import type * as Deallocation from "./Deallocation.ts"
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
 * A place in a list of deallocations, newest first: the next page begins after it.
 *
 * @category schemas
 */
export const Cursor = Schema.Struct({ createdAt: Schema.DateTimeUtc, id: Uuid.Uuid })

/** @category models */
export type Cursor = typeof Cursor.Type

/**
 * Which deallocations to list. What is left out does not restrict. `limit` is
 * the size of a page, 1 to 200.
 *
 * @category schemas
 */
export const Query = Schema.Struct({
  state: Schema.optionalKey(Transfer.TwoPhaseState),
  connectionId: Schema.optionalKey(Uuid.Uuid),
  currency: Schema.optionalKey(Amount.Currency),
  cursor: Schema.optionalKey(Cursor),
  limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 })),
})

/** @category models */
export type Query = typeof Query.Type

/**
 * A page of a list, and where the next one begins if there is more.
 *
 * @category models
 */
export interface Page {
  readonly deallocations: ReadonlyArray<Deallocation.Deallocation>
  readonly next: Cursor | undefined
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
  /** Registers a connection for good; the same again is no change. */
  readonly register: (
    connection: Connection.Connection,
  ) => Effect.Effect<Connection.Connection, Connection.ConnectionConflict | Unavailable>
  /** A registered connection with its balances, by currency. */
  readonly connection: (
    connectionId: Uuid.Uuid,
  ) => Effect.Effect<
    { readonly connection: Connection.Connection; readonly balances: ReadonlyArray<Balance> },
    Connection.ConnectionNotFound | Unavailable
  >
  /** The transfer of a kind with this id. */
  readonly find: <Kind extends Ledger.Kind>(
    kind: Kind,
    id: Uuid.Uuid,
  ) => Effect.Effect<Extract<Ledger.Transfer, { readonly kind: Kind }>, Transfer.TransferNotFound | Unavailable>
  /** Deallocations, newest first. */
  readonly list: (query: Query) => Effect.Effect<Page, Unavailable>
  /** What happened under an id, oldest first; nothing for an id that is not in use. */
  readonly journal: (transferId: Uuid.Uuid) => Effect.Effect<ReadonlyArray<Ledger.Entry>, Unavailable>
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
export const page = (deallocations: ReadonlyArray<Deallocation.Deallocation>, limit: number): Page => {
  const shown = deallocations.slice(0, limit)
  const last = shown.at(-1)
  return { deallocations: shown, next: deallocations.length > limit && last ? cursorOf(last) : undefined }
}

/**
 * A deallocation's place in a list.
 *
 * @category getters
 */
export const cursorOf = ({ terms, createdAt }: Deallocation.Deallocation): Cursor => ({
  createdAt,
  id: terms.id,
})

/**
 * Whether a deallocation belongs in a list, after its cursor if it has one.
 *
 * @category getters
 */
export const matches = (query: Query, deallocation: Deallocation.Deallocation): boolean =>
  (query.state === undefined || deallocation.state === query.state) &&
  (query.connectionId === undefined || deallocation.terms.connectionId === query.connectionId) &&
  (query.currency === undefined || deallocation.terms.amount.currency === query.currency) &&
  (query.cursor === undefined || newestFirst(cursorOf(deallocation), query.cursor) > 0)

/**
 * The order of a list: newest first.
 *
 * @category instances
 */
export const newestFirst: Order.Order<Cursor> = Order.flip(
  Order.combine(
    Order.mapInput(DateTime.Order, (cursor: Cursor) => cursor.createdAt),
    Order.mapInput(Order.String, (cursor: Cursor) => cursor.id),
  ),
)
