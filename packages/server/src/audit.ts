/**
 * `npm run audit`: replays the journal of the database that `DATABASE_URL`
 * names, or of the embedded one in `DATA_DIR`, while a server uses it or not.
 * Exits with 0 where everything agrees, with 1 where something differs, and
 * with 2 where it could not look.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Audit as Replay } from "@holdfast/domain"
import { Audit } from "@holdfast/persistence"
import { Cause, Console, Effect, Exit } from "effect"
import * as EmbeddedPostgres from "./postgres/EmbeddedPostgres.ts"
import * as Settings from "./settings/Settings.ts"
import { explain } from "./settings/StartFailure.ts"

const program = Effect.gen(function* () {
  const { databaseUrl, dataDirectory, databaseSchema: schema } = yield* Settings.loadDatabase
  const connection = databaseUrl === undefined ? yield* EmbeddedPostgres.find(dataDirectory) : { url: databaseUrl }
  const { entries, accounts, findings } = yield* Audit.run(connection, { schema })
  for (const finding of findings) yield* Console.log(Replay.describe(finding))
  const found = findings.length === 0 ? "no difference" : `${findings.length} differences`
  yield* Console.log(`Replayed ${entries} journal entries of ${accounts} accounts: ${found}.`)
  return findings.length === 0 ? 0 : 1
}).pipe(Effect.scoped)

program.pipe(
  Effect.tapError((error) => Console.error(`Cannot audit: ${explain(error)}`)),
  // A row that no version of this could have written.
  Effect.tapDefect((defect) => Console.error(`Cannot audit: ${Cause.pretty(Cause.die(defect))}`)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 2),
  }),
)
