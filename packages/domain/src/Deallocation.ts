/**
 * Deallocations: an amount on its way off the platform, and every rule of its
 * life. `decide` says what a command does, `evolve` what an event changes; both
 * are pure programs that read no clock and draw no ids: times and ids come with
 * the command.
 *
 * The rules are the table {@link transitions}, and nothing else:
 *
 * | state    | Reserve            | Clear    | Release  |
 * | -------- | ------------------ | -------- | -------- |
 * | None     | decide             | unknown  | unknown  |
 * | Reserved | repeat             | decide   | decide   |
 * | Cleared  | repeat             | repeat   | conflict |
 * | Released | decide or conflict | conflict | repeat   |
 * | Rejected | repeat             | conflict | conflict |
 *
 * A rejection is an event, because it is recorded and sticky: the same id gets
 * the same answer for ever. A repeat decides no events. This is the decider
 * pattern (Jérémie Chassaing, "Functional Event Sourcing Decider").
 */
import { Effect, Schema } from "effect"
import type * as Account from "./Account.ts"
import * as Amount from "./Amount.ts"
import * as BaseUnits from "./BaseUnits.ts"
import * as Connection from "./Connection.ts"
import * as Difference from "./Difference.ts"
import * as Uuid from "./Uuid.ts"

/**
 * What a deallocation is about. Fixed with its first reservation: a request
 * with the same id and other terms is refused.
 *
 * @category schemas
 */
export const Terms = Schema.Struct({
  deallocationId: Uuid.FromString,
  amount: Amount.Positive,
  ...Connection.Connection.fields,
})

/** @category models */
export type Terms = typeof Terms.Type

/**
 * Why a reservation was refused: permanent causes only, because a rejection is
 * sticky. The codes are part of the wire format.
 *
 * @category schemas
 */
export const RejectionReason = Schema.Literals(["INSUFFICIENT_BALANCE", "UNKNOWN_CONNECTION", "CONNECTION_MISMATCH"])

/** @category models */
export type RejectionReason = typeof RejectionReason.Type

const common = {
  terms: Terms,
  /** The partner's own id of the deallocation, from its first reservation on. */
  partnerDeallocationId: Uuid.Uuid,
  /** When the deallocation was first asked for. */
  createdAt: Schema.DateTimeUtc,
  /** When it came into its present state. */
  updatedAt: Schema.DateTimeUtc,
}

/**
 * A deallocation in one of its four states.
 *
 * @category schemas
 */
export const Deallocation = Schema.TaggedUnion({
  Reserved: common,
  Rejected: { ...common, reason: RejectionReason },
  Cleared: common,
  Released: common,
})

/** @category models */
export type Deallocation = typeof Deallocation.Type

/**
 * The name of a state.
 *
 * @category schemas
 */
export const State = Schema.Literals(["Reserved", "Cleared", "Released", "Rejected"])

/** @category models */
export type State = typeof State.Type

/**
 * What can be asked of a deallocation. `at` is the time of asking.
 *
 * @category schemas
 */
export const Command = Schema.TaggedUnion({
  Reserve: { terms: Terms, partnerDeallocationId: Uuid.Uuid, at: Schema.DateTimeUtc },
  Clear: { deallocationId: Uuid.Uuid, at: Schema.DateTimeUtc },
  Release: { deallocationId: Uuid.Uuid, at: Schema.DateTimeUtc },
})

/** @category models */
export type Command = typeof Command.Type

/**
 * What happened to a deallocation. The names are a storage format: they stand
 * in journals.
 *
 * @category schemas
 */
export const Event = Schema.TaggedUnion({
  Reserved: { terms: Terms, partnerDeallocationId: Uuid.Uuid, at: Schema.DateTimeUtc },
  Rejected: {
    terms: Terms,
    partnerDeallocationId: Uuid.Uuid,
    reason: RejectionReason,
    at: Schema.DateTimeUtc,
  },
  Cleared: { deallocationId: Uuid.Uuid, at: Schema.DateTimeUtc },
  Released: { deallocationId: Uuid.Uuid, at: Schema.DateTimeUtc },
})

/** @category models */
export type Event = typeof Event.Type

/**
 * What a command is decided upon.
 *
 * @category models
 */
