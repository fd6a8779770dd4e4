/** For the service with promises. */
import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import type * as Promises from "@holdfast/domain/Promises"

/** The value of an answer that has one. */
export const valueOf = <A, E>(answer: Promises.Answer<A, E>): A => {
  if (answer.ok) return answer.value
  throw answer.error
}

/** Whether a value is made of what any program knows: no class but `Date`. */
export const assertPlain = (value: unknown): void => {
  if (typeof value !== "object" || value === null) {
    assert.include(["string", "bigint", "number", "boolean", "undefined"], typeof value)
    return
  }
  if (value instanceof Date) return
  assert.include([Object.prototype, Array.prototype], Object.getPrototypeOf(value))
  for (const inner of Object.values(value)) assertPlain(inner)
}

export const connectionOf = () => ({
  connectionId: randomUUID() as string,
  clientId: randomUUID() as string,
  partnersConnectionId: "account-7",
  partnerClientId: "client-3",
})

export const creditOf = ({ connectionId }: { readonly connectionId: string }, quantity: bigint) => ({
  id: randomUUID() as string,
  connectionId,
  direction: "credit" as const,
  amount: { currency: "BTC", quantity },
})
