/**
 * The history checker. Given what clients were told and the journal that is
 * there in the end, it looks for a way in which all of it is true at once. An
 * account's locks order its entries as they were committed, so, connection by
 * connection,
 *
 * 1. the pure ledger, replaying the journal, must make each entry as it is
 *    recorded;
 * 2. for each answer there must be a moment in that order, after everything that
 *    was known when the call started and before anything that was first asked
 *    for after it ended, at which the ledger gives just this answer and has
 *    nothing left to do;
 * 3. each entry must have a call of its own that asked for it, was not answered
 *    otherwise, and was under way when the entry was made.
 *
 * That is strict serializability for a known order of writes; what holds for each
 * connection by itself holds for all together (Herlihy and Wing, "Linearizability",
 * locality). Between two connections the journal's order says nothing: an entry
 * with a later number may have been committed first. Whatever was lost, answered
 * too early or taken back leaves an answer without a moment; whatever was done
 * twice leaves an entry without a call.
 */
import { isDeepStrictEqual } from "node:util"
import { Account, Audit, type Connection, Holdfast, Ledger, type Store, type Uuid } from "@holdfast/domain"
import { type Model, System } from "@holdfast/domain/testing"
import { Effect } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as History from "./History.ts"
import { unasked } from "./Unasked.ts"

/** Whoever was told what, and what is there. */
export interface Evidence {
  readonly connections: ReadonlyArray<Connection.Connection>
  readonly operations: ReadonlyArray<History.Operation>
  readonly books: Store.Books
}

/** What contradicts the contract, a line each; nothing if all is well. */
export const check = ({ connections, operations, books }: Evidence): ReadonlyArray<string> => {
  const registered = new Map(
    // Nobody suspends one.
    connections.map((connection) => [connection.connectionId, { ...connection, suspended: false }]),
  )
  const ledger = new ReplayedLedger(registered)
  const violations: Array<string> = []
  for (const entry of books.entries) {
    const transfer = books.transfers.get(entry.transferId)
    if (transfer === undefined) violations.push(`Entry ${describe(entry)} is of no transfer.`)
    else violations.push(...ledger.append(entry, Audit.commandOf(entry, transfer)))
  }
  return [...violations, ...explain(operations, books, ledger)]
}

/** Finds a moment for each answer: the earliest, so that it leaves the most room for the answers after it. */
const explain = (
  operations: ReadonlyArray<History.Operation>,
  { entries, transfers }: Store.Books,
  ledger: ReplayedLedger,
): ReadonlyArray<string> => {
  const violations: Array<string> = []
  const askedFor = Map.groupBy(operations, ({ call }) => causeOfCall(call))
  const causes = entries.map((entry) => causeOf(entry, transfers.get(entry.transferId)))
  /** The time at which the first n entries had all been asked for. */
  const askedBy = [Number.NEGATIVE_INFINITY]
  for (const [index, cause] of causes.entries()) {
    const first = Math.min(...(askedFor.get(cause) ?? []).map(({ start }) => start))
    askedBy.push(Math.max(askedBy[index] ?? 0, Number.isFinite(first) ? first : Number.NEGATIVE_INFINITY))
  }

  /** The connection that an answer is about: whose the id is, or whose it was to be. */
  const connectionOf = (call: History.Call): string | undefined => {
    const recorded = transfers.get(idOf(call) as Uuid.Uuid)?.terms.connectionId
    if (recorded !== undefined) return recorded
    switch (call.name) {
      case "reserve":
        return call.terms.connectionId
      case "adjust":
        return call.adjustment.connectionId
      case "connection":
        return call.connectionId
      default:
        return undefined
    }
  }

  const answered = operations.filter(({ outcome }) => outcome !== undefined)
  const byEnd = answered.toSorted((a, b) => a.end - b.end)
  const moments = new Map<History.Operation, number>()
  /** The last moment of each connection of which somebody was told so far. */
  const told = new Map<string | undefined, number>()
  let ended = 0
  for (const operation of answered.toSorted((a, b) => a.start - b.start)) {
    for (let before = byEnd[ended]; before !== undefined && before.end < operation.start; before = byEnd[++ended]) {
      const connection = connectionOf(before.call)
      told.set(connection, Math.max(told.get(connection) ?? 0, moments.get(before) ?? 0))
    }
    const known = told.get(connectionOf(operation.call)) ?? 0
    const latest = lastAtMost(askedBy, operation.end)
    const moment = ledger
      .momentsFor(operation.call, known, latest)
      .find((at) => isDeepStrictEqual(ledger.answerAt(at, operation.call), operation.outcome))
    if (moment !== undefined) moments.set(operation, moment)
    else {
      const seen = JSON.stringify(operation.outcome)
      const expected = ledger
        .momentsFor(operation.call, known, latest)
        .map((at) => JSON.stringify(ledger.answerAt(at, operation.call)) ?? "more to do")
      violations.push(
        `No moment from ${known} to ${latest} explains the answer to ${JSON.stringify(operation.call)}: ${seen}. ` +
          `Possible: ${[...new Set(expected)].join(" or ")}.`,
      )
    }
  }

  /** The time at which each entry is known to have been made: somebody was told what follows from it. */
  const madeBy = entries.map(() => Number.POSITIVE_INFINITY)
  const earliest = new Map<string | undefined, number>()
  const byMoment = Map.groupBy(moments, ([, moment]) => moment)
  for (let n = entries.length; n >= 1; n--) {
    for (const [{ call, end }] of byMoment.get(n) ?? []) {
      const connection = connectionOf(call)
      earliest.set(connection, Math.min(earliest.get(connection) ?? end, end))
    }
    madeBy[n - 1] = earliest.get(entries[n - 1]?.connectionId) ?? Number.POSITIVE_INFINITY
  }

  const made = entries.map((entry, index) => ({
    entry,
    after: askedBy[index + 1] ?? 0,
    before: madeBy[index] ?? 0,
  }))
  for (const [cause, ofCause] of Map.groupBy(made, (_, index) => causes[index])) {
    const unasked = unmatched(ofCause, askedFor.get(cause) ?? [], couldHaveMade)
    for (const { entry } of unasked) violations.push(`No call of its own asked for entry ${describe(entry)}.`)
  }
  return violations
}

