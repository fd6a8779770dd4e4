/** A store over Maps: small enough to read at once. One lock makes each command whole. */
import { Account, Amount, Connection, Ledger, Store, type Transfer, type Uuid } from "@holdfast/domain"
import { Array, DateTime, Effect, Order, Result, Semaphore } from "effect"

export const make = (policy: Transfer.Policy): Effect.Effect<Store.Store> =>
  Effect.sync(() => {
    const connections = new Map<Uuid.Uuid, Connection.Registered>()
    const tokens = new Map<Uuid.Uuid, Connection.Token>()
    const accounts = new Map<Ledger.AccountId, Ledger.AccountKey & { readonly account: Account.Account }>()
    const transfers = new Map<Uuid.Uuid, Ledger.Transfer>()
    const currencies = new Map<string, Set<Amount.Currency>>()
    const nonces = new Set<string>()
    const journal: Array<Ledger.Entry> = []

    const snapshot: Ledger.Snapshot = {
      connections,
      accounts: { get: (key) => accounts.get(key)?.account },
      transfers,
      nonces,
      currencies,
    }

    const write = (changes: Ledger.Changes) => {
      for (const [id, transfer] of changes.transfers) transfers.set(id, transfer)
      for (const [key, account] of changes.accounts) accounts.set(key, account)
      for (const nonce of changes.nonces.keys()) nonces.add(nonce)
      for (const code of changes.currencies) {
        currencies.set(Amount.folded(code), new Set(currencies.get(Amount.folded(code))).add(code))
      }
      journal.push(...changes.entries)
    }

    const placed = (entry: Ledger.Entry, n: number): ReadonlyArray<Store.Placed> => {
      const kind = transfers.get(entry.transferId)?.kind
      return kind === undefined ? [] : [{ ...entry, place: Store.Place.make(`${n + 1}`), kind, hash: undefined }]
    }

    const lock = Semaphore.makeUnsafe(1)
    /** Nothing else is done from when this reads to when it has written. */
    const alone = lock.withPermits(1)
    const decided = <A, E>(decide: () => Result.Result<A, E>) =>
      alone(Effect.suspend(() => Effect.fromResult(decide())))

    const useNonce = (nonce: Ledger.Nonce): Result.Result<void, Ledger.NonceUsed> => {
      if (Ledger.isUsed(snapshot, nonce)) return Result.fail(new Ledger.NonceUsed({ nonce: nonce.value }))
      nonces.add(nonce.value)
      return Result.void
    }

    return {
      execute: <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) =>
        alone(
          Effect.flatMap(Ledger.fold(snapshot, [instruction], policy), ({ outcomes: [outcome], changes }) => {
            // Also where the command was refused: its nonce is used.
            write(changes)
            return Effect.fromResult(outcome)
          }),
        ),

      useNonce: (nonce) => decided(() => useNonce(nonce)),

      register: (connection) =>
        decided(() => {
          const { connectionId } = connection
          const recorded = connections.get(connectionId) ?? { ...connection, suspended: false }
          const differences = Connection.differences(recorded, connection)
          if (differences.length > 0) {
            return Result.fail(new Connection.ConnectionConflict({ connectionId, differences }))
          }
          connections.set(connectionId, recorded)
          return Result.succeed(recorded)
        }),

      connect: (request, nonce) =>
        Effect.flatMap(DateTime.now, (now) =>
          decided((): Result.Result<Connection.Registered, Connection.ConnectFailure | Ledger.NonceUsed> => {
            const used = nonce === undefined ? Result.void : useNonce(nonce)
            if (Result.isFailure(used)) return Result.fail(used.failure)
            const recorded = connections.get(request.connectionId)
            const token = [...tokens.values()].find(({ hash }) => hash === request.tokenHash)
            const account = token?.partnersConnectionId
            const isConnected = [...connections.values()].some((known) => known.partnersConnectionId === account)
            const made = Connection.connect(request, { recorded, token, isConnected, now })
            if (Result.isSuccess(made) && recorded === undefined && token !== undefined) {
              connections.set(request.connectionId, made.success)
              tokens.set(token.id, { ...token, usedBy: request.connectionId })
            }
            return made
          }),
        ),

      issueToken: (token) =>
        decided(() => {
          // Issued before, it stays what has become of it.
          if (!tokens.has(token.id)) tokens.set(token.id, token)
          return Result.void
        }),

      revokeToken: (id) =>
        Effect.flatMap(DateTime.now, (revokedAt) =>
          decided((): Result.Result<Connection.Token, Connection.TokenNotFound | Connection.TokenUsed> => {
            const token = tokens.get(id)
            if (token === undefined) return Result.fail(new Connection.TokenNotFound({ id }))
            if (token.usedBy !== undefined) return Result.fail(new Connection.TokenUsed({ id, usedBy: token.usedBy }))
            const revoked = { revokedAt, ...token }
            tokens.set(id, revoked)
            return Result.succeed(revoked)
          }),
        ),

      tokens: ({ id: wanted, partnersConnectionId: account, cursor, limit }) =>
        Effect.sync(() => {
          const matching = [...tokens.values()]
            .filter((token) => account === undefined || token.partnersConnectionId === account)
            .filter(({ id }) => (wanted === undefined || id === wanted) && (cursor === undefined || id < cursor))
          const newestFirst = Array.sortWith(matching, ({ id }) => id, Order.flip(Order.String))
          return Store.page(newestFirst, limit, ({ id }) => id)
        }),

      suspend: (connectionId, suspended) =>
        decided(() => {
          const connection = connections.get(connectionId)
          if (connection === undefined) return Result.fail(new Connection.ConnectionNotFound({ connectionId }))
          connections.set(connectionId, { ...connection, suspended })
          return Result.succeed({ ...connection, suspended })
        }),

      connection: (connectionId) =>
        Effect.suspend(() => {
          const connection = connections.get(connectionId)
          if (connection === undefined) return Effect.fail(new Connection.ConnectionNotFound({ connectionId }))
          const balances = [...accounts.values()]
            .filter((account) => account.connectionId === connectionId)
            .map(({ currency, account }) => ({ currency, ...account }))
          return Effect.succeed({ connection, balances: Array.sortWith(balances, (_) => _.currency, Order.String) })
        }),

      connections: ({ cursor, limit, clientId, partnersConnectionId, partnerClientId, suspended }) =>
        Effect.sync(() => {
          const is = <A>(value: A, wanted: A | undefined) => wanted === undefined || value === wanted
          const matching = [...connections.values()]
            .filter((one) => is(one.clientId, clientId) && is(one.partnersConnectionId, partnersConnectionId))
            .filter((one) => is(one.partnerClientId, partnerClientId) && is(one.suspended, suspended))
            .filter((one) => cursor === undefined || one.connectionId > cursor)
          const inOrder = Array.sortWith(matching, (_) => _.connectionId, Order.String)
          return Store.page(inOrder, limit, (_) => _.connectionId)
        }),

      totals: Effect.sync(() => {
        const totals = new Map<Amount.Currency, Store.Total>()
        for (const { currency, account } of accounts.values()) {
          if (Account.isEmpty(account)) continue
          const sums = totals.get(currency) ?? { ...Account.empty, accounts: 0 }
          const sum = (balance: Account.Balance) => sums[balance] + account[balance]
          totals.set(currency, {
            currency,
            accounts: sums.accounts + 1,
            pending: sum("pending"),
            available: sum("available"),
            locked: sum("locked"),
            reserved: sum("reserved"),
            deallocated: sum("deallocated"),
          })
        }
        return Array.sortWith([...totals.values()], (_) => _.currency, Order.String)
      }),

      reserved: Effect.map(DateTime.now, (now) => Store.reservedIn(transfers.values(), now)),

      find: (kind, id) => Effect.suspend(() => Ledger.ofKind(kind, id, transfers.get(id))),

      list: <Kind extends Ledger.Kind>(kind: Kind, query: Store.Query) =>
        Effect.sync(() => {
          const order = Store.inOrder(query.order)
          const matching = [...transfers.values()]
            .filter((transfer) => Ledger.isOfKind(transfer, kind))
            .filter((transfer) => Store.matches(query, transfer))
            .toSorted((a, b) => order(Store.cursorOf(a), Store.cursorOf(b)))
          return Store.page(matching, query.limit, Store.cursorOf)
        }),

      journal: (id) =>
        Effect.sync(() => journal.flatMap((entry, n) => (entry.transferId === id ? placed(entry, n) : []))),

      // The n-th entry has the place n: one after another, none can come before it any more.
      entries: (after, limit) =>
        Effect.suspend(() => {
          const first = Number(after ?? 0)
          if (after !== undefined && first > journal.length) {
            return Effect.fail(new Store.PlaceNotFound({ place: after }))
          }
          return Effect.succeed(journal.slice(first, first + limit).flatMap((entry, n) => placed(entry, first + n)))
        }),

      entriesBefore: (before, limit) =>
        Effect.sync(() => {
          const newestFirst = journal.flatMap((entry, n) => placed(entry, n)).toReversed()
          return newestFirst
            .filter(({ place }) => before === undefined || BigInt(place) < BigInt(before))
            .slice(0, limit)
        }),

      ready: Effect.void,
    }
  })
