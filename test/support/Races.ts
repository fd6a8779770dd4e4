/**
 * What becomes of requests that come at the same time: always as if they had come one after another.
 * Each check draws ids of its own, so all can share one system.
 */
import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import type * as Model from "./Model.ts"
import type { System } from "./System.ts"

const currency = "BTC"

/** A new connection that may reserve so much. */
const funded = async (system: System, quantity: number) => {
  const connectionId = randomUUID()
  const connection = { connectionId, clientId: randomUUID(), partnersConnectionId: "account-7", partnerClientId: "" }
  assert.deepEqual(await system.register(connection), { ok: "registered" })
  const amount = (units: number) => ({ currency, quantity: `${units}` })
  const adjustment = (
    direction: "credit" | "debit",
    units: number,
    adjustmentId: string = randomUUID(),
  ): Model.Adjustment => ({
    adjustmentId,
    connectionId,
    direction,
    amount: amount(units),
  })
  if (quantity > 0) assert.deepEqual(await system.adjust(adjustment("credit", quantity), false), { ok: "adjusted" })
  return {
    connection,
    adjustment,
    terms: (units: number, kind: "deallocation" | "allocation" = "deallocation"): Model.Terms => ({
      kind,
      id: randomUUID(),
      amount: amount(units),
      ...connection,
    }),
    lock: (units: number): Model.Terms => ({ kind: "lock", id: randomUUID(), amount: amount(units), connectionId }),
    assertBalances: async (available: number, reserved: number, deallocated: number, pending = 0, locked = 0) => {
      const texts = { available: `${available}`, reserved: `${reserved}`, deallocated: `${deallocated}` }
      const balances = { pending: `${pending}`, locked: `${locked}`, ...texts }
      const expected = { ok: { ...connection, suspended: false, balances: { [currency]: balances } } }
      assert.deepEqual<object>(await system.connection(connectionId), expected)
    },
  }
}

const times = <A>(count: number, ask: (n: number) => Promise<A>): Promise<ReadonlyArray<A>> =>
  Promise.all(Array.from({ length: count }, (_, n) => ask(n)))

const isHeld = (outcome: Model.Outcome<Model.Answer>) => "ok" in outcome && outcome.ok.rejectionReason === undefined

const isRefused = (outcome: Model.Outcome<unknown>, refusal: Model.Refusal) =>
  "refused" in outcome && outcome.refused === refusal

