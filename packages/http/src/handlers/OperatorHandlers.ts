/** What the operator's requests do. */
import { type Amount, Holdfast, Journal, Ledger, Store, Uuid } from "@holdfast/domain"
import { OperatorsLog } from "@holdfast/domain/OperatorsLog"
import {
  Array as Arr,
  DateTime,
  Effect,
  Equal,
  Exit,
  Metric,
  Order,
  Random,
  Record,
  Schedule,
  Schema,
  Semaphore,
  Stream,
  Struct,
} from "effect"
import { layerWebCrypto, SecureRandom } from "effect/crypto/SecureRandom"
import * as Base64Url from "effect/encoding/Base64Url"
import { HttpApiBuilder } from "effect/http-api"
import * as ConnectionTokens from "../access/ConnectionTokens.ts"
import { Credentials } from "../access/Credentials.ts"
import { Current, confirmed } from "../access/Operators.ts"
import { Routed } from "../contract/Api.ts"
import {
  AdjustmentRequest,
  answers,
  ConnectionRequest,
  columns,
  LockRequest,
  OverviewAnswer,
  PlacedEntry,
  TokenRequest,
} from "../contract/OperatorApi.ts"
import { AdjustmentMismatch, Unavailable } from "../contract/Problems.ts"
import { sha256 } from "../node/Sha256.ts"
import { Bodies } from "../request/Bodies.ts"
import * as Csv from "../request/Csv.ts"
import * as Events from "../request/Events.ts"
import { orProblem, orProblemOf } from "../request/Failures.ts"
import { received } from "../request/Host.ts"
import * as Recent from "../request/Recent.ts"
import { counted, note } from "../request/Seen.ts"

const defaultLimit = 50

/** How many requests about a transfer are shown. */
const maxRequestsShown = 50

/** The largest page that the store gives. */
const largestPage = 200

/** How long a token lives unless it is said: a day. */
const tokenSeconds = 86_400

type Of<Kind extends Ledger.Kind> = Extract<Ledger.Transfer, { readonly kind: Kind }>

const momentsOf = ({ createdAt, updatedAt }: Ledger.Transfer) => ({ createdAt, updatedAt })

/** As each kind is shown. */
const shown = {
  deallocation: (deallocation: Of<"deallocation">) => {
    const { id: deallocationId, ...terms } = deallocation.terms
    const { partnerTransferId: partnerDeallocationId, state } = deallocation
    const answer = { deallocationId, ...terms, partnerDeallocationId, state, ...momentsOf(deallocation) }
    return deallocation.state === "Rejected" ? { ...answer, rejectionReason: deallocation.reason } : answer
  },
  allocation: (allocation: Of<"allocation">) => {
    const { id: allocationId, ...terms } = allocation.terms
    const { partnerTransferId: partnerAllocationId, state } = allocation
    const answer = { allocationId, ...terms, partnerAllocationId, state, ...momentsOf(allocation) }
    return allocation.state === "Rejected" ? { ...answer, rejectionReason: allocation.reason } : answer
  },
  lock: (lock: Of<"lock">) => {
    const { id: lockId, ...terms } = lock.terms
    return { lockId, ...terms, state: lock.state, ...momentsOf(lock) }
  },
  adjustment: ({ terms: { id: adjustmentId, ...terms }, createdAt }: Of<"adjustment">) => ({
    adjustmentId,
    ...terms,
    createdAt,
  }),
}

/** An entry, and the text that its hash is of where that can be told. */
interface Told extends Store.Placed {
  readonly hashed: string | null
}

const entryOf = <Event>(event: Event, { quantity, balances, at, hash, hashed }: Told) => ({
  event,
  quantity,
  balances,
  at,
  hash: hash ?? null,
  hashed,
})

/** The text that an entry's hash is of, where the hash before it is this one. */
const textOf = (entry: Store.Placed, transfer: Ledger.Transfer, previous: string): string | null => {
  for (const version of Journal.Version.literals) {
    const text = Journal.canonical(previous, entry, transfer, version)
    if (sha256(text).toString("hex") === entry.hash) return text
  }
  return null
}

const byPlace = Order.mapInput(Order.BigInt, ({ place }: Store.Placed) => BigInt(place))

/** The hash before each entry of an account, by its place, as far as the entries at hand tell. */
const hashesBefore = (entries: ReadonlyArray<Store.Placed>): ReadonlyMap<Store.Place, string> => {
  const before = new Map<Store.Place, string>()
  let last = Journal.genesis
  for (const { place, hash } of Arr.sort(entries, byPlace)) {
    if (before.has(place)) continue
    before.set(place, last)
    last = hash ?? last
  }
  return before
}

