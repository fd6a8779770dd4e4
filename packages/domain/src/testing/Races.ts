/**
 * What becomes of requests that come at the same time: always as if they had come one after another.
 * Each race draws ids of its own, so all can share one system.
 */
import { Effect } from "effect"
import * as Law from "./Law.ts"
import type * as Model from "./Model.ts"
import * as System from "./System.ts"

/** A new connection that may reserve so much. */
const funded = Effect.fnUntraced(function* (system: System.System, quantity: number) {
  const connectionId = System.newId()
  const partnersConnectionId = `account ${connectionId}`
  const connection = { connectionId, clientId: System.newId(), partnersConnectionId, partnerClientId: "" }
  yield* Law.same<unknown>(yield* system.register(connection), { ok: "registered" }, "The registration")
  // Of its own: what others have may look alike.
  const currency = `race:${connectionId}`
  const amount = (units: number) => ({ currency, quantity: `${units}` })
  const adjustment = (
    direction: "credit" | "debit",
    units: number,
    adjustmentId: string = System.newId(),
  ): Model.Adjustment => ({ adjustmentId, connectionId, direction, amount: amount(units) })
  if (quantity > 0) {
    yield* Law.same<unknown>(yield* system.adjust(adjustment("credit", quantity), false), adjusted, "The credit")
  }
  const transfer = <Kind extends Model.Kind>(kind: Kind, units: number) => ({
    kind,
    id: System.newId(),
    amount: amount(units),
    connectionId,
  })
  return {
    connection,
    adjustment,
    terms: (units: number, kind: "deallocation" | "allocation" = "deallocation"): Model.Terms => ({
      ...transfer(kind, units),
      ...connection,
    }),
    lock: (units: number): Model.Terms => transfer("lock", units),
    assertBalances: (available: number, reserved: number, deallocated: number, pending = 0, locked = 0) => {
      const texts = { available: `${available}`, reserved: `${reserved}`, deallocated: `${deallocated}` }
      const balances = { pending: `${pending}`, locked: `${locked}`, ...texts }
      const expected = { ok: { ...connection, suspended: false, balances: { [currency]: balances } } }
      return Effect.flatMap(system.connection(connectionId), (actual) =>
        Law.same<unknown>(actual, expected, "The connection"),
      )
    },
  }
})

const adjusted = { ok: "adjusted" }

const together = <A>(asked: Iterable<Effect.Effect<A, Law.Departure>>): Effect.Effect<Array<A>, Law.Departure> =>
  Effect.all(asked, { concurrency: "unbounded" })

const times = <A>(count: number, ask: (n: number) => Effect.Effect<A, Law.Departure>) =>
  together(Array.from({ length: count }, (_, n) => ask(n)))

const isHeld = (outcome: Model.Outcome<Model.Answer> | undefined): boolean =>
  outcome !== undefined && "ok" in outcome && outcome.ok.rejectionReason === undefined

const isRefused = (outcome: Model.Outcome<unknown> | undefined, refusal: Model.Refusal): boolean =>
  outcome !== undefined && "refused" in outcome && outcome.refused === refusal

const count = <A>(all: ReadonlyArray<A>, matches: (one: A, index: number) => boolean): number =>
  all.filter(matches).length

const allTheSame = <A>(all: ReadonlyArray<A>, what: string) =>
  Effect.forEach(all, (one) => Law.same<unknown>(one, all[0], what), { discard: true })

type Race = (system: System.System) => Effect.Effect<void, Law.Departure>

const race = (description: string, program: (system: System.System) => Effect.fn.Return<void, Law.Departure>) => ({
  description,
  race: Effect.fnUntraced(program) as Race,
})

/**
 * The races by their names, each with what it shows.
 *
 * @category laws
 */