/** The races by what they show. */
export const races: Readonly<Record<string, (system: System) => Promise<void>>> = {
  "100 equal reservations hold the amount once and get one answer": async (system) => {
    const { terms, assertBalances } = await funded(system, 1000)
    const wanted = terms(7)
    const [first = assert.fail(), ...others] = await times(100, () => system.reserve(wanted))
    assert.isTrue(isHeld(first))
    for (const other of others) assert.deepEqual(other, first)
    await assertBalances(993, 7, 0)
  },

  "of six holds of 1 on a balance of 5 exactly five succeed, and each answer stays": async (system) => {
    const { terms, assertBalances } = await funded(system, 5)
    const wanted = Array.from({ length: 6 }, () => terms(1))
    const outcomes = await Promise.all(wanted.map((terms) => system.reserve(terms)))
    assert.strictEqual(outcomes.filter(isHeld).length, 5)
    const reasons = outcomes.flatMap((outcome) =>
      "ok" in outcome ? (outcome.ok.rejectionReason ?? []) : outcome.refused,
    )
    assert.deepEqual(reasons, ["INSUFFICIENT_BALANCE"])
    assert.deepEqual(await Promise.all(wanted.map((terms) => system.reserve(terms))), outcomes)
    await assertBalances(0, 5, 0)
  },

  "clear and release of one reservation: exactly one of them wins": async (system) => {
    const { terms, assertBalances } = await funded(system, 10)
    const won = await times(10, async () => {
      const reference = await held(system, terms(1))
      const outcomes = await times(10, (n) => (n % 2 === 0 ? system.clear(reference) : system.release(reference)))
      const [clears, releases] = [0, 1].map((side) => outcomes.filter((_, n) => n % 2 === side))
      const found = await system.find(reference)
      const status = "ok" in found ? found.ok.status : assert.fail(found.refused)
      assert.include(["CLEARED", "RELEASED"], status)
      const [winners = [], losers = []] = status === "CLEARED" ? [clears, releases] : [releases, clears]
      for (const winner of winners) assert.isTrue("ok" in winner)
      for (const loser of losers) assert.deepEqual(loser, { refused: "STATE_CONFLICT" })
      return status
    })
    const cleared = won.filter((status) => status === "CLEARED").length
    await assertBalances(10 - cleared, 0, cleared)
  },

  "holds and debits never take more than there is": async (system) => {
    const { adjustment, terms, assertBalances } = await funded(system, 5)
    const outcomes = await times(12, async (n) =>
      n % 2 === 0
        ? isHeld(await system.reserve(terms(1)))
        : "ok" in (await system.adjust(adjustment("debit", 1), false)),
    )
    assert.strictEqual(outcomes.filter((succeeded) => succeeded).length, 5)
    await assertBalances(0, outcomes.filter((succeeded, n) => succeeded && n % 2 === 0).length, 0)
  },

  "50 equal credits count once": async (system) => {
    const { adjustment, assertBalances } = await funded(system, 0)
    const credit = adjustment("credit", 7)
    for (const outcome of await times(50, () => system.adjust(credit, false)))
      assert.deepEqual(outcome, { ok: "adjusted" })
    await assertBalances(7, 0, 0)
  },

  "an id that a reservation and a credit want goes to one of them": async (system) => {
    const { adjustment, terms, assertBalances } = await funded(system, 10)
    const takers = await times(10, async () => {
      const wanted = terms(1)
      const credit = adjustment("credit", 1, wanted.id)
      const [holds, credits] = await Promise.all([
        times(3, () => system.reserve(wanted)),
        times(3, () => system.adjust(credit, false)),
      ])
      const taker = "ok" in (await system.find(wanted)) ? "hold" : "credit"
      for (const hold of holds) assert.isTrue(taker === "hold" ? isHeld(hold) : isRefused(hold, "ID_IN_USE"))
      for (const credit of credits) assert.isTrue(taker === "hold" ? isRefused(credit, "ID_IN_USE") : "ok" in credit)
      return taker
    })
    const held = takers.filter((taker) => taker === "hold").length
    await assertBalances(10 - held + (10 - held), held, 0)
  },

  "equal allocations are pending once, and of clears and releases of one exactly one side wins": async (system) => {
    const { terms, assertBalances } = await funded(system, 10)
    const won = await times(10, async () => {
      const wanted = terms(1, "allocation")
      const [first = assert.fail(), ...others] = await times(10, () => system.reserve(wanted))
      assert.isTrue(isHeld(first))
      for (const other of others) assert.deepEqual(other, first)
      const outcomes = await times(10, (n) => (n % 2 === 0 ? system.clear(wanted) : system.release(wanted)))
      const found = await system.find(wanted)
      const isCleared = "ok" in found && found.ok.status === "CLEARED"
      for (const [n, outcome] of outcomes.entries()) {
        assert.strictEqual("ok" in outcome, (n % 2 === 0) === isCleared)
      }
      return isCleared
    })
    await assertBalances(10 + won.filter((isCleared) => isCleared).length, 0, 0)
  },

  "an id that an allocation, a deallocation and a lock want goes to one of them": async (system) => {
    const { lock, terms, assertBalances } = await funded(system, 10)
    const takers = await times(10, async () => {
      const wanted = terms(1)
      const all = [wanted, { ...terms(1, "allocation"), id: wanted.id }, { ...lock(1), id: wanted.id }]
      const outcomes = await Promise.all([...all, ...all].map((asked) => system.reserve(asked)))
      const taken = [0, 1, 2].filter((kind) => [kind, kind + 3].every((n) => isHeld(outcomes[n] ?? assert.fail())))
      assert.strictEqual(taken.length, 1)
      assert.strictEqual(outcomes.filter((outcome) => isRefused(outcome, "ID_IN_USE")).length, 4)
      return taken[0]
    })
    const [deallocated = 0, allocated = 0, locked = 0] = [0, 1, 2].map(
      (kind) => takers.filter((of) => of === kind).length,
    )
    await assertBalances(10 - deallocated - locked, deallocated, 0, allocated, locked)
  },

  "locks and holds never take more than there is": async (system) => {
    const { lock, terms, assertBalances } = await funded(system, 5)
    const outcomes = await times(12, async (n) => isHeld(await system.reserve(n % 2 === 0 ? terms(1) : lock(1))))
    assert.strictEqual(outcomes.filter((succeeded) => succeeded).length, 5)
    const held = outcomes.filter((succeeded, n) => succeeded && n % 2 === 0).length
    await assertBalances(0, held, 0, 0, 5 - held)
  },

  "of two ways to register a connection one wins, and stays": async (system) => {
    const { connection } = await funded(system, 0)
    const connectionId = randomUUID()
    const ways = ["one", "another"].map((partnerClientId) => ({ ...connection, connectionId, partnerClientId }))
    const outcomes = await times(10, (n) => system.register(ways[n % 2] ?? assert.fail()))
    const wins = [0, 1].map((side) => outcomes.filter((outcome, n) => n % 2 === side && "ok" in outcome).length)
    assert.sameMembers(wins, [0, 5])
    const winner = ways[wins.indexOf(5)] ?? assert.fail()
    assert.deepEqual<object>(await system.connection(connectionId), {
      ok: { ...winner, suspended: false, balances: {} },
    })
  },
}

const held = async (system: System, terms: Model.Terms): Promise<Model.Terms> => {
  assert.isTrue(isHeld(await system.reserve(terms)))
  return terms
}
