/**
 * Base units: whole numbers of the smallest unit of a currency (satoshi, wei).
 *
 * A `BaseUnits` is a branded `bigint` from 0 to {@link MAX}, the range of an
 * Ethereum `uint256`, so that any token fits. Nothing here rounds, wraps or
 * passes through a JavaScript `number`: an operation whose result lies outside
 * the range fails with a typed error.
 *
 * Laws, checked in `test/domain/BaseUnits.test.ts`: `add` is commutative and
 * associative with identity `zero`; `subtract` undoes `add`; `partition`
 * conserves the sum; `toString` and `fromString` are inverse.
 */
import { Effect, Equivalence as Equivalence_, Order as Order_, Schema, SchemaTransformation } from "effect"
import { dual } from "effect/Function"
import * as Parsing from "./internal/parsing.ts"

/**
 * The largest amount: 2^256 − 1 base units (78 decimal digits), as in the
 * `uint256` of the Solidity ABI.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.equal(BaseUnits.MAX.toString(16), "f".repeat(64))
 * assert.ok(!Schema.is(BaseUnits.BaseUnits)(BaseUnits.MAX + 1n))
 * ```
 *
 * @category constants
 */
export const MAX = 2n ** 256n - 1n

/**
 * A whole number of base units, 0 … 2^256 − 1.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Schema.is(BaseUnits.BaseUnits)(42n))
 * assert.ok(!Schema.is(BaseUnits.BaseUnits)(-1n))
 * assert.throws(() => BaseUnits.BaseUnits.make(-1n), { message: "Expected base units, 0 to 2^256 - 1, got -1n" })
 *
 * // `JSON.stringify` knows no bigint: whatever holds one is written with the codec of its schema.
 * const Json = Schema.fromJsonString(Schema.toCodecJson(Schema.Array(BaseUnits.BaseUnits)))
 * assert.equal(Schema.encodeSync(Json)([BaseUnits.BaseUnits.make(42n)]), '["42"]')
 * assert.deepEqual(Schema.decodeSync(Json)('["42"]'), [42n])
 * ```
 *
 * @category schemas
 */
export const BaseUnits = Schema.BigInt.check(
  Schema.isBetweenBigInt({ minimum: 0n, maximum: MAX }, { expected: "base units, 0 to 2^256 - 1" }),
).pipe(Schema.brand("BaseUnits"), Parsing.telling)

/** @category models */
export type BaseUnits = typeof BaseUnits.Type

/**
 * Text that is not a whole number of base units in canonical decimal digits.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const error = Effect.runSync(Effect.flip(BaseUnits.fromString("1.5")))
 * assert.equal(error.text, "1.5")
 * assert.match(error.message, /decimal digits only.* Got "1\.5"\.$/)
 * ```
 *
 * @category errors
 */
export class InvalidBaseUnits extends Schema.TaggedError<InvalidBaseUnits>()("InvalidBaseUnits", {
  text: Schema.String,
  reason: Schema.String,
}) {
  override get message() {
    return `${this.reason} Got ${Parsing.quote(this.text)}.`
  }
}

/**
 * A sum above 2^256 − 1.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const [most, one] = [BaseUnits.BaseUnits.make(BaseUnits.MAX), BaseUnits.BaseUnits.make(1n)]
 * const error = Effect.runSync(Effect.flip(BaseUnits.add(most, one)))
 * assert.equal(error.sum, 2n ** 256n)
 * assert.match(error.message, /at most 2\^256 - 1 base units\. Got 1157920892/)
 * ```
 *
 * @category errors
 */
export class BaseUnitsOverflow extends Schema.TaggedError<BaseUnitsOverflow>()("BaseUnitsOverflow", {
  sum: Schema.BigInt,
}) {
  override get message() {
    return `The sum must be at most 2^256 - 1 base units. Got ${this.sum}.`
  }
}

/**
 * A difference below zero.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const [two, three] = [BaseUnits.BaseUnits.make(2n), BaseUnits.BaseUnits.make(3n)]
 * const error = Effect.runSync(Effect.flip(BaseUnits.subtract(two, three)))
 * assert.equal(error.subtrahend - error.minuend, 1n)
 * assert.match(error.message, /subtract 3 from 2/)
 * ```
 *
 * @category errors
 */
export class BaseUnitsUnderflow extends Schema.TaggedError<BaseUnitsUnderflow>()("BaseUnitsUnderflow", {
  minuend: BaseUnits,
  subtrahend: BaseUnits,
}) {
  override get message() {
    return `Cannot subtract ${this.subtrahend} from ${this.minuend} base units.`
  }
}

/**
 * Weights that cannot divide an amount: none at all, or all zero.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const nobody = BaseUnits.partition(BaseUnits.BaseUnits.make(10n), [BaseUnits.zero, BaseUnits.zero])
 * assert.match(Effect.runSync(Effect.flip(nobody)).message, /weight must be positive\. Got \[0, 0\]\.$/)
 * ```
 *
 * @category errors
 */
