/** What fails, noted for the log and turned into the problem that leaves. */
import type { Ledger } from "@holdfast/domain"
import { Effect } from "effect"
import { type DomainError, type NotFound, type ProblemOf, toProblem, Unauthorized } from "../contract/Problems.ts"
import * as Seen from "./Seen.ts"

/** Turns the domain's errors into problems. */
export const orProblem = <A, E extends DomainError, R>(
  self: Effect.Effect<A, E, R>,
): Effect.Effect<A, ProblemOf<E>, R> =>
  Effect.catch(self, (error) => Effect.andThen(Seen.note({ error: error._tag }), Effect.fail(toProblem(error))))

/** The same about transfers of one kind, which are the only ones that may not be found. */
export const orProblemOf =
  <Kind extends Ledger.Kind>(_: Kind) =>
  <A, E extends DomainError, R>(
    self: Effect.Effect<A, E, R>,
  ): Effect.Effect<A, Exclude<ProblemOf<E>, NotFound> | Extract<ProblemOf<E>, NotFound<Kind>>, R> =>
    orProblem(self) as Effect.Effect<A, Exclude<ProblemOf<E>, NotFound> | Extract<ProblemOf<E>, NotFound<Kind>>, R>

/** How much of a reason is kept: some of it may be the caller's own words. */
const maxReasonLength = 200

/** Refuses a request's credentials. Why is for the log alone. */
export const refuse = (reason: string): Effect.Effect<never, Unauthorized> =>
  Effect.andThen(Seen.note({ refused: reason.slice(0, maxReasonLength) }), Effect.fail(Unauthorized.always))
