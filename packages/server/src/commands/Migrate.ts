import { Migrations } from "@holdfast/persistence"
import { Config, Console, Effect, Option } from "effect"
import { Command } from "effect/cli"
import { InvalidSetting } from "../settings/InvalidSetting.ts"
import * as Settings from "../settings/Settings.ts"
import * as Environment from "./Environment.ts"
import { orTell } from "./Outcome.ts"

const { DATABASE_SCHEMA, DATABASE_ROLE } = Environment.flags

export const migrate = Command.make("migrate", { DATABASE_SCHEMA, DATABASE_ROLE }, (given) =>
  Effect.gen(function* () {
    const { databaseUrl, databaseSchema: schema } = yield* Settings.loadDatabase
    if (databaseUrl === undefined) {
      const fact =
        "Expected the database to migrate, such as postgres://owner@host/database. The embedded one is brought up to date when the server starts."
      return yield* new InvalidSetting({ variable: "DATABASE_URL", fact })
    }
    const role = Option.getOrUndefined(yield* Effect.orDie(Config.option(Config.String("DATABASE_ROLE"))))
    yield* Migrations.run({ url: databaseUrl }, { role, schema })
    yield* Console.log("The tables are up to date.")
  }).pipe(Environment.overriding(given), orTell("Cannot migrate")),
).pipe(
  Command.withDescription(
    "Brings the tables of the database that DATABASE_URL names up to date, as their owner, and gives the role that DATABASE_ROLE names what a server needs. The server can then run as that role, which owns nothing.",
  ),
  Command.withShortDescription("brings the tables of a database up to date"),
)
