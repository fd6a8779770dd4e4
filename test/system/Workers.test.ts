/** Several processes behind one port are one server: what is asked, told, limited, signalled and ended is so of all. */
import { randomUUID } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Settings from "@holdfast/server/Settings"
import { ConfigProvider, Effect, Schedule } from "effect"
import * as Exposition from "../../packages/server/src/workers/Exposition.ts"
import * as Supervisor from "../../packages/server/src/workers/Supervisor.ts"
import * as HttpClient from "../support/HttpClient.ts"
import * as ServerProcess from "../support/ServerProcess.ts"

/** The processes that one started, in the order of their ids. */
const childrenOf = (parent: number): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(/\) \S (\d+) /.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1]) === parent
      } catch {
        return false
      }
    })
    .map(Number)

/** One that has ended meanwhile is none. */
const isWorker = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("holdfast.ts")
  } catch {
    return false
  }
}

const workersOf = ({ child }: ServerProcess.ServerProcess) => childrenOf(child.pid ?? 0).filter(isWorker)

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const eventually = (condition: () => boolean) =>
  Effect.sync(condition).pipe(
    Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("20 seconds"),
  )

const started = Effect.fnUntraced(function* (workers: number, more: Readonly<Record<string, string>> = {}) {
  const directory = yield* ServerProcess.temporaryDirectory
  const server = yield* ServerProcess.start({ DATA_DIR: directory, WORKERS: String(workers), ...more })
  // The first that serves is ready by itself; this is told once all are.
  yield* eventually(() => server.output().includes("Holdfast is ready at"))
  // Each caller has a connection of its own, and so comes to another process than the one before.
  const ask = (method: string, path: string, body?: unknown) =>
    Effect.promise(() => HttpClient.fromDirectory(server.url, directory)(method, path, body))
  return { directory, server, ask }
})

type Started = Effect.Success<ReturnType<typeof started>>

const unknown = () => `/bitgo/v1/deallocation/${randomUUID()}`

/** How many questions about deallocations were answered, as any of the processes tells it, once it knows of so many. */
const answered = ({ server }: Started, least: number) =>
  Effect.promise(async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    const [line = ""] = text.split("\n").filter((line) => line.includes(`deallocation/:deallocationId"`))
    return Number(line.split(" ").at(-1) ?? 0)
  }).pipe(Effect.repeat({ until: (count) => count >= least, schedule: Schedule.spaced("100 millis") }))

describe("a server of several processes", () => {
  it.live(
    "is one to its callers, and to those who watch over it; another takes the place of a process that ends",
    () =>
      Effect.gen(function* () {
        const whole = yield* started(3)
        const { server, ask, directory } = whole
        const workers = workersOf(server)
        assert.lengthOf(workers, 3)

        const connectionId = randomUUID()
        const identifiers = { clientId: randomUUID(), partnersConnectionId: "account", partnerClientId: "client" }
        yield* ask("PUT", `/operator/v1/connections/${connectionId}`, identifiers)
        const amount = { currency: "BTC", quantity: "100" }
        yield* ask("PUT", `/operator/v1/adjustments/${randomUUID()}`, { connectionId, direction: "credit", amount })
        const body = {
          deallocationId: randomUUID(),
          connectionId,
          ...identifiers,
          amount: { ...amount, quantity: "1" },
        }
        const same = Array.from({ length: 12 }, () => ask("POST", "/bitgo/v1/deallocations", body))
        const answers = yield* Effect.all(same, { concurrency: "unbounded" })
        assert.lengthOf(new Set(answers.map(({ text }) => text)), 1)
        assert.strictEqual(answers[0]?.status, 200)

        for (let count = 0; count < 9; count++) assert.strictEqual((yield* ask("GET", unknown())).status, 404)
        assert.strictEqual(yield* answered(whole, 9), 9)
        const logged = () =>
          server
            .output()
            .split("\n")
            .filter((line) => line.includes("deallocation/:deallocationId"))
        // What a process has not written yet when it is killed, nobody will.
        yield* eventually(() => logged().length >= 9)

        const [victim = 0] = workers
        process.kill(victim, "SIGKILL")
        yield* eventually(() => workersOf(server).length === 3 && !workersOf(server).includes(victim))
        yield* eventually(() => server.output().includes("Another takes its place."))
        for (let count = 0; count < 9; count++) assert.strictEqual((yield* ask("GET", unknown())).status, 404)
        assert.strictEqual(yield* answered(whole, 18), 18)

        const others = workersOf(server)
        assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)
        assert.deepStrictEqual(others.filter(isAlive), [])
        const lines = server.output().trimEnd().split("\n")
        const log = lines.filter((line) => line.startsWith("{"))
        for (const line of log) JSON.parse(line)
        assert.isAtLeast(logged().length, 18)
        assert.lengthOf(
          readdirSync(directory).filter((name) => name === "operator-token"),
          1,
        )
      }),
    180_000,
  )

  it.live(
    "is not ready while a process hangs, and is again when it goes on",
    () =>
      Effect.gen(function* () {
        const { server } = yield* started(2)
        const [victim = 0] = workersOf(server)
        const ready = Effect.promise(async () => {
          const start = performance.now()
          const { status } = await fetch(`${server.url}/health/ready`, { headers: { connection: "close" } })
          return { status, millis: performance.now() - start }
        })
        process.kill(victim, "SIGSTOP")
        // One of two connections may go to the one that hangs: nobody answers there. And what else this machine does at
        // the time only adds to what it takes.
        let least = Infinity
        for (let tries = 0; tries < 6 && least >= 2_500; tries++) {
          const answer = yield* Effect.timeoutOption(ready, "3 seconds")
          if (answer._tag === "None") continue
          assert.strictEqual(answer.value.status, 503)
          least = Math.min(least, answer.value.millis)
        }
        assert.isBelow(least, 2_500)
        process.kill(victim, "SIGCONT")
        yield* Effect.repeat(ready, { until: ({ status }) => status === 200, schedule: Schedule.spaced("50 millis") })
      }),
    180_000,
  )

  it.live(
    "ends with the one that watches over it, however that ends",
    () =>
      Effect.gen(function* () {
        const { server, directory } = yield* started(2)
        const workers = workersOf(server)
        const postmaster = Number(readFileSync(join(directory, "postgres", "postmaster.pid"), "utf8").split("\n")[0])
        assert.strictEqual(yield* Effect.promise(() => server.end("SIGKILL")), "SIGKILL")
        yield* eventually(() => ![...workers, postmaster].some(isAlive))
      }),
    180_000,
  )

  it.live(
    "does not start where one of its processes cannot, and says why",
    () =>
      Effect.gen(function* () {
        const { code, err } = yield* ServerProcess.run("serve", {
          DATA_DIR: yield* ServerProcess.temporaryDirectory,
          WORKERS: "2",
          PORT: "0",
          TRUSTED_PROXIES: "nonsense",
        })
        assert.strictEqual(code, 1)
        assert.include(err, "Holdfast cannot run: TRUSTED_PROXIES: ")
        assert.match(err, /Process \d+ ended before it served/)
      }),
    180_000,
  )
})

