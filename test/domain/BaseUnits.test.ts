import { assert, describe, it } from "@effect/vitest"
import { BaseUnits } from "@holdfast/domain"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { account, quantity, units } from "../support/Generators.ts"

const { MAX } = BaseUnits
const run = Effect.runSync
const failure = <E>(effect: Effect.Effect<unknown, E>): E => run(Effect.flip(effect))

/** Three quantities whose sum is within the bound. */
const addends = account.map(({ available, reserved, deallocated }) => [available, reserved, deallocated] as const)

describe("base units", () => {
  it("are the bigints from 0 to 2^256 - 1", () => {
    const isBaseUnits = Schema.is(BaseUnits.BaseUnits)
    assert.strictEqual(MAX, 2n ** 256n - 1n)
    for (const value of [0n, 1n, MAX]) assert.isTrue(isBaseUnits(value))
    for (const value of [-1n, MAX + 1n, 1, "1"]) assert.isFalse(isBaseUnits(value))
  })

  it("add up to the sum, or fail above 2^256 - 1", () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        if (a + b <= MAX) return assert.strictEqual<bigint>(run(BaseUnits.add(a, b)), a + b)
        const error = failure(BaseUnits.add(a, b))
        assert.strictEqual(error._tag, "BaseUnitsOverflow")
        assert.strictEqual(error.message, `The sum must be at most 2^256 - 1 base units. Got ${a + b}.`)
      }),
    )
  })

  it("add commutatively and associatively, and zero changes nothing", () => {
    fc.assert(
      fc.property(addends, ([a, b, c]) => {
        const add = (x: BaseUnits.BaseUnits, y: BaseUnits.BaseUnits) => run(BaseUnits.add(x, y))
        assert.strictEqual(add(a, b), add(b, a))
        assert.strictEqual(add(add(a, b), c), add(a, add(b, c)))
        assert.strictEqual(add(a, BaseUnits.zero), a)
      }),
    )
  })

  it("subtract what was added", () => {
    fc.assert(
      fc.property(addends, ([a, b]) => {
        assert.strictEqual(run(Effect.flatMap(BaseUnits.add(a, b), (sum) => BaseUnits.subtract(sum, b))), a)
      }),
    )
  })

  it("never go below zero: subtraction fails and difference is zero", () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        if (a >= b) {
          assert.strictEqual<bigint>(run(BaseUnits.subtract(a, b)), a - b)
          assert.strictEqual<bigint>(BaseUnits.difference(a, b), a - b)
        } else {
          const error = failure(BaseUnits.subtract(a, b))
          assert.deepStrictEqual([error._tag, error.minuend, error.subtrahend], ["BaseUnitsUnderflow", a, b])
          assert.strictEqual(error.message, `Cannot subtract ${b} from ${a} base units.`)
          assert.strictEqual(BaseUnits.difference(a, b), BaseUnits.zero)
        }
      }),
    )
  })

  it("sum to what adding one after another gives", () => {
    fc.assert(
      fc.property(fc.array(quantity, { maxLength: 8 }), (amounts) => {
        const oneByOne = Effect.reduce(amounts, () => BaseUnits.zero, BaseUnits.add)
        const [sum, expected] = [run(Effect.option(BaseUnits.sum(amounts))), run(Effect.option(oneByOne))]
        assert.deepStrictEqual(sum, expected)
      }),
    )
  })

  it("order by size, and equal themselves only", () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        assert.strictEqual(BaseUnits.Order(a, b), a < b ? -1 : a > b ? 1 : 0)
        assert.strictEqual(BaseUnits.Equivalence(a, b), a === b)
      }),
    )
  })
})

describe("a partition", () => {
  const weights = fc.array(quantity, { minLength: 1, maxLength: 12 })
  const positiveWeights = weights.filter((all) => all.some((weight) => weight > 0n))
  const sum = (amounts: ReadonlyArray<bigint>) => amounts.reduce((total, amount) => total + amount, 0n)

  it("conserves the sum", () => {
    fc.assert(
      fc.property(quantity, positiveWeights, (whole, weights) => {
        const parts = run(BaseUnits.partition(whole, weights))
        assert.strictEqual(parts.length, weights.length)
        assert.strictEqual<bigint>(sum(parts), whole)
      }),
    )
  })

  it("is within one unit of each exact share", () => {
    fc.assert(
      fc.property(quantity, positiveWeights, (whole, weights) => {
        const total = sum(weights)
        run(BaseUnits.partition(whole, weights)).forEach((part, index) => {
          const exact = whole * (weights[index] ?? 0n)
          assert.isTrue(part * total > exact - total && part * total < exact + total)
        })
      }),
    )
  })

  it("gives the units left over to the largest remainders, the earlier first among equals", () => {
    fc.assert(
      fc.property(quantity, positiveWeights, (whole, weights) => {
        const total = sum(weights)
        const shares = run(BaseUnits.partition(whole, weights)).map((part, index) => {
          const exact = whole * (weights[index] ?? 0n)
          return { index, remainder: exact % total, roundedUp: part > exact / total }
        })
        for (const up of shares.filter((share) => share.roundedUp)) {
          for (const down of shares.filter((share) => !share.roundedUp)) {
            const earlier = up.remainder === down.remainder && up.index < down.index
            assert.isTrue(up.remainder > down.remainder || earlier, `${up.index} before ${down.index}`)
          }
        }
      }),
    )
  })

  it("never gives less to a larger weight", () => {
    fc.assert(
      fc.property(quantity, positiveWeights, (whole, weights) => {
        const parts = run(BaseUnits.partition(whole, weights))
        const pairs = parts.map((part, index) => ({ part, weight: weights[index] ?? 0n }))
        for (const a of pairs) for (const b of pairs) if (a.weight > b.weight) assert.isTrue(a.part >= b.part)
      }),
    )
  })

  it("fails where no weight is positive", () => {
    for (const weights of [[], [units(0n)], [units(0n), units(0n)]]) {
      const error = failure(BaseUnits.partition(units(5n), weights))
      assert.strictEqual(error._tag, "InvalidWeights")
      assert.strictEqual(error.message, `At least one weight must be positive. Got [${weights.join(", ")}].`)
    }
  })
})

describe("decimal digits", () => {
  it("are read back as written, whatever the quantity", () => {
    fc.assert(
      fc.property(quantity, (value) => {
        const text = BaseUnits.toString(value)
        assert.match(text, /^(0|[1-9][0-9]{0,77})$/)
        assert.strictEqual(run(BaseUnits.fromString(text)), value)
        assert.strictEqual(Schema.decodeUnknownSync(BaseUnits.FromString)(text), value)
        assert.strictEqual(Schema.encodeSync(BaseUnits.FromString)(value), text)
      }),
    )
  })

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
