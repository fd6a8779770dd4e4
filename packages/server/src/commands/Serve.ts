import { Effect } from "effect"
import { Command } from "effect/cli"
import * as Environment from "./Environment.ts"
import { codeOf, Ended } from "./Outcome.ts"

const { HOST, PORT, WORKERS, DATA_DIR, DATABASE_SCHEMA } = Environment.flags

export const serve = Command.make("serve", { HOST, PORT, WORKERS, DATA_DIR, DATABASE_SCHEMA }, (given) =>
  Effect.gen(function* () {
    // To be told to end is what it waits for.
    process.exitCode = 0
    // Nobody else needs all that a server is made of.
    const { program } = yield* Effect.promise(() => import("../main.ts"))
    yield* Effect.mapError(program, (error) => new Ended({ code: codeOf(error) }))
  }).pipe(Environment.overriding(given)),
).pipe(
  Command.withDescription(
    "Runs the server until it is told to end (SIGTERM, SIGINT). The environment has its settings.",
  ),
  Command.withShortDescription("runs the server until it is told to end"),
)
