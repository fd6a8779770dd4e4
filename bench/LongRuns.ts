/** What the comparison does not show: a database that has grown, hours of load, and two servers on one database. */
import { Console, Effect } from "effect"
import type { Bench } from "./Bench.ts"
import * as Comparison from "./Comparison.ts"
import * as Database from "./Database.ts"
import * as Consoles from "./load/Consoles.ts"
import { type Scenario, scenarios } from "./Scenarios.ts"
import * as Systems from "./Systems.ts"
import * as Window from "./Window.ts"

const named = (...names: ReadonlyArray<string>) => scenarios.filter(({ name }) => names.includes(name))

/** A window of Holdfast on a database that stays. */
const onDatabase = (bench: Bench, url: string, scenario: Scenario) =>
  Effect.scoped(
    Effect.flatMap(Systems.start(bench, "holdfast", url), (server) =>
      Window.load(bench, "holdfast", scenario, [server]),
    ),
  )

const deallocationsEach = 5

/**
 * The same load on an empty database and on one with 5 cleared deallocations for
 * each of so many accounts, in turn. The thousand accounts in use lie all over it.
 */
export const growth = Effect.fnUntraced(function* (bench: Bench, accounts: number, rounds: number) {
  const url = yield* bench.database.create
  yield* Effect.scoped(Systems.start(bench, "holdfast", url))
  const start = performance.now()
  yield* Database.fund(url, accounts, deallocationsEach)
  const seconds = Math.round((performance.now() - start) / 1000)
  const deallocations = accounts * deallocationsEach
  yield* Console.log(`${accounts} accounts and ${deallocations} deallocations loaded in ${seconds} s`)

  const empty: Array<Window.Window> = []
  const grown: Array<Window.Window> = []
  for (const scenario of named("reserve-64", "mix")) {
    const { work } = scenario
    const there = { ...scenario, work: { ...work, stride: Math.max(1, Math.floor(accounts / work.accounts)) } }
    const onEmpty = Effect.map(Window.measure(bench, "holdfast", scenario), (window) => empty.push(window))
    const onGrown = Effect.map(onDatabase(bench, url, there), (window) => grown.push(window))
    for (let round = 0; round < rounds; round++) {
      const pair = [onEmpty, onGrown]
      for (const measure of round % 2 === 0 ? pair : pair.toReversed()) yield* measure
      for (const [name, windows] of Object.entries({ empty, grown })) {
        yield* Console.log(`${name.padEnd(6)} ${windows.slice(-1).map(Comparison.line)}`)
      }
    }
  }
  yield* Window.audit(bench, url, grown)
  const ratios = named("reserve-64", "mix").map(({ name }) => {
    const rate = (windows: ReadonlyArray<Window.Window>) =>
      Comparison.medians(windows)(name, "holdfast")?.requestsPerSecond ?? Number.NaN
    return [name, rate(grown) / rate(empty)] as const
  })
  for (const [name, ratio] of ratios) yield* Console.log(`${name}: ${ratio.toFixed(2)} of what it does on empty`)
  return {
    accounts,
    deallocations,
    ratios: Object.fromEntries(ratios),
    ratio: Math.min(...ratios.map(([, _]) => _)),
    empty,
    grown,
  }
}, Effect.scoped)

/**
 * One server under reserve and clear for so many minutes: windows of 15 seconds,
 * and between them the pauses in which the next requests are signed.
 */
export const soak = Effect.fnUntraced(function* (given: Bench, minutes: number) {
  const bench = { ...given, timing: { warmupMillis: 500, windowMillis: 15_000, patienceMillis: 0 } }
  const url = yield* bench.database.create
  const windows: Array<Window.Window> = []
  const scenario = named("mix")[0]
  if (scenario === undefined) return { minutes, windows }
  yield* Effect.scoped(
    Effect.gen(function* () {
      const server = yield* Systems.start(bench, "holdfast", url)
      yield* Database.fund(url, scenario.work.accounts)
      const start = performance.now()
      while (performance.now() - start < minutes * 60_000) {
        const window = yield* Window.load(bench, "holdfast", scenario, [server])
        windows.push(window)
        const minute = ((performance.now() - start) / 60_000).toFixed(1).padStart(5)
        yield* Console.log(
          `minute ${minute}: ${String(window.megabytes).padStart(4)} MB now  ${Comparison.line(window)}`,
        )
      }
    }),
  )
  yield* Window.audit(bench, url, windows)
  const halves = [windows.slice(0, windows.length / 2), windows.slice(windows.length / 2)]
  const [p99Before, p99After] = halves.map((half) => Comparison.summarize(half)?.p99.toFixed(1))
  yield* Console.log(
    `memory: ${windows[0]?.megabytes} MB after the first window, ${windows.at(-1)?.megabytes} MB after the last; ` +
      `p99: ${p99Before} ms in the first half, ${p99After} ms in the second`,
  )
  return { minutes, windows }
}, Effect.scoped)

/**
 * What one server carries, and what it does with four times as much: what it takes
 * is finished, the rest is turned away quickly, and afterwards all is as before.
 */
