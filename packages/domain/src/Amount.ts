/**
 * Amounts: base units of one currency. Amounts of different currencies never
 * mix; every operation on two of them fails with {@link CurrencyMismatch}
 * instead.
 */
import { Effect, type Equivalence as Equivalence_, Schema } from "effect"
import { dual } from "effect/Function"
import * as BaseUnits from "./BaseUnits.ts"
import * as Parsing from "./internal/parsing.ts"

/**
 * A currency code as the partner maps it: case-sensitive, 1 to 128 printable
 * characters without spaces (codes in use reach about 65 characters and
 * contain `:` `-` `.`).
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Schema.is(Amount.Currency)("ofcETH:USDC-v2.e"))
 * assert.ok(!Schema.is(Amount.Currency)("US D"))
 * ```
 *
 * @category schemas
 */
export const Currency = Schema.String.check(
  Schema.isPattern(/^[^\p{C}\p{Z}]{1,128}$/u, {
    expected: "a currency of 1 to 128 printable characters without spaces",
    // The smallest that is drawn has one.
    arbitraryConstraint: { minLength: 1 },
  }),
).pipe(Schema.brand("Currency"), Parsing.telling)

/** @category models */
export type Currency = typeof Currency.Type

/**
 * Base units of one currency.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const decode = Schema.decodeUnknownSync(Amount.Amount)
 * assert.deepEqual(decode({ currency: "BTC", quantity: 0n }), { currency: "BTC", quantity: 0n })
 * // A JavaScript number is no quantity, however small.
 * assert.throws(() => decode({ currency: "BTC", quantity: 5 }), /Expected bigint/)
 * ```
 *
 * @category schemas
 */
export const Amount = Schema.Struct({ currency: Currency, quantity: BaseUnits.BaseUnits }).pipe(Parsing.telling)

/** @category models */
export type Amount = typeof Amount.Type

/**
 * An amount of at least one base unit: what can be reserved, credited or
 * debited.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isPositive = Schema.is(Amount.Positive)
 * assert.ok(isPositive({ currency: "BTC", quantity: 1n }))
 * assert.ok(!isPositive({ currency: "BTC", quantity: 0n }))
 * ```
 *
 * @category schemas
 */
export const Positive = Amount.check(
  Schema.makeFilter((amount: Amount) =>
    amount.quantity > 0n ? undefined : { path: ["quantity"], issue: "Quantity must be at least 1 base unit. Got 0." },
  ),
).pipe(Parsing.telling)

/**
 * The same with the quantity as canonical decimal digits on the outside: the
 * form in which amounts arrive in JSON.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const decode = Schema.decodeUnknownSync(Amount.PositiveFromString)
 * assert.deepEqual(decode({ currency: "BTC", quantity: "21" }), { currency: "BTC", quantity: 21n })
 * assert.throws(() => decode({ currency: "BTC", quantity: "0" }), /at least 1 base unit/)
 * ```
 *
 * @category schemas
 */
export const PositiveFromString = Schema.Struct({ currency: Currency, quantity: BaseUnits.FromString }).pipe(
  Schema.decodeTo(Positive),
)

/**
 * A code that is not among those that there are ({@link Transfer.Policy}).
 *
 * ```ts
 * import { Adjustment, Connection, Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const credit = Schema.decodeUnknownSync(Adjustment.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   direction: "credit",
 *   amount: { currency: "DOGE", quantity: 5n },
 * })
 * const program = Effect.gen(function* () {
 *   const { register, adjust } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   return yield* Effect.flip(adjust(credit))
 * })
 * const platform = MemoryStore.layer({ currencies: new Set(["BTC", "ETH"]) })
 * assert.equal(Effect.runSync(Effect.provide(program, platform)).message, "There is no currency DOGE.")
 * ```
 *
 * @category errors
 */
export class UnknownCurrency extends Schema.TaggedError<UnknownCurrency>()("UnknownCurrency", {
  currency: Currency,
}) {
  override get message() {
    return `There is no currency ${this.currency}.`
  }
}

/**
 * A code that is new and differs from a known one only in case: more likely a
 * slip than a currency.
 *
 * ```ts
 * import { Adjustment, Connection, Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const credit = (id: string, currency: string) =>
 *   Schema.decodeUnknownSync(Adjustment.Terms)({
 *     id,
 *     connectionId: connection.connectionId,
 *     direction: "credit",
 *     amount: { currency, quantity: 5n },
 *   })
 * const program = Effect.gen(function* () {
 *   const { register, adjust } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   yield* adjust(credit("018f3f1e-0000-7000-8000-000000000003", "ETH"))
 *   const slip = credit("018f3f1e-0000-7000-8000-000000000004", "eth")
 *   const error = yield* Effect.flip(adjust(slip))
 *   // Whoever means it says so.
 *   yield* adjust(slip, { newCurrency: true })
 *   return error
 * })
 * const error = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(error.message, "The currency eth is new, and differs only in case from ETH.")
 * ```
 *
 * @category errors
 */
