/**
 * Programs that never outlive this process: a guard in their process group holds a pipe from us and
 * stops them when it ends, however we end. Root runs them as another user, as PostgreSQL demands.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { Deferred, Effect, FileSystem, Option, Schema, type Scope } from "effect"
import type { PlatformError } from "effect/PlatformError"

/** Root can find no way to run PostgreSQL as another user here. */
export class DirectoryNotTraversable extends Schema.TaggedError<DirectoryNotTraversable>()("DirectoryNotTraversable", {
  directory: Schema.String,
  binary: Schema.String,
  detail: Schema.String,
}) {
  override get message() {
    return `PostgreSQL cannot run as root, and other users cannot reach both \`${this.directory}\` and \`${this.binary}\`. Move them below directories that others may traverse, install setpriv (util-linux), or set DATABASE_URL. ${this.detail}`
  }
}

/** How to run a program as a user that PostgreSQL accepts. */
export interface User {
  readonly uid?: number
  readonly gid?: number
  readonly prefix: ReadonlyArray<string>
}

/** A program, and where it writes what it has to say. */
interface Program {
  readonly command: ReadonlyArray<string>
  readonly user: User
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

const nobody = 65534

/** `nobody`, who may pass through directories that are closed to others: root's clone is often in one. */
const setpriv = [
  "setpriv",
  "--clear-groups",
  "--securebits=+no_setuid_fixup",
  "--inh-caps=-all,+dac_override",
  "--ambient-caps=-all,+dac_override",
]

/** The user to run a binary as, on a data directory that need not exist yet. */
export const chooseUser = Effect.fnUntraced(function* (
  data: string,
  binary: string,
): Effect.fn.Return<User, DirectoryNotTraversable | PlatformError, FileSystem.FileSystem> {
  if (process.getuid?.() !== 0) return { prefix: [] }
  const { uid, gid } = yield* ownerOf(data)
  const directory = Path.dirname(data)
  const plain: User = { uid, gid, prefix: [] }
  if (Option.isNone(yield* refusal(plain, directory, binary))) return plain
  const privileged: User = { uid, gid, prefix: [...setpriv, `--reuid=${uid}`, `--regid=${gid}`, "--"] }
  const detail = yield* refusal(privileged, directory, binary)
  if (Option.isNone(detail)) return privileged
  return yield* new DirectoryNotTraversable({ directory, binary, detail: detail.value })
})

/** Who runs PostgreSQL on behalf of root: the owner of the data, `nobody` for new data and for root's. */
const ownerOf = Effect.fnUntraced(function* (data: string) {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* fs.exists(data))) return { uid: nobody, gid: nobody }
  const info = yield* fs.stat(data)
  const uid = Option.getOrElse(info.uid, () => 0)
  if (uid !== 0) return { uid, gid: Option.getOrElse(info.gid, () => nobody) }
  const names = yield* fs.readDirectory(data, { recursive: true })
  yield* Effect.forEach(["", ...names], (name) => fs.chown(Path.join(data, name), nobody, nobody), { concurrency: 8 })
  return { uid: nobody, gid: nobody }
})

/** Why the user cannot run the binary and reach the directory, if so. */
const refusal = (user: User, directory: string, binary: string) =>
  Effect.callback<Option.Option<string>>((resume) => {
    const [command, args, options] = asUser(user, [`cd "$1" && "$2" --version`, "sh", directory, binary])
    ChildProcess.execFile(command, args, options, (error, _, stderr) =>
      resume(Effect.succeed(error === null ? Option.none() : Option.some(stderr.trim() || error.message))),
    )
  })

/** The command that has `/bin/sh` run a script as the user, with the arguments that follow the script. */
const asUser = (user: User, script: ReadonlyArray<string>) => {
  const [command = "", ...args] = [...user.prefix, "/bin/sh", "-c", ...script]
  const identity = user.prefix.length > 0 || user.uid === undefined ? {} : { uid: user.uid, gid: user.gid }
  // Nothing of our environment, where secrets may be. A zone that is known spares initdb a search.
  const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" }
  return [command, args, { ...identity, cwd: "/", env }] as const
}

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
      const [shell, args, options] = asUser(program.user, [guardScript, "sh", ...program.command])
      // PostgreSQL holds a lock that names its grandparent to be out of date.
      const stale = program.stalePid === undefined ? {} : { PG_GRANDPARENT_PID: String(program.stalePid) }
      const env = { ...options.env, ...stale }
      const log = Fs.openSync(program.log, "a")
      const offset = Fs.fstatSync(log).size
      // In a group of its own, a Ctrl-C that is meant for us does not stop it before we have finished.
      const child = ChildProcess.spawn(shell, args, { ...options, env, detached: true, stdio: ["pipe", log, log] })
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
