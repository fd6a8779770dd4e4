/** The operator's bearer token, compared in constant time. */
import { createHash, timingSafeEqual } from "node:crypto"
import { Layer, Redacted } from "effect"
import { Operator } from "./OperatorApi.ts"
import { refuse } from "./Problems.ts"

export const layer = (token: Redacted.Redacted): Layer.Layer<Operator> => {
  const expected = digest(token)
  return Layer.succeed(Operator, {
    operatorToken: (httpEffect, { credential }) =>
      timingSafeEqual(digest(credential), expected) ? httpEffect : refuse("The operator token is missing or wrong."),
  })
}

const digest = (token: Redacted.Redacted) => createHash("sha256").update(Redacted.value(token)).digest()