export interface Situation {
  /** The deallocation with the command's id, if there is one. */
  readonly deallocation: Deallocation | undefined
  /** The registered connection with the id that the terms name, if there is one. */
  readonly connection: Connection.Connection | undefined
  /** The account that the terms name. */
  readonly account: Account.Account
  /** Whether a released deallocation may be reserved again, or that is a conflict. */
  readonly releasedRepost: ReleasedRepost
}

/**
 * What a `Reserve` for a released deallocation does: a new cycle of the same id
 * (`reserve`) or a refusal (`conflict`). The network's guides say both.
 *
 * @category schemas
 */
export const ReleasedRepost = Schema.Literals(["reserve", "conflict"])

/** @category models */
export type ReleasedRepost = typeof ReleasedRepost.Type

/**
 * There is no deallocation with this id.
 *
 * @category errors
 */
export class DeallocationNotFound extends Schema.TaggedError<DeallocationNotFound>()("DeallocationNotFound", {
  deallocationId: Uuid.Uuid,
}) {
  override get message() {
    return `There is no deallocation ${this.deallocationId}.`
  }
}

/**
 * The command does not fit the state that the deallocation is in.
 *
 * @category errors
 */
export class StateConflict extends Schema.TaggedError<StateConflict>()("StateConflict", {
  deallocationId: Uuid.Uuid,
  state: State,
  command: Schema.Literals(["Reserve", "Clear", "Release"]),
}) {
  override get message() {
    return `Cannot ${this.command.toLowerCase()} deallocation ${this.deallocationId}: it is ${this.state.toLowerCase()}.`
  }
}

/**
 * The id is known with other terms.
 *
 * @category errors
 */
export class TermsMismatch extends Schema.TaggedError<TermsMismatch>()("TermsMismatch", {
  deallocationId: Uuid.Uuid,
  differences: Schema.Array(Difference.Difference),
}) {
  override get message() {
    return `Deallocation ${this.deallocationId} is recorded with ${Difference.describe(this.differences)}.`
  }
}

/**
 * Events that cannot follow one another: no sequence of decisions makes them.
 *
 * @category errors
 */
export class EventOutOfOrder extends Schema.TaggedError<EventOutOfOrder>()("EventOutOfOrder", {
  state: Schema.Union([State, Schema.Literal("None")]),
  event: Schema.Literals(["Reserved", "Rejected", "Cleared", "Released"]),
}) {
  override get message() {
    return `A deallocation in state ${this.state} cannot become ${this.event}.`
  }
}

/**
 * What each command does in each state.
 *
 * - `decide`: it is decided upon its merits and makes an event;
 * - `repeat`: it was done before and makes no event;
 * - `conflict`: it does not fit the state ({@link StateConflict});
 * - `unknown`: there is nothing to act on ({@link DeallocationNotFound});
 * - `setting`: `decide` or `conflict`, as {@link ReleasedRepost} says.
 *
 * @category constants
 */
export const transitions = {
  None: { Reserve: "decide", Clear: "unknown", Release: "unknown" },
  Reserved: { Reserve: "repeat", Clear: "decide", Release: "decide" },
  Cleared: { Reserve: "repeat", Clear: "repeat", Release: "conflict" },
  Released: { Reserve: "setting", Clear: "conflict", Release: "repeat" },
  Rejected: { Reserve: "repeat", Clear: "conflict", Release: "conflict" },
} as const satisfies Record<
  State | "None",
  Record<Command["_tag"], "decide" | "repeat" | "conflict" | "unknown" | "setting">
>

/**
 * The id of the deallocation that a command concerns.
 *
 * @category getters
 */
export const idOf = (command: Command): Uuid.Uuid =>
  command._tag === "Reserve" ? command.terms.deallocationId : command.deallocationId

/**
 * The state of a deallocation that there may be; `None` where there is none.
 *
 * @category getters
 */
export const stateOf = (deallocation: Deallocation | undefined): State | "None" => deallocation?._tag ?? "None"

/**
 * Decides what a command does: the events that it makes, none for a repeat.
 * Fails with {@link TermsMismatch}, {@link StateConflict} or
 * {@link DeallocationNotFound}, and then nothing changes. A refusal for want of
 * balance or of a matching connection is no failure but a `Rejected` event.
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
 *   deallocationId: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 5n },
 *   ...connection,
 * })
 * const command = Deallocation.Command.cases.Reserve.make({
 *   terms,
 *   partnerDeallocationId: terms.deallocationId,
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * const events = Deallocation.decide(command, {
 *   deallocation: undefined,
 *   connection: terms,
 *   account: { ...Account.empty, available: BaseUnits.BaseUnits.make(4n) },
 *   releasedRepost: "reserve",
 * })
 * assert.equal(Effect.runSync(events)[0]?._tag, "Rejected")
 * ```
 *
 * @category deciding
 */
