/**
 * Open consoles, without the browsers around them: each follows the journal, and asks anew for what the overview shows
 * as often as that page does. What comes is thrown away: browsers read it on other machines.
 */
import { once } from "node:events"
import * as Http from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { Effect } from "effect"

/** How long the page waits before it asks anew where much happens, in milliseconds: as `packages/console/src/Live.ts`. */
const livelyMillis = () => 2_000 + Math.random() * 1_000

const shown = ["/operator/v1/balances", "/operator/v1/overview"]

const look = async (url: string, operatorToken: string, after: string) => {
  const agent = new Http.Agent({ keepAlive: true })
  const ask = async (path: string): Promise<Http.IncomingMessage> => {
    const headers = { authorization: `Bearer ${operatorToken}` }
    const [response] = await once(Http.get(url + path, { agent, headers }), "response")
    if (response.statusCode !== 200) throw new Error(`${path} is answered with ${response.statusCode}.`)
    return response
  }
  const seen = { bytes: 0, looks: 0 }
  const journal = await ask(`/operator/v1/journal/stream?after=${after}`)
  let changed = false
  journal.on("data", ({ length }: Buffer) => {
    seen.bytes += length
    changed = true
  })
  let closed = false
  const looking = (async () => {
    while (!closed) {
      await sleep(livelyMillis())
      if (!changed || closed) continue
      changed = false
      seen.looks++
      await Promise.all(shown.map(async (path) => once((await ask(path)).resume(), "end")))
    }
  })()
  return async () => {
    closed = true
    await looking
    journal.destroy()
    agent.destroy()
    return seen
  }
}

/** The place at which the journal ends. */
const end = async (url: string, operatorToken: string) => {
  let after = "0"
  while (true) {
    const headers = { authorization: `Bearer ${operatorToken}` }
    const answer = await fetch(`${url}/operator/v1/journal?after=${after}&limit=200`, { headers })
    const { next, entries } = (await answer.json()) as { next: string; entries: ReadonlyArray<unknown> }
    if (entries.length === 0) return after
    after = next
  }
}

/** So many consoles, open as long as the scope; gives what each saw, when all are closed. */
export const open = (count: number, url: string, operatorToken: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const after = await end(url, operatorToken)
        return Promise.all(Array.from({ length: count }, () => look(url, operatorToken, after)))
      }),
      (consoles) => Effect.promise(() => Promise.all(consoles.map((close) => close()))),
    ),
    (consoles) => Effect.promise(() => Promise.all(consoles.map((close) => close()))),
  )
