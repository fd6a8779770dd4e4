/**
 * What the network's requests do, at the addresses and with the schemas that
 * NetworkApi.ts declares. They are nearly all of the load, so they do not pass
 * through `HttpApiBuilder`: with it, a reservation took a quarter of its time there.
 */
import { type Deallocation, Deallocations, type Ledger, type Uuid } from "@holdfast/domain"
import { Effect, Schema } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { Callers } from "../access/Callers.ts"
import { Signature, type Signed } from "../access/Signature.ts"
import * as Amounts from "../contract/Amounts.ts"
import * as NetworkApi from "../contract/NetworkApi.ts"
import { orProblem, type Problem, toResponse, Unauthorized } from "../contract/Problems.ts"
import type * as Routes from "../contract/Routes.ts"
import { State } from "../contract/State.ts"
import { Bodies, malformedBy } from "../request/Bodies.ts"
import { counted, note } from "../request/RequestLog.ts"

type Request = HttpServerRequest.HttpServerRequest
type Params = Routes.Found["params"]

type Handler = (request: Request, params: Params) => Effect.Effect<HttpServerResponse.HttpServerResponse>

/** The contract's object; a rejection has its reason. */
const answerOf = (deallocation: Deallocation.Deallocation): typeof NetworkApi.ReserveAnswer.Encoded => {
  const { deallocationId, amount, clientId, connectionId, partnersConnectionId, partnerClientId } = deallocation.terms
  const answer = {
    deallocationId,
    amount: Amounts.withNumber(amount),
    clientId,
    connectionId,
    partnersConnectionId,
    partnerClientId,
    partnerDeallocationId: deallocation.partnerDeallocationId,
  }
  return deallocation._tag === "Rejected" ? { ...answer, rejectionReason: deallocation.reason } : answer
}

const found = (deallocation: Deallocation.Deallocation): typeof NetworkApi.FindAnswer.Encoded => ({
  ...answerOf(deallocation),
  status: encodeState(deallocation._tag),
})

const encodeState = Schema.encodeSync(State)

const header = NetworkApi.signatureHeader.toLowerCase()
const decodeParams = Schema.decodeUnknownEffect(Schema.Struct(NetworkApi.params), { errors: "all" })
const idOf = (params: Params) =>
  Effect.mapBothEager(decodeParams(params), {
    onSuccess: ({ deallocationId }) => deallocationId,
    onFailure: ({ issue }) => malformedBy(issue),
  })

/** A handler for each of the network's endpoints, by the name it is declared with. */
const makeHandlers = Effect.gen(function* () {
  const deallocations = yield* Deallocations.Deallocations
  const { verify, coversBodies } = yield* Signature
  const { guard } = yield* Callers
  const { readBytes, readAs } = yield* Bodies
  const readReservation = readAs(NetworkApi.ReserveRequest)

  /**
   * A token that is answered is used: where a request cannot be understood, it is
   * used for the refusal, so that nobody can send it again with something better.
   * It stays good where the body is not the one that it was signed for: that is
   * somebody else's doing, and the one whom it belongs to is still to come.
   */
  const refused = (nonce: Ledger.Nonce) => (problem: Problem) =>
    problem instanceof Unauthorized
      ? Effect.fail(problem)
      : Effect.andThen(orProblem(deallocations.useNonce(nonce)), Effect.fail(problem))

  const signed =
    <Input>(
      understand: (request: Request, params: Params, covers: Signed["covers"]) => Effect.Effect<Input, Problem>,
      act: (input: Input, nonce: Ledger.Nonce) => Effect.Effect<object, Problem>,
    ): Handler =>
    (request, params) =>
      guard(
        request,
        Effect.flatMap(verify(request.headers[header] ?? ""), ({ nonce, covers }) =>
          understand(request, params, covers).pipe(
            Effect.catch(refused(nonce)),
            Effect.flatMap((input) => act(input, nonce)),
          ),
        ),
      ).pipe(
        Effect.matchEffect({
          onSuccess: (answer) => Effect.succeed(json(answer)),
          onFailure: toResponse,
        }),
      )

  /** For requests without a body: whatever came as one all the same. */
  const bodiless = (act: (id: Uuid.Uuid, nonce: Ledger.Nonce) => Effect.Effect<object, Problem>) =>
    signed(
      (request, params, covers) =>
        coversBodies ? Effect.andThen(Effect.flatMap(readBytes(request), covers), idOf(params)) : idOf(params),
      act,
    )

  const handlers: Record<NetworkApi.Endpoint, Handler> = {
    reserve: signed(
      (request, _, covers) => readReservation(request, covers),
      Effect.fnUntraced(function* (terms, nonce) {
        yield* note({ deallocationId: terms.deallocationId })
        return answerOf(yield* deallocations.reserve(terms, nonce).pipe(counted("reserve"), orProblem))
      }),
    ),
    find: bodiless(
      Effect.fnUntraced(function* (id, nonce) {
        return found(yield* orProblem(Effect.andThen(deallocations.useNonce(nonce), deallocations.find(id))))
      }),
    ),
    clear: bodiless(
      Effect.fnUntraced(function* (id, nonce) {
        return answerOf(yield* deallocations.clear(id, nonce).pipe(counted("clear"), orProblem))
      }),
    ),
    release: bodiless(
      Effect.fnUntraced(function* (id, nonce) {
        return answerOf(yield* deallocations.release(id, nonce).pipe(counted("release"), orProblem))
      }),
    ),
  }
  return handlers
})

/** Serves the network's addresses: gives nothing for any other address or method. */
export const make = Effect.map(makeHandlers, (handlers) => {
  const byAddress = new Map<string, Handler>()
  for (const { endpoints } of [NetworkApi.NetworkApi, NetworkApi.NetworkPluralApi]) {
    for (const [name, { method, path }] of Object.entries(endpoints)) {
      byAddress.set(`${method} ${path}`, handlers[name as NetworkApi.Endpoint])
    }
  }
  return (request: Request, { route, params }: Routes.Found) => {
    const method = request.method === "HEAD" ? "GET" : request.method
    return byAddress.get(`${method} ${route.pattern}`)?.(request, params)
  }
})

const json = (answer: object) => HttpServerResponse.text(JSON.stringify(answer), { contentType: "application/json" })
