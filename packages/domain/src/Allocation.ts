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
 * @category schemas
 */
export const Allocation = schemas.Recorded

/** @category models */
export type Allocation = typeof Allocation.Type

/**
 * What can be asked of an allocation. `at` is the time of asking.
 *
 * @category schemas
 */
export const Command = schemas.Command

/** @category models */
export type Command = typeof Command.Type

/**
 * What happened to an allocation.
 *
 * @category schemas
 */
export const Event = schemas.Event

/** @category models */
export type Event = typeof Event.Type

/**
 * Allocations as a kind of transfer.
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
