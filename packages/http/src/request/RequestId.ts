/** The name of a request: in its answer and in every line of the log about it. */

/** Of this process; its requests are numbered. */
const prefix = globalThis.crypto.randomUUID().slice(0, 8)

let count = 0

/**
 * One that no other request has.
 *
 * ```ts
 * import * as RequestId from "@holdfast/http/RequestId"
 * import assert from "node:assert/strict"
 *
 * assert.notEqual(RequestId.make(), RequestId.make())
 * ```
 *
 * @category constructors
 */
export const make = (): string => `${prefix}-${(++count).toString(36)}`

const wellFormed = /^[\w.~-]{1,128}$/

/**
 * The one that a proxy gave, where the proxy is trusted and it is one; else one of ours.
 *
 * ```ts
 * import * as RequestId from "@holdfast/http/RequestId"
 * import assert from "node:assert/strict"
 *
 * assert.equal(
 *   RequestId.of("0af7651916cd43dd", () => true),
 *   "0af7651916cd43dd",
 * )
 * assert.notEqual(
 *   RequestId.of("0af7651916cd43dd", () => false),
 *   "0af7651916cd43dd",
 * )
 * ```
 *
 * @category constructors
 */
export const of = (given: string | undefined, isTrusted: () => boolean): string =>
  given !== undefined && wellFormed.test(given) && isTrusted() ? given : make()

/**
 * The header that it comes and leaves in.
 *
 * ```ts
 * import * as RequestId from "@holdfast/http/RequestId"
 * import assert from "node:assert/strict"
 *
 * assert.equal(RequestId.header, "x-request-id")
 * ```
 *
 * @category constants
 */
export const header = "x-request-id"
