import { assert, describe, it } from "@effect/vitest"
import { BaseUnits, Denomination } from "@holdfast/domain"
import { Effect, Exit, Schema } from "effect"
import fc from "fast-check"
import { units } from "../support/Generators.ts"

const run = Effect.runSync
const denomination = (decimals: number) => Denomination.Denomination.make({ decimals })
const decimals = fc.oneof(fc.constantFrom(0, 1, 8, 18, 36), fc.integer({ min: 0, max: 36 })).map(denomination)

describe("a denomination", () => {
  it("has 0 to 36 decimals", () => {
    const isDenomination = Schema.is(Denomination.Denomination)
    for (const decimals of [0, 36]) assert.isTrue(isDenomination({ decimals }))
    for (const decimals of [-1, 37, 0.5, Number.NaN, "8"]) assert.isFalse(isDenomination({ decimals }))
  })

  it("is nothing else, whatever the compiler was told: that is a defect with the fact and the value", () => {
    const facts: ReadonlyArray<readonly [value: unknown, message: string]> = [
      [-1, 'Expected 0 to 36 decimals, got -1\n  at ["decimals"]'],
      [99, 'Expected 0 to 36 decimals, got 99\n  at ["decimals"]'],
      [1.5, 'Expected an integer, got 1.5\n  at ["decimals"]'],
      [Number.NaN, 'Expected an integer, got NaN\n  at ["decimals"]'],
      ["8", 'Expected number, got "8"\n  at ["decimals"]'],
    ]
    for (const [decimals, message] of facts) {
      const forged = { decimals } as unknown as Denomination.Denomination
      for (const text of ["1.5", "not a number"]) {
        const exit = Effect.runSyncExit(Denomination.parse(forged, text))
        assert.isTrue(Exit.hasDies(exit), message)
        assert.throws(() => run(Denomination.parse(forged, text)), message)
      }
      assert.throws(() => Denomination.format(forged, units(1n)), message)
      assert.throws(() => Denomination.Denomination.make(forged), message)
    }
    // @ts-expect-error only the schema makes one
    Denomination.format({ decimals: 8 }, units(1n))
  })

  it("reads text with fewer decimals as if zeros followed, one with more never", () => {
    fc.assert(
      fc.property(decimals, fc.nat(10 ** 6), fc.stringMatching(/^[0-9]{1,37}$/), (denomination, whole, fraction) => {
        const parsed = Denomination.parse(denomination, `${whole}.${fraction}`)
        if (fraction.length <= denomination.decimals) {
          const places = BigInt(denomination.decimals - fraction.length)
          assert.strictEqual<bigint>(run(parsed), BigInt(`${whole}${fraction}`) * 10n ** places)
        } else {
          const error = run(Effect.flip(parsed))
          assert.strictEqual(
            error.message,
            `Expected at most ${denomination.decimals} decimals. Got "${whole}.${fraction}".`,
          )
        }
      }),
    )
  })

  const written: ReadonlyArray<readonly [decimals: number, units: bigint, text: string]> = [
    [0, 0n, "0"],
    [0, 1n, "1"],
    [0, BaseUnits.MAX, String(BaseUnits.MAX)],
    [1, 5n, "0.5"],
    [8, 0n, "0.00000000"],
    [8, 1n, "0.00000001"],
    [8, 150_000_000n, "1.50000000"],
    [18, 10n ** 18n, `1.${"0".repeat(18)}`],
    [36, 1n, `0.${"0".repeat(35)}1`],
    [36, BaseUnits.MAX, "115792089237316195423570985008687907853269.984665640564039457584007913129639935"],
  ]
  for (const [decimals, value, text] of written) {
    it(`with ${decimals} decimals writes ${value} as ${text}`, () => {
      assert.strictEqual(Denomination.format(denomination(decimals), units(value)), text)
      assert.strictEqual<bigint>(run(Denomination.parse(denomination(decimals), text)), value)
    })
  }

  const refused: ReadonlyArray<readonly [decimals: number, text: string, reason: string]> = [
    ...["", ".", "1.", ".5", "1.2.3", "+1", "-1", "1e3", "01", "00.5", "1,5", " 1", "1 ", "1\n", "0x1", "٣", "NaN"].map(
      (text) => [8, text, "Expected decimal digits with at most one point."] as const,
    ),
    [0, "1.0", "Expected at most 0 decimals."],
    [8, "0.000000000", "Expected at most 8 decimals."],
    [36, `0.${"0".repeat(37)}`, "Expected at most 36 decimals."],
    [0, String(BaseUnits.MAX + 1n), "Expected at most 2^256 - 1 base units."],
    [1, String(BaseUnits.MAX), "Expected at most 2^256 - 1 base units."],
    [
      36,
      "115792089237316195423570985008687907853269.984665640564039457584007913129639936",
      "Expected at most 2^256 - 1 base units.",
    ],
  ]
  for (const [decimals, text, reason] of refused) {
    it(`with ${decimals} decimals refuses ${JSON.stringify(text)}`, () => {
      const error = run(Effect.flip(Denomination.parse(denomination(decimals), text)))
      assert.deepStrictEqual([error._tag, error.text, error.reason], ["InvalidDecimal", text, reason])
      assert.strictEqual(error.message, `${reason} Got ${JSON.stringify(text)}.`)
    })
  }
})
