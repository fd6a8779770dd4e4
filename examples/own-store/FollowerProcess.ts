/** The follower as a process: `DATABASE_URL` has Holdfast's tables and yours. */
import { PgStore } from "@holdfast/persistence"
import { Config, Effect, Redacted } from "effect"
import * as Follower from "./Follower.ts"
import * as Pool from "./Pool.ts"

const program = Effect.gen(function* () {
  const url = yield* Config.Redacted("DATABASE_URL")
  const pool = Pool.open({ connectionString: Redacted.value(url) })
  yield* Effect.provide(Follower.follow(pool, "notices", Follower.notice), PgStore.layer({ connection: { url } }))
})

await Effect.runPromise(program)
