/**
 * Deallocations: an amount on its way off the platform, and every rule of its
 * life. `decide` says what a command does, `evolve` what an event changes; both
 * are pure programs that read no clock and draw no ids: times and ids come with
 * the command.
 *
 * It is a {@link Transfer} of two phases, and takes its states from there:
 * reserved first, then cleared or released.
 *
 * A rejection is an event, because it is recorded and sticky: the same id gets
 * the same answer for ever. A repeat decides no events. This is the decider
 * pattern (Jérémie Chassaing, "Functional Event Sourcing Decider").
 */
import { type Effect, Schema } from "effect"
import * as Amount from "./Amount.ts"
import * as Connection from "./Connection.ts"
import * as Decider from "./internal/Decider.ts"
import * as Parsing from "./internal/parsing.ts"
import * as Transfer from "./Transfer.ts"
import * as Uuid from "./Uuid.ts"

/**
 * What a deallocation is about. Fixed with its first reservation: a request
 * with the same id and other terms is refused.
 *
 * ```ts
 * import { Deallocation } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const decode = Schema.decodeUnknownSync(Deallocation.Terms)
 * const terms = decode({
 *   id: "018F3F1E-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 2n },
 *   connectionId: "018F3F1E-0000-7000-8000-000000000001",
 *   clientId: "018F3F1E-0000-7000-8000-000000000002",
 *   partnersConnectionId: "Account-7",
 *   partnerClientId: "",
 * })
 * // The network's ids are compared without regard to case, the partner's exactly.
 * assert.equal(terms.connectionId, "018f3f1e-0000-7000-8000-000000000001")
 * assert.equal(terms.partnersConnectionId, "Account-7")
 * assert.throws(() => decode({ ...terms, amount: { currency: "BTC", quantity: 0n } }), /at least 1 base unit/)
 * ```
 *
 * @category schemas
 */
export const Terms = Schema.Struct({
  id: Uuid.FromString,
  amount: Amount.Positive,
  ...Connection.Connection.fields,
}).pipe(Parsing.telling)

/** @category models */
export type Terms = typeof Terms.Type

/**
 * Why a reservation was refused: permanent causes only, because a rejection is
 * sticky. The codes are part of the wire format.
 *
 * ```ts
 * import { Deallocation } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Deallocation.RejectionReason.literals, [
 *   "INSUFFICIENT_BALANCE",
 *   "UNKNOWN_CONNECTION",
 *   "CONNECTION_MISMATCH",
 *   "CONNECTION_SUSPENDED",
 * ])
 * ```
 *
 * @category schemas
 */
export const RejectionReason = Schema.Literals([
  "INSUFFICIENT_BALANCE",
  "UNKNOWN_CONNECTION",
  "CONNECTION_MISMATCH",
  "CONNECTION_SUSPENDED",
])

/** @category models */
export type RejectionReason = typeof RejectionReason.Type

const schemas = Transfer.rejectable(
  { kind: Schema.tag("deallocation"), terms: Terms, partnerTransferId: Transfer.PartnerTransferId },
  RejectionReason,
)

/**
 * A deallocation in one of its four states.
 *
 * ```ts
 * import { Connection, Deallocation, Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 2n },
 *   ...connection,
 * })
 * const program = Effect.gen(function* () {
 *   const { register, reserve } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   return yield* reserve("deallocation", terms, undefined, "withdrawal-7")
 * })
 * const deallocation: Deallocation.Deallocation = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(deallocation.partnerTransferId, "withdrawal-7")
 * // Only what is rejected has a reason.
 * assert.ok(deallocation.state === "Rejected")
 * assert.equal(deallocation.reason, "INSUFFICIENT_BALANCE")
 * ```
 *
 * @category schemas
 */
export const Deallocation = schemas.Recorded

/** @category models */
export type Deallocation = typeof Deallocation.Type

/**
 * What can be asked of a deallocation. `at` is the time of asking.
 *
 * ```ts
 * import { Deallocation, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const command = Deallocation.Command.cases.Release.make({
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003"),
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * assert.deepEqual([command.kind, command._tag], ["deallocation", "Release"])
 * assert.ok(Deallocation.Command.guards.Release(command))
 * ```
 *
 * @category schemas
 */
export const Command = schemas.Command

/** @category models */
export type Command = typeof Command.Type

/**
 * What happened to a deallocation.
 *
 * ```ts
 * import { Deallocation, Uuid } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * // For an event store: the names are a format that is kept.
 * const json = Schema.fromJsonString(Schema.toCodecJson(Deallocation.Event))
 * const event = Deallocation.Event.cases.Cleared.make({
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003"),
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * const text = Schema.encodeSync(json)(event)
 * assert.deepEqual(JSON.parse(text), {
 *   _tag: "Cleared",
 *   kind: "deallocation",
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   at: "2026-01-01T00:00:00.000Z",
 * })
 * assert.deepEqual(Schema.decodeSync(json)(text), event)
 * ```
 *
 * @category schemas
 */
