/** What clients asked, when, and what they were told: all that the checker believes. */
import type * as Model from "../support/Model.ts"
import type { System } from "../support/System.ts"

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

/** The calls of a system that a history can hold, promised or as effects. */
export const dispatch = <A>(
  system: { readonly [Name in Call["name"]]: (argument: Parameters<System[Name]>[0]) => A },
  call: Call,
): A => {
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
  (system: System, history: Array<Operation>, now: () => number) =>
  async (call: Call): Promise<Operation> => {
    const start = now()
    const asked = dispatch<Promise<Model.Outcome<unknown>>>(system, call)
    const operation = await asked.then(
      (outcome) => ({ call, start, end: now(), outcome }),
      () => ({ call, start, end: Number.POSITIVE_INFINITY, outcome: undefined }),
    )
    history.push(operation)
    return operation
  }
