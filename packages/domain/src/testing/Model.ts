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
export interface Amount {
  readonly currency: string
  readonly quantity: string
}

/** What is reserved first, then cleared or released. */
export type Kind = "deallocation" | "allocation" | "lock"

/** What of that a request is about. */
export interface Reference {
  readonly kind: Kind
  readonly id: string
}

/** What is asked for: the network names all identifiers of the connection, the partner but one. */
export interface Terms extends Reference, Partial<Connection> {
  readonly connectionId: string
  readonly amount: Amount
  readonly memo?: string
}

export interface Adjustment {
  readonly adjustmentId: string
  readonly connectionId: string
  readonly direction: "credit" | "debit"
  readonly amount: Amount
  readonly memo?: string
}

/** The partner's account that a token is for, and what the network shows to have it connected. */
export type Account = Pick<Connection, "partnersConnectionId" | "partnerClientId">

export interface Connecting extends Pick<Connection, "connectionId" | "clientId"> {
  readonly token: string
}

/** What a platform may set as it likes. */
export interface Policy {
  readonly releasedRepost?: "reserve" | "conflict"
  readonly suspendedDeallocations?: "allow" | "reject"
  readonly currencies?: ReadonlyArray<string>
}

export type Status = "RESERVED" | "REJECTED" | "CLEARED" | "RELEASED"

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
  readonly suspended: boolean
  readonly balances: Readonly<Record<string, Balances>>
}

interface Balances {
  readonly pending: string
  readonly available: string
  readonly locked: string
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
  | "TOKEN_REFUSED"
  | "ACCOUNT_CONNECTED"
  | "UNKNOWN_CURRENCY"
  | "CURRENCY_LOOKS_ALIKE"
  | "INSUFFICIENT_BALANCE"
  | "OVERFLOW"

/** The recorded and the repeated value of each field that differs. */
type Differences = Readonly<Record<string, readonly [recorded: string | null, repeated: string | null]>>

/** What became of a request. Differences come with a `TERMS_MISMATCH`, of a transfer, an adjustment or a connection. */
export type Outcome<A> = { readonly ok: A } | { readonly refused: Refusal; readonly differences?: Differences }

/** Which transfers of a connection to list. */
export interface Query {
  readonly kind: Kind
  readonly connectionId: string
  readonly status?: Status
  readonly currency?: string
}

interface Transfer {
  readonly terms: Terms
  status: Status
  rejectionReason?: string
}

interface Token extends Account {
  readonly text: string
  isGood: boolean
}

export class Model {
  readonly connections: Array<Connection> = []
  readonly suspended: Array<string> = []
  readonly tokens: Array<Token> = []
  readonly transfers: Array<Transfer> = []
  readonly adjustments: Array<Adjustment> = []
  /** The currency of whatever came in. */
  readonly cameIn: Array<string> = []
  readonly policy: Policy

  constructor(policy: Policy) {
    this.policy = policy
  }

  register(connection: Connection): Outcome<"registered"> {
    for (const known of this.connections) {
      if (known.connectionId === connection.connectionId) return sameOrMismatch(known, connection, "registered")
    }
    this.connections.push(connection)
    return { ok: "registered" }
  }

  /** The partner gives a token out, whose text is drawn elsewhere. */
  issueToken(account: Account, text: string): void {
    this.tokens.push({ ...account, text, isGood: true })
  }

  revokeToken(text: string): void {
    for (const token of this.tokens) if (token.text === text) token.isGood = false
  }

  connect({ connectionId, clientId, token: text }: Connecting): Outcome<"registered"> {
    for (const known of this.connections) {
      if (known.connectionId === connectionId) return sameOrMismatch(known, { ...known, clientId }, "registered")
    }
    const token = this.tokens.find((token) => token.text === text)
    if (token === undefined || !token.isGood) return { refused: "TOKEN_REFUSED" }
    const { partnersConnectionId, partnerClientId } = token
    if (this.connections.some((known) => known.partnersConnectionId === partnersConnectionId)) {
      return { refused: "ACCOUNT_CONNECTED" }
    }
    token.isGood = false
    this.connections.push({ connectionId, clientId, partnersConnectionId, partnerClientId })
    return { ok: "registered" }
  }

