/**
 * Following the journal. Whoever is behind reads page by page; all who have come to its end share one look for more, so
 * that a store is asked as often for many as for one.
 */
import { Clock, Context, Deferred, Duration, Effect, Exit, Fiber, Metric, Option, Stream } from "effect"
import type * as Store from "../Store.ts"

type Failure = Store.PlaceNotFound | Store.Unavailable

interface Page {
  readonly entries: ReadonlyArray<Store.Placed>
  /** There is no more for now. */
  readonly isEnd: boolean
}

/** Who follows: while something is given to them that they have not gone on from, the time of the first entry of that. */
interface Follower {
  given: number | undefined
}

interface Waiter {
  readonly place: Store.Place | undefined
  readonly page: Deferred.Deferred<Page, Failure>
}

/** One look for more, and who waits for it. */
interface Look {
  readonly waiters: Set<Waiter>
  fiber?: Fiber.Fiber<void>
}

/** How many entries are read at once. */
const pageSize = 200

const lag = Metric.gauge("holdfast_feed_lag_seconds", {
  description: "Age of the oldest entry that a follower of the journal was given and has not gone on from.",
})

const count = Metric.gauge("holdfast_feed_followers", { description: "Followers of the journal." })

const isAfter = (place: Store.Place, other: Store.Place | undefined) =>
  other === undefined || BigInt(place) > BigInt(other)

/** Followers of one journal. */
export const make = Effect.fnUntraced(function* (entries: Store.Store["entries"]) {
  const followers = new Set<Follower>()
  /** By how often they look, in milliseconds. */
  const looks = new Map<number, Look>()

  const context = yield* Effect.context<never>()
  const register = (gauge: typeof lag, value: (now: number) => number) =>
    Metric.registerUnsafe(gauge, context, {
      get: (context) => ({ value: value(Context.get(context, Clock.Clock).currentTimeMillisUnsafe()) }),
      update: () => {},
      modify: () => {},
    })
  register(count, () => followers.size)
  register(lag, (now) =>
    Array.from(followers).reduce((most, { given = now }) => Math.max(most, (now - given) / 1_000), 0),
  )

  const read = (after: Store.Place | undefined): Effect.Effect<Page, Failure> =>
    Effect.map(entries(after, pageSize), (entries) => ({ entries, isEnd: entries.length < pageSize }))

  const look = (everyMillis: number, { waiters }: Look) =>
    Effect.gen(function* () {
      yield* Effect.sleep(Duration.millis(everyMillis))
      // Who comes from now on waits for the next.
      looks.delete(everyMillis)
      const places = Array.from(waiters, ({ place }) => place)
      const first = places.reduce((first, place) => (first === undefined || isAfter(first, place) ? place : first))
      const found = yield* Effect.exit(read(first))
      for (const { place, page } of waiters) {
        const own = Exit.map(found, ({ entries, isEnd }) => {
          const after = place === first ? entries : entries.filter((entry) => isAfter(entry.place, place))
          // Who was ahead of the first and got nothing looks for themselves: the place may be of another journal.
          return { entries: after, isEnd: isEnd && (place === first || after.length > 0) }
        })
        Deferred.doneUnsafe(page, own)
      }
    })

  const wait = (place: Store.Place | undefined, everyMillis: number) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const waiter: Waiter = { place, page: Deferred.makeUnsafe() }
        const shared = looks.get(everyMillis) ?? { waiters: new Set() }
        shared.waiters.add(waiter)
        if (shared.fiber === undefined) {
          looks.set(everyMillis, shared)
          shared.fiber = yield* Effect.forkDetach(Effect.interruptible(look(everyMillis, shared)))
        }
        const { fiber } = shared
        const leave = Effect.suspend(() => {
          shared.waiters.delete(waiter)
          if (shared.waiters.size > 0) return Effect.void
          if (looks.get(everyMillis) === shared) looks.delete(everyMillis)
          return Fiber.interrupt(fiber)
        })
        return yield* Effect.ensuring(restore(Deferred.await(waiter.page)), leave)
      }),
    )

  return (after: Store.Place | undefined, every: Duration.Duration): Stream.Stream<Store.Placed, Failure> => {
    const everyMillis = Duration.toMillis(every)
    const from = (follower: Follower) =>
      Stream.paginate({ place: after, isEnd: false }, ({ place, isEnd }) => {
        follower.given = undefined
        return Effect.map(isEnd ? wait(place, everyMillis) : read(place), ({ entries, isEnd }) => {
          follower.given = entries[0]?.at.epochMilliseconds
          return [entries, Option.some({ place: entries.at(-1)?.place ?? place, isEnd })] as const
        })
      })
    return Stream.unwrap(
      Effect.map(
        Effect.acquireRelease(
          Effect.sync((): Follower => {
            const follower = { given: undefined }
            followers.add(follower)
            return follower
          }),
          (follower) => Effect.sync(() => followers.delete(follower)),
        ),
        from,
      ),
    )
  }
})