export class CurrencyLooksAlike extends Schema.TaggedError<CurrencyLooksAlike>()("CurrencyLooksAlike", {
  currency: Currency,
  known: Currency,
}) {
  override get message() {
    return `The currency ${this.currency} is new, and differs only in case from ${this.known}.`
  }
}

/**
 * A code without the case of its letters A to Z, to see which look alike.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Amount.folded("tETH:Goerli"), "teth:goerli")
 * ```
 *
 * @category conversions
 */
export const folded = (code: string): string => code.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/**
 * Two amounts of different currencies where one currency is needed.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const [btc, eth] = [Amount.zero(Amount.Currency.make("BTC")), Amount.zero(Amount.Currency.make("ETH"))]
 * const error = Effect.runSync(Effect.flip(Amount.subtract(btc, eth)))
 * assert.equal(error.message, "Expected an amount in BTC. Got one in ETH.")
 * ```
 *
 * @category errors
 */
export class CurrencyMismatch extends Schema.TaggedError<CurrencyMismatch>()("CurrencyMismatch", {
  expected: Currency,
  actual: Currency,
}) {
  override get message() {
    return `Expected an amount in ${this.expected}. Got one in ${this.actual}.`
  }
}

/**
 * No base units of a currency.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * // Where a sum begins.
 * const amount = Schema.decodeUnknownSync(Amount.PositiveFromString)
 * const deposits = [amount({ currency: "BTC", quantity: "2" }), amount({ currency: "BTC", quantity: "3" })]
 * const total = Effect.reduce(deposits, () => Amount.zero(Amount.Currency.make("BTC")), Amount.add)
 * assert.equal(Effect.runSync(total).quantity, 5n)
 * ```
 *
 * @category constructors
 */
export const zero = (currency: Currency): Amount => ({ currency, quantity: BaseUnits.zero })

const sameCurrency = <A, E>(
  self: Amount,
  that: Amount,
  combine: (self: BaseUnits.BaseUnits, that: BaseUnits.BaseUnits) => Effect.Effect<A, E>,
): Effect.Effect<A, E | CurrencyMismatch> =>
  self.currency === that.currency
    ? combine(self.quantity, that.quantity)
    : Effect.fail(new CurrencyMismatch({ expected: self.currency, actual: that.currency }))

/**
 * The sum of two amounts of one currency. Fails with {@link CurrencyMismatch}
 * or {@link BaseUnits.BaseUnitsOverflow}.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const amount = Schema.decodeUnknownSync(Amount.PositiveFromString)
 * const btc = amount({ currency: "BTC", quantity: "2" })
 * const eth = amount({ currency: "ETH", quantity: "2" })
 * assert.equal(Effect.runSync(Amount.add(btc, btc)).quantity, 4n)
 * assert.equal(Effect.runSync(Effect.flip(Amount.add(btc, eth)))._tag, "CurrencyMismatch")
 * ```
 *
 * @category arithmetic
 */
export const add: {
  (that: Amount): (self: Amount) => Effect.Effect<Amount, CurrencyMismatch | BaseUnits.BaseUnitsOverflow>
  (self: Amount, that: Amount): Effect.Effect<Amount, CurrencyMismatch | BaseUnits.BaseUnitsOverflow>
} = dual(2, (self: Amount, that: Amount) =>
  Effect.mapEager(sameCurrency(self, that, BaseUnits.add), (quantity) => ({ currency: self.currency, quantity })),
)

/**
 * `self − that` in one currency. Fails with {@link CurrencyMismatch} or
 * {@link BaseUnits.BaseUnitsUnderflow}.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const amount = Schema.decodeUnknownSync(Amount.PositiveFromString)
 * const left = Amount.subtract(amount({ currency: "BTC", quantity: "5" }), amount({ currency: "BTC", quantity: "3" }))
 * assert.deepEqual(Effect.runSync(left), { currency: "BTC", quantity: 2n })
 * ```
 *
 * @category arithmetic
 */
export const subtract: {
  (that: Amount): (self: Amount) => Effect.Effect<Amount, CurrencyMismatch | BaseUnits.BaseUnitsUnderflow>
  (self: Amount, that: Amount): Effect.Effect<Amount, CurrencyMismatch | BaseUnits.BaseUnitsUnderflow>
} = dual(2, (self: Amount, that: Amount) =>
  Effect.mapEager(sameCurrency(self, that, BaseUnits.subtract), (quantity) => ({ currency: self.currency, quantity })),
)

/**
 * Whether two amounts are the same: equal currency, equal quantity.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const decode = Schema.decodeUnknownSync(Amount.PositiveFromString)
 * const [asked, booked] = [decode({ currency: "BTC", quantity: "5" }), decode({ quantity: "5", currency: "BTC" })]
 * assert.notEqual(asked, booked)
 * assert.ok(Amount.Equivalence(asked, booked))
 * ```
 *
 * @category instances
 */
export const Equivalence: Equivalence_.Equivalence<Amount> = Schema.toEquivalence(Amount)
