/**
 * Books: what the contract says, followed call by call in the plainest way.
 * Written down from the contract's own tables, apart from the server's code, so
 * that the one can find the other's mistakes.
 *
 * Each method expects the answer to one call. Nothing happens in the books
 * until the expectation is settled.
 */
import { LosslessNumber } from "lossless-json"
import * as Balances from "./Balances.ts"
import * as Expectation from "./Expectation.ts"
import type { Answer } from "./Network.ts"

/**
 * Who owns an account: two ids of the network's, two of ours.
 *
 * @category models
 */
export interface Connection {
  readonly clientId: string
  readonly connectionId: string
  readonly partnersConnectionId: string
  readonly partnerClientId: string
}

interface Amount {
  readonly currency: string
  readonly quantity: string
}

/** What is reserved, then cleared or released: by the network, but for locks. */
type Kind = "deallocation" | "allocation" | "lock"

/**
 * One of them by its id.
 *
 * @category models
 */
export interface Subject {
  readonly kind: Kind
  readonly id: string
}

/**
 * What is asked for.
 *
 * @category models
 */
export interface Terms extends Connection, Subject {
  readonly amount: Amount
}

/** @category models */
export interface Adjustment {
  readonly connectionId: string
  readonly direction: "credit" | "debit"
  readonly amount: Amount
}

type Move = "clear" | "release"

interface Transfer {
  readonly terms: Terms
  readonly state: Expectation.State
  readonly rejectionReason?: string | undefined
  /** Ours to choose; from then on the same in every answer. */
  readonly partnerId: string | undefined
  /** How often something happened to it. */
  readonly events: number
}

/** To which state a request leads: its own is a repeat; `funds` decide for `hold`; a number is a refusal. */
type Row = Readonly<Record<"reserve" | Move, Expectation.State | "hold" | 404 | 409>>

/** The edition of the guides that a server's answers keep to. */
export type Edition = "first" | "later"

/** What a server does with a `POST` for a released id. */
export type ReleasedRepost = "reserve" | "conflict"

const table = (releasedRepost: ReleasedRepost): Readonly<Record<"none" | Expectation.State, Row>> => ({
  none: { reserve: "hold", clear: 404, release: 404 },
  RESERVED: { reserve: "RESERVED", clear: "CLEARED", release: "RELEASED" },
  CLEARED: { reserve: "CLEARED", clear: "CLEARED", release: 409 },
  RELEASED: { reserve: releasedRepost === "reserve" ? "hold" : 409, clear: 409, release: "RELEASED" },
  REJECTED: { reserve: "REJECTED", clear: 409, release: 409 },
})

const { zero } = Balances

/** What entering a state adds to each balance, in quantities. */
const moves: Readonly<Record<Kind, Readonly<Record<Expectation.State, Balances.Balance>>>> = {
  deallocation: {
    RESERVED: { ...zero, available: -1n, reserved: 1n },
    REJECTED: zero,
    CLEARED: { ...zero, reserved: -1n, deallocated: 1n },
    RELEASED: { ...zero, available: 1n, reserved: -1n },
  },
  allocation: {
    RESERVED: { ...zero, pending: 1n },
    REJECTED: zero,
    CLEARED: { ...zero, pending: -1n, available: 1n },
    RELEASED: { ...zero, pending: -1n },
  },
  lock: {
    RESERVED: { ...zero, available: -1n, locked: 1n },
    REJECTED: zero,
    CLEARED: { ...zero, locked: -1n },
    RELEASED: { ...zero, available: 1n, locked: -1n },
  },
}

/** @category models */
export class Books {
  readonly #table: ReturnType<typeof table>
  readonly #edition: Edition
  readonly #connections = new Map<string, Connection>()
  readonly #balances = new Map<string, Balances.Balances>()
  readonly #adjustments = new Map<string, Adjustment>()
  readonly #suspended = new Set<string>()
  /** Oldest first. */
  readonly #transfers = new Map<string, Transfer>()
  readonly #nonces = new Set<string>()

  constructor(releasedRepost: ReleasedRepost, edition: Edition) {
    this.#table = table(releasedRepost)
    this.#edition = edition
  }

  register(connection: Connection): Expectation.Expectation {
    const known = this.#connections.get(connection.connectionId)
    if (known === undefined) {
      const settle = () => void this.#connections.set(connection.connectionId, connection)
      return { statuses: [200, 201], body: Expectation.anything, settle }
    }
    return differing(known, connection).length === 0 ? accepted : Expectation.refusal(409)
  }