export const Event = schemas.Event

/** @category models */
export type Event = typeof Event.Type

/**
 * What a command is decided upon.
 *
 * @category models
 */
export type Situation = Transfer.Situation<Deallocation>

/**
 * Deallocations as a kind of transfer.
 *
 * ```ts
 * import { Deallocation } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Deallocation.rules.transitions.Cleared.Clear, "repeat")
 * assert.equal(Deallocation.rules.transitions.Cleared.Release, "conflict")
 * // What lacks balance is recorded as rejected, under this code.
 * assert.equal(Deallocation.rules.reasons.InsufficientBalance, "INSUFFICIENT_BALANCE")
 * ```
 *
 * @category constants
 */
export const rules = {
  kind: "deallocation",
  askedBy: "network",
  transitions: Transfer.twoPhases,
  postings: {
    Reserved: { from: "available", to: "reserved" },
    Cleared: { from: "reserved", to: "deallocated" },
    Released: { from: "reserved", to: "available" },
  },
  whenSuspended: "setting",
  eventOf: () => "Reserved",
  reasons: {
    ConnectionNotFound: "UNKNOWN_CONNECTION",
    ConnectionConflict: "CONNECTION_MISMATCH",
    ConnectionSuspended: "CONNECTION_SUSPENDED",
    InsufficientBalance: "INSUFFICIENT_BALANCE",
  },
  ...Transfer.termsOf(Terms),
} as const satisfies Transfer.Rules

/**
 * Why a command can fail.
 *
 * @category models
 */
export type Failure = Transfer.TermsMismatch | Transfer.StateConflict | Transfer.TransferNotFound

const decider = Decider.ofKind<Command, Deallocation, Event, Failure>(rules)

/**
 * Decides what a command does: the events that it makes, none for a repeat.
 * Fails with {@link Transfer.TermsMismatch}, {@link Transfer.StateConflict} or
 * {@link Transfer.TransferNotFound}, and then nothing changes. A refusal for want
 * of balance or of a matching connection is no failure but a `Rejected` event. What
 * an event posts on the account, `rules.postings` says; `Ledger.step` does it as well.
 *
 * ```ts
 * import { Account, BaseUnits, Deallocation } from "@holdfast/domain"
 * import { DateTime, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = {
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * }
 * const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 5n },
 *   ...connection,
 * })
 * const command = Deallocation.Command.cases.Reserve.make({
 *   terms,
 *   partnerTransferId: terms.id,
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * const events = Deallocation.decide(command, {
 *   transfer: undefined,
 *   connection: terms,
 *   account: { ...Account.empty, available: BaseUnits.BaseUnits.make(4n) },
 *   releasedRepost: "reserve",
 * })
 * assert.equal(Effect.runSync(events)[0]?._tag, "Rejected")
 * ```
 *
 * @category deciding
 */
export const decide: (command: Command, situation: Situation) => Effect.Effect<ReadonlyArray<Event>, Failure> =
  decider.decide

/**
 * The deallocation after an event. Fails with {@link Transfer.EventOutOfOrder}
 * for an event that no decision could have made in that state.
 *
 * ```ts
 * import { Deallocation } from "@holdfast/domain"
 * import { DateTime, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 2n },
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const { Reserved, Cleared } = Deallocation.Event.cases
 * const events = [
 *   Reserved.make({ terms, partnerTransferId: "withdrawal-7", at: DateTime.makeUnsafe("2026-01-01T00:00:00Z") }),
 *   Cleared.make({ id: terms.id, at: DateTime.makeUnsafe("2026-01-01T00:10:00Z") }),
 * ]
 * const none = (): Deallocation.Deallocation | undefined => undefined
 * const folded = Effect.runSync(Effect.reduce(events, none, Deallocation.evolve))
 * assert.deepEqual([folded?.state, folded?.terms.amount.quantity], ["Cleared", 2n])
 * ```
 *
 * @category evolving
 */
export const evolve: (
  deallocation: Deallocation | undefined,
  event: Event,
) => Effect.Effect<Deallocation, Transfer.EventOutOfOrder> = decider.evolve

/**
 * Whether no command can change the deallocation any more: cleared and
 * rejected ones are final, a released one may be reserved again (whatever
 * {@link Transfer.ReleasedRepost} says now).
 *
 * ```ts
 * import { Deallocation } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 2n },
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const recorded = {
 *   kind: "deallocation",
 *   terms,
 *   partnerTransferId: "withdrawal-7",
 *   createdAt: at,
 *   updatedAt: at,
 * } as const
 * assert.ok(Deallocation.isTerminal({ ...recorded, state: "Cleared" }))
 * assert.ok(!Deallocation.isTerminal({ ...recorded, state: "Released" }))
 * ```
 *
 * @category getters
 */
export const isTerminal: (deallocation: Deallocation) => boolean = decider.isTerminal
