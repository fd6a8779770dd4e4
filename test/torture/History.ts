/** What clients asked, when, and what they were told: all that the checker believes. */
import type { Model, System } from "@holdfast/domain/testing"
import { Effect } from "effect"

export type Call =
  | { readonly name: "reserve"; readonly terms: Model.Terms }
  | { readonly name: "clear" | "release" | "find"; readonly reference: Model.Reference }
  | { readonly name: "adjust"; readonly adjustment: Model.Adjustment }
  | { readonly name: "connection"; readonly connectionId: string }

export interface Operation {
  readonly call: Call
  readonly start: number
  /** Infinite where nobody was told how it ended. */
  readonly end: number
  /** None where it is unknown: no answer, or one that says that it may have been done or not. */
  readonly outcome: Model.Outcome<unknown> | undefined
}

/** Asks a system what a history can hold. */
export const dispatch = (system: System.System, call: Call): Effect.Effect<Model.Outcome<unknown>> => {
  switch (call.name) {
    case "reserve":
      return system.reserve(call.terms)
    case "adjust":
      return system.adjust(call.adjustment)
    case "connection":
      return system.connection(call.connectionId)
    case "clear":
    case "release":
    case "find":
      return system[call.name](call.reference)
  }
}

/** Has a system called, and every call recorded. */
export const record =
  (system: System.System, history: Array<Operation>, now: () => number) =>
  async (call: Call): Promise<Operation> => {
    const start = now()
    const operation = await Effect.runPromise(dispatch(system, call)).then(
      (outcome) => ({ call, start, end: now(), outcome }),
      () => ({ call, start, end: Number.POSITIVE_INFINITY, outcome: undefined }),
    )
    history.push(operation)
    return operation
  }
