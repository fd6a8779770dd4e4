/**
 * Transfers: what moves an account's base units, in one phase or in two. Every
 * kind of transfer is data: the states that it goes through, what each of its
 * events posts ({@link Account.post}), and whether a refusal is recorded. This
 * module has what all kinds have in common; `Deallocation` is the one to meet
 * first.
 *
 * | state    | Reserve            | Clear    | Release  |
 * | -------- | ------------------ | -------- | -------- |
 * | None     | decide             | unknown  | unknown  |
 * | Reserved | repeat             | decide   | decide   |
 * | Cleared  | repeat             | repeat   | conflict |
 * | Released | decide or conflict | conflict | repeat   |
 * | Rejected | repeat             | conflict | conflict |
 *
 * That is {@link twoPhases}, and nothing else says which transitions there are.
 * An event is named as the state that it leads to.
 */
import { type DateTime, Schema, Struct } from "effect"
import type * as Account from "./Account.ts"
import type * as Amount from "./Amount.ts"
import type * as BaseUnits from "./BaseUnits.ts"
import * as Connection from "./Connection.ts"
import * as Difference from "./Difference.ts"
import * as Uuid from "./Uuid.ts"

/**
 * What a request does in a state.
 *
 * - `decide`: it is decided on its merits and makes an event;
 * - `repeat`: it was done before and makes no event;
 * - `conflict`: it does not fit the state ({@link StateConflict});
 * - `unknown`: there is nothing to act on ({@link TransferNotFound});
 * - `setting`: `decide` or `conflict`, as {@link ReleasedRepost} says.
 *
 * @category models
 */
export type Transition = "decide" | "repeat" | "conflict" | "unknown" | "setting"

/**
 * The states of what is reserved first, then cleared or released.
 *
 * @category constants
 */
