/** The systems under test: how each is started. What is measured of Holdfast is what `npm start` runs. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Bench } from "./Bench.ts"
import * as Processes from "./Processes.ts"
import type { SystemName } from "./Scenarios.ts"

export const root = join(import.meta.dirname, "..")

interface System {
  readonly title: string
  readonly script: string
  /** A guess at how many requests a second it answers at the most, until a window has shown it. */
  readonly peak: (connections: number) => number
}

const manifest: { scripts: { start: string } } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

export const systems: Readonly<Record<SystemName, System>> = {
  holdfast: {
    title: "Holdfast",
    script: manifest.scripts.start,
    peak: (connections) => Math.min(6_500, 1_000 * Math.sqrt(connections)),
  },
  peer: {
    title: "Fastify + pg",
    script: "exec node bench/baseline/main.ts",
    peak: (connections) => Math.min(2_500, 1_000 * Math.sqrt(connections)),
  },
  plpgsql: {
    title: "Fastify + plpgsql",
    script: "exec node bench/baseline/main.ts functions",
    peak: (connections) => Math.min(4_000, 1_000 * Math.sqrt(connections)),
  },
  ceiling: {
    title: "no database",
    script: "exec node bench/ceiling.ts",
    peak: (connections) => Math.min(10_000, 4_000 * connections),
  },
}

/** Starts a system on a database. */
export const start = (bench: Bench, name: SystemName, databaseUrl: string) =>
  Processes.serve({
    name,
    command: ["/bin/sh", "-c", `cd '${root}' && ${systems[name].script}`],
    env: {
      PATH: `${join(root, "node_modules", ".bin")}:${process.env["PATH"]}`,
      DATABASE_URL: databaseUrl,
      BITGO_PUBLIC_KEY_FILE: bench.publicKeyFile,
      OPERATOR_TOKEN: bench.operatorToken,
    },
    log: join(bench.directory, `${name}.log`),
  })
