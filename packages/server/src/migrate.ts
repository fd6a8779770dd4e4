/**
 * `npm run migrate`: brings the tables of the database that `DATABASE_URL` names
 * up to date, as their owner, and gives the role that `DATABASE_ROLE` names what a
 * server needs. The server can then run as that role, which owns nothing.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Migrations } from "@holdfast/persistence"
import { Config, Console, Effect, Exit, Option } from "effect"
import { InvalidSetting } from "./settings/InvalidSetting.ts"
import * as Settings from "./settings/Settings.ts"
import { explain } from "./settings/StartFailure.ts"

const program = Effect.gen(function* () {
  const { databaseUrl, databaseSchema: schema } = yield* Settings.loadDatabase
  if (databaseUrl === undefined) {
    return yield* new InvalidSetting({ variable: "DATABASE_URL", fact: "Expected the database to migrate." })
  }
  const role = Option.getOrUndefined(yield* Effect.orDie(Config.option(Config.String("DATABASE_ROLE"))))
  yield* Migrations.run({ url: databaseUrl }, { role, schema })
  yield* Console.log("The tables are up to date.")
})

program.pipe(
  Effect.tapError((error) => Console.error(`Cannot migrate: ${explain(error)}`)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : 1),
  }),
)
