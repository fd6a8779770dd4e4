/** What is wrong with something that a host gave us to start with. */
import { Effect, Schema, Struct } from "effect"

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
    "operators",
    "connectionTokenKey",
    "trustedProxies",
    "maxRequestsPerSecond",
    "maxRefusalsPerMinute",
    "maxUrlLength",
    "maxBodyBytes",
  ]),
  fact: Schema.String,
}) {
  override get message() {
    return `${this.option}: ${this.fact}`
  }
}

type Limit = Extract<InvalidOption["option"], `max${string}`>

/**
 * Fails where a limit is none: what is no number, such as the text of a variable may come to, would never be reached.
 *
 * @internal
 */
export const checkLimits = Effect.fnUntraced(function* (limits: Partial<Readonly<Record<Limit, number>>>) {
  for (const option of Struct.keys(limits)) {
    const limit = limits[option]
    if (limit === undefined || !Number.isFinite(limit) || limit < 1) {
      return yield* new InvalidOption({ option, fact: `Expected a number of 1 or more. Got ${limit}.` })
    }
  }
})
