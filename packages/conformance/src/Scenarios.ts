/**
 * What is played by the rules: every state and every request, one after another
 * and at once.
 */
import { randomUUID } from "node:crypto"
import type { Terms } from "./Books.ts"
import {
  adjust,
  andThen,
  balances,
  clear,
  connect,
  find,
  issue,
  journal,
  once,
  pages,
  refused,
  register,
  release,
  reserve,
  type Section,
  suspend,
  times,
  wire,
} from "./Calls.ts"
import * as Cast from "./Cast.ts"

/** @category scenarios */
export const retries = ({ trader }: Cast.Cast): Section => {
  const hold = Cast.hold(trader, "4000")
  return {
    title: "Reserve, clear, and every retry",
    acts: [
      reserve(hold, "reserve"),
      reserve(hold, "the same again: the same answer"),
      find(hold, "its status"),
      clear(hold, "clear"),
      clear(hold, "the same again"),
      reserve(hold, "the reservation again: reserves nothing"),
      release(hold, "release of a cleared one"),
      find(hold, "its status"),
      balances(trader, "balances"),
    ],
  }
}

/** @category scenarios */
export const cycles = ({ trader, savings }: Cast.Cast): Section => {
  const hold = Cast.hold(trader, "3000")
  const short = Cast.hold(savings, "400")
  return {
    title: "Release, and reserve again",
    acts: [
      reserve(hold, "reserve"),
      release(hold, "release"),
      release(hold, "the same again"),
      clear(hold, "clear of a released one"),
      find(hold, "its status"),
      reserve(hold, "the reservation again: a new cycle"),
      reserve(hold, "the same again"),
      clear(hold, "clear"),
      clear(hold, "the same again"),
      reserve(hold, "the reservation once more: reserves nothing"),
      release(hold, "release of a cleared one"),
      find(hold, "its status"),
      reserve(short, "reserve"),
      release(short, "release"),
      adjust(randomUUID(), Cast.debit(savings, "200"), "the partner takes funds away"),
      reserve(short, "the reservation again: now too much"),
      adjust(randomUUID(), Cast.credit(savings, "200"), "and gives them back"),
      reserve(short, "once more: the same answer"),
      clear(short, "clear"),
      find(short, "its status"),
      balances(trader, "balances"),
      balances(savings, "balances"),
    ],
  }
}

/** @category scenarios */
export const rejections = ({ trader, savings, racer, latecomer }: Cast.Cast): Section => {
  const overdraw = Cast.hold(savings, "501")
  const everything = Cast.hold(savings, "501")
  const stranger = Cast.hold(latecomer, "7")
  const mismatches: ReadonlyArray<readonly [note: string, hold: Terms]> = [
    ["another client's clientId", { ...Cast.hold(trader, "7"), clientId: racer.clientId }],
    ["another client's partnerClientId", { ...Cast.hold(trader, "7"), partnerClientId: racer.partnerClientId }],
    ["the client's other account", { ...Cast.hold(trader, "7"), partnersConnectionId: savings.partnersConnectionId }],
    ["another client's connectionId", { ...Cast.hold(trader, "7"), connectionId: racer.connectionId }],
  ]
  return {
    title: "Rejections, which are for good",
    acts: [
      reserve(overdraw, "one more than available"),
      adjust(randomUUID(), Cast.credit(savings, "1"), "now there is enough"),
      reserve(overdraw, "the same again: the same rejection"),
      clear(overdraw, "clear of a rejected one"),
      release(overdraw, "release of a rejected one"),
      find(overdraw, "its status"),
      reserve(everything, "a new id: all that is available"),
      reserve(Cast.hold(savings, "1"), "one more"),
      release(everything, "release"),
      reserve(Cast.hold(trader, "7", "DOGE"), "a currency that was never credited"),
      reserve(Cast.hold(trader, "7", "btc"), "currencies are case-sensitive"),
      reserve(stranger, "a connection that is unknown"),
      register(latecomer, "is registered"),
      adjust(randomUUID(), Cast.credit(latecomer, "7"), "and credited"),
      reserve(stranger, "the same again: the same rejection"),
      reserve(Cast.hold(latecomer, "7"), "a new id"),
      ...mismatches.flatMap(([note, hold]) => [reserve(hold, note), clear(hold, "clear of a rejected one")]),
      balances(trader, "balances"),
      balances(savings, "balances"),
      balances(latecomer, "balances"),
    ],
  }
}

