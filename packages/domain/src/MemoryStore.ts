/**
 * A store in the memory of this process, for embedding and tests.
 */
import { Array as Array_, DateTime, Effect, type Layer, Order, Result, Semaphore, Struct } from "effect"
import * as Account from "./Account.ts"
import * as Amount from "./Amount.ts"
import * as Connection from "./Connection.ts"
import * as Holdfast from "./Holdfast.ts"
import * as Ledger from "./Ledger.ts"
import * as Store from "./Store.ts"
import type * as Transfer from "./Transfer.ts"
import type * as Uuid from "./Uuid.ts"

/**
 * Keeps everything in the memory of this process: nothing survives it. It is empty
 * whenever it is built, so provide it once, around all that is to see the same books.
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
export const layer = (policy?: Transfer.Policy): Layer.Layer<Holdfast.Holdfast> =>
  Holdfast.layer(Effect.map(make(policy), ({ store }) => store))

/**
 * The store of {@link layer}, to wrap it, and
 * its books: every entry in order, and every transfer as it is now.
 *
 * ```ts
 * import { Adjustment, Connection, MemoryStore } from "@holdfast/domain"
 * import { DateTime, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.gen(function* () {
 *   const { store, books } = yield* MemoryStore.make()
 *   const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *     connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *     clientId: "018f3f1e-0000-7000-8000-000000000002",
 *     partnersConnectionId: "account-7",
 *     partnerClientId: "client-3",
 *   })
 *   yield* store.register(connection)
 *   const terms = Schema.decodeUnknownSync(Adjustment.Terms)({
 *     id: "018f3f1e-0000-7000-8000-000000000003",
 *     connectionId: connection.connectionId,
 *     direction: "credit",
 *     amount: { currency: "BTC", quantity: 5n },
 *   })
 *   const command = Adjustment.Command.cases.Adjust.make({ terms, at: DateTime.makeUnsafe("2026-01-01T00:00:00Z") })
 *   yield* store.execute({ command, nonce: undefined })
 *   // The same again is the same: it makes no entry.
 *   yield* store.execute({ command, nonce: undefined })
 *   return books
 * })
 * const { entries, transfers } = Effect.runSync(program)
 * assert.deepEqual([entries.length, transfers.size], [1, 1])
 * ```
 *
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  policy: Transfer.Policy = {},
): Effect.fn.Return<{ readonly store: Store.Store; readonly books: Store.Books }> {
  const mutex = yield* Semaphore.make(1)
  const connections = new Map<Uuid.Uuid, Connection.Registered>()
  const tokens = new Map<Uuid.Uuid, Connection.Token>()
  const accounts = new Map<Ledger.AccountId, Ledger.AccountKey & { readonly account: Account.Account }>()
  const transfers = new Map<Uuid.Uuid, Ledger.Transfer>()
  const nonces = new Map<string, Ledger.Nonce>()
  const entries: Array<Ledger.Entry> = []
  const currencies = new Map<string, Set<Amount.Currency>>()
  let forgottenUntil: DateTime.Utc | undefined
  const snapshot: Ledger.Snapshot = {
    connections,
    accounts: { get: (key) => accounts.get(key)?.account },
    transfers,
    nonces,
    get forgottenUntil() {
      return forgottenUntil
    },
    currencies,
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
    for (const currency of changes.currencies) {
      const like = Amount.folded(currency)
      currencies.set(like, (currencies.get(like) ?? new Set()).add(currency))
    }
    for (const [value, nonce] of changes.nonces) nonces.set(value, nonce)
    entries.push(...changes.entries)
  }

  const placed = (entry: Ledger.Entry, index: number): ReadonlyArray<Store.Placed> => {
    const transfer = transfers.get(entry.transferId)
    const place = Store.Place.make(`${index + 1}`)
    return transfer === undefined ? [] : [{ ...entry, place, kind: transfer.kind, hash: undefined }]
  }

  const store: Store.Store = {
    execute: <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) =>
      Ledger.fold(snapshot, [instruction], policy).pipe(
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
        const { connectionId } = connection
        const recorded = connections.get(connectionId) ?? { ...connection, suspended: false }
        const differences = Connection.differences(recorded, connection)
        if (differences.length > 0) {
          return Effect.fail(new Connection.ConnectionConflict({ connectionId, differences }))
        }
        connections.set(connectionId, recorded)
        return Effect.succeed(recorded)
        // In one order with the commands: none that finds no connection is recorded after it was registered.
      }).pipe(mutex.withPermits(1)),
    connect: (request, nonce) =>
      Effect.flatMap(
        DateTime.now,
        (now): Effect.Effect<Connection.Registered, Connection.ConnectFailure | Ledger.NonceUsed> => {
          if (nonce !== undefined && Ledger.isUsed(snapshot, nonce)) {
            return Effect.fail(new Ledger.NonceUsed({ nonce: nonce.value }))
          }
          if (nonce !== undefined) nonces.set(nonce.value, nonce)
          const token = Array.from(tokens.values()).find(({ hash }) => hash === request.tokenHash)
          const isConnected = Array.from(connections.values()).some(
            ({ partnersConnectionId }) => partnersConnectionId === token?.partnersConnectionId,
          )
          const recorded = connections.get(request.connectionId)
          const made = Connection.connect(request, { recorded, token, isConnected, now })
          if (Result.isSuccess(made) && recorded === undefined && token !== undefined) {
            connections.set(request.connectionId, made.success)
            tokens.set(token.id, { ...token, usedBy: request.connectionId })
          }
          return Effect.fromResult(made)
        },
      ).pipe(mutex.withPermits(1)),
    issueToken: (token) =>
      Effect.sync(() => {
        // Asked for again, it is what has become of it.
        if (!tokens.has(token.id)) tokens.set(token.id, token)
      }),
    revokeToken: (id) =>
      Effect.flatMap(
        DateTime.now,
        (revokedAt): Effect.Effect<Connection.Token, Connection.TokenNotFound | Connection.TokenUsed> => {
          const token = tokens.get(id)
          if (token === undefined) return Effect.fail(new Connection.TokenNotFound({ id }))
          if (token.usedBy !== undefined) return Effect.fail(new Connection.TokenUsed({ id, usedBy: token.usedBy }))
          const revoked = { revokedAt, ...token }
          tokens.set(id, revoked)
          return Effect.succeed(revoked)
        },
      ).pipe(mutex.withPermits(1)),
    tokens: ({ id: wanted, partnersConnectionId, cursor, limit }) =>
      Effect.sync(() => {
        const matching = Array_.sortWith(Array.from(tokens.values()), ({ id }) => id, Order.flip(Order.String))
          .filter((token) => partnersConnectionId === undefined || token.partnersConnectionId === partnersConnectionId)
          .filter(({ id }) => (wanted === undefined || id === wanted) && (cursor === undefined || id < cursor))
        return Store.page(matching, limit, ({ id }) => id)
      }),
    suspend: (connectionId, suspended) =>
      Effect.suspend(() => {
        const connection = connections.get(connectionId)
        if (connection === undefined) return Effect.fail(new Connection.ConnectionNotFound({ connectionId }))
        const changed = { ...connection, suspended }
        connections.set(connectionId, changed)
        return Effect.succeed(changed)
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
    connections: ({ cursor, limit, ...wanted }) =>
      Effect.sync(() => {
        const fields = Struct.keys(wanted)
        const matching = Array_.sortWith(Array.from(connections.values()), (_) => _.connectionId, Order.String)
          .filter((connection) =>
            fields.every((field) => wanted[field] === undefined || connection[field] === wanted[field]),
          )
          .filter(({ connectionId }) => cursor === undefined || connectionId > cursor)
        return Store.page(matching, limit, (_) => _.connectionId)
      }),
    totals: Effect.sync(() => {
      const byCurrency = new Map<Amount.Currency, Array<{ readonly account: Account.Account }>>()
      for (const one of Array.from(accounts.values()).filter(({ account }) => !Account.isEmpty(account))) {
        const held = byCurrency.get(one.currency) ?? []
        byCurrency.set(one.currency, held)
        held.push(one)
      }
      const totals = Array.from(byCurrency, ([currency, held]): Store.Total => {
        const sum = (balance: Account.Balance) => held.reduce((sum, { account }) => sum + account[balance], 0n)
        const sums = Object.fromEntries(Account.Balance.literals.map((balance) => [balance, sum(balance)]))
        return { currency, accounts: held.length, ...(sums as Record<Account.Balance, bigint>) }
      })
      return Array_.sortWith(totals, ({ currency }) => currency, Order.String)
    }),
    reserved: Effect.map(DateTime.now, (now) => Store.reservedIn(transfers.values(), now)),
    list: <Kind extends Ledger.Kind>(kind: Kind, query: Store.Query) =>
      Effect.sync(() => {
        const order = Store.inOrder(query.order)
        const matching = Array.from(transfers.values())
          .filter((transfer) => Ledger.isOfKind(transfer, kind))
          .filter((transfer) => Store.matches(query, transfer))
          .toSorted((a, b) => order(Store.cursorOf(a), Store.cursorOf(b)))
        return Store.page(matching, query.limit, Store.cursorOf)
      }),
    entries: (after, limit) =>
      Effect.suspend(() => {
        const first = after === undefined ? 0 : Number(after)
        if (after !== undefined && first > entries.length) return Effect.fail(new Store.PlaceNotFound({ place: after }))
        const found = entries.slice(first, first + limit)
        return Effect.succeed(found.flatMap((entry, index) => placed(entry, first + index)))
      }),
    entriesBefore: (before, limit) =>
      Effect.sync(() => {
        const end = before === undefined ? entries.length : Math.min(entries.length, Math.max(0, Number(before) - 1))
        const first = Math.max(0, end - limit)
        return entries
          .slice(first, end)
          .flatMap((entry, index) => placed(entry, first + index))
          .toReversed()
      }),
    journal: (transferId) =>
      Effect.sync(() =>
        entries.flatMap((entry, index) => (entry.transferId === transferId ? placed(entry, index) : [])),
      ),
    ready: Effect.void,
  }
  return { store, books: { entries, transfers } }
})
