/**
 * One PostgreSQL for the whole test run: the server that `DATABASE_URL` names, else an embedded
 * one in a temporary directory, which is gone when the run ends.
 */

import { dirname } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { Effect, Exit, FileSystem, Scope } from "effect"
import type { TestProject } from "vitest/node"
// By its path: vitest resolves what runs in its main process without our export condition.
import * as EmbeddedPostgres from "../../packages/http/src/EmbeddedPostgres.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A PostgreSQL 14 or later, whose user is a superuser. */
    readonly postgres: { readonly url: string }
  }
}

export default async function setup(project: TestProject) {
  const url = process.env["DATABASE_URL"]
  if (url !== undefined && url !== "") return project.provide("postgres", { url })
  const scope = Scope.makeUnsafe()
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
  try {
    project.provide("postgres", { url: await Effect.runPromise(Scope.provide(startEmbedded, scope)) })
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}

const startEmbedded = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-test-" })
  // Room for several test files at once, each with a server and its pool.
  const server = yield* EmbeddedPostgres.start({ directory, parameters: { max_connections: "300" } })
  // Tests make databases and roles, and end other connections.
  const query = new URLSearchParams({ host: dirname(server.path), user: server.superuser })
  return `postgres:///${server.database}?${query}`
}).pipe(Effect.provide(NodeFileSystem.layer))
