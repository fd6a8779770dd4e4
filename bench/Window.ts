/** One window: a server (or several) on a fresh database under load, and the audit after it. */
import { join } from "node:path"
import { Effect } from "effect"
import type { Bench } from "./Bench.ts"
import * as Database from "./Database.ts"
import type { Job, Message, Report } from "./load/main.ts"
import type { Work } from "./load/Requests.ts"
import * as Machine from "./Machine.ts"
import * as Processes from "./Processes.ts"
import type { Scenario, SystemName } from "./Scenarios.ts"
import * as Systems from "./Systems.ts"

/** What was measured, and by whom the machine was used meanwhile. */
export interface Window extends Report {
  readonly scenario: string
  readonly system: SystemName
  readonly servers: number
  readonly startedAt: string
  readonly maxMegabytes: number
  readonly megabytes: number
  readonly serverCores: number
  /** What of that the servers' main threads used, in which the program runs. */
  readonly mainCores: number
  readonly postgresCores: number
  readonly foreignCores: number
  readonly stolenCores: number
}

/** A server as the load needs to know it. */
export interface Server {
  readonly url: string
  readonly pid: number
}

/** Puts load on servers that run. */
export const load = Effect.fnUntraced(function* (
  bench: Bench,
  system: SystemName,
  scenario: Scenario,
  servers: ReadonlyArray<Server>,
  /** Requests a second, whatever comes back. */
  forced?: number,
) {
  const { warmupMillis, windowMillis, patienceMillis } = bench.timing
  const postgres = [yield* bench.database.pid]
  yield* Machine.untilIdle([process.pid, ...postgres], patienceMillis)

  const kind = `${system} ${scenario.name} ${servers.length}`
  // From 64 connections on, the scenarios of a system do not differ much.
  const similar = scenario.connections >= 64 ? `${system} ${servers.length}` : kind
  const known = bench.rates.get(kind) ?? bench.rates.get(similar)
  const rate = known === undefined ? Systems.systems[system].peak(scenario.connections) : known * 1.6
  const job: Job = {
    urls: servers.map(({ url }) => url),
    connections: scenario.connections,
    work: scenario.work,
    warmupMillis,
    windowMillis,
    requests: Math.ceil(((forced ?? rate) * (warmupMillis + windowMillis)) / 1000),
    privateKey: bench.privateKey,
    operatorToken: bench.operatorToken,
    ...(forced === undefined ? {} : { rate: forced }),
  }
  const marks: Array<Machine.Snapshot> = []
  const startedAt = new Date().toISOString()
  const generator = { name: "load generator", module: new URL("load/main.ts", import.meta.url), message: job }
  const { report, cores, mainCores } = yield* Processes.ask(
    { ...generator, log: join(bench.directory, "load.log") },
    (message: Message, generatorPid) => {
      if (message.tag !== "report") {
        marks.push(Machine.snapshot())
        return undefined
      }
      const [before, after] = marks
      if (before === undefined || after === undefined) return undefined
      const server = servers.map(({ pid }) => pid)
      const trees = { server, postgres, generator: [generatorPid], own: [process.pid] }
      return {
        report: message.report,
        cores: Machine.coresBetween(before, after, trees),
        mainCores: Machine.mainCoresBetween(before, after, server),
      }
    },
  )
  if (forced === undefined)
    for (const key of [kind, similar]) bench.rates.set(key, report.requestsPerSecond * (report.exhausted ? 2 : 1))
  const memory = servers.map(({ pid }) => Machine.memoryOf(pid))
  const window: Window = {
    ...report,
    scenario: scenario.name,
    system,
    servers: servers.length,
    startedAt,
    maxMegabytes: Math.max(...memory.map(({ max }) => max)),
    megabytes: Math.max(...memory.map(({ now }) => now)),
    serverCores: cores.server,
    mainCores,
    postgresCores: cores.postgres,
    foreignCores: cores.foreign,
    stolenCores: cores.stolen,
  }
  if (Object.keys(report.failures).length > 0) {
    bench.problems.push(`${kind}: unexpected answers ${JSON.stringify(report.failures)}`)
  }
  return window
})

/** Recounts the database, and compares it with what was acknowledged. */
export const audit = Effect.fnUntraced(function* (
  bench: Bench,
  url: string,
  windows: ReadonlyArray<Window>,
  kind: Work["kind"] = "deallocation",
) {
  const found = yield* kind === "deallocation" ? Database.audit(url) : Database.auditKind(url, kind)
  const of = `${windows[0]?.system} ${windows[0]?.scenario}`
  const acknowledged = (what: "reserved" | "cleared") => windows.reduce((sum, window) => sum + window[what], 0)
  for (const [kept, answered] of [
    [found.held, acknowledged("reserved")],
    [found.cleared, acknowledged("cleared")],
  ]) {
    if (kept !== answered) bench.problems.push(`${of}: ${kept} kept, ${answered} acknowledged`)
  }
  return found
})

/** What goes wrong in one measurement is recorded and does not end the others. */
export const recorded = <A, E extends { readonly message: string }, R>(
  bench: Bench,
  what: string,
  effect: Effect.Effect<A, E, R>,
) =>
  Effect.catch(effect, (error) => {
    bench.problems.push(`${what}: ${error.message}`)
    return Effect.void
  })

/** What so many rounds of one measurement give, but for those that go wrong. */
export const repeated = <A, E extends { readonly message: string }, R>(
  bench: Bench,
  what: string,
  rounds: number,
  effect: Effect.Effect<A, E, R>,
) =>
  Effect.map(Effect.replicateEffect(recorded(bench, what, effect), rounds), (results) =>
    results.flatMap((result) => (result === undefined ? [] : [result])),
  )

/** How many accounts are there, of which each scenario uses its own number. */
const accounts = 1_000

/** A window on a fresh database with fresh servers. */
export const measure = Effect.fnUntraced(function* (bench: Bench, system: SystemName, scenario: Scenario, servers = 1) {
  const url = yield* bench.database.create
  const window = yield* Effect.scoped(
    Effect.gen(function* () {
      const started = [yield* Systems.start(bench, system, url)]
      if (system !== "ceiling") yield* Database.fund(url, accounts)
      while (started.length < servers) started.push(yield* Systems.start(bench, system, url))
      return yield* load(bench, system, scenario, started)
    }),
  )
  // The server has ended: all that it did is counted.
  const { deadlocks } = system === "ceiling" ? { deadlocks: 0 } : yield* audit(bench, url, [window], scenario.work.kind)
  return { ...window, deadlocks }
}, Effect.scoped)
