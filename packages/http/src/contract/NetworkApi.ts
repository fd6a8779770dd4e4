/**
 * The network's side: what BitGo calls. Deallocations and allocations mirror each
 * other, so both are made from one description. A refusal of one is a 200 with
 * `rejectionReason`. Guides of all editions are read; in which one is answered is
 * a setting ({@link Edition}).
 * This describes it; NetworkHandlers.ts serves it.
 */
import { Allocation, Connection, Deallocation, type Ledger, Transfer, Uuid } from "@holdfast/domain"
import { Schema, SchemaTransformation } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import * as Problems from "./Problems.ts"
import * as WireAmount from "./WireAmount.ts"
import { WireState } from "./WireState.ts"

/**
 * The header that the signature stands in.
 *
 * ```ts
 * import { signatureHeader } from "@holdfast/http/NetworkApi"
 * import assert from "node:assert/strict"
 *
 * assert.equal(signatureHeader, "X-BitGo-Signature")
 * ```
 *
 * @category constants
 */
export const signatureHeader = "X-BitGo-Signature"

/** Only signed requests pass. */
class Signed extends HttpApiMiddleware.Service<Signed>()("@holdfast/http/Signed", {
  error: [Problems.Unauthorized, Problems.TooManyRequestsRetryAfter],
  security: {
    signature: HttpApiSecurity.apiKey({ key: signatureHeader }).pipe(
      HttpApiSecurity.annotate(
        OpenApi.Description,
        "A JWT, RS256, signed with the network's key (2048 bits or more), with `iat`, `exp` at most 60 s later, and a `jti` that was not used before. `kid` may name the key. The description of this document has a program that makes one.",
      ),
    ),
  },
}) {}

/**
 * The edition of the guides that answers keep to: `first` has `partnerClientId`, `partnerDeallocationId` and a quantity
 * as a JSON number, `later` has `partnersClientId`, `partnersDeallocationId` and a quantity as a string of digits.
 *
 * ```ts
 * import * as NetworkApi from "@holdfast/http/NetworkApi"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(NetworkApi.Edition.literals, ["first", "later"])
 * ```
 *
 * @category schemas
 */
export const Edition = Schema.Literals(["first", "later"])

export type Edition = typeof Edition.Type

/**
 * The kinds that the network asks for.
 *
 * @category models
 */
export type Kind = "deallocation" | "allocation"

/** The names of fields that have a kind's name in them. */
const namesOf = (kind: Kind) => {
  const noun = kind === "deallocation" ? "Deallocation" : "Allocation"
  return { id: `${kind}Id`, partnerId: { first: `partner${noun}Id`, later: `partners${noun}Id` } }
}

const clientNames = { first: "partnerClientId", later: "partnersClientId" } as const

const { connectionId, clientId, partnersConnectionId, partnerClientId } = Connection.Connection.fields

/** What a reservation asks for: the terms, and perhaps an id that the partner has for it already. */
const Reservation = Schema.Struct({
  terms: Schema.toType(Deallocation.Terms),
  partnerTransferId: Schema.optionalKey(Transfer.PartnerTransferId),
})

type Body = Readonly<Record<string, unknown>>

/** One field under the names of two editions: with different values it says nothing. */
const disagreement = (body: Body, { first, later }: typeof clientNames | ReturnType<typeof namesOf>["partnerId"]) =>
  body[first] === undefined || body[later] === undefined || body[first] === body[later]
    ? undefined
    : { path: [later], issue: `Differs from ${first}, of which it is another name.` }

