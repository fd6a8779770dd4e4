/**
 * The service: deallocations, adjustments and balances over a store that keeps
 * them. {@link layerMemory} keeps them in memory, for embedding and tests;
 * `@holdfast/persistence` keeps them in PostgreSQL. Both decide through
 * {@link Ledger.fold} and answer alike.
 *
 * Every command may be sent again, under the same id, until it is answered.
 * Each time it is sent it acts once at most, and not at all where it finds what
 * it asks for done. A rejection is a success of the call, with a deallocation in
 * state `Rejected`.
 */
import { Array as Array_, Context, DateTime, Effect, Layer, Order, Schema, Semaphore } from "effect"
import * as SecureRandom_ from "effect/crypto/SecureRandom"
import { SecureRandom } from "effect/crypto/SecureRandom"
import type * as Account from "./Account.ts"
import type * as Adjustment from "./Adjustment.ts"
import * as Amount from "./Amount.ts"
import * as Connection from "./Connection.ts"
import * as Deallocation from "./Deallocation.ts"
import * as Ledger from "./Ledger.ts"
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
export const Cursor = Schema.Struct({ createdAt: Schema.DateTimeUtc, deallocationId: Uuid.Uuid })

/** @category models */
export type Cursor = typeof Cursor.Type

/**
 * Which deallocations to list. What is left out does not restrict. `limit` is
 * the size of a page, 1 to 200.
 *
 * @category schemas
 */
