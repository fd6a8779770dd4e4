/**
 * Programs that never outlive this process: a guard in their process group holds a pipe from us and
 * stops them when it ends, however we end. Root runs them as another user, as PostgreSQL demands, who gets none of
 * root's rights.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { Deferred, Effect, FileSystem, Option, Schema, type Scope } from "effect"

/** Root can find no way to run PostgreSQL as another user here. */
export class OutOfReach extends Schema.TaggedError<OutOfReach>()("OutOfReach", {
  path: Schema.String,
  uid: Schema.optional(Schema.Number),
  remedy: Schema.String,
  detail: Schema.String,
}) {
  override get message() {
    return `PostgreSQL cannot run as root, and user ${this.uid} cannot reach \`${this.path}\`. ${this.remedy}, or set DATABASE_URL. (${this.detail})`
  }
}

/** Who runs a program: ourselves, unless another is named. */
export interface User {
  readonly uid?: number
  readonly gid?: number
}

/** A program, and where it writes what it has to say. */
export interface Program {
  readonly command: ReadonlyArray<string>
  readonly user: User
  /** Its working directory. The user need not be able to get there by itself. */
  readonly directory: string
  readonly log: string
  /** A process id that PostgreSQL would mistake for a postmaster's. */
  readonly stalePid?: number | undefined
}

export interface Running {
  readonly pid: number
  /** How it ended, in words. */
  readonly ended: Deferred.Deferred<string>
  /** What it and its children wrote to the log, the last lines. */
  readonly log: Effect.Effect<string, never, FileSystem.FileSystem>
}

/** The user that has nothing. */
export const nobody = 65534

/** The user to run PostgreSQL as, on a data directory that need not exist yet. */
export const chooseUser = Effect.fnUntraced(function* (data: string) {
  if (process.getuid?.() !== 0) return {}
  const fs = yield* FileSystem.FileSystem
  const user: User = { uid: nobody, gid: nobody }
  if (!(yield* fs.exists(data))) return user
  const info = yield* fs.stat(data)
  const uid = Option.getOrElse(info.uid, () => 0)
  if (uid !== 0) return { uid, gid: Option.getOrElse(info.gid, () => nobody) }
  // Data that root has put here, from a backup, say.
  const names = yield* fs.readDirectory(data, { recursive: true })
  yield* Effect.forEach(["", ...names], (name) => fs.chown(Path.join(data, name), nobody, nobody), { concurrency: 8 })
  return user
})

/** Why a script fails that the user runs, if it does. */
export const refusal = (user: User, script: string, ...args: ReadonlyArray<string>) =>
  Effect.callback<Option.Option<string>>((resume) => {
    ChildProcess.execFile("/bin/sh", ["-c", script, "sh", ...args], asUser(user, "/"), (error, _, stderr) =>
      resume(Effect.succeed(error === null ? Option.none() : Option.some(stderr.trim() || error.message))),
    )
  })

/**
 * Node goes to the working directory first, as who we are, and becomes the user then, who has no other groups. A
 * process that was root's and becomes another's loses all capabilities.
 */
const asUser = (user: User, directory: string) => ({
  ...user,
  cwd: directory,
  // Nothing of our environment, where secrets may be. A zone that is known spares initdb a search.
  env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" },
})

/**
 * Becomes the program, leaving a guard behind that holds our pipe. When the pipe ends, because we
 * end it or because we died, the guard stops the program: gently, then after ten seconds not so.
 * It is in the program's process group, so that the group's number cannot become another's.
 */
const guardScript = `
exec 3<&0 </dev/null
guard() {
  trap "" INT QUIT TERM HUP
  read -r _ <&3
  kill -s INT -- -$$
  n=0
  while kill -s 0 $$ && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done
  kill -s QUIT -- -$$
}
(guard >/dev/null 2>&1 &)
exec 3<&- "$@"`

/** How a program ends that did what it should. */
export const success = "exit code 0"

/** Runs a program until it ends, or the scope does. */
export const run = (program: Program): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync((): Running & { readonly child: ChildProcess.ChildProcess } => {
      const options = asUser(program.user, program.directory)
      // PostgreSQL holds a lock that names its grandparent to be out of date.
      const stale = program.stalePid === undefined ? {} : { PG_GRANDPARENT_PID: String(program.stalePid) }
      const log = Fs.openSync(program.log, "a", 0o600)
      const offset = Fs.fstatSync(log).size
      const child = ChildProcess.spawn("/bin/sh", ["-c", guardScript, "sh", ...program.command], {
        ...options,
        env: { ...options.env, ...stale },
        // In a group of its own, a Ctrl-C that is meant for us does not stop it before we have finished.
        detached: true,
        stdio: ["pipe", log, log],
      })
      Fs.closeSync(log)
      const ended = Deferred.makeUnsafe<string>()
      const end = (how: string) => {
        child.stdin?.end()
        Deferred.doneUnsafe(ended, Effect.succeed(how))
      }
      child.stdin?.on("error", () => {})
      child.on("error", (error) => end(error.message))
      child.on("exit", (code, signal) => end(signal === null ? `exit code ${code}` : signal))
      return { child, pid: child.pid ?? 0, ended, log: lastLines(program.log, offset) }
    }),
    ({ child, ended }) =>
      Effect.sync(() => child.stdin?.end()).pipe(
        Effect.andThen(Deferred.await(ended)),
        Effect.timeoutOrElse({
          duration: "15 seconds",
          // Only if someone killed the guard.
          orElse: () =>
            Effect.andThen(
              Effect.sync(() => child.kill("SIGQUIT")),
              Deferred.await(ended),
            ),
        }),
      ),
  )

const lastLines = (log: string, offset: number) =>
  Effect.map(
    Effect.flatMap(FileSystem.FileSystem, (fs) => Effect.orElseSucceed(fs.readFile(log), () => new Uint8Array())),
    (bytes) => Buffer.from(bytes.subarray(offset)).toString().trimEnd().split("\n").slice(-15).join("\n"),
  )
