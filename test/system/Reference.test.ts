/** Whatever the packages export is explained where it is written, and the reference is made of that. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import * as Reference from "../../scripts/reference.ts"

const folder = Path.resolve(import.meta.dirname, "../..", Reference.folder)

let modules: ReadonlyArray<Reference.Module>
let pages: ReadonlyMap<string, string>

beforeAll(() => {
  modules = Reference.read()
  pages = Reference.pages(modules)
})

/** The names of what is exported and fits. */
const membersThat = (fits: (member: Reference.Member, module: Reference.Module) => boolean) =>
  modules.flatMap((module) =>
    module.members
      .filter((member) => fits(member, module))
      .map(({ name }) => `${module.package}/${module.name}.${name}`),
  )

/** What tests are made of: its laws say what they hold, and their types what they are about. */
const isForTests = ({ page }: Reference.Module) => page.startsWith("domain/testing")

/** Problems are all alike, and `toProblem` shows what becomes of one. */
const isAlike = ({ page }: Reference.Module) => page === "http/Problems"

describe("what is exported", () => {
  it("is found", () => {
    const found = membersThat(() => true)
    for (const name of ["domain/BaseUnits.add", "domain/Holdfast.Holdfast", "persistence/PgStore.layer"]) {
      assert.include(found, name)
    }
    assert.notInclude(found, "domain/Account.refusalOf", "It is internal.")
  })

  it("has a meaning, in a sentence", () =>
    assert.deepStrictEqual(
      membersThat(({ doc }, module) => !isForTests(module) && !/^[A-Z`{].*[.?]$/.test(Reference.firstSentence(doc))),
      [],
    ))

  it("has a category, where it is a value", () =>
    assert.deepStrictEqual(
      membersThat(({ isValue, category }, module) => !isForTests(module) && isValue && category === undefined),
      [],
    ))

  it("has an example, where it is a value", () =>
    assert.deepStrictEqual(
      membersThat(
        ({ isValue, doc }, module) => isValue && !isForTests(module) && !isAlike(module) && !/^```ts/m.test(doc),
      ),
      [],
    ))
})

describe("the reference", () => {
  it("is what the sources say: after a change, `npm run docs`", () => {
    const files = Fs.globSync("**/*.md", { cwd: folder }).toSorted()
    assert.deepStrictEqual(files, [...pages.keys()].toSorted())
    for (const [path, text] of pages) {
      assert.strictEqual(Fs.readFileSync(Path.join(folder, path), "utf8"), text, `${path} is stale: npm run docs.`)
    }
  })

  it("refuses a link to what is not exported", () => {
    const [module] = modules
    assert.isDefined(module)
    const wrong = { ...module, doc: "See {@link Nowhere}." }
    assert.throws(() => Reference.pages([wrong]), "links to Nowhere, which is not exported")
  })
})
