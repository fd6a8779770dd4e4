/** The server as people run it answers as the model does, under the property and the races that the service passes. */
import { assert, it } from "@effect/vitest"
import { systemLaws } from "@holdfast/domain/testing"
import { Effect } from "effect"
import * as HttpClient from "../support/HttpClient.ts"
import * as HttpSystem from "../support/HttpSystem.ts"
import { ofOtherProcesses } from "../support/Laws.ts"
import * as ServerProcess from "../support/ServerProcess.ts"

for (const releasedRepost of ["reserve", "conflict"] as const) {
  it.live(
    `over HTTP, whatever is asked is answered as the model answers (${releasedRepost})`,
    () =>
      Effect.gen(function* () {
        const directory = yield* ServerProcess.temporaryDirectory
        const server = yield* ServerProcess.start({ DATA_DIR: directory, RELEASED_REPOST: releasedRepost })
        const system = HttpSystem.fromClient(HttpClient.fromDirectory(server.url, directory))
        const laws = systemLaws(() => Effect.succeed(system), { policies: [{ releasedRepost }], runs: 20 })
        yield* Effect.forEach(ofOtherProcesses(laws), ({ check }) => check)
        assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)
      }).pipe(Effect.scoped),
    120_000,
  )
}
