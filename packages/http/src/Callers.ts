/**
 * Who calls, by address, and how often they were refused. An address that was
 * refused too often has to wait before its credentials are looked at again, so
 * that nobody can try tokens at will or keep us busy with checking signatures.
 */
import { BlockList, isIP } from "node:net"
import { Clock, Context, Effect, Layer, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { TooManyRequests } from "./Problems.ts"
import { InvalidSetting, type Settings } from "./Settings.ts"

type Request = HttpServerRequest.HttpServerRequest

export class Callers extends Context.Service<
  Callers,
  {
    /** Runs a check of credentials, unless the caller was refused too often; counts it where it fails. */
    readonly guard: <A, E, R>(
      request: Request,
      check: Effect.Effect<A, E, R>,
    ) => Effect.Effect<A, E | TooManyRequests, R>
  }
>()("@holdfast/http/Callers") {}

/** What is left of the refusals that an address may have, and since when. */
interface Bucket {
  readonly tokens: number
  readonly atMillis: number
}

/** How many addresses are remembered. If there are more that were refused lately, all begin anew. */
const maxAddresses = 10_000

export const layer = ({
  maxRefusalsPerMinute: capacity,
  trustedProxies,
}: Pick<Settings, "maxRefusalsPerMinute" | "trustedProxies">): Layer.Layer<Callers, InvalidSetting> =>
  Layer.effect(
    Callers,
    Effect.gen(function* () {
      const addressOf = yield* addressBehind(trustedProxies)
      const buckets = new Map<string, Bucket>()

      const left = (address: string, now: number): number => {
        const bucket = buckets.get(address)
        if (bucket === undefined) return capacity
        return Math.min(capacity, bucket.tokens + ((now - bucket.atMillis) * capacity) / 60_000)
      }
      const count = (address: string, now: number) => {
        if (buckets.size >= maxAddresses) {
          for (const known of buckets.keys()) if (left(known, now) >= capacity) buckets.delete(known)
          if (buckets.size >= maxAddresses) buckets.clear()
        }
        buckets.set(address, { tokens: Math.max(0, left(address, now) - 1), atMillis: now })
      }

      return Callers.of({
        guard: <A, E, R>(request: Request, check: Effect.Effect<A, E, R>) =>
          Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, E | TooManyRequests, R> => {
            // Nobody was refused lately: then nobody's address matters.
            if (buckets.size > 0 && left(addressOf(request), now) < 1) {
              return Effect.fail(new TooManyRequests({ detail: tooMany, retryAfterSeconds: Math.ceil(60 / capacity) }))
            }
            return Effect.tapError(check, () => Effect.sync(() => count(addressOf(request), now)))
          }),
      })
    }),
  )

const tooMany = "Too many requests of this address were refused."

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
    if (!isTrusted(peer)) return peer
    const hops = (request.headers["x-forwarded-for"] ?? "").split(",").map((hop) => plain(hop.trim()))
    return hops.findLast((hop) => !isTrusted(hop)) || peer
  }
})

/** An IPv4 address may come in the clothes of IPv6. */
const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/, "")
