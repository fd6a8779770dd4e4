/**
 * What this process answered lately: counts and durations of the last hour, and
 * the last requests themselves. For people who look; machines have `/metrics`.
 */
import { Context, Effect, Layer } from "effect"
import type { Notes, Seen } from "./Seen.ts"

const secondsEach = 30
const maxPeriods = 3600 / secondsEach
const maxRequests = 5_000
const maxReasons = 50

/** The upper ends of durations that are told apart, in milliseconds: each is the square root of two times the one before. */
const bounds = Array.from({ length: 40 }, (_, n) => 0.25 * 2 ** (n / 2))

interface Period {
  readonly start: number
  answered: number
  refused: number
  failed: number
  readonly durations: Uint32Array
}

/** The duration that so many of a period's requests did not exceed, in milliseconds; none where there were none. */
const quantile = ({ durations }: Period, share: number): number | null => {
  const total = durations.reduce((sum, count) => sum + count, 0)
  let seen = 0
  for (const [index, count] of durations.entries()) {
    seen += count
    if (count > 0 && seen >= total * share) return Math.round((bounds[index] ?? 0) * 100) / 100
  }
  return null
}

/** The transfer that a request was about. */
const transferIn = (notes: Notes) =>
  notes["deallocationId"] ?? notes["allocationId"] ?? notes["lockId"] ?? notes["adjustmentId"]

export class Recent extends Context.Service<
  Recent,
  {
    readonly add: (seen: Seen) => void
    /** Oldest first. */
    readonly series: () => ReadonlyArray<{
      readonly at: Date
      readonly answered: number
      readonly refused: number
      readonly failed: number
      readonly p50Millis: number | null
      readonly p99Millis: number | null
    }>
    /** Why requests were refused or rejected, most often first. */
    readonly reasons: () => ReadonlyArray<{ readonly reason: string; readonly count: number }>
    /** Requests that concerned a transfer, newest first. */
    readonly about: (transferId: string, limit: number) => ReadonlyArray<Seen>
  }
>()("@holdfast/http/Recent") {}

export const secondsOfEach = secondsEach

export const layer: Layer.Layer<Recent> = Layer.effect(
  Recent,
  Effect.sync(() => {
    const periods: Array<Period> = []
    const requests: Array<Seen> = []
    const reasons = new Map<string, number>()
    let next = 0

    const periodOf = (millis: number): Period => {
      const start = Math.floor(millis / (secondsEach * 1000))
      const last = periods.at(-1)
      // A clock that was set back adds to what is there.
      if (last !== undefined && last.start >= start) return last
      const made = { start, answered: 0, refused: 0, failed: 0, durations: new Uint32Array(bounds.length) }
      periods.push(made)
      if (periods.length > maxPeriods) periods.shift()
      return made
    }

    return {
      add: (seen) => {
        const { status, startMillis, durationMillis, notes, route } = seen
        const period = periodOf(startMillis + durationMillis)
        if (status >= 500) period.failed++
        else if (status >= 400) period.refused++
        else period.answered++
        // One that goes on for as long as anybody listens says nothing of how quick answers are.
        if (route?.endless !== true) {
          const index = bounds.findIndex((bound) => durationMillis <= bound)
          const bucket = index < 0 ? bounds.length - 1 : index
          period.durations[bucket] = (period.durations[bucket] ?? 0) + 1
        }
        const reason =
          status >= 400 ? (notes.error ?? (notes.refused === undefined ? `${status}` : "Unauthorized")) : undefined
        if (reason !== undefined && (reasons.has(reason) || reasons.size < maxReasons)) {
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
        }
        if (transferIn(notes) === undefined) return
        requests[next] = seen
        next = (next + 1) % maxRequests
      },
      series: () =>
        periods.map((period) => ({
          at: new Date(period.start * secondsEach * 1000),
          answered: period.answered,
          refused: period.refused,
          failed: period.failed,
          p50Millis: quantile(period, 0.5),
          p99Millis: quantile(period, 0.99),
        })),
      reasons: () =>
        Array.from(reasons, ([reason, count]) => ({ reason, count })).toSorted((a, b) => b.count - a.count),
      about: (transferId, limit) =>
        requests
          .filter(({ notes }) => transferIn(notes) === transferId)
          .toSorted((a, b) => b.startMillis - a.startMillis)
          .slice(0, limit),
    }
  }),
)