export const twoPhases = {
  None: { Reserve: "decide", Clear: "unknown", Release: "unknown" },
  Reserved: { Reserve: "repeat", Clear: "decide", Release: "decide" },
  Rejected: { Reserve: "repeat", Clear: "conflict", Release: "conflict" },
  Cleared: { Reserve: "repeat", Clear: "repeat", Release: "conflict" },
  Released: { Reserve: "setting", Clear: "conflict", Release: "repeat" },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Transition>>>>

/**
 * The states of what is done at once.
 *
 * @category constants
 */
export const onePhase = {
  None: { Adjust: "decide" },
  Credited: { Adjust: "repeat" },
  Debited: { Adjust: "repeat" },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Transition>>>>

/**
 * The request that each event answers. The names of events are a storage
 * format: they stand in journals.
 *
 * @category constants
 */
export const requests = {
  Reserved: "Reserve",
  Rejected: "Reserve",
  Cleared: "Clear",
  Released: "Release",
  Credited: "Adjust",
  Debited: "Adjust",
} as const satisfies Readonly<Record<Exclude<keyof typeof twoPhases | keyof typeof onePhase, "None">, string>>

/**
 * The event that grants each later request, about what was reserved.
 *
 * @category constants
 */
export const settlements = { Clear: "Cleared", Release: "Released" } as const satisfies Readonly<
  Record<Exclude<keyof (typeof twoPhases)["None"], "Reserve">, keyof typeof requests>
>

/**
 * The name of a state, and of the event that led to it.
 *
 * @category schemas
 */
export const State = Schema.Literals(Struct.keys(requests))

/** @category models */
export type State = typeof State.Type

/** @category models */
export type Request = (typeof requests)[State]

const statesOf = <Name extends string>(transitions: Readonly<Record<Name, unknown>>) =>
  Struct.keys(transitions).filter((name): name is Exclude<Name, "None"> => name !== "None")

/**
 * The name of a state of what has two phases.
 *
 * @category schemas
 */
export const TwoPhaseState = Schema.Literals(statesOf(twoPhases))

/** @category models */
export type TwoPhaseState = typeof TwoPhaseState.Type

/**
 * The states of kinds that are never rejected.
 *
 * @category constants
 */
export const unrejected = statesOf(twoPhases).filter((state) => state !== "Rejected")

/**
 * What a `Reserve` for a released transfer does: a new cycle of the same id
 * (`reserve`) or a refusal (`conflict`). The network's guides say both.
 *
 * @category schemas
 */
export const ReleasedRepost = Schema.Literals(["reserve", "conflict"])

/** @category models */
export type ReleasedRepost = typeof ReleasedRepost.Type

/**
 * Whether deallocations of a suspended connection go on or are rejected. The
 * network's guides say both.
 *
 * @category schemas
 */
export const SuspendedDeallocations = Schema.Literals(["allow", "reject"])

/** @category models */
export type SuspendedDeallocations = typeof SuspendedDeallocations.Type

/**
 * What each platform decides for itself.
 *
 * @category models
 */
export interface Policy {
  /** Whether what is released may be reserved again, or that is a conflict. Defaults to `reserve`. */
  readonly releasedRepost?: ReleasedRepost | undefined
  /** Whether a suspended connection can deallocate. Defaults to `allow`. */
  readonly suspendedDeallocations?: SuspendedDeallocations | undefined
  /** The codes that there are, where that is known: nothing comes in in any other. */
  readonly currencies?: Pick<ReadonlySet<string>, "has"> | undefined
}

/**
 * An id that the partner has for what the network asks for: 1 to 256 characters
 * of well-formed Unicode without NUL.
 *
 * @category schemas
 */
export const PartnerTransferId = Connection.PartnerId.check(Schema.isNonEmpty())

/**
 * What the terms of every kind have. They are fixed with the first request: one
 * with the same id and other terms is refused.
 *
 * @category models
 */
export interface Terms {
  readonly id: Uuid.Uuid
  readonly connectionId: Uuid.Uuid
  readonly amount: Amount.Amount
}

/** What the first request says, and what is recorded of it. */
interface Opening {
  readonly kind: string
  readonly terms: Terms
  /** An id of the partner's own for what the network asks for: of the request or drawn for it, and kept from the first one on. */
  readonly partnerTransferId?: string
}

/**
 * A recorded transfer of any kind.
 *
 * @category models
 */
export interface Transfer extends Opening {
  readonly state: State
  /** Why it was rejected, if it was. */
  readonly reason?: string
  /** When it was first asked for. */
  readonly createdAt: DateTime.Utc
  /** When it came into its present state. */
  readonly updatedAt: DateTime.Utc
}

/**
 * A request about a transfer of any kind. `at` is the time of asking.
 *
 * @category models
 */
export type Command =
  | (Opening & {
      readonly _tag: "Reserve" | "Adjust"
      readonly at: DateTime.Utc
      /** A code may be new though it differs from a known one only in case. */
      readonly newCurrency?: boolean
    })
  | {
      readonly _tag: keyof typeof settlements
      readonly kind: string
      readonly id: Uuid.Uuid
      readonly at: DateTime.Utc
    }

/**
 * What happened to a transfer of any kind.
 *
 * @category models
 */
export type Event =
  | (Opening & { readonly _tag: State; readonly reason?: string; readonly at: DateTime.Utc })
  | {
      readonly _tag: (typeof settlements)[keyof typeof settlements]
      readonly kind: string
      readonly id: Uuid.Uuid
      readonly at: DateTime.Utc
    }

/**
 * What a decision is based on.
 *
 * @category models
 */
export interface Situation<T extends Transfer = Transfer> extends Policy {
  /** The transfer with the command's id, if there is one. Another one is a defect. */
  readonly transfer: T | undefined
  /** The registered connection that the transfer's terms name, or the command's where there is no transfer; if there is one. */
  readonly connection: Connection.Connection | Connection.Registered | undefined
  /** The account that they name; `Account.empty` if there is none yet. */
  readonly account: Account.Account
  /** Where their currency is not known yet: one that is, and differs from it only in case. */
  readonly lookalike?: Amount.Currency | undefined
}

/**
 * Why a first request is refused.
 *
 * @category models
 */
export type Refusal =
  | Connection.ConnectionNotFound
  | Connection.ConnectionConflict
  | Connection.ConnectionSuspended
  | Amount.UnknownCurrency
  | Amount.CurrencyLooksAlike
  | Account.InsufficientBalance
  | BaseUnits.BaseUnitsOverflow

/**
 * A kind of transfer.
 *
 * @category models
 */
export interface Rules {
  readonly kind: string
  /** The network's requests are signed, and each has an id of the partner's beside the network's. */
  readonly askedBy: "network" | "partner"
  readonly transitions: Readonly<Record<string, Readonly<Record<string, Transition>>>>
  /** What each event posts on the account; a rejection nothing. */
  readonly postings: Readonly<Partial<Record<State, Account.Posting>>>
  /** What a first request on a suspended connection is: refused, as {@link SuspendedDeallocations} says, or as any other. */
  readonly whenSuspended: "refused" | "setting" | "unaffected"
  /** The event of a first request that is granted. */
  eventOf(command: Command): State
  /** The codes under which refusals are recorded, as rejections. What has none fails, and leaves no trace. */
  readonly reasons: Readonly<Partial<Record<Refusal["_tag"], string>>>
  /** The schema of the terms: what it does not declare is not recorded. */
  readonly terms: { readonly fields: Readonly<Record<string, unknown>> }
  /** The terms as they are compared and hashed. */
  flat(terms: Terms): Difference.Flat
}

const at = Schema.DateTimeUtc

/** When a transfer was first asked for, and when it came into its present state. */
const moments = { createdAt: at, updatedAt: at }

/**
 * The schema of a recorded transfer in one of some states, from what its first
 * request says.
 *
 * @category constructors
 */
export const recorded = <Fields extends Schema.Struct.Fields, const States extends ReadonlyArray<State>>(
  opening: Fields,
  states: States,
) => Schema.Struct({ ...opening, state: Schema.Literals(states), ...moments })

type OpeningFields = Schema.Struct.Fields & { readonly kind: Schema.Constraint }

const firstOf = <Fields extends OpeningFields>(opening: Fields) => ({ ...opening, at })

const laterOf = <Kind extends Schema.Constraint>({ kind }: { readonly kind: Kind }) => ({ kind, id: Uuid.Uuid, at })

/**
 * The schema of requests about a transfer of two phases.
 *
 * @category constructors
 */
export const commands = <Fields extends OpeningFields>(opening: Fields) =>
  Schema.TaggedUnion({
    Reserve: firstOf(opening),
    Clear: laterOf<Fields["kind"]>(opening),
    Release: laterOf<Fields["kind"]>(opening),
  })

/**
 * The fields of what happens to a transfer of two phases, by the names of events.
 *
 * @category constructors
 */
export const events = <Fields extends OpeningFields>(opening: Fields) => ({
  Reserved: firstOf(opening),
  Cleared: laterOf<Fields["kind"]>(opening),
  Released: laterOf<Fields["kind"]>(opening),
})

/**
 * The schemas of a kind of two phases whose refusals are recorded, with a reason.
 *
 * @category constructors
 */
export const rejectable = <Fields extends OpeningFields, Reason extends Schema.Constraint>(
  opening: Fields,
  reason: Reason,
) => ({
  Recorded: Schema.Union([
    recorded(opening, unrejected),
    Schema.Struct({ ...opening, state: Schema.Literal("Rejected"), reason, ...moments }),
  ]),
  Command: commands(opening),
  Event: Schema.TaggedUnion({ ...events(opening), Rejected: { ...firstOf(opening), reason } }),
})

/**
 * A kind's terms, as its {@link Rules} have them.
 *
 * @category constructors
 */
export const termsOf = <Fields extends Schema.Struct.Fields>(
  terms: Parameters<typeof Difference.flattener<Fields>>[0],
) => ({ terms, flat: Difference.flattener(terms) })

/**
 * There is no transfer of this kind with this id.
 *
 * @category errors
 */
export class TransferNotFound extends Schema.TaggedError<TransferNotFound>()("TransferNotFound", {
  kind: Schema.String,
  id: Uuid.Uuid,
}) {
  override get message() {
    return `There is no ${this.kind} ${this.id}.`
  }
}

/**
 * The command does not fit the state that the transfer is in.
 *
 * @category errors
 */
export class StateConflict extends Schema.TaggedError<StateConflict>()("StateConflict", {
  kind: Schema.String,
  id: Uuid.Uuid,
  state: TwoPhaseState,
  command: Schema.Literals(Struct.keys(twoPhases.None)),
}) {
  override get message() {
    return `Cannot ${this.command.toLowerCase()} ${this.kind} ${this.id}: it is ${this.state.toLowerCase()}.`
  }
}

/**
 * The id is known with other terms.
 *
 * @category errors
 */
export class TermsMismatch extends Schema.TaggedError<TermsMismatch>()("TermsMismatch", {
  kind: Schema.String,
  id: Uuid.Uuid,
  differences: Schema.Array(Difference.Difference),
}) {
  override get message() {
    const { kind, id, differences } = this
    return `${kind.charAt(0).toUpperCase()}${kind.slice(1)} ${id} is recorded with ${Difference.describe(differences)}.`
  }
}

/**
 * Events that cannot follow one another: no sequence of decisions makes them.
 *
 * @category errors
 */
export class EventOutOfOrder extends Schema.TaggedError<EventOutOfOrder>()("EventOutOfOrder", {
  kind: Schema.String,
  state: Schema.Union([State, Schema.Literal("None")]),
  event: State,
}) {
  override get message() {
    return `A transfer of kind ${this.kind} in state ${this.state} cannot become ${this.event}.`
  }
}
