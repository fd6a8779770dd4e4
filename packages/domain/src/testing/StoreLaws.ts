/**
 * The laws of a store: those of the system that the `Holdfast` service makes of
 * it, and those of what only a store has: nonces, lists by time, the journal and
 * its feed, totals.
 */
import { Arbitrary, DateTime, Effect, Layer, type Scope } from "effect"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Account from "../Account.ts"
import * as Amount from "../Amount.ts"
import * as BaseUnits from "../BaseUnits.ts"
import type * as Connection from "../Connection.ts"
import * as Holdfast from "../Holdfast.ts"
import * as Ledger from "../Ledger.ts"
import * as Store from "../Store.ts"
import type * as Transfer from "../Transfer.ts"
import * as Uuid from "../Uuid.ts"
import * as Arbitraries from "./Arbitraries.ts"
import * as Law from "./Law.ts"
import type * as Model from "./Model.ts"
import * as System from "./System.ts"
import * as SystemLaws from "./SystemLaws.ts"

/**
 * Makes a store that runs with a policy, or finds the one that does: several
 * cases may share it, and others may use it meanwhile.
 *
 * @category models
 */
export type MakeStore = (policy: Transfer.Policy) => Effect.Effect<Store.Store, unknown, Scope.Scope>

/**
 * The laws of the stores that `make` makes, to be checked one by one by whatever
 * runs your tests: that its answers are the naive model's, that of requests at
 * the same time each acts once, and that its nonces, lists, journal and totals
 * are whole.
 *
 * ```ts
 * import { MemoryStore } from "@holdfast/domain"
 * import { laws } from "@holdfast/domain/testing"
 * import { Effect } from "effect"
 *
 * const makeStore = (policy: object) => Effect.map(MemoryStore.make(policy), ({ store }) => store)
 * for (const law of laws(makeStore, { runs: 10 })) await Effect.runPromise(law.check)
 * ```
 *
 * @category laws
 */
export const laws = (make: MakeStore, options: SystemLaws.Options = {}): ReadonlyArray<Law.Law> => [
  ...SystemLaws.systemLaws(
    (policy) =>
      Effect.gen(function* () {
        const currencies = policy.currencies === undefined ? undefined : new Set<string>(policy.currencies)
        const store = yield* SystemLaws.made("store", () => make({ ...policy, currencies }))
        return System.fromService(yield* serviceOn(store))
      }),
    options,
  ),
  ...Object.entries(ofStores).map(([id, { description, check }]) =>
    Law.example(id, description, withStore(make, check)),
  ),
  Law.property(
    "lists/transfers",
    "a list is in the order of first requests, and the same in pages of any size, either way, with any filter",
    Arbitrary.array(Arbitrary.all({ millis: Arbitraries.below(4), settled: Arbitraries.below(3) }), { maxLength: 8 }),
    (reservations) => withStore(make, (store) => listsAreWhole(store, reservations)),
    { runs: Math.min(20, options.runs ?? 20) },
  ),
]

const serviceOn = (store: Store.Store) => Effect.provide(Holdfast.make(store), Layer.fresh(layerWebCrypto))

const withStore = (
  make: MakeStore,
  check: (store: Store.Store) => Effect.Effect<void, unknown>,
): Effect.Effect<void, Law.Departure> =>
  SystemLaws.made("store", () => make({})).pipe(
    Effect.flatMap(check),
    Effect.scoped,
    Effect.mapError((error) =>
      error instanceof Law.Departure ? error : new Law.Departure({ message: `It failed with ${error}` }),
    ),
  )

const newId = () => Uuid.Uuid.make(System.newId())

const start = DateTime.makeUnsafe("2026-01-01T00:00:00Z")

const after = (millis: number): DateTime.Utc => DateTime.add(start, { milliseconds: millis })

