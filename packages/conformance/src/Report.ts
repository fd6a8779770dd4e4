/**
 * The report: an exchange a line, and the balances as a table.
 */
import { styleText } from "node:util"
import * as Balances from "./Balances.ts"
import type { Books, Connection } from "./Books.ts"
import * as Expectation from "./Expectation.ts"
import type { Request } from "./Network.ts"
import type { Exchange } from "./Stage.ts"

/** @category models */
export type Paint = (style: "bold" | "dim" | "green" | "red", text: string) => string

/**
 * Colours on a terminal, unless they are not wanted (https://no-color.org).
 *
 * @category constructors
 */
export const makePaint = (options: { readonly isTerminal: boolean; readonly noColor: string | undefined }): Paint =>
  options.isTerminal && (options.noColor ?? "") === ""
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text

/**
 * Method, path, status, state, quantity and what was tried; and what was
 * expected, where the answer departs.
 *
 * @category conversions
 */
export const line = (paint: Paint, { call, answer, state, departures }: Exchange): string => {
  const { method, path } = call.request
  const right = departures.length === 0
  const cells = [
    method.padEnd(6),
    fit(abbreviate(path), subjectOf(call.request), 58),
    String(answer?.status ?? "–").padStart(3),
    (state ?? "–").padEnd(8),
    quantityOf(answer?.json, call.request).padEnd(14),
  ]
  const mark = right ? paint("green", "✓") : paint("red", "✗")
  const reason = Expectation.get(answer?.json, "rejectionReason")
  const note = paint("dim", typeof reason === "string" ? `${call.note} (${reason})` : call.note)
  const got = answer === undefined ? [] : [`Got: ${excerpt(answer.text)}`]
  // Where something is wrong, somebody will look for it under its whole address.
  const problem = right ? [] : [paint("red", `expected ${departures.join("; ")}.`), ...got, `(${method} ${path})`]
  return [`  ${mark} ${cells.join("  ")}  ${note}`, ...problem].join("  ")
}

const uuidPattern = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi

const abbreviate = (text: string) =>
  text.replace(uuidPattern, (id) => `${id.slice(0, 8)}…`).replace(/(cursor=.{6})[^&]+/, "$1…")

/** A path and what it does not say about its subject, in one cell. */
const fit = (path: string, subject: string, width: number) => path + subject.padStart(width - path.length)

/** The id in the body of a reservation. */
const subjectOf = ({ method, body }: Request): string => {
  const id =
    method === "POST"
      ? ["deallocationId", "allocationId", "connectionId"].map((id) => Expectation.get(jsonOf(body), id)).find(isText)
      : undefined
  return typeof id === "string" ? abbreviate(id) : ""
}

const isText = (value: unknown) => typeof value === "string"

const jsonOf = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? "")
  } catch {
    return undefined
  }
}

/** The quantity in the answer, as it is written there; else in the request. */
const quantityOf = (json: unknown, { body }: Request): string => {
  const amount = Expectation.get(json, "amount") ?? Expectation.get(jsonOf(body), "amount")
  const quantity = Expectation.get(amount, "quantity")
  if (quantity === undefined) return "–"
  const currency = Expectation.get(amount, "currency")
  return `${legible(quantity)} ${currency === undefined ? "" : shorten(legible(currency))}`.trimEnd()
}

/** As it is, or in quotes if it would be misread. */
const legible = (value: unknown) => (/^\S+$/.test(String(value)) ? String(value) : JSON.stringify(value))

const shorten = (text: string) => (text.length > 24 ? `${text.slice(0, 23)}…` : text)

const excerpt = (text: string) => (text.length > 400 ? `${text.slice(0, 400)}…` : text).replace(/\s+/g, " ")

/**
 * The last balances that each connection was seen with.
 *
 * @category getters
 */
export const balancesIn = (exchanges: ReadonlyArray<Exchange>): ReadonlyMap<string, Balances.Balances> =>
  new Map(
    exchanges.flatMap(({ answer }) => {
      const [id, balances] = ["connectionId", "balances"].map((field) => Expectation.get(answer?.json, field))
      return typeof id === "string" && Array.isArray(balances) ? [[id.toLowerCase(), Balances.fromJson(balances)]] : []
    }),
  )

/**
 * What every connection had and has, one account a line, marked where it is not
 * what the contract implies.
 *
 * @category conversions
 */
export const table = (
  paint: Paint,
  connections: ReadonlyArray<Connection>,
  seen: {
    readonly before: ReadonlyMap<string, Balances.Balances>
    readonly after: ReadonlyMap<string, Balances.Balances>
  },
  books: Books,
): ReadonlyArray<string> => {
  const columns = Balances.names
  const rows = connections.flatMap(({ connectionId, partnersConnectionId }) => {
    const before = seen.before.get(connectionId) ?? new Map<string, Balances.Balance>()
    const after = seen.after.get(connectionId) ?? new Map<string, Balances.Balance>()
    return [...new Set([...before.keys(), ...after.keys()])].map((currency) => {
      const [from, to] = [before.get(currency) ?? Balances.zero, after.get(currency) ?? Balances.zero]
      const expected = books.balance(connectionId, currency)
      const right = columns.every((column) => to[column] === expected[column])
      const cells = columns.map((column) => change(from[column], to[column]))
      return {
        right,
        cells: [partnersConnectionId, shorten(currency), ...cells],
      }
    })
  })
  const heading = ["connection", "currency", ...columns]
  const widths = heading.map((text, index) =>
    Math.max(text.length, ...rows.map(({ cells }) => cells[index]?.length ?? 0)),
  )
  const align = (cells: ReadonlyArray<string>) => cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  ")
  return [
    `    ${paint("dim", align(heading).trimEnd())}`,
    ...rows.map(({ right, cells }) => `  ${right ? paint("green", "✓") : paint("red", "✗")} ${align(cells).trimEnd()}`),
  ]
}

const change = (from: bigint, to: bigint) => (from === to ? digits(to) : `${digits(from)} → ${digits(to)}`)

/** The lines above have all digits; here a long number is only to be recognised. */
const digits = (units: bigint) => {
  const text = String(units)
  return text.length > 20 ? `${text.slice(0, 6)}…${text.slice(-6)}` : text
}
