import { Backup } from "@holdfast/persistence"
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as Lines from "../terminal/Lines.ts"
import * as Progress from "../terminal/Progress.ts"
import * as Audit from "./Audit.ts"
import * as Database from "./Database.ts"
import * as Environment from "./Environment.ts"
import { orTell } from "./Outcome.ts"

const file = Argument.String("file").pipe(Argument.withDescription("What `export` wrote; `-` for standard input"))

export const importBooks = Command.make("import", { file, ...Database.flags, json: Environment.json }, (given) =>
  Effect.gen(function* () {
    // Before a database is made for it.
    yield* Lines.expectReadable(given.file)
    const { connection, schema } = yield* Database.make
    const report = yield* Progress.around("Import", given, (onProgress) =>
      Backup.read(connection, Lines.from(given.file), { schema, onProgress }),
    )
    yield* Audit.tell("Imported and replayed", report, given)
  }).pipe(Effect.scoped, Database.overriding(given), orTell("Cannot import")),
).pipe(
  Command.withDescription(
    "Reads what `export` wrote into an empty database, DATABASE_URL's or the embedded one of DATA_DIR, all of it or nothing: replays the journal through the pure ledger, compares every hash, and audits what came of it. The first server that starts on it refuses tokens that may have been used.",
  ),
  Command.withShortDescription("reads what `export` wrote into an empty database"),
)
