/** Lets the operator in, with any of the tokens. */
import { Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { Operator } from "../contract/OperatorApi.ts"
import { refuse } from "../request/Failures.ts"
import { originOf } from "../request/Host.ts"
import { CallerLimits } from "./CallerLimits.ts"
import { Credentials } from "./Credentials.ts"

/**
 * Lets a request in whose bearer token is one of {@link Credentials}, and any other not: it is a 401.
 *
 * ```ts
 * import * as CallerLimits from "@holdfast/http/CallerLimits"
 * import * as Credentials from "@holdfast/http/Credentials"
 * import * as OperatorToken from "@holdfast/http/OperatorToken"
 * import { Effect, Layer } from "effect"
 * import assert from "node:assert/strict"
 *
 * const limits = CallerLimits.layer({ maxRequestsPerSecond: 100, maxRefusalsPerMinute: 60, trustedProxies: [] })
 * // Nobody is let in by no token: without one it is not even built.
 * const nobody = Credentials.layer({ publicKeys: [], operatorTokens: [] })
 * const operators = OperatorToken.layer.pipe(Layer.provide([limits, nobody]))
 * const error = Effect.runSync(Effect.scoped(Effect.flip(Layer.build(operators))))
 * assert.equal(error._tag, "InvalidOption")
 * ```
 *
 * @category layers
 */
export const layer: Layer.Layer<Operator, never, CallerLimits | Credentials> = Layer.effect(
  Operator,
  Effect.gen(function* () {
    const { isOperatorToken } = yield* Credentials
    const { guard, callerOf } = yield* CallerLimits
    return Operator.of({
      operatorToken: (httpEffect, { credential }) =>
        Effect.flatMap(Effect.flatMap(HttpServerRequest.HttpServerRequest, originOf), (origin) =>
          guard(
            callerOf(origin),
            Effect.suspend(() =>
              isOperatorToken(credential) ? Effect.void : refuse("The operator token is missing or wrong."),
            ),
          ),
        ).pipe(Effect.andThen(httpEffect)),
    })
  }),
)