/** A connection of its own with so much of a currency of its own. */
const funded = Effect.fnUntraced(function* (store: Store.Store, quantity: bigint) {
  const connection: Connection.Connection = {
    connectionId: newId(),
    clientId: newId(),
    partnersConnectionId: `account ${System.newId()}`,
    partnerClientId: "",
  }
  const currency = Amount.Currency.make(`law:${System.newId()}`)
  const amountOf = (units: bigint): Amount.Amount => ({ currency, quantity: BaseUnits.BaseUnits.make(units) })
  yield* store.register(connection)
  const adjust = (
    direction: "credit" | "debit",
    units: bigint,
    {
      newCurrency = false,
      memo,
      code = currency,
    }: { newCurrency?: boolean; memo?: string; code?: Amount.Currency } = {},
  ) => {
    const amount = { ...amountOf(units), currency: code }
    const terms = { id: newId(), connectionId: connection.connectionId, direction, amount }
    const noted = memo === undefined ? terms : { ...terms, memo }
    return { _tag: "Adjust", kind: "adjustment", terms: noted, at: start, newCurrency } as const
  }
  yield* store.execute({ command: adjust("credit", quantity), nonce: undefined })
  const reserve = (units: bigint, at: DateTime.Utc = start) => {
    const terms = { id: newId(), amount: amountOf(units), ...connection }
    return { _tag: "Reserve", kind: "deallocation", terms, partnerTransferId: newId(), at } as const
  }
  const settle = (_tag: "Clear" | "Release", id: Uuid.Uuid, at: DateTime.Utc = start) =>
    ({ _tag, kind: "deallocation", id, at }) as const
  return { connection, currency, adjust, reserve, settle }
})

/** Beyond what a double can tell from the next. */
const large = 2n ** 70n + 1n

const tokenOf = (account: Model.Account, issuedAt: DateTime.Utc, expiresAt: DateTime.Utc): Connection.Token => ({
  id: newId(),
  hash: System.tokenHash(System.newId()),
  ...account,
  issuedAt,
  expiresAt,
})

const entryOf = ({ transferId, event, connectionId, currency, quantity, balances, at, previousAt }: Ledger.Entry) => ({
  ...{ transferId, event, connectionId, currency, quantity, balances, at },
  ...(previousAt === undefined ? {} : { previousAt }),
})

const failureOf = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<E | "nothing"> =>
  Effect.match(effect, { onSuccess: () => "nothing" as const, onFailure: (error) => error })

const tagOf = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>): Effect.Effect<string> =>
  Effect.map(failureOf(effect), (failure) => (failure === "nothing" ? failure : failure._tag))

const example = (
  description: string,
  check: (store: Store.Store) => Effect.fn.Return<void, unknown>,
): { readonly description: string; readonly check: (store: Store.Store) => Effect.Effect<void, unknown> } => ({
  description,
  check: Effect.fnUntraced(check),
})

