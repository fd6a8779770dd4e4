/**
 * Where a round takes place: a fresh database on a PostgreSQL of its own, and so
 * many server processes, each with a proxy between it and the database.
 */
import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { NodeFileSystem } from "@effect/platform-node"
import { PgConnection } from "@effect/sql-pg"
import type { System } from "@holdfast/domain/testing"
import * as EmbeddedPostgres from "@holdfast/server/EmbeddedPostgres"
import { Effect, Exit, Scope } from "effect"
import * as HttpClient from "../support/HttpClient.ts"
import * as HttpSystem from "../support/HttpSystem.ts"
import * as Quiet from "../support/Quiet.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"
import * as Proxy from "./Proxy.ts"
import type * as Random from "./Random.ts"

const operatorToken = randomUUID()

export interface Arena {
  readonly random: Random.Random
  /** One for each server. */
  readonly proxies: ReadonlyArray<Proxy.Proxy>
  /** One server after another, whichever live; calls that get an answer that no server may give are in `wrong`. */
  readonly system: System.System
  readonly wrong: ReadonlyArray<string>
  readonly servers: () => ReadonlyArray<ServerProcess.ServerProcess>
  /** Ends a server with a signal and starts another in its place; gives how it ended. */
  readonly replace: (server: ServerProcess.ServerProcess, signal: "SIGKILL" | "SIGTERM") => Promise<unknown>
  readonly postgres: {
    readonly pid: () => Promise<number>
    readonly stop: () => Promise<void>
    readonly start: () => Promise<void>
  }
  /** A statement on a connection of its own, past the proxy. */
  readonly query: (statement: string) => Promise<ReadonlyArray<Readonly<Record<string, unknown>>>>
  /** What PostgreSQL has logged so far. */
  readonly logOf: () => string
  /** Where to read what is there in the end. */
  readonly connection: PgConnection.Config
}

interface Options {
  readonly servers: number
  readonly random: Random.Random
  /** Where the database lives, in place of the system's directory for temporary files. */
  readonly directory?: string
  /** A directory with a database to begin with, in place of making one. */
  readonly template?: string
}

/** Everything ends with the scope. */
export const open = Effect.fnUntraced(function* ({ servers: count, random, directory, template }: Options) {
  const temporary = directory ?? (yield* ServerProcess.temporaryDirectory)
  if (template !== undefined) {
    yield* Effect.promise(() => promisify(execFile)("cp", ["-a", `${template}/.`, temporary]))
  }
  const publicKeyFile = join(temporary, "bitgo-public.pem")
  writeFileSync(publicKeyFile, Signing.publicKeyPem, { mode: 0o600 })

  let running = yield* Scope.make()
  const startPostgres = Effect.gen(function* () {
    running = yield* Scope.make()
    // Few buffers, and quick to stop: a round is short.
    const options = { directory: temporary, parameters: { max_connections: "200" } }
    return yield* Scope.provide(EmbeddedPostgres.start(options), running)
  }).pipe(Effect.provide([NodeFileSystem.layer, Quiet.layer]), Effect.orDie)
  const stopPostgres = Effect.suspend(() => Scope.close(running, Exit.void))
  let postgres = yield* startPostgres
  yield* Effect.addFinalizer(() => stopPostgres)
  const { path, username, superuser, database } = postgres
  const connection = { path, username, database, startupParameters: { search_path: "holdfast" } }
  // To write files until one meets the full disk.
  yield* Effect.scoped(
    Effect.flatMap(PgConnection.make({ path, username: superuser, database }), (administrator) =>
      administrator.query(`GRANT EXECUTE ON FUNCTION pg_switch_wal TO ${username}`),
    ),
  )

  const proxies = yield* Effect.forEach(Array.from({ length: count }), () =>
    Effect.acquireRelease(
      Effect.promise(() => Proxy.start(path)),
      (proxy) => Effect.promise(() => proxy.close()),
    ),
  )
  const start = Effect.fnUntraced(function* (proxy: Proxy.Proxy) {
    const scope = yield* Scope.make()
    const environment = {
      DATABASE_URL: `postgres://${username}@127.0.0.1:${proxy.port}/${database}`,
      BITGO_PUBLIC_KEY_FILE: publicKeyFile,
      OPERATOR_TOKEN: operatorToken,
    }
    const server = yield* Effect.orDie(Scope.provide(ServerProcess.start(environment), scope))
    const options = { timeoutMillis: 8_000 }
    return { server, proxy, call: HttpClient.make(server.url, Signing.privateKey, operatorToken, options) }
  })
  const live = new Map(
    (yield* Effect.forEach(proxies, start, { concurrency: "unbounded" })).map((seat) => [seat.server, seat]),
  )
  yield* Effect.addFinalizer(() =>
    Effect.promise(() => Promise.all(Array.from(live.keys(), (server) => server.end("SIGKILL")))),
  )

  const wrong: Array<string> = []
  const system = HttpSystem.fromClient(async (method, path, body) => {
    const answer = await random.pick(Array.from(live.values())).call(method, path, body)
    if (![200, 404, 409, 422, 503].includes(answer.status)) {
      wrong.push(`${method} ${path} was answered with ${answer.status} ${answer.text}`)
    }
    return answer
  })

  const arena: Arena = {
    random,
    proxies,
    system,
    wrong,
    servers: () => Array.from(live.keys()),
    replace: async (server, signal) => {
      const proxy = live.get(server)?.proxy
      const how = await server.end(signal)
      live.delete(server)
      if (proxy === undefined) return how
      const seat = await Effect.runPromise(start(proxy))
      live.set(seat.server, seat)
      return how
    },
    postgres: {
      pid: () => Effect.runPromise(postgres.pid),
      stop: () => Effect.runPromise(stopPostgres),
      start: async () => {
        postgres = await Effect.runPromise(startPostgres)
      },
    },
    query: (statement) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            return (yield* (yield* PgConnection.make(connection)).query(statement)).rows
          }),
        ),
      ),
    logOf: () => readFileSync(join(temporary, "postgres.log"), "utf8"),
    connection,
  }
  return arena
})