/** @category scenarios */
export const unknownIds = ({ trader }: Cast.Cast): Section => {
  const hold = Cast.hold(trader, "20")
  return {
    title: "Unknown ids",
    acts: [
      clear(hold, "clear"),
      release(hold, "release"),
      find(hold, "its status"),
      reserve(hold, "none of that is in the way of a reservation"),
      release(hold, "release"),
    ],
  }
}

/** @category scenarios */
export const otherTerms = ({ trader, savings, racer }: Cast.Cast): Section => {
  const [reserved, cleared, released] = [
    Cast.hold(trader, "70001"),
    Cast.hold(trader, "60001"),
    Cast.hold(trader, "50001"),
  ]
  const rejected = Cast.hold(trader, "90000001")
  const quantity = { amount: { currency: "BTC", quantity: "80002" } }
  const currency = { amount: { currency: "XRP.OTHER", quantity: "70001" } }
  const everything = { ...racer, amount: { currency: "XRP.OTHER", quantity: "80002" } }
  return {
    title: "The same id with other terms: the answer names what differs",
    acts: [
      reserve(reserved, "reserve"),
      reserve({ ...reserved, ...quantity }, "another quantity"),
      reserve({ ...reserved, ...currency }, "another currency"),
      reserve({ ...reserved, clientId: racer.clientId }, "another clientId"),
      reserve({ ...reserved, connectionId: savings.connectionId }, "another connectionId"),
      reserve({ ...reserved, partnersConnectionId: savings.partnersConnectionId }, "another partnersConnectionId"),
      reserve({ ...reserved, partnerClientId: racer.partnerClientId }, "another partnerClientId"),
      reserve({ ...reserved, ...everything }, "everything differs"),
      find(reserved, "its status"),
      reserve(cleared, "reserve"),
      clear(cleared, "clear"),
      reserve({ ...cleared, ...quantity }, "another quantity for a cleared one"),
      reserve(released, "reserve"),
      release(released, "release"),
      reserve({ ...released, ...quantity }, "another quantity for a released one"),
      reserve(rejected, "too much"),
      reserve({ ...rejected, ...quantity }, "less than that for the rejected one"),
      reserve(reserved, "the first terms again"),
      clear(reserved, "clear"),
      balances(trader, "balances"),
      balances(savings, "balances"),
    ],
  }
}

/** @category scenarios */
export const oneIndex = ({ trader, savings }: Cast.Cast): Section => {
  const [credited, hold, rejected] = [Cast.hold(trader, "10"), Cast.hold(trader, "10"), Cast.hold(trader, "90000001")]
  const allocated = Cast.hold(trader, "10", "BTC", "allocation")
  const locked = Cast.hold(trader, "10", "BTC", "lock")
  const as = (kind: Terms["kind"], { id }: Terms): Terms => ({ ...Cast.hold(trader, "10"), kind, id })
  return {
    title: "Allocations, deallocations and the partner's own movements share one index of ids",
    acts: [
      adjust(credited.id, Cast.credit(trader, "10"), "a credit"),
      reserve(credited, "a deallocation under its id"),
      reserve(as("allocation", credited), "an allocation under its id"),
      reserve(allocated, "an allocation"),
      reserve(as("deallocation", allocated), "a deallocation under its id"),
      clear(as("deallocation", allocated), "clear of a deallocation of that id"),
      adjust(allocated.id, Cast.credit(trader, "10"), "a credit under its id"),
      release(allocated, "release"),
      reserve(hold, "a deallocation"),
      adjust(hold.id, Cast.credit(trader, "10"), "a credit under its id"),
      reserve(as("allocation", hold), "an allocation under its id"),
      reserve(as("lock", hold), "a lock under its id"),
      clear(hold, "clear"),
      reserve(rejected, "a rejected deallocation"),
      adjust(rejected.id, Cast.credit(savings, "10"), "a credit under its id"),
      reserve(locked, "a lock"),
      reserve(as("deallocation", locked), "a deallocation under its id"),
      release(locked, "release"),
      balances(trader, "balances"),
      balances(savings, "balances"),
    ],
  }
}

