import { assert, describe, it } from "@effect/vitest"
import { Account, BaseUnits } from "@holdfast/domain"
import { Effect } from "effect"
import fc from "fast-check"
import { account, quantity, units } from "../support/Generators.ts"

const run = Effect.runSync
const names = ["credit", "debit", "reserve", "clear", "release"] as const
type Move = (typeof names)[number]

/** What each move adds to each balance, in units of its quantity. */
const effects: Record<Move, { readonly available: bigint; readonly reserved: bigint; readonly deallocated: bigint }> = {
  credit: { available: 1n, reserved: 0n, deallocated: 0n },
  debit: { available: -1n, reserved: 0n, deallocated: 0n },
  reserve: { available: -1n, reserved: 1n, deallocated: 0n },
  clear: { available: 0n, reserved: -1n, deallocated: 1n },
  release: { available: 1n, reserved: -1n, deallocated: 0n },
}

type Failure = Account.InsufficientBalance | Account.InsufficientReserve | BaseUnits.BaseUnitsOverflow

const apply = (name: Move, account: Account.Account, quantity: BaseUnits.BaseUnits) => {
  const effect: Effect.Effect<Account.Account, Failure> = Account[name](account, quantity)
  return effect
}

const move = fc.constantFrom(...names)
const sum = ({ available, reserved, deallocated }: Account.Account) => available + reserved + deallocated
const expectedAfter = (before: Account.Account, name: Move, quantity: bigint) => ({
  available: before.available + effects[name].available * quantity,
  reserved: before.reserved + effects[name].reserved * quantity,
  deallocated: before.deallocated + effects[name].deallocated * quantity,
})

describe("an account", () => {
  it("moves exactly the quantity, wherever no balance falls below zero and the sum stays within the bound", () => {
    fc.assert(
      fc.property(account, move, quantity, (before, name, quantity) => {
        const expected = expectedAfter(before, name, quantity)
        const possible =
          Object.values(expected).every((balance) => balance >= 0n) &&
          expected.available + expected.reserved + expected.deallocated <= BaseUnits.MAX
        const result = run(Effect.result(apply(name, before, quantity)))
        assert.strictEqual(result._tag, possible ? "Success" : "Failure")
        if (result._tag === "Success") assert.deepEqual<object>(result.success, expected)
      }),
      { numRuns: 1000 },
    )
  })

  it("conserves its sum when it reserves, clears and releases", () => {
    fc.assert(
      fc.property(account, fc.constantFrom("reserve", "clear", "release"), quantity, (before, name, quantity) => {
        const after = Effect.catch(apply(name, before, quantity), () => Effect.succeed(before))
        assert.strictEqual(sum(run(after)), sum(before))
      }),
    )
  })

  it("is worth what was credited less what was debited, after any moves", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(move, quantity)), (moves) => {
        let account = Account.empty
        let worth = 0n
        for (const [name, quantity] of moves) {
          const result = run(Effect.result(apply(name, account, quantity)))
          if (result._tag === "Failure") continue
          account = result.success
          if (name === "credit") worth += quantity
          if (name === "debit") worth -= quantity
        }
        assert.strictEqual<bigint>(run(Account.total(account)), worth)
      }),
    )
  })

  it("comes back to where it was when what was done is undone", () => {
    fc.assert(
      fc.property(account, quantity, (before, quantity) => {
        for (const [there, back] of [
          ["reserve", "release"],
          ["credit", "debit"],
          ["debit", "credit"],
        ] as const) {
          const away = run(Effect.option(apply(there, before, quantity)))
          if (away._tag === "Some") assert.deepStrictEqual(run(apply(back, away.value, quantity)), before)
        }
      }),
    )
  })

  it("does not change the value that it was", () => {
    fc.assert(
      fc.property(account, move, quantity, (before, name, quantity) => {
        run(Effect.exit(apply(name, Object.freeze(before), quantity)))
      }),
    )
  })

  it("holds up to 2^256 - 1 in all, wherever it lies", () => {
    const [one, max] = [units(1n), units(BaseUnits.MAX)]
    for (const balance of ["available", "reserved", "deallocated"] as const) {
      const full = { ...Account.empty, [balance]: max }
      const error = run(Effect.flip(Account.credit(full, one)))
      assert.deepStrictEqual([error._tag, error.sum], ["BaseUnitsOverflow", 2n ** 256n])
    }
    assert.strictEqual(run(Account.credit(Account.empty, max)).available, max)
  })

  const five = { available: units(5n), reserved: units(5n), deallocated: units(5n) }
  for (const [name, lacking] of [
    ["debit", "available"],
    ["reserve", "available"],
    ["clear", "reserved"],
    ["release", "reserved"],
  ] as const) {
    it(`can ${name} all that is ${lacking}, and says what is lacking for more`, () => {
      assert.strictEqual<bigint>(run(apply(name, five, units(5n)))[lacking], 0n)
      const error = run(Effect.flip(apply(name, five, units(6n))))
      assert.strictEqual(error._tag, lacking === "available" ? "InsufficientBalance" : "InsufficientReserve")
      assert.strictEqual(error.message, `Requested 6 but only 5 is ${lacking}.`)
    })
  }
})
