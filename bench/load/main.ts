/**
 * The load generator, a process of its own: autocannon in a closed loop, or at a
 * rate of its own, where a server may turn requests away. All requests are prepared
 * before it starts, so that nothing is signed and no body is made while it measures.
 * Every answer's status is checked, and that it is the answer to its own request
 * with the exact quantity.
 *
 * Tokens live for 60 seconds, and signing for one window takes up to half of
 * that. They are therefore issued for the moment when the load begins, which is
 * planned from the measured speed of signing; the generator waits if it is early.
 */
import { createPrivateKey, type KeyObject, randomUUID } from "node:crypto"
import { availableParallelism } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import autocannon from "autocannon"
import { type Chain, lifetimeSeconds, makeChain, makeToken, quantity, type Work } from "./Requests.ts"

/** What the generator is asked to do. */
export interface Job {
  readonly urls: ReadonlyArray<string>
  readonly connections: number
  readonly work: Work
  readonly warmupMillis: number
  readonly windowMillis: number
  /** How many requests to prepare; where they run out, the window ends early. */
  readonly requests: number
  readonly privateKey: string
  readonly operatorToken: string
  /** How many requests a second are sent, whatever comes back; as many as are answered where not given. */
  readonly rate?: number
}

/** What came of it. Latencies are of the window, in milliseconds; answers are counted from the first to the last. */
export interface Report {
  readonly requestsPerSecond: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly reserved: number
  readonly cleared: number
  /** Requests that were answered with 503, where the load has a rate. */
  readonly turnedAway: number
  readonly turnedAwayP99: number
  readonly failures: Readonly<Record<string, number>>
  readonly exhausted: boolean
  /** CPU of this process in the window, in cores: at 1 the generator itself would be the limit. */
  readonly cores: number
  readonly prepareSeconds: number
  readonly preparedPerSecond: number
}

/** What the generator tells its parent. */
export type Message = { readonly tag: "begin" } | { readonly tag: "end" } | { readonly tag: "report"; report: Report }

/** What we use of autocannon's client beyond its types: it sends what this gives, and ends after so many answers. */
interface Client extends autocannon.Client {
  getRequestBuffer: () => Buffer
  responseMax: number | undefined
  on(event: "response", listener: (status: number, bytes: number, millis: number) => void): this
  on(event: "body", listener: (chunk: Buffer) => void): this
  // biome-ignore lint/suspicious/noExplicitAny: as in autocannon's own types
  on(event: string, listener: (...args: any) => void): this
}

const prepare = async (job: Job, key: KeyObject) => {
  const askers = { key, operatorToken: job.operatorToken }
  const count = Math.max(job.connections, Math.ceil(job.requests / job.work.steps.length))
  const threads = Math.min(4, availableParallelism())
  const trialStart = performance.now()
  await Promise.all(Array.from({ length: 200 }, () => makeToken(key, 0, randomUUID())))
  const millisPerToken = (performance.now() - trialStart) / 200
  const begin = Date.now() + count * job.work.steps.length * millisPerToken
  const iat = Math.ceil(begin / 1000)

  const chains: Array<Chain> = []
  const start = performance.now()
  let next = 0
  const worker = async () => {
    while (next < count) {
      const index = next++
      chains[index] = await makeChain(job.work, index, askers, iat)
    }
  }
  await Promise.all(Array.from({ length: threads * 4 }, worker))
  const prepareSeconds = (performance.now() - start) / 1000
  const early = iat * 1000 - Date.now()
  if (early > 0) await sleep(early)
  if (Date.now() + job.warmupMillis + job.windowMillis > (iat + lifetimeSeconds - 5) * 1000) {
    throw new Error(`The tokens took ${Math.round(prepareSeconds)} s and would expire: is the machine busy?`)
  }
  return { chains, prepareSeconds, preparedPerSecond: (count * job.work.steps.length) / prepareSeconds }
}

