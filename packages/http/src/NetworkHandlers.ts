/** What the network's requests do. */
import { type Deallocation, Deallocations, type Uuid } from "@holdfast/domain"
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import { readBody } from "./Json.ts"
import { ReserveRequest, SignedNonce } from "./NetworkApi.ts"
import { orProblem } from "./Problems.ts"
import { counted, note } from "./RequestLog.ts"

/** The contract's object; a rejection has its reason. */
const answerOf = (deallocation: Deallocation.Deallocation) => {
  const { terms, partnerDeallocationId } = deallocation
  return deallocation._tag === "Rejected"
    ? { ...terms, partnerDeallocationId, rejectionReason: deallocation.reason }
    : { ...terms, partnerDeallocationId }
}

const readReservation = readBody(ReserveRequest)

interface OfOne {
  readonly params: { readonly deallocationId: Uuid.Uuid }
}

/** What is asked of one deallocation, under either spelling of its path. */
const ofOne = (deallocations: Deallocations.Deallocations["Service"]) => ({
  find: Effect.fnUntraced(function* ({ params }: OfOne) {
    const found = Effect.andThen(deallocations.useNonce(yield* SignedNonce), deallocations.find(params.deallocationId))
    const deallocation = yield* orProblem(found)
    return { ...answerOf(deallocation), status: deallocation._tag }
  }),
  clear: Effect.fnUntraced(function* ({ params }: OfOne) {
    const cleared = deallocations.clear(params.deallocationId, yield* SignedNonce)
    return answerOf(yield* cleared.pipe(counted("clear"), orProblem))
  }),
  release: Effect.fnUntraced(function* ({ params }: OfOne) {
    const released = deallocations.release(params.deallocationId, yield* SignedNonce)
    return answerOf(yield* released.pipe(counted("release"), orProblem))
  }),
})

const layerSingular = HttpApiBuilder.group(
  Api,
  "network",
  Effect.fnUntraced(function* (handlers) {
    const deallocations = yield* Deallocations.Deallocations
    return handlers
      .handleRaw(
        "reserve",
        Effect.fnUntraced(function* ({ request }) {
          const terms = yield* readReservation(request)
          yield* note({ deallocationId: terms.deallocationId })
          const reserved = deallocations.reserve(terms, yield* SignedNonce)
          return answerOf(yield* reserved.pipe(counted("reserve"), orProblem))
        }),
      )
      .handleAll(ofOne(deallocations))
  }),
)

const layerPlural = HttpApiBuilder.group(
  Api,
  "networkPlural",
  Effect.fnUntraced(function* (handlers) {
    return handlers.handleAll(ofOne(yield* Deallocations.Deallocations))
  }),
)

export const layer = Layer.merge(layerSingular, layerPlural)