/** What a reservation is asked with, in any edition. */
const requestOf = (kind: Kind) => {
  const { id, partnerId } = namesOf(kind)
  const given = kind === "allocation" ? Schema.optionalKey(Transfer.PartnerTransferId) : undefined
  const fields: Schema.Struct.Fields = {
    [id]: Uuid.FromString,
    amount: kind === "allocation" ? WireAmount.FromStringOrNumber : WireAmount.FromString,
    clientId,
    connectionId,
    partnersConnectionId,
    [clientNames.first]: Schema.optionalKey(partnerClientId),
    [clientNames.later]: Schema.optionalKey(partnerClientId),
    ...(given && { [partnerId.first]: given, [partnerId.later]: given }),
  }
  return (Schema.Struct(fields) as unknown as Schema.Codec<Body, Body>)
    .check(
      Schema.makeFilter((body: Body) =>
        body[clientNames.first] === undefined && body[clientNames.later] === undefined
          ? { path: [clientNames.first], issue: "Missing key" }
          : (disagreement(body, clientNames) ?? disagreement(body, partnerId)),
      ),
    )
    .pipe(
      Schema.decodeTo(
        Reservation,
        SchemaTransformation.transform({
          decode: (body: Body) => {
            const own = body[partnerId.first] ?? body[partnerId.later]
            const { amount, clientId, connectionId, partnersConnectionId } = body
            const partnerClientId = body[clientNames.first] ?? body[clientNames.later]
            const terms = { id: body[id], amount, clientId, connectionId, partnersConnectionId, partnerClientId }
            return { terms, ...(own === undefined ? {} : { partnerTransferId: own }) } as typeof Reservation.Encoded
          },
          encode: ({ terms: { id: transferId, ...terms }, partnerTransferId }): Body => ({
            [id]: transferId,
            ...terms,
            ...(partnerTransferId === undefined ? {} : { [partnerId.first]: partnerTransferId }),
          }),
        }),
      ),
    )
}

/**
 * What a reservation is asked with, by the kind: the bodies of all editions are read.
 *
 * ```ts
 * import * as NetworkApi from "@holdfast/http/NetworkApi"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const { terms } = Schema.decodeUnknownSync(NetworkApi.requests.deallocation)({
 *   deallocationId: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: "2" },
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   // Its name in later editions.
 *   partnersClientId: "client-3",
 * })
 * assert.deepEqual([terms.amount.quantity, terms.partnerClientId], [2n, "client-3"])
 * ```
 *
 * @category schemas
 */
export const requests = { deallocation: requestOf("deallocation"), allocation: requestOf("allocation") }

const reasons = { deallocation: Deallocation.RejectionReason, allocation: Allocation.RejectionReason }

/** The contract's object, as an edition has it. */
const settleAnswerOf = (kind: Kind, edition: Edition): Schema.Struct.Fields => {
  const { id, partnerId } = namesOf(kind)
  return {
    [id]: Uuid.FromString,
    amount: edition === "first" ? WireAmount.ToNumber : WireAmount.FromString,
    clientId,
    connectionId,
    partnersConnectionId,
    [clientNames[edition]]: partnerClientId,
    [partnerId[edition]]: Transfer.PartnerTransferId,
  }
}

const titles: Readonly<Record<Edition, string>> = { first: "First edition", later: "Later editions" }

const answersOf = (kind: Kind) => {
  const inEach = (more: Schema.Struct.Fields) =>
    Schema.Union(
      Edition.literals.map((edition) =>
        Schema.Struct({ ...settleAnswerOf(kind, edition), ...more }).annotate({ title: titles[edition] }),
      ),
    ).annotate({ description: `The ${kind}, in the edition that the server is set to (\`CONTRACT_EDITION\`).` })
  const reserved = { rejectionReason: Schema.optionalKey(reasons[kind]) }
  return { reserve: inEach(reserved), find: inEach({ ...reserved, status: WireState }), settle: inEach({}) }
}

/**
 * Writes a transfer as the contract's object, in an edition; a rejection has its reason.
 *
 * ```ts
 * import { Deallocation } from "@holdfast/domain"
 * import * as NetworkApi from "@holdfast/http/NetworkApi"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 2n },
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const recorded = { kind: "deallocation", terms, partnerTransferId: "w-7", createdAt: at, updatedAt: at } as const
 * const write = NetworkApi.answerOf("deallocation", "later")
 * const answer = write({ ...recorded, state: "Rejected", reason: "INSUFFICIENT_BALANCE" })
 * assert.deepEqual(answer["amount"], { currency: "BTC", quantity: "2" })
 * assert.deepEqual([answer["partnersClientId"], answer["rejectionReason"]], ["client-3", "INSUFFICIENT_BALANCE"])
 * ```
 *
 * @category conversions
 */
