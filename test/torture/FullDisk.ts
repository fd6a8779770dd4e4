/** A full disk, where root may mount a small file system of its own. */
import { execFileSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Effect } from "effect"
import type { Fault } from "./Faults.ts"

/** PostgreSQL keeps up to a gigabyte of WAL. */
const sizeMegabytes = 1_500

/** Gives nothing where no file system can be mounted. It is gone with the scope. */
export const mount = Effect.acquireRelease(
  Effect.sync(() => {
    const point = mkdtempSync(join(tmpdir(), "holdfast-disk-"))
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMegabytes}m,mode=755`, "tmpfs", point], {
        stdio: "ignore",
      })
    } catch {
      rmSync(point, { recursive: true })
      return undefined
    }
    return point
  }),
  (point) =>
    Effect.sync(() => {
      if (point === undefined) return
      execFileSync("umount", ["-l", point])
      rmSync(point, { recursive: true })
    }),
).pipe(Effect.map((point) => (point === undefined ? undefined : { fault: fill(point), directory: point })))

const fill = (point: string): Fault => ({
  name: "the disk is full for 3 s",
  kills: 0,
  happen: async ({ query, logOf }) => {
    const filler = join(point, "filler")
    const file = openSync(filler, "w")
    const block = Buffer.alloc(1024 * 1024)
    try {
      while (statfsSync(point).bavail > 0) writeSync(file, block)
    } catch {
      // Full.
    }
    closeSync(file)
    // It writes into files that it has, until it needs another.
    for (let n = 0; n < 8; n++) await query("SELECT pg_switch_wal()").catch(() => {})
    await sleep(3_000)
    rmSync(filler)
    if (!logOf().includes("No space left on device")) throw new Error("PostgreSQL never met the full disk.")
  },
})
