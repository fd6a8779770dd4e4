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
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const { Reserved, Released } = Transfer.twoPhases
 * assert.equal(Reserved.Reserve, "repeat")
 * // Whether what was released can be reserved again is the platform's choice.
 * assert.equal(Released.Reserve, "setting")
 * ```
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
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Transfer.onePhase.None.Adjust, "decide")
 * assert.equal(Transfer.onePhase.Credited.Adjust, "repeat")
 * ```
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
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * // Both are answers to the same request.
 * assert.equal(Transfer.requests.Reserved, "Reserve")
 * assert.equal(Transfer.requests.Rejected, "Reserve")
 * ```
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
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Object.entries(Transfer.settlements), [
 *   ["Clear", "Cleared"],
 *   ["Release", "Released"],
 * ])
 * ```
 *
 * @category constants
 */
export const settlements = { Clear: "Cleared", Release: "Released" } as const satisfies Readonly<
  Record<Exclude<keyof (typeof twoPhases)["None"], "Reserve">, keyof typeof requests>
>

/**
 * The name of a state, and of the event that led to it.
 *
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Schema.is(Transfer.State)("Rejected"))
 * // The wire has its own spelling.
 * assert.ok(!Schema.is(Transfer.State)("REJECTED"))
 * ```
 *
 * @category schemas
 */
export const State = Schema.Literals(Struct.keys(requests))

/** @category models */
export type State = typeof State.Type

/**
 * The name of a request.
 *
 * @category models
 */
export type Request = (typeof requests)[State]

const statesOf = <Name extends string>(transitions: Readonly<Record<Name, unknown>>) =>
  Struct.keys(transitions).filter((name): name is Exclude<Name, "None"> => name !== "None")

/**
 * The name of a state of what has two phases.
 *
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Schema.is(Transfer.TwoPhaseState)("Reserved"))
 * assert.ok(!Schema.is(Transfer.TwoPhaseState)("Credited"))
 * ```
 *
 * @category schemas
 */
export const TwoPhaseState = Schema.Literals(statesOf(twoPhases))

/** @category models */
export type TwoPhaseState = typeof TwoPhaseState.Type

/**
 * The states of kinds that are never rejected.
 *
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Transfer.unrejected, ["Reserved", "Cleared", "Released"])
 * ```
 *
 * @category constants
 */
export const unrejected = statesOf(twoPhases).filter((state) => state !== "Rejected")