export const overload = Effect.fnUntraced(function* (given: Bench) {
  const [scenario] = named("reserve-256")
  if (scenario === undefined) return {}
  const url = yield* given.database.create
  const windows: Array<Window.Window> = []
  const results = yield* Effect.scoped(
    Effect.gen(function* () {
      const server = yield* Systems.start(given, "holdfast", url)
      yield* Database.fund(url, scenario.work.accounts)
      const carried = yield* Window.load(given, "holdfast", scenario, [server])
      yield* Console.log(`carried: ${Comparison.line(carried)}`)
      const crowd = { ...scenario, connections: 2_000 }
      const { timing } = given
      const short = { ...given, timing: { ...timing, windowMillis: 5_000 } }
      const overloaded = yield* Window.load(short, "holdfast", crowd, [server], carried.requestsPerSecond * 4)
      windows.push(carried, overloaded)
      const seconds = yield* secondsUntilQuick(server)
      yield* Console.log(`at four times that: ${Comparison.line(overloaded)}`)
      return { carried, overloaded, seconds }
    }),
  )
  yield* Window.audit(given, url, windows)
  const { carried, overloaded, seconds } = results
  const share = overloaded.requestsPerSecond / carried.requestsPerSecond
  yield* Console.log(
    `finished ${share.toFixed(2)} of what it carries, p99 ${overloaded.p99.toFixed()} ms; turned away ` +
      `${Math.round(overloaded.turnedAway / overloaded.seconds)}/s, p99 ${overloaded.turnedAwayP99.toFixed()} ms; ` +
      `memory ${carried.maxMegabytes} → ${overloaded.maxMegabytes} MB; quick again after ${seconds.toFixed(1)} s`,
  )
  return results
}, Effect.scoped)

/** Until ten readiness checks in a row, each of which asks the database, take less than 50 ms. */
const secondsUntilQuick = ({ url }: Window.Server) =>
  Effect.promise(async () => {
    const start = performance.now()
    for (let quick = 0; quick < 10; ) {
      const asked = performance.now()
      const { ok } = await fetch(`${url}/health/ready`)
      quick = ok && performance.now() - asked < 50 ? quick + 1 : 0
    }
    return (performance.now() - start) / 1000
  })

/** Requests a second while consoles look on, far below what a server carries. */
const lookedOnRates = [100, 300]

/** So much longer is a window of these than others: of a rate this low, a p99 to 5 % takes many requests. */
const lookedOnWindows = 2.5

/**
 * A server that is asked to reserve and clear so often a second, with and without consoles that look on, in turn: what
 * each caller waits.
 */
export const consoles = Effect.fnUntraced(function* (given: Bench, count: number, page: Consoles.Page, rounds: number) {
  const [mix] = named("mix")
  if (mix === undefined) return {}
  const scenario = { ...mix, connections: 8 }
  const windowMillis = given.timing.windowMillis * lookedOnWindows
  const bench = { ...given, timing: { ...given.timing, windowMillis } }
  const look = (rate: number) => lookOn(bench, scenario, count, page, rounds, rate)
  return { count, page, windowMillis, rates: yield* Effect.forEach(lookedOnRates, look) }
})

const lookOn = Effect.fnUntraced(function* (
  bench: Bench,
  scenario: Scenario,
  count: number,
  page: Consoles.Page,
  rounds: number,
  rate: number,
) {
  const url = yield* bench.database.create
  const warm: Array<Window.Window> = []
  const alone: Array<Window.Window> = []
  const lookedOn: Array<Window.Window> = []
  yield* Effect.scoped(
    Effect.gen(function* () {
      const server = yield* Systems.start(bench, "holdfast", url)
      yield* Database.fund(url, scenario.work.accounts)
      const window = Window.load(bench, "holdfast", scenario, [server], rate)
      // A server that has just started is slower.
      yield* Effect.map(window, (made) => warm.push(made))
      const withNobody = Effect.map(window, (made) => alone.push(made))
      const withConsoles = Effect.gen(function* () {
        const close = yield* Consoles.open(count, server.url, bench.operatorToken, page)
        lookedOn.push(yield* window)
        const [first] = yield* close
        yield* Console.log(
          `each of ${count} was sent about ${first?.bytes} bytes, and asked again ${first?.asked} times`,
        )
      }).pipe(Effect.scoped)
      for (let round = 0; round < rounds; round++) {
        const pair = [withNobody, withConsoles]
        for (const measure of round % 2 === 0 ? pair : pair.toReversed()) yield* measure
        for (const [name, windows] of Object.entries({ alone, "looked on": lookedOn })) {
          yield* Console.log(`${name.padEnd(10)} ${windows.slice(-1).map(Comparison.line)}`)
        }
      }
    }),
  )
  yield* Window.audit(bench, url, [...warm, ...alone, ...lookedOn])
  const ratio = (field: "p50" | "p99") =>
    Comparison.median(lookedOn.map((window) => window[field])) / Comparison.median(alone.map((window) => window[field]))
  const ratios = { p50: ratio("p50"), p99: ratio("p99") }
  yield* Console.log(
    `${rate} a second with ${count} consoles on the ${page}: p50 ${ratios.p50.toFixed(2)}, p99 ${ratios.p99.toFixed(2)} of what it is without`,
  )
  return { rate, ratios, alone, lookedOn }
}, Effect.scoped)

/** One server and two on one database, in turn: totals, exactness (the audit), deadlocks. */
export const two = Effect.fnUntraced(function* (bench: Bench, rounds: number) {
  const windows: Array<Effect.Success<ReturnType<typeof Window.measure>>> = []
  for (const scenario of named("reserve-64", "hot", "mix")) {
    for (let round = 0; round < rounds; round++) {
      for (const servers of round % 2 === 0 ? [1, 2] : [2, 1]) {
        const window = yield* Window.measure(bench, "holdfast", scenario, servers)
        windows.push(window)
        yield* Console.log(`${Comparison.line(window)}  ${window.deadlocks} deadlocks`)
        if (window.deadlocks > 0) bench.problems.push(`${scenario.name}: ${window.deadlocks} deadlocks`)
      }
    }
  }
  return windows
})
