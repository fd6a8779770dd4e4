/** What a team gets that installs `@holdfast/domain`: the tarball alone, on plain Node. */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Examples from "../support/Examples.ts"

const root = Path.resolve(import.meta.dirname, "../..")
const domain = Path.join(root, "packages/domain")
const bin = (name: string) => Path.join(root, "node_modules/.bin", name)

const consumer = `
import assert from "node:assert/strict"
import { BaseUnits, MemoryStore } from "@holdfast/domain"
import * as SameBaseUnits from "@holdfast/domain/BaseUnits"
import * as Promises from "@holdfast/domain/Promises"
import { Effect } from "effect"

const units: BaseUnits.BaseUnits = Effect.runSync(BaseUnits.fromString("340282366920938463463374607431768211456"))
assert.equal(units, 2n ** 128n)
assert.equal(BaseUnits.fromString, SameBaseUnits.fromString)

const holdfast = await Promises.make(MemoryStore.layer())
const answer = await holdfast.find("lock", "018f3f1e-0000-7000-8000-000000000001")
if (!answer.ok) assert.equal(answer.error._tag satisfies "TransferNotFound" | "InvalidInput" | "Unavailable", "TransferNotFound")
await holdfast.close()

// @ts-expect-error internals are nobody's business
await assert.rejects(import("@holdfast/domain/internal/parsing"), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" })
`

describe("@holdfast/domain, packed and installed", { timeout: 60_000 }, () => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "holdfast-packaging-"))
  const packed = Path.join(folder, "package")
  const project = Path.join(folder, "project")
  const modules = Path.join(project, "node_modules")
  const npm = (cwd: string, ...args: ReadonlyArray<string>) => execFileSync("npm", args, { cwd, stdio: "pipe" })

  beforeAll(() => {
    // Built beside the tree, so that a build or check of the tree may go on meanwhile.
    execFileSync(bin("tsc"), ["-p", domain, "--outDir", Path.join(packed, "dist"), "--tsBuildInfoFile", "null"])
    for (const file of ["package.json", "README.md", "LICENSE"]) {
      Fs.copyFileSync(Path.join(domain, file), Path.join(packed, file))
    }
    npm(packed, "pack", "--pack-destination", folder)
    const [tarball] = Fs.globSync("*.tgz", { cwd: folder })
    assert.isDefined(tarball)

    Fs.mkdirSync(project)
    Fs.writeFileSync(Path.join(project, "package.json"), JSON.stringify({ type: "module" }))
    npm(project, "install", "--offline", "--legacy-peer-deps", Path.join(folder, tarball))
    // Ours stand in for what a team would fetch: the test needs no network.
    Fs.mkdirSync(Path.join(modules, "@types"))
    for (const name of ["effect", "@types/node"]) {
      Fs.symlinkSync(Path.join(root, "node_modules", name), Path.join(modules, name))
    }
    const examples = Examples.extract("README.md", Fs.readFileSync(Path.join(domain, "README.md"), "utf8"))
    for (const [index, code] of [consumer, ...examples.map(({ code }) => code)].entries()) {
      Fs.writeFileSync(Path.join(project, `consumer${index}.ts`), code)
    }
  })

  afterAll(() => Fs.rmSync(folder, { recursive: true }))

  it("holds what was compiled, its README and its licence", () => {
    const files = Fs.globSync("**", { cwd: Path.join(modules, "@holdfast/domain"), withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => Path.relative(Path.join(modules, "@holdfast/domain"), Path.join(entry.parentPath, entry.name)))
    const compiled = Fs.globSync("**/*.ts", { cwd: Path.join(domain, "src") }).flatMap((file) =>
      [".js", ".js.map", ".d.ts"].map((extension) => `dist/${file.slice(0, -".ts".length)}${extension}`),
    )
    assert.sameMembers(files, ["LICENSE", "README.md", "package.json", ...compiled])
  })

  it("runs", () => {
    for (const file of Fs.globSync("consumer*.ts", { cwd: project })) {
      execFileSync(bin("node"), [file], { cwd: project, stdio: "pipe" })
    }
  })

  it("has its types, checked down to its libraries", () => {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      module: "nodenext",
      target: "es2024",
      types: ["node"],
      skipLibCheck: false,
      noEmit: true,
    }
    Fs.writeFileSync(Path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }))
    assert.strictEqual(Examples.typeErrors(project), "")
  })
})
