import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Journal, Audit as Replay } from "@holdfast/domain"
import { Audit } from "@holdfast/persistence"
import { Console, Effect, FileSystem, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as FileFault from "../settings/FileFault.ts"
import * as Progress from "../terminal/Progress.ts"
import * as Database from "./Database.ts"
import * as Environment from "./Environment.ts"
import { notWell, orTell, WrongUse } from "./Outcome.ts"

const decodeHead = Schema.decodeUnknownEffect(Schema.fromJsonString(Journal.Head))

/** The heads that `heads` wrote to a file. */
const readHeads = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs
    .readFileString(file)
    .pipe(Effect.mapError((error) => new WrongUse({ message: `--against: ${FileFault.onRead(file, error)}` })))
  const lines = text.split("\n").filter((line) => line !== "")
  return yield* Effect.forEach(lines, (line, index) =>
    Effect.mapError(
      decodeHead(line),
      () =>
        new WrongUse({
          message: `--against: Line ${index + 1} of ${file} is no head, as \`holdfast heads\` prints them.`,
        }),
    ),
  )
}, Effect.provide(NodeFileSystem.layer))

const counted = (count: number, one: string, more: string) => `${count} ${count === 1 ? one : more}`

/** Says what an audit came to, and fails where something differs. */
export const tell = Effect.fnUntraced(function* (
  what: string,
  { entries, accounts, findings }: Audit.Report,
  { json }: { readonly json: boolean },
) {
  if (json) yield* Console.log(JSON.stringify({ entries, accounts, findings }))
  else {
    for (const finding of findings) yield* Console.log(Replay.describe(finding))
    const found = findings.length === 0 ? "no difference" : counted(findings.length, "difference", "differences")
    const looked = `${counted(entries, "journal entry", "journal entries")} of ${counted(accounts, "account", "accounts")}`
    yield* Console.log(`${what} ${looked}: ${found}.`)
  }
  if (findings.length > 0) return yield* notWell
})

// A pipe will do: what is named needs only to be readable.
const against = Flag.Path("against").pipe(
  Flag.withDescription("Heads that `holdfast heads` printed earlier: nothing before them may differ"),
  Flag.withMetavar("FILE"),
  Flag.optional,
)

export const audit = Command.make("audit", { ...Database.flags, against, json: Environment.json }, (given) =>
  Effect.gen(function* () {
    const heads = Option.isSome(given.against) ? yield* readHeads(given.against.value) : []
    const { connection, schema } = yield* Database.find
    const report = yield* Progress.around("Audit", given, (onProgress) =>
      Audit.run(connection, { schema, against: heads, onProgress }),
    )
    yield* tell("Replayed", report, given)
    // Whoever asks for differences must not take a database that is away for one.
  }).pipe(Effect.scoped, Database.overriding(given), orTell("Cannot audit", { otherwise: 2 })),
).pipe(
  Command.withDescription(
    "Replays the journal of the database that DATABASE_URL names, or of the embedded one in DATA_DIR, whether a server runs or not, and names every difference between journal, transfers and balances. Exits with 1 where something differs, with 2 where it could not look.",
  ),
  Command.withShortDescription("replays the journal, and names every difference"),
  Command.withExamples([
    { command: "holdfast audit --against heads.jsonl", description: "and that nothing before was rewritten" },
  ]),
)
