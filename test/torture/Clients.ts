/**
 * Clients that ask for whatever the network and the operator may ask for, at
 * random: new holds, credits and debits, clears and releases, reads, and repeats
 * of all that, half of them poisoned with another amount or connection.
 *
 * Every quantity on an account is another power of two, so that a balance names
 * exactly what it consists of.
 */
import type { Model } from "@holdfast/domain/testing"
import type { Call } from "./History.ts"
import type { Random } from "./Random.ts"

const currency = "BTC"

/** What a client asks: a call for the history, or that a connection be registered before others use it. */
export type Request = Call | { readonly name: "register"; readonly connection: Model.Connection }

/** An account whose powers of two are not yet used up. */
interface Account {
  readonly connection: Model.Connection
  /** The exponents that are left, in the order in which they are used. */
  readonly exponents: Array<number>
}

/** What the clients share. */
export class World {
  readonly #random: Random
  readonly #accounts: Array<Account> = []
  /** Whatever is reserved first, then cleared or released. */
  readonly #holds: Array<Model.Terms> = []
  readonly #adjustments: Array<Model.Adjustment> = []
  readonly connections: Array<Model.Connection> = []

  /** How many accounts are in use at a time, and how many quantities each is good for. */
  readonly #size: { readonly accounts: number; readonly exponents: number }

  /** The kinds of holds that are asked for. */
  readonly #kinds: ReadonlyArray<Model.Kind>

  constructor(random: Random, kinds: ReadonlyArray<Model.Kind>, size = { accounts: 3, exponents: 250 }) {
    this.#random = random
    this.#kinds = kinds
    this.#size = size
  }

  /** To be told once a connection is registered. */
  registered(connection: Model.Connection): void {
    this.connections.push(connection)
    // In no order, so that some holds and debits find too little.
    const exponents = Array.from({ length: this.#size.exponents }, (_, exponent) => exponent)
      .map((exponent) => [this.#random.next(), exponent] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([, exponent]) => exponent)
    this.#accounts.push({ connection, exponents })
  }

  /** What to ask next. */
  next(random: Random): Request {
    const choice = random.weighted([
      [30, "hold"],
      [10, "credit or debit"],
      [25, "clear"],
      [10, "release"],
      [8, "find"],
      [7, "balances"],
      [7, "repeat a hold"],
      [3, "repeat an adjustment"],
    ] as const)
    if (choice === "credit or debit") return this.#adjust(random)
    if (choice === "repeat an adjustment" && this.#adjustments.length > 0) {
      const adjustment = recent(random, this.#adjustments)
      return { name: "adjust", adjustment: random.chance(0.5) ? adjustment : poisoned(random, adjustment) }
    }
    if (choice === "balances" && this.connections.length > 0) {
      return { name: "connection", connectionId: recent(random, this.connections).connectionId }
    }
    if (choice === "hold" || this.#holds.length === 0) return this.#hold(random)
    const terms = recent(random, this.#holds)
    if (choice === "clear" || choice === "release" || choice === "find") {
      return { name: choice, reference: { kind: terms.kind, id: terms.id } }
    }
    return { name: "reserve", terms: random.chance(0.5) ? terms : poisoned(random, terms) }
  }

  /** Every read that there is, to see what became of everything. */
  readBack(): ReadonlyArray<Call> {
    const finds = this.#holds.map(({ kind, id }) => ({ name: "find", reference: { kind, id } }) as const)
    return [...finds, ...this.connections.map(({ connectionId }) => ({ name: "connection", connectionId }) as const)]
  }

  #hold(random: Random): Request {
    const { connection, exponents } = this.#account(random)
    if (exponents === undefined) return { name: "register", connection }
    const kind = random.pick(this.#kinds)
    const { connectionId, ...identifiers } = connection
    const named = kind === "lock" ? { connectionId } : { connectionId, ...identifiers }
    const terms = { kind, id: random.uuid(), amount: amountOf(exponents.pop() ?? 0), ...named }
    this.#holds.push(terms)
    return { name: "reserve", terms }
  }

  #adjust(random: Random): Request {
    const { connection, exponents } = this.#account(random)
    if (exponents === undefined) return { name: "register", connection }
    const { connectionId } = connection
    const direction = random.chance(0.7) ? "credit" : "debit"
    const adjustmentId = random.uuid()
    const adjustment = { adjustmentId, connectionId, direction, amount: amountOf(exponents.pop() ?? 0) } as const
    this.#adjustments.push(adjustment)
    return { name: "adjust", adjustment }
  }

  /** One of a few accounts; a connection that is still to be registered where too few are left. */
  #account(random: Random): Account | { readonly connection: Model.Connection; readonly exponents?: undefined } {
    const usable = this.#accounts.filter(({ exponents }) => exponents.length > 0)
    if (usable.length >= this.#size.accounts) return random.pick(usable)
    const connection = { connectionId: random.uuid(), clientId: random.uuid() }
    return { connection: { ...connection, partnersConnectionId: "account-7", partnerClientId: "" } }
  }
}

const amountOf = (exponent: number) => ({ currency, quantity: (2n ** BigInt(exponent)).toString() })

/** One of the last few: those that others are busy with. */
const recent = <A>(random: Random, values: ReadonlyArray<A>): A => random.pick(values.slice(-20))

/** The same id with another amount or another connection. */
const poisoned = <A extends { readonly amount: Model.Terms["amount"]; readonly connectionId: string }>(
  random: Random,
  asked: A,
): A =>
  random.chance(0.5)
    ? { ...asked, amount: { ...asked.amount, quantity: `${BigInt(asked.amount.quantity) + 1n}` } }
    : { ...asked, connectionId: random.uuid() }
