/**
 * One PostgreSQL for the whole test run: the server that `DATABASE_URL` names, else an embedded
 * one in a temporary directory, which is gone when the run ends.
 */

import { Effect, Exit, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { startEmbedded } from "./EmbeddedServer.ts"

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
