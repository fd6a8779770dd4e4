/**
 * PostgreSQL's lock on a data directory, the file `postmaster.pid`: who holds it, and whether they are ready.
 *
 * A postmaster tells in its command line which process started it, and for which directory. It is a child of that
 * process as long as that lives, and of another one afterwards: so an orphan is told from a postmaster that is in use,
 * and neither from what has got its process id since, without a file or a clock.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { promisify } from "node:util"
import { type Duration, Effect, FileSystem, Schedule, Schema } from "effect"

/** A live postmaster holds the lock. */
export class DataDirectoryInUse extends Schema.TaggedError<DataDirectoryInUse>()("DataDirectoryInUse", {
  directory: Schema.String,
  pid: Schema.Number,
  /** Which process it works for, where that can be told. */
  server: Schema.optional(Schema.Number),
  /** That process has ended, and it does not. */
  isLeftAlone: Schema.Boolean,
}) {
  override get message() {
    const fact = `The data directory \`${this.directory}\` is in use by process ${this.pid}`
    if (this.isLeftAlone) {
      return `${fact}, a PostgreSQL whose server has ended and that does not end when it is told to. \`kill -KILL ${this.pid}\` ends it.`
    }
    return this.server === undefined
      ? `${fact}, a PostgreSQL that no server of this version runs. \`kill -INT ${this.pid}\` ends it.`
      : `${fact}, the PostgreSQL of the server that is process ${this.server}. Only one may use it at a time.`
  }
}

/** The lock as it is now; empty where there is none. */
export const readLock = Effect.fnUntraced(function* (data: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(Path.join(data, "postmaster.pid")).pipe(Effect.orElseSucceed(() => ""))
  const lines = text.split("\n")
  // A PostgreSQL without a postmaster, in single-user mode, writes its process id with a minus.
  return { text, pid: Math.abs(Number(lines[0])), status: lines[7]?.trim() }
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

/** What a PostgreSQL is to be started with, so that it tells whose it is. */
export const marks = (data: string) =>
  Effect.map(identify(data), (directory) => [
    "-c",
    `holdfast.server=${process.pid}`,
    "-c",
    `holdfast.directory=${directory}`,
  ])

/**
 * Makes sure that no live postmaster holds the lock: ends one whose server has died, and fails for any other. Answers
 * the process id in the lock when it now is another program's, which PostgreSQL would mistake for a postmaster.
 *
 * What is ended may take as long as `patience` to do so as it should, writing its data; then it has to end at once.
 */
export const claim = Effect.fnUntraced(function* (data: string, patience: Duration.Input) {
  const signals = [
    ["SIGINT", patience],
    ["SIGQUIT", "2 seconds"],
  ] as const
  for (const [signal, duration] of signals) {
    const { pid, use, server } = yield* findHolder(data)
    if (use !== "orphan") break
    yield* Effect.logWarning(
      `PostgreSQL (process ${pid}) was left alone by its server (process ${server}). Ending it (${signal}).`,
    )
    send(pid, signal)
    yield* findHolder(data).pipe(
      Effect.repeat({
        schedule: Schedule.spaced("20 millis"),
        while: (now) => now.use === "orphan" && now.pid === pid,
      }),
      Effect.timeoutOption(duration),
    )
  }
  const { pid, use, server } = yield* findHolder(data)
  if (use === "none") return undefined
  if (use === "another program") return pid
  return yield* new DataDirectoryInUse({
    directory: data,
    pid,
    isLeftAlone: use === "orphan",
    ...(use === "served" ? { server } : {}),
  })
})

interface Holder {
  readonly pid: number
  /** What the process is that the lock names. */
  readonly use: "none" | "another program" | "served" | "orphan" | "unknown"
  readonly server?: number
}

const findHolder = Effect.fnUntraced(function* (data: string): Effect.fn.Return<Holder, never, FileSystem.FileSystem> {
  const { pid } = yield* readLock(data)
  if (!(pid > 0) || !send(pid, 0)) return { pid, use: "none" }
  const { parent, command } = yield* look(pid)
  const marked = marksPattern.exec(command.join(" "))
  if (marked === null) return { pid, use: (yield* isPostmasterOf(data, command)) ? "unknown" : "another program" }
  if (marked[2] !== (yield* identify(data))) return { pid, use: "another program" }
  const server = Number(marked[1])
  return { pid, use: server === parent ? "served" : "orphan", server }
})

const marksPattern = /holdfast\.server=(\d+) -c holdfast\.directory=(\S+)/

/** What a directory is, by whatever name: it stays the same when it is moved. */
const identify = (directory: string) =>
  Effect.tryPromise(() => Fs.stat(directory, { bigint: true })).pipe(
    Effect.map(({ dev, ino }) => `${dev}:${ino}`),
    Effect.orElseSucceed(() => "gone"),
  )

/** As those look that bear no marks: an older version's, and what people start by hand. */
const isPostmasterOf = Effect.fnUntraced(function* (data: string, command: ReadonlyArray<string>) {
  if (Path.basename(command[0] ?? "") !== "postgres") return false
  const option = command.indexOf("-D")
  const directory = command[option + 1] ?? ""
  return option < 0 || !Path.isAbsolute(directory) || (yield* identify(directory)) === (yield* identify(data))
})

/** Whether there is the process that the signal is meant for. */
const send = (pid: number, signal: NodeJS.Signals | 0) => {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** The parent and the command line of a process; no command for a zombie, and for one that has gone. */
const look = (pid: number) =>
  Effect.orElseSucceed(
    Effect.tryPromise(() => (process.platform === "linux" ? lookInProc(pid) : askPs(pid))),
    () => ({ parent: 0, command: [] }),
  )

const lookInProc = async (pid: number) => {
  const command = (await Fs.readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0")
  // The name in parentheses, which may contain anything, the state, the parent.
  const stat = /^.*\) \S (\d+)/s.exec(await Fs.readFile(`/proc/${pid}/stat`, "utf8"))
  return { parent: Number(stat?.[1]), command }
}

const askPs = async (pid: number) => {
  const { stdout } = await promisify(ChildProcess.execFile)("ps", ["-ww", "-o", "ppid=,args=", "-p", String(pid)])
  const [parent, ...command] = stdout.trim().split(/\s+/)
  return { parent: Number(parent), command }
}
