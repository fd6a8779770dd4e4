/**
 * What the generator sends, as bytes that are ready before the window: each
 * request has a token of its own with a fresh `jti`.
 */
import { type KeyObject, randomInt, randomUUID, sign as signWith } from "node:crypto"
import { promisify } from "node:util"

/** What one connection does over and over, each request after the answer to the one before it. */
export interface Work {
  readonly steps: ReadonlyArray<"reserve" | "clear">
  /** How many accounts the work is spread over. */
  readonly accounts: number
  /** Every how many-th of the registered accounts is one of them. */
  readonly stride: number
  /** Where given, only so many ids are in use: what is sent again is a replay. */
  readonly ids?: number
}

/** The requests that concern one deallocation. */
export interface Chain {
  readonly id: string
  readonly requests: ReadonlyArray<Buffer>
}

export const currency = "ETH"
/** One ether and one wei: a double cannot hold it. */
export const quantity = "1000000000000000001"
export const lifetimeSeconds = 60

/** The identifiers of the account with a number from 1 on, as {@link ../Database.ts} registers them. */
export const account = (number: number) => ({
  clientId: numberedUuid("c", number),
  connectionId: numberedUuid("a", number),
  partnersConnectionId: `account-${number}`,
  partnerClientId: `client-${number}`,
})

const numberedUuid = (group: string, number: number) =>
  `${group.repeat(8)}-0000-4000-8000-${number.toString(16).padStart(12, "0")}`

const signAsync = promisify<string, Buffer, KeyObject, Buffer>(signWith)
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
const header = base64url({ alg: "RS256", typ: "JWT" })

/** A token as the network makes it. The signature is computed in libuv's thread pool, so that several run at once. */
export const makeToken = async (key: KeyObject, iat: number, jti: string = randomUUID()) => {
  const signed = `${header}.${base64url({ iat, exp: iat + lifetimeSeconds, jti })}`
  const signature = await signAsync("RSA-SHA256", Buffer.from(signed), key)
  return `${signed}.${signature.toString("base64url")}`
}

/** The body of a reservation. */
export const reserveBody = (deallocationId: string, number: number) =>
  JSON.stringify({ deallocationId, amount: { currency, quantity }, ...account(number) })

/** The chain with an index, its tokens issued at `iat`. */
export const makeChain = async (work: Work, index: number, key: KeyObject, iat: number): Promise<Chain> => {
  const replayed = work.ids === undefined ? undefined : index % work.ids
  const id = replayed === undefined ? randomUUID() : numberedUuid("d", replayed)
  const place = replayed === undefined ? randomInt(work.accounts) : replayed % work.accounts
  const requests: Array<Buffer> = []
  for (const step of work.steps) {
    const token = await makeToken(key, iat)
    requests.push(step === "reserve" ? reserve(token, reserveBody(id, 1 + place * work.stride)) : clear(token, id))
  }
  return { id, requests }
}

const reserve = (token: string, body: string) =>
  Buffer.from(
    "POST /bitgo/v1/deallocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
      `X-BitGo-Signature: ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )

const clear = (token: string, id: string) =>
  Buffer.from(
    `PUT /bitgo/v1/deallocation/${id}/clear HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
      `X-BitGo-Signature: ${token}\r\nContent-Length: 0\r\n\r\n`,
  )
