/** The service on PostgreSQL answers as the model does, under the property and the races that the in-memory one passes. */
import { it } from "@effect/vitest"
import { Deallocations } from "@holdfast/domain"
import { Effect } from "effect"
import { serviceOn, withDatabase } from "../support/Databases.ts"
import { ledgerProperty } from "../support/LedgerProperty.ts"
import { races } from "../support/Races.ts"
import * as System from "../support/System.ts"

for (const releasedRepost of ["reserve", "conflict"] as const) {
  it.live(
    `whatever is asked is answered as the model answers (${releasedRepost})`,
    () =>
      withDatabase((database) =>
        Effect.gen(function* () {
          const system = System.fromService(yield* Deallocations.Deallocations)
          yield* Effect.promise(() => ledgerProperty(() => system, { releasedRepost, numRuns: 50 }))
        }).pipe(Effect.provide(serviceOn(database, { releasedRepost }))),
      ),
    60_000,
  )
}

for (const [title, race] of Object.entries(races)) {
  it.live(title, () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const system = System.fromService(yield* Deallocations.Deallocations)
        yield* Effect.promise(() => race(system))
      }).pipe(Effect.provide(serviceOn(database))),
    ),
  )
}
