/** What the run says: tables for the reader, and a file with everything for later. */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Bench } from "./Bench.ts"
import type { Medians } from "./Comparison.ts"
import * as Machine from "./Machine.ts"
import { goals, type Measured, scenarios } from "./Scenarios.ts"
import { root, systems } from "./Systems.ts"
import type { Window } from "./Window.ts"

const git = (...args: ReadonlyArray<string>) => {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim()
  } catch {
    return "unknown"
  }
}

const version = (name: string): string =>
  JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")).version

/** On what, and with what, a run is made. */
export const circumstances = (bench: Bench) => ({
  machine: Machine.describe(bench.directory),
  commit: git("rev-parse", "HEAD"),
  uncommittedChanges: git("status", "--porcelain", "--untracked-files=no") !== "",
  versions: {
    node: process.versions.node,
    ...Object.fromEntries(
      ["effect", "@effect/sql-pg", "fastify", "pg", "jose", "autocannon"].map((_) => [_, version(_)]),
    ),
  },
  postgres: bench.database.settings,
  timing: bench.timing,
})

const table = (rows: ReadonlyArray<ReadonlyArray<string>>) => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  const lines = rows.map((row) => row.map(cell).join("   ").trimEnd())
  return [lines[0], "-".repeat(Math.max(...lines.map((_) => _.length))), ...lines.slice(1)].join("\n")
}

const number = (value: number) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2))
const shown = (value: number | undefined) => (value === undefined ? "" : number(value))

/** Throughputs, latencies and the main thread's CPU a request: a row for each system in each scenario. */
export const comparison = (of: Medians) => {
  const rows = scenarios.flatMap(({ name, title, ceiling }) => {
    const own = of(name, "holdfast")?.requestsPerSecond
    if (own === undefined) return []
    return (["holdfast", "peer", "plpgsql", "ceiling"] as const).flatMap((system) => {
      const median = of(system === "ceiling" ? ceiling : name, system)
      if (median === undefined) return []
      const { requestsPerSecond, spread, p50, p99, mainMicros } = median
      return [
        [
          `${system === "holdfast" ? `${title}: ` : "  "}${systems[system].title}`,
          `${number(requestsPerSecond)} ±${Math.round(spread * 50)}%`,
          system === "holdfast" ? "" : `${(own / requestsPerSecond).toFixed(2)}×`,
          `${p50.toFixed(1)} / ${p99.toFixed(1)}`,
          mainMicros.toFixed(),
        ],
      ]
    })
  })
  return table([["", "requests/s", "Holdfast", "p50 / p99 ms", "main thread, µs"], ...rows])
}

/** Each goal with what was measured. */
export const verdicts = (measured: Measured) =>
  goals.map(({ title, atLeast, hope, less = false, value: find }) => {
    const value = find(measured)
    const meets = (limit: number | undefined) =>
      value !== undefined && limit !== undefined && (less ? value <= limit : value >= limit)
    const missed = atLeast === undefined ? "reported" : "NOT REACHED"
    const verdict =
      value === undefined ? "not measured" : meets(hope) ? "hope reached" : meets(atLeast) ? "reached" : missed
    return { title, atLeast, hope, less, value, verdict }
  })

/** What we read of a result that was saved; a goal that was not measured has no value. */
interface Committed {
  readonly startedAt: string
  readonly verdicts: ReadonlyArray<{ readonly title: string; readonly value?: number }>
}

/** What was measured of each goal, by its title, in the newest result of a kind that is committed. */
const committed = (kind: string) => {
  const file = git("ls-tree", "--name-only", "HEAD", "bench/results/")
    .split("\n")
    .filter((name) => name.endsWith(`-${kind}.json`))
    .at(-1)
  if (file === undefined) return undefined
  const result: Committed = JSON.parse(git("show", `HEAD:./${file}`))
  return {
    day: result.startedAt.slice(0, 10),
    values: new Map(result.verdicts.map(({ title, value }) => [title, value])),
  }
}

/** The verdicts, beside the last committed ones of such a run, so that what costs speed is seen. */
export const verdictTable = (kind: string, list: ReturnType<typeof verdicts>) => {
  const last = committed(kind)
  return table([
    ["goal", "bound", "hope", ...(last === undefined ? [] : [`on ${last.day}`]), "measured", ""],
    ...list.map(({ title, atLeast, hope, less, value, verdict }) => [
      title,
      atLeast === undefined ? "" : `${less ? "≤" : "≥"} ${number(atLeast)}`,
      shown(hope),
      ...(last === undefined ? [] : [shown(last.values.get(title))]),
      shown(value),
      verdict,
    ]),
  ])
}

/** Windows in which others used the machine. */
export const disturbed = (windows: ReadonlyArray<Window>) =>
  windows.filter(({ foreignCores, stolenCores }) => foreignCores + stolenCores > Machine.idleCores)

/** Writes the results, named by the time and the kind of run, and says where. */
export const save = (kind: string, results: object): string => {
  const directory = join(root, "bench", "results")
  mkdirSync(directory, { recursive: true })
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-")
  const file = join(directory, `${time}-${kind}.json`)
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
  return file
}
