/**
 * A deliberately naive reference of the contract: plain objects, lists and loops, nothing of the
 * domain. It keeps what was asked for, and works out every balance from that anew.
 */

/** The four identifiers of a connection. */
export interface Connection {
  readonly connectionId: string
  readonly clientId: string
  readonly partnersConnectionId: string
  readonly partnerClientId: string
}

/** A quantity is decimal digits, everywhere here. */
interface Amount {
  readonly currency: string
  readonly quantity: string
}

/** The body of a `POST /bitgo/v1/deallocations`. */
export interface Terms extends Connection {
  readonly deallocationId: string
  readonly amount: Amount
}

export interface Adjustment {
  readonly adjustmentId: string
  readonly connectionId: string
  readonly direction: "credit" | "debit"
  readonly amount: Amount
  readonly memo?: string
}

type Status = "RESERVED" | "REJECTED" | "CLEARED" | "RELEASED"

/** The body of a 200: the terms again, and the rejection's reason where it is one. */
export interface Answer extends Terms {
  readonly rejectionReason?: string
}

/** What reads show beside the answer. */
export interface Shown extends Answer {
  readonly status: Status
}

/** A connection with its balances by currency. */
export interface Registered extends Connection {
  readonly balances: Readonly<Record<string, Balances>>
}

interface Balances {
  readonly available: string
  readonly reserved: string
  readonly deallocated: string
}

/** Why a request was refused: nothing changed. */
export type Refusal =
  | "NOT_FOUND"
  | "STATE_CONFLICT"
  | "TERMS_MISMATCH"
  | "ID_IN_USE"
  | "CONNECTION_NOT_FOUND"
  | "INSUFFICIENT_BALANCE"
  | "OVERFLOW"

/** The recorded and the repeated value of each field that differs. */
type Differences = Readonly<Record<string, readonly [recorded: string | null, repeated: string | null]>>

/** What became of a request. Differences come with a `TERMS_MISMATCH`, of a deallocation, an adjustment or a connection. */
export type Outcome<A> = { readonly ok: A } | { readonly refused: Refusal; readonly differences?: Differences }

/** Which deallocations of a connection to list. */
export interface Query {
  readonly connectionId: string
  readonly status?: Status
  readonly currency?: string
}

interface Deallocation {
  readonly terms: Terms
  status: Status
  rejectionReason?: string
}

export class Model {
  readonly connections: Array<Connection> = []
  readonly deallocations: Array<Deallocation> = []
  readonly adjustments: Array<Adjustment> = []
  readonly releasedRepost: "reserve" | "conflict"

  constructor(releasedRepost: "reserve" | "conflict") {
    this.releasedRepost = releasedRepost
  }

  register(connection: Connection): Outcome<"registered"> {
    for (const known of this.connections) {
      if (known.connectionId === connection.connectionId) return sameOrMismatch(known, connection, "registered")
    }
    this.connections.push(connection)
    return { ok: "registered" }
  }

  adjust(adjustment: Adjustment): Outcome<"adjusted"> {
    const { adjustmentId, connectionId, direction, amount } = adjustment
    for (const { terms } of this.deallocations) {
      if (terms.deallocationId === adjustmentId) return { refused: "ID_IN_USE" }
    }
    for (const known of this.adjustments) {
      if (known.adjustmentId === adjustmentId) return sameOrMismatch(known, adjustment, "adjusted")
    }
    if (!this.connections.some((known) => known.connectionId === connectionId)) {
      return { refused: "CONNECTION_NOT_FOUND" }
    }
    const { available, reserved, deallocated } = this.#balances(connectionId, amount.currency)
    const quantity = BigInt(amount.quantity)
    if (direction === "debit" && quantity > available) return { refused: "INSUFFICIENT_BALANCE" }
    if (direction === "credit" && available + reserved + deallocated + quantity >= 2n ** 256n) {
      return { refused: "OVERFLOW" }
    }
    this.adjustments.push(adjustment)
    return { ok: "adjusted" }
  }

  reserve(terms: Terms): Outcome<Answer> {
    for (const { adjustmentId } of this.adjustments) {
      if (adjustmentId === terms.deallocationId) return { refused: "ID_IN_USE" }
    }
    let deallocation = this.#find(terms.deallocationId)
    if (deallocation !== undefined) {
      const repeat = sameOrMismatch(deallocation.terms, terms, answer(deallocation))
      if ("refused" in repeat || deallocation.status !== "RELEASED") return repeat
      if (this.releasedRepost === "conflict") return { refused: "STATE_CONFLICT" }
    }
    const rejectionReason = this.#rejectionOf(terms)
    if (deallocation === undefined) {
      deallocation = { terms, status: "RESERVED" }
      this.deallocations.push(deallocation)
    }
    deallocation.status = rejectionReason === undefined ? "RESERVED" : "REJECTED"
    if (rejectionReason !== undefined) deallocation.rejectionReason = rejectionReason
    return { ok: answer(deallocation) }
  }

