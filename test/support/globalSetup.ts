/**
 * The console is built, where its sources are newer than what was built of them; and what a whole test run shares, and what is gone when it ends: one PostgreSQL, the server that `DATABASE_URL` names or
 * else an embedded one in a temporary directory; and a folder for the packages once they are packed.
 */
import { execFileSync } from "node:child_process"
import { globSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { startEmbedded } from "./EmbeddedServer.ts"
import { root } from "./ServerProcess.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A PostgreSQL 14 or later, whose user is a superuser. */
    readonly postgres: { readonly url: string }
    /** For `Packed.ts` alone. */
    readonly packedFolder: string
  }
}

/** `npm ci` built it; where it did not, as in a copy that is to be spoilt, nobody looks at it. */
const buildConsole = () => {
  const newest = (pattern: string) =>
    Math.max(...globSync(pattern, { cwd: root }).map((file) => statSync(join(root, file)).mtimeMs))
  const built = newest("packages/console/dist/index.html")
  if (built === -Infinity || built > newest("packages/console/{build.ts,index.html,src/**/*.*}")) return
  execFileSync("npm", ["run", "-s", "build", "-w", "packages/console"], { cwd: root, stdio: "inherit" })
}

export default async function setup(project: TestProject) {
  buildConsole()
  const scope = Scope.makeUnsafe()
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const packedFolder = Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "holdfast-packed-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
  )
  try {
    project.provide("packedFolder", await Effect.runPromise(Scope.provide(packedFolder, scope)))
    const url = process.env["DATABASE_URL"] || (await Effect.runPromise(Scope.provide(startEmbedded, scope)))
    project.provide("postgres", { url })
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