export const races: Readonly<Record<string, { readonly description: string; readonly race: Race }>> = {
  "equal-reservations": race("100 equal reservations hold the amount once and get one answer", function* (system) {
    const { terms, assertBalances } = yield* funded(system, 1000)
    const wanted = terms(7)
    const outcomes = yield* times(100, () => system.reserve(wanted))
    yield* Law.holds(isHeld(outcomes[0]), "None of the reservations held.")
    yield* allTheSame(outcomes, "One of 100 answers to the same reservation")
    yield* assertBalances(993, 7, 0)
  }),

  "last-units": race(
    "of six holds of 1 on a balance of 5 exactly five succeed, and each answer stays",
    function* (system) {
      const { terms, assertBalances } = yield* funded(system, 5)
      const wanted = Array.from({ length: 6 }, () => terms(1))
      const outcomes = yield* together(wanted.map((terms) => system.reserve(terms)))
      yield* Law.same(count(outcomes, isHeld), 5, "How many of six held")
      const reasons = outcomes.flatMap((outcome) =>
        "ok" in outcome ? (outcome.ok.rejectionReason ?? []) : outcome.refused,
      )
      yield* Law.same(reasons, ["INSUFFICIENT_BALANCE"], "Why the others did not")
      const again = yield* together(wanted.map((terms) => system.reserve(terms)))
      yield* Law.same(again, outcomes, "What the same requests are told again")
      yield* assertBalances(0, 5, 0)
    },
  ),

  "clear-or-release": race("clear and release of one reservation: exactly one of them wins", function* (system) {
    const { terms, assertBalances } = yield* funded(system, 10)
    const won = yield* times(
      10,
      Effect.fnUntraced(function* () {
        const wanted = terms(1)
        yield* Law.holds(isHeld(yield* system.reserve(wanted)), "A reservation of what is there did not hold.")
        return yield* settled(system, wanted)
      }),
    )
    const cleared = count(won, (status) => status === "CLEARED")
    yield* assertBalances(10 - cleared, 0, cleared)
  }),

  "holds-and-debits": race("holds and debits never take more than there is", function* (system) {
    const { adjustment, terms, assertBalances } = yield* funded(system, 5)
    const outcomes = yield* times(12, (n) =>
      n % 2 === 0
        ? Effect.map(system.reserve(terms(1)), isHeld)
        : Effect.map(system.adjust(adjustment("debit", 1), false), (outcome) => "ok" in outcome),
    )
    yield* Law.same(
      count(outcomes, (succeeded) => succeeded),
      5,
      "How many of twelve took 1 of 5",
    )
    yield* assertBalances(
      0,
      count(outcomes, (succeeded, n) => succeeded && n % 2 === 0),
      0,
    )
  }),

  "equal-credits": race("50 equal credits count once", function* (system) {
    const { adjustment, assertBalances } = yield* funded(system, 0)
    const credit = adjustment("credit", 7)
    for (const outcome of yield* times(50, () => system.adjust(credit, false))) {
      yield* Law.same<unknown>(outcome, adjusted, "One of 50 answers to the same credit")
    }
    yield* assertBalances(7, 0, 0)
  }),

  "one-id-hold-and-credit": race("an id that a reservation and a credit want goes to one of them", function* (system) {
    const { adjustment, terms, assertBalances } = yield* funded(system, 10)
    const takers = yield* times(
      10,
      Effect.fnUntraced(function* () {
        const wanted = terms(1)
        const credit = adjustment("credit", 1, wanted.id)
        const [holds, credits] = yield* Effect.all(
          [times(3, () => system.reserve(wanted)), times(3, () => system.adjust(credit, false))],
          { concurrency: "unbounded" },
        )
        const isHold = "ok" in (yield* system.find(wanted))
        for (const hold of holds) {
          yield* Law.holds(
            isHold ? isHeld(hold) : isRefused(hold, "ID_IN_USE"),
            `The id is ${isHold ? "a" : "no"} reservation's, but one was told ${JSON.stringify(hold)}.`,
          )
        }
        for (const credit of credits) {
          yield* Law.holds(
            isHold ? isRefused(credit, "ID_IN_USE") : "ok" in credit,
            `The id is ${isHold ? "no" : "a"} credit's, but one was told ${JSON.stringify(credit)}.`,
          )
        }
        return isHold
      }),
    )
    const held = count(takers, (isHold) => isHold)
    yield* assertBalances(10 - held + (10 - held), held, 0)
  }),

  "equal-allocations": race(
    "equal allocations are pending once, and of clears and releases of one exactly one side wins",
    function* (system) {
      const { terms, assertBalances } = yield* funded(system, 10)
      const won = yield* times(
        10,
        Effect.fnUntraced(function* () {
          const wanted = terms(1, "allocation")
          const outcomes = yield* times(10, () => system.reserve(wanted))
          yield* Law.holds(isHeld(outcomes[0]), "None of the allocations was taken.")
          yield* allTheSame(outcomes, "One of ten answers to the same allocation")
          return yield* settled(system, wanted)
        }),
      )
      yield* assertBalances(10 + count(won, (status) => status === "CLEARED"), 0, 0)
    },
  ),

  "one-id-of-three-kinds": race(
    "an id that an allocation, a deallocation and a lock want goes to one of them",
    function* (system) {
      const { lock, terms, assertBalances } = yield* funded(system, 10)
      const takers = yield* times(
        10,
        Effect.fnUntraced(function* () {
          const wanted = terms(1)
          const all = [wanted, { ...terms(1, "allocation"), id: wanted.id }, { ...lock(1), id: wanted.id }]
          const outcomes = yield* together([...all, ...all].map((asked) => system.reserve(asked)))
          const taken = [0, 1, 2].filter((kind) => isHeld(outcomes[kind]) && isHeld(outcomes[kind + 3]))
          const refused = count(outcomes, (outcome) => isRefused(outcome, "ID_IN_USE"))
          yield* Law.same([taken.length, refused], [1, 4], "How many kinds have the id, and how many are refused")
          return taken[0]
        }),
      )
      const of = (kind: number) => count(takers, (taker) => taker === kind)
      yield* assertBalances(10 - of(0) - of(2), of(0), 0, of(1), of(2))
    },
  ),

  "locks-and-holds": race("locks and holds never take more than there is", function* (system) {
    const { lock, terms, assertBalances } = yield* funded(system, 5)
    const outcomes = yield* times(12, (n) => Effect.map(system.reserve(n % 2 === 0 ? terms(1) : lock(1)), isHeld))
    yield* Law.same(
      count(outcomes, (succeeded) => succeeded),
      5,
      "How many of twelve took 1 of 5",
    )
    const held = count(outcomes, (succeeded, n) => succeeded && n % 2 === 0)
    yield* assertBalances(0, held, 0, 0, 5 - held)
  }),

  "one-token": race("of connections that show one token at once, one is had, and stays", function* (system) {
    const account = { partnersConnectionId: `account ${System.newId()}`, partnerClientId: "" }
    const token = yield* system.issueToken(account)
    const asked = Array.from({ length: 5 }, () => ({ connectionId: System.newId(), clientId: System.newId(), token }))
    const outcomes = yield* times(10, (n) => system.connect(asked[n % 5] as Model.Connecting))
    const had = asked.filter((_, n) => "ok" in (outcomes[n] ?? {}))
    yield* Law.same(had.length, 1, "How many of five connections were had for one token")
    const [winner] = had
    const others = outcomes.filter((_, n) => asked[n % 5] !== winner)
    yield* allTheSame(others, "One of the other answers")
    yield* Law.holds(isRefused(others[0], "TOKEN_REFUSED"), `A used token was told ${JSON.stringify(others[0])}.`)
    for (const { connectionId } of asked) {
      const isThere = "ok" in (yield* system.connection(connectionId))
      yield* Law.same(isThere, connectionId === winner?.connectionId, "Whether a connection is there")
    }
  }),

  "two-registrations": race("of two ways to register a connection one wins, and stays", function* (system) {
    const connectionId = System.newId()
    const connection = { connectionId, clientId: System.newId(), partnersConnectionId: `account ${connectionId}` }
    const ways = ["one", "another"].map((partnerClientId) => ({ ...connection, partnerClientId }))
    const outcomes = yield* times(10, (n) => system.register(ways[n % 2] as Model.Connection))
    const wins = [0, 1].map((side) => count(outcomes, (outcome, n) => n % 2 === side && "ok" in outcome))
    yield* Law.same(wins.toSorted(), [0, 5], "How many of five registrations each way won")
    const winner = ways[wins.indexOf(5)]
    const expected = { ok: { ...winner, suspended: false, balances: {} } }
    yield* Law.same<unknown>(yield* system.connection(connectionId), expected, "The connection")
  }),
}

/** What a reservation is after clears and releases at once: as it is found, and as each of them was told. */
const settled = Effect.fnUntraced(function* (system: System.System, reference: Model.Reference) {
  const outcomes = yield* times(10, (n) => (n % 2 === 0 ? system.clear(reference) : system.release(reference)))
  const found = yield* system.find(reference)
  const status = "ok" in found ? found.ok.status : found.refused
  yield* Law.holds(status === "CLEARED" || status === "RELEASED", `What was settled is ${status}.`)
  for (const [n, outcome] of outcomes.entries()) {
    const hasWon = (n % 2 === 0) === (status === "CLEARED")
    yield* Law.holds(
      hasWon ? "ok" in outcome : isRefused(outcome, "STATE_CONFLICT"),
      `It is ${status}, but a ${n % 2 === 0 ? "clear" : "release"} was told ${JSON.stringify(outcome)}.`,
    )
  }
  return status
})
