/**
 * Open consoles, without the browsers around them: each watches what its page shows. What comes is thrown away: browsers
 * read it on other machines.
 */
import { once } from "node:events"
import * as Http from "node:http"
import { Effect } from "effect"

/** What pages listen to: the overview to what it shows, all others to the journal. As `packages/console/src/Live.ts`. */
export type Page = "overview" | "journal"

const watch = async (url: string, operatorToken: string, page: Page) => {
  const headers = { authorization: `Bearer ${operatorToken}` }
  const ask = async (path: string) => {
    const [response] = await once(Http.get(`${url}/operator/v1${path}`, { agent: false, headers }), "response")
    if (response.statusCode !== 200) throw new Error(`${path} is answered with ${response.statusCode}.`)
    return response as Http.IncomingMessage
  }
  const last = JSON.parse((await (await ask("/journal/newest?limit=1")).toArray()).join("")) as {
    readonly next: string | null
  }
  const stream = await ask(page === "overview" ? "/overview/stream" : `/journal/stream?after=${last.next ?? 0}`)
  let bytes = 0
  stream.on("data", ({ length }: Buffer) => {
    bytes += length
  })
  // Once it is closed, whatever it says.
  stream.on("error", () => {})
  return () => {
    stream.destroy()
    return bytes
  }
}

/** So many consoles, open as long as the scope; gives how many bytes each was sent, when all are closed. */
export const open = (count: number, url: string, operatorToken: string, page: Page) =>
  Effect.acquireRelease(
    Effect.promise(() => Promise.all(Array.from({ length: count }, () => watch(url, operatorToken, page)))),
    (consoles) => Effect.sync(() => consoles.map((close) => close())),
  ).pipe(Effect.map((consoles) => Effect.sync(() => consoles.map((close) => close()))))
