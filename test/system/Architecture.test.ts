/**
 * Import direction is `domain ← persistence`, `domain ← http`; server alone knows both, and
 * conformance, which plays against anybody's server, knows none of them. Read from the import
 * statements themselves, type imports included.
 */
import * as Fs from "node:fs"
import { isBuiltin } from "node:module"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { parseSync, Visitor } from "vite"

const packagesDirectory = Path.resolve(import.meta.dirname, "../../packages")
const packageNames = ["domain", "persistence", "http", "conformance", "server"] as const
type PackageName = (typeof packageNames)[number]

const isOurs = (module: string) => module.startsWith("@holdfast/")

/** No more than what serves under any host; what only Node has is kept in one folder. */
const httpMayImport = ["effect", "@holdfast/domain"]

/** What each package may import, beside its own files. */
const mayImport: Record<PackageName, (module: string, file: string) => boolean> = {
  domain: (module) => module === "effect",
  persistence: (module) => isBuiltin(module) || ["effect", "@effect/sql-pg", "@holdfast/domain"].includes(module),
  http: (module, file) => (isBuiltin(module) ? file.startsWith("node/") : httpMayImport.includes(module)),
  conformance: (module) => !isOurs(module),
  server: () => true,
}

describe("every import", () => {
  for (const name of packageNames) {
    it(`of ${name} is allowed, and declared in its package.json`, () => {
      const files = sourcesOf(name)
      const declared = declaredBy(name)
      assert.isNotEmpty(files)
      const violations = files.flatMap((file) =>
        violationsIn(name, file, Fs.readFileSync(Path.join(packagesDirectory, name, "src", file), "utf8"), declared),
      )
      assert.deepStrictEqual(violations, [])
    })
  }

  it("of console, which runs in browsers, is of its own files or built into it", () => {
    const source = Path.join(packagesDirectory, "console/src")
    const { dependencies, peerDependencies } = manifestOf("console")
    assert.deepStrictEqual([dependencies, peerDependencies], [undefined, undefined])
    const specifiers = Fs.globSync("**/*.{ts,tsx}", { cwd: source }).flatMap((file) =>
      importsOf(file, Fs.readFileSync(Path.join(source, file), "utf8")),
    )
    const others = new Set(specifiers.filter((specifier) => !specifier?.startsWith(".")))
    assert.sameMembers([...others], ["@preact/signals", "preact", "preact/hooks", "virtual:coins"])
  })

  it("of a workspace package reaches its sources", async () => {
    assert.strictEqual(await import("@holdfast/domain"), await import("../../packages/domain/src/index.ts"))
  })

  it("of http, conformance and server by others has a name of its own, and is there", () => {
    for (const name of ["http", "conformance", "server"] as const) {
      const { "./package.json": _, ...modules } = manifestOf(name).exports
      assert.isNotEmpty(modules)
      for (const [path, { "@holdfast/source": source, types, default: compiled }] of Object.entries(modules)) {
        assert.notInclude(path, "*")
        const file = source.replace(/^\.\/src\/(.*)\.ts$/, "$1")
        assert.isTrue(Fs.existsSync(Path.join(packagesDirectory, name, "src", `${file}.ts`)), source)
        assert.deepStrictEqual([types, compiled], [`./dist/${file}.d.ts`, `./dist/${file}.js`])
      }
    }
  })

  it("of domain needs nothing but its peer dependency effect", () => {
    const { dependencies, optionalDependencies, peerDependencies } = manifestOf("domain")
    assert.deepStrictEqual(
      { dependencies, optionalDependencies, peers: Object.keys(peerDependencies ?? {}) },
      { dependencies: undefined, optionalDependencies: undefined, peers: ["effect"] },
    )
  })

  it("of effect is of the one that a team has: a peer of every package", () => {
    for (const name of packageNames) {
      const { dependencies = {}, peerDependencies } = manifestOf(name)
      assert.deepStrictEqual([dependencies["effect"], peerDependencies], [undefined, { effect: "^4.1.0" }], name)
    }
  })
})

