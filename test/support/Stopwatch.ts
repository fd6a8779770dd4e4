/** How long something takes, for those who say how long it may. */

const tickMillis = 50

/**
 * Gives, when it is stopped, the seconds that passed, and those of them in which this process could do something: a
 * machine that stops it for a while, or has no processor for it, makes nothing too late.
 */
export const start = () => {
  const begun = performance.now()
  let ticks = 0
  // What fails meanwhile stops it never, and is held up by nothing.
  const timer = setInterval(() => ticks++, tickMillis).unref()
  return () => {
    clearInterval(timer)
    return { seconds: (performance.now() - begun) / 1_000, awake: (ticks * tickMillis) / 1_000 }
  }
}
