import { assert, describe, it } from "@effect/vitest"
import { Account, BaseUnits, Ledger } from "@holdfast/domain"
import { Effect } from "effect"
import fc from "fast-check"
import { account, quantity, sum, units } from "../support/Generators.ts"

const run = Effect.runSync
const balances = Account.Balance.literals
const place = fc.constantFrom(...balances, "outside" as const)
const posting: fc.Arbitrary<Account.Posting> = fc.record({ from: place, to: place })

const isWithinBounds = (amounts: ReadonlyArray<bigint>) =>
  amounts.every((amount) => amount >= 0n) && amounts.reduce((total, amount) => total + amount, 0n) <= BaseUnits.MAX

describe("an account", () => {
  it("posts exactly the quantity, wherever it is there and the sum stays within the bound", () => {
    fc.assert(
      fc.property(account, posting, quantity, (before, { from, to }, quantity) => {
        const [taken, after]: Array<Record<string, bigint>> = [{ ...before }, { ...before }]
        if (taken === undefined || after === undefined) return assert.fail()
        for (const amounts of [taken, after]) if (from !== "outside") amounts[from] = before[from] - quantity
        if (to !== "outside") after[to] = (after[to] ?? 0n) + quantity
        const possible = [taken, after].every((amounts) => isWithinBounds(Object.values(amounts)))
        const result = run(Effect.result(Account.post(before, { from, to }, quantity)))
        assert.strictEqual(result._tag, possible ? "Success" : "Failure")
        if (result._tag === "Success") assert.deepEqual<object>(result.success, after)
      }),
      { numRuns: 2000 },
    )
  })

  it("is worth what came in less what went out, after any postings", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(posting, quantity)), (postings) => {
        let account = Account.empty
        let worth = 0n
        for (const [posting, quantity] of postings) {
          const result = run(Effect.result(Account.post(account, posting, quantity)))
          if (result._tag === "Failure") continue
          account = result.success
          if (posting.from === "outside") worth += quantity
          if (posting.to === "outside") worth -= quantity
        }
        assert.strictEqual(sum(account), worth)
      }),
    )
  })

  it("comes back to where it was when what was posted is posted back", () => {
    fc.assert(
      fc.property(account, posting, quantity, (before, { from, to }, quantity) => {
        const there = run(Effect.option(Account.post(before, { from, to }, quantity)))
        if (there._tag === "None") return
        assert.deepStrictEqual(run(Account.post(there.value, { from: to, to: from }, quantity)), before)
      }),
    )
  })

  it("does not change the value that it was", () => {
    fc.assert(
      fc.property(account, posting, quantity, (before, posting, quantity) => {
        run(Effect.exit(Account.post(Object.freeze(before), posting, quantity)))
      }),
    )
  })

  for (const balance of balances) {
    it(`holds up to 2^256 - 1 in all, wherever it lies: as ${balance}`, () => {
      const full = run(Account.post(Account.empty, { from: "outside", to: balance }, units(BaseUnits.MAX)))
      assert.strictEqual<bigint>(full[balance], BaseUnits.MAX)
      for (const to of balances) {
        const error = run(Effect.flip(Account.post(full, { from: "outside", to }, units(1n))))
        assert.deepInclude(error, { _tag: "BaseUnitsOverflow", sum: 2n ** 256n })
      }
    })

    it(`gives all that is ${balance}, and says what is lacking for more`, () => {
      const five = run(Account.post(Account.empty, { from: "outside", to: balance }, units(5n)))
      for (const to of [...balances, "outside"] as const) {
        if (to !== balance) {
          const after = run(Account.post(five, { from: balance, to }, units(5n)))
          assert.strictEqual<bigint>(after[balance], 0n)
        }
        const error = run(Effect.flip(Account.post(five, { from: balance, to }, units(6n))))
        assert.deepInclude<object>(error, { _tag: "InsufficientBalance", balance, requested: 6n, held: 5n })
        assert.strictEqual(error.message, `Requested 6 but only 5 is ${balance}.`)
      }
    })
  }

  it.prop(
    "drawn from its schema is one that postings can make",
    [Account.Account],
    ([account]) => assert.isTrue(isWithinBounds(Object.values(account))),
    { arbitrary: { runs: 300 } },
  )
})

it("each event of a kind posts what its name says, and conserves", () => {
  const postings = Object.values(Ledger.kinds).flatMap(({ kind, postings }) =>
    Object.entries(postings).map(([event, { from, to }]) => `${kind} ${event}: ${from} → ${to}`),
  )
  assert.deepStrictEqual(postings, [
    "deallocation Reserved: available → reserved",
    "deallocation Cleared: reserved → deallocated",
    "deallocation Released: reserved → available",
    "allocation Reserved: outside → pending",
    "allocation Cleared: pending → available",
    "allocation Released: pending → outside",
    "lock Reserved: available → locked",
    "lock Cleared: locked → outside",
    "lock Released: locked → available",
    "adjustment Credited: outside → available",
    "adjustment Debited: available → outside",
  ])
})
