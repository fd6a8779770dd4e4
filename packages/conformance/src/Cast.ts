/**
 * The cast: connections with fresh ids at each run, and what they start with.
 */
import { randomUUID } from "node:crypto"
import type { Adjustment, Connection, Terms } from "./Books.ts"
import * as Calls from "./Calls.ts"

/** @category models */
export interface Cast {
  /** Does most of what is done one after another. */
  readonly trader: Connection
  /** Another connection of the trader's client. */
  readonly savings: Connection
  /** Of another client. */
  readonly racer: Connection
  readonly collector: Connection
  readonly lister: Connection
  /** Not registered to begin with. */
  readonly latecomer: Connection
  /** Connected by a token. */
  readonly newcomer: Connection
}

/** @category constructors */
export const make = (): Cast => {
  const run = randomUUID().slice(0, 8)
  const connection = (name: string, clientId: string, partnerClientId: string): Connection => ({
    clientId,
    connectionId: randomUUID(),
    partnersConnectionId: `${name}-${run}`,
    partnerClientId,
  })
  const client = [randomUUID(), `client-${run}`] as const
  return {
    trader: connection("trader", ...client),
    savings: connection("savings", ...client),
    racer: connection("racer", randomUUID(), `racing-client-${run}`),
    // The contract lets this one id be empty.
    collector: connection("collector", randomUUID(), ""),
    lister: connection("lister", randomUUID(), `listing-client-${run}`),
    latecomer: connection("latecomer", randomUUID(), `late-client-${run}`),
    newcomer: connection("newcomer", randomUUID(), `new-client-${run}`),
  }
}

/**
 * Amounts on which a double, 64 bits or 128 bits would stumble.
 *
 * @category constants
 */
export const exactAmounts: ReadonlyArray<readonly [currency: string, quantity: string]> = [
  ["SAT", `${2n ** 53n + 1n}`],
  ["ETH", `${10n ** 18n + 1n}`],
  ["NEAR", `${10n ** 24n + 1n}`],
  ["ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", `${2n ** 128n + 1n}`],
  ["UINT256", `${2n ** 256n - 1n}`],
]

/**
 * The terms of a fresh deallocation.
 *
 * @category constructors
 */
export const hold = (
  connection: Connection,
  quantity: string,
  currency = "BTC",
  kind: Terms["kind"] = "deallocation",
): Terms => ({
  kind,
  id: randomUUID(),
  amount: { currency, quantity },
  ...connection,
})

/** @category constructors */
export const credit = ({ connectionId }: Connection, quantity: string, currency = "BTC"): Adjustment => ({
  connectionId,
  direction: "credit",
  amount: { currency, quantity },
})

/** @category constructors */
export const debit = (connection: Connection, quantity: string): Adjustment => ({
  ...credit(connection, quantity),
  direction: "debit",
})

/**
 * Puts everybody on the server, with something to deallocate.
 *
 * @category constructors
 */
export const preparations = ({ trader, savings, racer, collector, lister }: Cast): Calls.Section => {
  const first = randomUUID()
  const registered = [trader, savings, racer, collector, lister]
  return {
    title: "Preparations",
    acts: [
      ...registered.map((connection) => Calls.register(connection, connection.partnersConnectionId)),
      Calls.register(trader, "the same again"),
      Calls.register({ ...trader, partnerClientId: "somebody-else" }, "the same connection, of somebody else"),
      Calls.adjust(first, credit(trader, "1000000"), "a credit"),
      Calls.adjust(first, credit(trader, "1000000"), "the same credit again, which moves nothing"),
      Calls.adjust(first, credit(trader, "1000001"), "the same credit with another quantity"),
      Calls.adjust(randomUUID(), credit(savings, "500"), "a credit"),
      Calls.adjust(randomUUID(), credit(racer, "5"), "a credit"),
      Calls.adjust(randomUUID(), credit(racer, "1000", "ETH"), "a credit"),
      ...exactAmounts.map(([currency, quantity]) =>
        Calls.adjust(randomUUID(), credit(collector, quantity, currency), "a credit"),
      ),
      Calls.adjust(randomUUID(), credit(lister, "100"), "a credit"),
      ...registered.map((connection) => Calls.balances(connection, `balances of ${connection.partnersConnectionId}`)),
      Calls.find(hold(trader, "1"), "the network's first call: an unknown id"),
    ],
  }
}
