/** Whose calls are answered, and how many of them: all that guards the application, from keys and tokens on. */
import { Layer } from "effect"
import type { Operator } from "../contract/OperatorApi.ts"
import { withDefaults } from "../request/Limits.ts"
import * as CallerLimits from "./CallerLimits.ts"
import * as Credentials from "./Credentials.ts"
import type { InvalidOption } from "./InvalidOption.ts"
import * as OperatorToken from "./OperatorToken.ts"
import * as Signature from "./Signature.ts"

/**
 * Keys and tokens have no default: nothing is open unless somebody says so.
 *
 * @category models
 */
export interface Options extends Credentials.Given, Partial<Signature.Options>, Partial<CallerLimits.Options> {}

/**
 * Keys, tokens and limits in one, the limits with the bundled server's defaults. Fails
 * with {@link InvalidOption} where an option is no good.
 *
 * ```ts
 * import * as Access from "@holdfast/http/Access"
 * import { Effect, Layer, Redacted } from "effect"
 * import assert from "node:assert/strict"
 *
 * const access = Access.layer({ publicKeys: [], operatorTokens: [Redacted.make("short")] })
 * const error = Effect.runSync(Effect.flip(Effect.scoped(Layer.build(access))))
 * assert.equal(error._tag, "InvalidOption")
 * ```
 *
 * @category layers
 */
export const layer = ({
  issuer,
  audience,
  bodyClaim,
  ...given
}: Options): Layer.Layer<
  CallerLimits.CallerLimits | Credentials.Credentials | Operator | Signature.Signature,
  InvalidOption
> =>
  Layer.merge(Signature.layer({ issuer, audience, bodyClaim }), OperatorToken.layer).pipe(
    Layer.provideMerge(CallerLimits.layer(withDefaults(given))),
    Layer.provideMerge(Credentials.layer(given)),
  )
