/**
 * JSON as RFC 8259 has it and nothing looser: strict UTF-8 without a byte order mark, no key twice in an object
 * (`JSON.parse` would keep the last and say nothing). A number that is a quantity stays the text that it was sent as.
 */
import { SchemaIssue } from "effect"

/**
 * Reads a text; throws a `SyntaxError` where it is no JSON, another error where it is no UTF-8.
 *
 * ```ts
 * import * as Json from "@holdfast/http/Json"
 * import assert from "node:assert/strict"
 *
 * const read = (text: string) => Json.parse(new TextEncoder().encode(text))
 * // A quantity keeps its digits, whatever a JavaScript number would make of them.
 * assert.equal(JSON.stringify(read('{"quantity":5000000000000000001}')), '{"quantity":5000000000000000001}')
 * assert.throws(() => read('{"a":1,"a":2}'), SyntaxError)
 * ```
 *
 * @category conversions
 */
export const parse = (bytes: Uint8Array): unknown => {
  const text = utf8.decode(bytes)
  const value: unknown = numericQuantity.test(text) ? parseWithQuantity(text) : JSON.parse(text)
  const key = duplicateKey(text)
  if (key !== undefined) throw new SyntaxError(`The key ${key} appears twice in one object.`)
  return value
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** A text without one is read without a function for each of its values. */
const numericQuantity = /"quantity"\s*:\s*[-0-9]/

/** What is inside comes first: a body can be nested so deeply that there is no room for that. */
const parseWithQuantity = (text: string): unknown => {
  try {
    return JSON.parse(text, withQuantity)
  } catch (error) {
    throw error instanceof RangeError ? new SyntaxError("The body is nested too deeply.") : error
  }
}

const withQuantity = (key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  key === "quantity" && typeof value === "number" ? JSON.rawJSON(context?.source ?? "") : value

/** The first key, in quotes, that an object of a valid JSON text has twice. */
const duplicateKey = (text: string): string | undefined => {
  const objects: Array<Set<string>> = []
  let literal = ""
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === "{") objects.push(new Set())
    else if (character === "}") objects.pop()
    else if (character === '"') {
      const start = at++
      while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1
      literal = text.slice(start, at + 1)
    } else if (character === ":") {
      // The same key can be written with and without escapes.
      const key: string = literal.includes("\\") ? JSON.parse(literal) : literal.slice(1, -1)
      const keys = objects.at(-1)
      if (keys?.has(key)) return literal
      keys?.add(key)
    }
  }
  return undefined
}

/**
 * What is wrong with a value that does not fit its schema, in words: each field with its fact.
 *
 * ```ts
 * import { Amount } from "@holdfast/domain"
 * import * as Json from "@holdfast/http/Json"
 * import { Result, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const decoded = Schema.decodeUnknownResult(Amount.PositiveFromString)({ currency: "BTC", quantity: "0" })
 * assert.ok(Result.isFailure(decoded))
 * assert.equal(Json.factsOf(decoded.failure.issue), "quantity: Quantity must be at least 1 base unit. Got 0.")
 * ```
 *
 * @category conversions
 */
export const factsOf = (issue: SchemaIssue.Issue): string =>
  formatIssue(issue)
    .issues.map(({ path, message }) => [path?.join("."), message].filter(Boolean).join(": "))
    .join("; ")

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()
