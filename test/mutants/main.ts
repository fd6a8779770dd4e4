/**
 * `npm run mutants`: makes one dangerous change after another to a copy of the
 * sources, and runs the tests that should notice. What lives is a hole in the tests,
 * or a line that nobody needs. Exits with 1 if any lives.
 *
 * What came out is kept, so that a run that was ended goes on where it was, as long
 * as no source and no test has changed; `--fresh` begins anew. `--only TEXT` takes
 * those whose file or words have that text.
 */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Exit } from "effect"
import * as Checkout from "../support/Checkout.ts"
import { startEmbedded } from "../support/EmbeddedServer.ts"
import * as Quiet from "../support/Quiet.ts"
import { root } from "../support/ServerProcess.ts"
import * as Mutant from "./Mutant.ts"
import * as Mutants from "./Mutants.ts"

const { values } = parseArgs({
  options: {
    fresh: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    workers: { type: "string", default: String(availableParallelism()) },
  },
})

/** How long the tests of a mutant may take. One that makes them hang is noticed too. */
const patienceMillis = 300_000

type Fate = "killed" | "lived" | "hangs"

const others = ["package.json", "vitest.config.ts", "tsconfig.base.json", "README.md", "SECURITY.md", "docs/running.md"]

const files = [...Checkout.sources, ...others]

/** Runs tests in a checkout. */
const test = (copy: string, files: ReadonlyArray<string>, databaseUrl: string) =>
  Effect.callback<Fate>((resume) => {
    const vitest = Path.join(copy, "node_modules/.bin/vitest")
    const node = Path.join(copy, "node_modules/.bin/node")
    const environment = { ...process.env, DATABASE_URL: databaseUrl }
    // In a group of its own, so that whatever it started can be ended with it.
    const child = spawn(node, [vitest, "run", "--bail=1", ...files], {
      cwd: copy,
      env: environment,
      stdio: "ignore",
      detached: true,
    })
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(() => {
      end()
      resume(Effect.succeed("hangs"))
    }, patienceMillis)
    child.on("exit", (code) => {
      clearTimeout(timer)
      resume(Effect.succeed(code === 0 ? "lived" : "killed"))
    })
    return Effect.sync(end)
  })

/** What came out of earlier runs over the same sources. */
const memory = (() => {
  const file = Path.join(root, "node_modules/.cache/holdfast-mutants.json")
  const tree = createHash("sha256")
  for (const source of files) tree.update(source).update(Fs.readFileSync(Path.join(root, source)))
  const key = tree.digest("hex")
  const kept: { readonly key: string; readonly fates: Record<string, Fate> } =
    !values.fresh && Fs.existsSync(file) ? JSON.parse(Fs.readFileSync(file, "utf8")) : { key, fates: {} }
  const fates = kept.key === key ? kept.fates : {}
  return {
    get: (name: string) => fates[name],
    set: (name: string, fate: Fate) => {
      fates[name] = fate
      Fs.mkdirSync(Path.dirname(file), { recursive: true })
      Fs.writeFileSync(file, JSON.stringify({ key, fates }))
    },
  }
})()

const program = Effect.gen(function* () {
  const chosen = Mutants.all.filter((mutant) => Mutant.nameOf(mutant).includes(values.only))
  const todo = chosen.filter((mutant) => memory.get(Mutant.nameOf(mutant)) === undefined)
  const url = yield* startEmbedded
  const start = performance.now()
  let done = 0
  yield* Console.log(`${chosen.length} mutants, of which ${chosen.length - todo.length} are known from an earlier run`)

  const next = todo.values()
  const worker = Effect.gen(function* () {
    const copy = yield* Checkout.make(files)
    const passing = new Set<string>()
    for (const mutant of next) {
      const tests = mutant.tests.join(" ")
      // Tests that fail anyway notice nothing.
      if (!passing.has(tests) && (yield* test(copy, mutant.tests, url)) !== "lived") {
        return yield* Effect.die(new Error(`Without any mutant, these tests fail: ${tests}`))
      }
      passing.add(tests)
      const file = Path.join(copy, mutant.file)
      const text = Fs.readFileSync(file, "utf8")
      Fs.writeFileSync(file, Mutant.mutated(mutant, text))
      const fate = yield* test(copy, mutant.tests, url)
      Fs.writeFileSync(file, text)
      memory.set(Mutant.nameOf(mutant), fate)
      const minutesLeft = ((performance.now() - start) / ++done) * ((todo.length - done) / 60_000)
      yield* Console.log(
        `${String(chosen.length - todo.length + done).padStart(3)} of ${chosen.length}, ${minutesLeft.toFixed()} min left: ` +
          `${fate.padEnd(6)} ${Mutant.nameOf(mutant)}`,
      )
    }
  }).pipe(Effect.scoped)
  yield* Effect.all(
    Array.from({ length: Number(values.workers) }, () => worker),
    {
      concurrency: "unbounded",
      discard: true,
    },
  )

  const living = chosen.filter((mutant) => memory.get(Mutant.nameOf(mutant)) === "lived")
  for (const mutant of living) yield* Console.log(`lived: ${Mutant.nameOf(mutant)}`)
  yield* Console.log(`${chosen.length - living.length} of ${chosen.length} were noticed`)
  return living.length === 0 ? 0 : 1
}).pipe(Effect.scoped, Effect.provide(Quiet.layer))

program.pipe(NodeRuntime.runMain({ teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 2) }))