/** An entry, and between which times it was made. */
interface Made {
  readonly entry: Ledger.Entry
  readonly after: number
  readonly before: number
}

const couldHaveMade = ({ entry, after, before }: Made, { call, start, end, outcome }: History.Operation): boolean => {
  if (start > before || end < after) return false
  if (outcome === undefined) return true
  if ("refused" in outcome) return false
  const isRejection = call.name === "reserve" && (outcome.ok as Model.Answer).rejectionReason !== undefined
  return (entry.event === "Rejected") === isRejection
}

/** Those that are left over when each is given a partner of its own, as few as possible (by augmenting paths). */
const unmatched = <A, B>(
  values: ReadonlyArray<A>,
  partners: ReadonlyArray<B>,
  fits: (value: A, partner: B) => boolean,
): ReadonlyArray<A> => {
  const taken = new Map<B, A>()
  const find = (value: A, tried: Set<B>): boolean =>
    partners.some((partner) => {
      if (tried.has(partner) || !fits(value, partner)) return false
      tried.add(partner)
      const holder = taken.get(partner)
      if (holder !== undefined && !find(holder, tried)) return false
      taken.set(partner, value)
      return true
    })
  return values.filter((value) => !find(value, new Set()))
}

/** The last index whose value is at most a bound, of values that never fall. */
const lastAtMost = (values: ReadonlyArray<number>, bound: number): number => {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((values[middle] ?? 0) <= bound) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** What a call asks to be changed: calls with the same cause ask for the same. */
const causeOfCall = (call: History.Call): string | undefined => {
  switch (call.name) {
    case "reserve": {
      const { kind, id, amount, connectionId, clientId, partnersConnectionId, partnerClientId, memo } = call.terms
      const rest = [connectionId, clientId, partnersConnectionId, partnerClientId, memo]
      return ["reserve", kind, id, amount.currency, amount.quantity, ...rest].join(" ")
    }
    case "adjust": {
      const { adjustmentId, direction, amount, connectionId, memo } = call.adjustment
      return [direction, adjustmentId, amount.currency, amount.quantity, connectionId, memo].join(" ")
    }
    case "clear":
    case "release":
      return `${call.name} ${call.reference.kind} ${call.reference.id}`
    default:
      return undefined
  }
}

/** The same of an entry. */
const causeOf = (entry: Ledger.Entry, transfer: Ledger.Transfer | undefined): string =>
  (transfer && causeOfCall(callOf(entry, transfer))) ?? ""

const callOf = ({ event }: Ledger.Entry, { kind, terms }: Ledger.Transfer): History.Call => {
  const { id, amount, ...rest } = terms
  const written = { amount: { currency: amount.currency, quantity: `${amount.quantity}` } }
  if ("direction" in rest) return { name: "adjust", adjustment: { adjustmentId: id, ...rest, ...written } }
  const reference = { kind: kind as Model.Kind, id }
  if (event === "Cleared" || event === "Released") {
    return { name: event === "Cleared" ? "clear" : "release", reference }
  }
  return { name: "reserve", terms: { ...reference, ...rest, ...written } }
}

const describe = ({ event, transferId, quantity }: Ledger.Entry) => `${event} ${transferId} (${quantity})`

/** Values that changed at some moments. A moment is how many entries there were. */
class Changing<Key, Value> {
  readonly #changes = new Map<Key, Array<{ readonly at: number; readonly value: Value }>>()

  set(key: Key, at: number, value: Value): void {
    const changes = this.#changes.get(key)
    if (changes === undefined) this.#changes.set(key, [{ at, value }])
    else changes.push({ at, value })
  }

  get(key: Key, at: number): Value | undefined {
    return this.#changes.get(key)?.findLast((change) => change.at <= at)?.value
  }

  between(key: Key, first: number, last: number): ReadonlyArray<number> {
    return (this.#changes.get(key) ?? []).map(({ at }) => at).filter((at) => at > first && at <= last)
  }
}

/** The ledger as it was after each entry of a journal. */
class ReplayedLedger {
  readonly #connections: ReadonlyMap<Uuid.Uuid, Connection.Registered>
  readonly #transfers = new Changing<Uuid.Uuid, Ledger.Transfer>()
  readonly #accounts = new Changing<string, Account.Account>()
  readonly #balances = new Changing<Uuid.Uuid, ReadonlyMap<string, Store.Balance>>()
  readonly #service: System.System
  #length = 0
  /** The moment that the service shows. */
  #at = 0

  constructor(connections: ReadonlyMap<Uuid.Uuid, Connection.Registered>) {
    this.#connections = connections
    this.#service = System.fromService(
      Effect.runSync(
        Holdfast.make({
          execute: <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) => this.#execute(instruction),
          find: (kind, id) => Effect.suspend(() => Ledger.ofKind(kind, id, this.#transfers.get(id, this.#at))),
          connection: (connectionId) => {
            const connection = this.#connections.get(connectionId)
            const balances = this.#balances.get(connectionId, this.#at) ?? new Map()
            return connection === undefined
              ? Effect.die(`${connectionId} was never registered.`)
              : Effect.succeed({ connection, balances: Array.from(balances.values()) })
          },
          ...unasked,
          register: () => Effect.die("The checker registers nobody."),
        }).pipe(Effect.provideService(SecureRandom.SecureRandom, noRandom)),
      ),
    )
  }

  #snapshotAt(at: number): Ledger.Snapshot {
    return {
      connections: this.#connections,
      accounts: { get: (key) => this.#accounts.get(key, at) },
      transfers: { get: (id) => this.#transfers.get(id, at) },
      nonces: new Set(),
    }
  }

  /** A repeat of what was done, or a refusal: whatever would still change something was not answered truly. */
  #execute<C extends Ledger.Command>(instruction: Ledger.Instruction<C>): Store.Execution<C> {
    const { outcomes, changes } = Effect.runSync(
      Ledger.fold(this.#snapshotAt(this.#at), [instruction], { releasedRepost: "reserve" }),
    )
    const [outcome] = outcomes
    if (changes.entries.length > 0 || outcome === undefined) return Effect.die("There is more to do.")
    return Effect.fromResult(outcome) as Store.Execution<C>
  }

  /** Does what an entry says; tells where it could not be so. */
  append(entry: Ledger.Entry, command: Ledger.Command): ReadonlyArray<string> {
    const replayed = Audit.replay(this.#snapshotAt(this.#length), command)
    this.#length++
    if (typeof replayed !== "string") this.#transfers.set(entry.transferId, this.#length, replayed.transfer)
    const { connectionId, currency, balances } = entry
    this.#accounts.set(Ledger.accountKey(entry), this.#length, balances)
    const before = this.#balances.get(connectionId, this.#length) ?? new Map()
    this.#balances.set(connectionId, this.#length, new Map(before).set(currency, { currency, ...balances }))
    const expected = typeof replayed === "string" ? replayed : show(replayed.entry)
    return typeof replayed !== "string" && isDeepStrictEqual(replayed.entry, entry)
      ? []
      : [`Entry ${this.#length}, ${describe(entry)}: ${show(entry)}. The ledger: ${expected}.`]
  }

  /** The first moment of a window, and each at which the answer to a call may have become another. */
  momentsFor(call: History.Call, first: number, last: number): ReadonlyArray<number> {
    if (first > last) return []
    const later = [
      ...this.#transfers.between(idOf(call) as Uuid.Uuid, first, last),
      ...(call.name === "adjust" ? this.#accounts.between(accountOf(call.adjustment), first, last) : []),
      // What the partner asks for and does not get leaves no trace.
      ...(call.name === "reserve" && call.terms.kind === "lock"
        ? this.#accounts.between(accountOf(call.terms), first, last)
        : []),
      ...(call.name === "connection" ? this.#balances.between(call.connectionId as Uuid.Uuid, first, last) : []),
    ]
    return [first, ...later.toSorted((a, b) => a - b)]
  }

  /** What the ledger answers at a moment; nothing where the call would still change something. */
  answerAt(at: number, call: History.Call): unknown {
    this.#at = at
    const exit = Effect.runSyncExit(History.dispatch(this.#service, call))
    return exit._tag === "Success" ? exit.value : undefined
  }
}

const idOf = (call: History.Call): string | undefined => {
  if (call.name === "reserve") return call.terms.id
  if (call.name === "adjust") return call.adjustment.adjustmentId
  return call.name === "connection" ? undefined : call.reference.id
}

const accountOf = ({ connectionId, amount }: Pick<Model.Terms, "connectionId" | "amount">) =>
  `${connectionId}/${amount.currency}`

const show = ({ balances, event }: Ledger.Entry) =>
  `${event} with ${Account.Balance.literals.map((balance) => `${balances[balance]} ${balance}`).join(", ")}`

/** Ids that are drawn for a repeat are not used. */
const noRandom = SecureRandom.make((size) => new Uint8Array(size))
