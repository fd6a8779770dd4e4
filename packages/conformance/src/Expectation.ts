/**
 * Expectations: what an answer has to be, and in what a given answer departs
 * from it, in words.
 */
import { Predicate } from "effect"
import { isLosslessNumber, type LosslessNumber, stringify } from "lossless-json"
import type { Answer } from "./Network.ts"

/** @category constants */
export const states = ["RESERVED", "REJECTED", "CLEARED", "RELEASED"] as const

/** @category models */
export type State = (typeof states)[number]

/**
 * What an answer has to be. Where the answer is right, `settle` tells the books
 * about it.
 *
 * @category models
 */
export interface Expectation {
  readonly statuses: ReadonlyArray<number>
  readonly body: Expected
  /** The state that such an answer tells, if it tells one. */
  readonly tells?: State | undefined
  readonly settle?: ((answer: Answer) => void) | undefined
}

/**
 * What a JSON value has to be: equal to a text, a number with these digits, an
 * object with these fields and no others, or whatever a check finds nothing
 * against.
 *
 * @category models
 */
export type Expected = string | LosslessNumber | Check | Fields

interface Fields {
  readonly [field: string]: Expected
}

/** In what a value, which stands at a path, departs from what is expected. */
type Check = (value: unknown, path: string) => ReadonlyArray<string>

const checkThat =
  (says: string, accepts: Predicate.Predicate<unknown>): Check =>
  (value, path) =>
    accepts(value) ? [] : [`${path} ${says}, not ${show(value)}`]

/** @category checks */
export const anything: Check = () => []

/** @category checks */
export const someText: Check = checkThat("a text", (value) => Predicate.isString(value) && value !== "")

/** @category checks */
export const nothing: Check = checkThat("null", Predicate.isNull)

/**
 * A UUID, in either case.
 *
 * @category checks
 */
export const uuid = (id: string): Check =>
  checkThat(id, (value) => Predicate.isString(value) && value.toLowerCase() === id.toLowerCase())

/**
 * A value that comes out as a certain text.
 *
 * @category checks
 */
export const text = (expected: string, describe: (value: unknown) => string): Check =>
  checkThat(expected, (value) => describe(value) === expected)

/** @category checks */
export const listOf = (count: number): Check =>
  checkThat(`a list of ${count}`, (value) => Array.isArray(value) && value.length === count)

/**
 * A list whose items are as expected, one by one.
 *
 * @category checks
 */
export const list =
  (items: ReadonlyArray<Expected>): Check =>
  (value, path) =>
    Array.isArray(value) && value.length === items.length
      ? items.flatMap((item, index) => differences(item, value[index], `${path}[${index}]`))
      : listOf(items.length)(value, path)

/**
 * An object with these fields, and maybe others.
 *
 * @category checks
 */
export const atLeast =
  (fields: Fields): Check =>
  (value, path) =>
    Predicate.isObject(value) ? differencesOfFields(fields, value, path) : [`${path} an object, not ${show(value)}`]

/**
 * A refusal: the status, and problem details that mention some texts.
 *
 * @category constructors
 */
export const refusal = (status: number, ...mentioned: ReadonlyArray<string>): Expectation => ({
  statuses: [status],
  body: problem(...mentioned),
})

/** Problem details that mention all of some texts. */
const problem = (...mentioned: ReadonlyArray<string>): Check =>
  checkThat(["a problem", ...mentioned].join(" that mentions "), (value) => {
    const type = get(value, "type")
    const text = show(value).toLowerCase()
    return (
      Predicate.isString(type) &&
      /^urn:holdfast:problem:[a-z0-9-]+$/.test(type) &&
      mentioned.every((each) => text.includes(each.toLowerCase()))
    )
  })

/**
 * In what an answer departs from what is expected; in nothing, if all is well.
 *
 * @category comparing
 */
export const departures = (expectation: Expectation, answer: Answer): ReadonlyArray<string> => {
  const { statuses, body } = expectation
  if (!statuses.includes(answer.status)) return [`status ${statuses.join(" or ")}, not ${answer.status}`]
  const contentType = answer.status < 400 ? "application/json" : "application/problem+json"
  const [actualType = ""] = answer.contentType.split(";")
  return [
    ...(actualType === contentType ? [] : [`content type ${contentType}, not ${show(actualType)}`]),
    ...differences(body, answer.json, wholeBody),
  ]
}

const wholeBody = "body"

const differences = (expected: Expected, actual: unknown, path: string): ReadonlyArray<string> => {
  if (Predicate.isFunction(expected)) return expected(actual, path)
  if (Predicate.isString(expected)) return checkThat(show(expected), (value) => value === expected)(actual, path)
  if (isLosslessNumber(expected)) {
    return checkThat(expected.value, (value) => isLosslessNumber(value) && value.value === expected.value)(actual, path)
  }
  const surplus = Predicate.isObject(actual)
    ? Object.keys(actual).filter((field) => !Object.hasOwn(expected, field))
    : []
  return [...atLeast(expected)(actual, path), ...surplus.map((field) => `no ${at(path, field)}`)]
}

const differencesOfFields = (expected: Fields, actual: Readonly<Record<string, unknown>>, path: string) =>
  Object.entries(expected).flatMap(([field, value]) => differences(value, actual[field], at(path, field)))

const at = (path: string, field: string) => (path === wholeBody ? field : `${path}.${field}`)

/**
 * A field of a JSON value; `undefined` where there is none.
 *
 * @category getters
 */
export const get = (value: unknown, field: string): unknown => (Predicate.isObject(value) ? value[field] : undefined)

const show = (value: unknown): string => stringify(value) ?? "missing"