  clear(deallocationId: string): Outcome<Answer> {
    return this.#settle(deallocationId, "CLEARED")
  }

  release(deallocationId: string): Outcome<Answer> {
    return this.#settle(deallocationId, "RELEASED")
  }

  find(deallocationId: string): Outcome<Shown> {
    const deallocation = this.#find(deallocationId)
    return deallocation === undefined ? { refused: "NOT_FOUND" } : { ok: shown(deallocation) }
  }

  /** In no order that means anything. */
  list({ connectionId, status, currency }: Query): ReadonlyArray<Shown> {
    return this.deallocations
      .filter(({ terms }) => terms.connectionId === connectionId)
      .filter((deallocation) => status === undefined || deallocation.status === status)
      .filter(({ terms }) => currency === undefined || terms.amount.currency === currency)
      .map(shown)
  }

  /** The connection as it is registered, and its balances by currency. */
  connection(connectionId: string): Outcome<Registered> {
    const connection = this.connections.find((known) => known.connectionId === connectionId)
    if (connection === undefined) return { refused: "CONNECTION_NOT_FOUND" }
    const terms = [...this.adjustments, ...this.deallocations.map((deallocation) => deallocation.terms)]
    const mine = terms.filter((terms) => terms.connectionId === connectionId)
    const balances = mine.map(({ amount: { currency } }) => {
      const { available, reserved, deallocated } = this.#balances(connectionId, currency)
      return [currency, { available: `${available}`, reserved: `${reserved}`, deallocated: `${deallocated}` }] as const
    })
    return { ok: { ...connection, balances: Object.fromEntries(balances) } }
  }

  #find(deallocationId: string): Deallocation | undefined {
    return this.deallocations.find(({ terms }) => terms.deallocationId === deallocationId)
  }

  #settle(deallocationId: string, to: "CLEARED" | "RELEASED"): Outcome<Answer> {
    if (this.adjustments.some(({ adjustmentId }) => adjustmentId === deallocationId)) return { refused: "ID_IN_USE" }
    const deallocation = this.#find(deallocationId)
    if (deallocation === undefined) return { refused: "NOT_FOUND" }
    if (deallocation.status !== "RESERVED" && deallocation.status !== to) return { refused: "STATE_CONFLICT" }
    deallocation.status = to
    return { ok: answer(deallocation) }
  }

  #rejectionOf(terms: Terms): string | undefined {
    const connection = this.connections.find((known) => known.connectionId === terms.connectionId)
    if (connection === undefined) return "UNKNOWN_CONNECTION"
    if (
      connection.clientId !== terms.clientId ||
      connection.partnersConnectionId !== terms.partnersConnectionId ||
      connection.partnerClientId !== terms.partnerClientId
    ) {
      return "CONNECTION_MISMATCH"
    }
    const { available } = this.#balances(terms.connectionId, terms.amount.currency)
    return BigInt(terms.amount.quantity) > available ? "INSUFFICIENT_BALANCE" : undefined
  }

  #balances(connectionId: string, currency: string) {
    let [available, reserved, deallocated] = [0n, 0n, 0n]
    for (const adjustment of this.adjustments) {
      if (adjustment.connectionId !== connectionId || adjustment.amount.currency !== currency) continue
      const quantity = BigInt(adjustment.amount.quantity)
      available += adjustment.direction === "credit" ? quantity : -quantity
    }
    for (const { terms, status } of this.deallocations) {
      if (terms.connectionId !== connectionId || terms.amount.currency !== currency) continue
      const quantity = BigInt(terms.amount.quantity)
      if (status === "RESERVED" || status === "CLEARED") available -= quantity
      if (status === "RESERVED") reserved += quantity
      if (status === "CLEARED") deallocated += quantity
    }
    return { available, reserved, deallocated }
  }
}

const answer = ({ terms, status, rejectionReason }: Deallocation): Answer =>
  status === "REJECTED" && rejectionReason !== undefined ? { ...terms, rejectionReason } : terms

const shown = (deallocation: Deallocation): Shown => ({ ...answer(deallocation), status: deallocation.status })

const sameOrMismatch = <A>(recorded: object, repeated: object, ok: A): Outcome<A> => {
  const [before, after] = [flat(recorded), flat(repeated)]
  const differences: Record<string, readonly [string | null, string | null]> = {}
  for (const field of Object.keys({ ...before, ...after })) {
    const pair = [before[field] ?? null, after[field] ?? null] as const
    if (pair[0] !== pair[1]) differences[field] = pair
  }
  return Object.keys(differences).length === 0 ? { ok } : { refused: "TERMS_MISMATCH", differences }
}

/** Nested fields under dotted names. */
const flat = (value: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(value).flatMap(
      ([field, inner]): ReadonlyArray<readonly [string, string]> =>
        typeof inner === "object"
          ? Object.entries(flat(inner)).map(([name, text]) => [`${field}.${name}`, text] as const)
          : [[field, inner]],
    ),
  )