  suspend(connectionId: string, suspended: boolean): Outcome<"suspended" | "resumed"> {
    if (!this.connections.some((known) => known.connectionId === connectionId)) {
      return { refused: "CONNECTION_NOT_FOUND" }
    }
    const others = this.suspended.filter((id) => id !== connectionId)
    this.suspended.splice(0, this.suspended.length, ...others, ...(suspended ? [connectionId] : []))
    return { ok: suspended ? "suspended" : "resumed" }
  }

  adjust(adjustment: Adjustment, newCurrency: boolean): Outcome<"adjusted"> {
    const { adjustmentId, connectionId, direction, amount } = adjustment
    if (this.transfers.some(({ terms }) => terms.id === adjustmentId)) return { refused: "ID_IN_USE" }
    for (const known of this.adjustments) {
      if (known.adjustmentId === adjustmentId) return sameOrMismatch(known, adjustment, "adjusted")
    }
    if (!this.connections.some((known) => known.connectionId === connectionId)) {
      return { refused: "CONNECTION_NOT_FOUND" }
    }
    if (direction === "credit" && this.#isUnknown(amount.currency)) return { refused: "UNKNOWN_CURRENCY" }
    if (direction === "credit" && !newCurrency && this.#looksAlike(amount.currency)) {
      return { refused: "CURRENCY_LOOKS_ALIKE" }
    }
    const { available, total } = this.#balances(connectionId, amount.currency)
    const quantity = BigInt(amount.quantity)
    if (direction === "debit" && quantity > available) return { refused: "INSUFFICIENT_BALANCE" }
    if (direction === "credit" && total + quantity >= 2n ** 256n) return { refused: "OVERFLOW" }
    this.adjustments.push(adjustment)
    if (direction === "credit") this.cameIn.push(amount.currency)
    return { ok: "adjusted" }
  }

  reserve(terms: Terms): Outcome<Answer> {
    if (this.#isOfAnother(terms)) return { refused: "ID_IN_USE" }
    let transfer = this.#find(terms)
    if (transfer !== undefined) {
      const repeat = sameOrMismatch(transfer.terms, terms, answer(transfer))
      if ("refused" in repeat || transfer.status !== "RELEASED") return repeat
      if (this.policy.releasedRepost === "conflict") return { refused: "STATE_CONFLICT" }
    }
    const reason = this.#reasonAgainst(terms)
    if (terms.kind === "lock" && reason === "UNKNOWN_CONNECTION") return { refused: "CONNECTION_NOT_FOUND" }
    if (terms.kind === "lock" && reason !== undefined) return { refused: "INSUFFICIENT_BALANCE" }
    if (transfer === undefined) {
      transfer = { terms, status: "RESERVED" }
      this.transfers.push(transfer)
    }
    transfer.status = reason === undefined ? "RESERVED" : "REJECTED"
    if (reason === undefined && terms.kind === "allocation") this.cameIn.push(terms.amount.currency)
    if (reason !== undefined) transfer.rejectionReason = reason
    return { ok: answer(transfer) }
  }

  clear(reference: Reference): Outcome<Answer> {
    return this.#settle(reference, "CLEARED")
  }

  release(reference: Reference): Outcome<Answer> {
    return this.#settle(reference, "RELEASED")
  }

  find(reference: Reference): Outcome<Shown> {
    const transfer = this.#find(reference)
    return transfer === undefined ? { refused: "NOT_FOUND" } : { ok: shown(transfer) }
  }

  /** Transfers of a kind, in no order that means anything. */
  list({ kind, connectionId, status, currency }: Query): ReadonlyArray<Shown> {
    return this.transfers
      .filter(({ terms }) => terms.kind === kind && terms.connectionId === connectionId)
      .filter((transfer) => status === undefined || transfer.status === status)
      .filter(({ terms }) => currency === undefined || terms.amount.currency === currency)
      .map(shown)
  }

  /** The connection as it is registered, and its balances by currency. */
  connection(connectionId: string): Outcome<Registered> {
    const connection = this.connections.find((known) => known.connectionId === connectionId)
    if (connection === undefined) return { refused: "CONNECTION_NOT_FOUND" }
    const terms = [...this.adjustments, ...this.transfers.map((transfer) => transfer.terms)]
    const mine = terms.filter((terms) => terms.connectionId === connectionId)
    const balances = mine.map(({ amount: { currency } }) => {
      const { total: _, ...balances } = this.#balances(connectionId, currency)
      const { pending, available, locked, reserved, deallocated } = balances
      const texts = { pending: `${pending}`, available: `${available}`, locked: `${locked}` }
      return [currency, { ...texts, reserved: `${reserved}`, deallocated: `${deallocated}` }] as const
    })
    const suspended = this.suspended.includes(connectionId)
    return { ok: { ...connection, suspended, balances: Object.fromEntries(balances) } }
  }

  #find({ kind, id }: Reference): Transfer | undefined {
    return this.transfers.find(({ terms }) => terms.kind === kind && terms.id === id)
  }

  #isOfAnother({ kind, id }: Reference): boolean {
    return (
      this.adjustments.some(({ adjustmentId }) => adjustmentId === id) ||
      this.transfers.some(({ terms }) => terms.id === id && terms.kind !== kind)
    )
  }