const ofStores = {
  "nonces/once": example("a nonce counts once, whatever came under it and whatever became of that", function* (store) {
    const { reserve, settle } = yield* funded(store, 1000n)
    const nonce = () => ({ value: System.newId(), expiresAt: DateTime.makeUnsafe(Date.UTC(2100)) })
    const shared = nonce()
    const outcomes = yield* Effect.all(
      Array.from({ length: 20 }, () => tagOf(store.execute({ command: reserve(1n), nonce: shared }))),
      { concurrency: "unbounded" },
    )
    yield* Law.same(
      outcomes.toSorted(),
      [...Array.from({ length: 19 }, () => "NonceUsed"), "nothing"],
      "What 20 commands under one nonce failed with",
    )
    yield* Law.same(yield* tagOf(store.useNonce(shared)), "NonceUsed", "What the nonce of a command fails with")
    const refused = nonce()
    const nothing = settle("Clear", newId())
    yield* Law.same(
      [
        yield* tagOf(store.execute({ command: nothing, nonce: refused })),
        yield* tagOf(store.execute({ command: reserve(1n), nonce: refused })),
      ],
      ["TransferNotFound", "NonceUsed"],
      "What a command under the nonce of a refused one fails with",
    )
    const used = nonce()
    yield* Law.same(
      [yield* tagOf(store.useNonce(used)), yield* tagOf(store.execute({ command: reserve(1n), nonce: used }))],
      ["nothing", "NonceUsed"],
      "What a command under a used nonce fails with",
    )
    const request = { connectionId: newId(), clientId: newId(), tokenHash: undefined }
    const shown = nonce()
    yield* Law.same(
      [
        yield* tagOf(store.connect(request, shown)),
        yield* tagOf(store.connect(request, shown)),
        yield* tagOf(store.useNonce(shown)),
      ],
      ["TokenRefused", "NonceUsed", "NonceUsed"],
      "What connecting without a token, again under its nonce, and using that nonce fail with",
    )
    const cased = { ...nonce(), value: `a${System.newId()}` }
    yield* store.useNonce(cased)
    yield* Law.same(
      yield* tagOf(store.useNonce({ ...cased, value: cased.value.toUpperCase() })),
      "nothing",
      "What another nonce, which differs in case, fails with",
    )
  }),

  "find/kinds": example("a transfer is found under its id and kind, and under no other", function* (store) {
    const { reserve } = yield* funded(store, 10n)
    const command = reserve(1n)
    const { id } = command.terms
    const made = yield* store.execute({ command, nonce: undefined })
    yield* Law.same<unknown>(yield* store.find("deallocation", id), made, "What is found")
    yield* store.ready
    const { connectionId } = command.terms
    const adjustments = yield* store.list("adjustment", { connectionId, limit: 2 })
    yield* Law.same(adjustments.items.length, 1, "How many adjustments the connection has")
    const unfiltered = [yield* store.list("deallocation", { limit: 1 }), yield* store.connections({ limit: 1 })]
    yield* Law.same(
      unfiltered.map(({ items }) => items.length),
      [1, 1],
      "How many of one are listed where nothing restricts it",
    )
    for (const kind of ["allocation", "lock", "adjustment"] as const) {
      yield* Law.same(
        yield* tagOf(store.find(kind, id)),
        "TransferNotFound",
        `What looking for it as a ${kind} ends with`,
      )
    }
    yield* Law.same(
      yield* tagOf(store.find("deallocation", newId())),
      "TransferNotFound",
      "What looking for another one ends with",
    )
    yield* Law.same((yield* store.journal(newId())).length, 0, "How many entries another one has")
  }),

  "times/kept": example("a transfer keeps the times of its first and of its last request", function* (store) {
    const { reserve, settle } = yield* funded(store, 10n)
    const command = reserve(1n, after(3))
    const { id } = command.terms
    yield* store.execute({ command, nonce: undefined })
    yield* store.execute({ command: { ...command, at: after(5) }, nonce: undefined })
    yield* store.execute({ command: settle("Clear", id, after(7)), nonce: undefined })
    yield* store.execute({ command: settle("Clear", id, after(9)), nonce: undefined })
    const { createdAt, updatedAt } = yield* store.find("deallocation", id)
    yield* Law.same(
      [createdAt, updatedAt].map(DateTime.formatIso),
      [after(3), after(7)].map(DateTime.formatIso),
      "Its times",
    )
  }),

  "journal/entries": example(
    "an entry has its quantity, its time, and when the one before it was; a rejection has one too",
    function* (store) {
      const { adjust, connection, currency, reserve, settle } = yield* funded(store, 10n)
      const { connectionId } = connection
      const command = reserve(4n, after(3))
      const { id, amount } = command.terms
      yield* store.execute({ command, nonce: undefined })
      yield* store.execute({ command: settle("Release", id, after(5)), nonce: undefined })
      yield* store.execute({ command: { ...command, at: after(7) }, nonce: undefined })
      yield* store.execute({ command: settle("Clear", id, after(9)), nonce: undefined })
      const entry = (event: Transfer.State, available: bigint, reserved: bigint, deallocated: bigint, at: number) => ({
        ...{ transferId: id, event, connectionId, currency, quantity: amount.quantity },
        balances: { ...Account.empty, available, reserved, deallocated },
        at: after(at),
      })
      const expected = [
        entry("Reserved", 6n, 4n, 0n, 3),
        entry("Released", 10n, 0n, 0n, 5),
        { ...entry("Reserved", 6n, 4n, 0n, 7), previousAt: after(5) },
        { ...entry("Cleared", 6n, 0n, 4n, 9), previousAt: after(7) },
      ]
      yield* Law.same<unknown>((yield* store.journal(id)).map(entryOf), expected, "The journal of a transfer")
      const tooMuch = reserve(100n)
      yield* store.execute({ command: tooMuch, nonce: undefined })
      const rejected = yield* store.journal(tooMuch.terms.id)
      yield* Law.same(
        rejected.map(({ event }) => event),
        ["Rejected"],
        "What the journal has of a reservation of too much",
      )
      const noted = adjust("debit", 1n, { memo: "Trade 7" })
      const made = yield* store.execute({ command: noted, nonce: undefined })
      yield* Law.same<unknown>(made.terms, noted.terms, "What is told of an adjustment")
      yield* Law.same<unknown>(yield* store.find("adjustment", noted.terms.id), made, "The adjustment that is found")
    },
  ),

  "journal/places": example(
    "the feed gives no more than it is asked for, and has no place that never was",
    function* (store) {
      yield* funded(store, 1n)
      yield* funded(store, 1n)
      for (const limit of [1, 2]) {
        yield* untilThere(Effect.map(store.entries(undefined, limit), (entries) => entries.length === limit))
        yield* Law.same(
          (yield* store.entries(undefined, limit)).length,
          limit,
          `How many of ${limit} entries there are`,
        )
      }
      yield* Law.same(
        yield* tagOf(store.entries(Store.Place.make("9".repeat(18)), 1)),
        "PlaceNotFound",
        "What going on from a place of another journal fails with",
      )
    },
  ),

  "journal/backwards": example(
    "backwards, the journal has the same entries from its end on, in pages of any size",
    function* (store) {
      const after = yield* endOf(store)
      for (const quantity of [1n, 2n, 3n]) yield* funded(store, quantity)
      const isAfter = ({ place }: Store.Placed) => after === undefined || BigInt(place) > BigInt(after)
      const forwards = (yield* feedFrom(store, after, ({ length }) => length >= 3)).slice(0, 3)
      const [first] = forwards
      for (const limit of [1, 2, 200]) {
        const backwards: Array<Store.Placed> = []
        for (let page = yield* store.entriesBefore(undefined, limit); page.some(isAfter); ) {
          yield* Law.holds(page.length <= limit, `Of ${limit} entries at most ${page.length} are given.`)
          backwards.push(...page.filter(isAfter))
          page = yield* store.entriesBefore(page.at(-1)?.place, limit)
        }
        // Others may have added to it since.
        yield* Law.same<unknown>(backwards.toReversed().slice(0, 3), forwards, "What the journal has, read backwards")
      }
      const before = yield* store.entriesBefore(first?.place, 1)
      yield* Law.same(before.filter(isAfter).length, 0, "How many of its entries are before the first of them")
    },
  ),

  "currencies/alike": example(
    "codes that differ in case are different currencies, each of which is known once something came in in it",
    function* (store) {
      const [one, other] = [yield* funded(store, 3n), yield* funded(store, 1n)]
      const code = Amount.Currency.make(one.currency.toUpperCase())
      const third = Amount.Currency.make(one.currency.replace("l", "L"))
      const ask = (command: Ledger.Command) => store.execute({ command, nonce: undefined })
      yield* Law.same(
        [
          yield* tagOf(ask(one.adjust("credit", 5n, { code }))),
          yield* tagOf(ask(one.adjust("credit", 5n, { code, newCurrency: true }))),
          yield* tagOf(ask(other.adjust("credit", 1n, { code: one.currency }))),
          yield* tagOf(ask(other.adjust("credit", 1n, { code }))),
          yield* tagOf(ask(other.adjust("credit", 1n, { code: third }))),
        ],
        ["CurrencyLooksAlike", "nothing", "nothing", "nothing", "CurrencyLooksAlike"],
        "What credits in new and known codes fail with",
      )
      const command = one.reserve(1n)
      yield* ask(command)
      for (const [currency, count] of [
        [one.currency, 1],
        [code, 0],
      ] as const) {
        const { connectionId } = one.connection
        const { items } = yield* store.list("deallocation", { connectionId, currency, limit: 10 })
        yield* Law.same(items.length, count, `How many deallocations are listed in ${currency}`)
      }
      const totals = (yield* store.totals).filter(({ currency }) => Amount.folded(currency) === one.currency)
      yield* Law.same(
        totals.map(({ currency, available, accounts }) => `${currency} ${available} ${accounts}`),
        [`${code} 6 2`, `${one.currency} 3 2`],
        "The totals of both",
      )
    },
  ),

  "tokens/states": example(
    "a token connects until it expires, is revoked or was used, and issued again it stays that; it is revoked once, and not after it was used",
    function* (store) {
      const account = () => ({ partnersConnectionId: `account ${System.newId()}`, partnerClientId: "" })
      const now = yield* DateTime.now
      const issued = Effect.fnUntraced(function* (hoursAgo: number) {
        const issuedAt = DateTime.subtract(now, { hours: hoursAgo })
        const token = tokenOf(account(), issuedAt, DateTime.add(issuedAt, { hours: 1 }))
        yield* store.issueToken(token)
        return token
      })
      const connect = (tokenHash: string) => store.connect({ connectionId: newId(), clientId: newId(), tokenHash })
      const [used, revoked, expired] = [yield* issued(0), yield* issued(0), yield* issued(2)]
      yield* connect(used.hash)
      const once = yield* store.revokeToken(revoked.id)
      // As long as it takes for two moments to differ.
      yield* Effect.sleep("2 millis")
      yield* Law.same<unknown>(yield* store.revokeToken(revoked.id), once, "A token that is revoked again")
      yield* Law.same(once.revokedAt === undefined, false, "That a revoked token does not say when")
      for (const [name, token] of Object.entries({ used, revoked, expired })) {
        // Whoever did not hear that it was issued asks once more.
        yield* store.issueToken(token)
        yield* Law.same(yield* tagOf(connect(token.hash)), "TokenRefused", `What a token that is ${name} fails with`)
      }
      yield* Law.same(
        [yield* tagOf(store.revokeToken(used.id)), yield* tagOf(store.revokeToken(newId()))],
        ["TokenUsed", "TokenNotFound"],
        "What revoking a used token and an unknown one fail with",
      )
    },
  ),

  "journal/whole": example(
    "the journal has each event once, with the balances that follow from it, and its feed gives each once from any place",
    function* (store) {
      const last = yield* endOf(store)
      const { adjust, connection, currency, reserve, settle } = yield* funded(store, 12n * large)
      const reservations = Array.from({ length: 16 }, () => reserve(large))
      yield* Effect.all(
        reservations.map((command, n) =>
          Effect.gen(function* () {
            yield* store.execute({ command, nonce: undefined })
            const next = n % 4 === 0 ? "Release" : "Clear"
            if (n % 4 !== 3)
              yield* Effect.exit(store.execute({ command: settle(next, command.terms.id), nonce: undefined }))
            if (n % 8 === 0) yield* store.execute({ command, nonce: undefined })
          }),
        ),
        { concurrency: "unbounded" },
      )
      const debit = adjust("debit", large)
      yield* Effect.exit(store.execute({ command: debit, nonce: undefined }))

      const journals = yield* Effect.forEach(
        reservations.map(({ terms }) => terms.id),
        (id) => store.journal(id),
      )
      const isMine = (entry: Ledger.Entry) => entry.connectionId === connection.connectionId
      const expected = journals.flat().length + (yield* store.journal(debit.terms.id)).length + 1
      const feed = yield* feedFrom(store, last, (placed) => placed.filter(isMine).length >= expected)
      const mine = feed.filter(isMine)
      yield* Law.same(
        mine.length,
        expected,
        "How many entries of the connection the feed has, by the transfers' journals",
      )

      for (const journal of journals) {
        const events = journal.map(({ transferId, event }) => `${transferId} ${event}`)
        const [first] = journal
        const ofFeed = mine.filter(({ transferId }) => transferId === first?.transferId)
        yield* Law.same(
          ofFeed.map(({ transferId, event }) => `${transferId} ${event}`),
          events,
          "What the feed has of a transfer",
        )
        // The same entries, to the last digit, and of the kind that it is.
        const told = ofFeed.map(({ place: _, hash: __, kind, ...entry }) => ({ kind, ...entry }))
        const expected = journal.map((entry) => ({ kind: "deallocation" as const, ...entryOf(entry) }))
        yield* Law.same<unknown>(told, expected, "What the feed says of a transfer")
      }
      let account = Account.empty
      for (const { kind, event, quantity, balances } of mine) {
        const posting = (Ledger.kinds[kind].postings as Transfer.Rules["postings"])[event]
        if (posting !== undefined) account = yield* Account.post(account, posting, quantity)
        yield* Law.same(balances, account, `What is held after ${kind} ${event}`)
      }
      const { balances } = yield* store.connection(connection.connectionId)
      yield* Law.same<unknown>(balances, [{ currency, ...account }], "The balances, by the journal,")

      for (const [index, { place }] of mine.entries()) {
        const rest = (yield* feedFrom(
          store,
          place,
          (placed) => placed.filter(isMine).length >= mine.length - index - 1,
        )).filter(isMine)
        yield* Law.same(
          rest.map(({ place }) => place),
          mine.slice(index + 1).map(({ place }) => place),
          `What follows on the place ${place}`,
        )
      }
    },
  ),

  "totals/sums": example("the totals of a currency are what its accounts have together", function* (store) {
    const [one, other] = [yield* funded(store, 12n), yield* funded(store, 7n)]
    yield* store.execute({ command: other.adjust("credit", 5n, { code: one.currency }), nonce: undefined })
    yield* store.execute({ command: one.reserve(2n), nonce: undefined })
    const emptied = yield* funded(store, 1n)
    const code = one.currency
    yield* store.execute({ command: emptied.adjust("credit", 1n, { code }), nonce: undefined })
    yield* store.execute({ command: emptied.adjust("debit", 1n, { code }), nonce: undefined })
    const totals = (yield* store.totals).filter(({ currency }) => currency === one.currency)
    const expected = { ...Account.empty, currency: one.currency, accounts: 2, available: 15n, reserved: 2n }
    yield* Law.same<unknown>(totals, [expected], "The totals of the currency")
  }),

  "totals/reserved": example("what is reserved is told by kind, currency and age, and nothing else", function* (store) {
    const { currency, reserve, settle } = yield* funded(store, 100n)
    const now = yield* DateTime.now
    const since = (seconds: number) => DateTime.subtract(now, { seconds })
    const ages = [30, 120, 90, 1_800, 7_200, 36_000, 259_200, 260_000]
    for (const seconds of ages) yield* store.execute({ command: reserve(2n, since(seconds)), nonce: undefined })
    const cleared = reserve(3n, since(900_000))
    yield* store.execute({ command: cleared, nonce: undefined })
    yield* store.execute({ command: settle("Clear", cleared.terms.id), nonce: undefined })
    // It counts from when it was reserved last.
    const again = reserve(5n, since(900_000))
    yield* store.execute({ command: again, nonce: undefined })
    yield* store.execute({ command: settle("Release", again.terms.id, since(100)), nonce: undefined })
    yield* store.execute({ command: { ...again, at: since(40) }, nonce: undefined })
    const reserved = (yield* store.reserved).filter((one) => one.currency === currency)
    const expected = { kind: "deallocation", currency, count: 9, quantity: 21n, oldestAt: since(260_000) }
    yield* Law.same<unknown>(reserved, [{ ...expected, ages: [2, 2, 1, 1, 1, 2] }], "What is reserved")
  }),

  "lists/connections": example(
    "connections are listed in the order of their ids, in pages of any size",
    function* (store) {
      const clientId = newId()
      const ids = Array.from({ length: 5 }, newId)
      for (const connectionId of ids) {
        const partnersConnectionId = `account ${connectionId}`
        const partnerClientId = `client ${connectionId}`
        yield* store.register({ connectionId, clientId, partnersConnectionId, partnerClientId })
      }
      for (const limit of [1, 2, 3, 5, 200]) {
        const pages = yield* System.pagesOf(
          (cursor: Uuid.Uuid | undefined) =>
            store.connections({ clientId, limit, ...(cursor === undefined ? {} : { cursor }) }),
          ({ connectionId }) => connectionId,
        )
        yield* assertPages(
          pages.map((page) => page.map(({ connectionId }) => connectionId)),
          ids.toSorted(),
          limit,
        )
      }
      const [one = newId()] = ids
      yield* store.suspend(one, true)
      const filters = { partnersConnectionId: `account ${one}`, partnerClientId: `client ${one}`, suspended: true }
      for (const [field, wanted] of Object.entries(filters)) {
        const { items } = yield* store.connections({ clientId, [field]: wanted, limit: 200 })
        yield* Law.same(
          items.map(({ connectionId }) => connectionId),
          [one],
          `The connections whose ${field} is ${wanted}`,
        )
      }
    },
  ),

  "lists/tokens": example(
    "tokens are listed newest first, in pages of any size, without those of others",
    function* (store) {
      const partnersConnectionId = `account ${System.newId()}`
      const ids = Array.from({ length: 5 }, newId)
      for (const [n, id] of ids.entries()) {
        const account = { partnersConnectionId, partnerClientId: "" }
        yield* store.issueToken({ ...tokenOf(account, after(n), after(1000)), id })
      }
      for (const limit of [1, 2, 3, 5, 200]) {
        const pages = yield* System.pagesOf(
          (cursor: Uuid.Uuid | undefined) =>
            store.tokens({ partnersConnectionId, limit, ...(cursor === undefined ? {} : { cursor }) }),
          ({ id }) => id,
        )
        yield* assertPages(
          pages.map((page) => page.map(({ id }) => id)),
          ids.toSorted().toReversed(),
          limit,
        )
      }
      const [id = newId()] = ids
      const { items } = yield* store.tokens({ id, limit: 5 })
      yield* Law.same(
        items.map((token) => token.id),
        [id],
        `The tokens with the id ${id}`,
      )
    },
  ),
}

