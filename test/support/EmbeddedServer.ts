/** A PostgreSQL for many tests, in a temporary directory that is gone with the scope. */
import { dirname } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { Effect, FileSystem } from "effect"
// By its path: vitest resolves what runs in its main process without our export condition.
import * as EmbeddedPostgres from "../../packages/server/src/postgres/EmbeddedPostgres.ts"

/** Gives its URL, as one who may make databases and roles, and end other connections. */
export const startEmbedded = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-test-" })
  // Room for several test files at once, each with a server and its pool.
  const server = yield* EmbeddedPostgres.start({ directory, parameters: { max_connections: "300" } })
  const query = new URLSearchParams({ host: dirname(server.path), user: server.superuser })
  return `postgres:///${server.database}?${query}`
}).pipe(Effect.provide(NodeFileSystem.layer))
