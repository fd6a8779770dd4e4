/** What can happen to a server, its database and the wire between them. Each ends by itself, and all is well again then. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Arena } from "./Arena.ts"
import type { Proxy } from "./Proxy.ts"

export interface Fault {
  readonly name: string
  /** How many processes it kills. */
  readonly kills: number
  /** How many transactions of each server commit without its knowing. */
  readonly lostCommits?: number
  /** It shows something only with so many servers. */
  readonly minServers?: number
  readonly happen: (arena: Arena) => Promise<void>
}

const kill = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** Does something so many times, with a pause that differs. */
const times = async (arena: Arena, count: number, happen: () => Promise<void> | void) => {
  for (let n = 0; n < count; n++) {
    await happen()
    await sleep(50 + arena.random.below(400))
  }
}

const backends = async (arena: Arena): Promise<ReadonlyArray<number>> => {
  const rows = await arena.query(
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
  )
  return rows.map((row) => Number(row["pid"]))
}

/** The tables are refused a write so many times. */
const failing = (code: string, count: number): Fault => ({
  name: `${count} writes fail with ${code}`,
  kills: 0,
  happen: async ({ query }) => {
    await query("CREATE SEQUENCE failures")
    await query(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('failures') <= ${count} THEN RAISE EXCEPTION 'forced' USING ERRCODE = '${code}'; END IF;
      RETURN NEW;
    END $$`)
    await query("CREATE TRIGGER fail BEFORE INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION fail()")
    await sleep(1_500)
    await query("DROP TRIGGER fail ON journal")
    await query("DROP FUNCTION fail")
    await query("DROP SEQUENCE failures")
  },
})

const stopped = (seconds: number): Fault => ({
  name: `PostgreSQL is away for ${seconds} s`,
  kills: 0,
  happen: async ({ postgres }) => {
    await postgres.stop()
    await sleep(seconds * 1_000)
    await postgres.start()
  },
})

const killServers = (count: number): Fault => ({
  name: `${count} kill -9 of a server`,
  kills: count,
  happen: (arena) =>
    times(arena, count, async () => void (await arena.replace(arena.random.pick(arena.servers()), "SIGKILL"))),
})

const killPostmaster = (count: number): Fault => ({
  name: `${count} kill -9 of the postmaster`,
  kills: count,
  happen: (arena) =>
    times(arena, count, async () => {
      const before = await arena.postgres.pid()
      kill(before, "SIGKILL")
      while ((await arena.postgres.pid()) === before) await sleep(20)
    }),
})

const killBackends = (count: number): Fault => ({
  name: `${count} kill -9 of a backend`,
  kills: count,
  happen: (arena) =>
    times(arena, count, async () => {
      const found = await backends(arena).catch(() => [])
      if (found.length > 0) kill(arena.random.pick(found), "SIGKILL")
    }),
})

const terminateServer: Fault = {
  name: "SIGTERM under load",
  kills: 0,
  happen: async (arena) => {
    const how = await arena.replace(arena.random.pick(arena.servers()), "SIGTERM")
    if (how !== 0) throw new Error(`A server that was asked to end ended with ${how}.`)
  },
}

const everyProxy = ({ proxies }: Arena, happen: (proxy: Proxy) => void) => {
  for (const proxy of proxies) happen(proxy)
}

const untilMet = async ({ proxies }: Arena) => {
  while (proxies.some((proxy) => proxy.pending() > 0)) await sleep(20)
}

const cutAtCommit = (moment: "before" | "after", count: number): Fault => ({
  name: `${count} connections of each server are cut ${moment} COMMIT`,
  kills: 0,
  lostCommits: moment === "after" ? count : 0,
  happen: async (arena) => {
    const faults = Array.from({ length: count }, () => ({ cut: moment }))
    everyProxy(arena, (proxy) => proxy.atCommit(...faults))
    await untilMet(arena)
  },
})

/** Shorter than anybody's patience: the answer that is found out in the end still has a caller. */
const heldUpMillis = 1_500

/** Whoever lost the answer cannot find out before the others have gone on. */
const loseCommits = (count: number): Fault => ({
  name: `the answer to COMMIT is lost and the server held up, ${count} times each`,
  kills: 0,
  lostCommits: count,
  minServers: 2,
  happen: async (arena) => {
    for (let n = 0; n < count; n++) {
      for (const proxy of arena.proxies) {
        proxy.atCommit({ cut: "after", heldUpMillis })
        await untilMet(arena)
        // In turn, so that there is always another one to go on.
        await sleep(heldUpMillis / arena.proxies.length)
      }
    }
    await sleep(heldUpMillis)
  },
})

const cutConnections: Fault = {
  name: "all connections are cut, again and again",
  kills: 0,
  happen: (arena) => times(arena, 8, () => everyProxy(arena, (proxy) => proxy.cut())),
}

const terminateBackends: Fault = {
  name: "backends are terminated (57P01)",
  kills: 0,
  happen: (arena) =>
    times(arena, 8, async () => {
      await arena.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'
          AND pid <> pg_backend_pid()`,
      )
    }),
}

/** Longer than the writer's statement timeout. */
const lockAccounts: Fault = {
  name: "every account is locked for 6 s",
  kills: 0,
  happen: async ({ query }) => {
    await query("DO $$ BEGIN LOCK TABLE accounts IN EXCLUSIVE MODE; PERFORM pg_sleep(6); END $$")
  },
}

const slow: Fault = {
  name: "the database answers 200 ms late",
  kills: 0,
  happen: async (arena) => {
    everyProxy(arena, (proxy) => proxy.setDelay(200))
    await sleep(3_000)
    everyProxy(arena, (proxy) => proxy.setDelay(0))
  },
}

/** A process frozen between its locks and its write. */
const freeze: Fault = {
  name: "a server is frozen for 6 s",
  kills: 0,
  happen: async (arena) => {
    const { pid = 0 } = arena.random.pick(arena.servers()).child
    kill(pid, "SIGSTOP")
    await sleep(6_000)
    kill(pid, "SIGCONT")
  },
}

/** The long run's. */
export const all: ReadonlyArray<Fault> = [
  loseCommits(3),
  killServers(3),
  killPostmaster(3),
  killBackends(3),
  terminateServer,
  cutAtCommit("after", 5),
  cutAtCommit("before", 5),
  cutConnections,
  terminateBackends,
  stopped(10),
  lockAccounts,
  slow,
  freeze,
  failing("40001", 10),
  failing("40P01", 10),
  failing("57P01", 10),
  failing("57014", 10),
  loseCommits(3),
  failing("53100", 1_000_000),
]

/** The short run's. */
export const few: ReadonlyArray<Fault> = [
  loseCommits(1),
  killServers(2),
  killPostmaster(1),
  killBackends(1),
  cutAtCommit("after", 3),
  cutAtCommit("before", 3),
  terminateServer,
]
