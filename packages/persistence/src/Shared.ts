/**
 * What many ask for at once is done for all of them: those who ask while it is being done are served together the next
 * time, and nobody is told what was before they asked.
 */
import { Deferred, Effect, Semaphore } from "effect"

interface Turn<Asked, A, E> {
  readonly asked: Array<Asked>
  readonly answer: Deferred.Deferred<A, E>
}

/** `serve` answers all of a turn; the next begins when it has ended. */
const inTurns = Effect.fnUntraced(function* <Asked, A, E>(serve: (turn: Turn<Asked, A, E>) => Effect.Effect<unknown>) {
  const scope = yield* Effect.scope
  const free = Semaphore.makeUnsafe(1)
  let next: Turn<Asked, A, E> | undefined
  const once = (turn: Turn<Asked, A, E>) =>
    Effect.suspend(() => {
      next = undefined
      return serve(turn)
    }).pipe(
      free.withPermit,
      // At the scope's end nobody waits in vain.
      Effect.onInterrupt(() => Deferred.interrupt(turn.answer)),
    )
  return (asked: Asked): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      if (next !== undefined) {
        next.asked.push(asked)
        return Deferred.await(next.answer)
      }
      const turn: Turn<Asked, A, E> = { asked: [asked], answer: Deferred.makeUnsafe() }
      next = turn
      // Whoever asked first may go; the others still wait.
      return Effect.andThen(Effect.forkIn(once(turn), scope), Deferred.await(turn.answer))
    })
})

/**
 * Shares what is read over all of the books: consoles ask for it whenever something happens. There is as long a pause
 * between two as the first took, so that however many ask, the database is busy with them for half of the time at most.
 */
export const make = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
  const ask = yield* inTurns<void, A, E>(({ answer }) =>
    Effect.flatMap(Effect.timed(Deferred.into(effect, answer)), ([took]) => Effect.sleep(took)),
  )
  return ask()
})

/** Writes what is to be written at the same time together: all of it is, or none. */
export const writer = <Row, E>(write: (rows: ReadonlyArray<Row>) => Effect.Effect<unknown, E>) =>
  inTurns<Row, void, E>(({ asked, answer }) => Deferred.into(Effect.asVoid(write(asked)), answer))
