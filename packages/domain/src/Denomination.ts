/**
 * Denominations: how many decimals people write a currency with. Conversion
 * between base units and decimal text is exact both ways; text with more
 * decimals than the denomination has is an error, never a rounding.
 */
import { Effect, Schema } from "effect"
import * as BaseUnits from "./BaseUnits.ts"
import * as Parsing from "./internal/parsing.ts"

/**
 * The number of decimals of a currency's customary unit, 0 to 36: 8 for bitcoin
 * (1 BTC is 10^8 satoshi), 18 for ether. Only the schema makes one; what passes for
 * one behind the compiler's back is a defect of whatever it is given to.
 *
 * ```ts
 * import { Denomination } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Denomination.Denomination.make({ decimals: 18 }).decimals, 18)
 * assert.throws(() => Denomination.Denomination.make({ decimals: -1 }), {
 *   message: 'Expected 0 to 36 decimals, got -1\n  at ["decimals"]',
 * })
 * ```
 *
 * ```ts
 * import { BaseUnits, Denomination } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const yen = Denomination.Denomination.make({ decimals: 0 })
 * assert.equal(Denomination.format(yen, BaseUnits.BaseUnits.make(1500n)), "1500")
 * assert.ok(!Schema.is(Denomination.Denomination)({ decimals: 37 }))
 * ```
 *
 * @category schemas
 */
export const Denomination = Schema.Struct({
  decimals: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 36 }, { expected: "0 to 36 decimals" })),
}).pipe(Schema.brand("Denomination"), Parsing.telling)

/** @category models */
export type Denomination = typeof Denomination.Type

/**
 * Decimal text that does not name a whole number of base units.
 *
 * ```ts
 * import { Denomination } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const bitcoin = Denomination.Denomination.make({ decimals: 8 })
 * const error = Effect.runSync(Effect.flip(Denomination.parse(bitcoin, "1,5")))
 * assert.equal(error.text, "1,5")
 * assert.match(error.message, /decimal digits.* Got "1,5"\.$/)
 * ```
 *
 * @category errors
 */
export class InvalidDecimal extends Schema.TaggedError<InvalidDecimal>()("InvalidDecimal", {
  text: Schema.String,
  reason: Schema.String,
}) {
  override get message() {
    return `${this.reason} Got ${Parsing.quote(this.text)}.`
  }
}

/**
 * Reads decimal text such as `"1.5"`: digits, then optionally a point and more
 * digits; no sign, exponent, grouping or leading zero. Fails with
 * {@link InvalidDecimal} where the text has more decimals than the
 * denomination (even if they are zeros) or names more than 2^256 − 1 base units.
 *
 * ```ts
 * import { Denomination } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const bitcoin = Denomination.Denomination.make({ decimals: 8 })
 * assert.equal(Effect.runSync(Denomination.parse(bitcoin, "1.5")), 150_000_000n)
 *
 * const error = Effect.runSync(Effect.flip(Denomination.parse(bitcoin, "0.123456789")))
 * assert.equal(error.message, 'Expected at most 8 decimals. Got "0.123456789".')
 * ```
 *
 * @category conversions
 */
export const parse = (self: Denomination, text: string): Effect.Effect<BaseUnits.BaseUnits, InvalidDecimal> =>
  Effect.suspend(() => parsed(Denomination.make(self), text))

const parsed = ({ decimals }: Denomination, text: string): Effect.Effect<BaseUnits.BaseUnits, InvalidDecimal> => {
  const match = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text)
  if (match === null) return invalid(text, "Expected decimal digits with at most one point.")
  const [, whole = "", fraction = ""] = match
  if (fraction.length > decimals) return invalid(text, `Expected at most ${decimals} decimals.`)
  const digits = (whole + fraction.padEnd(decimals, "0")).replace(/^0+(?=.)/, "")
  return Effect.catchEager(BaseUnits.fromString(digits), () => invalid(text, "Expected at most 2^256 - 1 base units."))
}

const invalid = (text: string, reason: string) => Effect.fail(new InvalidDecimal({ text, reason }))

/**
 * Writes base units as decimal text with exactly the denomination's decimals.
 * Total.
 *
 * ```ts
 * import { BaseUnits, Denomination } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const bitcoin = Denomination.Denomination.make({ decimals: 8 })
 * assert.equal(Denomination.format(bitcoin, BaseUnits.BaseUnits.make(1n)), "0.00000001")
 * ```
 *
 * @category conversions
 */
export const format = (self: Denomination, units: BaseUnits.BaseUnits): string => {
  const { decimals } = Denomination.make(self)
  const digits = BaseUnits.toString(units).padStart(decimals + 1, "0")
  const point = digits.length - decimals
  return decimals === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
}
