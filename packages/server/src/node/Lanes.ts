/**
 * Which share of the server a request is answered from. What the server is for
 * comes with credentials that may be looked at; everything else is open to
 * anybody, and must not keep those waiting, nor the ones who watch over the server.
 */
import type { IncomingMessage } from "node:http"
import type * as App from "@holdfast/http/App"
import { CallerLimits } from "@holdfast/http/CallerLimits"
import * as Routes from "@holdfast/http/Routes"
import { SystemApi } from "@holdfast/http/SystemApi"
import { Effect } from "effect"

export type Lane = "signed" | "health" | "open"

/** What a request belongs to, what it names, and under which name its caller is counted. */
export interface Place {
  readonly lane: Lane
  readonly found: Routes.Found | undefined
  readonly caller: string
}

const { live, ready } = SystemApi.endpoints
const health: ReadonlySet<string> = new Set([live.path, ready.path])

/** Says it of a request before anything else is known of it: what would be refused before its credentials are looked at has none. */
export const make = Effect.fnUntraced(function* ({ maxUrlLength }: Pick<App.Options, "maxUrlLength">) {
  const { callerOf, mustWait } = yield* CallerLimits
  const laneOf = ({ method = "", headers }: IncomingMessage, found: Routes.Found | undefined, caller: string): Lane => {
    if (found === undefined) return "open"
    const { pattern, methods, credentials } = found.route
    if (health.has(pattern)) return "health"
    const isSigned = credentials.some((name) => headers[name] !== undefined) && methods.includes(method)
    return isSigned && !mustWait(caller) ? "signed" : "open"
  }
  return (request: IncomingMessage): Place => {
    const { url = "", headers, socket } = request
    const target = url.length > maxUrlLength ? "Malformed" : Routes.find(url)
    const found = typeof target === "string" ? undefined : target
    const forwardedFor = headers["x-forwarded-for"]?.toString()
    const caller = callerOf({ peer: socket.remoteAddress, forwardedFor })
    return { lane: laneOf(request, found, caller), found, caller }
  }
})
