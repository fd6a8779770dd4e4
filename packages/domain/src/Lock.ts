/**
 * Locks: available balance that the partner sets aside, for an open order, say.
 * It is locked until it is spent (cleared) or given back (released). A lock is a
 * {@link Transfer} of two phases, decided by `Ledger.step`. What cannot be locked
 * is refused and leaves no trace, as with an `Adjustment`.
 */
import { Schema, Struct } from "effect"
import * as Adjustment from "./Adjustment.ts"
import * as Parsing from "./internal/parsing.ts"
import * as Transfer from "./Transfer.ts"

/**
 * What a lock is about. `memo` is the partner's note.
 *
 * ```ts
 * import { Lock } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const terms = Schema.decodeUnknownSync(Lock.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   amount: { currency: "BTC", quantity: 2n },
 *   memo: "order 1",
 * })
 * assert.equal(terms.memo, "order 1")
 * ```
 *
 * @category schemas
 */
export const Terms = Schema.Struct(Struct.omit(Adjustment.Terms.fields, ["direction"])).pipe(Parsing.telling)

/** @category models */
export type Terms = typeof Terms.Type

const opening = { kind: Schema.tag("lock"), terms: Terms }

/**
 * A lock in one of its three states.
 *
 * ```ts
 * import { Amount, BaseUnits, Lock, Uuid } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const lock = {
 *   kind: "lock",
 *   state: "Reserved",
 *   terms: { id, connectionId: id, amount },
 *   createdAt: at,
 *   updatedAt: at,
 * }
 * const isLock = Schema.is(Lock.Lock)
 * assert.ok(isLock(lock))
 * // What cannot be locked fails: no lock is ever rejected.
 * assert.ok(!isLock({ ...lock, state: "Rejected" }))
 * ```
 *
 * @category schemas
 */
export const Lock = Transfer.recorded(opening, Transfer.unrejected)

/** @category models */
export type Lock = typeof Lock.Type

/**
 * What can be asked of a lock. `at` is the time of asking.
 *
 * ```ts
 * import { Account, Amount, BaseUnits, Ledger, Lock, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const [createdAt, at] = [DateTime.makeUnsafe("2026-01-01T00:00:00Z"), DateTime.makeUnsafe("2026-01-01T00:10:00Z")]
 * const two = BaseUnits.BaseUnits.make(2n)
 * const terms = { id, connectionId: id, amount: { currency: Amount.Currency.make("BTC"), quantity: two } }
 * const lock: Ledger.Transfer = { kind: "lock", state: "Reserved", terms, createdAt, updatedAt: createdAt }
 * const account = { ...Account.empty, locked: two }
 * // The order was filled: what was locked for it is spent.
 * const command = Lock.Command.cases.Clear.make({ id, at })
 * const spent = Effect.runSync(Ledger.step(command, { transfer: lock, connection: undefined, account }))
 * assert.deepEqual(spent.account, Account.empty)
 * ```
 *
 * @category schemas
 */
export const Command = Transfer.commands(opening)

/** @category models */
export type Command = typeof Command.Type

/**
 * What happened to a lock.
 *
 * ```ts
 * import { Lock, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Object.keys(Lock.Event.cases).toSorted(), ["Cleared", "Released", "Reserved"])
 * const event = Lock.Event.cases.Released.make({
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003"),
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * assert.ok(Lock.Event.guards.Released(event))
 * ```
 *
 * @category schemas
 */
export const Event = Schema.TaggedUnion(Transfer.events(opening))

/** @category models */
export type Event = typeof Event.Type

/**
 * Locks as a kind of transfer.
 *
 * ```ts
 * import { Account, BaseUnits, Lock } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const { Reserved, Cleared } = Lock.rules.postings
 * const two = BaseUnits.BaseUnits.make(2n)
 * const program = Effect.gen(function* () {
 *   const locked = yield* Account.post({ ...Account.empty, available: two }, Reserved, two)
 *   assert.deepEqual(locked, { ...Account.empty, locked: 2n })
 *   return yield* Account.post(locked, Cleared, two)
 * })
 * assert.deepEqual(Effect.runSync(program), Account.empty)
 * ```
 *
 * @category constants
 */
export const rules = {
  kind: "lock",
  askedBy: "partner",
  transitions: Transfer.twoPhases,
  postings: {
    Reserved: { from: "available", to: "locked" },
    Cleared: { from: "locked", to: "outside" },
    Released: { from: "locked", to: "available" },
  },
  whenSuspended: "unaffected",
  eventOf: () => "Reserved",
  reasons: {},
  ...Transfer.termsOf(Terms),
} as const satisfies Transfer.Rules