export const answerOf = (kind: Kind, edition: Edition) => {
  const { id, partnerId } = namesOf(kind)
  const [ofClient, ofPartner] = [clientNames[edition], partnerId[edition]]
  const amountOf = edition === "first" ? WireAmount.withNumber : WireAmount.withString
  return (transfer: Extract<Ledger.Transfer, { readonly kind: Kind }>): Body => {
    const { amount, clientId, connectionId, partnersConnectionId, partnerClientId } = transfer.terms
    const answer: Record<string, unknown> = {
      [id]: transfer.terms.id,
      amount: amountOf(amount),
      clientId,
      connectionId,
      partnersConnectionId,
      [ofClient]: partnerClientId,
      [ofPartner]: transfer.partnerTransferId,
    }
    if (transfer.state === "Rejected") answer["rejectionReason"] = transfer.reason
    return answer
  }
}

/** What stands in the path. */
const paramsOf = (kind: Kind) => ({ [namesOf(kind).id]: Uuid.FromString })

/**
 * What stands in the paths of a kind's calls, by the kind.
 *
 * ```ts
 * import * as NetworkApi from "@holdfast/http/NetworkApi"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const decode = Schema.decodeUnknownSync(Schema.Struct(NetworkApi.params.allocation))
 * const params = decode({ allocationId: "018F3F1E-0000-7000-8000-000000000003" })
 * assert.deepEqual(params, { allocationId: "018f3f1e-0000-7000-8000-000000000003" })
 * ```
 *
 * @category schemas
 */
export const params = { deallocation: paramsOf("deallocation"), allocation: paramsOf("allocation") }

const notFound = { deallocation: Problems.DeallocationNotFound, allocation: Problems.AllocationNotFound }

/** What an id is called: its noun, and that noun with its article. */
const nouns = { deallocation: "a deallocation", allocation: "an allocation" }

const says = {
  deallocation: {
    reserve: [
      "Hold an amount for a deallocation.",
      "It becomes RESERVED: available balance is held. Or it is REJECTED, which is a 200 too, with `rejectionReason`: no balance moves, and the id keeps that answer for good.",
    ],
    clear: [
      "Finalise a deallocation.",
      "It becomes CLEARED: what was held has left the account, and shows as deallocated.",
    ],
    release: ["Give a deallocation up.", "It becomes RELEASED: what was held is available again."],
  },
  allocation: {
    reserve: [
      "Announce an allocation.",
      "It becomes RESERVED: the amount is pending, to be neither traded nor deallocated. Or it is REJECTED, which is a 200 too, with `rejectionReason`: the id keeps that answer for good.",
    ],
    clear: ["Bring an allocation in.", "It becomes CLEARED: what was pending is available."],
    release: ["Give an allocation up.", "It becomes RELEASED: what was pending is gone."],
  },
} as const

const again = "Sent again, it does nothing and has the same answer."

const saying = ([summary, description]: readonly [string, string], more = "") =>
  OpenApi.annotations({ summary, description: `${description} ${more}`.trim() })

const reserveOf = (kind: Kind) =>
  HttpApiEndpoint.post("reserve", `/bitgo/v1/${kind}s`, {
    payload: requests[kind],
    success: answersOf(kind).reserve,
    error: [
      Problems.PayloadTooLarge,
      Problems.UnsupportedMediaType,
      Problems.TermsMismatch,
      Problems.StateConflict,
      Problems.IdInUse,
      Problems.UnavailableRetryAfter,
    ],
  }).annotateMerge(saying(says[kind].reserve, `${again} With other terms it is a 409 that names each difference.`))

const ofOne = (kind: Kind, path: `/${string}`) => {
  const answers = answersOf(kind)
  const one = { params: params[kind] }
  const settled = [
    Problems.PayloadTooLarge,
    notFound[kind],
    Problems.StateConflict,
    Problems.IdInUse,
    Problems.UnavailableRetryAfter,
  ] as const
  const id = `${path}/:${namesOf(kind).id}` as const
  return [
    HttpApiEndpoint.get("find", id, {
      ...one,
      success: answers.find,
      error: [Problems.PayloadTooLarge, notFound[kind], Problems.UnavailableRetryAfter],
    }).annotateMerge(
      saying([`Find ${nouns[kind]}.`, "What was answered when it was asked for, with the state that it is in now."]),
    ),
    HttpApiEndpoint.put("clear", `${id}/clear`, { ...one, success: answers.settle, error: settled }).annotateMerge(
      saying(says[kind].clear, again),
    ),
    HttpApiEndpoint.put("release", `${id}/release`, { ...one, success: answers.settle, error: settled }).annotateMerge(
      saying(says[kind].release, again),
    ),
  ] as const
}

