/** Calls a server as the network does, signed, and as the operator does, by the path. */
import { randomUUID, sign } from "node:crypto"
import { readFileSync } from "node:fs"
import * as Http from "node:http"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import * as Signing from "./Signing.ts"

interface Answer {
  readonly status: number
  /** The body, byte for byte. */
  readonly text: string
}

export type Call = (method: string, path: string, body?: unknown) => Promise<Answer>

/** What a caller may want otherwise. */
interface Options {
  /** Gives up a call. */
  readonly timeoutMillis?: number
  /** More for the header of a signature. */
  readonly header?: object
}

export const make = (url: string, key: Signing.PrivateKey, operatorToken: string, options: Options = {}): Call => {
  const agent = new Http.Agent({ keepAlive: true })
  const { timeoutMillis, header = {} } = options
  return async (method, path, body) => {
    const credentials: Record<string, string> = path.startsWith("/operator")
      ? { authorization: `Bearer ${operatorToken}` }
      : { "x-bitgo-signature": token(key, header) }
    const content = body === undefined ? "" : JSON.stringify(body)
    const headers = {
      ...credentials,
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(content) }),
    }
    const response = await new Promise<Http.IncomingMessage>((resolve, reject) => {
      const signal = timeoutMillis === undefined ? {} : { signal: AbortSignal.timeout(timeoutMillis) }
      const request = Http.request(`${url}${path}`, { method, agent, headers, ...signal }, resolve)
      request.on("error", reject).end(content)
    })
    return { status: response.statusCode ?? 0, text: await text(response) }
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** A good token; signed at once, for one who calls often. */
const token = (key: Signing.PrivateKey, header: object): string => {
  const iat = Signing.now()
  const signed = `${encode({ alg: "RS256", ...header })}.${encode({ jti: randomUUID(), iat, exp: iat + 60 })}`
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`
}

/** With the development key and the operator's token of a data directory. */
export const fromDirectory = (url: string, directory: string): Call =>
  make(
    url,
    Signing.readPrivateKey(readFileSync(join(directory, "bitgo-dev-private.pem"), "utf8")),
    readFileSync(join(directory, "operator-token"), "utf8").trim(),
  )
