/**
 * Accounts: the balances of one connection in one currency.
 *
 * Everything that moves is a posting: a quantity goes from one place to another,
 * where a place is a balance of the account, or outside of it. One law holds for
 * all of them: the sum of the balances changes by what comes from outside or goes
 * there, and by nothing else. No balance is ever negative, and their sum never
 * exceeds 2^256 − 1.
 *
 * Which events post what is said by the kinds of transfers: {@link Transfer.Rules}.
 */
import { Brand, Effect, Order, Result, Schema, Struct } from "effect"
import * as BaseUnits from "./BaseUnits.ts"
import * as Parsing from "./internal/parsing.ts"

/** Of any size; what is drawn of the schema keeps to a fifth of the bound, so that five fit together. */
const balance = BaseUnits.BaseUnits.check(
  Schema.makeFilter((_: bigint) => undefined, {
    arbitraryConstraint: { order: Order.BigInt, maximum: BaseUnits.MAX / 5n },
  }),
)

const balances = {
  /** What reserved allocations will bring: it can be neither traded nor deallocated yet. */
  pending: balance,
  /** What the client may trade with, and what a reservation takes from. */
  available: balance,
  /** What locks hold until they are cleared or released: funds in open orders, say. */
  locked: balance,
  /** What open deallocations hold. */
  reserved: balance,
  /** What cleared deallocations have taken off the platform. */
  deallocated: balance,
}

/**
 * The name of a balance.
 *
 * ```ts
 * import { Account } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Account.Balance.literals, ["pending", "available", "locked", "reserved", "deallocated"])
 * ```
 *
 * @category schemas
 */
export const Balance = Schema.Literals(Struct.keys(balances))

/** @category models */
export type Balance = typeof Balance.Type

/**
 * The balances of an account, in base units: together at most 2^256 − 1. In JSON
 * each is text, with all its digits.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const Json = Schema.fromJsonString(Schema.toCodecJson(Account.Account))
 * const account = { ...Account.empty, available: BaseUnits.BaseUnits.make(BaseUnits.MAX) }
 *
 * const text = Schema.encodeSync(Json)(account)
 * assert.ok(text.includes(`"available":"${2n ** 256n - 1n}"`))
 * assert.deepEqual(Schema.decodeSync(Json)(text), account)
 * ```
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isAccount = Schema.is(Account.Account)
 * assert.ok(isAccount({ ...Account.empty, available: BaseUnits.MAX }))
 * assert.ok(!isAccount({ ...Account.empty, available: BaseUnits.MAX, locked: 1n }))
 * ```
 *
 * @category schemas
 */
export const Account = Schema.Struct(balances)
  .check(
    Schema.makeFilter((account) => sum(account) <= BaseUnits.MAX, {
      expected: "balances of at most 2^256 - 1 base units together",
    }),
  )
  .pipe(Parsing.telling)

/** @category models */
export type Account = typeof Account.Type

/**
 * Where base units come from and where they go.
 *
 * @category models
 */
export interface Posting {
  readonly from: Balance | "outside"
  readonly to: Balance | "outside"
}

/**
 * More was to be taken from a balance than it has. `held` is what it has.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const ten = BaseUnits.BaseUnits.make(10n)
 * const error = Effect.runSync(Effect.flip(Account.post(Account.empty, { from: "reserved", to: "deallocated" }, ten)))
 * assert.equal(error._tag, "InsufficientBalance")
 * assert.equal(error.message, "Requested 10 but only 0 is reserved.")
 * ```
 *
 * @category errors
 */
export class InsufficientBalance extends Schema.TaggedError<InsufficientBalance>()("InsufficientBalance", {
  balance: Balance,
  requested: BaseUnits.BaseUnits,
  held: BaseUnits.BaseUnits,
}) {
  override get message() {
    return `Requested ${this.requested} but only ${this.held} is ${this.balance}.`
  }
}

