/**
 * What the network's requests do, at the addresses and with the schemas that
 * NetworkApi.ts declares. They are nearly all of the load, so they do not pass
 * through `HttpApiBuilder`: with it, a reservation took a quarter of its time there.
 */
import { type Deallocation, Holdfast, type Ledger, type Uuid } from "@holdfast/domain"
import { Effect, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { CallerLimits } from "../access/CallerLimits.ts"
import { Signature, type Signed } from "../access/Signature.ts"
import * as NetworkApi from "../contract/NetworkApi.ts"
import { toResponse } from "../contract/Problems.ts"
import type * as Routes from "../contract/Routes.ts"
import * as WireAmount from "../contract/WireAmount.ts"
import { WireState } from "../contract/WireState.ts"
import { Bodies, malformedBy } from "../request/Bodies.ts"
import type { Call } from "../request/Call.ts"
import { orProblem } from "../request/Failures.ts"
import { counted, note } from "../request/RequestLog.ts"

type Params = Routes.Found["params"]

/** Each answers as its endpoint is declared, or does not compile. */
type Handlers = {
  readonly [Name in NetworkApi.Endpoint]: (
    call: Call,
  ) => Effect.Effect<NetworkApi.Answer<Name>, NetworkApi.Problem<Name>>
}

/** The contract's object; a rejection has its reason. */
const answerOf = (deallocation: Deallocation.Deallocation): NetworkApi.Answer<"reserve"> => {
  const { id, amount, clientId, connectionId, partnersConnectionId, partnerClientId } = deallocation.terms
  const answer = {
    deallocationId: id,
    amount: WireAmount.withNumber(amount),
    clientId,
    connectionId,
    partnersConnectionId,
    partnerClientId,
    partnerDeallocationId: deallocation.partnerTransferId,
  }
  return deallocation.state === "Rejected" ? { ...answer, rejectionReason: deallocation.reason } : answer
}

const found = (deallocation: Deallocation.Deallocation): NetworkApi.Answer<"find"> => ({
  ...answerOf(deallocation),
  status: encodeState(deallocation.state),
})

const encodeState = Schema.encodeSync(WireState)

const header = NetworkApi.signatureHeader.toLowerCase()
const decodeParams = Schema.decodeUnknownEffect(Schema.Struct(NetworkApi.params), { errors: "all" })
const idOf = (params: Params) =>
  Effect.mapBothEager(decodeParams(params), {
    onSuccess: ({ deallocationId }) => deallocationId,
    onFailure: ({ issue }) => malformedBy(issue),
  })

/** A handler for each of the network's endpoints, by the name it is declared with. */
const makeHandlers = Effect.gen(function* () {
  const holdfast = yield* Holdfast.Holdfast
  const { verify, coversBodies } = yield* Signature
  const { guard } = yield* CallerLimits
  const { readBytes, readAs } = yield* Bodies
  const readReservation = readAs(NetworkApi.ReserveRequest)

  /**
   * A token that is answered is used: where a request cannot be understood, it is
   * used for the refusal, so that nobody can send it again with something better.
   * It stays good where the body was not seen to be the one that it was signed for:
   * that may be somebody else's doing, and the one whom it belongs to is still to come.
   */
  const signed =
    <Input, Answer, E1, E2>(
      understand: (call: Call, covers: Signed["covers"]) => Effect.Effect<Input, E1>,
      act: (input: Input, nonce: Ledger.Nonce) => Effect.Effect<Answer, E2>,
    ) =>
    (call: Call) =>
      guard(
        call.caller,
        Effect.flatMap(verify(call.headers[header] ?? ""), ({ nonce, covers }) => {
          let isItsOwn = !coversBodies
          const inspect: typeof covers = (body) =>
            Effect.map(covers(body), () => {
              isItsOwn = true
            })
          return understand(call, coversBodies ? inspect : covers).pipe(
            Effect.tapError(() => (isItsOwn ? orProblem(holdfast.useNonce(nonce)) : Effect.void)),
            Effect.flatMap((input) => act(input, nonce)),
          )
        }),
      )

  /** For requests without a body: whatever came as one all the same. */
  const bodiless = <Answer, E>(act: (id: Uuid.Uuid, nonce: Ledger.Nonce) => Effect.Effect<Answer, E>) =>
    signed(
      (call, covers) =>
        coversBodies
          ? Effect.andThen(Effect.flatMap(readBytes(call), covers), idOf(call.found.params))
          : idOf(call.found.params),
      act,
    )

  const handlers: Handlers = {
    reserve: signed(
      readReservation,
      Effect.fnUntraced(function* (terms, nonce) {
        yield* note({ deallocationId: terms.id })
        return answerOf(yield* holdfast.reserve("deallocation", terms, nonce).pipe(counted("reserve"), orProblem))
      }),
    ),
    find: bodiless(
      Effect.fnUntraced(function* (id, nonce) {
        // Side by side: each may take as long as the database may.
        const both = [holdfast.useNonce(nonce), Effect.result(holdfast.find("deallocation", id))] as const
        const [, deallocation] = yield* orProblem(Effect.all(both, { concurrency: "unbounded" }))
        return found(yield* orProblem(Effect.fromResult(deallocation)))
      }),
    ),
    clear: bodiless(
      Effect.fnUntraced(function* (id, nonce) {
        return answerOf(yield* holdfast.clear("deallocation", id, nonce).pipe(counted("clear"), orProblem))
      }),
    ),
    release: bodiless(
      Effect.fnUntraced(function* (id, nonce) {
        return answerOf(yield* holdfast.release("deallocation", id, nonce).pipe(counted("release"), orProblem))
      }),
    ),
  }
  return handlers
})

/** Serves the network's endpoints. */
export const make = Effect.map(
  makeHandlers,
  (handlers) =>
    (call: Call): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
      Effect.matchEffect(handlers[call.endpoint](call), { onSuccess: respond, onFailure: toResponse }),
)

const respond = (answer: object) =>
  Effect.succeed(HttpServerResponse.text(JSON.stringify(answer), { contentType: "application/json" }))
