/**
 * How a transfer of any kind decides and evolves, from the kind's rules: plain
 * functions, for a loop over many commands. The programs made of them suspend
 * them, and what they throw, where a situation contradicts itself, is a defect
 * there.
 */
import { Effect, Result, Struct } from "effect"
import * as Account from "../Account.ts"
import * as Connection from "../Connection.ts"
import * as Difference from "../Difference.ts"
import * as Transfer from "../Transfer.ts"
import type * as Uuid from "../Uuid.ts"

/** Whatever a decision can fail with. */
export type Failure = Transfer.TermsMismatch | Transfer.StateConflict | Transfer.TransferNotFound | Transfer.Refusal

type First = Extract<Transfer.Command, { readonly terms: unknown }>

/** The id of the transfer that a command concerns. */
export const idOf = (command: Transfer.Command): Uuid.Uuid => ("terms" in command ? command.terms.id : command.id)

const decide = (
  rules: Transfer.Rules,
  command: Transfer.Command,
  situation: Transfer.Situation,
): Result.Result<ReadonlyArray<Transfer.Event>, Failure> => {
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
  if (transition === "repeat") return Result.succeed([])
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
  if (!("terms" in command)) return Result.succeed([{ ...command, _tag: Transfer.settlements[command._tag] }])
  const event = rules.eventOf(command)
  const first = declared(rules, command)
  const refusal = refusalOf(rules, first, rules.postings[event], situation)
  if (refusal === undefined) return Result.succeed([{ ...first, _tag: event }])
  const reason = rules.reasons[refusal._tag]
  return reason === undefined ? Result.fail(refusal) : Result.succeed([{ ...first, _tag: "Rejected", reason }])
}

/** What a kind does not declare is left out, so that every store records the same. */
const declared = (rules: Transfer.Rules, { _tag, kind, terms, partnerTransferId, at }: First): First => {
  const first = { _tag, kind, terms: declaredOf(rules.terms.fields, terms), at }
  return rules.askedBy === "network" && partnerTransferId !== undefined ? { ...first, partnerTransferId } : first
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

/** Why it cannot be, if so: the connection is not the one that is registered, or the account lacks what is to be moved. */
const refusalOf = (
  rules: Transfer.Rules,
  { terms }: First,
  posting: Account.Posting | undefined,
  { connection, account }: Transfer.Situation,
): Transfer.Refusal | undefined => {
  const { connectionId } = terms
  if (connection === undefined) return new Connection.ConnectionNotFound({ connectionId })
  const differences = Connection.differences(connection, terms, rules.terms.fields)
  if (differences.length > 0) return new Connection.ConnectionConflict({ connectionId, differences })
  return posting && Account.refusalOf(account, posting, terms.amount.quantity)
}

const post = (account: Account.Account, posting: Account.Posting | undefined, { amount }: Transfer.Terms) =>
  posting === undefined ? Result.succeed(account) : Account.posted(account, posting, amount.quantity)

const evolve = (
  rules: Transfer.Rules,
  transfer: Transfer.Transfer | undefined,
  event: Transfer.Event,
): Result.Result<Transfer.Transfer, Transfer.EventOutOfOrder> => {
  const { _tag: state, at: updatedAt } = event
  const transition = transitionOf(rules, transfer, Transfer.requests[state])
  if (transition === "decide" || transition === "setting") {
    // What was said first stands: a repeat says the same, but for the id that was drawn for it.
    if (transfer !== undefined) return Result.succeed({ ...transfer, ...reasonOf(event), state, updatedAt })
    if ("terms" in event) {
      const { _tag, at, ...opening } = event
      return Result.succeed({ ...opening, state, createdAt: at, updatedAt })
    }
  }
  return Result.fail(
    new Transfer.EventOutOfOrder({ kind: rules.kind, state: transfer?.state ?? "None", event: event._tag }),
  )
}

const reasonOf = (event: Transfer.Event) =>
  "reason" in event && event.reason !== undefined ? { reason: event.reason } : {}

/** What becomes of a transfer and its account: nothing where a command is repeated. */
export const step = (
  rules: Transfer.Rules,
  command: Transfer.Command,
  situation: Transfer.Situation,
): Result.Result<Step, Failure> =>
  Result.map(decide(rules, command, situation), (events) => {
    let { transfer, account } = situation
    for (const event of events) {
      // What was decided can be done: if it cannot, the situation contradicts itself.
      transfer = Result.getOrThrow(evolve(rules, transfer, event))
      account = Result.getOrThrow(post(account, rules.postings[event._tag], transfer.terms))
    }
    if (transfer === undefined) throw new Error("A command was granted without a transfer.")
    return { events, transfer, account }
  })

export interface Step {
  readonly events: ReadonlyArray<Transfer.Event>
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
      Effect.suspend(() => Effect.fromResult(decide(rules, command, situation))),
    evolve: (transfer: Transfer.Transfer | undefined, event: Transfer.Event) =>
      Effect.suspend(() => Effect.fromResult(evolve(rules, transfer, event))),
    isTerminal: (transfer: Transfer.Transfer) => isTerminal(rules, transfer),
  }) as unknown as {
    readonly decide: (command: C, situation: Transfer.Situation<T>) => Effect.Effect<ReadonlyArray<E>, F>
    readonly evolve: (transfer: T | undefined, event: E) => Effect.Effect<T, Transfer.EventOutOfOrder>
    readonly isTerminal: (transfer: T) => boolean
  }