/** The entries of what has two phases; `Credited` and `Debited` are no events of it. */
const journalOf = (entries: ReadonlyArray<Told>) =>
  entries.flatMap((entry) => {
    const { event } = entry
    return event === "Credited" || event === "Debited" ? [] : [entryOf(event, entry)]
  })

const journalOfAdjustment = (entries: ReadonlyArray<Told>) =>
  entries.flatMap((entry) => {
    const { event } = entry
    return event === "Credited" || event === "Debited" ? [entryOf(event, entry)] : []
  })

/** A line of CSV has what the list answers with. */
const inCsv = Record.map(answers, (answer: Schema.Codec<unknown, object>) => Schema.encodeUnknownSync(answer))

/** What lists can be restricted by: beside what the store understands, what is said to callers in other words. */
interface Filters extends Omit<Store.Query, "limit" | "unchangedSince" | "partnerTransferId"> {
  readonly limit?: number
  readonly partnerDeallocationId?: string
  readonly partnerAllocationId?: string
  readonly olderThan?: number
  readonly direction?: "credit" | "debit"
}

const encodeEntry = Schema.encodeSync(PlacedEntry)

const encodeOverview = Schema.encodeSync(OverviewAnswer)

/** How long the overview may take: who watches it shall see that a database hangs. */
const overviewPatience = "3 seconds"

const tooSlow = new Unavailable({ detail: "The database does not answer in time.", retryAfterSeconds: 1 })

/** How often those who watch the overview are told of changes. */
const overviewEvery = "2 seconds"

/** How often those who watch what changes are told: it is felt by who asks for something then, and may be by less than one in a hundred. */
const changesEvery = "1 second"

/** Within which time all are told: what is written to all of them at the same moment keeps others waiting. */
const spreadMillis = 400

const nothingYet = Store.Place.make("0")

const placed = ({ place: cursor, hash, kind, ...entry }: Store.Placed): typeof PlacedEntry.Type => ({
  cursor,
  kind,
  ...Struct.pick(entry, ["transferId", "event", "connectionId", "currency", "quantity", "balances", "at"]),
  hash: hash ?? null,
})

/** Of so many that it is felt: what else there is to do has its turn after each few of them. */
const inTurns = <A, B>(items: ReadonlyArray<A>, atOnce: number, f: (item: A) => B): Effect.Effect<ReadonlyArray<B>> =>
  Effect.map(
    Effect.forEach(Arr.chunksOf(items, atOnce), (some) =>
      Effect.as(Effect.yieldNow, some).pipe(Effect.map(Arr.map(f))),
    ),
    Arr.flatten,
  )

/** So many entries are encoded in a turn. */
const encodedAtOnce = 16

const encoded = (entries: ReadonlyArray<Store.Placed>) =>
  inTurns(entries, encodedAtOnce, (entry) => encodeEntry(placed(entry)))

const sent = new WeakMap<ReadonlyArray<Store.Placed>, Uint8Array>()

const encoding = Semaphore.makeUnsafe(1)

/** Entries as they are sent: once for all who follow the journal, who are given the same ones. */
const eventsOf = (entries: ReadonlyArray<Store.Placed>): Effect.Effect<Uint8Array> =>
  Effect.gen(function* () {
    const known = sent.get(entries)
    if (known !== undefined) return known
    const events = Arr.map(yield* encoded(entries), (entry) => Events.event(entry.cursor, entry))
    const made = Events.encode(events.join(""))
    sent.set(entries, made)
    return made
  }).pipe(encoding.withPermit)

/** What happened after a place; where that is not known, or too much (`null`), the last that did. */
interface Happened {
  readonly after: Store.Place | null
  readonly last: Store.Place
  readonly entries: ReadonlyArray<Store.Placed>
}

const happened = (after: Store.Place | null, entries: ReadonlyArray<Store.Placed>): Happened => ({
  after,
  last: entries.at(-1)?.place ?? after ?? nothingYet,
  entries,
})

/** What entries are about. */
const inBrief = ({ after, last, entries }: Happened) => ({
  after,
  last,
  kinds: Arr.dedupe(entries.map(({ kind }) => kind)),
  transferIds: Arr.dedupe(entries.map(({ transferId }) => transferId)),
  connectionIds: Arr.dedupe(entries.map(({ connectionId }) => connectionId)),
})

