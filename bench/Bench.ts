/** What every measurement needs: a directory, PostgreSQL, the network's key, and how long to measure. */
import { generateKeyPairSync, randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { Effect, FileSystem } from "effect"
import * as Database from "./Database.ts"

/** How long things take. */
export interface Timing {
  readonly warmupMillis: number
  readonly windowMillis: number
  /** How long to wait for an idle machine before each window. */
  readonly patienceMillis: number
}

export const full: Timing = { warmupMillis: 3_000, windowMillis: 8_000, patienceMillis: 60_000 }
export const quick: Timing = { warmupMillis: 1_500, windowMillis: 2_500, patienceMillis: 3_000 }

/** Everything is gone when the scope closes. */
export const start = Effect.fnUntraced(function* (timing: Timing) {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-bench-" })
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
  const publicKeyFile = join(directory, "bitgo-public.pem")
  writeFileSync(publicKeyFile, publicKey.export({ type: "spki", format: "pem" }), { mode: 0o600 })
  return {
    timing,
    directory,
    database: yield* Database.start(directory),
    publicKeyFile,
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    operatorToken: randomBytes(32).toString("hex"),
    /** Requests a second that a system has shown in a scenario, so that the next window prepares enough. */
    rates: new Map<string, number>(),
    /** What went wrong: any makes the run a failure. */
    problems: [] as string[],
  }
}, Effect.provide(NodeFileSystem.layer))

export type Bench = Effect.Success<ReturnType<typeof start>>