/**
 * An account that nothing was ever credited to.
 *
 * ```ts
 * import { Account, Amount, Ledger, Uuid } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * // A store has no row of an account before something came in.
 * const rows = new Map<Ledger.AccountId, Account.Account>()
 * const key = Ledger.accountKey({
 *   connectionId: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001"),
 *   currency: Amount.Currency.make("BTC"),
 * })
 * const account = rows.get(key) ?? Account.empty
 * assert.equal(account.available, 0n)
 * ```
 *
 * @category constants
 */
export const empty: Account = {
  pending: BaseUnits.zero,
  available: BaseUnits.zero,
  locked: BaseUnits.zero,
  reserved: BaseUnits.zero,
  deallocated: BaseUnits.zero,
}

/**
 * Whether nothing is in any balance.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const one = BaseUnits.BaseUnits.make(1n)
 * assert.ok(Account.isEmpty(Account.empty))
 * // What has left the platform is still in the books.
 * assert.ok(!Account.isEmpty({ ...Account.empty, deallocated: one }))
 * ```
 *
 * @category getters
 */
export const isEmpty = (account: Account): boolean => sum(account) === 0n

/**
 * Moves a quantity from one place to another. Fails with
 * {@link InsufficientBalance} where the first has less, and with
 * {@link BaseUnits.BaseUnitsOverflow} where all balances together would exceed
 * 2^256 − 1, which can happen only to what comes from outside.
 *
 * ```ts
 * import { Account, BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const [two, five] = [BaseUnits.BaseUnits.make(2n), BaseUnits.BaseUnits.make(5n)]
 * const program = Effect.gen(function* () {
 *   const credited = yield* Account.post(Account.empty, { from: "outside", to: "available" }, five)
 *   return yield* Account.post(credited, { from: "available", to: "reserved" }, two)
 * })
 * const account = Effect.runSync(program)
 * assert.deepEqual(account, { ...Account.empty, available: 3n, reserved: 2n })
 *
 * const refused = Account.post(account, { from: "available", to: "outside" }, five)
 * assert.equal(Effect.runSync(Effect.flip(refused)).message, "Requested 5 but only 3 is available.")
 * ```
 *
 * @category posting
 */
export const post = (
  self: Account,
  posting: Posting,
  quantity: BaseUnits.BaseUnits,
): Effect.Effect<Account, InsufficientBalance | BaseUnits.BaseUnitsOverflow> =>
  Effect.suspend(() => Effect.fromResult(posted(self, posting, quantity)))

/**
 * What {@link post} comes to, as a plain value for those who decide in a loop.
 *
 * @internal
 */
export const posted = (
  self: Account,
  posting: Posting,
  quantity: BaseUnits.BaseUnits,
): Result.Result<Account, InsufficientBalance | BaseUnits.BaseUnitsOverflow> => {
  const refusal = refusalOf(self, posting, quantity)
  if (refusal !== undefined) return Result.fail(refusal)
  const { from, to } = posting
  const after: { -readonly [B in Balance]: BaseUnits.BaseUnits } = { ...self }
  if (from !== "outside") after[from] = unchecked(after[from] - quantity)
  if (to !== "outside") after[to] = unchecked(after[to] + quantity)
  return Result.succeed(after)
}

/**
 * Why {@link post} fails, if it does.
 *
 * @internal
 */
export const refusalOf = (
  self: Account,
  { from, to }: Posting,
  quantity: BaseUnits.BaseUnits,
): InsufficientBalance | BaseUnits.BaseUnitsOverflow | undefined => {
  if (from !== "outside") {
    const held = self[from]
    return held < quantity ? new InsufficientBalance({ balance: from, requested: quantity, held }) : undefined
  }
  if (to === "outside") return undefined
  const after = sum(self) + quantity
  return after > BaseUnits.MAX ? new BaseUnits.BaseUnitsOverflow({ sum: after }) : undefined
}

/** A balance is within bounds, because none is negative and the sum of all is. */
const unchecked = Brand.nominal<BaseUnits.BaseUnits>()

const sum = ({ pending, available, locked, reserved, deallocated }: Readonly<Record<Balance, bigint>>): bigint =>
  pending + available + locked + reserved + deallocated