/** @category scenarios */
export const exactAmounts = ({ collector }: Cast.Cast): Section => ({
  title: "Exact amounts: text in, a JSON number out, every digit kept",
  acts: [
    ...Cast.exactAmounts.flatMap(([currency, quantity]) => {
      const hold = Cast.hold(collector, quantity, currency)
      return [
        reserve(hold, "reserve"),
        reserve(hold, "the same again"),
        find(hold, "its status"),
        clear(hold, "clear"),
        reserve(hold, "the reservation again"),
        reserve(Cast.hold(collector, "1", currency), "not one unit is left"),
      ]
    }),
    balances(collector, "balances"),
  ],
})

/** @category scenarios */
export const races = ({ racer }: Cast.Cast): Section => {
  const [equal, repeated] = [Cast.hold(racer, "10", "ETH"), Cast.hold(racer, "10", "ETH")]
  const different = Array.from({ length: 10 }, (_, index) =>
    reserve(Cast.hold(racer, "1"), `ten holds of 1 for a balance of 5, ${index + 1} of 10`),
  )
  const both = Array.from({ length: 3 }, () => Cast.hold(racer, "10", "ETH"))
  return {
    title: "Races: all at once ends as if one after another",
    acts: [
      times(10, reserve(equal, "equal reservations")),
      times(5, clear(equal, "equal clears")),
      { atOnce: different },
      ...both.flatMap((hold) => [
        reserve(hold, "reserve"),
        { atOnce: [clear(hold, "clear against release"), release(hold, "release against clear")] },
        find(hold, "which of the two was it?"),
      ]),
      times(4, once(randomUUID(), reserve(repeated, "one signature for all"))),
      balances(racer, "balances"),
    ],
  }
}

/** @category scenarios */
export const connecting = ({ newcomer, trader, savings }: Cast.Cast): Section => {
  const other = { ...newcomer, connectionId: randomUUID() }
  const [first, second] = [1, 2].map(() => Cast.hold(newcomer, "40", "BTC", "allocation")) as [Terms, Terms]
  return {
    title: "Connect by a token; suspend, and resume",
    acts: [
      issue(newcomer, "the partner gives out a token", (token) =>
        andThen(
          connect(newcomer, token, "the network connects it"),
          andThen(
            connect(newcomer, token, "the same again"),
            andThen(
              refused(409, connect({ ...newcomer, clientId: trader.clientId }, token, "of another client")),
              refused(422, connect(other, token, "the token once more, for another connection")),
            ),
          ),
        ),
      ),
      refused(422, connect(other, "no-such-token", "a token that nobody gave out")),
      issue(savings, "a token for an account that has a connection", (token) =>
        refused(409, connect({ ...savings, connectionId: randomUUID() }, token, "the network connects it")),
      ),
      reserve(first, "an allocation"),
      suspend(newcomer, true, "the partner suspends the connection"),
      reserve(second, "another allocation"),
      clear(first, "what was reserved before is cleared"),
      suspend(newcomer, false, "and resumes it"),
      reserve(second, "the same again: the same rejection"),
      balances(newcomer, "balances"),
    ],
  }
}