  #isUnknown(currency: string): boolean {
    return this.policy.currencies !== undefined && !this.policy.currencies.includes(currency)
  }

  /** Whether nothing came in in a code, and in one that differs only in the case of A to Z something did. */
  #looksAlike(currency: string): boolean {
    if (this.policy.currencies !== undefined) return false
    const lower = (code: string) => Array.from(code, (c) => (c >= "A" && c <= "Z" ? c.toLowerCase() : c)).join("")
    const isKnown = this.cameIn.includes(currency)
    return !isKnown && this.cameIn.some((code) => lower(code) === lower(currency))
  }

  #settle(reference: Reference, to: "CLEARED" | "RELEASED"): Outcome<Answer> {
    if (this.#isOfAnother(reference)) return { refused: "ID_IN_USE" }
    const transfer = this.#find(reference)
    if (transfer === undefined) return { refused: "NOT_FOUND" }
    if (transfer.status !== "RESERVED" && transfer.status !== to) return { refused: "STATE_CONFLICT" }
    transfer.status = to
    return { ok: answer(transfer) }
  }

  #reasonAgainst(terms: Terms): string | undefined {
    const connection = this.connections.find((known) => known.connectionId === terms.connectionId)
    if (connection === undefined) return "UNKNOWN_CONNECTION"
    if (
      terms.kind !== "lock" &&
      (connection.clientId !== terms.clientId ||
        connection.partnersConnectionId !== terms.partnersConnectionId ||
        connection.partnerClientId !== terms.partnerClientId)
    ) {
      return "CONNECTION_MISMATCH"
    }
    const isBarred =
      terms.kind === "allocation" || (terms.kind === "deallocation" && this.policy.suspendedDeallocations === "reject")
    if (isBarred && this.suspended.includes(terms.connectionId)) return "CONNECTION_SUSPENDED"
    if (terms.kind === "allocation" && this.#isUnknown(terms.amount.currency)) return "UNKNOWN_CURRENCY"
    const { available, total } = this.#balances(terms.connectionId, terms.amount.currency)
    const quantity = BigInt(terms.amount.quantity)
    if (terms.kind === "allocation") return total + quantity >= 2n ** 256n ? "LIMIT_EXCEEDED" : undefined
    return quantity > available ? "INSUFFICIENT_BALANCE" : undefined
  }

  #balances(connectionId: string, currency: string) {
    let [pending, available, locked, reserved, deallocated] = [0n, 0n, 0n, 0n, 0n]
    for (const adjustment of this.adjustments) {
      if (adjustment.connectionId !== connectionId || adjustment.amount.currency !== currency) continue
      const quantity = BigInt(adjustment.amount.quantity)
      available += adjustment.direction === "credit" ? quantity : -quantity
    }
    for (const { terms, status } of this.transfers) {
      if (terms.connectionId !== connectionId || terms.amount.currency !== currency) continue
      const quantity = BigInt(terms.amount.quantity)
      const [isReserved, isCleared] = [status === "RESERVED", status === "CLEARED"]
      if (terms.kind === "allocation") {
        if (isReserved) pending += quantity
        if (isCleared) available += quantity
        continue
      }
      if (isReserved || isCleared) available -= quantity
      if (isReserved && terms.kind === "lock") locked += quantity
      if (isReserved && terms.kind === "deallocation") reserved += quantity
      if (isCleared && terms.kind === "deallocation") deallocated += quantity
    }
    const total = pending + available + locked + reserved + deallocated
    return { pending, available, locked, reserved, deallocated, total }
  }
}

const answer = ({ terms, status, rejectionReason }: Transfer): Answer =>
  status === "REJECTED" && rejectionReason !== undefined ? { ...terms, rejectionReason } : terms

const shown = (transfer: Transfer): Shown => ({ ...answer(transfer), status: transfer.status })

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
