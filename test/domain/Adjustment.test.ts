import { assert, describe, it } from "@effect/vitest"
import { Account, Adjustment, BaseUnits, type Transfer } from "@holdfast/domain"
import { DateTime, Effect, Schema } from "effect"
import fc from "fast-check"
import * as Generators from "../support/Generators.ts"

const run = Effect.runSync
const failure = <E>(effect: Effect.Effect<unknown, E>): E => run(Effect.flip(effect))
const { units, uuid } = Generators

const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const earlier = DateTime.makeUnsafe("2025-01-01T00:00:00Z")

/** Decides in a situation where nothing but the balance can be in the way. */
const decide = (terms: Adjustment.Terms, situation: Partial<Transfer.Situation<Adjustment.Adjustment>>) => {
  const { connectionId } = terms
  const connection = { connectionId, clientId: uuid(2), partnersConnectionId: "account-7", partnerClientId: "" }
  return Adjustment.decide(
    { _tag: "Adjust", kind: "adjustment", terms, at },
    { transfer: undefined, connection, account: Account.empty, ...situation },
  )
}

const recorded = (terms: Adjustment.Terms): Adjustment.Adjustment => ({
  kind: "adjustment",
  state: terms.direction === "credit" ? "Credited" : "Debited",
  terms,
  createdAt: earlier,
  updatedAt: earlier,
})

/** What a mismatch is about, field by field; no memo is not an empty memo. */
const flat = ({ connectionId, direction, amount, memo }: Adjustment.Terms) => ({
  connectionId,
  direction,
  "amount.currency": amount.currency,
  "amount.quantity": String(amount.quantity),
  memo: memo ?? null,
})

describe("an adjustment", () => {
  it("makes one event, which moves exactly its quantity of what is available", () => {
    fc.assert(
      fc.property(Generators.adjustmentTerms, Generators.account, (terms, account) => {
        const after = account.available + (terms.direction === "credit" ? 1n : -1n) * terms.amount.quantity
        fc.pre(after >= 0n && Generators.sum(account) - account.available + after <= BaseUnits.MAX)
        const tag = terms.direction === "credit" ? "Credited" : "Debited"
        assert.deepStrictEqual(run(decide(terms, { account })), [{ _tag: tag, kind: "adjustment", terms, at }])
        const moved = run(Account.post(account, Adjustment.rules.postings[tag], terms.amount.quantity))
        assert.deepEqual<object>(moved, { ...account, available: after })
      }),
    )
  })

  it("that was made before makes no event, whatever has become of the balance and the connection", () => {
    fc.assert(
      fc.property(Generators.adjustmentTerms, Generators.account, (terms, account) => {
        const transfer = recorded(terms)
        assert.deepStrictEqual(run(decide({ ...terms }, { transfer, account })), [])
        assert.deepStrictEqual(run(decide({ ...terms }, { transfer, account, connection: undefined })), [])
      }),
    )
  })

  it("that was made with other terms is refused with exactly the fields that differ, and both values", () => {
    fc.assert(
      fc.property(Generators.adjustmentTerms, Generators.adjustmentTerms, (first, other) => {
        const second = { ...other, id: first.id }
        const [before, after] = [Object.entries(flat(first)), Object.entries(flat(second))]
        const expected = before.flatMap(([field, value], index) => {
          const repeated = after[index]?.[1] ?? null
          return value === repeated ? [] : [{ field, recorded: value, repeated }]
        })
        fc.pre(expected.length > 0)
        const error = failure(decide(second, { transfer: recorded(first) }))
        assert.strictEqual(error._tag, "TermsMismatch")
        if (error._tag !== "TermsMismatch") return
        assert.deepStrictEqual(error.differences, expected)
        for (const { field, recorded, repeated } of expected) {
          assert.include(error.message, `${field} ${recorded}, not ${repeated}`)
        }
      }),
    )
  })

  const terms: Adjustment.Terms = {
    id: uuid(1),
    connectionId: uuid(3),
    direction: "debit",
    amount: { currency: Generators.currencies[0] ?? assert.fail(), quantity: units(6n) },
  }

  it("differs where one has a memo and the other has none, or an empty one", () => {
    for (const [first, second] of [
      [terms, { ...terms, memo: "" }],
      [{ ...terms, memo: "" }, terms],
      [{ ...terms, memo: "a" }, terms],
    ] as const) {
      const error = failure(decide(second, { transfer: recorded(first) }))
      const difference = { field: "memo", recorded: first.memo ?? null, repeated: second.memo ?? null }
      assert.deepStrictEqual(error._tag === "TermsMismatch" ? error.differences : [], [difference])
    }
  })

  it("needs a registered connection", () => {
    const error = failure(decide(terms, { connection: undefined, account: { ...Account.empty, available: units(9n) } }))
    assert.deepStrictEqual([error._tag, error.message], ["ConnectionNotFound", `There is no connection ${uuid(3)}.`])
  })

  it("takes no more than is available, whatever is reserved", () => {
    const account = { ...Account.empty, available: units(5n), reserved: units(9n), deallocated: units(9n) }
    assert.strictEqual(failure(decide(terms, { account })).message, "Requested 6 but only 5 is available.")
  })

  it("adds no more than fits", () => {
    const credit = { ...terms, direction: "credit" } as const
    const account = { ...Account.empty, deallocated: units(BaseUnits.MAX - 5n) }
    assert.strictEqual(failure(decide(credit, { account }))._tag, "BaseUnitsOverflow")
    assert.strictEqual(
      run(decide({ ...credit, amount: { ...terms.amount, quantity: units(5n) } }, { account })).length,
      1,
    )
  })

  it("is of at least one base unit, with a memo of up to 1,024 characters that PostgreSQL can hold", () => {
    const accepts = (changes: object) => Schema.is(Adjustment.Terms)({ ...terms, ...changes })
    for (const memo of ["", "口座🏦", "x".repeat(1024)]) assert.isTrue(accepts({ memo }))
    for (const memo of ["x".repeat(1025), "a\0b", "\ud800", null]) assert.isFalse(accepts({ memo }))
    assert.isFalse(accepts({ amount: { ...terms.amount, quantity: 0n } }))
    assert.isFalse(accepts({ direction: "Credit" }))
  })
})
