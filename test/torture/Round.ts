/** One round: clients at work on servers while faults happen, one after another, and then the verdict. */
import { setTimeout as sleep } from "node:timers/promises"
import { PgConnection } from "@effect/sql-pg"
import { Audit as Replay, type Store } from "@holdfast/domain"
import { Audit } from "@holdfast/persistence"
import { Effect } from "effect"
import * as Tables from "../../packages/persistence/src/Tables.ts"
import type { ServerProcess } from "../support/ServerProcess.ts"
import * as Arena from "./Arena.ts"
import * as Checker from "./Checker.ts"
import type { Fault } from "./Faults.ts"
import * as Random from "./Random.ts"
import * as Run from "./Run.ts"

export interface Options {
  readonly seed: number
  readonly faults: ReadonlyArray<Fault>
  readonly servers: number
  readonly clients: number
  /** How long the clients are at work before and after each fault. */
  readonly calmMillis: number
  readonly directory?: string
  /** A directory with a database to begin with, in place of making one. */
  readonly template?: string
}

interface Verdict {
  readonly operations: number
  /** Of these, how many nobody knows the outcome of. */
  readonly unknown: number
  readonly entries: number
  /** From the end of a fault until every server was ready, at most. */
  readonly recoveryMillis: number
  /** What contradicts the contract. */
  readonly violations: ReadonlyArray<string>
}

/** Within this, a server is ready again once its database is: so late only on a machine that does other work too. */
const maxRecoveryMillis = 15_000

export const play = Effect.fnUntraced(function* (options: Options) {
  const { seed, faults, servers, clients, calmMillis } = options
  const random = Random.make(seed)
  const arena = yield* Arena.open({ ...options, servers, random })
  let isOver = false
  const run = Run.run({ system: arena.system, seed, clients, isOver: () => isOver })

  const recoveryMillis = yield* Effect.promise(async () => {
    let slowest = 0
    await sleep(calmMillis)
    for (const fault of faults) {
      await fault.happen(arena)
      const healed = performance.now()
      await Promise.all(arena.servers().map((server) => untilReady(arena, server, fault)))
      slowest = Math.max(slowest, performance.now() - healed)
      await sleep(calmMillis)
    }
    isOver = true
    return slowest
  }).pipe(Effect.onExit(() => Effect.sync(() => (isOver = true))))
  const { operations, connections } = yield* Effect.promise(() => run)

  const audit = yield* Audit.run(arena.connection)
  const books = yield* readBooks(arena.connection)
  const unknown = operations.filter(({ outcome }) => outcome === undefined).length
  const late =
    recoveryMillis > maxRecoveryMillis ? [`A server was ready only after ${recoveryMillis.toFixed()} ms.`] : []
  const violations = [
    ...arena.wrong,
    ...late,
    ...audit.findings.map(Replay.describe),
    ...Checker.check({ connections, operations, books }),
  ]
  return {
    operations: operations.length,
    unknown,
    entries: audit.entries,
    recoveryMillis,
    violations,
  } satisfies Verdict
}, Effect.scoped)

const readBooks = Effect.fnUntraced(function* (config: PgConnection.Config) {
  const connection = yield* PgConnection.make(config)
  const read = <A>(table: Tables.Table<A>, order: string) =>
    Effect.flatMap(connection.query(`SELECT ${table.select("t")} FROM ${table.name} t ORDER BY ${order}`), ({ rows }) =>
      table.read(rows),
    )
  const transfers = yield* read(Tables.transfers, "id")
  return {
    entries: (yield* read(Tables.journal, "seq")).map(({ hash: _, version: __, ...entry }) => entry),
    transfers: new Map(transfers.map((transfer) => [transfer.terms.id, transfer])),
  } satisfies Store.Books
})

/** A database that recovers from a crash takes its time before a server's begins. */
const untilReady = async (arena: Arena.Arena, { url, output }: ServerProcess, after: Fault) => {
  const orTell = (what: string, said: string) => (error: unknown) => {
    throw new Error(`${what} is not ready after "${after.name}" (${error}). It said:\n${said}`)
  }
  const tail = (text: string) => text.split("\n").slice(-20).join("\n")
  await Run.untilAnswered(() => arena.query("SELECT 1")).catch((error) =>
    orTell("PostgreSQL", tail(arena.logOf()))(error),
  )
  await Run.untilAnswered(() => ready(url)).catch((error) => orTell("A server", tail(output()))(error))
}

const ready = async (url: string) => {
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(1_000) })
  if (!response.ok) throw new Error(`${response.status}`)
}
