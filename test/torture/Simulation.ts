/**
 * Deterministic simulation: clients of a service (in memory, unless told) under a
 * scheduler that lets any fiber go on at any moment, with `TestClock`'s time, and
 * with faults: delays, a store that is away, answers that are lost, callers that
 * go. A seed decides everything, so it gives the same log, byte for byte.
 */
import { Holdfast, type Ledger, MemoryStore, Store } from "@holdfast/domain"
import { System } from "@holdfast/domain/testing"
import { Effect, type Exit, type Fiber, type Scheduler, type Scope } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import { TestClock } from "effect/testing"
import * as Quiet from "../support/Quiet.ts"
import * as Checker from "./Checker.ts"
import { World } from "./Clients.ts"
import * as History from "./History.ts"
import * as Random from "./Random.ts"
import { connectionsOf } from "./Run.ts"

/** Runs whatever task it draws, one at a time, when it is told to. */
class SeededScheduler implements Scheduler.Scheduler {
  readonly executionMode = "sync"
  readonly #random: Random.Random
  readonly #tasks: Array<() => void> = []

  constructor(random: Random.Random) {
    this.#random = random
  }

  /** Never before a fiber's first operation, as real ones: one interrupted before it began would begin all the same. */
  shouldYield({ currentOpCount }: Fiber.Fiber<unknown, unknown>): boolean {
    return currentOpCount > 1 && this.#random.chance(0.1)
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return { scheduleTask: (task) => void this.#tasks.push(task), flush: () => this.runAll() }
  }

  runAll(): void {
    while (this.#tasks.length > 0) {
      const [task] = this.#tasks.splice(this.#random.below(this.#tasks.length), 1)
      task?.()
    }
  }
}

/** A store that fails now and then, before it does something or after. */
const unreliable = (store: Store.Store, random: Random.Random): Store.Store => {
  const away = new Store.Unavailable({ reason: "A fault.", retryAfterSeconds: 1 })
  return {
    ...store,
    execute: <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) =>
      Effect.suspend(() => {
        const executed = store.execute(instruction)
        const lost = Effect.andThen(executed, Effect.fail(away))
        const happens = random.weighted<Store.Execution<C>>([
          [80, executed],
          [10, Effect.delay(executed, random.below(5))],
          [5, Effect.fail(away)],
          [5, lost],
        ])
        return happens
      }),
  }
}

export interface Simulated {
  /** What happened, a line for each call and each answer, and then the journal. */
  readonly log: string
  readonly operations: number
  /** What contradicts the contract. */
  readonly violations: ReadonlyArray<string>
}

export const simulate = (
  seed: number,
  make: (
    random: Random.Random,
  ) => Effect.Effect<{ readonly store: Store.Store; readonly books: Store.Books }, never, Scope.Scope> = () =>
    MemoryStore.make(),
  { clients, callsEach } = { clients: 3, callsEach: 4 },
): Simulated => {
  const random = Random.make(seed)
  const scheduler = new SeededScheduler(random)
  const log: Array<string> = []
  const operations: Array<History.Operation> = []
  let passTime: (effect: Effect.Effect<void>) => unknown = () => {}
  const tell = (line: string) => log.push(`${log.length} ${line}`)

  const program = Effect.gen(function* () {
    const { store, books } = yield* make(random)
    const service = yield* Holdfast.make(unreliable(store, random))
    const system = System.fromService(service)
    const world = new World(random, ["deallocation", "allocation", "lock"], { accounts: 1, exponents: 100 })
    const request = world.next(random)
    if (request.name === "register") {
      yield* system.register(request.connection)
      world.registered(request.connection)
    }

    const ask = Effect.fnUntraced(function* (client: number, call: History.Call) {
      const start = tell(`${client} asks ${JSON.stringify(call)}`)
      const asked = History.dispatch(system, call)
      const exit: Exit.Exit<unknown, unknown> = yield* Effect.exit(
        random.chance(0.05) ? Effect.timeout(asked, random.below(4)) : asked,
      )
      const outcome = exit._tag === "Success" ? (exit.value as NonNullable<History.Operation["outcome"]>) : undefined
      const end = tell(`${client} is told ${JSON.stringify(outcome)}`)
      operations.push({ call, start, end: outcome === undefined ? Number.POSITIVE_INFINITY : end, outcome })
    })
    const client = Effect.fnUntraced(function* (number: number) {
      for (let n = 0; n < callsEach; n++) {
        const request = world.next(random)
        if (request.name !== "register") yield* ask(number, request)
      }
    })
    passTime = Effect.runForkWith(yield* Effect.context())
    yield* Effect.forEach(Array.from({ length: clients }).keys(), client, { concurrency: "unbounded" })
    for (const read of world.readBack()) yield* ask(clients, read)
    for (const { event, transferId, quantity, balances } of books.entries) {
      tell(`${event} ${transferId} ${quantity} ${Object.values(balances).join(" ")}`)
    }
    return Checker.check({ connections: connectionsOf(world), operations, books })
  }).pipe(
    Effect.scoped,
    Effect.provideService(SecureRandom.SecureRandom, SecureRandom.make(bytesOf(random))),
    Effect.provide([TestClock.layer(), Quiet.layer]),
  )

  let exit: Exit.Exit<ReadonlyArray<string>> | undefined
  Effect.runFork(program, { scheduler }).addObserver((done) => {
    exit = done
  })
  scheduler.runAll()
  // Where all wait, a millisecond goes by.
  for (let millis = 0; exit === undefined && millis < 10_000; millis++) {
    passTime(TestClock.adjust(1))
    scheduler.runAll()
  }
  if (exit === undefined) return { log: log.join("\n"), operations: operations.length, violations: ["It never ends."] }
  const violations = exit._tag === "Success" ? exit.value : [String(exit.cause)]
  return { log: log.join("\n"), operations: operations.length, violations }
}

const bytesOf = (random: Random.Random) => (size: number) => Uint8Array.from({ length: size }, () => random.below(256))
