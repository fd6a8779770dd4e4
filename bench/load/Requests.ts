/**
 * What the generator sends, as bytes that are ready before the window: each
 * request has a token of its own with a fresh `jti`.
 */
import { type KeyObject, randomInt, randomUUID, sign as signWith } from "node:crypto"
import { promisify } from "node:util"

/** What one connection does over and over, each request after the answer to the one before it. */
export interface Work {
  /** What is reserved and cleared: deallocations, unless it is said. Locks are the operator's. */
  readonly kind?: "deallocation" | "allocation" | "lock"
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
export const reserveBody = (id: string, number: number, kind: "deallocation" | "allocation" = "deallocation") =>
  JSON.stringify({ [`${kind}Id`]: id, amount: { currency, quantity }, ...account(number) })

/** Whoever asks: the network with its key, the operator with a token. */
export interface Askers {
  readonly key: KeyObject
  readonly operatorToken: string
}

/** The chain with an index, its tokens issued at `iat`. */
export const makeChain = async (
  work: Work,
  index: number,
  { key, operatorToken }: Askers,
  iat: number,
): Promise<Chain> => {
  const replayed = work.ids === undefined ? undefined : index % work.ids
  const id = replayed === undefined ? randomUUID() : numberedUuid("d", replayed)
  const place = replayed === undefined ? randomInt(work.accounts) : replayed % work.accounts
  const requests: Array<Buffer> = []
  const { kind = "deallocation" } = work
  for (const step of work.steps) {
    const number = 1 + place * work.stride
    if (kind === "lock") {
      const { connectionId } = account(number)
      const body = step === "reserve" ? JSON.stringify({ connectionId, amount: { currency, quantity } }) : ""
      const path = `/operator/v1/locks/${id}${step === "reserve" ? "" : "/clear"}`
      requests.push(request("PUT", path, `Authorization: Bearer ${operatorToken}`, body))
    } else {
      const credential = `X-BitGo-Signature: ${await makeToken(key, iat)}`
      requests.push(
        step === "reserve"
          ? request("POST", `/bitgo/v1/${kind}s`, credential, reserveBody(id, number, kind))
          : request("PUT", `/bitgo/v1/${kind}/${id}/clear`, credential, ""),
      )
    }
  }
  return { id, requests }
}

const request = (method: string, path: string, credential: string, body: string) =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${body === "" ? "" : "Content-Type: application/json\r\n"}` +
      `${credential}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
