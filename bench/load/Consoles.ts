/**
 * Open consoles, without the browsers around them: each watches what its page shows. What comes is thrown away: browsers
 * read it on other machines.
 */
import { once } from "node:events"
import * as Http from "node:http"
import { text } from "node:stream/consumers"
import { Effect, Struct } from "effect"

/** What pages listen to, and for what they ask again when they hear that something changed. As `packages/console/src`. */
const pages: Record<Page, { readonly listensTo: string; readonly asksFor?: string }> = {
  overview: { listensTo: "/overview/stream" },
  deallocations: { listensTo: "/journal/changes/stream", asksFor: "/deallocations" },
  journal: { listensTo: "/journal/changes/stream?withEntries=true" },
}

export type Page = "overview" | "deallocations" | "journal"

export const names = Struct.keys(pages)

/** How long a page waits until it asks again where much happens. */
const livelyMillis = () => 2_000 + Math.random() * 1_000

const watch = async (url: string, operatorToken: string, page: Page) => {
  const { listensTo, asksFor } = pages[page]
  const headers = { authorization: `Bearer ${operatorToken}` }
  const agent = new Http.Agent({ keepAlive: true })
  const ask = async (path: string) => {
    const [response] = await once(Http.get(`${url}/operator/v1${path}`, { agent, headers }), "response")
    if (response.statusCode !== 200) throw new Error(`${path} is answered with ${response.statusCode}.`)
    return response as Http.IncomingMessage
  }
  const stream = await ask(listensTo)
  let bytes = 0
  let asked = 0
  let failure: unknown
  let timer: NodeJS.Timeout | undefined
  const again = async (path: string) => {
    asked++
    bytes += (await text(await ask(path))).length
    timer = undefined
  }
  const soon = (path: string) => {
    timer ??= setTimeout(() => {
      again(path).catch((error: unknown) => {
        failure = error
      })
    }, livelyMillis())
  }
  stream.on("data", ({ length }: Buffer) => {
    bytes += length
    if (asksFor !== undefined) soon(asksFor)
  })
  // Once it is closed, whatever it says.
  stream.on("error", () => {})
  return () => {
    clearTimeout(timer)
    stream.destroy()
    agent.destroy()
    if (failure !== undefined) throw failure
    return { bytes, asked }
  }
}

/** So many consoles, open as long as the scope; gives how many bytes each was sent, and how often it asked again, when all are closed. */
export const open = (count: number, url: string, operatorToken: string, page: Page) =>
  Effect.acquireRelease(
    Effect.promise(() => Promise.all(Array.from({ length: count }, () => watch(url, operatorToken, page)))),
    (consoles) => Effect.sync(() => consoles.map((close) => close())),
  ).pipe(Effect.map((consoles) => Effect.sync(() => consoles.map((close) => close()))))
