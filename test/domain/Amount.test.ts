import { assert, describe, it } from "@effect/vitest"
import { Amount, BaseUnits } from "@holdfast/domain"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { amount, currencies, quantity, units } from "../support/Generators.ts"

const run = Effect.runSync
const failure = <E>(effect: Effect.Effect<unknown, E>): E => run(Effect.flip(effect))
const answer = <A, E extends Error>(effect: Effect.Effect<A, E>) =>
  run(Effect.match(effect, { onSuccess: (value) => ({ value }), onFailure: ({ message }) => ({ message }) }))
const amountOf = (currency: Amount.Currency, quantity: BaseUnits.BaseUnits): Amount.Amount => ({ currency, quantity })
const decode = Schema.decodeUnknownEffect(Amount.PositiveFromString)

describe("amounts", () => {
  it("of one currency add and subtract as their quantities do", () => {
    fc.assert(
      fc.property(amount, quantity, ({ currency, quantity: a }, b) => {
        const [x, y] = [amountOf(currency, a), amountOf(currency, b)]
        const inCurrency = Effect.map((quantity: BaseUnits.BaseUnits) => amountOf(currency, quantity))
        assert.deepStrictEqual(answer(Amount.add(x, y)), answer(inCurrency(BaseUnits.add(a, b))))
        assert.deepStrictEqual(answer(Amount.subtract(x, y)), answer(inCurrency(BaseUnits.subtract(a, b))))
      }),
    )
  })

  it("of different currencies never mix", () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        fc.pre(a.currency !== b.currency)
        for (const error of [failure(Amount.add(a, b)), failure(Amount.subtract(a, b))]) {
          assert.strictEqual(error._tag, "CurrencyMismatch")
          assert.strictEqual(error.message, `Expected an amount in ${a.currency}. Got one in ${b.currency}.`)
        }
      }),
    )
  })

  it("are the same where currency and quantity are", () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        assert.isTrue(Amount.Equivalence(a, { ...a }))
        assert.strictEqual(Amount.Equivalence(a, b), a.currency === b.currency && a.quantity === b.quantity)
      }),
    )
  })

  it("have an identity in each currency", () => {
    fc.assert(fc.property(amount, (a) => assert.deepStrictEqual(run(Amount.add(a, Amount.zero(a.currency))), a)))
  })

  it("are read from digits and written with all of them", () => {
    fc.assert(
      fc.property(amount, (amount) => {
        const text = { currency: amount.currency, quantity: String(amount.quantity) }
        assert.deepStrictEqual(run(decode(text)), amount)
        assert.deepStrictEqual(Schema.encodeSync(Amount.PositiveFromString)(amount), text)
      }),
    )
  })

  it("that are to move are positive", () => {
    assert.include(failure(decode({ currency: "BTC", quantity: "0" })).message, "at least 1 base unit. Got 0.")
    const isPositive = Schema.is(Amount.Positive)
    assert.isFalse(isPositive({ currency: "BTC", quantity: 0n }))
    assert.isTrue(isPositive({ currency: "BTC", quantity: 1n }))
    assert.isTrue(Schema.is(Amount.Amount)(Amount.zero(Amount.Currency.make("BTC"))))
  })

  it("say what is wrong with a quantity", () => {
    assert.include(failure(decode({ currency: "BTC", quantity: "007" })).message, 'not start with a zero. Got "007".')
    for (const quantity of [5, 5n, null, undefined]) failure(decode({ currency: "BTC", quantity }))
  })
})

describe("a currency", () => {
  const isCurrency = Schema.is(Amount.Currency)

  it("is 1 to 128 printable characters", () => {
    for (const text of [...currencies, "a", "a".repeat(128), "🏦".repeat(128)]) assert.isTrue(isCurrency(text), text)
    for (const text of ["", "a".repeat(129), "🏦".repeat(129)]) assert.isFalse(isCurrency(text), text)
  })

  it("has no space, control, invisible or broken character anywhere", () => {
    const bad = [" ", "\t", "\n", "\0", "\u007f", "\u00a0", "\u2003", "\u2028", "\u200b", "\ufeff", "\u202e", "\ud800"]
    for (const character of bad) {
      for (const text of [character, `${character}BTC`, `B${character}TC`, `BTC${character}`]) {
        assert.isFalse(isCurrency(text), JSON.stringify(text))
      }
    }
  })

  it("is case-sensitive", () => {
    const [upper, lower] = ["BTC", "btc"].map((text) => ({ currency: Amount.Currency.make(text), quantity: units(1n) }))
    assert.isFalse(upper && lower && Amount.Equivalence(upper, lower))
  })
})
