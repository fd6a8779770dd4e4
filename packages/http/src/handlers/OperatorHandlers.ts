/** What the operator's requests do. */
import { type Deallocation, Deallocations, type Ledger } from "@holdfast/domain"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Routed } from "../contract/Api.ts"
import { AdjustmentRequest, ConnectionRequest } from "../contract/OperatorApi.ts"
import { Bodies } from "../request/Bodies.ts"
import { orProblem } from "../request/Failures.ts"
import { counted } from "../request/RequestLog.ts"

const defaultLimit = 50

const answerOf = (deallocation: Deallocation.Deallocation) => {
  const { terms, partnerDeallocationId, createdAt, updatedAt } = deallocation
  const answer = { ...terms, partnerDeallocationId, state: deallocation._tag, createdAt, updatedAt }
  return deallocation._tag === "Rejected" ? { ...answer, rejectionReason: deallocation.reason } : answer
}

/** The entries of one deallocation; `Credited` and `Debited` are no events of it. */
const journalOf = (entries: ReadonlyArray<Ledger.Entry>) =>
  entries.flatMap(({ event, quantity, balances, at }) =>
    event === "Credited" || event === "Debited" ? [] : [{ event, quantity, balances, at }],
  )

export const layer = HttpApiBuilder.group(
  Routed,
  "operator",
  Effect.fnUntraced(function* (handlers) {
    const deallocations = yield* Deallocations.Deallocations
    const { readAs } = yield* Bodies
    const readConnection = readAs(ConnectionRequest)
    const readAdjustment = readAs(AdjustmentRequest)
    return handlers
      .handleRaw(
        "register",
        Effect.fnUntraced(function* ({ params, request }) {
          const identifiers = yield* readConnection(request)
          return yield* orProblem(deallocations.register({ ...params, ...identifiers }))
        }),
      )
      .handleRaw(
        "adjust",
        Effect.fnUntraced(function* ({ params, request }) {
          const terms = { ...params, ...(yield* readAdjustment(request)) }
          const adjustment = yield* deallocations.adjust(terms).pipe(counted(terms.direction), orProblem)
          return { ...adjustment.terms, createdAt: adjustment.createdAt }
        }),
      )
      .handleAll({
        connection: Effect.fnUntraced(function* ({ params }) {
          const { connection, balances } = yield* orProblem(deallocations.connection(params.connectionId))
          return { ...connection, balances }
        }),
        deallocations: Effect.fnUntraced(function* ({ query: { limit = defaultLimit, ...query } }) {
          const page = yield* orProblem(deallocations.list({ ...query, limit }))
          return { deallocations: page.deallocations.map(answerOf), nextCursor: page.next ?? null }
        }),
        deallocation: Effect.fnUntraced(function* ({ params: { deallocationId } }) {
          const deallocation = yield* orProblem(deallocations.find(deallocationId))
          const journal = yield* orProblem(deallocations.journal(deallocationId))
          return { ...answerOf(deallocation), journal: journalOf(journal) }
        }),
      })
  }),
)
