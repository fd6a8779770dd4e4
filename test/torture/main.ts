/**
 * `npm run torture -- --minutes N --seed S`: round after round on fresh
 * databases, each with another fault, on one, two or four servers. Exits with 1
 * at the first round that contradicts the contract, and prints how to see it again.
 *
 * `npm run torture -- --simulate S` shows one deterministic simulation instead.
 */
import { parseArgs } from "node:util"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Exit } from "effect"
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
    clients: { type: "string", default: "24" },
    simulate: { type: "string" },
  },
})

const simulated = Effect.fnUntraced(function* (seed: number) {
  const { log, violations } = simulate(seed)
  yield* Console.log(log)
  for (const violation of violations) yield* Console.log(violation)
  return violations.length === 0 ? 0 : 1
})

const torture = Effect.gen(function* () {
  const seed = Number(values.seed)
  const deadline = performance.now() + Number(values.minutes) * 60_000
  const disk = yield* FullDisk.mount
  if (disk === undefined) yield* Console.log("No file system of our own can be mounted: a full disk is left out.")
  const faults = disk === undefined ? Faults.all : [...Faults.all, disk.fault]
  const totals = { rounds: 0, operations: 0, unknown: 0, entries: 0, kills: 0, slowestRecoveryMillis: 0 }
  yield* Console.log(`seed ${seed}`)

  for (let number = Number(values.round ?? 0); performance.now() < deadline; number++) {
    const random = Random.make(seed + number)
    const fault = faults[number % faults.length] ?? random.pick(faults)
    const servers = random.pick([1, 2, 4])
    const directory = fault === disk?.fault ? { directory: disk.directory() } : {}
    const verdict = yield* Round.play({
      seed: seed + number,
      fault,
      servers,
      clients: Number(values.clients),
      calmMillis: 2_000,
      ...directory,
    })
    totals.rounds++
    totals.operations += verdict.operations
    totals.unknown += verdict.unknown
    totals.entries += verdict.entries
    totals.kills += fault.kills
    totals.slowestRecoveryMillis = Math.max(totals.slowestRecoveryMillis, verdict.recoveryMillis)
    yield* Console.log(
      `round ${number}: ${fault.name}, ${servers} ${servers === 1 ? "server" : "servers"}: ` +
        `${verdict.operations} operations (${verdict.unknown} unknown), ${verdict.entries} entries, ` +
        `ready after ${verdict.recoveryMillis.toFixed()} ms, ${verdict.violations.length} violations`,
    )
    if (verdict.violations.length > 0) {
      for (const violation of verdict.violations.slice(0, 20)) yield* Console.log(`  ${violation}`)
      yield* Console.log(`See it again: npm run torture -- --seed ${seed} --round ${number}`)
      return 1
    }
    if (values.round !== undefined) break
  }
  yield* Console.log(
    `${totals.rounds} rounds, ${totals.kills} kills, ${totals.operations} operations (${totals.unknown} unknown), ` +
      `${totals.entries} journal entries, slowest recovery ${totals.slowestRecoveryMillis.toFixed()} ms: no violation`,
  )
  return 0
}).pipe(Effect.scoped)

const program = values.simulate === undefined ? torture : simulated(Number(values.simulate))

program.pipe(NodeRuntime.runMain({ teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 2) }))
