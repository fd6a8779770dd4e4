/** The packages as others get them: packed by npm from a copy of the tree, and installed from the tarballs alone. */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { inject } from "vitest"
import * as Checkout from "./Checkout.ts"
import { root } from "./ServerProcess.ts"

export const names = ["domain", "persistence", "http", "conformance", "server"] as const
export type Name = (typeof names)[number]

/** What is packed beside them: files to be served, and nothing to import. */
const page = "console"

const manifestOf = (name: Name | typeof page) =>
  JSON.parse(Fs.readFileSync(Path.join(root, "packages", name, "package.json"), "utf8"))

/** What npm prints goes into the error if it fails. */
const npm = (cwd: string, ...args: ReadonlyArray<string>) => execFileSync("npm", args, { cwd, stdio: "pipe" })

/** The tarball of each package, made once for a test run. */
export const packed = (): Readonly<Record<Name | typeof page, string>> => {
  const folder = inject("packedFolder")
  const tarballs = Path.join(folder, "tarballs")
  if (!Fs.existsSync(tarballs)) pack(folder, tarballs)
  const tarballOf = (name: Name | typeof page) =>
    Path.join(tarballs, `holdfast-${name}-${manifestOf(name).version}.tgz`)
  return {
    domain: tarballOf("domain"),
    persistence: tarballOf("persistence"),
    http: tarballOf("http"),
    conformance: tarballOf("conformance"),
    console: tarballOf("console"),
    server: tarballOf("server"),
  }
}

/** Beside the tree, so that a build or a check of the tree may go on meanwhile. */
const pack = (folder: string, tarballs: string) => {
  const copy = Fs.mkdtempSync(Path.join(folder, "copy-"))
  try {
    const texts = "{package.json,tsconfig.json,README.md,AGENTS.md,LICENSE,build.ts,index.html}"
    const folders = [...names, page]
    const ours = folders.flatMap((name) => [`packages/${name}/${texts}`, `packages/${name}/src/**/*.*`])
    Checkout.copyTo(copy, [
      ...["package.json", "tsconfig.base.json", "packages/pack.ts"],
      ...Fs.globSync(ours, { cwd: root }),
    ])
    const made = Path.join(copy, "tarballs")
    Fs.mkdirSync(made)
    npm(copy, "pack", "--workspaces", "--pack-destination", made)
    try {
      Fs.renameSync(made, tarballs)
    } catch (error) {
      // Tests of another file, in a process of their own, may have been quicker.
      if (!Fs.existsSync(tarballs)) throw error
    }
  } finally {
    Fs.rmSync(copy, { recursive: true })
  }
}

/**
 * Makes a project with the packages installed from their tarballs. What they depend on is linked from ours: nothing is
 * fetched.
 */
export const install = (project: string, wanted: ReadonlyArray<Name> = names) => {
  const tarballs = packed()
  const theirs = wanted.map(manifestOf)
  const theirDependencies = theirs.flatMap(({ dependencies, peerDependencies, optionalDependencies }) =>
    Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies }),
  )
  const linked = [...theirDependencies, "@types/node", "fast-check"]
    .filter((name) => !name.startsWith("@holdfast/"))
    .map((name) => [name, Path.join(root, "node_modules", name)] as const)
    .filter(([, folder]) => Fs.existsSync(folder))
  const dependencies = Object.fromEntries([
    ...[...wanted, ...(wanted.includes("server") ? [page] : [])].map((name) => [
      `@holdfast/${name}`,
      `file:${tarballs[name as Name | typeof page]}`,
    ]),
    ...linked.map(([name, folder]) => [name, `file:${folder}`]),
  ])
  Fs.mkdirSync(project, { recursive: true })
  Fs.writeFileSync(Path.join(project, "package.json"), JSON.stringify({ type: "module", dependencies }))
  // No scripts: npm would run those of what is linked as if it were being developed.
  npm(project, "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund")
}
