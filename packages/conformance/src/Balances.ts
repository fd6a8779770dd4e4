/**
 * Balances: what a connection has in each currency, exact.
 */
import * as Expectation from "./Expectation.ts"

/** @category constants */
export const names = ["pending", "available", "locked", "reserved", "deallocated"] as const

/** @category models */
export type Balance = Readonly<Record<(typeof names)[number], bigint>>

/**
 * By currency.
 *
 * @category models
 */
export type Balances = ReadonlyMap<string, Balance>

/** @category constants */
export const zero: Balance = { pending: 0n, available: 0n, locked: 0n, reserved: 0n, deallocated: 0n }

const each = (units: (name: (typeof names)[number]) => bigint) =>
  Object.fromEntries(names.map((name) => [name, units(name)])) as Balance

/**
 * A balance after a change that happens so many times.
 *
 * @category operations
 */
export const add = (balance: Balance, change: Balance, times: bigint): Balance =>
  each((name) => balance[name] + change[name] * times)

/**
 * The `balances` of an operator's answer.
 *
 * @category conversions
 */
export const fromJson = (value: unknown): Balances => {
  const items: ReadonlyArray<unknown> = Array.isArray(value) ? value : []
  return new Map(items.map((item) => [String(Expectation.get(item, "currency")), each((name) => units(item, name))]))
}

/** What is no text of digits must not pass for an amount. */
const units = (item: unknown, field: string): bigint => {
  const text = Expectation.get(item, field)
  return typeof text === "string" && /^[0-9]+$/.test(text) ? BigInt(text) : -1n
}

/**
 * In words. An account without any balance is as good as none.
 *
 * @category conversions
 */
export const describe = (balances: Balances): string => {
  const accounts = [...balances].filter(([, balance]) => names.some((name) => balance[name] !== 0n))
  if (accounts.length === 0) return "none"
  return accounts
    .map(([currency, balance]) => `${currency} ${names.map((name) => `${balance[name]} ${name}`).join(", ")}`)
    .toSorted()
    .join("; ")
}
