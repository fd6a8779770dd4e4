/**
 * Accounts: the balances of one connection in one currency.
 *
 * | move      | available | reserved | deallocated |
 * | --------- | --------- | -------- | ----------- |
 * | `credit`  | +q        |          |             |
 * | `debit`   | −q        |          |             |
 * | `reserve` | −q        | +q       |             |
 * | `clear`   |           | −q       | +q          |
 * | `release` | +q        | −q       |             |
 *
 * No balance is ever negative, and the three together never exceed 2^256 − 1.
 * `reserve`, `clear` and `release` conserve their sum, so none of them can
 * overflow; only `credit` can.
 */
import { Effect, Schema } from "effect"
import * as BaseUnits from "./BaseUnits.ts"

/**
 * The three balances of an account, in base units.
 *
 * @category schemas
 */
export const Account = Schema.Struct({
  /** What the client may trade with, and what a reservation takes from. */
  available: BaseUnits.BaseUnits,
  /** What open deallocations hold. */
  reserved: BaseUnits.BaseUnits,
  /** What cleared deallocations have taken off the platform. */
  deallocated: BaseUnits.BaseUnits,
})

/** @category models */
export type Account = typeof Account.Type

/**
 * More was asked for than is available.
 *
 * @category errors
 */
export class InsufficientBalance extends Schema.TaggedError<InsufficientBalance>()("InsufficientBalance", {
  requested: BaseUnits.BaseUnits,
  available: BaseUnits.BaseUnits,
}) {
  override get message() {
    return `Requested ${this.requested} but only ${this.available} is available.`
  }
}

/**
 * More was to be cleared or released than is reserved: the account and the
 * deallocation contradict each other.
 *
 * @category errors
 */
export class InsufficientReserve extends Schema.TaggedError<InsufficientReserve>()("InsufficientReserve", {
  requested: BaseUnits.BaseUnits,
  reserved: BaseUnits.BaseUnits,
}) {
  override get message() {
    return `Requested ${this.requested} but only ${this.reserved} is reserved.`
  }
}

/**
 * An account that nothing was ever credited to.
 *
 * @category constants
 */
export const empty: Account = { available: BaseUnits.zero, reserved: BaseUnits.zero, deallocated: BaseUnits.zero }

/**
 * The sum of the three balances: what was credited less what was debited.
 * Fails with {@link BaseUnits.BaseUnitsOverflow} for balances that no sequence
 * of moves can reach.
 *
 * @category arithmetic
 */
export const total = (self: Account): Effect.Effect<BaseUnits.BaseUnits, BaseUnits.BaseUnitsOverflow> =>
  BaseUnits.sum([self.available, self.reserved, self.deallocated])

/**
 * Adds to the available balance. Fails with {@link BaseUnits.BaseUnitsOverflow}
 * where the three balances together would exceed 2^256 − 1.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const five = BaseUnits.BaseUnits.make(5n)
 * assert.equal(Effect.runSync(Account.credit(Account.empty, five)).available, 5n)
 * ```
 *
 * @category moves
 */
export const credit = Effect.fnUntracedEager(function* (self: Account, quantity: BaseUnits.BaseUnits) {
  yield* BaseUnits.add(yield* total(self), quantity)
  return { ...self, available: yield* BaseUnits.add(self.available, quantity) }
})

/**
 * Takes from the available balance. Fails with {@link InsufficientBalance}.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const error = Effect.runSync(Effect.flip(Account.debit(Account.empty, BaseUnits.BaseUnits.make(5n))))
 * assert.equal(error.message, "Requested 5 but only 0 is available.")
 * ```
 *
 * @category moves
 */
export const debit = (self: Account, quantity: BaseUnits.BaseUnits): Effect.Effect<Account, InsufficientBalance> =>
  Effect.mapEager(takeAvailable(self, quantity), (available) => ({ ...self, available }))

/**
 * Moves from available to reserved. Fails with {@link InsufficientBalance}.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const units = (value: bigint) => BaseUnits.BaseUnits.make(value)
 * const account = { ...Account.empty, available: units(5n) }
 * const after = Effect.runSync(Account.reserve(account, units(2n)))
 * assert.deepEqual(after, { available: 3n, reserved: 2n, deallocated: 0n })
 * ```
 *
 * @category moves
 */
export const reserve = (self: Account, quantity: BaseUnits.BaseUnits): Effect.Effect<Account, InsufficientBalance> =>
  Effect.mapEager(takeAvailable(self, quantity), (available) => ({
    ...self,
    available,
    reserved: conserved(self.reserved + quantity),
  }))

/**
 * Moves from reserved to deallocated: the assets have left the platform. Fails
 * with {@link InsufficientReserve}.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const two = BaseUnits.BaseUnits.make(2n)
 * const after = Effect.runSync(Account.clear({ ...Account.empty, reserved: two }, two))
 * assert.deepEqual(after, { available: 0n, reserved: 0n, deallocated: 2n })
 * ```
 *
 * @category moves
 */
export const clear = (self: Account, quantity: BaseUnits.BaseUnits): Effect.Effect<Account, InsufficientReserve> =>
  Effect.mapEager(takeReserved(self, quantity), (reserved) => ({
    ...self,
    reserved,
    deallocated: conserved(self.deallocated + quantity),
  }))

/**
 * Moves from reserved back to available. Fails with {@link InsufficientReserve}.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const two = BaseUnits.BaseUnits.make(2n)
 * const after = Effect.runSync(Account.release({ ...Account.empty, reserved: two }, two))
 * assert.deepEqual(after, { available: 2n, reserved: 0n, deallocated: 0n })
 * ```
 *
 * @category moves
 */
export const release = (self: Account, quantity: BaseUnits.BaseUnits): Effect.Effect<Account, InsufficientReserve> =>
  Effect.mapEager(takeReserved(self, quantity), (reserved) => ({
    ...self,
    reserved,
    available: conserved(self.available + quantity),
  }))

const takeAvailable = (self: Account, quantity: BaseUnits.BaseUnits) =>
  Effect.mapErrorEager(
    BaseUnits.subtract(self.available, quantity),
    () => new InsufficientBalance({ requested: quantity, available: self.available }),
  )

const takeReserved = (self: Account, quantity: BaseUnits.BaseUnits) =>
  Effect.mapErrorEager(
    BaseUnits.subtract(self.reserved, quantity),
    () => new InsufficientReserve({ requested: quantity, reserved: self.reserved }),
  )

/** A balance that a conserving move raised: within bounds, because the sum of the three is. */
const conserved = (balance: bigint): BaseUnits.BaseUnits => BaseUnits.BaseUnits.make(balance)
