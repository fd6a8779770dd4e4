/** The short torture: a fault of each kind, on real servers with a real database. `npm run torture` is the long one. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Faults from "../torture/Faults.ts"
import * as Round from "../torture/Round.ts"

for (const [seed, fault] of Faults.few.entries()) {
  it.live(
    `${fault.name}: every answer holds (seed ${seed})`,
    () =>
      Effect.gen(function* () {
        const servers = Math.max(fault.minServers ?? 1, 1 + (seed % 2))
        const verdict = yield* Round.play({ seed, faults: [fault], servers, clients: 12, calmMillis: 1_000 })
        assert.deepStrictEqual(verdict.violations, [])
        assert.isAbove(verdict.entries, 20)
      }),
    180_000,
  )
}