/**
 * What a `Reserve` for a released transfer does: a new cycle of the same id
 * (`reserve`) or a refusal (`conflict`). The network's guides say both.
 *
 * ```ts
 * import { Amount, BaseUnits, Holdfast, MemoryStore, Transfer, Uuid } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const connection = {
 *   connectionId: id,
 *   clientId: id,
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * }
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const stateAfterRepost = (releasedRepost: Transfer.ReleasedRepost) => {
 *   const program = Effect.gen(function* () {
 *     const { register, reserve, release } = yield* Holdfast.Holdfast
 *     yield* register(connection)
 *     yield* reserve("allocation", { id, amount, ...connection })
 *     yield* release("allocation", id)
 *     return (yield* reserve("allocation", { id, amount, ...connection })).state
 *   })
 *   const said = Effect.catchTag(program, "StateConflict", ({ message }) => Effect.succeed(message))
 *   return Effect.runSync(Effect.provide(said, MemoryStore.layer({ releasedRepost })))
 * }
 * assert.equal(stateAfterRepost("reserve"), "Reserved")
 * assert.match(stateAfterRepost("conflict"), /^Cannot reserve allocation .*: it is released\.$/)
 * ```
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
 * ```ts
 * import { Account, Amount, BaseUnits, Deallocation, Ledger, Transfer, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const policies = Transfer.SuspendedDeallocations.literals.map((suspendedDeallocations) => ({
 *   suspendedDeallocations,
 * }))
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const connection = {
 *   connectionId: id,
 *   clientId: id,
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * }
 * const [one, account] = [BaseUnits.BaseUnits.make(1n), { ...Account.empty, available: BaseUnits.BaseUnits.make(5n) }]
 * const command = Deallocation.Command.cases.Reserve.make({
 *   terms: { id, amount: { currency: Amount.Currency.make("BTC"), quantity: one }, ...connection },
 *   partnerTransferId: "withdrawal-7",
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * const states = policies.map((policy) => {
 *   const suspended = { ...connection, suspended: true }
 *   return Effect.runSync(Ledger.step(command, { transfer: undefined, connection: suspended, account, ...policy }))
 *     .transfer.state
 * })
 * assert.deepEqual(states, ["Reserved", "Rejected"])
 * ```
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
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isPartnerTransferId = Schema.is(Transfer.PartnerTransferId)
 * assert.ok(isPartnerTransferId("withdrawal-7"))
 * assert.ok(!isPartnerTransferId(""))
 * ```
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
 * ```ts
 * import { Transfer } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * // A kind of one's own, whose terms say why.
 * const Fee = Transfer.recorded({ kind: Schema.tag("fee"), reason: Schema.String }, ["Debited"])
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * assert.ok(Schema.is(Fee)({ kind: "fee", reason: "custody", state: "Debited", createdAt: at, updatedAt: at }))
 * ```
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
 * ```ts
 * import { Lock, Transfer } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const Command = Transfer.commands({ kind: Schema.tag("lock"), terms: Lock.Terms })
 * assert.deepEqual(Object.keys(Command.cases).toSorted(), ["Clear", "Release", "Reserve"])
 * ```
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
 * ```ts
 * import { Lock, Transfer } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const { Reserved, Cleared } = Transfer.events({ kind: Schema.tag("lock"), terms: Lock.Terms })
 * // What comes later carries only the id of what was reserved.
 * assert.deepEqual(Object.keys(Reserved), ["kind", "terms", "at"])
 * assert.deepEqual(Object.keys(Cleared), ["kind", "id", "at"])
 * ```
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
 * ```ts
 * import { Deallocation, Transfer } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const { Event } = Transfer.rejectable(
 *   { kind: Schema.tag("withdrawal"), terms: Deallocation.Terms },
 *   Schema.Literals(["TOO_LATE"]),
 * )
 * assert.deepEqual(Event.cases.Rejected.fields.reason.literals, ["TOO_LATE"])
 * ```
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
 * ```ts
 * import { Lock, Transfer } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const { flat } = Transfer.termsOf(Lock.Terms)
 * const terms = Schema.decodeUnknownSync(Lock.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   amount: { currency: "BTC", quantity: 2n },
 * })
 * assert.deepEqual(Object.keys(flat(terms)), ["id", "connectionId", "amount.currency", "amount.quantity"])
 * ```
 *
 * @category constructors
 */
export const termsOf = <Fields extends Schema.Struct.Fields>(
  terms: Parameters<typeof Difference.flattener<Fields>>[0],
) => ({ terms, flat: Difference.flattener(terms) })

/**
 * There is no transfer of this kind with this id.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const program = Effect.flatMap(Holdfast.Holdfast, ({ clear }) => Effect.flip(clear("deallocation", id)))
 * const error = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(error.message, "There is no deallocation 018f3f1e-0000-7000-8000-000000000003.")
 * ```
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
 * ```ts
 * import { Account, Amount, BaseUnits, Ledger, Lock, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const terms = { id, connectionId: id, amount }
 * const lock: Ledger.Transfer = { kind: "lock", state: "Cleared", terms, createdAt: at, updatedAt: at }
 * const command = Lock.Command.cases.Release.make({ id, at })
 * const released = Ledger.step(command, { transfer: lock, connection: undefined, account: Account.empty })
 * assert.equal(
 *   Effect.runSync(Effect.flip(released)).message,
 *   "Cannot release lock 018f3f1e-0000-7000-8000-000000000003: it is cleared.",
 * )
 * ```
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
 * ```ts
 * import { Account, Amount, BaseUnits, Ledger, Lock, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const termsOf = (quantity: bigint) => ({
 *   id,
 *   connectionId: id,
 *   amount: { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(quantity) },
 * })
 * const lock: Ledger.Transfer = { kind: "lock", state: "Reserved", terms: termsOf(2n), createdAt: at, updatedAt: at }
 * const command = Lock.Command.cases.Reserve.make({ terms: termsOf(3n), at })
 * const repeated = Ledger.step(command, { transfer: lock, connection: undefined, account: Account.empty })
 * assert.equal(
 *   Effect.runSync(Effect.flip(repeated)).message,
 *   "Lock 018f3f1e-0000-7000-8000-000000000003 is recorded with amount.quantity 2, not 3.",
 * )
 * ```
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
 * ```ts
 * import { Deallocation, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const event = Deallocation.Event.cases.Cleared.make({
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003"),
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * const error = Effect.runSync(Effect.flip(Deallocation.evolve(undefined, event)))
 * assert.equal(error.message, "A transfer of kind deallocation in state None cannot become Cleared.")
 * ```
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
