/**
 * Reads over all of the books, which many ask for at once: consoles do whenever something happens. They are done one
 * after another, with as long a pause between two as the first took, so that however many ask, the database is busy with
 * them for half of the time at most.
 */
import { Deferred, Effect, Semaphore } from "effect"

/**
 * Shares what is done among those who ask. Whoever asks while it is being done waits for the next time, as do all who ask
 * until that begins: nobody is told what was before they asked.
 */
export const make = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
  const scope = yield* Effect.scope
  const turn = Semaphore.makeUnsafe(1)
  let next: Deferred.Deferred<A, E> | undefined
  const once = (answer: Deferred.Deferred<A, E>) =>
    Effect.suspend(() => {
      next = undefined
      return Effect.timed(Deferred.into(effect, answer))
    }).pipe(
      Effect.flatMap(([took]) => Effect.sleep(took)),
      turn.withPermit,
      // At the scope's end nobody waits in vain.
      Effect.onInterrupt(() => Deferred.interrupt(answer)),
    )
  const shared: Effect.Effect<A, E> = Effect.suspend(() => {
    if (next !== undefined) return Deferred.await(next)
    const answer = Deferred.makeUnsafe<A, E>()
    next = answer
    // Whoever asked first may go; the others still wait.
    return Effect.andThen(Effect.forkIn(once(answer), scope), Deferred.await(answer))
  })
  return shared
})
