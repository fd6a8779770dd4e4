/**
 * `npm run bench`: Holdfast side by side with what people would use instead, on
 * one machine in one run. Exits with 0 whatever the figures say, and with 1 if an
 * answer was wrong or an audit failed.
 */
import { parseArgs } from "node:util"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Exit } from "effect"
import * as Bench from "./Bench.ts"
import * as Chart from "./Chart.ts"
import * as Comparison from "./Comparison.ts"
import * as Contract from "./Contract.ts"
import * as InProcess from "./InProcess.ts"
import * as LongRuns from "./LongRuns.ts"
import * as Consoles from "./load/Consoles.ts"
import * as Report from "./Report.ts"
import { scenarios } from "./Scenarios.ts"
import { repeated } from "./Window.ts"

const usage = `npm run bench -- [options]
  --quick             a verdict in 3 and a half minutes
  --rounds <n>        windows of each kind (3; 1 with --quick)
  --only <names>      only these scenarios: ${scenarios.map(({ name }) => name).join(",")}
  --growth            instead: with 5 million deallocations and 1 million accounts, against empty
  --accounts <n>      how many accounts --growth loads, each with 5 deallocations (1000000)
  --soak <minutes>    instead: memory and p99 over time
  --two               instead: two servers on one database
  --consoles <n>      instead: callers' latencies with so many consoles open, and without
  --page <name>       on which page those are: ${Consoles.names.join(", ")} (overview)
  --overload          instead: four times the load that a server carries`

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    only: { type: "string" },
    growth: { type: "boolean", default: false },
    accounts: { type: "string", default: "1000000" },
    soak: { type: "string" },
    two: { type: "boolean", default: false },
    consoles: { type: "string" },
    page: { type: "string" },
    overload: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})

const page = Consoles.names.find((name) => name === (options.page ?? "overview"))
if (page === undefined) throw new Error(`--page is one of ${Consoles.names.join(", ")}.`)

const comparisonKind = options.quick ? "quick" : "full"
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3))

const compare = Effect.fnUntraced(function* (bench: Bench.Bench) {
  for (const system of ["holdfast", "peer", "plpgsql"] as const) yield* Contract.checked(bench, system)
  yield* Console.log(
    bench.problems.length === 0 ? "Holdfast and the peers answer by the contract.\n" : bench.problems.join("\n"),
  )
  const only = options.only?.split(",")
  const unknown = only?.filter((given) => !scenarios.some(({ name }) => name === given)) ?? []
  if (unknown.length > 0) return yield* Effect.fail(new Error(`There is no scenario ${unknown.join(", ")}.\n${usage}`))
  const chosen = scenarios
    .filter(({ name }) => only?.includes(name) ?? true)
    .map((scenario) => (options.quick ? { ...scenario, systems: scenario.quick } : scenario))
  const windows = yield* Comparison.run(bench, { scenarios: chosen, rounds })
  const inFlight = options.quick ? [20, 200] : [1, 8, 20, 200]
  const service = (yield* repeated(bench, "in process", rounds, InProcess.service(bench, inFlight))).flat()
  const fold = yield* repeated(bench, "fold", rounds, InProcess.fold(bench))

  const of = Comparison.medians(windows)
  const loops = InProcess.foldMedians(fold)
  const verdicts = Report.verdicts({
    of,
    cyclesPerSecond: (inFlight) => InProcess.medians(service, inFlight)?.cyclesPerSecond,
    foldShare: loops?.share,
    grown: undefined,
  })
  yield* Console.log(`\n${Report.comparison(of)}\n`)
  for (const count of inFlight) {
    const median = InProcess.medians(service, count)
    if (median === undefined) continue
    const rate = `${Math.round(median.cyclesPerSecond)} ±${Math.round(median.spread * 50)}%`
    const latencies = `p50 ${median.p50.toFixed(1)} p99 ${median.p99.toFixed(1)} ms`
    yield* Console.log(`in process, ${count} in flight: ${rate} cycles/s, ${latencies}`)
  }
  if (loops !== undefined) {
    yield* Console.log(`fold: ${loops.fold.toFixed()} decisions/s; by hand: ${loops.byHand.toFixed()} decisions/s`)
  }
  yield* Console.log(`\n${Report.verdictTable(comparisonKind, verdicts)}\n`)
  const disturbed = Report.disturbed(windows).length
  if (disturbed > 0)
    yield* Console.log(
      `Others (or other virtual machines) used the processor in ${disturbed} of ${windows.length} windows.`,
    )
  return { windows, service, fold, verdicts }
})

const grow = Effect.fnUntraced(function* (bench: Bench.Bench) {
  const results = yield* LongRuns.growth(bench, Number(options.accounts), rounds)
  const nothing = { of: () => undefined, cyclesPerSecond: () => undefined, foldShare: undefined }
  const verdicts = Report.verdicts({ ...nothing, grown: results.ratio }).filter(({ value }) => value !== undefined)
  yield* Console.log(`\n${Report.verdictTable("growth", verdicts)}\n`)
  return { ...results, verdicts }
})

const program = Effect.gen(function* () {
  if (options.help) return yield* Console.log(usage)
  const startedAt = new Date().toISOString()
  const bench = yield* Bench.start(options.quick ? Bench.quick : Bench.full)
  const circumstances = Report.circumstances(bench)
  yield* Console.log(circumstances)
  if (!circumstances.machine.databaseOnDisk) yield* Console.log("The database is not on a disk: set TMPDIR.")

  const [kind, run]: readonly [string, Effect.Effect<object, Error>] = options.growth
    ? ["growth", grow(bench)]
    : options.soak !== undefined
      ? ["soak", LongRuns.soak(bench, Number(options.soak))]
      : options.two
        ? ["two", Effect.map(LongRuns.two(bench, rounds), (windows) => ({ windows }))]
        : options.consoles !== undefined
          ? ["consoles", LongRuns.consoles(bench, Number(options.consoles), page, rounds)]
          : options.overload
            ? ["overload", LongRuns.overload(bench)]
            : [comparisonKind, compare(bench)]
  const results = yield* run
  const { problems } = bench
  const file = Report.save(kind, { kind, startedAt, ...circumstances, ...results, problems })
  yield* Console.log(`Written to ${file}`)
  if (kind === "full" && "windows" in results) {
    const { cpu, cores } = circumstances.machine
    const of = Comparison.medians(results.windows as Effect.Success<ReturnType<typeof Comparison.run>>)
    yield* Console.log(
      `Drawn in ${Chart.save("chart.svg", of, `${cpu}, ${cores} cores; medians. ${startedAt.slice(0, 10)}`)}`,
    )
  }
  if (problems.length > 0) return yield* Effect.fail(new Error(`WRONG:\n${problems.join("\n")}`))
}).pipe(Effect.scoped)

program.pipe(
  Effect.tapError(({ message }) => Console.error(message)),
  Effect.tapDefect((defect) => Console.error(defect)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : 1),
  }),
)
