/** What README, docs/command.md and docs/running.md show in a console is what one gets: each command is run against a server, as it stands there. */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ServerProcess from "../support/ServerProcess.ts"

interface Step {
  readonly command: string
  /** What it prints; `…` stands for anything. */
  readonly output: string
}

const stepsOf = (markdown: string): ReadonlyArray<Step> =>
  [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
    block
      .split(/^\$ /m)
      .filter((text) => text !== "")
      .map((text) => {
        const [command = "", ...lines] = text.trimEnd().split("\n")
        return { command, output: lines.join("\n") }
      }),
  )

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
const patternOf = (output: string) => new RegExp(`^${output.split("…").map(escape).join(".*")}\n?$`, "s")

/** Prints what each command prints, one after another, in one shell; stops at the first that fails. */
const run = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>, environment: Readonly<Record<string, string>>) {
  const separator = "~~~"
  const script = steps.map(({ command }) => `${command}\necho '${separator}'`).join("\n")
  const curl = 'command -v curl >/dev/null || curl() { node test/support/curl.ts "$@"; }'
  const { stdout } = yield* Effect.promise(() =>
    promisify(execFile)("bash", ["-euc", `${curl}\n${script}`], {
      cwd: ServerProcess.root,
      env: { ...process.env, ...environment },
    }),
  )
  return stdout.split(`${separator}\n`)
})

it.live(
  "the commands of README, docs/command.md and docs/running.md print what they say",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const server = yield* ServerProcess.start({ DATA_DIR: directory })
      const steps = ["README.md", "docs/command.md", "docs/running.md"].flatMap((file) =>
        stepsOf(readFileSync(join(ServerProcess.root, file), "utf8")),
      )
      assert.isAbove(steps.length, 4)
      const here = steps.map(({ command, output }) => ({
        command: command.replaceAll("http://127.0.0.1:3000", server.url).replaceAll(".holdfast", directory),
        output: output.replaceAll(".holdfast", directory),
      }))
      const printed = yield* run(here, { DATA_DIR: directory, HOLDFAST_URL: server.url })
      for (const [index, { command, output }] of here.entries()) {
        assert.match(printed[index] ?? "", patternOf(output), command)
      }
    }).pipe(Effect.scoped),
  180_000,
)
