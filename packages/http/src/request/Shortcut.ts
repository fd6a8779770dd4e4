/**
 * The short way for the network's requests, which are nearly all of the load: from a host straight to their handlers,
 * without an `HttpServerRequest`, a scope and a middleware for each. What goes this way is answered, refused, given up
 * and recorded as on the long way, by the same handlers.
 */
import { Context, Effect, type Scope } from "effect"
import type { HttpServerResponse } from "effect/http"
import type { Call } from "./Call.ts"

/**
 * Answers a call, with all the headers that go with it, unless it is given up before: what this returns does that.
 *
 * @category models
 */
export type Serve = (
  call: Call,
  answer: (response: HttpServerResponse.HttpServerResponse, headers: Readonly<Record<string, string>>) => void,
) => () => void

/**
 * Where a host may be told of the short way. By default it need not be: all goes the long way.
 *
 * ```ts
 * import { type Serve, Shortcut } from "@holdfast/http/Shortcut"
 * import { Context, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * // A host that takes the short way keeps what it is told, and calls it for each of the network's requests.
 * let serve: Serve | undefined
 * const host = Context.make(Shortcut, (told) =>
 *   Effect.sync(() => {
 *     serve = told
 *   }),
 * )
 * const nothing: Serve = () => () => {}
 * const offered = Effect.flatMap(Shortcut, (offer) => offer(nothing))
 * Effect.runSync(Effect.scoped(Effect.provideContext(offered, host)))
 * assert.equal(serve, nothing)
 * ```
 *
 * @category services
 */
export const Shortcut = Context.Reference("@holdfast/http/Shortcut", {
  defaultValue:
    () =>
    (_: Serve): Effect.Effect<void, never, Scope.Scope> =>
      Effect.void,
})
