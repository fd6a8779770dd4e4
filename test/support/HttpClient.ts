/** Calls a server as the network does, signed, and as the operator does, by the path. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Signing from "./Signing.ts"

interface Answer {
  readonly status: number
  /** The body, byte for byte. */
  readonly text: string
}

export type Call = (method: string, path: string, body?: unknown) => Promise<Answer>

export const make =
  (url: string, key: Signing.Key, operatorToken: string, signal?: AbortSignal, header: object = {}): Call =>
  async (method, path, body) => {
    const credentials: Record<string, string> = path.startsWith("/operator")
      ? { authorization: `Bearer ${operatorToken}` }
      : { "x-bitgo-signature": await Signing.token({}, { key, header }) }
    const content =
      body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
    const response = await fetch(`${url}${path}`, {
      method,
      ...content,
      ...(signal === undefined ? {} : { signal }),
      headers: { ...credentials, ...content.headers },
    })
    return { status: response.status, text: await response.text() }
  }

/** With the development key and the operator's token of a data directory. */
export const fromDirectory = (url: string, directory: string): Call =>
  make(
    url,
    Signing.readPrivateKey(readFileSync(join(directory, "bitgo-dev-private.pem"), "utf8")),
    readFileSync(join(directory, "operator-token"), "utf8").trim(),
  )
