/** The server as people run it: a process of its own, with a database of its own unless one is named. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { text } from "node:stream/consumers"
import { Effect, Schedule } from "effect"

export const root = resolve(import.meta.dirname, "../..")

/** A directory that is gone with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holdfast-server-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true })),
)

/** One worker of the tests looks at other ports than the next: of each four, one is for it. */
const residue = Number(process.env["VITEST_POOL_ID"] ?? process.pid) % 4
let looked = randomInt(5_000)

/**
 * A port that nobody listens on now, and that nobody is given by chance until somebody does: those that Linux gives to
 * whoever wants any begin at 32768.
 */
export const freePort = Effect.promise(async () => {
  while (true) {
    looked = (looked + 1) % 5_000
    const port = 12_000 + looked * 4 + residue
    const server = Net.createServer().listen(port, "127.0.0.1")
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, "close")
    return port
  }
})

/** The command `holdfast`, of the sources. */
export const holdfast = ["--conditions=@holdfast/source", "packages/server/src/holdfast.ts"]

/** Node as npm's scripts have it. */
export const node = join(root, "node_modules/.bin/node")

/** The embedded database of a server's data directory, as the role that the server is there. */
export const databaseIn = (directory: string) => ({
  config: { path: join(directory, "postgres", ".s.PGSQL.5432"), username: "holdfast_server", database: "holdfast" },
})

/** Runs a verb of `holdfast` to its end, in nothing but the environment that is given. */
export const run = Effect.fnUntraced(function* (
  verb: string,
  environment: Readonly<Record<string, string>>,
  ...args: ReadonlyArray<string>
) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const { PATH = "" } = process.env
      return spawn(node, [...holdfast, verb, ...args], { cwd: root, env: { PATH, ...environment } })
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )
  const exited = once(child, "exit")
  const [out, err] = yield* Effect.promise(() => Promise.all([text(child.stdout), text(child.stderr)]))
  const [code]: Array<unknown> = yield* Effect.promise(() => exited)
  return { code, out, err }
}, Effect.scoped)

export interface ServerProcess {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
  /** What it wrote so far, both streams. */
  readonly output: () => string
  /** Sends the signal and waits for the end: the exit code, or the signal that ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals | null>
}

interface Surroundings {
  /** In place of our server. */
  readonly program?: ReadonlyArray<string>
  readonly directory?: string
  /** A command that runs the one which follows it. */
  readonly through?: ReadonlyArray<string>
  /** What Node runs, if not the sources. */
  readonly entry?: ReadonlyArray<string>
  /** In place of pipes that are read. */
  readonly stdio?: StdioOptions
}

/** Starts a server and waits until it is ready. It is ended with the scope. */
export const start = Effect.fnUntraced(function* (
  environment: Readonly<Record<string, string>>,
  {
    entry = [...holdfast, "serve"],
    program = [node, ...entry],
    directory = root,
    through = [],
    stdio = "pipe",
  }: Surroundings = {},
) {
  const port = yield* freePort
  const server = yield* Effect.acquireRelease(
    Effect.sync((): ServerProcess => {
      const { PATH = "" } = process.env
      const [command = node, ...args] = [...through, ...program]
      const cache = { NODE_COMPILE_CACHE: join(root, "node_modules/.cache/holdfast") }
      const env = { PATH, PORT: String(port), ...cache, ...environment }
      const child = spawn(command, args, { cwd: directory, env, stdio })
      const ended = new Promise<number | NodeJS.Signals | null>((done) =>
        child.once("exit", (code, signal) => done(code ?? signal)),
      )
      let output = ""
      if (stdio === "pipe") {
        for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += String(chunk)))
      }
      return {
        url: `http://127.0.0.1:${port}`,
        port,
        child,
        output: () => output,
        end: (signal) => {
          child.kill(signal)
          return ended
        },
      }
    }),
    ({ end }) => Effect.promise(() => end("SIGTERM")),
  )
  yield* untilReady(server)
  return server
})

/** Waits until the server says that it is ready, as long as it lives. */
const untilReady = ({ url, child, output }: ServerProcess) =>
  Effect.tryPromise(() => fetch(`${url}/health/ready`)).pipe(
    Effect.filterOrFail((response) => response.ok),
    Effect.retry({
      schedule: Schedule.spaced("20 millis"),
      while: () => child.exitCode === null && child.signalCode === null,
    }),
    Effect.mapError(() => new Error(`The server ended:\n${output()}`)),
  )
