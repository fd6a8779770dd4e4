/** What is measured, and what must be reached: data, read by Comparison.ts and Report.ts. */
import type { Work } from "./load/Requests.ts"

export type SystemName = "holdfast" | "peer" | "plpgsql" | "ceiling"

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly connections: number
  readonly work: Work
  readonly systems: ReadonlyArray<SystemName>
  /** Whose ceiling this one is compared with, where it has none of its own. */
  readonly ceiling: string
  /** Which of the systems `--quick` measures. */
  readonly quick: ReadonlyArray<SystemName>
}

const spread: Work = { steps: ["reserve"], accounts: 1000, stride: 1 }

const reserve = (connections: number, quick: Scenario["quick"]): Scenario => ({
  name: `reserve-${connections}`,
  title: `reserve, ${connections} ${connections === 1 ? "connection" : "connections"}`,
  connections,
  work: spread,
  systems: ["holdfast", "peer", "plpgsql", "ceiling"],
  ceiling: `reserve-${connections}`,
  quick,
})

const at64 = (name: string, title: string, work: Work, quick: Scenario["quick"]): Scenario => ({
  name,
  title: `${title}, 64 connections`,
  connections: 64,
  work,
  systems: ["holdfast", "peer", "plpgsql"],
  ceiling: "reserve-64",
  quick,
})

/** What the peers do not have: to stand beside what of Holdfast costs as much. */
const ours = (name: string, title: string, work: Work): Scenario => ({
  ...at64(name, title, work, ["holdfast"]),
  systems: ["holdfast"],
})

export const scenarios: ReadonlyArray<Scenario> = [
  reserve(1, ["holdfast", "peer", "plpgsql"]),
  reserve(8, ["holdfast", "peer"]),
  reserve(64, ["holdfast", "peer", "plpgsql"]),
  reserve(256, ["holdfast", "ceiling"]),
  at64("hot", "one hot account", { ...spread, accounts: 1 }, ["holdfast", "peer"]),
  at64("mix", "reserve + clear", { ...spread, steps: ["reserve", "clear"] }, ["holdfast", "peer"]),
  at64("replays", "replays", { ...spread, ids: 1000 }, []),
  ours("allocations", "allocations, reserve + clear", { ...spread, kind: "allocation", steps: ["reserve", "clear"] }),
  ours("locks", "locks", { ...spread, kind: "lock" }),
]

/** The medians over the windows of one system in one scenario. */
export interface Median {
  readonly requestsPerSecond: number
  readonly p50: number
  readonly p99: number
  /** CPU of the main thread for each request, in microseconds. */
  readonly mainMicros: number
  readonly maxMegabytes: number
}

/** How a goal finds its value among the medians; undefined where it was not measured. */
export interface Measured {
  readonly of: (scenario: string, system: SystemName) => Median | undefined
  readonly cyclesPerSecond: (inFlight: number) => number | undefined
  readonly foldShare: number | undefined
  readonly grown: number | undefined
}

export interface Goal {
  readonly title: string
  /** Where there is none, the value is only reported. */
  readonly atLeast?: number
  readonly hope?: number
  /** Where less is better, `atLeast` is at most. */
  readonly less?: boolean
  readonly value: (measured: Measured) => number | undefined
}

const ratio = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined || b === 0 ? undefined : a / b

const throughput =
  (scenario: string, against: SystemName = "peer") =>
  ({ of }: Measured) =>
    ratio(of(scenario, "holdfast")?.requestsPerSecond, of(scenario, against)?.requestsPerSecond)

const latency =
  (scenario: string, percentile: "p50" | "p99", against: SystemName = "peer") =>
  ({ of }: Measured) =>
    ratio(of(scenario, "holdfast")?.[percentile], of(scenario, against)?.[percentile])

/** One scenario of Holdfast's beside another. */
const beside =
  (scenario: string, other: string) =>
  ({ of }: Measured) =>
    ratio(of(scenario, "holdfast")?.requestsPerSecond, of(other, "holdfast")?.requestsPerSecond)

/** What the machine says of Holdfast; 0 where it is no Linux, which is no value. */
const used =
  (scenario: string, what: "mainMicros" | "maxMegabytes") =>
  ({ of }: Measured) =>
    of(scenario, "holdfast")?.[what] || undefined

/**
 * What Holdfast is to reach on a small machine that it shares with PostgreSQL and
 * the load, and what is hoped for. Ratios are against the peer with a transaction
 * of several statements, unless they say otherwise; all values are medians.
 */
export const goals: ReadonlyArray<Goal> = [
  { title: "1 connection: throughput", atLeast: 1, hope: 1.2, value: throughput("reserve-1") },
  { title: "1 connection: p50", atLeast: 1, hope: 0.85, less: true, value: latency("reserve-1", "p50") },
  { title: "1 connection: p99", atLeast: 1, hope: 0.8, less: true, value: latency("reserve-1", "p99") },
  { title: "1 connection, against plpgsql: throughput", hope: 1, value: throughput("reserve-1", "plpgsql") },
  { title: "1 connection, against plpgsql: p50", hope: 1, less: true, value: latency("reserve-1", "p50", "plpgsql") },
  { title: "1 connection, against plpgsql: p99", hope: 1, less: true, value: latency("reserve-1", "p99", "plpgsql") },
  { title: "reserve, 8 connections: throughput", atLeast: 1.5, hope: 2, value: throughput("reserve-8") },
  { title: "reserve, 64 connections: throughput", atLeast: 4, hope: 5, value: throughput("reserve-64") },
  { title: "reserve, 64 connections, against plpgsql: throughput", value: throughput("reserve-64", "plpgsql") },
  { title: "one hot account, 64 connections: throughput", atLeast: 6, hope: 8, value: throughput("hot") },
  { title: "reserve + clear, 64 connections: throughput", atLeast: 3.5, hope: 4.5, value: throughput("mix") },
  {
    title: "allocations against deallocations, reserve + clear",
    atLeast: 0.9,
    hope: 1,
    value: beside("allocations", "mix"),
  },
  { title: "locks against reservations", atLeast: 0.9, hope: 1, value: beside("locks", "reserve-64") },
  {
    title: "256 connections: share of the ceiling",
    atLeast: 0.5,
    hope: 0.65,
    value: throughput("reserve-256", "ceiling"),
  },
  {
    title: "64 connections: main thread, µs of CPU a reserve",
    atLeast: 110,
    hope: 95,
    less: true,
    value: used("reserve-64", "mainMicros"),
  },
  { title: "64 connections: p99", atLeast: 0.45, hope: 0.3, less: true, value: latency("reserve-64", "p99") },
  {
    title: "in process, 20 in flight: cycles/s",
    atLeast: 3_500,
    hope: 4_500,
    value: ({ cyclesPerSecond }) => cyclesPerSecond(20),
  },
  {
    title: "in process, 200 in flight: cycles/s",
    atLeast: 8_000,
    hope: 10_000,
    value: ({ cyclesPerSecond }) => cyclesPerSecond(200),
  },
  {
    title: "fold: share of the loop written by hand",
    atLeast: 0.4,
    hope: 0.7,
    value: ({ foldShare }) => foldShare,
  },
  {
    title: "with 5 million deallocations, against empty",
    atLeast: 0.85,
    hope: 0.95,
    value: ({ grown }) => grown,
  },
  {
    title: "256 connections: memory of the server, MB",
    atLeast: 260,
    hope: 220,
    less: true,
    value: used("reserve-256", "maxMegabytes"),
  },
]
