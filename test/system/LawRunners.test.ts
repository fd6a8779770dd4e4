/** The laws run in vitest, `node --test` and jest, as `examples/testing` has it; each shows a broken one whole. */
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { laws } from "@holdfast/domain/testing"
import * as MapStore from "../../examples/own-store/MapStore.ts"
import * as Examples from "../support/Examples.ts"
import { root } from "../support/ServerProcess.ts"

const modules = Path.join(root, "node_modules")

/** How each is run in its folder. */
const runners = {
  vitest: [Path.join(modules, "vitest/vitest.mjs"), "run"],
  node: ["--conditions=@holdfast/source", "--test", "laws.test.ts"],
  jest: ["--experimental-vm-modules", Path.join(modules, "jest/bin/jest.js")],
} satisfies Record<string, ReadonlyArray<string>>

const folders: Array<string> = []
afterAll(() => {
  for (const folder of folders) Fs.rmSync(folder, { recursive: true })
})

/** A copy of the examples, in which the store over Maps is changed. */
const examplesWith = (change: (source: string) => string): string => {
  const folder = Examples.makeFolder()
  folders.push(folder)
  for (const name of ["own-store", "testing"]) {
    Fs.cpSync(Path.join(root, "examples", name), Path.join(folder, name), { recursive: true })
  }
  const store = Path.join(folder, "own-store/MapStore.ts")
  Fs.writeFileSync(store, change(Fs.readFileSync(store, "utf8")))
  return folder
}

const run = async (
  runner: keyof typeof runners,
  examples: string,
  environment: Readonly<Record<string, string>> = {},
) => {
  const { PATH = "", HOME = "" } = process.env
  const env = { PATH, HOME, NO_COLOR: "1", ...environment }
  const cwd = Path.join(examples, "testing", runner)
  const node = Path.join(modules, ".bin/node")
  const options = { cwd, env, timeout: 180_000, killSignal: "SIGKILL", maxBuffer: 2 ** 26 } as const
  return promisify(execFile)(node, runners[runner], options).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, output: `${stdout}${stderr}` }),
  )
}

/** What a broken law says of its case, however far the runner moves it to the right. */
const shown = (output: string) =>
  /(model\/1) does not hold: .*\n\s*The shortest case found:\n((?:\s*\d+\. .*\n)+)\s*(The .*)\n\s*Drawn from the seed (\d+)\.\n\s*To see it again, run the same test with HOLDFAST_REPLAY='(.*)'\./
    .exec(output)
    ?.slice(1)

const lines = (text: string | undefined) => text?.split("\n").map((line) => line.trim())

describe.each(Object.keys(runners) as ReadonlyArray<keyof typeof runners>)("in %s", (runner) => {
  it("a store that is right passes all laws", { timeout: 200_000 }, async () => {
    const { code, output } = await run(runner, Path.join(root, "examples"), { HOLDFAST_RUNS: "20" })
    assert.strictEqual(code, 0, output)
    const count = laws(MapStore.make).length
    assert.match(output, new RegExp(`(Tests +${count} passed|pass ${count}|${count} passed, ${count} total)`))
  })

  it("one that forgets its rejections fails, and the replay of its shortest case fails alike", {
    timeout: 400_000,
  }, async () => {
    const broken = examplesWith((source) => {
      const forgets = source.replace(
        "            write(changes)\n",
        '            if (changes.entries.every(({ event }) => event !== "Rejected")) write(changes)\n',
      )
      assert.notStrictEqual(forgets, source)
      return forgets
    })
    const first = await run(runner, broken, { HOLDFAST_SEED: "7" })
    assert.strictEqual(first.code, 1, first.output)
    const [law, shortest, , seed, replay = ""] = shown(first.output) ?? assert.fail(first.output)
    assert.deepStrictEqual([law, seed], ["model/1", "7"])
    const again = await run(runner, broken, { HOLDFAST_REPLAY: replay })
    assert.strictEqual(again.code, 1)
    const [, shortestAgain] = shown(again.output) ?? assert.fail(again.output)
    assert.deepStrictEqual(lines(shortestAgain), lines(shortest))
  })
})
