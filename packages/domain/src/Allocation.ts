/**
 * Allocations: an amount on its way to the platform, the mirror of a
 * `Deallocation`. It is pending from its reservation on, and available once it is
 * cleared. It is a {@link Transfer} of two phases, decided by `Ledger.step`.
 */
import { Schema } from "effect"
import * as Deallocation from "./Deallocation.ts"
import * as Transfer from "./Transfer.ts"

/**
 * What an allocation is about: the same as for a deallocation.
 *
 * ```ts
 * import { Allocation, Denomination } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const terms = Schema.decodeUnknownSync(Allocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "ETH", quantity: 5_000_000_000_000_000_000n },
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const ether = Denomination.Denomination.make({ decimals: 18 })
 * assert.equal(Denomination.format(ether, terms.amount.quantity), "5.000000000000000000")
 * ```
 *
 * @category schemas
 */
export const Terms = Deallocation.Terms

/** @category models */
export type Terms = typeof Terms.Type

/**
 * Why a reservation was refused: permanent causes only, because a rejection is
 * sticky. `LIMIT_EXCEEDED` says that the account's balances together would exceed
 * 2^256 − 1, `UNKNOWN_CURRENCY` that the platform has no such currency.
 *
 * ```ts
 * import { Allocation } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isReason = Schema.is(Allocation.RejectionReason)
 * assert.ok(isReason("LIMIT_EXCEEDED"))
 * // What comes in needs no balance.
 * assert.ok(!isReason("INSUFFICIENT_BALANCE"))
 * ```
 *
 * @category schemas
 */
export const RejectionReason = Schema.Literals([
  "UNKNOWN_CONNECTION",
  "CONNECTION_MISMATCH",
  "CONNECTION_SUSPENDED",
  "UNKNOWN_CURRENCY",
  "LIMIT_EXCEEDED",
])

/** @category models */
export type RejectionReason = typeof RejectionReason.Type

const schemas = Transfer.rejectable(
  { kind: Schema.tag("allocation"), terms: Terms, partnerTransferId: Transfer.PartnerTransferId },
  RejectionReason,
)

/**
 * An allocation in one of its four states.
 *
 * ```ts
 * import { Allocation, Connection, Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const terms = Schema.decodeUnknownSync(Allocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "DOGE", quantity: 5n },
 *   ...connection,
 * })
 * const platform = MemoryStore.layer({ currencies: new Set(["BTC", "ETH"]) })
 * const program = Effect.gen(function* () {
 *   const { reserve } = yield* Holdfast.Holdfast
 *   return yield* reserve("allocation", terms)
 * })
 * // Nobody registered the connection, and that is said first.
 * const allocation: Allocation.Allocation = Effect.runSync(Effect.provide(program, platform))
 * assert.equal(allocation.state === "Rejected" && allocation.reason, "UNKNOWN_CONNECTION")
 * ```
 *
 * @category schemas
 */
export const Allocation = schemas.Recorded

/** @category models */
export type Allocation = typeof Allocation.Type

/**
 * What can be asked of an allocation. `at` is the time of asking.
 *
 * ```ts
 * import { Account, Allocation, Amount, BaseUnits, Ledger, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const [connectionId, clientId] = [
 *   Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001"),
 *   Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000002"),
 * ]
 * const connection = { connectionId, clientId, partnersConnectionId: "account-7", partnerClientId: "client-3" }
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(5n) }
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const reserve = Allocation.Command.cases.Reserve.make({
 *   terms: { id, amount, ...connection },
 *   partnerTransferId: "deposit-7",
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * const reserved = Effect.runSync(Ledger.step(reserve, { transfer: undefined, connection, account: Account.empty }))
 * assert.equal(reserved.account.pending, 5n)
 *
 * const clear = Allocation.Command.cases.Clear.make({ id, at: DateTime.makeUnsafe("2026-01-01T00:10:00Z") })
 * const cleared = Effect.runSync(Ledger.step(clear, { ...reserved, connection }))
 * assert.deepEqual([cleared.account.pending, cleared.account.available], [0n, 5n])
 * ```
 *
 * @category schemas
 */
export const Command = schemas.Command

/** @category models */
export type Command = typeof Command.Type

/**
 * What happened to an allocation.
 *
 * ```ts
 * import { Allocation, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const says = Allocation.Event.match({
 *   Reserved: ({ terms: { amount } }) => `${amount.quantity} base units of ${amount.currency} are on their way.`,
 *   Cleared: () => "They can be traded.",
 *   Released: () => "They do not come.",
 *   Rejected: ({ reason }) => `They cannot come: ${reason}.`,
 * })
 * const event = Allocation.Event.cases.Cleared.make({
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003"),
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * assert.equal(says(event), "They can be traded.")
 * ```
 *
 * @category schemas
 */
export const Event = schemas.Event

/** @category models */
export type Event = typeof Event.Type

/**
 * Allocations as a kind of transfer.
 *
 * ```ts
 * import { Account, Allocation, BaseUnits } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const { Reserved, Cleared } = Allocation.rules.postings
 * const five = BaseUnits.BaseUnits.make(5n)
 * const program = Effect.gen(function* () {
 *   const announced = yield* Account.post(Account.empty, Reserved, five)
 *   assert.deepEqual(announced, { ...Account.empty, pending: 5n })
 *   return yield* Account.post(announced, Cleared, five)
 * })
 * assert.deepEqual(Effect.runSync(program), { ...Account.empty, available: 5n })
 * ```
 *
 * @category constants
 */
export const rules = {
  kind: "allocation",
  askedBy: "network",
  transitions: Transfer.twoPhases,
  postings: {
    Reserved: { from: "outside", to: "pending" },
    Cleared: { from: "pending", to: "available" },
    Released: { from: "pending", to: "outside" },
  },
  whenSuspended: "refused",
  eventOf: () => "Reserved",
  reasons: {
    ConnectionNotFound: "UNKNOWN_CONNECTION",
    ConnectionConflict: "CONNECTION_MISMATCH",
    ConnectionSuspended: "CONNECTION_SUSPENDED",
    UnknownCurrency: "UNKNOWN_CURRENCY",
    BaseUnitsOverflow: "LIMIT_EXCEEDED",
  },
  ...Transfer.termsOf(Terms),
} as const satisfies Transfer.Rules
