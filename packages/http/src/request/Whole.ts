/** The server that is asked about, of which the one at hand may be a part. */
import { Context, Effect, type Scope } from "effect"
import type * as Problems from "../contract/Problems.ts"

/**
 * What is told of a server.
 *
 * @category models
 */
export interface Told {
  /** In Prometheus' text format. */
  readonly metrics: Effect.Effect<string>
  /** Succeeds where it can serve. */
  readonly ready: Effect.Effect<void, Problems.Unavailable>
}

/**
 * From what is told of this part, what is told of the whole. By default this is all of it.
 *
 * ```ts
 * import { Whole } from "@holdfast/http/Whole"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * // A server of one process is told of as it is.
 * const part = { metrics: Effect.succeed("up 1\n"), ready: Effect.void }
 * const told = Effect.runSync(Effect.scoped(Effect.flatMap(Whole, (toWhole) => toWhole(part))))
 * assert.equal(Effect.runSync(told.metrics), "up 1\n")
 * ```
 *
 * @category services
 */
export const Whole = Context.Reference("@holdfast/http/Whole", {
  defaultValue:
    () =>
    (part: Told): Effect.Effect<Told, never, Scope.Scope> =>
      Effect.succeed(part),
})
