/**
 * Run by npm before and after it packs a package (`prepack`, `postpack`). Before, it compiles the package anew, and puts
 * in place of its package.json the one that others get: without the condition by which the workspace finds sources, as
 * Node runs no TypeScript in `node_modules`, and without these scripts. Afterwards ours is put back.
 */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"

const manifest = "package.json"
const ours = ".package.json"

// At "prepack" it is there if npm was interrupted the last time.
if (Fs.existsSync(ours)) Fs.renameSync(ours, manifest)

if (process.env["npm_lifecycle_event"] === "prepack") {
  for (const made of ["dist", ".tsbuildinfo"]) Fs.rmSync(made, { recursive: true, force: true })
  execFileSync("tsc", ["-b"], { stdio: "inherit" })
  Fs.copyFileSync(manifest, ours)
  const theirs = JSON.parse(Fs.readFileSync(ours, "utf8"), (key, value) =>
    key === "@holdfast/source" || key === "scripts" ? undefined : value,
  )
  Fs.writeFileSync(manifest, `${JSON.stringify(theirs, null, 2)}\n`)
}
