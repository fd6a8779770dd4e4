/** A request as its handlers see it, by whatever host it came. */
import type { Effect } from "effect"
import type * as NetworkApi from "../contract/NetworkApi.ts"
import type * as Routes from "../contract/Routes.ts"

/**
 * What is read of a request.
 *
 * @category models
 */
export interface Received {
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body, of at most so many bytes; fails where there are more, or where it does not arrive whole. */
  readonly readBody: (maxBytes: number) => Effect.Effect<Uint8Array, "TooLarge" | "NotWhole">
}

/**
 * One of the network's.
 *
 * @category models
 */
export interface Call extends Received {
  readonly method: string
  readonly endpoint: NetworkApi.Endpoint
  readonly found: Routes.Found
  /** The address at the other end of the connection; none where the host does not know it. */
  readonly peer: string | undefined
  /** The name under which its sender is counted. */
  readonly caller: string
}
