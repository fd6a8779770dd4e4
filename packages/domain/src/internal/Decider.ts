/**
 * How a transfer of any kind decides and evolves, from the kind's rules: plain
 * functions, for a loop over many commands. The programs made of them suspend
 * them, and what they throw, where a situation contradicts itself, is a defect
 * there.
 */
import { Array as Array_, Effect, Result, Struct } from "effect"
import * as Account from "../Account.ts"
import * as Amount from "../Amount.ts"
import * as Connection from "../Connection.ts"
import * as Difference from "../Difference.ts"
import * as Transfer from "../Transfer.ts"
import type * as Uuid from "../Uuid.ts"

/** Whatever a decision can fail with. */
export type Failure = Transfer.TermsMismatch | Transfer.StateConflict | Transfer.TransferNotFound | Transfer.Refusal

type First = Extract<Transfer.Command, { readonly terms: unknown }>

/** The id of the transfer that a command concerns. */
export const idOf = (command: Transfer.Command): Uuid.Uuid => ("terms" in command ? command.terms.id : command.id)

/** The event that a command makes, or nothing where it is repeated. */
const decide = (
  rules: Transfer.Rules,
  command: Transfer.Command,
  situation: Transfer.Situation,
): Result.Result<Transfer.Event | undefined, Failure> => {
  const { transfer } = situation
  const { kind } = rules
  const id = idOf(command)
  if (transfer !== undefined && transfer.terms.id !== id) {
    throw new Error(`A command about ${id} was to be decided on the transfer ${transfer.terms.id}.`)
  }
  if ("terms" in command && transfer !== undefined) {
    const differences = Difference.between(rules.flat(transfer.terms), rules.flat(command.terms))
    if (differences.length > 0) return Result.fail(new Transfer.TermsMismatch({ kind, id, differences }))
  }
  const transition = transitionOf(rules, transfer, command._tag)
  if (transition === "repeat") return Result.succeed(undefined)
  if (transition === "unknown" || transition === undefined) {
    return Result.fail(new Transfer.TransferNotFound({ kind, id }))
  }
  if (transition === "conflict" || (transition === "setting" && situation.releasedRepost === "conflict")) {
    // Only what has two phases has conflicts.
    const inConflict = { state: transfer?.state, command: command._tag } as Pick<
      Transfer.StateConflict,
      "state" | "command"
    >
    return Result.fail(new Transfer.StateConflict({ kind, id, ...inConflict }))
  }
  if (!("terms" in command)) return Result.succeed({ ...command, _tag: Transfer.settlements[command._tag] })
  const event = rules.eventOf(command)
  const refusal = refusalOf(rules, command, rules.postings[event], situation)
  if (refusal === undefined) return Result.succeed(opening(rules, command, event))
  const reason = rules.reasons[refusal._tag]
  return reason === undefined
    ? Result.fail(refusal)
    : Result.succeed({ ...opening(rules, command, "Rejected"), reason })
}

/** What a kind does not declare is left out, so that every store records the same. */
const opening = (rules: Transfer.Rules, command: First, _tag: Transfer.State) => {
  const { kind, partnerTransferId, at } = command
  const terms = declaredOf(rules.terms.fields, command.terms)
  return rules.askedBy === "network" && partnerTransferId !== undefined
    ? { _tag, kind, terms, partnerTransferId, at }
    : { _tag, kind, terms, at }
}

const declaredOf = (fields: object, terms: Transfer.Terms): Transfer.Terms => {
  for (const field in terms) {
    if (!(field in fields)) return Struct.pick(terms, Object.keys(fields) as Array<keyof Transfer.Terms>)
  }
  return terms
}

const transitionOf = (
  { transitions }: Transfer.Rules,
  transfer: Transfer.Transfer | undefined,
  request: Transfer.Request,
): Transfer.Transition | undefined => transitions[transfer?.state ?? "None"]?.[request]

/**
 * Why it cannot be, if so: the connection is not the one that is registered, or is suspended; the currency is none; or the
 * account lacks what is to be moved.
 */
