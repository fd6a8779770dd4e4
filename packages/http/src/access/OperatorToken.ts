/** Lets the operator in, with any of the tokens. */
import { Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { Operator } from "../contract/OperatorApi.ts"
import { refuse } from "../request/Failures.ts"
import { Host } from "../request/Host.ts"
import { CallerLimits } from "./CallerLimits.ts"
import { Credentials } from "./Credentials.ts"

export const layer: Layer.Layer<Operator, never, CallerLimits | Credentials> = Layer.effect(
  Operator,
  Effect.gen(function* () {
    const { isOperatorToken } = yield* Credentials
    const { guard, callerOf } = yield* CallerLimits
    return Operator.of({
      operatorToken: (httpEffect, { credential }) =>
        Effect.flatMap(Effect.all([HttpServerRequest.HttpServerRequest, Host]), ([request, { peerOf }]) =>
          guard(
            callerOf({ peer: peerOf(request), forwardedFor: request.headers["x-forwarded-for"] }),
            Effect.suspend(() =>
              isOperatorToken(credential) ? Effect.void : refuse("The operator token is missing or wrong."),
            ),
          ),
        ).pipe(Effect.andThen(httpEffect)),
    })
  }),
)
