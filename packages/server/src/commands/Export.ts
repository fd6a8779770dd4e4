import { Backup } from "@holdfast/persistence"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Lines from "../terminal/Lines.ts"
import * as Progress from "../terminal/Progress.ts"
import * as Database from "./Database.ts"
import { orTell } from "./Outcome.ts"

const to = Flag.String("to").pipe(
  Flag.withDescription("A new file, which its owner alone can read; otherwise it is printed"),
  Flag.withMetavar("FILE"),
  Flag.optional,
)

export const exportBooks = Command.make("export", { to, ...Database.flags }, (given) =>
  Effect.gen(function* () {
    const { connection, schema } = yield* Database.find
    yield* Progress.around("Export", {}, (onProgress) => {
      const lines = Backup.write(connection, { schema, onProgress })
      return Option.match(given.to, { onNone: () => Lines.print(lines), onSome: (file) => Lines.save(file, lines) })
    })
  }).pipe(Effect.scoped, Database.overriding(given), orTell("Cannot export")),
).pipe(
  Command.withDescription(
    "Writes the books as JSON lines, as of one moment and while servers use them: connections, tokens (hashed), currencies, the operators' log and the journal, signed off with its heads. `import` reads them into an empty database.",
  ),
  Command.withShortDescription("writes the books as JSON lines, while servers use them"),
)
