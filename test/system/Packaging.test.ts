/** What a team gets that installs the packages: the tarballs alone, on plain Node. */
import { execFileSync, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import * as Os from "node:os"
import * as Path from "node:path"
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import * as Examples from "../support/Examples.ts"
import * as Packed from "../support/Packed.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import { root } from "../support/ServerProcess.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const sourcesOf = (name: string) => Path.join(root, "packages", name)

interface Node {
  readonly path: string
  readonly version: string
}

/** Our Node, and those of other versions that are there, if the libraries say that they run on them. */
const nodes = [root, ...(process.env["PATH"] ?? "").split(Path.delimiter)]
  .map((folder) => (folder === root ? ServerProcess.node : Path.join(folder, "node")))
  .filter((path) => Fs.existsSync(path))
  .map((path): Node => ({ path, version: execFileSync(path, ["--version"], { encoding: "utf8" }).trim() }))
  .filter(({ version }, index, all) => index === all.findIndex((other) => other.version === version))
  .filter(({ version }) => isAtLeast(version, [20, 19]))

function isAtLeast(version: string, [major = 0, minor = 0]: ReadonlyArray<number>) {
  const [theirs = 0, theirMinor = 0] = version.slice(1).split(".").map(Number)
  return theirs > major || (theirs === major && theirMinor >= minor)
}

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

const required = `
const assert = require("node:assert/strict")
const { BaseUnits } = require("@holdfast/domain")
const { Effect } = require("effect")
assert.equal(Effect.runSync(BaseUnits.fromString("7")), 7n)
assert.equal(require("@holdfast/domain/BaseUnits").fromString, BaseUnits.fromString)
`

interface Manifest {
  readonly name: string
  readonly engines: { readonly node: string }
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

describe("packed and installed", { timeout: 120_000 }, () => {
  const project = Fs.mkdtempSync(Path.join(Os.tmpdir(), "holdfast-packaging-"))
  const installed = (name: string) => Path.join(project, "node_modules/@holdfast", name)
  const manifestOf = (name: string): Manifest =>
    JSON.parse(Fs.readFileSync(Path.join(installed(name), "package.json"), "utf8"))
  const filesOf = (name: string) =>
    Fs.globSync("**", { cwd: installed(name), withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => Path.relative(installed(name), Path.join(entry.parentPath, entry.name)))
  const scope = Scope.makeUnsafe()
  let tarballs: ReturnType<typeof Packed.packed>

  beforeAll(async () => {
    tarballs = Packed.packed()
    Packed.install(project)
    const examples = Examples.findAll().filter(({ file, runs }) => runs && file.startsWith("packages/"))
    const consumers = [{ file: "packages/domain/", code: consumer }, ...examples]
    for (const [index, { file, code }] of consumers.entries()) {
      const consumer = `consumer-${file.split("/")[1]}-${index}`
      Fs.writeFileSync(Path.join(project, `${consumer}.ts`), `${code}\nexport {}\n`)
      Fs.writeFileSync(Path.join(project, `${consumer}.js`), stripTypeScriptTypes(code))
    }
    Fs.writeFileSync(Path.join(project, "required.cjs"), required)
    const modules = Packed.names.flatMap((name) =>
      Object.keys(manifestOf(name).exports).map((path) => `@holdfast/${name}${path.slice(1)}`),
    )
    const imports = modules
      .filter((module) => !module.endsWith(".json"))
      .map((module, index) => `import * as m${index} from "${module}"\nexport { m${index} }\n`)
    Fs.writeFileSync(Path.join(project, "everything.ts"), imports.join(""))
  }, 120_000)

  afterAll(() => {
    Fs.rmSync(project, { recursive: true })
    return Effect.runPromise(Scope.close(scope, Exit.void))
  })

  for (const name of Packed.names) {
    describe(`@holdfast/${name}`, () => {
      it("holds its sources, what was compiled of them, its README and its licence", () => {
        const sources = Fs.globSync("**/*.ts", { cwd: Path.join(sourcesOf(name), "src") })
        assert.isNotEmpty(sources)
        const expected = sources.flatMap((file) => [
          `src/${file}`,
          ...[".js", ".js.map", ".d.ts", ".d.ts.map"].map((made) => `dist/${file.slice(0, -".ts".length)}${made}`),
        ])
        const notes = Fs.existsSync(Path.join(sourcesOf(name), "AGENTS.md")) ? ["AGENTS.md"] : []
        assert.sameMembers(filesOf(name), ["LICENSE", "README.md", "package.json", ...notes, ...expected])
      })

      it("has maps that lead to its sources", () => {
        for (const file of filesOf(name).filter((file) => file.endsWith(".map"))) {
          const { sources } = JSON.parse(Fs.readFileSync(Path.join(installed(name), file), "utf8"))
          const led = sources.map((source: string) => Path.join(Path.dirname(file), source))
          assert.deepStrictEqual(led, [file.replace(/^dist\/(.*?)(\.d\.ts|\.js)\.map$/, "src/$1.ts")])
          assert.include(filesOf(name), led[0])
        }
      })

      it("exports what is there, under conditions that everybody knows, and runs no scripts", () => {
        const { "./package.json": itself, ...modules } = manifestOf(name).exports
        assert.strictEqual(itself, "./package.json")
        for (const [path, conditions] of Object.entries(modules)) {
          assert.deepStrictEqual(Object.keys(conditions), ["types", "default"], path)
          for (const target of Object.values(conditions)) assert.include(filesOf(name), Path.normalize(target), path)
        }
        assert.notProperty(manifestOf(name), "scripts")
      })

      it("is clean to publint", async () => {
        const pkgDir = installed(name)
        const { messages } = await publint({ pkgDir, pack: false, strict: true })
        assert.deepStrictEqual(
          messages.map((message) => formatMessage(message, manifestOf(name))),
          [],
        )
      })

      it("has the right types, to those who import it and to bundlers", async () => {
        const checked = await checkPackage(createPackageFromTarballData(Fs.readFileSync(tarballs[name])))
        // It judges as of before Node could require such modules (which is tried below), and before there was `exports`.
        const bygone = ["node10", "node16-cjs"]
        const problems = checked.types === false ? ["no types"] : checked.problems
        assert.deepStrictEqual(
          problems.filter(
            (_) => !(typeof _ === "object" && "resolutionKind" in _ && bygone.includes(_.resolutionKind)),
          ),
          [],
        )
      })
    })
  }

  for (const { path, version } of nodes) {
    it(`runs, and can be required, on Node ${version}`, async () => {
      const consumers = Packed.names
        .filter((name) => isAtLeast(version, manifestOf(name).engines.node.slice(2).split(".").map(Number)))
        .flatMap((name) => Fs.globSync(`consumer-${name}-*.js`, { cwd: project }))
      assert.isAbove(consumers.length, 20)
      Fs.writeFileSync(Path.join(project, "all.js"), consumers.map((file) => `await import("./${file}")\n`).join(""))
      const { url } = await Effect.runPromise(Scope.provide(TestDatabase.make, scope))
      const env = { ...process.env, DATABASE_URL: url }
      for (const file of ["all.js", "required.cjs"]) execFileSync(path, [file], { cwd: project, stdio: "pipe", env })
    })
  }

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

  it("leaves our package.json as it was, though npm was interrupted", () => {
    const folder = Fs.mkdtempSync(Path.join(project, "interrupted-"))
    Fs.writeFileSync(Path.join(folder, "package.json"), "theirs")
    Fs.writeFileSync(Path.join(folder, ".package.json"), "ours")
    const env = { npm_lifecycle_event: "postpack" }
    execFileSync(ServerProcess.node, [Path.join(root, "packages/pack.ts")], { cwd: folder, env })
    assert.deepStrictEqual(Fs.readdirSync(folder), ["package.json"])
    assert.strictEqual(Fs.readFileSync(Path.join(folder, "package.json"), "utf8"), "ours")
  })

  describe("the command `holdfast`", () => {
    const command = Path.join(project, "node_modules/.bin/holdfast")
    const holdfast = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
      spawnSync(ServerProcess.node, [command, ...args], { cwd: project, env, encoding: "utf8" })

    it("is found by npx, and says what it does", () => {
      const told = execFileSync("npx", ["--offline", "holdfast", "--help"], { cwd: project, encoding: "utf8" })
      for (const verb of ["serve", "migrate", "audit", "simulate", "sign"])
        assert.match(told, RegExp(`^  ${verb} `, "m"))
    })

    it("refuses what it does not know", () => {
      for (const args of [["frobnicate"], []]) {
        const { status, stdout, stderr } = holdfast(args)
        assert.deepStrictEqual([status, stdout], [2, ""])
        assert.match(stderr, /holdfast --help|^USAGE\n {2}holdfast <subcommand>/m)
      }
    })

    it.live("serves, with several processes, what its other verbs ask for", () =>
      Effect.gen(function* () {
        const directory = yield* ServerProcess.temporaryDirectory
        const surroundings = { entry: [command, "serve"] }
        const server = yield* ServerProcess.start({ DATA_DIR: directory, WORKERS: "2" }, surroundings)
        const env = { PATH: process.env["PATH"] ?? "", PORT: String(server.port), DATA_DIR: directory }
        assert.match(holdfast(["sign"], env).stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
        const simulated = holdfast(["simulate", "--yes-write-to", server.url], env)
        assert.strictEqual(simulated.status, 0, simulated.stdout + simulated.stderr)
        const audited = holdfast(["audit"], env)
        assert.strictEqual(audited.status, 0, audited.stderr)
        assert.include(audited.stdout, "no difference")
        assert.include(holdfast(["migrate"], env).stderr, "Cannot migrate: ")
        assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)
      }),
    )
  })
})