export const Query = Schema.Struct({
  state: Schema.optionalKey(Deallocation.State),
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
  readonly find: (
    deallocationId: Uuid.Uuid,
  ) => Effect.Effect<Deallocation.Deallocation, Deallocation.DeallocationNotFound | Unavailable>
  /** Newest first. */
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

type Reserve = Extract<Ledger.Command, { readonly _tag: "Reserve" }>
type Clear = Extract<Ledger.Command, { readonly _tag: "Clear" }>
type Release = Extract<Ledger.Command, { readonly _tag: "Release" }>

/**
 * Deallocations, adjustments and balances.
 *
 * @category services
 */
export class Deallocations extends Context.Service<
  Deallocations,
  Omit<Store, "execute"> & {
    /** Moves the amount from available to reserved, or records why not. */
    readonly reserve: (terms: Deallocation.Terms, nonce?: Ledger.Nonce) => Execution<Reserve>
    /** Moves the amount from reserved to deallocated. */
    readonly clear: (deallocationId: Uuid.Uuid, nonce?: Ledger.Nonce) => Execution<Clear>
    /** Moves the amount back from reserved to available. */
    readonly release: (deallocationId: Uuid.Uuid, nonce?: Ledger.Nonce) => Execution<Release>
    /** Credits or debits available balance. */
    readonly adjust: (terms: Adjustment.Terms) => Execution<Adjustment.Command>
  }
>()("@holdfast/domain/Deallocations") {}

/**
 * The service over a store. Times come from the `Clock`, ids from
 * `SecureRandom`, once per command.
 *
 * @category constructors
 */
export const make = Effect.fnUntraced(function* ({ execute, ...reads }: Store) {
  const random = yield* SecureRandom
  return Deallocations.of({
    ...reads,
    reserve: Effect.fnUntraced(function* (terms, nonce) {
      const partnerDeallocationId = Uuid.Uuid.make(yield* random.uuidV7())
      const at = yield* DateTime.now
      return yield* execute({ command: { _tag: "Reserve", terms, partnerDeallocationId, at }, nonce })
    }),
    clear: (deallocationId, nonce) =>
      Effect.flatMap(DateTime.now, (at) => execute({ command: { _tag: "Clear", deallocationId, at }, nonce })),
    release: (deallocationId, nonce) =>
      Effect.flatMap(DateTime.now, (at) => execute({ command: { _tag: "Release", deallocationId, at }, nonce })),
    adjust: (terms) =>
      Effect.flatMap(DateTime.now, (at) => execute({ command: { _tag: "Adjust", terms, at }, nonce: undefined })),
  })
})

/**
 * Keeps everything in the memory of this process: nothing survives it.
 *
 * ```ts
 * import { Adjustment, Connection, Deallocation, Deallocations } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const credit = Schema.decodeUnknownSync(Adjustment.Terms)({
 *   adjustmentId: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   direction: "credit",
 *   amount: { currency: "BTC", quantity: 5n },
 * })
 * const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   deallocationId: "018f3f1e-0000-7000-8000-000000000004",
 *   amount: { currency: "BTC", quantity: 2n },
 *   ...connection,
 * })
 *
 * const program = Effect.gen(function* () {
 *   const deallocations = yield* Deallocations.Deallocations
 *   yield* deallocations.register(connection)
 *   yield* deallocations.adjust(credit)
 *   yield* deallocations.reserve(terms)
 *   yield* deallocations.clear(terms.deallocationId)
 *   return yield* deallocations.connection(connection.connectionId)
 * })
 * const { balances } = Effect.runSync(program.pipe(Effect.provide(Deallocations.layerMemory())))
 * assert.deepEqual(balances, [{ currency: "BTC", available: 3n, reserved: 0n, deallocated: 2n }])
 * ```
 *
 * @category layers
 */
export const layerMemory = (options?: {
  readonly releasedRepost?: Deallocation.ReleasedRepost
}): Layer.Layer<Deallocations> =>
  Layer.effect(
    Deallocations,
    Effect.flatMap(makeStoreMemory(options), ({ store }) => make(store)),
  ).pipe(Layer.provide(SecureRandom_.layerWebCrypto))

/**
 * The store of {@link layerMemory}, to put something of one's own around it, and
 * its books: every entry in order, and every transfer as it is now.
 *
 * @category constructors
 */
export const makeStoreMemory = Effect.fnUntraced(function* (options?: {
  readonly releasedRepost?: Deallocation.ReleasedRepost
}): Effect.fn.Return<{ readonly store: Store; readonly books: Books }> {
  const { releasedRepost = "reserve" } = options ?? {}
  const mutex = yield* Semaphore.make(1)
  const connections = new Map<Uuid.Uuid, Connection.Connection>()
  const accounts = new Map<Ledger.AccountId, Ledger.AccountKey & { readonly account: Account.Account }>()
  const transfers = new Map<Uuid.Uuid, Ledger.Transfer>()
  const nonces = new Map<string, Ledger.Nonce>()
  const entries: Array<Ledger.Entry> = []
  let forgottenUntil: DateTime.Utc | undefined
  const snapshot: Ledger.Snapshot = {
    connections,
    accounts: { get: (key) => accounts.get(key)?.account },
    transfers,
    nonces,
    get forgottenUntil() {
      return forgottenUntil
    },
  }

  const forgetExpired = Effect.map(DateTime.now, (now) => {
    // Oldest first: the first that still counts ends the sweep.
    for (const [value, { expiresAt }] of nonces) {
      if (DateTime.isGreaterThanOrEqualTo(expiresAt, now)) return
      nonces.delete(value)
      forgottenUntil = forgottenUntil === undefined ? expiresAt : DateTime.max(forgottenUntil, expiresAt)
    }
  })

  const commit = (changes: Ledger.Changes) => {
    for (const [id, transfer] of changes.transfers) transfers.set(id, transfer)
    for (const [key, account] of changes.accounts) accounts.set(key, account)
    for (const [value, nonce] of changes.nonces) nonces.set(value, nonce)
    entries.push(...changes.entries)
  }

  const store: Store = {
    execute: <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) =>
      Ledger.fold(snapshot, [instruction], { releasedRepost }).pipe(
        Effect.flatMap(({ outcomes: [outcome], changes }) => {
          commit(changes)
          return Effect.fromResult(outcome)
        }),
        mutex.withPermits(1),
        Effect.tap(forgetExpired),
      ),
    useNonce: (nonce) =>
      Effect.suspend(() => {
        if (Ledger.isUsed(snapshot, nonce)) return Effect.fail(new Ledger.NonceUsed({ nonce: nonce.value }))
        nonces.set(nonce.value, nonce)
        return Effect.void
      }).pipe(mutex.withPermits(1)),
    register: (connection) =>
      Effect.suspend(() => {
        const recorded = connections.get(connection.connectionId) ?? connection
        const differences = Connection.differences(recorded, connection)
        if (differences.length > 0) {
          return Effect.fail(new Connection.ConnectionConflict({ connectionId: connection.connectionId, differences }))
        }
        connections.set(connection.connectionId, recorded)
        return Effect.succeed(recorded)
        // In one order with the commands: none that finds no connection is recorded after it was registered.
      }).pipe(mutex.withPermits(1)),
    connection: (connectionId) =>
      Effect.suspend(() => {
        const connection = connections.get(connectionId)
        if (connection === undefined) return Effect.fail(new Connection.ConnectionNotFound({ connectionId }))
        const balances = Array.from(accounts.values())
          .filter((account) => account.connectionId === connectionId)
          .map(({ currency, account }) => ({ currency, ...account }))
        return Effect.succeed({ connection, balances: Array_.sortWith(balances, (_) => _.currency, Order.String) })
      }),
    find: (deallocationId) =>
      Effect.suspend(() => {
        const transfer = transfers.get(deallocationId)
        return transfer === undefined || transfer._tag === "Adjustment"
          ? Effect.fail(new Deallocation.DeallocationNotFound({ deallocationId }))
          : Effect.succeed(transfer)
      }),
    list: (query) =>
      Effect.sync(() => {
        const matching = Array.from(transfers.values())
          .filter((transfer) => transfer._tag !== "Adjustment")
          .filter((deallocation) => matches(query, deallocation))
          .toSorted((a, b) => newestFirst(cursorOf(a), cursorOf(b)))
        return page(matching, query.limit)
      }),
    journal: (transferId) => Effect.sync(() => entries.filter((entry) => entry.transferId === transferId)),
    ready: Effect.void,
  }
  return { store, books: { entries, transfers } }
})

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

const cursorOf = ({ terms, createdAt }: Deallocation.Deallocation): Cursor => ({
  createdAt,
  deallocationId: terms.deallocationId,
})

const newestFirst: Order.Order<Cursor> = Order.flip(
  Order.combine(
    Order.mapInput(DateTime.Order, (cursor: Cursor) => cursor.createdAt),
    Order.mapInput(Order.String, (cursor: Cursor) => cursor.deallocationId),
  ),
)

const matches = (query: Query, deallocation: Deallocation.Deallocation): boolean =>
  (query.state === undefined || deallocation._tag === query.state) &&
  (query.connectionId === undefined || deallocation.terms.connectionId === query.connectionId) &&
  (query.currency === undefined || deallocation.terms.amount.currency === query.currency) &&
  (query.cursor === undefined || newestFirst(cursorOf(deallocation), query.cursor) > 0)
