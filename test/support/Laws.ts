/** Laws as tests. */
import { it } from "@effect/vitest"
import type { Law } from "@holdfast/domain/testing"

/** Each law is a test, and takes at most so long: longer than a law waits for one case. */
export const obeys = (laws: ReadonlyArray<Law.Law>, timeoutMillis = 240_000): void => {
  for (const law of laws) it.live(law.description, () => law.check, timeoutMillis)
}

/** Without the laws that let fibers of this process interleave: where a server is another process, requests meet there. */
export const ofOtherProcesses = (laws: ReadonlyArray<Law.Law>): ReadonlyArray<Law.Law> =>
  laws.filter(({ id }) => !id.startsWith("interleavings/"))