export const decide = Effect.fnUntracedEager(function* (
  command: Command,
  situation: Situation,
): Effect.fn.Return<ReadonlyArray<Event>, TermsMismatch | StateConflict | DeallocationNotFound> {
  const { deallocation } = situation
  const deallocationId = idOf(command)
  if (command._tag === "Reserve" && deallocation !== undefined) {
    const differences = Difference.between(flat(deallocation.terms), flat(command.terms))
    if (differences.length > 0) return yield* new TermsMismatch({ deallocationId, differences })
  }
  const transition = transitions[stateOf(deallocation)][command._tag]
  if (transition === "unknown") return yield* new DeallocationNotFound({ deallocationId })
  if (transition === "repeat") return []
  const conflict = transition === "conflict" || (transition === "setting" && situation.releasedRepost === "conflict")
  if (conflict && deallocation !== undefined) {
    return yield* new StateConflict({ deallocationId, state: deallocation._tag, command: command._tag })
  }
  switch (command._tag) {
    case "Reserve":
      return [assess(command, situation)]
    case "Clear":
      return [{ _tag: "Cleared", deallocationId, at: command.at }]
    case "Release":
      return [{ _tag: "Released", deallocationId, at: command.at }]
  }
})

const assess = ({ terms, partnerDeallocationId, at }: CommandOf<"Reserve">, situation: Situation): Event => {
  const reason = rejectionOf(terms, situation)
  return reason === undefined
    ? { _tag: "Reserved", terms, partnerDeallocationId, at }
    : { _tag: "Rejected", terms, partnerDeallocationId, reason, at }
}

const rejectionOf = (terms: Terms, { connection, account }: Situation): RejectionReason | undefined => {
  if (connection === undefined) return "UNKNOWN_CONNECTION"
  if (Connection.differences(connection, terms).length > 0) return "CONNECTION_MISMATCH"
  if (BaseUnits.Order(account.available, terms.amount.quantity) < 0) return "INSUFFICIENT_BALANCE"
  return undefined
}

/**
 * The deallocation after an event. Fails with {@link EventOutOfOrder} for an
 * event that no decision could have made in that state.
 *
 * @category evolving
 */
export const evolve = Effect.fnUntracedEager(function* (
  deallocation: Deallocation | undefined,
  event: Event,
): Effect.fn.Return<Deallocation, EventOutOfOrder> {
  switch (event._tag) {
    case "Reserved":
    case "Rejected": {
      if (deallocation !== undefined && deallocation._tag !== "Released") break
      const { terms, partnerDeallocationId, createdAt } = deallocation ?? { ...event, createdAt: event.at }
      const cycle = { terms, partnerDeallocationId, createdAt, updatedAt: event.at }
      return event._tag === "Reserved"
        ? { _tag: "Reserved", ...cycle }
        : { _tag: "Rejected", ...cycle, reason: event.reason }
    }
    case "Cleared":
    case "Released":
      if (deallocation?._tag !== "Reserved") break
      return { ...deallocation, _tag: event._tag, updatedAt: event.at }
  }
  return yield* new EventOutOfOrder({ state: stateOf(deallocation), event: event._tag })
})

/**
 * What each event posts on its account; a rejection nothing.
 *
 * @category constants
 */
export const postings = {
  Reserved: { from: "available", to: "reserved" },
  Rejected: undefined,
  Cleared: { from: "reserved", to: "deallocated" },
  Released: { from: "reserved", to: "available" },
} as const satisfies Record<Event["_tag"], Account.Posting | undefined>

/**
 * Whether no command can change the deallocation any more: cleared and
 * rejected ones are final, a released one may be reserved again.
 *
 * @category getters
 */
export const isTerminal = (deallocation: Deallocation): boolean =>
  deallocation._tag === "Cleared" || deallocation._tag === "Rejected"

type CommandOf<Tag extends Command["_tag"]> = Extract<Command, { readonly _tag: Tag }>

const flat = (terms: Terms) => ({
  "amount.currency": terms.amount.currency,
  "amount.quantity": BaseUnits.toString(terms.amount.quantity),
  ...Connection.identifiers(terms),
})
