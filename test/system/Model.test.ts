/** The server as people run it answers as the model does, under the property and the races that the service passes. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpClient from "../support/HttpClient.ts"
import * as HttpSystem from "../support/HttpSystem.ts"
import { ledgerProperty } from "../support/LedgerProperty.ts"
import { races } from "../support/Races.ts"
import * as ServerProcess from "../support/ServerProcess.ts"

for (const releasedRepost of ["reserve", "conflict"] as const) {
  it.live(
    `over HTTP, whatever is asked is answered as the model answers (${releasedRepost})`,
    () =>
      Effect.gen(function* () {
        const directory = yield* ServerProcess.temporaryDirectory
        const server = yield* ServerProcess.start({ DATA_DIR: directory, RELEASED_REPOST: releasedRepost })
        const system = HttpSystem.fromClient(HttpClient.fromDirectory(server.url, directory))
        yield* Effect.promise(() =>
          ledgerProperty(() => system, {
            kinds: ["deallocation", "allocation", "lock"],
            policy: { releasedRepost },
            numRuns: 20,
          }),
        )
        if (releasedRepost === "reserve") {
          for (const race of Object.values(races)) yield* Effect.promise(() => race(system))
        }
        assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)
      }).pipe(Effect.scoped),
    120_000,
  )
}