describe("a violation is found", () => {
  const declared = ["effect", "@effect/sql-pg", "@holdfast/domain", "@holdfast/persistence"]
  const cases: ReadonlyArray<readonly [PackageName, file: string, source: string, violates: boolean]> = [
    ["domain", "Account.ts", `import { Effect } from "effect"; import * as Uuid from "./Uuid.ts"`, false],
    ["domain", "Account.ts", `import * as Arbitrary from "effect/Arbitrary"`, false],
    ["domain", "Account.ts", `// import "node:fs"\nexport const text = 'import "node:fs"'`, false],
    ["domain", "Account.ts", `import "node:fs"`, true],
    ["domain", "Account.ts", `import type { Socket } from "net"`, true],
    ["domain", "Account.ts", `export * from "@effect/sql-pg"`, true],
    ["domain", "Account.ts", `export { a } from "@holdfast/persistence"`, true],
    ["domain", "Account.ts", `export const load = () => import("@holdfast/persistence")`, true],
    ["domain", "Account.ts", `export const load = (name: string) => import(name)`, true],
    ["domain", "Account.ts", `export type Fs = typeof import("node:fs")`, true],
    ["domain", "Account.ts", `import * as Batch from "../../persistence/src/Batch.ts"`, true],
    ["domain", "internal/parsing.ts", `import manifest from "../../package.json" with { type: "json" }`, false],
    ["domain", "Account.ts", `import manifest from "../../package.json" with { type: "json" }`, true],
    ["domain", "internal/parsing.ts", `import * as Uuid from "../Uuid.ts"`, false],
    [
      "persistence",
      "Batch.ts",
      `import { Ledger } from "@holdfast/domain"; import { setTimeout } from "node:timers"`,
      false,
    ],
    ["persistence", "Batch.ts", `import "@holdfast/http"`, true],
    ["http", "Problems.ts", `import { Ledger } from "@holdfast/domain"`, false],
    ["http", "contract/Api.ts", `import { NetworkApi } from "./NetworkApi.ts"`, false],
    ["http", "contract/Api.ts", `import { orProblem } from "../request/Failures.ts"`, true],
    ["http", "request/Failures.ts", `import { toProblem } from "../contract/Problems.ts"`, false],
    ["http", "node/Sha256.ts", `import { createHash } from "node:crypto"`, false],
    ["http", "access/Signature.ts", `import { createHash } from "node:crypto"`, true],
    ["http", "request/Host.ts", `import type { IncomingMessage } from "http"`, true],
    ["http", "request/Host.ts", `import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"`, true],
    ["http", "main.ts", `import * as Persistence from "@holdfast/persistence"`, true],
    ["http", "Problems.ts", `import * as Persistence from "@holdfast/persistence"`, true],
    ["http", "Problems.ts", `import type { Rows } from "@holdfast/persistence/Rows"`, true],
    ["http", "Problems.ts", `import fastify from "fastify"`, true],
    ["conformance", "Books.ts", `import { Deallocation } from "@holdfast/domain"`, true],
    ["server", "main.ts", `import * as Persistence from "@holdfast/persistence"`, false],
    ["server", "main.ts", `import "../../persistence/src/Write.ts"`, true],
  ]
  for (const [name, file, source, violates] of cases) {
    it(`${violates ? "in" : "but not in"} ${name}/${file}: ${source}`, () => {
      assert.strictEqual(violationsIn(name, file, source, declared).length > 0, violates)
    })
  }
})

function violationsIn(name: PackageName, file: string, source: string, declared: ReadonlyArray<string>) {
  return importsOf(file, source).flatMap((specifier) => {
    const where = `${name}/src/${file} imports ${specifier ?? "a computed name"}`
    if (specifier === undefined) return name === "server" ? [] : [where]
    if (specifier.startsWith(".")) {
      const path = Path.join(Path.dirname(file), specifier)
      // It is of the package, too: the version stands there alone.
      if (path === "../package.json") return []
      if (path.startsWith("..")) return [`${where}, which is outside the package`]
      const leavesContract = name === "http" && file.startsWith("contract/") && !path.startsWith("contract/")
      return leavesContract ? [`${where}, which is no description`] : []
    }
    const module = isBuiltin(specifier) ? specifier : packageOf(specifier)
    if (!mayImport[name](module, file)) return [`${where}, which ${name} must not know`]
    return isBuiltin(module) || declared.includes(module) ? [] : [`${where}, which its package.json does not declare`]
  })
}

/** What a module imports, in whatever form; `undefined` stands for a name that is computed. */
function importsOf(file: string, source: string): ReadonlyArray<string | undefined> {
  const { errors, program } = parseSync(file, source)
  assert.deepStrictEqual(errors, [])
  const found: Array<string | undefined> = []
  new Visitor({
    ImportDeclaration: (node) => found.push(node.source.value),
    ExportAllDeclaration: (node) => found.push(node.source.value),
    ExportNamedDeclaration: (node) => node.source !== null && found.push(node.source.value),
    TSImportType: (node) => found.push(node.source.value),
    ImportExpression: ({ source }) =>
      found.push(source.type === "Literal" && typeof source.value === "string" ? source.value : undefined),
  }).visit(program)
  return found
}

/** `@scope/name/path` → `@scope/name`, `name/path` → `name`. */
function packageOf(specifier: string) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")
}

function sourcesOf(name: PackageName) {
  return Fs.globSync("**/*.ts", { cwd: Path.join(packagesDirectory, name, "src") })
}

interface Manifest {
  readonly exports: Readonly<Record<string, Readonly<Record<"@holdfast/source" | "types" | "default", string>>>>
  readonly dependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

function manifestOf(name: PackageName | "console"): Manifest {
  return JSON.parse(Fs.readFileSync(Path.join(packagesDirectory, name, "package.json"), "utf8"))
}

function declaredBy(name: PackageName) {
  const { dependencies, optionalDependencies, peerDependencies } = manifestOf(name)
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
}
