import { assert, describe, it } from "@effect/vitest"
import { Account, BaseUnits, Ledger } from "@holdfast/domain"
import { domainLaws } from "@holdfast/domain/testing"
import { Effect } from "effect"
import { units } from "../support/Generators.ts"
import { obeys } from "../support/Laws.ts"

const run = Effect.runSync
const balances = Account.Balance.literals
const isWithinBounds = (amounts: ReadonlyArray<bigint>) =>
  amounts.every((amount) => amount >= 0n) && amounts.reduce((total, amount) => total + amount, 0n) <= BaseUnits.MAX

describe("an account", () => {
  obeys(domainLaws.accounts)

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
