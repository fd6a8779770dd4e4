/** Lets the operator in, with any of the tokens. */
import { Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { Operator } from "../contract/OperatorApi.ts"
import { refuse } from "../request/Failures.ts"
import { originOf } from "../request/Host.ts"
import { CallerLimits } from "./CallerLimits.ts"
import { Credentials } from "./Credentials.ts"

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
