/**
 * Who calls, by address, how often, and how often in vain. An address that asks or
 * is refused too often has to wait before its credentials are looked at again, so
 * that nobody can try tokens at will or keep us busy with checking signatures.
 */
import { BlockList, isIP } from "node:net"
import { Context, Effect, Layer, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { TooManyRequests } from "./Problems.ts"
import { InvalidSetting, type Settings } from "./Settings.ts"
import { TokenBuckets } from "./TokenBuckets.ts"

type Request = HttpServerRequest.HttpServerRequest
type Limits = Pick<Settings, "maxRequestsPerSecond" | "maxRefusalsPerMinute" | "trustedProxies">

export class Callers extends Context.Service<
  Callers,
  {
    /** Runs a check of credentials, unless the caller has to wait; counts it, and where it fails once more. */
    readonly guard: <A, E, R>(
      request: Request,
      check: Effect.Effect<A, E, R>,
    ) => Effect.Effect<A, E | TooManyRequests, R>
  }
>()("@holdfast/http/Callers") {}

export const layer = ({
  maxRequestsPerSecond,
  maxRefusalsPerMinute,
  trustedProxies,
}: Limits): Layer.Layer<Callers, InvalidSetting> =>
  Layer.effect(
    Callers,
    Effect.gen(function* () {
      const addressOf = yield* addressBehind(trustedProxies)
      const requests = new TokenBuckets(maxRequestsPerSecond, 1)
      const refusals = new TokenBuckets(maxRefusalsPerMinute, 60)
      return Callers.of({
        guard: <A, E, R>(request: Request, check: Effect.Effect<A, E, R>) =>
          Effect.clockWith((clock): Effect.Effect<A, E | TooManyRequests, R> => {
            const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
            const address = addressOf(request)
            if (!requests.take(address, now)) return wait(requests, "Too many requests came from this address.")
            if (!refusals.has(address, now)) return wait(refusals, "Too many requests of this address were refused.")
            return Effect.tapError(check, () => Effect.sync(() => refusals.take(address, now)))
          }),
      })
    }),
  )

const wait = ({ secondsPerToken }: TokenBuckets, detail: string) =>
  Effect.fail(new TooManyRequests({ detail, retryAfterSeconds: Math.ceil(secondsPerToken) }))

/** The address of the client: the last one in `X-Forwarded-For` that no trusted proxy has, where one passed the request on. */
const addressBehind = Effect.fnUntraced(function* (trustedProxies: ReadonlyArray<string>) {
  const trusted = new BlockList()
  for (const proxy of trustedProxies) {
    const [address = "", prefix] = proxy.split("/")
    const family = isIP(address) === 6 ? "ipv6" : "ipv4"
    yield* Effect.try({
      try: () =>
        prefix === undefined ? trusted.addAddress(address, family) : trusted.addSubnet(address, Number(prefix), family),
      catch: () =>
        new InvalidSetting({
          variable: "TRUSTED_PROXIES",
          fact: `Expected addresses or subnets such as 10.0.0.0/8. Got ${proxy}.`,
        }),
    })
  }
  const isTrusted = (address: string) =>
    isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")
  return (request: Request): string => {
    const peer = plain(Option.getOrElse(request.remoteAddress, () => "unknown"))
    if (trustedProxies.length === 0 || !isTrusted(peer)) return peer
    const hops = (request.headers["x-forwarded-for"] ?? "").split(",").map((hop) => plain(hop.trim()))
    return hops.findLast((hop) => !isTrusted(hop)) || peer
  }
})

/** An IPv4 address may come in the clothes of IPv6. */
const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/, "")