export class InvalidWeights extends Schema.TaggedError<InvalidWeights>()("InvalidWeights", {
  weights: Schema.Array(BaseUnits),
}) {
  override get message() {
    return `At least one weight must be positive. Got [${this.weights.join(", ")}].`
  }
}

/**
 * No base units: the identity of {@link add}.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const five = BaseUnits.BaseUnits.make(5n)
 * assert.equal(Effect.runSync(BaseUnits.add(BaseUnits.zero, five)), five)
 * assert.equal(Effect.runSync(BaseUnits.sum([])), BaseUnits.zero)
 * ```
 *
 * @category constants
 */
export const zero: BaseUnits = BaseUnits.make(0n)

const isBaseUnits = Schema.is(BaseUnits)

const bounded = (sum: bigint): Effect.Effect<BaseUnits, BaseUnitsOverflow> =>
  isBaseUnits(sum) ? Effect.succeed(sum) : Effect.fail(new BaseUnitsOverflow({ sum }))

/**
 * Reads canonical decimal digits: no sign, no leading zero, no exponent, no
 * fraction, no spaces. Fails with {@link InvalidBaseUnits}.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Effect.runSync(BaseUnits.fromString("1000000000000000000")), 10n ** 18n)
 *
 * const error = Effect.runSync(Effect.flip(BaseUnits.fromString("007")))
 * assert.equal(error.message, 'Base units must not start with a zero. Got "007".')
 * ```
 *
 * @category constructors
 */
export const fromString = (text: string): Effect.Effect<BaseUnits, InvalidBaseUnits> => {
  if (!/^[0-9]+$/.test(text)) return invalid(text, "Base units must be decimal digits only.")
  if (text.length > 1 && text.startsWith("0")) return invalid(text, "Base units must not start with a zero.")
  if (text.length > 78) return invalid(text, "Base units must have at most 78 digits.")
  const value = BigInt(text)
  return isBaseUnits(value) ? Effect.succeed(value) : invalid(text, "Base units must be at most 2^256 - 1.")
}

const invalid = (text: string, reason: string) => Effect.fail(new InvalidBaseUnits({ text, reason }))

/**
 * Takes a bigint that may be out of range. Fails with {@link InvalidBaseUnits}.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Effect.runSync(BaseUnits.fromBigInt(5n)), 5n)
 *
 * const error = Effect.runSync(Effect.flip(BaseUnits.fromBigInt(-1n)))
 * assert.equal(error.message, 'Base units must be 0 to 2^256 - 1. Got "-1".')
 * ```
 *
 * @category constructors
 */
export const fromBigInt = (value: bigint): Effect.Effect<BaseUnits, InvalidBaseUnits> =>
  isBaseUnits(value) ? Effect.succeed(value) : invalid(value.toString(10), "Base units must be 0 to 2^256 - 1.")

/**
 * Writes canonical decimal digits, all of them.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.equal(BaseUnits.toString(BaseUnits.BaseUnits.make(BaseUnits.MAX)).length, 78)
 * ```
 *
 * @category conversions
 */
export const toString = (units: BaseUnits): string => units.toString(10)

/**
 * Base units as canonical decimal digits on the outside: the form in which
 * amounts travel in JSON strings.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Schema.decodeUnknownSync(BaseUnits.FromString)("12"), 12n)
 * assert.throws(() => Schema.decodeUnknownSync(BaseUnits.FromString)("1e3"), /decimal digits only/)
 * ```
 *
 * @category schemas
 */
export const FromString = Schema.String.annotate({
  description: "Base units as canonical decimal digits, 0 to 2^256 - 1.",
}).pipe(
  Schema.decodeTo(
    BaseUnits,
    SchemaTransformation.transformEffect({
      decode: Parsing.decodeWith(fromString),
      encode: (units) => Effect.succeed(units.toString(10)),
    }),
  ),
)

/**
 * The sum of two amounts. Fails with {@link BaseUnitsOverflow} above the bound.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect, pipe } from "effect"
 * import assert from "node:assert/strict"
 *
 * const two = BaseUnits.BaseUnits.make(2n)
 * assert.equal(Effect.runSync(BaseUnits.add(two, two)), 4n)
 * assert.equal(Effect.runSync(pipe(two, BaseUnits.add(two), Effect.flatMap(BaseUnits.add(two)))), 6n)
 * ```
 *
 * @category arithmetic
 */
export const add: {
  (that: BaseUnits): (self: BaseUnits) => Effect.Effect<BaseUnits, BaseUnitsOverflow>
  (self: BaseUnits, that: BaseUnits): Effect.Effect<BaseUnits, BaseUnitsOverflow>
} = dual(2, (self: BaseUnits, that: BaseUnits) => bounded(self + that))

