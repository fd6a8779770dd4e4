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

export const scenarios: ReadonlyArray<Scenario> = [
  reserve(1, ["holdfast", "peer", "plpgsql"]),
  reserve(8, ["holdfast", "peer"]),
  reserve(64, ["holdfast", "peer", "plpgsql"]),
  reserve(256, ["holdfast", "ceiling"]),
  at64("hot", "one hot account", { ...spread, accounts: 1 }, ["holdfast", "peer"]),
  at64("mix", "reserve + clear", { ...spread, steps: ["reserve", "clear"] }, ["holdfast", "peer"]),
  at64("replays", "replays", { ...spread, ids: 1000 }, []),
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
  readonly grown: number | undefined
}

export interface Goal {
  readonly title: string
  readonly atLeast: number
  readonly hope: number
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
  (scenario: string, percentile: "p50" | "p99") =>
  ({ of }: Measured) =>
    ratio(of(scenario, "holdfast")?.[percentile], of(scenario, "peer")?.[percentile])

/** Issue 3's table. Ratios are against the peer unless they say otherwise. */
export const goals: ReadonlyArray<Goal> = [
  { title: "reserve, 64 connections: throughput", atLeast: 4, hope: 6, value: throughput("reserve-64") },
  { title: "one hot account, 64 connections: throughput", atLeast: 8, hope: 12, value: throughput("hot") },
  { title: "reserve + clear, 64 connections: throughput", atLeast: 4, hope: 6, value: throughput("mix") },
  { title: "1 connection: throughput", atLeast: 1, hope: 1.2, value: throughput("reserve-1") },
  { title: "1 connection: p50", atLeast: 1, hope: 1 / 1.2, less: true, value: latency("reserve-1", "p50") },
  { title: "64 connections: p99", atLeast: 0.5, hope: 0.25, less: true, value: latency("reserve-64", "p99") },
  {
    title: "256 connections: share of the ceiling",
    atLeast: 0.6,
    hope: 0.8,
    value: throughput("reserve-256", "ceiling"),
  },
  {
    title: "in process, 20 in flight: cycles/s",
    atLeast: 3300,
    hope: 3300,
    value: (measured) => measured.cyclesPerSecond(20),
  },
  {
    title: "in process, 200 in flight: cycles/s",
    atLeast: 10_000,
    hope: 14_100,
    value: (measured) => measured.cyclesPerSecond(200),
  },
  {
    title: "with 5 million deallocations, against empty",
    atLeast: 0.85,
    hope: 0.95,
    value: ({ grown }) => grown,
  },
  {
    title: "256 connections: memory of the server, MB",
    atLeast: 350,
    hope: 350,
    less: true,
    value: ({ of }) => of("reserve-256", "holdfast")?.maxMegabytes,
  },
]