const assertPages = Effect.fnUntraced(function* (
  pages: ReadonlyArray<ReadonlyArray<string>>,
  expected: ReadonlyArray<string>,
  limit: number,
): Effect.fn.Return<void, Law.Departure> {
  yield* Law.same(pages.flat(), expected, `The list in pages of ${limit}`)
  const sizes = pages.map((page) => page.length)
  yield* Law.holds(
    sizes.slice(0, -1).every((size) => size === limit) && (sizes.at(-1) ?? 0) <= limit,
    `Pages of ${limit} have ${sizes.join(", ")}: each but the last should be full.`,
  )
})

const listsAreWhole = Effect.fnUntraced(function* (
  store: Store.Store,
  reservations: ReadonlyArray<{ readonly millis: number; readonly settled: number }>,
) {
  const { connection, reserve, settle } = yield* funded(store, 1000n)
  const made: Array<{
    readonly id: Uuid.Uuid
    readonly created: number
    readonly updated: number
    readonly state: Transfer.State
    readonly partnersId: string
  }> = []
  for (const { millis, settled } of reservations) {
    const command = reserve(1n, after(millis))
    const { id } = command.terms
    yield* store.execute({ command, nonce: undefined })
    const state = (["Reserved", "Cleared", "Released"] as const)[settled] ?? "Reserved"
    const updated = state === "Reserved" ? millis : millis + 2
    if (state !== "Reserved") {
      yield* store.execute({
        command: settle(state === "Cleared" ? "Clear" : "Release", id, after(updated)),
        nonce: undefined,
      })
    }
    made.push({ id, created: millis, updated, state, partnersId: command.partnerTransferId })
  }
  const filters = [
    [{}, () => true],
    [{ state: "Reserved" }, ({ state }) => state === "Reserved"],
    [{ from: after(1) }, ({ created }) => created >= 1],
    [{ to: after(2) }, ({ created }) => created < 2],
    [{ unchangedSince: after(2) }, ({ updated }) => updated <= 2],
    [{ partnerTransferId: made[0]?.partnersId }, ({ id }) => id === made[0]?.id],
  ] as ReadonlyArray<readonly [Partial<Store.Query>, (one: (typeof made)[number]) => boolean]>
  for (const order of ["newest", "oldest"] as const) {
    const sorted = made.toSorted((a, b) => {
      const oldestFirst = a.created - b.created || (a.id < b.id ? -1 : 1)
      return order === "oldest" ? oldestFirst : -oldestFirst
    })
    for (const [filter, belongs] of filters) {
      for (let limit = 1; limit <= made.length + 1; limit++) {
        const query = { connectionId: connection.connectionId, order, limit, ...filter }
        const pages = yield* System.pagesOf(
          (cursor: Store.Cursor | undefined) =>
            store.list("deallocation", cursor === undefined ? query : { ...query, cursor }),
          ({ terms }) => terms.id,
        )
        const expected = sorted.filter(belongs).map(({ id }) => id)
        yield* assertPages(
          pages.map((page) => page.map(({ terms }) => terms.id)),
          expected,
          limit,
        )
      }
    }
  }
})

