/** `npm run dev` as a person uses it, in a copy of the sources. */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as Checkout from "../support/Checkout.ts"
import * as ServerProcess from "../support/ServerProcess.ts"

const { scripts } = JSON.parse(Fs.readFileSync(Path.join(ServerProcess.root, "package.json"), "utf8"))

/** Starts the script as npm would, and ends it with the scope. */
const startDev = (copy: string, environment: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const PATH = `${Path.join(copy, "node_modules/.bin")}:${process.env["PATH"]}`
      const child = spawn("sh", ["-c", scripts.dev], { cwd: copy, env: { PATH, ...environment } })
      let output = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)))
      const ended = new Promise<number | null>((done) => child.once("exit", done))
      const end = (signal: NodeJS.Signals) => {
        child.kill(signal)
        return ended
      }
      return { output: () => output, end }
    }),
    ({ end }) => Effect.promise(() => end("SIGTERM")),
  )

/** Tries until it holds, with a limit, and says what was there instead. */
const eventually = <A>(what: () => Promise<A>, holds: (found: A) => boolean, output: () => string) =>
  Effect.tryPromise(what).pipe(
    Effect.filterOrFail(holds),
    Effect.retry(Schedule.spaced("50 millis")),
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () => Effect.die(new Error(`In vain. What was said:\n${output()}`)),
    }),
  )

it.live(
  "the server that is developed restarts with each change, however it is saved, on the same database",
  () =>
    Effect.gen(function* () {
      const copy = yield* Checkout.make(Checkout.sources)
      const directory = yield* ServerProcess.temporaryDirectory
      const PORT = String(yield* ServerProcess.freePort)
      const { output, end } = yield* startDev(copy, { DATA_DIR: directory, PORT })

      const url = `http://127.0.0.1:${PORT}/nowhere`
      const answer = () => fetch(url).then((response) => response.text())
      const answers = (words: string) => eventually(answer, (found) => found.includes(words), output)
      const says = (words: string) =>
        eventually(
          () => Promise.resolve(output()),
          (found) => found.includes(words),
          output,
        )
      const source = Path.join(copy, "packages/http/src/request/Boundary.ts")
      const text = Fs.readFileSync(source, "utf8")
      const saying = (words: string) => {
        const changed = text.replace("There is nothing at", words)
        assert.notStrictEqual(changed, text)
        return changed
      }
      /** As many editors do, and git. */
      const replace = (changed: string) => {
        Fs.writeFileSync(`${source}.new`, changed)
        Fs.renameSync(`${source}.new`, source)
      }

      yield* answers("There is nothing at")
      const database = Fs.statSync(Path.join(directory, "postgres/PG_VERSION")).ino
      Fs.writeFileSync(source, saying("Written into:"))
      yield* answers("Written into:")
      replace(saying("Replaced once:"))
      yield* answers("Replaced once:")
      replace(saying("Replaced again:"))
      yield* answers("Replaced again:")

      replace("const")
      yield* says("The server ended (1).")
      replace(saying("Mended:"))
      yield* answers("Mended:")

      assert.notInclude(output(), "Holdfast cannot run")
      assert.strictEqual(Fs.statSync(Path.join(directory, "postgres/PG_VERSION")).ino, database)
      assert.strictEqual(yield* Effect.promise(() => end("SIGINT")), 130)
      assert.isFalse(Fs.existsSync(Path.join(directory, "postgres/postmaster.pid")), "PostgreSQL has ended too.")
    }).pipe(Effect.scoped),
  120_000,
)
