/** What is wrong with something that a host gave us to start with. */
import { Schema } from "effect"

/**
 * What was given is no good: which option, and why.
 *
 * ```ts
 * import { InvalidOption } from "@holdfast/http/InvalidOption"
 * import assert from "node:assert/strict"
 *
 * const error = new InvalidOption({ option: "operatorTokens", fact: "Expected one at least. Got none." })
 * assert.equal(error.message, "operatorTokens: Expected one at least. Got none.")
 * ```
 *
 * @category errors
 */
export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  option: Schema.Literals([
    "publicKeys",
    "operatorTokens",
    "connectionTokenKey",
    "trustedProxies",
    "maxRequestsPerSecond",
    "maxRefusalsPerMinute",
  ]),
  fact: Schema.String,
}) {
  override get message() {
    return `${this.option}: ${this.fact}`
  }
}
