/**
 * A folder in which the examples stand as a team would have them: our packages as they are packed, and beside them what
 * the team would fetch from a registry, which the tests have already.
 */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Packed from "./Packed.ts"
import { root } from "./ServerProcess.ts"

/** Where npm's scripts find Node, tsc and npm. */
export const path = `${Path.join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`

/** Makes it; it is the caller's to remove. */
export const make = (): string => {
  const folder = Path.join(Fs.mkdtempSync(Path.join(Os.tmpdir(), "holdfast-examples-")), "examples")
  const modules = Path.join(folder, "node_modules")
  for (const [name, tarball] of Object.entries(Packed.packed())) {
    const place = Path.join(modules, "@holdfast", name)
    Fs.mkdirSync(place, { recursive: true })
    execFileSync("tar", ["-xzf", tarball, "--strip-components=1"], { cwd: place, stdio: "pipe" })
  }
  // Everything else that there is, so that one finds its own dependencies too.
  for (const name of Fs.globSync(["*", "@*/*"], { cwd: Path.join(root, "node_modules") })) {
    if (/^(@[^/]*|@holdfast\/.*|\..*)$/.test(name)) continue
    const place = Path.join(modules, name)
    Fs.mkdirSync(Path.dirname(place), { recursive: true })
    Fs.symlinkSync(Path.join(root, "node_modules", name), place)
  }
  Fs.cpSync(Path.join(root, "examples"), folder, { recursive: true })
  return folder
}
