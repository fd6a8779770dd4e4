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
 * @category schemas
 */
export const Terms = Schema.Struct(Struct.omit(Adjustment.Terms.fields, ["direction"])).pipe(Parsing.telling)

/** @category models */
export type Terms = typeof Terms.Type

const opening = { kind: Schema.tag("lock"), terms: Terms }

/**
 * A lock in one of its three states.
 *
 * @category schemas
 */
export const Lock = Transfer.recorded(opening, Transfer.unrejected)

/** @category models */
export type Lock = typeof Lock.Type

/**
 * What can be asked of a lock. `at` is the time of asking.
 *
 * @category schemas
 */
export const Command = Transfer.commands(opening)

/** @category models */
export type Command = typeof Command.Type

/**
 * What happened to a lock.
 *
 * @category schemas
 */
export const Event = Schema.TaggedUnion(Transfer.events(opening))

/** @category models */
export type Event = typeof Event.Type

/**
 * Locks as a kind of transfer.
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