const run = async (job: Job) => {
  const { chains, prepareSeconds, preparedPerSecond } = await prepare(job, createPrivateKey(job.privateKey))
  const clients: Array<Client> = []
  const failures: Record<string, number> = {}
  const reserved = new Set<string>()
  const millis: Array<number> = []
  const turnedAwayMillis: Array<number> = []
  const exact = job.work.kind === "lock" ? `"quantity":"${quantity}"` : `"quantity":${quantity}`
  let cleared = 0
  let nextChain = 0
  let draining = false
  let exhausted = false
  let measuring: { readonly at: number; readonly cpu: NodeJS.CpuUsage } | undefined
  let measured: Pick<Report, "seconds" | "requestsPerSecond" | "cores"> | undefined

  const fail = (what: string) => {
    failures[what] = (failures[what] ?? 0) + 1
  }

  const begin = () => {
    if (draining) return
    process.send?.({ tag: "begin" } satisfies Message)
    measuring = { at: performance.now(), cpu: process.cpuUsage() }
  }

  /** Ends the window; every connection still gets the answer that it waits for, so that what is counted is what is kept. */
  const end = () => {
    if (draining) return
    draining = true
    if (measuring !== undefined) {
      const seconds = (performance.now() - measuring.at) / 1000
      const { user, system } = process.cpuUsage(measuring.cpu)
      measured = { seconds, requestsPerSecond: millis.length / seconds, cores: (user + system) / 1e6 / seconds }
    }
    measuring = undefined
    process.send?.({ tag: "end" } satisfies Message)
    for (const client of clients) client.responseMax = 1
  }

  const setupClient = (given: autocannon.Client) => {
    const client = given as Client
    clients.push(client)
    let chain: Chain | undefined
    let step = 0
    let body = ""
    client.getRequestBuffer = () => {
      step++
      if (chain === undefined || step >= chain.requests.length) {
        chain = chains[nextChain++]
        step = 0
        if (nextChain >= chains.length && !draining) {
          exhausted = true
          end()
        }
      }
      const request = chain?.requests[step]
      if (request === undefined) throw new Error("There are no more requests.")
      return request
    }
    client.on("body", (chunk: Buffer) => {
      body = chunk.toString("latin1")
    })
    client.on("response", (status: number, _bytes: number, time: number) => {
      const isTurnedAway = status === 503 && job.rate !== undefined
      if (measuring !== undefined) (isTurnedAway ? turnedAwayMillis : millis).push(time)
      if (isTurnedAway) return
      if (chain === undefined) return fail("answer to nothing")
      if (status !== 200) return fail(String(status))
      if (!body.includes(chain.id) || !body.includes(exact)) return fail("another answer")
      if (body.includes("rejectionReason")) return fail("rejected")
      if (job.work.steps[step] === "clear") cleared++
      else reserved.add(chain.id)
    })
  }

  const timers = [setTimeout(begin, job.warmupMillis), setTimeout(end, job.warmupMillis + job.windowMillis)]
  const { errors } = await autocannon({
    // Several are taken in turn, which autocannon's types do not know.
    url: [...job.urls] as unknown as string,
    connections: job.connections,
    ...(job.rate === undefined ? {} : { overallRate: job.rate }),
    duration: (job.warmupMillis + job.windowMillis) / 1000 + 30,
    timeout: 30,
    setupClient,
  })
  for (const timer of timers) clearTimeout(timer)
  end()
  if (errors > 0) fail(`${errors} connection errors`)
  if (measured === undefined) throw new Error(`No window was measured: ${JSON.stringify({ exhausted, failures })}`)

  const percentileOf = (values: ReadonlyArray<number>) => {
    const sorted = Float64Array.from(values).sort()
    return (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  }
  const percentile = percentileOf(millis)
  const report: Report = {
    ...measured,
    p50: percentile(0.5),
    p99: percentile(0.99),
    max: percentile(1),
    reserved: reserved.size,
    cleared,
    turnedAway: turnedAwayMillis.length,
    turnedAwayP99: percentileOf(turnedAwayMillis)(0.99),
    failures,
    exhausted,
    prepareSeconds,
    preparedPerSecond,
  }
  process.send?.({ tag: "report", report } satisfies Message)
}

process.once("message", (job: Job) => {
  run(job).then(
    () => process.disconnect(),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exit(1)
    },
  )
})
process.once("disconnect", () => process.exit())