const inFull = (happened: Happened) =>
  Effect.map(encoded(happened.entries), (entries) => ({ ...inBrief(happened), entries }))

/** Counts of ages, each with the age that they do not exceed. */
const reservationOf = ({ ages, ...reserved }: Store.Reserved) => ({
  ...reserved,
  ages: ages.map((count, index) => ({ upToSeconds: Store.reservedAges[index] ?? null, count })),
})

/** What this process counts under a name; nothing where it does not, as a store in memory has no queue. */
const gaugeOf = (name: string) =>
  Effect.map(Metric.snapshot, (all) => {
    const found = all.find(({ id }) => id === name)
    return found?.type === "Gauge" ? Number(found.state.value) : null
  })

export const layer = HttpApiBuilder.group(
  Routed,
  "operator",
  Effect.fnUntraced(function* (handlers) {
    const holdfast = yield* Holdfast.Holdfast
    const random = yield* Effect.provide(SecureRandom, layerWebCrypto)
    const { replacement } = yield* Credentials
    const { readAs } = yield* Bodies
    const recent = yield* Recent.Recent
    const readConnection = readAs(ConnectionRequest)
    const readToken = readAs(TokenRequest)
    const readAdjustment = readAs(AdjustmentRequest)
    const readLock = readAs(LockRequest)

    /** What a query says, as the store understands it. */
    const queryOf = Effect.fnUntraced(function* (query: Filters): Effect.fn.Return<Store.Query> {
      const { limit = defaultLimit, olderThan, direction, partnerDeallocationId, partnerAllocationId, ...rest } = query
      const partnerTransferId = partnerDeallocationId ?? partnerAllocationId
      const now = yield* DateTime.now
      return {
        ...rest,
        ...(partnerTransferId === undefined ? {} : { partnerTransferId }),
        ...(direction === undefined ? {} : ({ state: direction === "credit" ? "Credited" : "Debited" } as const)),
        ...(olderThan === undefined ? {} : { unchangedSince: DateTime.subtract(now, { seconds: olderThan }) }),
        limit,
      }
    })

    const list = <Kind extends Ledger.Kind>(kind: Kind, query: Filters) =>
      Effect.flatMap(queryOf(query), (query) => orProblem(holdfast.list(kind, query)))

    const csv = <Kind extends Ledger.Kind>(kind: Kind, query: Filters, show: (transfer: Of<Kind>) => object) =>
      Effect.flatMap(queryOf({ ...query, limit: largestPage }), (query) =>
        Csv.stream(columns[kind], (cursor: Store.Cursor | undefined) =>
          Effect.map(
            orProblem(holdfast.list(kind, cursor === undefined ? query : { ...query, cursor })),
            ({ items, next }) => [items.map((transfer) => inCsv[kind](show(transfer))), next] as const,
          ),
        ),
      )

    const find = Effect.fnUntraced(function* <Kind extends Ledger.Kind>(kind: Kind, id: Uuid.Uuid) {
      const transfer = yield* orProblemOf(kind)(holdfast.find(kind, id))
      const entries = yield* orProblem(holdfast.journal(id))
      const { connectionId, amount } = transfer.terms
      const known = entries.some(({ hash }) => hash !== undefined)
        ? yield* history(connectionId, amount.currency, 25)
        : []
      const before = hashesBefore([...known, ...entries])
      const told = (entry: Store.Placed): Told => ({
        ...entry,
        hashed: textOf(entry, transfer, before.get(entry.place) ?? Journal.genesis),
      })
      // An id that was asked for again and again has a long journal.
      return { transfer, journal: yield* inTurns(entries, 50, told) }
    })

    /** The entries of a connection's latest transfers, so many of each kind; newest first. */
    const history = Effect.fnUntraced(function* (
      connectionId: Uuid.Uuid,
      currency: Amount.Currency | undefined,
      limit: number,
    ) {
      const lists = yield* Effect.forEach(
        Struct.keys(Ledger.kinds),
        (kind) => orProblem(holdfast.list(kind, { connectionId, currency, limit })),
        { concurrency: "unbounded" },
      )
      const ids = lists.flatMap(({ items }) => items.map(({ terms }) => terms.id))
      const journals = yield* Effect.forEach(ids, (id) => orProblem(holdfast.journal(id)), { concurrency: 8 })
      return Arr.sort(journals.flat(), Order.flip(byPlace))
    })

    const showConnection = Effect.fnUntraced(function* (connectionId: Uuid.Uuid) {
      const { connection, balances } = yield* orProblem(holdfast.connection(connectionId))
      return { ...connection, balances }
    })

    const suspend = (suspended: boolean) =>
      Effect.fnUntraced(function* ({
        params: { connectionId },
      }: {
        readonly params: { readonly connectionId: Uuid.Uuid }
      }) {
        const { partnersConnectionId } = yield* showConnection(connectionId)
        yield* confirmed("the partner's id of the connection", partnersConnectionId)
        yield* orProblem(holdfast.suspend(connectionId, suspended))
        return yield* showConnection(connectionId)
      })

    const settle = (name: "clear" | "release") =>
      Effect.fnUntraced(function* ({ params: { lockId } }: { readonly params: { readonly lockId: Uuid.Uuid } }) {
        if ((yield* Current).session !== undefined) {
          const { terms } = yield* orProblemOf("lock")(holdfast.find("lock", lockId))
          yield* confirmed("the quantity of the lock", `${terms.amount.quantity}`)
        }
        return shown.lock(yield* holdfast[name]("lock", lockId).pipe(counted("lock", name), orProblemOf("lock")))
      })

    const overview = Effect.gen(function* () {
      const up = Effect.match(holdfast.ready, { onSuccess: () => true, onFailure: () => false })
      const [lastEntry] = yield* orProblem(holdfast.entriesBefore(undefined, 1))
      return {
        at: yield* DateTime.now,
        lastEntry: lastEntry === undefined ? null : placed(lastEntry),
        totals: yield* orProblem(holdfast.totals),
        reservations: (yield* orProblem(holdfast.reserved)).map(reservationOf),
        requests: {
          secondsEach: Recent.secondsOfEach,
          series: recent.series().map(({ at, ...counts }) => ({ at: DateTime.fromDateUnsafe(at), ...counts })),
          byReason: recent.reasons(),
        },
        queue: {
          waiting: yield* gaugeOf("holdfast_writer_queue_depth"),
          inFlight: yield* gaugeOf("holdfast_writer_in_flight"),
        },
        database: { up: yield* up },
      }
    }).pipe(Effect.timeoutOrElse({ duration: overviewPatience, orElse: () => Effect.fail(tooSlow) }))

    /**
     * Once for all who watch: the last goes to who comes, and who is slow misses some. What fails is told to them, and ends
     * theirs but not this, which those who come later share with whoever is still stuck in it.
     */
    const forAll = <E>(told: Stream.Stream<Exit.Exit<Uint8Array, E>>) =>
      Effect.map(Stream.share(told, { capacity: 1, strategy: "sliding", replay: 1 }), (shared) =>
        Stream.unwrap(
          Effect.map(Random.nextIntBetween(0, spreadMillis), (millis) =>
            Stream.mapEffect(shared, Effect.delay(millis)),
          ),
        ),
      )

    const overviews = yield* Stream.fromEffectSchedule(Effect.exit(overview), Schedule.spaced(overviewEvery)).pipe(
      Stream.map(Exit.map((overview) => ({ at: overview.at, said: encodeOverview(overview) }))),
      Stream.changesWith(
        (now, before) =>
          Exit.isSuccess(now) &&
          Exit.isSuccess(before) &&
          now.value.at.epochMilliseconds - before.value.at.epochMilliseconds < Events.quietMillis &&
          Equal.equals({ ...now.value.said, at: "" }, { ...before.value.said, at: "" }),
      ),
      Stream.map(Exit.map(({ at, said }) => Events.encode(Events.event(DateTime.formatIso(at), said)))),
      forAll,
    )

    /** What happened since a place; of too much, or since an unknown place, only so many of the last. */
    const happenedSince = Effect.fnUntraced(function* (after: Store.Place | null, atMost: number) {
      if (after !== null) {
        const since = holdfast.entries(after, largestPage)
        const entries = yield* orProblem(Effect.catchTag(since, "PlaceNotFound", () => Effect.undefined))
        if (entries !== undefined && entries.length < largestPage) return happened(after, entries)
      }
      return happened(null, Arr.reverse(yield* orProblem(holdfast.entriesBefore(undefined, atMost))))
    })

    const changesToldBy = (atMost: number, tell: (happened: Happened) => Effect.Effect<object>) =>
      Stream.tick(changesEvery).pipe(
        Stream.mapAccumEffect(
          (): Store.Place | null => null,
          Effect.fnUntraced(function* (after) {
            const happened = yield* Effect.exit(happenedSince(after, atMost))
            const last = Exit.isSuccess(happened) ? happened.value.last : null
            if (last !== null && last === after) return [last, []] as const
            const told = yield* Effect.flatMap(happened, tell).pipe(
              Effect.map((changes) => Events.encode(Events.event(last ?? "", changes))),
              Effect.exit,
            )
            return [last, [told]] as const
          }),
        ),
        forAll,
      )

    const changes = yield* changesToldBy(1, (happened) => Effect.succeed(inBrief(happened)))
    const changesWithEntries = yield* changesToldBy(largestPage, inFull)

    return handlers
      .handleRaw(
        "register",
        Effect.fnUntraced(function* ({ params, request }) {
          const identifiers = yield* readConnection(yield* received(request))
          yield* confirmed("the partner's id of the connection", identifiers.partnersConnectionId)
          return yield* orProblem(holdfast.register({ ...params, ...identifiers }))
        }),
      )
      .handleRaw(
        "issueToken",
        Effect.fnUntraced(function* ({ request }) {
          const { expiresInSeconds = tokenSeconds, ...account } = yield* readToken(yield* received(request))
          yield* confirmed("the partner's id of the connection", account.partnersConnectionId)
          const connectionToken = Base64Url.encode(yield* random.randomBytes(32))
          const tokenId = Uuid.Uuid.make(yield* random.uuidV7())
          const issuedAt = yield* DateTime.now
          const expiresAt = DateTime.add(issuedAt, { seconds: expiresInSeconds })
          const hash = ConnectionTokens.hashOf(connectionToken)
          yield* orProblem(holdfast.issueToken({ id: tokenId, hash, ...account, issuedAt, expiresAt }))
          return { tokenId, connectionToken, ...account, issuedAt, expiresAt }
        }),
      )
      .handleRaw(
        "adjust",
        Effect.fnUntraced(function* ({ params, request }) {
          const { newCurrency = false, ...asked } = yield* readAdjustment(yield* received(request))
          const terms = { id: params.adjustmentId, ...asked }
          yield* note({ connectionId: terms.connectionId })
          yield* confirmed("the quantity", `${terms.amount.quantity}`)
          const adjustment = yield* holdfast.adjust(terms, { newCurrency }).pipe(
            counted("adjustment", terms.direction),
            orProblem,
            Effect.catchTag("TermsMismatch", ({ detail, differences }) =>
              Effect.fail(new AdjustmentMismatch({ detail, differences })),
            ),
          )
          return shown.adjustment(adjustment)
        }),
      )
      .handleRaw(
        "lock",
        Effect.fnUntraced(function* ({ params, request }) {
          const terms = { id: params.lockId, ...(yield* readLock(yield* received(request))) }
          yield* note({ connectionId: terms.connectionId })
          yield* confirmed("the quantity", `${terms.amount.quantity}`)
          return shown.lock(yield* holdfast.reserve("lock", terms).pipe(counted("lock", "reserve"), orProblem))
        }),
      )
      .handleAll({
        connection: ({ params }) => showConnection(params.connectionId),
        suspend: suspend(true),
        resume: suspend(false),
        connections: Effect.fnUntraced(function* ({ query: { limit = defaultLimit, ...query } }) {
          const { items, next = null } = yield* orProblem(holdfast.connections({ ...query, limit }))
          return { connections: items, nextCursor: next }
        }),
        connectionsCsv: ({ query }) =>
          Csv.stream(columns.connection, (cursor: Uuid.Uuid | undefined) =>
            Effect.map(
              orProblem(holdfast.connections({ ...query, ...(cursor && { cursor }), limit: largestPage })),
              ({ items, next }) => [items, next] as const,
            ),
          ),
        tokens: Effect.fnUntraced(function* ({ query: { limit = defaultLimit, tokenId: id, ...query } }) {
          const { items, next = null } = yield* orProblem(holdfast.tokens({ ...query, id, limit }))
          return {
            connectionTokens: items.map(({ id: tokenId, hash: _, ...token }) => ({ tokenId, ...token })),
            nextCursor: next,
          }
        }),
        revokeToken: Effect.fnUntraced(function* ({ params: { tokenId } }) {
          yield* confirmed("the id of the token", tokenId)
          const { id: _, hash: __, ...token } = yield* orProblem(holdfast.revokeToken(tokenId))
          return { tokenId, ...token }
        }),
        clearLock: settle("clear"),
        releaseLock: settle("release"),
        deallocations: ({ query }) =>
          Effect.map(list("deallocation", query), ({ items, next = null }) => ({
            deallocations: items.map(shown.deallocation),
            nextCursor: next,
          })),
        allocations: ({ query }) =>
          Effect.map(list("allocation", query), ({ items, next = null }) => ({
            allocations: items.map(shown.allocation),
            nextCursor: next,
          })),
        locks: ({ query }) =>
          Effect.map(list("lock", query), ({ items, next = null }) => ({
            locks: items.map(shown.lock),
            nextCursor: next,
          })),
        adjustments: ({ query }) =>
          Effect.map(list("adjustment", query), ({ items, next = null }) => ({
            adjustments: items.map(shown.adjustment),
            nextCursor: next,
          })),
        deallocationsCsv: ({ query }) => csv("deallocation", query, shown.deallocation),
        allocationsCsv: ({ query }) => csv("allocation", query, shown.allocation),
        locksCsv: ({ query }) => csv("lock", query, shown.lock),
        adjustmentsCsv: ({ query }) => csv("adjustment", query, shown.adjustment),
        deallocation: ({ params }) =>
          Effect.map(find("deallocation", params.deallocationId), ({ transfer, journal }) => ({
            ...shown.deallocation(transfer),
            journal: journalOf(journal),
          })),
        allocation: ({ params }) =>
          Effect.map(find("allocation", params.allocationId), ({ transfer, journal }) => ({
            ...shown.allocation(transfer),
            journal: journalOf(journal),
          })),
        findLock: ({ params }) =>
          Effect.map(find("lock", params.lockId), ({ transfer, journal }) => ({
            ...shown.lock(transfer),
            journal: journalOf(journal),
          })),
        adjustment: ({ params }) =>
          Effect.map(find("adjustment", params.adjustmentId), ({ transfer, journal }) => ({
            ...shown.adjustment(transfer),
            journal: journalOfAdjustment(journal),
          })),
        balances: () => Effect.map(orProblem(holdfast.totals), (totals) => ({ totals })),
        overview: () => overview,
        overviewStream: Effect.fnUntraced(function* () {
          const isOver = replacement()
          // So that what is wrong is said before the stream begins.
          yield* overview
          return Events.stream("overview", Stream.interruptWhen(overviews, isOver))
        }),
        requests: ({ query: { transferId } }) =>
          Effect.sync(() => ({
            requests: recent.about(transferId, maxRequestsShown).map(({ startMillis, route, status, ...seen }) => ({
              at: DateTime.makeUnsafe(startMillis),
              route: route?.pattern ?? "",
              answeredWith: status,
              ...Struct.pick(seen, ["method", "durationMillis"]),
            })),
          })),
        operatorsLog: Effect.fnUntraced(function* ({ query: { limit = defaultLimit, cursor } }) {
          const { items, next = null } = yield* orProblem((yield* OperatorsLog).list({ limit, cursor }))
          const entries = items.map(({ reason = null, outcome = null, ...action }) => ({ ...action, reason, outcome }))
          return { entries, nextCursor: next }
        }),
        connectionJournal: Effect.fnUntraced(function* ({ params, query: { currency, limit = defaultLimit } }) {
          const entries = yield* history(params.connectionId, currency, limit)
          return { entries: entries.slice(0, limit).map(placed) }
        }),
        journal: Effect.fnUntraced(function* ({ query: { after, limit = defaultLimit } }) {
          const entries = yield* orProblem(holdfast.entries(after, limit))
          return { entries: entries.map(placed), next: entries.at(-1)?.place ?? after ?? null }
        }),
        journalNewest: Effect.fnUntraced(function* ({ query: { before, limit = defaultLimit } }) {
          const entries = yield* orProblem(holdfast.entriesBefore(before, limit))
          return { entries: entries.map(placed), next: entries.at(-1)?.place ?? null }
        }),
        changesStream: Effect.fnUntraced(function* ({ query: { withEntries } }) {
          const isOver = replacement()
          // So that what is wrong is said before the stream begins.
          yield* happenedSince(null, 1)
          return Events.stream("changes", Stream.interruptWhen(withEntries ? changesWithEntries : changes, isOver))
        }),
        journalStream: Effect.fnUntraced(function* ({ query: { after } }) {
          const isOver = replacement()
          const from = (yield* Events.lastEventId) ?? after
          // So that what is wrong is said before the stream begins.
          yield* orProblem(holdfast.entries(from, 1))
          const entries = Stream.mapArrayEffect(holdfast.follow(from), (entries) =>
            Effect.map(eventsOf(entries), Arr.of),
          )
          return Events.stream("journal", Stream.interruptWhen(entries, isOver))
        }),
      })
  }),
)
