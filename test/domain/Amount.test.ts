import { assert, describe, it } from "@effect/vitest"
import { Amount } from "@holdfast/domain"
import { Effect, Schema } from "effect"
import { currencies, units } from "../support/Generators.ts"

const run = Effect.runSync
const failure = <E>(effect: Effect.Effect<unknown, E>): E => run(Effect.flip(effect))
const decode = Schema.decodeUnknownEffect(Amount.PositiveFromString)

describe("amounts", () => {
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