const refusalOf = (
  rules: Transfer.Rules,
  { terms, newCurrency }: First,
  posting: Account.Posting | undefined,
  { connection, account, suspendedDeallocations, currencies, lookalike }: Transfer.Situation,
): Transfer.Refusal | undefined => {
  const { connectionId, amount } = terms
  if (connection === undefined) return new Connection.ConnectionNotFound({ connectionId })
  const differences = Connection.differences(connection, terms, rules.terms.fields)
  if (differences.length > 0) return new Connection.ConnectionConflict({ connectionId, differences })
  const isBarred =
    rules.whenSuspended === "refused" || (rules.whenSuspended === "setting" && suspendedDeallocations === "reject")
  if (isBarred && Connection.isSuspended(connection)) return new Connection.ConnectionSuspended({ connectionId })
  if (posting === undefined) return undefined
  if (posting.from === "outside") {
    const { currency } = amount
    if (currencies !== undefined && !currencies.has(currency)) return new Amount.UnknownCurrency({ currency })
    if (lookalike !== undefined && rules.askedBy === "partner" && newCurrency !== true) {
      return new Amount.CurrencyLooksAlike({ currency, known: lookalike })
    }
  }
  return Account.refusalOf(account, posting, amount.quantity)
}

const evolve = (
  rules: Transfer.Rules,
  transfer: Transfer.Transfer | undefined,
  event: Transfer.Event,
): Result.Result<Transfer.Transfer, Transfer.EventOutOfOrder> => {
  const { kind } = rules
  const transition = transitionOf(rules, transfer, Transfer.requests[event._tag])
  const next = transition === "decide" || transition === "setting" ? after(transfer, event) : undefined
  return next === undefined
    ? Result.fail(new Transfer.EventOutOfOrder({ kind, state: transfer?.state ?? "None", event: event._tag }))
    : Result.succeed(next)
}

/** The transfer after an event that fits its state. */
const after = (transfer: Transfer.Transfer | undefined, event: Transfer.Event): Transfer.Transfer | undefined => {
  const { _tag: state, at: updatedAt } = event
  // What was said first stands: a repeat says the same, but for the id that was drawn for it.
  if (transfer !== undefined) return withReason({ ...transfer, state, updatedAt }, event)
  if (!("terms" in event)) return undefined
  const { kind, terms, partnerTransferId, at: createdAt } = event
  const opened =
    partnerTransferId === undefined
      ? { kind, terms, state, createdAt, updatedAt }
      : { kind, terms, partnerTransferId, state, createdAt, updatedAt }
  return withReason(opened, event)
}

const withReason = (transfer: Transfer.Transfer, event: Transfer.Event): Transfer.Transfer =>
  "reason" in event && event.reason !== undefined ? { ...transfer, reason: event.reason } : transfer

/** What becomes of a transfer and its account: nothing where a command is repeated. */
export const step = (
  rules: Transfer.Rules,
  command: Transfer.Command,
  situation: Transfer.Situation,
): Result.Result<Step, Failure> => {
  const decision = decide(rules, command, situation)
  if (Result.isFailure(decision)) return Result.fail(decision.failure)
  const event = decision.success
  const transfer = event === undefined ? situation.transfer : after(situation.transfer, event)
  if (transfer === undefined) throw new Error("A command was granted without a transfer.")
  const posting = event && rules.postings[event._tag]
  // What was decided can be posted: if it cannot, the situation contradicts itself.
  const account = posting
    ? Result.getOrThrow(Account.posted(situation.account, posting, transfer.terms.amount.quantity))
    : situation.account
  return Result.succeed({ event, transfer, account })
}

export interface Step {
  readonly event: Transfer.Event | undefined
  readonly transfer: Transfer.Transfer
  readonly account: Account.Account
}

/** Whether no request can change a transfer in this state any more. */
export const isTerminal = ({ transitions }: Transfer.Rules, { state }: Pick<Transfer.Transfer, "state">): boolean =>
  !Object.values(transitions[state] ?? {}).some((transition) => transition === "decide" || transition === "setting")

/** The functions of one kind. Its rules make its own events, states and failures; TypeScript does not follow that. */
export const ofKind = <C, T extends Transfer.Transfer, E, F>(rules: Transfer.Rules) =>
  ({
    decide: (command: Transfer.Command, situation: Transfer.Situation) =>
      Effect.suspend(() => Effect.fromResult(Result.map(decide(rules, command, situation), Array_.fromNullishOr))),
    evolve: (transfer: Transfer.Transfer | undefined, event: Transfer.Event) =>
      Effect.suspend(() => Effect.fromResult(evolve(rules, transfer, event))),
    isTerminal: (transfer: Transfer.Transfer) => isTerminal(rules, transfer),
  }) as unknown as {
    readonly decide: (command: C, situation: Transfer.Situation<T>) => Effect.Effect<ReadonlyArray<E>, F>
    readonly evolve: (transfer: T | undefined, event: E) => Effect.Effect<T, Transfer.EventOutOfOrder>
    readonly isTerminal: (transfer: T) => boolean
  }
