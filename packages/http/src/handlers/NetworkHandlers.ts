/**
 * What the network's requests do, at the addresses and with the schemas that
 * NetworkApi.ts declares. They are nearly all of the load, so they do not pass
 * through `HttpApiBuilder`: with it, a reservation took a quarter of its time there.
 */
import { Holdfast, type Ledger, type Uuid } from "@holdfast/domain"
import { Effect, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { CallerLimits } from "../access/CallerLimits.ts"
import * as ConnectionTokens from "../access/ConnectionTokens.ts"
import { Credentials } from "../access/Credentials.ts"
import { Signature, type Signed } from "../access/Signature.ts"
import * as NetworkApi from "../contract/NetworkApi.ts"
import { type Problem, toResponse } from "../contract/Problems.ts"
import { WireState } from "../contract/WireState.ts"
import { Bodies, malformedBy } from "../request/Bodies.ts"
import type { Call } from "../request/Call.ts"
import { orProblem } from "../request/Failures.ts"
import { counted, note } from "../request/Seen.ts"

type Handler = (call: Call) => Effect.Effect<object, Problem>

const encodeState = Schema.encodeSync(WireState)

const header = NetworkApi.signatureHeader.toLowerCase()

/** A handler for each of the network's endpoints, by what it is about and the name it is declared with. */
const makeHandlers = Effect.fnUntraced(function* (edition: NetworkApi.Edition) {
  const holdfast = yield* Holdfast.Holdfast
  const credentials = yield* Credentials
  const { verify, coversBodies } = yield* Signature
  const { guard } = yield* CallerLimits
  const { readBytes, readAs } = yield* Bodies

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

  const handlersOf = (kind: NetworkApi.Kind): Readonly<Record<NetworkApi.Request, Handler>> => {
    const answerOf = NetworkApi.answerOf(kind, edition)
    const decodeParams = Schema.decodeUnknownEffect(Schema.Struct(NetworkApi.params[kind]), { errors: "all" })
    const idOf = ({ found: { params } }: Call) =>
      Effect.mapBothEager(decodeParams(params), {
        onSuccess: (params) => params[`${kind}Id`] as Uuid.Uuid,
        onFailure: ({ issue }) => malformedBy(issue),
      })

    /** For requests without a body: whatever came as one all the same. */
    const bodiless = <Answer, E>(act: (id: Uuid.Uuid, nonce: Ledger.Nonce) => Effect.Effect<Answer, E>) =>
      signed(
        (call, covers) =>
          coversBodies ? Effect.andThen(Effect.flatMap(readBytes(call), covers), idOf(call)) : idOf(call),
        act,
      )

    const settle = (name: "clear" | "release") =>
      bodiless((id, nonce) =>
        Effect.map(holdfast[name](kind, id, nonce).pipe(counted(kind, name), orProblem), answerOf),
      )

    return {
      reserve: signed(readAs(NetworkApi.requests[kind]), ({ terms, partnerTransferId }, nonce) =>
        Effect.andThen(
          note({ [`${kind}Id`]: terms.id, connectionId: terms.connectionId }),
          Effect.map(
            holdfast.reserve(kind, terms, nonce, partnerTransferId).pipe(counted(kind, "reserve"), orProblem),
            answerOf,
          ),
        ),
      ),
      find: bodiless(
        Effect.fnUntraced(function* (id, nonce) {
          // Side by side: each may take as long as the database may.
          const both = [holdfast.useNonce(nonce), Effect.result(holdfast.find(kind, id))] as const
          const [, found] = yield* orProblem(Effect.all(both, { concurrency: "unbounded" }))
          const transfer = yield* orProblem(Effect.fromResult(found))
          return { ...answerOf(transfer), status: encodeState(transfer.state) }
        }),
      ),
      clear: settle("clear"),
      release: settle("release"),
    }
  }

  const connect = signed(
    readAs(NetworkApi.ConnectRequest),
    Effect.fnUntraced(function* ({ connectionId, clientId, connectionToken }, nonce) {
      yield* note({ connectionId })
      const tokenHash = yield* Effect.provideService(
        ConnectionTokens.hashOfShown(connectionToken),
        Credentials,
        credentials,
      )
      const connection = yield* orProblem(holdfast.connect({ connectionId, clientId, tokenHash }, nonce))
      const { partnerClientId, partnersConnectionId } = connection
      return { clientId, connectionId, partnersClientId: partnerClientId, partnerClientId, partnersConnectionId }
    }),
  )

  const handlers = { deallocation: handlersOf("deallocation"), allocation: handlersOf("allocation") }
  return (endpoint: NetworkApi.Endpoint): Handler =>
    endpoint.of === "connection" ? connect : handlers[endpoint.of][endpoint.request]
})

/** Serves the network's endpoints. */
export const make = (edition: NetworkApi.Edition) =>
  Effect.map(
    makeHandlers(edition),
    (handlerOf) =>
      (call: Call): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
        Effect.matchEffect(handlerOf(call.endpoint)(call), { onSuccess: respond, onFailure: toResponse }),
  )

const respond = (answer: object) =>
  Effect.succeed(HttpServerResponse.text(JSON.stringify(answer), { contentType: "application/json" }))
