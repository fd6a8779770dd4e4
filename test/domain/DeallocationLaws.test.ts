import { assert, describe, it } from "@effect/vitest"
import { Account, BaseUnits, Connection, Deallocation } from "@holdfast/domain"
import { DateTime, Effect, Struct } from "effect"
import fc from "fast-check"
import * as Generators from "../support/Generators.ts"

const run = Effect.runSync
const { units, uuid, unitsIn } = Generators
const now = DateTime.makeUnsafe("2026-01-02T00:00:00Z")

const connectionOf = (terms: Deallocation.Terms) => Struct.pick(terms, Struct.keys(Connection.Connection.fields))

/** Anything that can be asked about a deallocation, wherever it is in its life. */
const situation = Generators.terms.chain((terms) => {
  const { quantity } = terms.amount
  const withReserve = unitsIn(0n, units(BaseUnits.MAX - quantity)).map((available) => ({
    ...Account.empty,
    available,
    reserved: quantity,
  }))
  return fc.record({
    terms: fc.constant(terms),
    command: Generators.commandOn(terms, "deallocation"),
    transfer: Generators.deallocationOf(terms),
    connection: fc.oneof(fc.constant(connectionOf(terms)), fc.constant(undefined), Generators.connection),
    account: fc.oneof(withReserve, Generators.account),
    releasedRepost: Generators.releasedRepost,
  })
})

/** The events, or the error as a plain value. */
const answer = (decision: ReturnType<typeof Deallocation.decide>) =>
  run(
    Effect.match(decision, {
      onSuccess: (events) => events,
      onFailure: (error) => ({ ...error, message: error.message }),
    }),
  )

const freeze = (value: unknown): void => {
  if (typeof value !== "object" || value === null || DateTime.isDateTime(value)) return
  Object.values(Object.freeze(value)).forEach(freeze)
}

describe("whatever the situation", () => {
  it("what is decided can be done: its events follow one another and move what is there, losing nothing", () => {
    fc.assert(
      fc.property(situation, ({ terms, command, ...situation }) => {
        const { quantity } = terms.amount
        const { account } = situation
        // An open reservation implies that so much is reserved.
        fc.pre(situation.transfer?.state !== "Reserved" || account.reserved >= quantity)
        const events = run(Effect.orElseSucceed(Deallocation.decide(command, situation), () => []))
        let [deallocation, balances] = [situation.transfer, account]
        for (const event of events) {
          deallocation = run(Deallocation.evolve(deallocation, event))
          const posting = event._tag === "Rejected" ? undefined : Deallocation.rules.postings[event._tag]
          if (posting !== undefined) balances = run(Account.post(balances, posting, quantity))
          assert.strictEqual(deallocation.state, event._tag)
          assert.deepStrictEqual(deallocation.terms, terms)
        }
        assert.isAtMost(events.length, 1)
        assert.strictEqual(Generators.sum(balances), Generators.sum(account))
      }),
      { numRuns: 500 },
    )
  })

  it("what was done is not done again: the same command right after makes no event", () => {
    fc.assert(
      fc.property(situation, ({ command, terms: _, ...situation }) => {
        const [event] = run(Effect.orElseSucceed(Deallocation.decide(command, situation), () => []))
        fc.pre(event !== undefined)
        if (event === undefined) return
        const transfer = run(Deallocation.evolve(situation.transfer, event))
        assert.deepStrictEqual(run(Deallocation.decide(command, { ...situation, transfer })), [])
      }),
      { numRuns: 300 },
    )
  })

  it("the same input gives the same output, and stays as it was", () => {
    fc.assert(
      fc.property(situation, ({ command, terms: _, ...situation }) => {
        freeze(command)
        freeze(situation)
        const decision = Deallocation.decide(command, situation)
        const first = answer(decision)
        assert.deepStrictEqual(answer(decision), first)
        assert.deepStrictEqual(answer(Deallocation.decide(command, situation)), first)
      }),
    )
  })
})

describe("a request with other terms", () => {
  const flat = ({ amount, ...terms }: Deallocation.Terms): ReadonlyArray<readonly [string, string]> => [
    ["amount.currency", amount.currency],
    ["amount.quantity", String(amount.quantity)],
    ["connectionId", terms.connectionId],
    ["clientId", terms.clientId],
    ["partnersConnectionId", terms.partnersConnectionId],
    ["partnerClientId", terms.partnerClientId],
  ]
  const existing = Generators.terms.chain((recorded) =>
    fc.record({
      recorded: Generators.deallocationOf(recorded).filter((deallocation) => deallocation !== undefined),
      other: Generators.terms,
      changed: fc.subarray(["amount", "connectionId", "clientId", "partnersConnectionId", "partnerClientId"] as const, {
        minLength: 1,
      }),
      releasedRepost: Generators.releasedRepost,
    }),
  )

  it("is refused in every state with exactly the fields that differ, and both values", () => {
    fc.assert(
      fc.property(existing, ({ recorded: deallocation, other, changed, releasedRepost }) => {
        const terms = {
          ...deallocation.terms,
          ...Object.fromEntries(changed.map((field) => [field, other[field]])),
        }
        const after = flat(terms)
        const differences = flat(deallocation.terms).flatMap(([field, recorded], index) => {
          const repeated = after[index]?.[1] ?? assert.fail()
          return recorded === repeated ? [] : [{ field, recorded, repeated }]
        })
        fc.pre(differences.length > 0)
        const opening = { kind: "deallocation", terms, partnerTransferId: uuid(5) } as const
        const command = { _tag: "Reserve", ...opening, at: now } as const
        const account = { ...Account.empty, available: units(BaseUnits.MAX) }
        const decision = Deallocation.decide(command, {
          transfer: deallocation,
          connection: terms,
          account,
          releasedRepost,
        })
        const { id } = terms
        const values = differences.map(({ field, recorded, repeated }) => `${field} ${recorded}, not ${repeated}`)
        const message = `Deallocation ${id} is recorded with ${values.join("; ")}.`
        assert.deepEqual<object>(answer(decision), {
          _tag: "TermsMismatch",
          kind: "deallocation",
          id,
          differences,
          message,
        })
      }),
    )
  })
})
