/**
 * Who calls, by address, how often, and how often in vain. An address that asks or
 * is refused too often has to wait before its credentials are looked at again, so
 * that nobody can try tokens at will or keep us busy with checking signatures.
 */
import { Clock, Context, Effect, Layer } from "effect"
import { TooManyRequests, Unauthorized } from "../contract/Problems.ts"
import * as Addresses from "./Addresses.ts"
import { checkLimits, InvalidOption } from "./InvalidOption.ts"
import { TokenBuckets } from "./TokenBuckets.ts"

/**
 * How much is let through, and whose word on the sender is taken.
 *
 * @category models
 */
export interface Options {
  /** Of one address. */
  readonly maxRequestsPerSecond: number
  readonly maxRefusalsPerMinute: number
  /** Addresses and subnets whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: ReadonlyArray<string>
}

/**
 * Where a request came from.
 *
 * @category models
 */
export interface Origin {
  /** The address at the other end of the connection; none where the host does not know it. */
  readonly peer: string | undefined
  /** `X-Forwarded-For`: what was said of those behind it. */
  readonly forwardedFor: string | undefined
}

/**
 * Counts what callers ask, and what they were refused. Its `guard` fails with
 * {@link TooManyRequests} where a caller has to wait.
 *
 * ```ts
 * import * as CallerLimits from "@holdfast/http/CallerLimits"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const limits = CallerLimits.layer({ maxRequestsPerSecond: 1, maxRefusalsPerMinute: 60, trustedProxies: [] })
 * const program = Effect.gen(function* () {
 *   const { guard } = yield* CallerLimits.CallerLimits
 *   const first = yield* guard("192.0.2.1", Effect.succeed("answered"))
 *   const second = yield* Effect.flip(guard("192.0.2.1", Effect.succeed("answered")))
 *   return [first, second.retryAfterSeconds]
 * })
 * assert.deepEqual(Effect.runSync(Effect.provide(program, limits)), ["answered", 1])
 * ```
 *
 * @category services
 */
export class CallerLimits extends Context.Service<
  CallerLimits,
  {
    /** Who sent a request: the name under which it is counted. */
    readonly callerOf: (origin: Origin) => string
    /** The name under which connections from an address are counted; none for a trusted proxy. */
    readonly peerOf: (address: string) => string | undefined
    /** Whether a caller's next request would not be looked at. */
    readonly mustWait: (caller: string) => boolean
    /** Answers a request, unless its caller has to wait; counts it, and where its credentials are refused once more. */
    readonly guard: <A, E, R>(
      caller: string,
      answer: Effect.Effect<A, E, R>,
    ) => Effect.Effect<A, E | TooManyRequests, R>
  }
>()("@holdfast/http/CallerLimits") {}

/**
 * The limits of one process. Fails with {@link InvalidOption} where a limit is no
 * number of 1 or more, or a trusted proxy is neither an address nor a network.
 *
 * ```ts
 * import * as CallerLimits from "@holdfast/http/CallerLimits"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const limits = (proxy: string) =>
 *   CallerLimits.layer({ maxRequestsPerSecond: 100, maxRefusalsPerMinute: 60, trustedProxies: [proxy] })
 * const caller = Effect.map(CallerLimits.CallerLimits, ({ callerOf }) =>
 *   callerOf({ peer: "10.0.0.1", forwardedFor: "203.0.113.9, 192.0.2.1" }),
 * )
 * // What a proxy that is trusted says of whom it passes on is believed, and no more.
 * assert.equal(Effect.runSync(Effect.provide(caller, limits("10.0.0.0/8"))), "192.0.2.1")
 * assert.equal(Effect.runSync(Effect.provide(caller, limits("10.9.9.9"))), "10.0.0.1")
 *
 * const error = Effect.runSync(Effect.flip(Effect.provide(caller, limits("10.0.0.1/8"))))
 * assert.match(error.message, /^trustedProxies: .* Got 10\.0\.0\.1\/8\.$/)
 * ```
 *
 * @category layers
 */
export const layer = ({
  maxRequestsPerSecond,
  maxRefusalsPerMinute,
  trustedProxies,
}: Options): Layer.Layer<CallerLimits, InvalidOption> =>
  Layer.effect(
    CallerLimits,
    Effect.gen(function* () {
      yield* checkLimits({ maxRequestsPerSecond, maxRefusalsPerMinute })
      const trusted = yield* Effect.forEach(trustedProxies, network)
      const isTrusted = (address: Addresses.Address) => trusted.some((network) => Addresses.isIn(network, address))
      const callerOf = callerBehind(isTrusted)
      const requests = new TokenBuckets(maxRequestsPerSecond, 1)
      const refusals = new TokenBuckets(maxRefusalsPerMinute, 60)
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      return CallerLimits.of({
        callerOf,
        peerOf: (address) => {
          const peer = Addresses.parse(address)
          if (peer === undefined) return "unknown"
          return isTrusted(peer) ? undefined : Addresses.callerOf(peer)
        },
        mustWait: (caller) => !refusals.has(caller, now()) || !requests.has(caller, now()),
        guard: <A, E, R>(caller: string, answer: Effect.Effect<A, E, R>) =>
          Effect.suspend((): Effect.Effect<A, E | TooManyRequests, R> => {
            if (!requests.take(caller, now())) return wait(requests, "Too many requests came from this address.")
            if (!refusals.has(caller, now())) return wait(refusals, "Too many requests of this address were refused.")
            return Effect.tapError(answer, (error) =>
              error instanceof Unauthorized ? Effect.sync(() => refusals.take(caller, now())) : Effect.void,
            )
          }),
      })
    }),
  )

const wait = ({ secondsPerToken }: TokenBuckets, detail: string) =>
  Effect.fail(new TooManyRequests({ detail, retryAfterSeconds: Math.ceil(secondsPerToken) }))

const network = (text: string) => {
  const parsed = Addresses.parseNetwork(text)
  if (parsed !== undefined) return Effect.succeed(parsed)
  const fact = `Expected addresses, and networks whose bits behind the prefix are zero, such as 10.0.0.0/8. Got ${text}.`
  return Effect.fail(new InvalidOption({ option: "trustedProxies", fact }))
}

/** The client is the last one in `X-Forwarded-For` that is no trusted proxy, where such a proxy passed the request on. */
const callerBehind =
  (isTrusted: (address: Addresses.Address) => boolean) =>
  (origin: Origin): string => {
    const peer = Addresses.parse(origin.peer ?? "")
    // Somebody on a socket of the machine, or gone already, or whom the host does not tell.
    if (peer === undefined) return "unknown"
    if (!isTrusted(peer)) return Addresses.callerOf(peer)
    const hops = (origin.forwardedFor ?? "").split(",")
    for (const hop of hops.toReversed()) {
      const address = Addresses.parse(hop.trim())
      if (address === undefined) break
      if (!isTrusted(address)) return Addresses.callerOf(address)
    }
    return Addresses.callerOf(peer)
  }
