/** Clients at work on a system, until they are told to stop; afterwards everything is read back. */
import { setTimeout as sleep } from "node:timers/promises"
import { type Connection, Uuid } from "@holdfast/domain"
import type { System } from "@holdfast/domain/testing"
import { Effect } from "effect"
import { World } from "./Clients.ts"
import * as History from "./History.ts"
import * as Random from "./Random.ts"

export interface Options {
  readonly system: System.System
  readonly seed: number
  readonly clients: number
  /** Asked before each call of each client. */
  readonly isOver: (operations: number) => boolean
}

export interface Run {
  readonly operations: ReadonlyArray<History.Operation>
  readonly connections: ReadonlyArray<Connection.Connection>
}

export const run = async ({ system, seed, clients, isOver }: Options): Promise<Run> => {
  const random = Random.make(seed)
  const operations: Array<History.Operation> = []
  const call = History.record(system, operations, () => performance.now())
  const world = new World(random, ["deallocation", "allocation", "lock"])
  const client = async (own: Random.Random) => {
    while (!isOver(operations.length)) {
      const request = world.next(own)
      if (request.name !== "register") {
        const { outcome } = await call(request)
        if (outcome === undefined) await pause()
      } else {
        await untilAnswered(() => Effect.runPromise(system.register(request.connection)))
        world.registered(request.connection)
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, () => client(Random.make(random.below(2 ** 32)))))
  const reads = world.readBack().values()
  const reader = async () => {
    for (const read of reads) await untilAnswered(() => known(call(read)))
  }
  await Promise.all(Array.from({ length: clients }, reader))
  return { operations, connections: connectionsOf(world) }
}

const known = async (asked: Promise<History.Operation>) => {
  if ((await asked).outcome === undefined) throw new Error("There was no answer.")
}

/** What is registered, as the domain has it. */
export const connectionsOf = ({ connections }: World): ReadonlyArray<Connection.Connection> =>
  connections.map(({ connectionId, clientId, ...own }) => ({
    connectionId: Uuid.Uuid.make(connectionId),
    clientId: Uuid.Uuid.make(clientId),
    ...own,
  }))

/** Before asking somebody again who did not answer. */
const pause = () => sleep(20)

/** Asks again and again, for at most a minute. */
export const untilAnswered = async <A>(ask: () => Promise<A>): Promise<A> => {
  const deadline = performance.now() + 60_000
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await pause()
    }
  }
}
