/** What the operator's requests do. */
import { type Deallocation, Holdfast, type Ledger } from "@holdfast/domain"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Routed } from "../contract/Api.ts"
import { AdjustmentRequest, ConnectionRequest } from "../contract/OperatorApi.ts"
import { AdjustmentMismatch } from "../contract/Problems.ts"
import { Bodies } from "../request/Bodies.ts"
import { orProblem } from "../request/Failures.ts"
import { received } from "../request/Host.ts"
import { counted } from "../request/RequestLog.ts"

const defaultLimit = 50

const answerOf = (deallocation: Deallocation.Deallocation) => {
  const { partnerTransferId: partnerDeallocationId, state, createdAt, updatedAt } = deallocation
  const { id: deallocationId, ...terms } = deallocation.terms
  const answer = { deallocationId, ...terms, partnerDeallocationId, state, createdAt, updatedAt }
  return deallocation.state === "Rejected" ? { ...answer, rejectionReason: deallocation.reason } : answer
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
    const holdfast = yield* Holdfast.Holdfast
    const { readAs } = yield* Bodies
    const readConnection = readAs(ConnectionRequest)
    const readAdjustment = readAs(AdjustmentRequest)
    return handlers
      .handleRaw(
        "register",
        Effect.fnUntraced(function* ({ params, request }) {
          const identifiers = yield* readConnection(yield* received(request))
          return yield* orProblem(holdfast.register({ ...params, ...identifiers }))
        }),
      )
      .handleRaw(
        "adjust",
        Effect.fnUntraced(function* ({ params, request }) {
          const terms = { id: params.adjustmentId, ...(yield* readAdjustment(yield* received(request))) }
          const adjustment = yield* holdfast.adjust(terms).pipe(
            counted(terms.direction),
            orProblem,
            Effect.catchTag("TermsMismatch", ({ detail, differences }) =>
              Effect.fail(new AdjustmentMismatch({ detail, differences })),
            ),
          )
          const { id: adjustmentId, ...recorded } = adjustment.terms
          return { adjustmentId, ...recorded, createdAt: adjustment.createdAt }
        }),
      )
      .handleAll({
        connection: Effect.fnUntraced(function* ({ params }) {
          const { connection, balances } = yield* orProblem(holdfast.connection(params.connectionId))
          return { ...connection, balances }
        }),
        deallocations: Effect.fnUntraced(function* ({ query: { limit = defaultLimit, ...query } }) {
          const page = yield* orProblem(holdfast.list({ ...query, limit }))
          return { deallocations: page.deallocations.map(answerOf), nextCursor: page.next ?? null }
        }),
        deallocation: Effect.fnUntraced(function* ({ params: { deallocationId } }) {
          const deallocation = yield* orProblem(holdfast.find("deallocation", deallocationId))
          const journal = yield* orProblem(holdfast.journal(deallocationId))
          return { ...answerOf(deallocation), journal: journalOf(journal) }
        }),
      })
  }),
)
