/**
 * Adjustments: the partner's own movements of an available balance (deposits,
 * trades, withdrawals, and allocations that arrive from the network). Known by
 * an id, so that one adjustment moves balance once however often it is sent.
 *
 * Adjustments and deallocations share one space of ids. An allocation is booked
 * as a credit under the allocation's id; from then on no deallocation can bear
 * that id, and the reverse.
 */
import { Effect, Schema } from "effect"
import * as Account from "./Account.ts"
import * as Amount from "./Amount.ts"
import * as BaseUnits from "./BaseUnits.ts"
import * as Connection from "./Connection.ts"
import * as Difference from "./Difference.ts"
import * as Uuid from "./Uuid.ts"

/**
 * A movement of available balance. `memo` is the partner's note, up to 1,024
 * characters of well-formed Unicode without NUL.
 *
 * @category schemas
 */
export const Terms = Schema.Struct({
  adjustmentId: Uuid.FromString,
  connectionId: Uuid.FromString,
  direction: Schema.Literals(["credit", "debit"]),
  amount: Amount.Positive,
  memo: Schema.optionalKey(
    Schema.String.check(
      Schema.isMaxLength(1024),
      Schema.makeFilter((text: string) =>
        text.isWellFormed() && !text.includes("\0") ? undefined : "Expected well-formed Unicode without NUL.",
      ),
    ),
  ),
})

/** @category models */
export type Terms = typeof Terms.Type

/**
 * A recorded adjustment.
 *
 * @category schemas
 */
export const Adjustment = Schema.TaggedStruct("Adjustment", { terms: Terms, createdAt: Schema.DateTimeUtc })

/** @category models */
export type Adjustment = typeof Adjustment.Type

/**
 * Asks for an adjustment. `at` is the time of asking.
 *
 * @category schemas
 */
export const Command = Schema.TaggedStruct("Adjust", { terms: Terms, at: Schema.DateTimeUtc })

/** @category models */
export type Command = typeof Command.Type

/**
 * What happened: the names stand in journals.
 *
 * @category schemas
 */
export const Event = Schema.TaggedUnion({
  Credited: { terms: Terms, at: Schema.DateTimeUtc },
  Debited: { terms: Terms, at: Schema.DateTimeUtc },
})

/** @category models */
export type Event = typeof Event.Type

/**
 * What a command is decided upon.
 *
 * @category models
 */
export interface Situation {
  /** The adjustment with the command's id, if there is one. */
  readonly adjustment: Adjustment | undefined
  /** The registered connection with the id that the terms name, if there is one. */
  readonly connection: Connection.Connection | undefined
  /** The account that the terms name. */
  readonly account: Account.Account
}

/**
 * The id is known with other terms.
 *
 * @category errors
 */
export class AdjustmentMismatch extends Schema.TaggedError<AdjustmentMismatch>()("AdjustmentMismatch", {
  adjustmentId: Uuid.Uuid,
  differences: Schema.Array(Difference.Difference),
}) {
  override get message() {
    return `Adjustment ${this.adjustmentId} is recorded with ${Difference.describe(this.differences)}.`
  }
}

/**
 * What each event posts on its account.
 *
 * @category constants
 */
export const postings = {
  Credited: { from: "outside", to: "available" },
  Debited: { from: "available", to: "outside" },
} as const satisfies Record<Event["_tag"], Account.Posting>

/**
 * Decides an adjustment: one event, none for a repeat. Fails with
 * {@link AdjustmentMismatch}, {@link Connection.ConnectionNotFound},
 * {@link Account.InsufficientBalance} or {@link BaseUnits.BaseUnitsOverflow};
 * nothing is recorded then, and the id stays free.
 *
 * ```ts
 * import { Account, Adjustment } from "@holdfast/domain"
 * import { DateTime, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const terms = Schema.decodeUnknownSync(Adjustment.Terms)({
 *   adjustmentId: "018f3f1e-0000-7000-8000-000000000001",
 *   connectionId: "018f3f1e-0000-7000-8000-000000000002",
 *   direction: "debit",
 *   amount: { currency: "BTC", quantity: 5n },
 * })
 * const command = Adjustment.Command.make({ terms, at: DateTime.makeUnsafe("2026-01-01T00:00:00Z") })
 * const connection = {
 *   connectionId: terms.connectionId,
 *   clientId: terms.adjustmentId,
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * }
 * const decision = Adjustment.decide(command, { adjustment: undefined, connection, account: Account.empty })
 * assert.equal(Effect.runSync(Effect.flip(decision))._tag, "InsufficientBalance")
 * ```
 *
 * @category deciding
 */
export const decide = Effect.fnUntracedEager(function* (
  { terms, at }: Command,
  { adjustment, connection, account }: Situation,
): Effect.fn.Return<
  ReadonlyArray<Event>,
  AdjustmentMismatch | Connection.ConnectionNotFound | Account.InsufficientBalance | BaseUnits.BaseUnitsOverflow
> {
  if (adjustment !== undefined) {
    const differences = Difference.between(flat(adjustment.terms), flat(terms))
    if (differences.length === 0) return []
    return yield* new AdjustmentMismatch({ adjustmentId: terms.adjustmentId, differences })
  }
  if (connection === undefined) {
    return yield* new Connection.ConnectionNotFound({ connectionId: terms.connectionId })
  }
  const event = { _tag: terms.direction === "credit" ? "Credited" : "Debited", terms, at } as const
  yield* Account.post(account, postings[event._tag], terms.amount.quantity)
  return [event]
})

const flat = (terms: Terms) => ({
  connectionId: terms.connectionId,
  direction: terms.direction,
  "amount.currency": terms.amount.currency,
  "amount.quantity": BaseUnits.toString(terms.amount.quantity),
  memo: terms.memo ?? null,
})