  /** The network shows a token that is good. */
  connect(connection: Connection): Expectation.Expectation {
    const known = this.#connections.get(connection.connectionId)
    if (known !== undefined && known.clientId !== connection.clientId) {
      return Expectation.refusal(409, known.clientId, connection.clientId)
    }
    const settle = () => void this.#connections.set(connection.connectionId, connection)
    const { partnerClientId: partnersClientId } = connection
    return { statuses: [200], body: Expectation.atLeast({ ...identifiersOf(connection), partnersClientId }), settle }
  }

  suspend(connectionId: string, suspended: boolean): Expectation.Expectation {
    const settle = () =>
      suspended ? void this.#suspended.add(connectionId) : void this.#suspended.delete(connectionId)
    return { ...this.connection(connectionId), settle }
  }

  adjust(id: string, adjustment: Adjustment): Expectation.Expectation {
    const known = this.#adjustments.get(id)
    if (known !== undefined) return differing(known, adjustment).length === 0 ? accepted : Expectation.refusal(409)
    if (this.#transfers.has(id)) return Expectation.refusal(409)
    const { connectionId, direction, amount } = adjustment
    if (!this.#connections.has(connectionId)) return Expectation.refusal(404)
    const change = direction === "credit" ? BigInt(amount.quantity) : -BigInt(amount.quantity)
    if (this.balance(connectionId, amount.currency).available + change < 0n) return Expectation.refusal(422)
    const settle = () => {
      this.#adjustments.set(id, adjustment)
      this.#add(connectionId, amount.currency, { ...Balances.zero, available: change })
    }
    return { statuses: [200, 201], body: Expectation.anything, settle }
  }

  reserve(terms: Terms): Expectation.Expectation {
    const { kind, id } = terms
    if (this.#isOfAnother(terms)) return Expectation.refusal(409)
    const known = this.#transfers.get(id)
    const differences = known === undefined ? [] : differing(known.terms, terms)
    if (differences.length > 0) return Expectation.refusal(409, ...differences.flat())
    const next = this.#table[known?.state ?? "none"].reserve
    if (next === "hold") {
      const rejectionReason = this.#rejection(terms)
      if (kind === "lock" && rejectionReason !== undefined) return Expectation.refusal(422)
      const state = rejectionReason === undefined ? "RESERVED" : "REJECTED"
      return this.#enter({
        terms,
        state,
        rejectionReason,
        partnerId: undefined,
        events: known?.events ?? 0,
      })
    }
    if (typeof next === "number" || known === undefined) return Expectation.refusal(409)
    // The answer is that of the reservation: it does not tell what became of it.
    return { statuses: [200], body: bodyOf(known, this.#edition), tells: next === "CLEARED" ? undefined : next }
  }

  move(move: Move, subject: Subject): Expectation.Expectation {
    if (this.#isOfAnother(subject)) return Expectation.refusal(409)
    const known = this.#transfers.get(subject.id)
    const next = this.#table[known?.state ?? "none"][move]
    if (next === "hold" || known === undefined) return Expectation.refusal(404)
    if (typeof next === "number") return Expectation.refusal(next)
    if (next === known.state) return { statuses: [200], body: bodyOf(known, this.#edition), tells: next }
    return this.#enter({ ...known, state: next })
  }

  get({ kind, id }: Subject): Expectation.Expectation {
    const known = this.#transfers.get(id)
    if (known === undefined || known.terms.kind !== kind) return Expectation.refusal(404)
    const body = bodyOf(known, this.#edition)
    const found = typeof body === "object" && !("value" in body) ? { ...body, status: known.state } : body
    return { statuses: [200], body: found, tells: known.state }
  }

  /** A call whose signature's `jti` others may bear as well: one of them is heard. */
  once(jti: string, expectation: Expectation.Expectation): Expectation.Expectation {
    if (this.#nonces.has(jti)) return Expectation.refusal(401)
    const settle = (answer: Answer) => {
      this.#nonces.add(jti)
      expectation.settle?.(answer)
    }
    return { ...expectation, settle }
  }

  /** The operator's view of a connection, its balances exact. */
  connection(id: string): Expectation.Expectation {
    const known = this.#connections.get(id)
    if (known === undefined) return Expectation.refusal(404)
    const expected = Balances.describe(this.#balances.get(id) ?? new Map())
    const balances = Expectation.text(expected, (value) => Balances.describe(Balances.fromJson(value)))
    return { statuses: [200], body: Expectation.atLeast({ ...identifiersOf(known), balances }) }
  }

  /** The operator's list of a connection's deallocations, newest first. */
  list(connectionId: string, page: { readonly state?: string; readonly offset: number; readonly limit: number }) {
    const all = [...this.#transfers.values()]
      .filter(({ terms }) => terms.kind === "deallocation")
      .filter(({ terms, state }) => terms.connectionId === connectionId && (page.state ?? state) === state)
      .toReversed()
    const end = page.offset + page.limit
    const deallocations = Expectation.list(all.slice(page.offset, end).map(operatorsView))
    const nextCursor = end < all.length ? Expectation.someText : Expectation.nothing
    return { statuses: [200], body: Expectation.atLeast({ deallocations, nextCursor }) }
  }

  /** The operator's view of a transfer: an entry of the journal for all that happened. */
  journal({ id }: Subject): Expectation.Expectation {
    const known = this.#transfers.get(id)
    if (known === undefined) return Expectation.refusal(404)
    const body = Expectation.atLeast({ state: known.state, journal: Expectation.listOf(known.events) })
    return { statuses: [200], body, tells: known.state }
  }

  balance(connectionId: string, currency: string): Balances.Balance {
    return this.#balances.get(connectionId)?.get(currency) ?? Balances.zero
  }

  #isOfAnother({ kind, id }: Subject): boolean {
    return this.#adjustments.has(id) || (this.#transfers.get(id)?.terms.kind ?? kind) !== kind
  }

  #rejection({ kind, amount, ...terms }: Terms): string | undefined {
    const connection = this.#connections.get(terms.connectionId)
    if (connection === undefined) return "UNKNOWN_CONNECTION"
    if (differing(connection, terms).length > 0) return "CONNECTION_MISMATCH"
    if (kind === "allocation") return this.#suspended.has(terms.connectionId) ? "CONNECTION_SUSPENDED" : undefined
    const { available } = this.balance(terms.connectionId, amount.currency)
    return BigInt(amount.quantity) > available ? "INSUFFICIENT_BALANCE" : undefined
  }

  #enter(next: Transfer): Expectation.Expectation {
    const settle = ({ json }: Answer) => {
      const { terms, state, events } = next
      const given = Expectation.get(json, partnerIdOf(terms.kind, this.#edition))
      const partnerId = next.partnerId ?? (typeof given === "string" ? given : undefined)
      this.#transfers.set(terms.id, { ...next, partnerId, events: events + 1 })
      this.#add(terms.connectionId, terms.amount.currency, moves[terms.kind][state], BigInt(terms.amount.quantity))
    }
    return { statuses: [200], body: bodyOf(next, this.#edition), tells: next.state, settle }
  }

  #add(connectionId: string, currency: string, change: Balances.Balance, times = 1n) {
    const sum = Balances.add(this.balance(connectionId, currency), change, times)
    this.#balances.set(connectionId, new Map(this.#balances.get(connectionId)).set(currency, sum))
  }
}

const accepted: Expectation.Expectation = { statuses: [200], body: Expectation.anything }

const identifiersOf = (connection: Connection) => ({
  clientId: Expectation.uuid(connection.clientId),
  connectionId: Expectation.uuid(connection.connectionId),
  partnersConnectionId: connection.partnersConnectionId,
  partnerClientId: connection.partnerClientId,
})

const partnerIdOf = (kind: Kind, edition: Edition) =>
  `${edition === "first" ? "partner" : "partners"}${kind.charAt(0).toUpperCase()}${kind.slice(1)}Id`

/** The answer's shape in an edition, to the letter; of a lock, as the operator's side has it. */
const bodyOf = ({ terms, state, rejectionReason, partnerId }: Transfer, edition: Edition): Expectation.Expected => {
  const { kind, id, amount } = terms
  if (kind === "lock") {
    return Expectation.atLeast({ lockId: Expectation.uuid(id), amount: { ...amount }, state })
  }
  const { partnerClientId, ...identifiers } = identifiersOf(terms)
  const isFirst = edition === "first"
  return {
    [`${kind}Id`]: Expectation.uuid(id),
    amount: { currency: amount.currency, quantity: isFirst ? new LosslessNumber(amount.quantity) : amount.quantity },
    ...identifiers,
    [isFirst ? "partnerClientId" : "partnersClientId"]: partnerClientId,
    [partnerIdOf(kind, edition)]: partnerId ?? Expectation.someText,
    ...(rejectionReason === undefined ? {} : { rejectionReason }),
  }
}

/** The operator's side has quantities as text. */
const operatorsView = ({ terms, state }: Transfer) =>
  Expectation.atLeast({
    deallocationId: Expectation.uuid(terms.id),
    amount: { currency: terms.amount.currency, quantity: terms.amount.quantity },
    connectionId: Expectation.uuid(terms.connectionId),
    state,
  })

/** Each differing field, with both its values. */
const differing = (
  known: object,
  other: object,
): ReadonlyArray<readonly [field: string, known: string, other: string]> =>
  Object.entries(known).flatMap(([field, value]: [string, unknown]) => {
    const otherValue = Expectation.get(other, field)
    if (typeof value === "object" && value !== null && typeof otherValue === "object" && otherValue !== null) {
      return differing(value, otherValue)
    }
    return value === otherValue ? [] : [[field, String(value), String(otherValue)] as const]
  })
