/** What the library does without HTTP: the service on SQL, and the fold alone. */
import { join } from "node:path"
import { Effect } from "effect"
import type { Bench } from "./Bench.ts"
import { median, spread } from "./Comparison.ts"
import * as Database from "./Database.ts"
import type * as Fold from "./inprocess/fold.ts"
import type * as Service from "./inprocess/service.ts"
import * as Machine from "./Machine.ts"
import * as Processes from "./Processes.ts"

/** Cycles a second of the service on a fresh database, audited. */
export const service = Effect.fnUntraced(function* (bench: Bench, inFlight: ReadonlyArray<number>) {
  const databaseUrl = yield* bench.database.create
  yield* Machine.untilIdle([process.pid, yield* bench.database.pid], bench.timing.patienceMillis)
  const { warmupMillis, windowMillis } = bench.timing
  const message: Service.Job = { databaseUrl, inFlight, warmupMillis, windowMillis }
  const { windows, cycles } = yield* Processes.ask(
    {
      name: "in process",
      module: new URL("inprocess/service.ts", import.meta.url),
      message,
      log: join(bench.directory, "in-process.log"),
    },
    (result: Service.Result) => result,
  )
  const { held, cleared } = yield* Database.audit(databaseUrl)
  if (held !== cycles || cleared !== cycles) {
    bench.problems.push(`in process: ${held} held and ${cleared} cleared, ${cycles} acknowledged`)
  }
  return windows
}, Effect.scoped)

/** The medians of the windows with so many cycles in flight. */
export const medians = (windows: ReadonlyArray<Service.Window>, inFlight: number) => {
  const chosen = windows.filter((window) => window.inFlight === inFlight)
  const of = (field: "cyclesPerSecond" | "p50" | "p99") => chosen.map((window) => window[field])
  if (chosen.length === 0) return undefined
  const rates = of("cyclesPerSecond")
  return { cyclesPerSecond: median(rates), spread: spread(rates), p50: median(of("p50")), p99: median(of("p99")) }
}

/** Decisions a second of the fold, and of the loop written by hand. */
export const fold = Effect.fnUntraced(function* (bench: Bench) {
  const { warmupMillis, windowMillis } = bench.timing
  const message: Fold.Job = { warmupMillis, windowMillis: windowMillis / 2 }
  return yield* Processes.ask(
    {
      name: "fold",
      module: new URL("inprocess/fold.ts", import.meta.url),
      message,
      log: join(bench.directory, "fold.log"),
    },
    (result: Fold.Result) => result,
  )
})

/** The medians of both loops, and the fold's share of the one by hand. */
export const foldMedians = (results: ReadonlyArray<Fold.Result>) => {
  if (results.length === 0) return undefined
  const of = (loop: "fold" | "byHand") => median(results.map((result) => result[loop]))
  return { fold: of("fold"), byHand: of("byHand"), share: of("fold") / of("byHand") }
}