/** The place of the last entry that there is, if there is one. */
const endOf = Effect.fnUntraced(function* (store: Store.Store): Effect.fn.Return<Store.Place | undefined, unknown> {
  let place: Store.Place | undefined
  for (;;) {
    const next = (yield* store.entries(place, 200)).at(-1)?.place
    if (next === undefined) return place
    place = next
  }
})

/** What the feed gives after a place, in small pages, until all is there that is waited for. */
const feedFrom = Effect.fnUntraced(function* (
  store: Store.Store,
  after: Store.Place | undefined,
  isAll: (placed: ReadonlyArray<Store.Placed>) => boolean,
): Effect.fn.Return<ReadonlyArray<Store.Placed>, unknown> {
  const placed: Array<Store.Placed> = []
  const places = new Set<Store.Place>()
  for (let waits = 0; ; ) {
    const page = yield* store.entries(placed.at(-1)?.place ?? after, 50)
    for (const { place } of page) {
      if (places.has(place)) return yield* new Law.Departure({ message: `The feed gives the place ${place} twice.` })
      places.add(place)
    }
    placed.push(...page)
    // Others may add to it for ever.
    if (isAll(placed)) return placed
    if (page.length > 0) continue
    // A store may hold back what others have not finished yet.
    if (waits++ === 100) return placed
    yield* Effect.sleep("50 millis")
  }
})

/** Waits for what a store may hold back, for so long. */
const untilThere = (isThere: Effect.Effect<boolean, unknown>) =>
  Effect.repeat(
    Effect.tap(isThere, (there) => (there ? Effect.void : Effect.sleep("50 millis"))),
    {
      until: (there) => there,
      times: 100,
    },
  )
