/** Copies of the repository that may be changed: what is ours is copied, what is not is linked. */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { Effect } from "effect"
import { root } from "./ServerProcess.ts"

/** All sources, relative to the root. */
export const sources = Fs.globSync("{packages,test,bench,scripts}/**/*.{ts,sql,json}", { cwd: root }).filter(
  (file) => !/(^|\/)(node_modules|dist|results)\//.test(file),
)

/** Copies files into a folder, which gets packages that are those of the copy. */
export const copyTo = (copy: string, files: ReadonlyArray<string>): void => {
  for (const file of files) {
    Fs.mkdirSync(Path.dirname(Path.join(copy, file)), { recursive: true })
    Fs.copyFileSync(Path.join(root, file), Path.join(copy, file))
  }
  const modules = Path.join(copy, "node_modules")
  Fs.mkdirSync(Path.join(modules, "@holdfast"), { recursive: true })
  for (const name of Fs.readdirSync(Path.join(root, "node_modules"))) {
    if (name !== ".cache" && name !== "@holdfast") {
      Fs.symlinkSync(Path.join(root, "node_modules", name), Path.join(modules, name))
    }
  }
  for (const manifest of Fs.globSync("packages/*/package.json", { cwd: copy })) {
    const folder = Path.dirname(Path.join(copy, manifest))
    Fs.symlinkSync(folder, Path.join(modules, "@holdfast", Path.basename(folder)))
  }
}

/** A directory with those files; it is gone with the scope. */
export const make = (files: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const copy = Fs.mkdtempSync(Path.join(tmpdir(), "holdfast-checkout-"))
      copyTo(copy, files)
      return copy
    }),
    (copy) => Effect.sync(() => Fs.rmSync(copy, { recursive: true, force: true })),
  )
