/**
 * The stage: plays calls against the server and compares the answers with the
 * books.
 */
import { Effect, Result } from "effect"
import type { Books } from "./Books.ts"
import type { Act, Call } from "./Calls.ts"
import * as Expectation from "./Expectation.ts"
import { type Answer, Network, type NoAnswer } from "./Network.ts"

/**
 * A call with what came of it.
 *
 * @category models
 */
export interface Exchange {
  readonly call: Call
  readonly answer: Answer | undefined
  readonly state: Expectation.State | undefined
  /** In what it departs from the contract; in nothing, if all is well. */
  readonly departures: ReadonlyArray<string>
}

/**
 * Plays an act. Calls at once may have been heard in any order that explains
 * the answers.
 *
 * @category operations
 */
export const play = (books: Books, act: Act): Effect.Effect<ReadonlyArray<Exchange>, never, Network> =>
  "atOnce" in act ? playAtOnce(books, act.atOnce) : playInTurn(books, act)

const playInTurn = Effect.fnUntraced(function* (books: Books, first: Call) {
  const exchanges: Array<Exchange> = []
  for (let call: Call | undefined = first; call !== undefined; ) {
    const exchange: Exchange = compare(books, yield* perform(call))
    exchanges.push(exchange)
    call = exchange.answer && call.next?.(exchange.answer)
  }
  return exchanges
})

const playAtOnce = Effect.fnUntraced(function* (books: Books, calls: ReadonlyArray<Call>) {
  const waiting = yield* Effect.forEach(calls, perform, { concurrency: "unbounded" })
  const exchanges = new Map<Call, Exchange>()
  while (waiting.length > 0) {
    const explained = waiting.findIndex((performed) => departuresOf(books, performed).length === 0)
    for (const performed of waiting.splice(Math.max(explained, 0), 1)) {
      exchanges.set(performed.call, compare(books, performed))
    }
  }
  return calls.flatMap((call) => exchanges.get(call) ?? [])
})

interface Performed {
  readonly call: Call
  readonly result: Result.Result<Answer, NoAnswer>
}

const perform = (call: Call): Effect.Effect<Performed, never, Network> =>
  Effect.gen(function* () {
    const network = yield* Network
    return { call, result: yield* Effect.result(network.send(call.request)) }
  })

const departuresOf = (books: Books, { call, result }: Performed): ReadonlyArray<string> => {
  const expectation = call.expect(books)
  return Result.match(result, {
    onSuccess: (answer) => Expectation.departures(expectation, answer),
    onFailure: ({ message }) => [`status ${expectation.statuses.join(" or ")}, got ${message}`],
  })
}

/** Settles what was expected even if the answer departs: the contract is right. */
const compare = (books: Books, performed: Performed): Exchange => {
  const { call, result } = performed
  const departures = departuresOf(books, performed)
  const expectation = call.expect(books)
  const answer = Result.getOrUndefined(result)
  if (answer !== undefined) expectation.settle?.(answer)
  const asExpected = answer !== undefined && expectation.statuses.includes(answer.status)
  return { call, answer, departures, state: stateIn(answer?.json) ?? (asExpected ? expectation.tells : undefined) }
}

/** The state that an answer names in so many words. */
const stateIn = (json: unknown): Expectation.State | undefined => {
  const named = [Expectation.get(json, "status"), Expectation.get(json, "state")]
  const rejected = Expectation.get(json, "rejectionReason") !== undefined
  return Expectation.states.find((state) => named.includes(state)) ?? (rejected ? "REJECTED" : undefined)
}
