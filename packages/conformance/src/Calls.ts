/**
 * Calls: every request of the contract and of the operator's side, with the
 * answer that the books expect.
 */
import type { Adjustment, Books, Connection, Terms } from "./Books.ts"
import * as Expectation from "./Expectation.ts"
import type { Answer, Credentials, Request, Signature } from "./Network.ts"

/**
 * One exchange to come. Some answers lead to a next one.
 *
 * @category models
 */
export interface Call {
  /** What is tried, in a few words. */
  readonly note: string
  readonly request: Request
  readonly expect: (books: Books) => Expectation.Expectation
  readonly next?: (answer: Answer) => Call | undefined
}

/**
 * Calls one after another, some of them at once.
 *
 * @category models
 */
export type Act = Call | { readonly atOnce: ReadonlyArray<Call> }

/** @category models */
export interface Section {
  readonly title: string
  readonly acts: ReadonlyArray<Act>
}

/** @category credentials */
export const signed = (signature: Signature = {}): Credentials => ({ _tag: "Signed", ...signature })

/** @category credentials */
export const operator: Credentials = { _tag: "Operator" }

/** @category the network's side */
export const reserve = (terms: Terms, note: string, variation: Partial<Request> = {}): Call => ({
  note,
  request: {
    method: "POST",
    path: "/bitgo/v1/deallocations",
    credentials: signed(),
    body: JSON.stringify(terms),
    ...variation,
  },
  expect: (books) => books.reserve(terms),
})

/** @category the network's side */
export const clear = ({ deallocationId }: Subject, note: string, variation: Partial<Request> = {}): Call => ({
  note,
  request: {
    method: "PUT",
    path: `/bitgo/v1/deallocation/${deallocationId}/clear`,
    credentials: signed(),
    ...variation,
  },
  expect: (books) => books.move("clear", deallocationId),
})

/** @category the network's side */
export const release = ({ deallocationId }: Subject, note: string, variation: Partial<Request> = {}): Call => ({
  note,
  request: {
    method: "PUT",
    path: `/bitgo/v1/deallocation/${deallocationId}/release`,
    credentials: signed(),
    ...variation,
  },
  expect: (books) => books.move("release", deallocationId),
})

/** @category the network's side */
export const find = ({ deallocationId }: Subject, note: string, variation: Partial<Request> = {}): Call => ({
  note,
  request: { method: "GET", path: `/bitgo/v1/deallocation/${deallocationId}`, credentials: signed(), ...variation },
  expect: (books) => books.get(deallocationId),
})

interface Subject {
  readonly deallocationId: string
}

/** @category the operator's side */
export const register = (connection: Connection, note: string): Call => {
  const { connectionId, ...body } = connection
  const path = `/operator/v1/connections/${connectionId}`
  return {
    note,
    request: { method: "PUT", path, credentials: operator, body: JSON.stringify(body) },
    expect: (books) => books.register(connection),
  }
}

/**
 * A credit or debit. The id of an allocation is that of the credit which books it.
 *
 * @category the operator's side
 */
export const adjust = (id: string, adjustment: Adjustment, note: string): Call => ({
  note,
  request: {
    method: "PUT",
    path: `/operator/v1/adjustments/${id}`,
    credentials: operator,
    body: JSON.stringify(adjustment),
  },
  expect: (books) => books.adjust(id, adjustment),
})

/**
 * The balances of a connection, which have to be the books' own.
 *
 * @category the operator's side
 */
export const balances = ({ connectionId }: Connection, note: string): Call => ({
  note,
  request: { method: "GET", path: `/operator/v1/connections/${connectionId}`, credentials: operator },
  expect: (books) => books.connection(connectionId),
})

/**
 * The deallocations of a connection, page after page.
 *
 * @category the operator's side
 */
export const pages = (connection: Connection, limit: number, state?: Expectation.State): Call => {
  const page = (offset: number, cursor: string | undefined): Call => {
    const parameters = { connectionId: connection.connectionId, limit: String(limit) }
    const query = new URLSearchParams({
      ...parameters,
      ...(state === undefined ? {} : { state }),
      ...(cursor === undefined ? {} : { cursor }),
    })
    return {
      note: `${state === undefined ? "all" : `the ${state}`}, newest first, page ${offset / limit + 1}`,
      request: { method: "GET", path: `/operator/v1/deallocations?${query}`, credentials: operator },
      expect: (books) => books.list(connection.connectionId, { ...(state && { state }), offset, limit }),
      next: ({ json }) => {
        const nextCursor = Expectation.get(json, "nextCursor")
        // A list that never ends would be a departure on its first page too many.
        return typeof nextCursor === "string" && offset < 100 ? page(offset + limit, nextCursor) : undefined
      },
    }
  }
  return page(0, undefined)
}

/** @category the operator's side */
export const journal = ({ deallocationId }: Subject, note: string): Call => ({
  note,
  request: { method: "GET", path: `/operator/v1/deallocations/${deallocationId}`, credentials: operator },
  expect: (books) => books.journal(deallocationId),
})

/**
 * The same call, to be refused; the books are told nothing.
 *
 * @category combinators
 */
export const refused = (status: number, call: Call): Call => ({ ...call, expect: () => Expectation.refusal(status) })

/**
 * The same call, signed with a `jti` that others bear as well.
 *
 * @category combinators
 */
export const once = (jti: string, call: Call): Call => ({
  ...call,
  request: { ...call.request, credentials: signed({ jti }) },
  expect: (books) => books.once(jti, call.expect(books)),
})

/**
 * So many equal calls at the same time.
 *
 * @category combinators
 */
export const times = (count: number, call: Call): Act => ({
  atOnce: Array.from({ length: count }, (_, index) => ({ ...call, note: `${call.note}, ${index + 1} of ${count}` })),
})
