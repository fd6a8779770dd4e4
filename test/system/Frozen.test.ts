/** A database that is there and does nothing: every process of PostgreSQL is stopped, and goes on later. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { newConnection, uuid } from "../support/Fixtures.ts"
import * as HttpClient from "../support/HttpClient.ts"
import * as ServerProcess from "../support/ServerProcess.ts"

/** The postmaster of a data directory, and all its children. */
const processesOf = (directory: string): ReadonlyArray<number> => {
  const postmaster = Number(readFileSync(join(directory, "postgres", "postmaster.pid"), "utf8").split("\n")[0])
  const children = readdirSync("/proc").filter((name) => {
    if (!/^[0-9]+$/.test(name)) return false
    try {
      // The name of the program is in parentheses; then come the state and the parent.
      return Number(/\) \S (\d+) /.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1]) === postmaster
    } catch {
      return false
    }
  })
  return [postmaster, ...children.map(Number)]
}

/** It is refused, within so long: what else this machine does at the time only adds to that, so it is tried again. */
const isRefusedWithin = Effect.fnUntraced(function* (millis: number, ask: () => Promise<{ readonly status: number }>) {
  let least = Infinity
  for (let tries = 0; tries < 3 && least >= millis; tries++) {
    const start = performance.now()
    assert.strictEqual((yield* Effect.promise(ask)).status, 503)
    least = Math.min(least, performance.now() - start)
  }
  assert.isBelow(least, millis)
})

it.live.runIf(process.platform === "linux")(
  "with a frozen database, readiness says so within 2 s and callers hear within their patience; nothing acts twice",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const server = yield* ServerProcess.start({ DATA_DIR: directory })
      const call = HttpClient.fromDirectory(server.url, directory)
      const { connectionId, ...identifiers } = newConnection()
      const amount = { currency: "BTC", quantity: "3" }
      const terms = { deallocationId: uuid(), amount, connectionId, ...identifiers }
      const credit = { connectionId, direction: "credit", amount }
      yield* Effect.promise(async () => {
        await call("PUT", `/operator/v1/connections/${connectionId}`, identifiers)
        await call("PUT", `/operator/v1/adjustments/${uuid()}`, credit)
      })

      const frozen = processesOf(directory)
      assert.isAbove(frozen.length, 3)
      const signal = (name: NodeJS.Signals) =>
        Effect.sync(() => {
          for (const pid of frozen) process.kill(pid, name)
        })
      yield* Effect.acquireUseRelease(
        signal("SIGSTOP"),
        () =>
          Effect.gen(function* () {
            // What was committed a moment ago counts for a second.
            yield* Effect.sleep("1 second")
            yield* isRefusedWithin(2_000, () => fetch(`${server.url}/health/ready`))
            yield* isRefusedWithin(5_500, () => call("POST", "/bitgo/v1/deallocations", terms))
          }),
        () => signal("SIGCONT"),
      )
      const again = yield* Effect.eventually(
        Effect.filterOrFail(
          Effect.promise(() => call("POST", "/bitgo/v1/deallocations", terms)),
          ({ status }) => status === 200,
          () => "not yet",
        ),
      )
      assert.notInclude(again.text, "rejectionReason")
      const shown = yield* Effect.promise(() => call("GET", `/operator/v1/deallocations/${terms.deallocationId}`))
      assert.lengthOf(JSON.parse(shown.text).journal, 1)
    }).pipe(Effect.scoped),
  180_000,
)
