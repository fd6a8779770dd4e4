/** Starting, stopping, crashing and starting again, as a process with its embedded database. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import type { Deallocation } from "@holdfast/domain"
import { Effect, Fiber } from "effect"
import { holdAccounts, untilWaiting } from "../support/Databases.ts"
import { newConnection, termsOf, uuid } from "../support/Fixtures.ts"
import * as HttpClient from "../support/HttpClient.ts"
import * as ServerProcess from "../support/ServerProcess.ts"

/** A client of a server that runs on a data directory. */
const clientOf = (server: ServerProcess.ServerProcess, directory: string) => {
  const send = HttpClient.fromDirectory(server.url, directory)
  const call = (...request: Parameters<typeof send>) => Effect.promise(() => send(...request))
  return {
    call,
    reserve: ({ id: deallocationId, ...terms }: Deallocation.Terms) => {
      const amount = { ...terms.amount, quantity: String(terms.amount.quantity) }
      return call("POST", "/bitgo/v1/deallocations", { deallocationId, ...terms, amount })
    },
    fund: Effect.fnUntraced(function* (quantity: bigint) {
      const { connectionId, ...identifiers } = newConnection()
      yield* call("PUT", `/operator/v1/connections/${connectionId}`, identifiers)
      const amount = { currency: "BTC", quantity: String(quantity) }
      yield* call("PUT", `/operator/v1/adjustments/${uuid()}`, { connectionId, direction: "credit", amount })
      return { connectionId, ...identifiers }
    }),
  }
}

const postmasterOf = (directory: string) =>
  Number(readFileSync(join(directory, "postgres", "postmaster.pid"), "utf8").split("\n")[0])

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  it.live(
    `${signal} finishes the requests in flight, stops the database, and the next start finds everything`,
    () =>
      Effect.gen(function* () {
        const directory = yield* ServerProcess.temporaryDirectory
        const server = yield* ServerProcess.start({ DATA_DIR: directory })
        const client = clientOf(server, directory)
        const connection = yield* client.fund(10n)
        const terms = termsOf(connection, 3n)
        const postmaster = postmasterOf(directory)

        const release = yield* holdAccounts(ServerProcess.databaseIn(directory))
        const inFlight = yield* Effect.forkChild(client.reserve(terms), { startImmediately: true })
        yield* untilWaiting(ServerProcess.databaseIn(directory))
        const ended = server.end(signal)
        yield* refusesConnections(server)
        yield* release
        const answer = yield* Fiber.join(inFlight)
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(yield* Effect.promise(() => ended), 0)
        assert.isFalse(isAlive(postmaster))

        const again = yield* ServerProcess.start({ DATA_DIR: directory })
        const repeated = yield* clientOf(again, directory).reserve(terms)
        assert.deepStrictEqual(repeated, answer)
        const found = yield* clientOf(again, directory).call("GET", `/bitgo/v1/deallocation/${terms.id}`)
        assert.include(found.text, `"status":"RESERVED"`)
      }).pipe(Effect.scoped),
    180_000,
  )
}

/** Waits until the server takes no new connections, which is when it has begun to stop. */
const refusesConnections = (server: ServerProcess.ServerProcess) =>
  Effect.eventually(Effect.flip(Effect.tryPromise(() => fetch(`${server.url}/health/live`))))

it.live(
  "kill -9 of the server loses no acknowledged hold, and its database does not outlive it",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const server = yield* ServerProcess.start({ DATA_DIR: directory })
      const client = clientOf(server, directory)
      const connection = yield* client.fund(10n)
      const terms = termsOf(connection, 3n)
      const answer = yield* client.reserve(terms)
      const postmaster = postmasterOf(directory)
      yield* Effect.promise(() => server.end("SIGKILL"))
      yield* Effect.eventually(
        Effect.filterOrFail(
          Effect.sync(() => isAlive(postmaster)),
          (alive) => !alive,
          () => "still there",
        ),
      )
      const again = yield* ServerProcess.start({ DATA_DIR: directory })
      assert.deepStrictEqual(yield* clientOf(again, directory).reserve(terms), answer)
    }).pipe(Effect.scoped),
  180_000,
)

it.live(
  "the first start makes a data directory, keys and a log for their owner alone",
  () =>
    Effect.gen(function* () {
      const directory = join(yield* ServerProcess.temporaryDirectory, "made")
      yield* ServerProcess.start({ DATA_DIR: directory })
      const modes = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o077])
      assert.deepStrictEqual(Object.fromEntries([["", statSync(directory).mode & 0o077], ...modes]), {
        "": 0,
        "bitgo-dev-private.pem": 0,
        "bitgo-dev-public.pem": 0,
        "operator-token": 0,
        postgres: 0,
        "postgres.log": 0,
      })
    }).pipe(Effect.scoped),
  180_000,
)

it.live(
  "with DATABASE_URL it refuses to start without a key and a token",
  () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(ServerProcess.start({ DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" }))
      assert.include(failure.message, "BITGO_PUBLIC_KEY_FILE and OPERATOR_TOKEN")
    }).pipe(Effect.scoped),
  180_000,
)

it.live(
  "whoever follows the journal is let go when the server stops, and goes on with the next one where the last left off",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const follow = (url: string, after: string) =>
        Effect.promise(async () => {
          const token = readFileSync(join(directory, "operator-token"), "utf8").trim()
          const headers = { authorization: `Bearer ${token}`, "last-event-id": after }
          const response = await fetch(`${url}/operator/v1/journal/stream`, { headers })
          const chunks = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail()
          let text = ""
          const more = async () => {
            const { value, done } = await chunks.read().catch(() => ({ value: undefined, done: true }))
            text += value ?? ""
            return !done
          }
          return {
            untilSeen: async (wanted: string) => {
              while (!text.includes(wanted)) if (!(await more())) assert.fail(text)
              return [...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? assert.fail(text)
            },
            untilEnded: async () => {
              while (await more()) {}
            },
          }
        })
      const server = yield* ServerProcess.start({ DATA_DIR: directory })
      const connection = yield* clientOf(server, directory).fund(10n)
      const first = yield* follow(server.url, "")
      const last = yield* Effect.promise(() => first.untilSeen("CREDITED"))
      const stopping = performance.now()
      const ended = server.end("SIGTERM")
      yield* Effect.promise(() => first.untilEnded())
      assert.strictEqual(yield* Effect.promise(() => ended), 0)
      assert.isBelow(performance.now() - stopping, 5_000)

      const again = yield* ServerProcess.start({ DATA_DIR: directory })
      const second = yield* follow(again.url, last)
      yield* clientOf(again, directory).reserve(termsOf(connection, 3n))
      const next = yield* Effect.promise(() => second.untilSeen("RESERVED"))
      assert.isAbove(Number(next), Number(last))
      yield* Effect.promise(() => again.end("SIGTERM"))
      yield* Effect.promise(() => second.untilEnded())
    }).pipe(Effect.scoped),
  180_000,
)
