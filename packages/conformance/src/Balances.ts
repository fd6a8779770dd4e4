/**
 * Balances: what a connection has in each currency, exact.
 */
import * as Expectation from "./Expectation.ts"

/** @category models */
export type Balance = Readonly<Record<"available" | "reserved" | "deallocated", bigint>>

/**
 * By currency.
 *
 * @category models
 */
export type Balances = ReadonlyMap<string, Balance>

/** @category constants */
export const zero: Balance = { available: 0n, reserved: 0n, deallocated: 0n }

/**
 * A balance after a change that happens so many times.
 *
 * @category operations
 */
export const add = (balance: Balance, change: Balance, times: bigint): Balance => ({
  available: balance.available + change.available * times,
  reserved: balance.reserved + change.reserved * times,
  deallocated: balance.deallocated + change.deallocated * times,
})

/**
 * The `balances` of an operator's answer.
 *
 * @category conversions
 */
export const fromJson = (value: unknown): Balances => {
  const items: ReadonlyArray<unknown> = Array.isArray(value) ? value : []
  return new Map(
    items.map((item) => [
      String(Expectation.get(item, "currency")),
      {
        available: units(item, "available"),
        reserved: units(item, "reserved"),
        deallocated: units(item, "deallocated"),
      },
    ]),
  )
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
  const accounts = [...balances].filter(([, _]) => _.available !== 0n || _.reserved !== 0n || _.deallocated !== 0n)
  if (accounts.length === 0) return "none"
  return accounts
    .map(
      ([currency, _]) => `${currency} ${_.available} available, ${_.reserved} reserved, ${_.deallocated} deallocated`,
    )
    .toSorted()
    .join("; ")
}