/**
 * `self − that`. Fails with {@link BaseUnitsUnderflow} where `that` is more
 * than `self`.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const [three, five] = [BaseUnits.BaseUnits.make(3n), BaseUnits.BaseUnits.make(5n)]
 * assert.equal(Effect.runSync(BaseUnits.subtract(five, three)), 2n)
 * assert.equal(Effect.runSync(Effect.flip(BaseUnits.subtract(three, five)))._tag, "BaseUnitsUnderflow")
 * ```
 *
 * @category arithmetic
 */
export const subtract: {
  (that: BaseUnits): (self: BaseUnits) => Effect.Effect<BaseUnits, BaseUnitsUnderflow>
  (self: BaseUnits, that: BaseUnits): Effect.Effect<BaseUnits, BaseUnitsUnderflow>
} = dual(2, (self: BaseUnits, that: BaseUnits): Effect.Effect<BaseUnits, BaseUnitsUnderflow> => {
  const difference = self - that
  return isBaseUnits(difference)
    ? Effect.succeed(difference)
    : Effect.fail(new BaseUnitsUnderflow({ minuend: self, subtrahend: that }))
})

/**
 * `self − that`, or zero where `that` is more: the saturating ("monus")
 * subtraction. Total.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const [three, five] = [BaseUnits.BaseUnits.make(3n), BaseUnits.BaseUnits.make(5n)]
 * assert.equal(BaseUnits.difference(five, three), 2n)
 * assert.equal(BaseUnits.difference(three, five), 0n)
 * ```
 *
 * @category arithmetic
 */
export const difference: {
  (that: BaseUnits): (self: BaseUnits) => BaseUnits
  (self: BaseUnits, that: BaseUnits): BaseUnits
} = dual(2, (self: BaseUnits, that: BaseUnits): BaseUnits => (self > that ? BaseUnits.make(self - that) : zero))

/**
 * The sum of any number of amounts; zero for none. Fails with
 * {@link BaseUnitsOverflow}.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const amounts = [1n, 2n, 3n].map((units) => BaseUnits.BaseUnits.make(units))
 * assert.equal(Effect.runSync(BaseUnits.sum(amounts)), 6n)
 * ```
 *
 * @category arithmetic
 */
export const sum = (amounts: Iterable<BaseUnits>): Effect.Effect<BaseUnits, BaseUnitsOverflow> => {
  let total = 0n
  for (const amount of amounts) total += amount
  return bounded(total)
}

/**
 * Divides an amount in proportion to weights, so that the parts add up to it
 * exactly. Each part is the exact share rounded down; the units left over go
 * one each to the parts with the largest remainders, the earlier first among
 * equals (the largest remainder method, also known as Hamilton's). Fails with
 * {@link InvalidWeights} where no weight is positive.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const units = (value: bigint) => BaseUnits.BaseUnits.make(value)
 * const thirds = BaseUnits.partition(units(10n), [units(1n), units(1n), units(1n)])
 * assert.deepEqual(Effect.runSync(thirds), [4n, 3n, 3n])
 * ```
 *
 * @category arithmetic
 */
export const partition = (
  self: BaseUnits,
  weights: ReadonlyArray<BaseUnits>,
): Effect.Effect<ReadonlyArray<BaseUnits>, InvalidWeights> => {
  const total = weights.reduce((sum, weight) => sum + weight, 0n)
  if (total === 0n) return Effect.fail(new InvalidWeights({ weights }))
  const shares = weights.map((weight, index) => ({
    index,
    floor: (self * weight) / total,
    remainder: (self * weight) % total,
  }))
  const leftOver = self - shares.reduce((sum, share) => sum + share.floor, 0n)
  const roundedUp = new Set(
    shares
      .toSorted((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1))
      .slice(0, Number(leftOver))
      .map((share) => share.index),
  )
  return Effect.succeed(shares.map(({ floor, index }) => BaseUnits.make(roundedUp.has(index) ? floor + 1n : floor)))
}

/**
 * Orders amounts by size.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const fees = [30n, 4n, 100n].map((units) => BaseUnits.BaseUnits.make(units))
 * // As numbers, where the order of their texts is another: "100", "30", "4".
 * assert.deepEqual(fees.toSorted(BaseUnits.Order), [4n, 30n, 100n])
 * ```
 *
 * @category instances
 */
export const Order: Order_.Order<BaseUnits> = Order_.BigInt

/**
 * Whether two amounts are the same.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Array } from "effect"
 * import assert from "node:assert/strict"
 *
 * const amounts = [5n, 7n, 5n].map((units) => BaseUnits.BaseUnits.make(units))
 * assert.deepEqual(Array.dedupeWith(amounts, BaseUnits.Equivalence), [5n, 7n])
 * ```
 *
 * @category instances
 */
export const Equivalence: Equivalence_.Equivalence<BaseUnits> = Equivalence_.strictEqual()