/**
 * What the network shows to have a client's account connected. Other fields of theirs say nothing to us.
 *
 * ```ts
 * import * as NetworkApi from "@holdfast/http/NetworkApi"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isRequest = Schema.is(NetworkApi.ConnectRequest)
 * const ids = {
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 * }
 * assert.ok(isRequest({ ...ids, connectionToken: "a-token-that-nobody-guesses" }))
 * assert.ok(!isRequest({ ...ids, connectionToken: "" }))
 * ```
 *
 * @category schemas
 */
export const ConnectRequest = Schema.Struct({
  clientId,
  connectionId,
  connectionToken: Schema.String.check(Schema.isNonEmpty()),
})

/** Each reader finds the partner's name of the client. */
const ConnectAnswer = Schema.Struct({
  clientId,
  connectionId,
  partnersClientId: partnerClientId,
  partnerClientId,
  partnersConnectionId,
}).annotate({ description: "The connection." })

const connect = HttpApiEndpoint.post("connect", "/bitgo/v1/connections", {
  payload: ConnectRequest,
  success: ConnectAnswer,
  error: [
    Problems.PayloadTooLarge,
    Problems.UnsupportedMediaType,
    Problems.ConnectionConflict,
    Problems.AccountConnected,
    Problems.ConnectionTokenRefused,
    Problems.UnavailableRetryAfter,
  ],
}).annotateMerge(
  saying([
    "Connect a client's account.",
    "The account is the one that the token was issued for. The token works once; sent again, it is the same connection, whatever has become of the token.",
  ]),
)

/**
 * The network's calls, in groups: guides have each path in the singular or the plural, and both are answered.
 *
 * ```ts
 * import * as NetworkApi from "@holdfast/http/NetworkApi"
 * import assert from "node:assert/strict"
 *
 * const names = NetworkApi.groups.map(({ identifier }) => identifier)
 * assert.deepEqual(names, ["network", "networkPlural", "allocations", "allocationsPlural", "connecting"])
 * ```
 *
 * @category descriptions
 */
export const groups = [
  HttpApiGroup.make("network")
    .annotate(OpenApi.Title, "Deallocations")
    .add(reserveOf("deallocation"), ...ofOne("deallocation", "/bitgo/v1/deallocation"))
    .middleware(Signed),
  HttpApiGroup.make("networkPlural")
    .annotate(OpenApi.Title, "Deallocations, plural")
    .add(...ofOne("deallocation", "/bitgo/v1/deallocations"))
    .middleware(Signed),
  HttpApiGroup.make("allocations")
    .annotate(OpenApi.Title, "Allocations")
    .add(reserveOf("allocation"), ...ofOne("allocation", "/bitgo/v1/allocation"))
    .middleware(Signed),
  HttpApiGroup.make("allocationsPlural")
    .annotate(OpenApi.Title, "Allocations, plural")
    .add(...ofOne("allocation", "/bitgo/v1/allocations"))
    .middleware(Signed),
  HttpApiGroup.make("connecting").annotate(OpenApi.Title, "Connecting").add(connect).middleware(Signed),
] as const

/**
 * The names of the endpoints of a kind, the same under either spelling.
 *
 * @category models
 */
export type Request = "reserve" | "find" | "clear" | "release"

/**
 * One of the network's requests.
 *
 * @category models
 */
export type Endpoint =
  | { readonly of: Kind; readonly request: Request }
  | { readonly of: "connection"; readonly request: "connect" }

const kindsOfGroups: Readonly<Record<string, Kind>> = {
  network: "deallocation",
  networkPlural: "deallocation",
  allocations: "allocation",
  allocationsPlural: "allocation",
}

/**
 * The network's endpoint that is declared with this name in this group, if it is one.
 *
 * ```ts
 * import * as NetworkApi from "@holdfast/http/NetworkApi"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(NetworkApi.endpointOf("networkPlural", "clear"), { of: "deallocation", request: "clear" })
 * assert.equal(NetworkApi.endpointOf("operator", "adjust"), undefined)
 * ```
 *
 * @category getters
 */
export const endpointOf = (group: string, name: string): Endpoint | undefined => {
  if (group === "connecting") return { of: "connection", request: "connect" }
  const kind = kindsOfGroups[group]
  return kind && { of: kind, request: name as Request }
}