describe("limits", () => {
  it.effect("of the whole are shared out, and none is nothing", () =>
    Effect.gen(function* () {
      const env = { WORKERS: "4", MAX_IN_FLIGHT: "10", MAX_QUEUE: "3", MAX_BODY_BYTES: "100" }
      const provider = ConfigProvider.fromUnknown(env)
      const settings = yield* Effect.provideService(Settings.load, ConfigProvider.ConfigProvider, provider)
      const { maxInFlight, maxQueue, maxBodyBytes } = Settings.shareOf(settings)
      assert.deepStrictEqual(
        { maxInFlight, maxQueue, maxBodyBytes },
        { maxInFlight: 2, maxQueue: 1, maxBodyBytes: 100 },
      )
    }),
  )
})

describe("what a process writes", () => {
  it("is passed on in whole lines, in whatever pieces it comes", async () => {
    const from = new PassThrough()
    const written: Array<ReadonlyArray<string>> = []
    Supervisor.forward(from, { write: (lines) => written.push(lines) })
    for (const piece of ["one\ntw", "o\nthree\n", "fo", "ur\n"]) {
      from.write(piece)
      await setImmediate()
    }
    assert.deepStrictEqual(written, [["one"], ["two", "three"], ["four"]])
  })
})

describe("metrics", () => {
  const text = (count: number, gauge: number) =>
    [
      "# HELP requests_total Requests.",
      "# TYPE requests_total counter",
      `requests_total{route="/a b"} ${count}`,
      "# TYPE waiting gauge",
      `waiting ${gauge}`,
      "",
    ].join("\n")

  it("of several processes are added up, each with its own lines; of one that ended, what it counted remains", () => {
    assert.strictEqual(Exposition.sum([text(1, 5), text(2, 6)], [text(4, 7)]), text(7, 11))
    const state = (up: number, lag: number, heap: number) =>
      `# TYPE a_up gauge\na_up ${up}\n# TYPE holdfast_feed_lag_seconds gauge\nholdfast_feed_lag_seconds ${lag}\n` +
      `# TYPE heap_bytes gauge\nheap_bytes ${heap}\n`
    // Up is who is up altogether, late is whoever is latest.
    assert.strictEqual(Exposition.sum([state(1, 2, 5), state(0, 9, 6), state(1, 3, 7)]), state(0, 9, 18))
    const other = '# TYPE requests_total counter\nrequests_total{route="/c"} 9\n'
    assert.include(
      Exposition.sum([text(1, 5), other]),
      'requests_total{route="/a b"} 1\nrequests_total{route="/c"} 9\n# TYPE waiting',
    )
  })
})
