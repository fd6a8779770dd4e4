/**
 * What is played against the rules, and on their edges: signatures, bodies,
 * addresses and spellings.
 */
import { randomUUID } from "node:crypto"
import type { Terms } from "./Books.ts"
import {
  adjust,
  balances,
  clear,
  find,
  once,
  operator,
  refused,
  release,
  reserve,
  type Section,
  signed,
  type Wire,
  wire,
} from "./Calls.ts"
import * as Cast from "./Cast.ts"
import type { Credentials, Request } from "./Network.ts"

const wrongSignatures: ReadonlyArray<readonly [note: string, credentials: Credentials]> = [
  ["none", { _tag: "Nothing" }],
  ["empty", { _tag: "Verbatim", signature: "" }],
  ["no JWT", { _tag: "Verbatim", signature: "not-a-jwt" }],
  ["another key", signed({ signer: "stranger" })],
  ["claims exchanged after signing", signed({ tampered: true })],
  ["HS256, the public key as its secret", signed({ algorithm: "HS256" })],
  ["RS512", signed({ algorithm: "RS512" })],
  ["alg none", signed({ algorithm: "none" })],
  ["expired", signed({ issuedAfterSeconds: -90 })],
  ["valid for two minutes", signed({ lifetimeSeconds: 120 })],
  ["expires in two minutes, issued in the future", signed({ issuedAfterSeconds: 90 })],
  ["no exp", signed({ without: "exp" })],
  ["no iat", signed({ without: "iat" })],
  ["no jti", signed({ without: "jti" })],
  ["the operator's token instead", operator],
]

/** @category scenarios */
export const signatures = ({ trader }: Cast.Cast): Section => {
  const [standing, refusedHold, onceHold] = [Cast.hold(trader, "30"), Cast.hold(trader, "31"), Cast.hold(trader, "32")]
  const unsigned = { credentials: { _tag: "Nothing" } } satisfies Partial<Request>
  const [spent, jti] = [randomUUID(), randomUUID()]
  return {
    title: "Signatures",
    acts: [
      reserve(standing, "reserve"),
      ...wrongSignatures.map(([note, credentials]) => refused(401, reserve(refusedHold, note, { credentials }))),
      refused(401, clear(standing, "clear without a signature", unsigned)),
      refused(401, release(standing, "release without a signature", unsigned)),
      refused(401, find(standing, "status without a signature", unsigned)),
      refused(401, {
        ...balances(trader, "the network's signature at the operator's door"),
        request: { ...balances(trader, "").request, credentials: signed() },
      }),
      once(jti, reserve(onceHold, "a signature")),
      once(jti, reserve(onceHold, "the same jti for the same request")),
      once(jti, clear(onceHold, "the same jti for another request")),
      once(spent, find(onceHold, "a signature for a reading")),
      once(spent, reserve(refusedHold, "the same jti for a reservation")),
      find(refusedHold, "none of them did anything"),
      find(standing, "nor to this one"),
      balances(trader, "balances"),
    ],
  }
}

const wrongQuantities = [
  ...["", "0", "00", "007", "-5", "+5", " 5", "5 ", "1.0", "1e3", "0x10", "1_000", "٥", "NaN"],
  `${2n ** 256n}`,
  "1".padEnd(79, "0"),
]

const fields = [
  "deallocationId",
  "amount",
  "clientId",
  "connectionId",
  "partnersConnectionId",
  "partnerClientId",
] as const

/** Bodies made from one that is right. */
const wrongBodies: ReadonlyArray<readonly [note: string, body: (terms: Wire) => string]> = [
  ["no body", () => ""],
  ["no JSON", () => "{"],
  ["a list", (terms) => JSON.stringify([terms])],
  ["null", () => "null"],
  ["60,000 brackets", () => "[".repeat(60_000)],
  ["a key twice, with two values", (terms) => JSON.stringify(terms).replace("{", `{"clientId":"${randomUUID()}",`)],
  ...fields.map((field) => [`no ${field}`, (terms: Wire) => JSON.stringify({ ...terms, [field]: undefined })] as const),
  ["no currency", (terms) => JSON.stringify({ ...terms, amount: { quantity: "5" } })],
  ["no quantity", (terms) => JSON.stringify({ ...terms, amount: { currency: "BTC" } })],
  ["a quantity that is a number", (terms) => JSON.stringify({ ...terms, amount: { currency: "BTC", quantity: 5 } })],
  ...wrongQuantities.map(
    (quantity) =>
      [
        `the quantity ${quantity.length > 20 ? `of ${quantity.length} digits` : JSON.stringify(quantity)}`,
        (terms: Wire) => JSON.stringify({ ...terms, amount: { currency: "BTC", quantity } }),
      ] as const,
  ),
  ["an empty currency", (terms) => JSON.stringify({ ...terms, amount: { currency: "", quantity: "5" } })],
  ["a currency with a space", (terms) => JSON.stringify({ ...terms, amount: { currency: "B TC", quantity: "5" } })],
  [
    "a currency of 129 characters",
    (terms) => JSON.stringify({ ...terms, amount: { currency: "B".repeat(129), quantity: "5" } }),
  ],
  ["a deallocationId that is no UUID", (terms) => JSON.stringify({ ...terms, deallocationId: "17" })],
  ["a clientId that is no UUID", (terms) => JSON.stringify({ ...terms, clientId: "17" })],
  ["a connectionId that is null", (terms) => JSON.stringify({ ...terms, connectionId: null })],
  ["an empty partnersConnectionId", (terms) => JSON.stringify({ ...terms, partnersConnectionId: "" })],
  ["a partnersConnectionId with a NUL", (terms) => JSON.stringify({ ...terms, partnersConnectionId: "a\0b" })],
  ["a partnerClientId that is a number", (terms) => JSON.stringify({ ...terms, partnerClientId: 17 })],
]

