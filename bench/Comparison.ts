/** The comparison: systems one after another in interleaved rounds, A B B A, and their medians. */
import { Console, Effect } from "effect"
import * as Progress from "../packages/server/src/terminal/Progress.ts"
import type { Bench } from "./Bench.ts"
import type { Median, Scenario, SystemName } from "./Scenarios.ts"
import * as Window from "./Window.ts"

/** What to measure: each scenario with its systems, so many rounds. */
export interface Plan {
  readonly scenarios: ReadonlyArray<Scenario & { readonly systems: ReadonlyArray<SystemName> }>
  readonly rounds: number
}

export const run = (bench: Bench, plan: Plan) =>
  Progress.around("Benchmark", {}, (report) => windowsOf(bench, plan, report))

const windowsOf = Effect.fnUntraced(function* (bench: Bench, { scenarios, rounds }: Plan, report?: Progress.Report) {
  const total = rounds * scenarios.reduce((sum, { systems }) => sum + systems.length, 0)
  let done = 0
  const windows: Array<Window.Window> = []
  for (const scenario of scenarios) {
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? scenario.systems : scenario.systems.toReversed()
      for (const system of order) {
        const what = `${scenario.title}, ${system}`
        report?.(done++, total)
        const window = yield* Window.recorded(bench, what, Window.measure(bench, system, scenario))
        if (window === undefined) continue
        windows.push(window)
        yield* Console.log(line(window))
      }
    }
  }
  return windows
})

/** CPU of the server's main thread for each request, in microseconds. */
const mainMicros = ({ mainCores, requestsPerSecond }: Window.Window) => (mainCores / requestsPerSecond) * 1e6

/** One window in a line. */
export const line = (window: Window.Window) => {
  const { serverCores, mainCores, postgresCores, foreignCores, stolenCores } = window
  const cores = [serverCores, mainCores, postgresCores, window.cores, foreignCores, stolenCores].map((_) =>
    _.toFixed(2),
  )
  return [
    `${window.scenario} ${window.system}${window.servers > 1 ? ` ×${window.servers}` : ""}`.padEnd(24),
    `${window.requestsPerSecond.toFixed(0)}/s`.padStart(9),
    `p50 ${window.p50.toFixed(1)} p99 ${window.p99.toFixed(1)} ms`.padStart(26),
    `  cores: server ${cores[0]} (main thread ${cores[1]}, ${mainMicros(window).toFixed()} µs a request), `,
    `postgres ${cores[2]}, load ${cores[3]}, others ${cores[4]}, stolen ${cores[5]}`,
    `  ${window.maxMegabytes} MB${window.exhausted ? `  (requests ran out after ${window.seconds.toFixed(1)} s)` : ""}`,
  ].join("")
}

/** The value in the middle, or between the two in the middle. */
export const median = (values: ReadonlyArray<number>) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/** How far values lie apart, as a share of their median. */
export const spread = (values: ReadonlyArray<number>) => (Math.max(...values) - Math.min(...values)) / median(values)

/** The medians of the windows of one kind, with how far the throughputs lie apart, as a share of their median. */
export const summarize = (
  windows: ReadonlyArray<Window.Window>,
): (Median & { readonly spread: number; readonly windows: number }) | undefined => {
  if (windows.length === 0) return undefined
  const of = (field: "requestsPerSecond" | "p50" | "p99" | "maxMegabytes") => windows.map((window) => window[field])
  const rates = of("requestsPerSecond")
  return {
    requestsPerSecond: median(rates),
    p50: median(of("p50")),
    p99: median(of("p99")),
    mainMicros: median(windows.map(mainMicros)),
    maxMegabytes: median(of("maxMegabytes")),
    spread: spread(rates),
    windows: windows.length,
  }
}

/** Finds medians by scenario and system. */
export const medians =
  (windows: ReadonlyArray<Window.Window>) =>
  (scenario: string, system: SystemName): ReturnType<typeof summarize> =>
    summarize(windows.filter((window) => window.scenario === scenario && window.system === system))

export type Medians = ReturnType<typeof medians>
