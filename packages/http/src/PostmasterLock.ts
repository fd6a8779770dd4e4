/** PostgreSQL's lock on a data directory, the file `postmaster.pid`: who holds it, and whether they are ready. */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { Effect, FileSystem, Schedule, Schema } from "effect"

/** A live postmaster holds the lock. */
export class DataDirectoryInUse extends Schema.TaggedError<DataDirectoryInUse>()("DataDirectoryInUse", {
  directory: Schema.String,
  pid: Schema.Number,
}) {
  override get message() {
    return `The data directory \`${this.directory}\` is in use by process ${this.pid}.`
  }
}

/** The lock as it is now; empty where there is none. */
export const readLock = Effect.fnUntraced(function* (data: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(Path.join(data, "postmaster.pid")).pipe(Effect.orElseSucceed(() => ""))
  const lines = text.split("\n")
  return { text, pid: Number(lines[0]), status: lines[7]?.trim() }
})

/**
 * Waits until the postmaster takes connections. A lock of an earlier run may name the same pid: a container numbers
 * its processes alike every time.
 */
export const untilReady = (data: string, pid: number, before: string) =>
  readLock(data).pipe(
    Effect.repeat({
      schedule: Schedule.spaced("5 millis"),
      until: (lock) => lock.text !== before && lock.pid === pid && lock.status === "ready",
    }),
  )

/**
 * Fails while a live postmaster holds the lock. Answers the process id in the lock when it now
 * is another program's, which PostgreSQL would mistake for a postmaster.
 */
export const checkLock = Effect.fnUntraced(function* (data: string, pid: number) {
  if (!(pid > 0) || !isAlive(pid)) return undefined
  if (isPostmasterOf(data, yield* commandLine(pid))) return yield* new DataDirectoryInUse({ directory: data, pid })
  return pid
})

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** The command line of a process, empty for a zombie. */
const commandLine = (pid: number) =>
  Effect.callback<string>((resume) => {
    const answer = (_: unknown, text = "") => resume(Effect.succeed(text.replaceAll("\0", " ")))
    if (process.platform === "linux") Fs.readFile(`/proc/${pid}/cmdline`, "utf8", answer)
    else ChildProcess.execFile("ps", ["-ww", "-o", "args=", "-p", String(pid)], answer)
  })

const isPostmasterOf = (data: string, commandLine: string) =>
  /(^|\/)postgres( |$)/.test(commandLine) && (!commandLine.includes(" -D /") || commandLine.includes(` -D ${data} `))
