/**
 * Run by npm before and after it packs a package (`prepack`, `postpack`). Before, it compiles the package anew, and puts
 * in place of its package.json the one that others get: without the condition by which the workspace finds sources, as
 * Node runs no TypeScript in `node_modules`, and without these scripts. Afterwards ours is put back. (One that was interrupted is not
 * mended by itself: which of the two is right, nobody else can tell.)
 */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"

const manifest = "package.json"
const ours = ".package.json"

if (process.env["npm_lifecycle_event"] !== "prepack") Fs.renameSync(ours, manifest)
else {
  if (Fs.existsSync(ours)) {
    throw new Error(
      `${process.cwd()}/${ours} is there: it is being packed, or npm was interrupted. If it is not, look which of it and ${manifest} is right, and remove ${ours}.`,
    )
  }
  for (const made of ["dist", ".tsbuildinfo"]) Fs.rmSync(made, { recursive: true, force: true })
  execFileSync("tsc", ["-b"], { stdio: "inherit" })
  // A page is more than what is compiled of its sources.
  if (Fs.existsSync("build.ts")) execFileSync("npm", ["run", "-s", "build"], { stdio: "inherit" })
  // Of two at once, one.
  Fs.copyFileSync(manifest, ours, Fs.constants.COPYFILE_EXCL)
  const theirs = JSON.parse(Fs.readFileSync(ours, "utf8"), (key, value) =>
    key === "@holdfast/source" || key === "scripts" ? undefined : value,
  )
  Fs.writeFileSync(manifest, `${JSON.stringify(theirs, null, 2)}\n`)
}
