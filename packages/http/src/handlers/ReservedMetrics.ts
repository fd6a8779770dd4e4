/**
 * What is reserved, as metrics: how much, how many and since when. It is read of the store when metrics are, and so
 * seldom that nobody can tell.
 */
import { type Holdfast, Ledger, type Store } from "@holdfast/domain"
import { Clock, Context, Effect, Metric } from "effect"

/** How old what is told may be. */
const maxAge = "10 seconds"

/** How many currencies of a kind have series of their own; the rest, those with the fewest, are one. */
const maxCurrencies = 50

const other = "other"

type Kind = Store.Reserved["kind"]

const kinds = (Object.keys(Ledger.kinds) as ReadonlyArray<Ledger.Kind>).filter(
  (kind): kind is Kind => kind !== "adjustment",
)

const attributed = (kind: Kind, currency: string) => ({ attributes: { kind, currency } })

const transfersOf = (kind: Kind, currency: string) =>
  Metric.gauge("holdfast_reserved_transfers", {
    description: "Transfers that are reserved now.",
    ...attributed(kind, currency),
  })

const quantityOf = (kind: Kind, currency: string) =>
  Metric.gauge("holdfast_reserved_base_units", {
    description: "What is reserved now, in base units of the currency.",
    bigint: true,
    ...attributed(kind, currency),
  })

const oldestOf = (kind: Kind) =>
  Metric.gauge("holdfast_reserved_oldest_age_seconds", {
    description: "For how long the transfer has been reserved that has been so for longest; 0 where none is.",
    attributes: { kind },
  })

interface Sum {
  readonly count: number
  readonly quantity: bigint
}

/** By currency; those come first that count most. */
const byCurrency = (reserved: ReadonlyArray<Store.Reserved>): ReadonlyMap<string, Sum> => {
  const sums = new Map<string, Sum>()
  for (const [index, { currency, count, quantity }] of reserved.entries()) {
    const name = index < maxCurrencies ? currency : other
    const before = sums.get(name) ?? { count: 0, quantity: 0n }
    sums.set(name, { count: before.count + count, quantity: before.quantity + quantity })
  }
  return sums
}

/** Brings the metrics up to date, at the most once in ten seconds; where the store does not answer, they stay. */
export const make = Effect.fnUntraced(function* ({ reserved }: Pick<Holdfast.Holdfast["Service"], "reserved">) {
  const context = yield* Effect.context<never>()
  let told: ReadonlyArray<Metric.Registration> = []

  const constant = <Input, State>(gauge: Metric.Metric<Input, State>, state: State) =>
    Metric.registerUnsafe(gauge, context, { get: () => state, update: () => {}, modify: () => {} })

  const ageOf = (kind: Kind, since: number | undefined) =>
    Metric.registerUnsafe(oldestOf(kind), context, {
      get: (context) => {
        const now = Context.get(context, Clock.Clock).currentTimeMillisUnsafe()
        return { value: since === undefined ? 0 : Math.max(0, now - since) / 1_000 }
      },
      update: () => {},
      modify: () => {},
    })

  const tell = (all: ReadonlyArray<Store.Reserved>) => {
    for (const registration of told) registration.remove()
    told = kinds.flatMap((kind) => {
      const ofKind = all.filter((one) => one.kind === kind)
      const oldest = ofKind.map(({ oldestAt }) => oldestAt.epochMilliseconds)
      return [
        ageOf(kind, oldest.length === 0 ? undefined : Math.min(...oldest)),
        ...Array.from(byCurrency(ofKind)).flatMap(([currency, { count, quantity }]) => [
          constant(transfersOf(kind, currency), { value: count }),
          constant(quantityOf(kind, currency), { value: quantity }),
        ]),
      ]
    })
  }

  const read = Effect.map(reserved, tell).pipe(Effect.timeoutOption("1500 millis"), Effect.ignoreCause)
  return yield* Effect.cachedWithTTL(read, maxAge)
})
