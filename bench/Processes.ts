/** The processes that the benchmark starts. Each ends with its scope, whatever happens. */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { Data, Deferred, Effect, Schedule } from "effect"

/** A measurement cannot be made, or counts for nothing. */
export class Failed extends Data.TaggedError("Failed")<{ readonly what: string; readonly fact: string }> {
  override get message() {
    return `${this.what}: ${this.fact}`
  }
}

/** Which program to run, and where what it says goes. */
export interface Program {
  readonly name: string
  readonly command: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  readonly log: string
}

/** Nothing of our environment but the way to programs and temporary files. */
const environment = (extra: Readonly<Record<string, string>> = {}) => {
  const kept = ["PATH", "HOME", "TMPDIR"].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  return { ...Object.fromEntries(kept), ...extra }
}

const lastLines = (log: string) => readFileSync(log, "utf8").trimEnd().split("\n").slice(-8).join("\n")

const stop = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    const kill = setTimeout(() => child.kill("SIGKILL"), 10_000)
    child.once("exit", () => {
      clearTimeout(kill)
      resume(Effect.void)
    })
    child.kill("SIGTERM")
  })

const ended = (child: ChildProcess, { name, log }: Program) =>
  Effect.callback<never, Failed>((resume) => {
    const fail = (how: unknown) => resume(Effect.fail(new Failed({ what: name, fact: `${how}\n${lastLines(log)}` })))
    if (child.exitCode !== null) return fail(`exit code ${child.exitCode}`)
    child.once("error", fail)
    child.once("exit", (code, signal) => fail(signal ?? `exit code ${code}`))
  })

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const address = probe.address()
    probe.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** Starts a server on a free port of loopback, which it learns as `PORT`, and waits until it is ready. */
export const serve = Effect.fnUntraced(function* (program: Program) {
  const port = yield* freePort
  const url = `http://127.0.0.1:${port}`
  const [command = "", ...args] = program.command
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const log = openSync(program.log, "a")
      const env = environment({ ...program.env, PORT: String(port) })
      const started = spawn(command, args, { env, stdio: ["ignore", log, log] })
      closeSync(log)
      return started
    }),
    stop,
  )
  const ready = Effect.tryPromise((signal) => fetch(`${url}/health/ready`, { signal })).pipe(
    Effect.filterOrFail(({ ok }) => ok),
    Effect.retry(Schedule.spaced("50 millis")),
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () => Effect.fail(new Failed({ what: program.name, fact: "not ready after 60 s" })),
    }),
  )
  yield* Effect.raceFirst(ready, ended(child, program))
  return { url, pid: child.pid ?? 0 }
})

/**
 * Runs a module in a process of its own and gives it one message. `receive`
 * hears each of its messages, and ends the run by giving a result.
 */
export const ask = Effect.fnUntraced(function* <M, A>(
  program: Omit<Program, "command"> & { readonly module: URL; readonly message: unknown },
  receive: (message: M, pid: number) => A | undefined,
) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const log = openSync(program.log, "a")
      const started = fork(program.module, {
        execArgv: ["--conditions=@holdfast/source"],
        env: environment(program.env),
        stdio: ["ignore", log, log, "ipc"],
      })
      closeSync(log)
      return started
    }),
    stop,
  )
  const answer = Deferred.makeUnsafe<A>()
  child.on("message", (message) => {
    // Both ends of the channel are ours.
    const result = receive(message as M, child.pid ?? 0)
    if (result !== undefined) Deferred.doneUnsafe(answer, Effect.succeed(result))
  })
  child.send(program.message as object)
  return yield* Effect.raceFirst(Deferred.await(answer), ended(child, { ...program, command: [] }))
}, Effect.scoped)
