/** What is seen of the process itself, under the names that Prometheus' clients have for it. */
import { readFileSync } from "node:fs"
import { monitorEventLoopDelay, performance } from "node:perf_hooks"
import { Effect, Layer, Metric } from "effect"

/** The version of this package. */
export const version: string = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version

/** How often the loop is looked at. */
const resolution = 20

const gauges = (delay: ReturnType<typeof monitorEventLoopDelay>) => {
  let before = performance.eventLoopUtilization()
  /** Since it was read last. A measurement that comes on time is late by nothing. */
  const lag = (nanos: number) => Math.max(0, nanos / 1e9 - resolution / 1e3)
  return {
    nodejs_eventloop_lag_p99_seconds: [
      "By how much the event loop was late, 99th percentile since this was read last.",
      () => lag(delay.percentile(99)),
    ],
    nodejs_eventloop_lag_max_seconds: [
      "By how much the event loop was late at most since this was read last.",
      () => {
        const max = lag(delay.max)
        delay.reset()
        return max
      },
    ],
    nodejs_eventloop_utilization_ratio: [
      "Share of the time that the event loop was busy since this was read last.",
      () => {
        const now = performance.eventLoopUtilization()
        const { utilization } = performance.eventLoopUtilization(now, before)
        before = now
        return utilization
      },
    ],
    nodejs_heap_size_used_bytes: ["Heap in use.", () => process.memoryUsage().heapUsed],
    nodejs_heap_size_total_bytes: ["Heap that is there.", () => process.memoryUsage().heapTotal],
    process_resident_memory_bytes: ["Memory of the process.", () => process.memoryUsage.rss()],
    process_start_time_seconds: ["When the process started, since 1970.", () => performance.timeOrigin / 1e3],
  } satisfies Record<string, readonly [string, () => number]>
}

const buildInfo = Metric.gauge("holdfast_build_info", {
  description: "What runs: always 1.",
  attributes: { version, node_version: process.version },
})

const cpu = Metric.counter("process_cpu_seconds_total", { description: "CPU time that the process took." })

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const delay = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const delay = monitorEventLoopDelay({ resolution })
        delay.enable()
        return delay
      }),
      (delay) => Effect.sync(() => delay.disable()),
    )
    const registered = [
      ...Object.entries(gauges(delay)).map(([name, [description, value]]) =>
        Metric.registerUnsafe(Metric.gauge(name, { description }), context, {
          get: () => ({ value: value() }),
          update: () => {},
          modify: () => {},
        }),
      ),
      Metric.registerUnsafe(cpu, context, {
        get: () => ({ count: cpuSeconds(), incremental: true }),
        update: () => {},
        modify: () => {},
      }),
    ]
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const registration of registered) registration.remove()
      }),
    )
    yield* Metric.update(buildInfo, 1)
  }),
)
