import { assert, describe, it } from "@effect/vitest"
import { BaseUnits } from "@holdfast/domain"
import { domainLaws } from "@holdfast/domain/testing"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { units } from "../support/Generators.ts"
import { obeys } from "../support/Laws.ts"

const { MAX } = BaseUnits
const run = Effect.runSync
const failure = <E>(effect: Effect.Effect<unknown, E>): E => run(Effect.flip(effect))

describe("amounts", () => obeys(domainLaws.amounts))

describe("base units", () => {
  it("are the bigints from 0 to 2^256 - 1", () => {
    const isBaseUnits = Schema.is(BaseUnits.BaseUnits)
    assert.strictEqual(MAX, 2n ** 256n - 1n)
    for (const value of [0n, 1n, MAX]) assert.isTrue(isBaseUnits(value))
    for (const value of [-1n, MAX + 1n, 1, "1"]) assert.isFalse(isBaseUnits(value))
  })
})

describe("a partition", () => {
  it("fails where no weight is positive", () => {
    for (const weights of [[], [units(0n)], [units(0n), units(0n)]]) {
      const error = failure(BaseUnits.partition(units(5n), weights))
      assert.strictEqual(error._tag, "InvalidWeights")
      assert.strictEqual(error.message, `At least one weight must be positive. Got [${weights.join(", ")}].`)
    }
  })
})

describe("decimal digits", () => {
  it("are read where canonical, refused otherwise: no text is read as what it does not say", () => {
    const text = fc.oneof(
      fc.stringMatching(/^0?[0-9]{1,79}$/),
      fc.stringMatching(/^[0-9+\-.e xn_]{1,4}$/),
      fc.string({ unit: "binary" }),
    )
    fc.assert(
      fc.property(text, (text) => {
        const read = run(Effect.option(BaseUnits.fromString(text)))
        if (read._tag === "Some") assert.strictEqual(BaseUnits.toString(read.value), text)
        else assert.notMatch(text, /^(0|[1-9][0-9]{0,76})$/)
      }),
    )
  })

  it("reach 2^256 - 1", () => {
    const text = "115792089237316195423570985008687907853269984665640564039457584007913129639935"
    assert.strictEqual<bigint>(run(BaseUnits.fromString(text)), MAX)
  })

  const refused: ReadonlyArray<readonly [text: string, message: string]> = [
    ["", 'Base units must be decimal digits only. Got "".'],
    ["007", 'Base units must not start with a zero. Got "007".'],
    ["05", 'Base units must not start with a zero. Got "05".'],
    ["00", 'Base units must not start with a zero. Got "00".'],
    ["+5", 'Base units must be decimal digits only. Got "+5".'],
    ["-5", 'Base units must be decimal digits only. Got "-5".'],
    ["-0", 'Base units must be decimal digits only. Got "-0".'],
    ["1e3", 'Base units must be decimal digits only. Got "1e3".'],
    ["1.0", 'Base units must be decimal digits only. Got "1.0".'],
    ["1_000", 'Base units must be decimal digits only. Got "1_000".'],
    [" 1", 'Base units must be decimal digits only. Got " 1".'],
    ["1 ", 'Base units must be decimal digits only. Got "1 ".'],
    ["1\n", 'Base units must be decimal digits only. Got "1\\n".'],
    ["0x10", 'Base units must be decimal digits only. Got "0x10".'],
    ["٣", 'Base units must be decimal digits only. Got "٣".'],
    ["1n", 'Base units must be decimal digits only. Got "1n".'],
    ["9".repeat(79), `Base units must have at most 78 digits. Got "${"9".repeat(79)}".`],
    [String(2n ** 256n), `Base units must be at most 2^256 - 1. Got "${2n ** 256n}".`],
    ["7".repeat(5000), `Base units must have at most 78 digits. Got "${"7".repeat(100)}"… (5000 characters).`],
  ]
  for (const [text, message] of refused) {
    it(`are not ${JSON.stringify(text.length > 20 ? `${text.slice(0, 20)}…` : text)}`, () => {
      const error = failure(BaseUnits.fromString(text))
      assert.deepStrictEqual([error._tag, error.text, error.message], ["InvalidBaseUnits", text, message])
      const issue = failure(Schema.decodeUnknownEffect(BaseUnits.FromString)(text))
      assert.include(issue.message, message)
    })
  }

  it("come as text: no number, no bigint, no null", () => {
    for (const value of [5, 5n, null, undefined, ["5"], { toString: () => "5" }]) {
      failure(Schema.decodeUnknownEffect(BaseUnits.FromString)(value))
    }
  })
})
