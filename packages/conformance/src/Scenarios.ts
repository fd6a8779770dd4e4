/**
 * What is played by the rules: every state and every request, one after another
 * and at once.
 */
import { randomUUID } from "node:crypto"
import type { Terms } from "./Books.ts"
import {
  adjust,
  balances,
  clear,
  find,
  journal,
  once,
  pages,
  refused,
  register,
  release,
  reserve,
  type Section,
  times,
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
  const [allocated, hold, rejected] = [Cast.hold(trader, "10"), Cast.hold(trader, "10"), Cast.hold(trader, "90000001")]
  return {
    title: "Allocations and deallocations share one index of ids",
    acts: [
      adjust(allocated.deallocationId, Cast.credit(trader, "10"), "an allocation"),
      reserve(allocated, "a deallocation under its id"),
      reserve(hold, "a deallocation"),
      adjust(hold.deallocationId, Cast.credit(trader, "10"), "an allocation under its id"),
      clear(hold, "clear"),
      reserve(rejected, "a rejected deallocation"),
      adjust(rejected.deallocationId, Cast.credit(savings, "10"), "an allocation under its id"),
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
export const operator = ({ lister }: Cast.Cast): Section => {
  // In ascending order, so that two of the same millisecond stand in the order in which they came.
  const quantities = ["10", "20", "30", "15", "5", "1000"]
  const ids = quantities.map(() => randomUUID()).toSorted()
  const holds = quantities.map((quantity, index) => ({
    ...Cast.hold(lister, quantity),
    deallocationId: ids[index] ?? "",
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
