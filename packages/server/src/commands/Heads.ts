import { Audit } from "@holdfast/persistence"
import { Effect, Stream } from "effect"
import { Command } from "effect/cli"
import * as Lines from "../terminal/Lines.ts"
import * as Database from "./Database.ts"
import { orTell } from "./Outcome.ts"

export const heads = Command.make("heads", Database.flags, (given) =>
  Effect.gen(function* () {
    const { connection, schema } = yield* Database.find
    yield* Lines.print(Stream.map(Audit.heads(connection, { schema }), (head) => JSON.stringify(head)))
  }).pipe(Effect.scoped, Database.overriding(given), orTell("Cannot read the heads")),
).pipe(
  Command.withDescription(
    "Prints where each account's chain of the journal ends, a JSON object a line, from the database itself. Kept elsewhere, `audit --against` shows with them that nothing before was rewritten or cut off.",
  ),
  Command.withShortDescription("prints the heads of the journal's chains, for `audit --against`"),
)
