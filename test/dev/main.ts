/**
 * `npm run dev`: runs the server from its sources, and again whenever one of them
 * changes. The embedded database has one server at a time, so the next is started
 * when the one before it has ended. What ends by itself, as a source that does not
 * parse makes it, is started again with the next change.
 *
 * Directories are watched, not files: `node --watch` (seen with Node 24.21 on Linux)
 * loses sight of a file that an editor replaces in place of writing into it.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Deferred, Effect } from "effect"
import { holdfast, root } from "../support/ServerProcess.ts"

/** How long it is waited for more of the same change: many files are written at once, or one in several steps. */
const settlingTime = "100 millis"

/** Not what editors put beside a source for themselves. */
const isSource = (name: string) => /^[^.].*\.[a-z]+$/.test(name)

/** Comes to an end with the first change of a source. */
const watchSources = Effect.gen(function* () {
  const changed = Deferred.makeUnsafe<string>()
  const hear = (directory: string) => (_: unknown, name: string | null) => {
    if (name !== null && isSource(name)) Deferred.doneUnsafe(changed, Effect.succeed(Path.join(directory, name)))
  }
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      ["packages/*/src", "packages/*/src/**/*"]
        .flatMap((pattern) => Fs.globSync(pattern, { cwd: root }))
        .filter((path) => Fs.statSync(Path.join(root, path)).isDirectory())
        .map((directory) => Fs.watch(Path.join(root, directory), hear(directory))),
    ),
    (watchers) =>
      Effect.sync(() => {
        for (const watcher of watchers) watcher.close()
      }),
  )
  return Deferred.await(changed)
})

const untilEnded = (server: ChildProcess) =>
  Effect.callback<string>((resume) => {
    const end = () => resume(Effect.succeed(String(server.exitCode ?? server.signalCode)))
    if (server.exitCode !== null || server.signalCode !== null) end()
    else server.once("exit", end)
  })

const startServer = Effect.acquireRelease(
  Effect.sync(() => spawn(process.execPath, [...holdfast, "serve"], { cwd: root, stdio: "inherit" })),
  (server) =>
    Effect.andThen(
      Effect.sync(() => server.kill("SIGTERM")),
      untilEnded(server),
    ),
)

const untilChanged = Effect.gen(function* () {
  // Watched first: what changes before the server starts is what it reads.
  const changed = yield* watchSources
  const server = yield* startServer
  const told = Effect.flatMap(untilEnded(server), (how) =>
    Console.log(`The server ended (${how}). It is started again when a source changes.`),
  )
  yield* Effect.forkScoped(told)
  const file = yield* changed
  yield* Effect.sleep(settlingTime)
  yield* Console.log(`${file} has changed: starting the server again.`)
}).pipe(Effect.scoped)

NodeRuntime.runMain(Effect.forever(untilChanged))
