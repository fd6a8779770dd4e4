/**
 * The service on PostgreSQL without HTTP and signatures, in a
 * process of its own: cycles of reserve and clear, so many in flight at once.
 */
import { randomInt, randomUUID } from "node:crypto"
import { Deallocation, Holdfast, Uuid } from "@holdfast/domain"
import { PgStore } from "@holdfast/persistence"
import { Effect, Redacted, Schema } from "effect"
import * as Database from "../Database.ts"
import { account, currency, quantity } from "../load/Requests.ts"

export interface Job {
  readonly databaseUrl: string
  readonly inFlight: ReadonlyArray<number>
  readonly warmupMillis: number
  readonly windowMillis: number
}

export interface Window {
  readonly inFlight: number
  readonly cyclesPerSecond: number
  readonly p50: number
  readonly p99: number
}

export interface Result {
  readonly windows: ReadonlyArray<Window>
  /** All that were acknowledged, for the audit. */
  readonly cycles: number
}

const accounts = 1_000
const decodeTerms = Schema.decodeUnknownSync(Deallocation.Terms)
const templates = Array.from({ length: accounts }, (_, index) =>
  decodeTerms({
    ...account(index + 1),
    id: randomUUID(),
    amount: { currency, quantity: BigInt(quantity) },
  }),
)

const cycle = Effect.fnUntraced(function* (holdfast: Holdfast.Holdfast["Service"]) {
  const id = Uuid.Uuid.make(randomUUID())
  const template = templates[randomInt(accounts)]
  if (template === undefined) return
  const reserved = yield* holdfast.reserve("deallocation", { ...template, id })
  const cleared = yield* holdfast.clear("deallocation", id)
  if (reserved.state !== "Reserved" || cleared.state !== "Cleared") {
    return yield* Effect.die(new Error(`A cycle came to ${reserved.state} and ${cleared.state}.`))
  }
})

const measure = Effect.fnUntraced(function* (job: Job) {
  const holdfast = yield* Holdfast.Holdfast
  yield* Database.fund(job.databaseUrl, accounts)
  let cycles = 0
  const windows: Array<Window> = []
  for (const inFlight of job.inFlight) {
    const begin = performance.now() + job.warmupMillis
    const end = begin + job.windowMillis
    const millis: Array<number> = []
    const loop = Effect.gen(function* () {
      while (performance.now() < end) {
        const start = performance.now()
        yield* cycle(holdfast)
        const done = performance.now()
        if (done >= begin && done < end) millis.push(done - start)
        cycles++
      }
    })
    yield* Effect.all(
      Array.from({ length: inFlight }, () => loop),
      { concurrency: "unbounded", discard: true },
    )
    const sorted = Float64Array.from(millis).sort()
    windows.push({
      inFlight,
      cyclesPerSecond: millis.length / (job.windowMillis / 1000),
      p50: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
      p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    })
  }
  return { windows, cycles } satisfies Result
})

process.once("message", (job: Job) => {
  const service = PgStore.layer({ connection: { url: Redacted.make(job.databaseUrl) } })
  Effect.runPromise(Effect.provide(measure(job), service)).then(
    (result) => process.send?.(result, () => process.disconnect()),
    (error: unknown) => {
      process.stderr.write(`${error}\n`)
      process.exit(1)
    },
  )
})
process.once("disconnect", () => process.exit())
