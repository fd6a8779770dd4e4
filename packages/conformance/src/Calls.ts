/**
 * Calls: every request of the contract and of the operator's side, with the
 * answer that the books expect.
 */
import type { Adjustment, Books, Connection, Subject, Terms } from "./Books.ts"
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

/** @category models */
export type Wire = Readonly<Record<string, unknown>> & Connection

/**
 * Terms as they are sent.
 *
 * @category conversions
 */
export const wire = ({ kind, id, ...terms }: Terms): Wire => ({ [`${kind}Id`]: id, ...terms })

/** Where one is found and settled: what the network asks for, by it; a lock, by the operator. */
const one = ({ kind, id }: Subject) => (kind === "lock" ? `/operator/v1/locks/${id}` : `/bitgo/v1/${kind}/${id}`)

const by = ({ kind }: Subject) => (kind === "lock" ? operator : signed())

/** @category requests */
export const reserve = (terms: Terms, note: string, variation: Partial<Request> = {}): Call => {
  const { connectionId, amount } = terms
  const request =
    terms.kind === "lock"
      ? { method: "PUT", path: one(terms), body: JSON.stringify({ connectionId, amount }) }
      : { method: "POST", path: `/bitgo/v1/${terms.kind}s`, body: JSON.stringify(wire(terms)) }
  return {
    note,
    request: { ...request, credentials: by(terms), ...variation },
    expect: (books) => books.reserve(terms),
  }
}

const settle =
  (move: "clear" | "release") =>
  (subject: Subject, note: string, variation: Partial<Request> = {}): Call => ({
    note,
    request: { method: "PUT", path: `${one(subject)}/${move}`, credentials: by(subject), ...variation },
    expect: (books) => books.move(move, subject),
  })

/** @category requests */
export const clear = settle("clear")

/** @category requests */
export const release = settle("release")

/** @category requests */
export const find = (subject: Subject, note: string, variation: Partial<Request> = {}): Call => ({
  note,
  request: { method: "GET", path: one(subject), credentials: by(subject), ...variation },
  expect: (books) => (subject.kind === "lock" ? books.journal(subject) : books.get(subject)),
})

/** @category the network's side */
export const connect = (connection: Connection, connectionToken: string, note: string): Call => {
  const { connectionId, clientId } = connection
  return {
    note,
    request: {
      method: "POST",
      path: "/bitgo/v1/connections",
      credentials: signed(),
      body: JSON.stringify({ connectionId, clientId, connectionToken }),
    },
    expect: (books) => books.connect(connection),
  }
}

/**
 * A token for an account; what follows is done with it.
 *
 * @category the operator's side
 */
export const issue = (
  { partnersConnectionId, partnerClientId }: Connection,
  note: string,
  next: (connectionToken: string) => Call,
): Call => ({
  note,
  request: {
    method: "POST",
    path: "/operator/v1/connection-tokens",
    credentials: operator,
    body: JSON.stringify({ partnersConnectionId, partnerClientId }),
  },
  expect: () => ({
    statuses: [201],
    body: Expectation.atLeast({ connectionToken: Expectation.someText, partnersConnectionId, partnerClientId }),
  }),
  next: ({ json }) => {
    const token = Expectation.get(json, "connectionToken")
    return typeof token === "string" ? next(token) : undefined
  },
})

/**
 * The same call, and another after it.
 *
 * @category combinators
 */
export const andThen = (call: Call, next: Call): Call => ({ ...call, next: () => next })

/** @category the operator's side */
export const suspend = ({ connectionId }: Connection, suspended: boolean, note: string): Call => ({
  note,
  request: {
    method: "PUT",
    path: `/operator/v1/connections/${connectionId}/${suspended ? "suspend" : "resume"}`,
    credentials: operator,
  },
  expect: (books) => books.suspend(connectionId, suspended),
})

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
 * A credit or debit.
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
export const journal = (subject: Subject, note: string): Call => ({
  note,
  request: { method: "GET", path: `/operator/v1/${subject.kind}s/${subject.id}`, credentials: operator },
  expect: (books) => books.journal(subject),
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
