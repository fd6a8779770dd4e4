/**
 * A store in the memory of this process, for embedding and tests.
 */
import { Array as Array_, DateTime, Effect, Layer, Order, Semaphore } from "effect"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import type * as Account from "./Account.ts"
import * as Connection from "./Connection.ts"
import * as Holdfast from "./Holdfast.ts"
import * as Ledger from "./Ledger.ts"
import * as Store from "./Store.ts"
import type * as Transfer from "./Transfer.ts"
import type * as Uuid from "./Uuid.ts"

/**
 * Keeps everything in the memory of this process: nothing survives it.
 *
 * ```ts
 * import { Account, Adjustment, Connection, Deallocation, Holdfast, MemoryStore } from "@holdfast/domain"
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
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   direction: "credit",
 *   amount: { currency: "BTC", quantity: 5n },
 * })
 * const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000004",
 *   amount: { currency: "BTC", quantity: 2n },
 *   ...connection,
 * })
 *
 * const program = Effect.gen(function* () {
 *   const holdfast = yield* Holdfast.Holdfast
 *   yield* holdfast.register(connection)
 *   yield* holdfast.adjust(credit)
 *   yield* holdfast.reserve("deallocation", terms)
 *   yield* holdfast.clear("deallocation", terms.id)
 *   return yield* holdfast.connection(connection.connectionId)
 * })
 * const { balances } = Effect.runSync(program.pipe(Effect.provide(MemoryStore.layer())))
 * assert.deepEqual(balances, [{ currency: "BTC", ...Account.empty, available: 3n, deallocated: 2n }])
 * ```
 *
 * @category layers
 */
export const layer = (options?: {
  readonly releasedRepost?: Transfer.ReleasedRepost
}): Layer.Layer<Holdfast.Holdfast> =>
  Layer.effect(
    Holdfast.Holdfast,
    Effect.flatMap(make(options), ({ store }) => Holdfast.make(store)),
  ).pipe(Layer.provide(layerWebCrypto))

/**
 * The store of {@link layer}, to wrap it, and
 * its books: every entry in order, and every transfer as it is now.
 *
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (options?: {
  readonly releasedRepost?: Transfer.ReleasedRepost
}): Effect.fn.Return<{ readonly store: Store.Store; readonly books: Store.Books }> {
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

  const store: Store.Store = {
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
    find: (kind, id) => Effect.suspend(() => Ledger.ofKind(kind, id, transfers.get(id))),
    list: (query) =>
      Effect.sync(() => {
        const matching = Array.from(transfers.values())
          .filter((transfer) => transfer.kind === "deallocation")
          .filter((deallocation) => Store.matches(query, deallocation))
          .toSorted((a, b) => Store.newestFirst(Store.cursorOf(a), Store.cursorOf(b)))
        return Store.page(matching, query.limit)
      }),
    journal: (transferId) => Effect.sync(() => entries.filter((entry) => entry.transferId === transferId)),
    ready: Effect.void,
  }
  return { store, books: { entries, transfers } }
})
