/**
 * `npm run torture -- --minutes N --seed S`: round after round on fresh
 * databases, each with several faults, on one, two or four servers. Exits with 1
 * at the first round that contradicts the contract, and prints how to see it again.
 *
 * `npm run torture -- --simulate S` shows one deterministic simulation instead.
 */
import { parseArgs } from "node:util"
import { NodeFileSystem, NodeRuntime } from "@effect/platform-node"
import * as EmbeddedPostgres from "@holdfast/server/EmbeddedPostgres"
import { Cause, Console, Effect, Exit, Schedule } from "effect"
import * as Progress from "../../packages/server/src/terminal/Progress.ts"
import * as Quiet from "../support/Quiet.ts"
import { temporaryDirectory } from "../support/ServerProcess.ts"
import * as Faults from "./Faults.ts"
import * as FullDisk from "./FullDisk.ts"
import * as Random from "./Random.ts"
import * as Round from "./Round.ts"
import { simulate } from "./Simulation.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    /** Only the round of this number. */
    round: { type: "string" },
    clients: { type: "string", default: "64" },
    /** How many rounds at the same time: while one waits, the other works. */
    "at-once": { type: "string", default: "2" },
    simulate: { type: "string" },
  },
})

/** How many faults meet the same servers. */
const faultsEach = 6

const simulated = Effect.fnUntraced(function* (seed: number) {
  const { log, violations } = simulate(seed)
  yield* Console.log(log)
  for (const violation of violations) yield* Console.log(violation)
  return violations.length === 0 ? 0 : 1
})

/** A database as it is before the first start of a server, made once for all rounds. */
const template = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  yield* Effect.scoped(EmbeddedPostgres.start({ directory })).pipe(Effect.provide(Quiet.layer))
  return directory
})

const torture = Effect.gen(function* () {
  const seed = Number(values.seed)
  const deadline = performance.now() + Number(values.minutes) * 60_000
  if ((yield* Effect.scoped(FullDisk.mount)) === undefined) {
    yield* Console.log("No file system of our own can be mounted: a full disk is left out.")
  }
  const totals = {
    rounds: 0,
    faults: 0,
    operations: 0,
    unknown: 0,
    entries: 0,
    kills: 0,
    lostCommits: 0,
    slowestRecoveryMillis: 0,
  }
  const start = performance.now()
  const from = yield* template
  let next = Number(values.round ?? 0)
  let violated = false
  yield* Console.log(`seed ${seed}`)

  const again = (number: number) => `See it again: npm run torture -- --seed ${seed} --round ${number}`
  const round = Effect.fnUntraced(function* (number: number) {
    const random = Random.make(seed + number)
    const servers = random.pick([1, 2, 2, 4])
    const disk = yield* FullDisk.mount
    const faults = disk === undefined ? Faults.all : [...Faults.all, disk.fault]
    const possible = faults.filter(({ minServers = 1 }) => minServers <= servers)
    // In another order each time: what one leaves behind, the next one meets.
    const some = Array.from({ length: faultsEach }, () => random.pick(possible))
    const verdict = yield* Round.play({
      seed: seed + number,
      faults: some,
      servers,
      clients: Number(values.clients),
      calmMillis: 1_000,
      template: from,
      ...(disk !== undefined && some.includes(disk.fault) ? { directory: disk.directory } : {}),
    })
    const sum = (count: (fault: Faults.Fault) => number) => some.reduce((total, fault) => total + count(fault), 0)
    totals.rounds++
    totals.faults += some.length
    totals.operations += verdict.operations
    totals.unknown += verdict.unknown
    totals.entries += verdict.entries
    totals.kills += sum(({ kills }) => kills)
    totals.lostCommits += sum(({ lostCommits = 0 }) => lostCommits * servers)
    totals.slowestRecoveryMillis = Math.max(totals.slowestRecoveryMillis, verdict.recoveryMillis)
    yield* Console.log(
      `round ${number}, ${servers} ${servers === 1 ? "server" : "servers"}: ` +
        `${verdict.operations} operations (${verdict.unknown} unknown), ${verdict.entries} entries, ` +
        `ready after ${verdict.recoveryMillis.toFixed()} ms, ${verdict.violations.length} violations ` +
        `(${some.map(({ name }) => name).join("; ")})`,
    )
    if (verdict.violations.length > 0) {
      violated = true
      for (const violation of verdict.violations.slice(0, 20)) yield* Console.log(`  ${violation}`)
      yield* Console.log(again(number))
    }
  }, Effect.scoped)
  const played = (number: number) =>
    Effect.catchCause(round(number), (cause) => {
      violated = true
      return Console.log(`round ${number} did not end: ${Cause.pretty(cause)}\n${again(number)}`)
    })
  const player = Effect.gen(function* () {
    while (!violated && performance.now() < deadline) {
      yield* played(next++)
      if (values.round !== undefined) break
    }
  })
  const players = values.round === undefined ? Number(values["at-once"]) : 1
  const all = Effect.all(
    Array.from({ length: players }, () => player),
    { concurrency: "unbounded", discard: true },
  )
  yield* Progress.around("Torture", {}, (report) => {
    const now = () => report?.(performance.now() - start, deadline - start, totals.operations)
    return Effect.raceFirst(
      all,
      Effect.andThen(Effect.repeat(Effect.sync(now), Schedule.spaced("500 millis")), Effect.never),
    )
  })
  if (violated) return 1
  yield* Console.log(
    `${totals.rounds} rounds with ${totals.faults} faults, ${totals.kills} kills, ${totals.lostCommits} lost COMMITs, ` +
      `${totals.operations} operations (${totals.unknown} unknown; ` +
      `${((1_000 * totals.operations) / (performance.now() - start)).toFixed()} a second), ` +
      `${totals.entries} journal entries, slowest recovery ${totals.slowestRecoveryMillis.toFixed()} ms: no violation`,
  )
  return 0
}).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))

const program = values.simulate === undefined ? torture : simulated(Number(values.simulate))

program.pipe(NodeRuntime.runMain({ teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 2) }))