/** @category scenarios */
export const allocations = ({ newcomer, latecomer }: Cast.Cast): Section => {
  const [cleared, released] = [1, 2].map(() => Cast.hold(newcomer, "500", "BTC", "allocation")) as [Terms, Terms]
  const exact = Cast.exactAmounts.map(([currency, quantity]) => Cast.hold(newcomer, quantity, currency, "allocation"))
  const number = Cast.hold(newcomer, `${10n ** 24n + 1n}`, "NEAR", "allocation")
  const stranger = { ...Cast.hold(latecomer, "7", "BTC", "allocation"), connectionId: randomUUID() }
  return {
    title: "Allocations: pending, then available",
    acts: [
      clear(cleared, "clear of an unknown one"),
      reserve(cleared, "reserve"),
      reserve(cleared, "the same again: the same answer"),
      reserve({ ...cleared, amount: { currency: "BTC", quantity: "501" } }, "another quantity"),
      reserve(Cast.hold(newcomer, "500"), "what is pending cannot be deallocated"),
      clear(cleared, "clear"),
      clear(cleared, "the same again"),
      reserve(cleared, "the reservation again: reserves nothing"),
      release(cleared, "release of a cleared one"),
      find(cleared, "its status"),
      reserve(released, "reserve"),
      release(released, "release"),
      release(released, "the same again"),
      clear(released, "clear of a released one"),
      reserve(released, "the reservation again: a new cycle"),
      clear(released, "clear"),
      reserve(stranger, "a connection that is unknown"),
      clear(stranger, "clear of a rejected one"),
      ...exact.flatMap((allocation) => [reserve(allocation, "every digit"), release(allocation, "release")]),
      reserve(number, "a quantity that is a JSON number", {
        body: JSON.stringify(wire(number)).replace(`"${number.amount.quantity}"`, number.amount.quantity),
      }),
      clear(number, "clear"),
      journal(number, "with its journal: reserved, cleared"),
      times(5, reserve(Cast.hold(newcomer, "1", "BTC", "allocation"), "equal allocations")),
      balances(newcomer, "balances"),
    ],
  }
}

/** @category scenarios */
export const locks = ({ newcomer }: Cast.Cast): Section => {
  const [order, filled] = [1, 2].map(() => Cast.hold(newcomer, "600", "BTC", "lock")) as [Terms, Terms]
  const hold = Cast.hold(newcomer, "700")
  const again = Cast.hold(newcomer, "700")
  return {
    title: "Locks: funds in open orders",
    acts: [
      reserve(order, "a lock"),
      reserve(order, "the same again"),
      reserve(Cast.hold(newcomer, "100000", "BTC", "lock"), "more than is available"),
      reserve(hold, "what is locked cannot be deallocated"),
      find(order, "with its journal"),
      release(order, "release"),
      clear(order, "clear of a released one"),
      reserve(hold, "the same again: the same rejection"),
      reserve(again, "a new id: now it can"),
      release(again, "release"),
      reserve(filled, "a lock"),
      clear(filled, "what it holds is spent"),
      clear(filled, "the same again"),
      balances(newcomer, "balances"),
    ],
  }
}

/** @category scenarios */
export const operator = ({ lister }: Cast.Cast): Section => {
  // In ascending order, so that two of the same millisecond stand in the order in which they came.
  const quantities = ["10", "20", "30", "15", "5", "1000"]
  const ids = quantities.map(() => randomUUID()).toSorted()
  const holds = quantities.map((quantity, index) => ({
    ...Cast.hold(lister, quantity),
    id: ids[index] ?? "",
  }))
  const [first = Cast.hold(lister, "10"), second = first] = holds
  const withToken = (token: string) => ({
    ...balances(lister, "another token"),
    request: { ...balances(lister, "").request, credentials: { _tag: "Operator" as const, token } },
  })
  return {
    title: "The operator's side",
    acts: [
      ...holds.map((hold) => reserve(hold, "reserve")),
      clear(first, "clear"),
      release(second, "release"),
      pages(lister, 2),
      pages(lister, 2, "RESERVED"),
      pages(lister, 2, "REJECTED"),
      journal(first, "with its journal: reserved, cleared"),
      journal(second, "with its journal: reserved, released"),
      adjust(randomUUID(), Cast.debit(lister, "41"), "a debit beyond what is available"),
      adjust(randomUUID(), Cast.debit(lister, "40"), "a debit of all that is available"),
      adjust(randomUUID(), { ...Cast.credit(lister, "1"), connectionId: randomUUID() }, "an unknown connection"),
      journal(Cast.hold(lister, "1"), "an unknown deallocation"),
      refused(401, withToken("not-the-token")),
      balances(lister, "balances"),
    ],
  }
}
