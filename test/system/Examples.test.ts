/** Documentation that is not executed is wrong. */
import * as Fs from "node:fs"
import { afterAll, assert, beforeAll, describe, it, vi } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Examples from "../support/Examples.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const folders: Array<string> = []

function makeFolder() {
  const folder = Examples.makeFolder()
  folders.push(folder)
  return folder
}

afterAll(() => {
  for (const folder of folders) Fs.rmSync(folder, { recursive: true })
})

describe("the documentation's examples", () => {
  const examples = Examples.findAll()
  const scope = Scope.makeUnsafe()
  let folder = ""
  beforeAll(async () => {
    folder = makeFolder()
    for (const example of examples) Examples.write(folder, example)
    // Examples that need a database are told of one as a server is.
    const { url } = await Effect.runPromise(Scope.provide(TestDatabase.make, scope))
    vi.stubEnv("DATABASE_URL", url)
  })
  afterAll(() => {
    vi.unstubAllEnvs()
    return Effect.runPromise(Scope.close(scope, Exit.void))
  })

  it("are there", () => assert.isNotEmpty(examples))

  it("have the types they claim", { timeout: 180_000 }, () => assert.strictEqual(Examples.typeErrors(folder), ""))

  for (const example of examples.filter(({ runs }) => runs)) {
    it(`${example.file}:${example.line} is true`, async () => {
      assert.match(example.code, /"node:assert\/strict"|law\.check/, "An example checks itself.")
      await import(Examples.modulePath(folder, example))
    })
  }
})

describe("a false example", () => {
  const preamble = `import assert from "node:assert/strict"\nimport { BaseUnits } from "@holdfast/domain"\n`

  it("fails when it is run", async () => {
    const [example] = Examples.extract("README.md", `\`\`\`ts\n${preamble}assert.equal(BaseUnits.MAX, 1n)\n\`\`\``)
    assert.isDefined(example)
    const path = Examples.write(makeFolder(), example)
    const error = await import(path).catch((error: unknown) => error)
    assert.strictEqual(error.code, "ERR_ASSERTION")
  })

  it("fails to compile, under its own line", { timeout: 180_000 }, () => {
    const source = `/**\n * \`\`\`ts no-run\n * const text: string = 1\n * export { text }\n * \`\`\`\n */`
    const [example] = Examples.extract("packages/domain/src/Wrong.ts", source)
    assert.isDefined(example)
    const folder = makeFolder()
    Examples.write(folder, example)
    assert.include(Examples.typeErrors(folder), "packages/domain/src/Wrong.ts.2.ts(3,7): error TS2322")
  })

  it("is not overlooked for the way it is fenced", () => {
    assert.throws(() => Examples.extract("README.md", "```ts\nconst a = 1\n"), "README.md:1 is never closed")
    assert.throws(() => Examples.extract("README.md", "```ts norun\n```"), "Unknown kind of example")
  })
})