/** @category scenarios */
export const malformed = ({ trader }: Cast.Cast): Section => {
  const hold = Cast.hold(trader, "5")
  const tooLarge = JSON.stringify({ ...wire(hold), padding: "x".repeat(64 * 1024) })
  const at = (path: string, method: string): Partial<Request> => ({ path, method })
  return {
    title: "Malformed requests",
    acts: [
      ...wrongBodies.map(([note, body]) => refused(400, reserve(hold, note, { body: body(wire(hold)) }))),
      refused(400, clear({ kind: "deallocation", id: "17" }, "an id that is no UUID")),
      refused(415, reserve(hold, "JSON under another name", { contentType: "text/plain" })),
      refused(415, reserve(hold, "a form", { contentType: "application/x-www-form-urlencoded" })),
      refused(413, reserve(hold, "more than 64 KiB", { body: tooLarge })),
      refused(404, reserve(hold, "an unknown address", { path: "/bitgo/v1/withdrawals" })),
      refused(404, find(hold, "an unknown address", { path: `/bitgo/v1/deallocation/${hold.id}/cancel` })),
      refused(405, find(hold, "a wrong method", at("/bitgo/v1/deallocations", "GET"))),
      refused(405, find(hold, "a wrong method", at(`/bitgo/v1/deallocation/${hold.id}`, "DELETE"))),
      refused(405, find(hold, "a wrong method", at(`/bitgo/v1/deallocation/${hold.id}/clear`, "POST"))),
      refused(400, adjust(randomUUID(), Cast.credit(trader, "1.5"), "the operator's quantities are whole, too")),
      find(hold, "none of them did anything"),
      balances(trader, "balances"),
    ],
  }
}

/** @category scenarios */
export const spellings = ({ trader }: Cast.Cast): Section => {
  const [hold, aliased, extended] = [Cast.hold(trader, "100"), Cast.hold(trader, "200"), Cast.hold(trader, "300")]
  const { partnerClientId, ...rest } = wire(aliased)
  const upperCase = {
    ...wire(hold),
    deallocationId: hold.id.toUpperCase(),
    clientId: hold.clientId.toUpperCase(),
    connectionId: hold.connectionId.toUpperCase(),
  }
  const plural = ({ id }: Terms, move: string) => ({
    path: `/bitgo/v1/deallocations/${id}${move}`,
  })
  const upperCasePath = (move: string) => ({ path: `/bitgo/v1/deallocation/${upperCase.deallocationId}${move}` })
  return {
    title: "Spellings",
    acts: [
      reserve(hold, "upper-case UUIDs", { body: JSON.stringify(upperCase) }),
      reserve(hold, "the same in lower case"),
      find(hold, "upper case in the path", upperCasePath("")),
      clear(hold, "upper case in the path", upperCasePath("/clear")),
      reserve(aliased, "the alias partnersClientId", {
        body: JSON.stringify({ ...rest, partnersClientId: partnerClientId }),
      }),
      reserve(aliased, "the same under its first name"),
      find(aliased, "a plural path", plural(aliased, "")),
      release(aliased, "a plural path", plural(aliased, "/release")),
      reserve(extended, "fields that nobody knows yet", {
        body: JSON.stringify({ ...wire(extended), since: 2027, network: null }),
      }),
      reserve(extended, "JSON with a charset", { contentType: "application/json; charset=utf-8" }),
      clear(extended, "a plural path", plural(extended, "/clear")),
      balances(trader, "balances"),
    ],
  }
}
