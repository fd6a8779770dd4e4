/** A log that cannot be written is no reason to stop serving: what is lost is counted, and what is written are whole lines. */
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { withDatabase } from "../support/Databases.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"

const token = "a-token-of-the-operator"

/** A server of the operator's alone, on a database of its own. */
const serve = Effect.fnUntraced(function* (
  database: { readonly url: string },
  surroundings: (directory: string) => Parameters<typeof ServerProcess.start>[1],
) {
  const directory = yield* ServerProcess.temporaryDirectory
  const keyFile = join(directory, "bitgo.pem")
  writeFileSync(keyFile, Signing.publicKeyPem, { mode: 0o600 })
  const environment = { DATABASE_URL: database.url, BITGO_PUBLIC_KEY_FILE: keyFile, OPERATOR_TOKEN: token }
  const server = yield* ServerProcess.start(environment, surroundings(directory))
  /** Asks so many times, each of which is a line in the log. */
  const ask = (times: number) =>
    Effect.forEach(
      Array.from({ length: times }),
      () =>
        Effect.promise(async () => {
          const headers = { authorization: `Bearer ${token}` }
          const response = await fetch(`${server.url}/operator/v1/connections/1`, { headers })
          await response.text()
          assert.strictEqual(response.status, 400)
        }),
      { concurrency: 16, discard: true },
    )
  const lost = Effect.promise(async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    return Number(/^holdfast_log_lines_lost_total (\d+)/m.exec(metrics)?.[1])
  })
  /** Waits until so many lines are lost. */
  const untilLost = (lines: number) =>
    lost.pipe(
      Effect.filterOrFail((lost) => lost >= lines),
      Effect.retry(Schedule.spaced("50 millis")),
    )
  const ended = Effect.promise(() => server.end("SIGTERM"))
  return { directory, server, ask, lost, untilLost, ended }
})

it.live(
  "a server serves on with a full disk behind its log",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const full = yield* Effect.acquireRelease(
          Effect.sync(() => openSync("/dev/full", "w")),
          (file) => Effect.sync(() => closeSync(file)),
        )
        const { ask, untilLost, ended } = yield* serve(database, () => ({ stdio: ["ignore", full, full] }))
        yield* ask(20)
        // And the three lines for people, on the other stream.
        yield* untilLost(23)
        yield* ask(20)
        assert.strictEqual(yield* ended, 0)
      }),
    ),
  180_000,
)

it.live(
  "a server serves on with a program behind its log that goes",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const { server, ask, untilLost, ended } = yield* serve(database, () => ({ stdio: ["ignore", "pipe", "pipe"] }))
        server.child.stdout?.destroy()
        server.child.stderr?.destroy()
        yield* ask(20)
        yield* untilLost(1)
        yield* ask(20)
        assert.strictEqual(yield* ended, 0)
      }),
    ),
  180_000,
)

it.live(
  "a server serves on with a program behind its log that does not read, and reads later",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const { server, ask, lost, untilLost, ended } = yield* serve(database, () => ({
          stdio: ["ignore", "ignore", "pipe"],
        }))
        // As much as may wait, and more than any pipe holds.
        for (let asked = 0; (yield* lost) === 0 && asked < 30_000; asked += 1_000) yield* ask(1_000)
        yield* untilLost(1)
        let log = ""
        server.child.stderr?.on("data", (chunk) => (log += String(chunk)))
        // Once there is room again, lines are written again.
        yield* Effect.promise(() => fetch(`${server.url}/health/live`)).pipe(
          Effect.andThen(Effect.sync(() => log.includes("/health/live"))),
          Effect.repeat({ until: (isWritten) => isWritten, schedule: Schedule.spaced("50 millis") }),
        )
        assert.strictEqual(yield* ended, 0)
        const lines = log.trimEnd().split("\n")
        assert.isAbove(lines.length, 4_000)
        for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line)
      }),
    ),
  120_000,
)

it.live(
  "a server serves on with a file for its log that takes no more, and is emptied",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const { directory, ask, untilLost, ended } = yield* serve(database, (directory) => ({
          through: ["bash", "-c", 'ulimit -f 8; exec "$@" 2>>"$0"', join(directory, "log")],
        }))
        const file = join(directory, "log")
        yield* ask(100)
        yield* untilLost(50)
        const before = readFileSync(file, "utf8").split("\n")
        assert.isAbove(before.length, 10)
        const torn = before.pop() ?? ""
        assert.throws(() => JSON.parse(torn))
        for (const line of before) assert.doesNotThrow(() => JSON.parse(line), line)

        truncateSync(file)
        yield* ask(5)
        assert.strictEqual(yield* ended, 0)
        const [rest, ...after] = readFileSync(file, "utf8").trimEnd().split("\n")
        assert.strictEqual(rest, "")
        assert.isAtLeast(after.length, 5)
        for (const line of after) assert.doesNotThrow(() => JSON.parse(line), line)
      }),
    ),
  180_000,
)

it.live(
  "what waits for a program that is slow to read is written before a server ends",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const { server, ask, lost, ended } = yield* serve(database, () => ({ stdio: ["ignore", "ignore", "pipe"] }))
        yield* ask(2_000)
        assert.strictEqual(yield* lost, 0)
        let log = ""
        server.child.stderr?.on("data", (chunk) => (log += String(chunk)))
        assert.strictEqual(yield* ended, 0)
        const lines = log.trimEnd().split("\n")
        assert.strictEqual(
          lines.filter((line) => line.includes("/operator/v1/connections/:connectionId")).length,
          2_000,
        )
        const last = lines.filter((line) => line.includes("http.route")).at(-1)
        assert.include(last, "/metrics")
        assert.include(lines.at(-1), "The server has stopped.")
      }),
    ),
  180_000,
)
