/**
 * Adjustments: the partner's own movements of an available balance (deposits,
 * trades, withdrawals): credits and debits, each a {@link Transfer} of one phase.
 * Known by an id, so that one adjustment moves balance once however often it is
 * sent.
 */
import { type Effect, Schema } from "effect"
import type * as Account from "./Account.ts"
import * as Amount from "./Amount.ts"
import type * as BaseUnits from "./BaseUnits.ts"
import type * as Connection from "./Connection.ts"
import * as Decider from "./internal/Decider.ts"
import * as Parsing from "./internal/parsing.ts"
import * as Transfer from "./Transfer.ts"
import * as Uuid from "./Uuid.ts"

/**
 * A movement of available balance. `memo` is the partner's note, up to 1,024
 * characters of well-formed Unicode without NUL.
 *
 * ```ts
 * import { Adjustment } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const decode = Schema.decodeUnknownSync(Adjustment.Terms)
 * const terms = decode({
 *   id: "018F3F1E-0000-7000-8000-000000000001",
 *   connectionId: "018f3f1e-0000-7000-8000-000000000002",
 *   direction: "credit",
 *   amount: { currency: "BTC", quantity: 150_000_000n },
 *   memo: "deposit 7",
 * })
 * assert.equal(terms.id, "018f3f1e-0000-7000-8000-000000000001")
 * assert.throws(() => decode({ ...terms, memo: "deposit\0" }), /without NUL/)
 * ```
 *
 * @category schemas
 */
export const Terms = Schema.Struct({
  id: Uuid.FromString,
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
}).pipe(Parsing.telling)

/** @category models */
export type Terms = typeof Terms.Type

const opening = { kind: Schema.tag("adjustment"), terms: Terms }

/**
 * A recorded adjustment.
 *
 * ```ts
 * import { Adjustment } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * // Base units are digits and times are text in JSON, and come back as they were.
 * const json = Schema.fromJsonString(Schema.toCodecJson(Adjustment.Adjustment))
 * const text = `{
 *   "kind": "adjustment",
 *   "state": "Debited",
 *   "terms": {
 *     "id": "018f3f1e-0000-7000-8000-000000000001",
 *     "connectionId": "018f3f1e-0000-7000-8000-000000000002",
 *     "direction": "debit",
 *     "amount": { "currency": "ETH", "quantity": "1000000000000000001" }
 *   },
 *   "createdAt": "2026-01-01T00:00:00.000Z",
 *   "updatedAt": "2026-01-01T00:00:00.000Z"
 * }`
 * const adjustment = Schema.decodeSync(json)(text)
 * assert.equal(adjustment.terms.amount.quantity, 1_000_000_000_000_000_001n)
 * assert.deepEqual(JSON.parse(Schema.encodeSync(json)(adjustment)), JSON.parse(text))
 * ```
 *
 * @category schemas
 */
export const Adjustment = Transfer.recorded(opening, ["Credited", "Debited"])

/** @category models */
export type Adjustment = typeof Adjustment.Type

const first = { ...opening, at: Schema.DateTimeUtc }

/**
 * Asks for an adjustment. `at` is the time of asking. `newCurrency` says that a
 * currency may be new though its code differs from a known one only in case.
 *
 * ```ts
 * import { Adjustment, Amount, BaseUnits, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(5n) }
 * const command = Adjustment.Command.cases.Adjust.make({
 *   terms: { id, connectionId: id, direction: "credit", amount },
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 *   newCurrency: true,
 * })
 * assert.deepEqual([command._tag, command.kind], ["Adjust", "adjustment"])
 * ```
 *
 * @category schemas
 */
export const Command = Schema.TaggedUnion({ Adjust: { ...first, newCurrency: Schema.optionalKey(Schema.Boolean) } })

/** @category models */
export type Command = typeof Command.Type

/**
 * What happened: balance was credited or debited.
 *
 * ```ts
 * import { Adjustment, Amount, BaseUnits, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * // For a statement: what came in counts up, what went out counts down.
 * const signed = Adjustment.Event.match({
 *   Credited: ({ terms }): bigint => terms.amount.quantity,
 *   Debited: ({ terms }): bigint => -terms.amount.quantity,
 * })
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(5n) }
 * const event = Adjustment.Event.cases.Debited.make({
 *   terms: { id, connectionId: id, direction: "debit", amount },
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * assert.equal(signed(event), -5n)
 * ```
 *
 * @category schemas
 */
export const Event = Schema.TaggedUnion({ Credited: first, Debited: first })

/** @category models */
export type Event = typeof Event.Type

/**
 * Why an adjustment can fail.
 *
 * @category models
 */
export type Failure =
  | Transfer.TermsMismatch
  | Connection.ConnectionNotFound
  | Amount.UnknownCurrency
  | Amount.CurrencyLooksAlike
  | Account.InsufficientBalance
  | BaseUnits.BaseUnitsOverflow

/**
 * Adjustments as a kind of transfer.
 *
 * ```ts
 * import { Adjustment } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Adjustment.rules.postings.Credited, { from: "outside", to: "available" })
 * assert.deepEqual(Adjustment.rules.postings.Debited, { from: "available", to: "outside" })
 * // No refusal has a code to be recorded under: each one fails instead.
 * assert.deepEqual(Adjustment.rules.reasons, {})
 * ```
 *
 * @category constants
 */
export const rules = {
  kind: "adjustment",
  askedBy: "partner",
  transitions: Transfer.onePhase,
  postings: {
    Credited: { from: "outside", to: "available" },
    Debited: { from: "available", to: "outside" },
  },
  whenSuspended: "unaffected",
  eventOf: ({ terms }: Command) => (terms.direction === "credit" ? "Credited" : "Debited"),
  reasons: {},
  ...Transfer.termsOf(Terms),
} as const satisfies Transfer.Rules

/**
 * Decides an adjustment: one event, none for a repeat. Fails with
 * {@link Transfer.TermsMismatch}, {@link Connection.ConnectionNotFound},
 * {@link Amount.UnknownCurrency}, {@link Amount.CurrencyLooksAlike},
 * {@link Account.InsufficientBalance} or {@link BaseUnits.BaseUnitsOverflow};
 * nothing is recorded then, and the id stays free.
 *
 * ```ts
 * import { Account, Adjustment } from "@holdfast/domain"
 * import { DateTime, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const terms = Schema.decodeUnknownSync(Adjustment.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000001",
 *   connectionId: "018f3f1e-0000-7000-8000-000000000002",
 *   direction: "debit",
 *   amount: { currency: "BTC", quantity: 5n },
 * })
 * const command = Adjustment.Command.cases.Adjust.make({ terms, at: DateTime.makeUnsafe("2026-01-01T00:00:00Z") })
 * const connection = {
 *   connectionId: terms.connectionId,
 *   clientId: terms.id,
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * }
 * const decision = Adjustment.decide(command, { transfer: undefined, connection, account: Account.empty })
 * assert.equal(Effect.runSync(Effect.flip(decision))._tag, "InsufficientBalance")
 * ```
 *
 * @category deciding
 */
export const decide: (
  command: Command,
  situation: Transfer.Situation<Adjustment>,
) => Effect.Effect<ReadonlyArray<Event>, Failure> = Decider.ofKind<Command, Adjustment, Event, Failure>(rules).decide
