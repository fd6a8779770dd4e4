/**
 * What the machine does meanwhile: CPU time by tree of processes, and memory.
 * Read from Linux' /proc; elsewhere these figures are 0 and say nothing.
 */
import { readdirSync, readFileSync, statfsSync } from "node:fs"
import { arch, cpus, platform, release, totalmem } from "node:os"
import { Effect } from "effect"

interface Process {
  readonly parent: number
  /** CPU time in ticks of 10 ms, with that of children that have ended. */
  readonly ticks: number
  /** That of the main thread alone. */
  readonly mainTicks: number
}

/** CPU time so far of everything. */
export interface Snapshot {
  readonly atMillis: number
  readonly processes: ReadonlyMap<number, Process>
  readonly busyTicks: number
  readonly stolenTicks: number
}

const ticksPerSecond = 100

const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return "" // gone, or not Linux
  }
}

/** The fields of a stat file behind the command's name, which may contain anything. */
const statOf = (path: string) => read(path).split(") ").at(-1)?.split(" ").map(Number) ?? []

export const snapshot = (): Snapshot => {
  const processes = new Map<number, Process>()
  const names = read("/proc/stat") === "" ? [] : readdirSync("/proc").filter((name) => /^\d+$/.test(name))
  for (const name of names) {
    const fields = statOf(`/proc/${name}/stat`)
    const parent = fields[1]
    const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11)
    const [mainUser = 0, mainSystem = 0] = statOf(`/proc/${name}/task/${name}/stat`).slice(11)
    if (parent !== undefined) {
      const ticks = user + system + childrenUser + childrenSystem
      processes.set(Number(name), { parent, ticks, mainTicks: mainUser + mainSystem })
    }
  }
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] =
    read("/proc/stat").split("\n")[0]?.trim().split(/\s+/).slice(1).map(Number) ?? []
  return { atMillis: performance.now(), processes, busyTicks: user + nice + system, stolenTicks: steal }
}

const ticksOf = (
  { processes }: Snapshot,
  roots: ReadonlyArray<number>,
  which: "ticks" | "mainTicks" = "ticks",
): number => {
  const belongs = (pid: number): boolean => {
    const parent = processes.get(pid)?.parent
    return roots.includes(pid) || (parent !== undefined && belongs(parent))
  }
  return Array.from(processes).reduce((sum, [pid, process]) => (belongs(pid) ? sum + process[which] : sum), 0)
}

const coresOf = (before: Snapshot, after: Snapshot, ticks: number) => {
  const perCore = ((after.atMillis - before.atMillis) / 1000) * ticksPerSecond
  return Math.max(0, Math.round((ticks / perCore) * 1000) / 1000)
}

/** Who used how many cores between two snapshots; `foreign` belongs to none of the trees, `stolen` went to other virtual machines. */
export const coresBetween = <Name extends string>(
  before: Snapshot,
  after: Snapshot,
  trees: Readonly<Record<Name, ReadonlyArray<number>>>,
) => {
  const cores = (ticks: number) => coresOf(before, after, ticks)
  const used = (roots: ReadonlyArray<number>) => ticksOf(after, roots) - ticksOf(before, roots)
  const all = Object.values<ReadonlyArray<number>>(trees).flat()
  const busy = after.busyTicks - before.busyTicks
  const named = Object.entries<ReadonlyArray<number>>(trees).map(([name, roots]) => [name, cores(used(roots))])
  return {
    ...(Object.fromEntries(named) as Record<Name, number>),
    foreign: cores(busy - used(all)),
    stolen: cores(after.stolenTicks - before.stolenTicks),
  }
}

/** How many cores the main threads of a tree of processes used between two snapshots. */
export const mainCoresBetween = (before: Snapshot, after: Snapshot, roots: ReadonlyArray<number>) =>
  coresOf(before, after, ticksOf(after, roots, "mainTicks") - ticksOf(before, roots, "mainTicks"))

/** More than this share of a core used by others disturbs a measurement. */
export const idleCores = 0.15

/** Waits until other processes leave the machine alone for a second, or the patience is over. */
export const untilIdle = Effect.fnUntraced(function* (own: ReadonlyArray<number>, patienceMillis: number) {
  const start = performance.now()
  let before = snapshot()
  while (true) {
    yield* Effect.sleep("1 second")
    const after = snapshot()
    const { foreign } = coresBetween(before, after, { own })
    if (foreign <= idleCores || performance.now() - start > patienceMillis) return
    before = after
  }
})

/** Memory of a process in megabytes: the most so far, and now. */
export const memoryOf = (pid: number) => {
  const status = read(`/proc/${pid}/status`)
  const megabytes = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
  return { max: megabytes("VmHWM"), now: megabytes("VmRSS") }
}

const tmpfs = 0x01021994

/** What the results were measured on. */
export const describe = (directory: string) => ({
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryGigabytes: Math.round(totalmem() / 2 ** 30),
  system: `${platform()} ${release()} ${arch()}`,
  // On tmpfs fsync costs nothing, and no figure means anything.
  databaseOnDisk: statfsSync(directory).type !== tmpfs,
})
