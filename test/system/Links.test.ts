/** What documentation points to is there: files, headings, scripts, tests; and its picture of the house is the house. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { root } from "../support/ServerProcess.ts"

const read = (file: string) => Fs.readFileSync(Path.join(root, file), "utf8")
const find = (...patterns: ReadonlyArray<string>) => Fs.globSync(patterns, { cwd: root }).toSorted()
const isThere = (path: string) => Fs.existsSync(Path.join(root, path))

const documents = find("*.md", "{bench,docs}/**/*.md", "packages/*/*.md")
const tests = find("test/**/*.test.ts")
const { scripts } = JSON.parse(read("package.json"))

/** Without what is code, where brackets mean something else. */
const prose = (markdown: string) => markdown.replace(/^```.*?^```$/gms, "").replace(/`[^`\n]*`/g, "")

/** What headings are called in links, as GitHub does it: those that come again are numbered. */
const anchorsOf = (markdown: string) => {
  const anchors: Array<string> = []
  for (const [, heading = ""] of markdown.replace(/^```.*?^```$/gms, "").matchAll(/^#+ (.*)$/gm)) {
    const first = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-")
    let anchor = first
    for (let again = 1; anchors.includes(anchor); again++) anchor = `${first}-${again}`
    anchors.push(anchor)
  }
  return anchors
}

/** Links to what is not there, of a document that stands in a directory. */
const deadLinks = (file: string, markdown: string) =>
  Array.from(prose(markdown).matchAll(/\]\(([^)\s]+)\)/g), ([, link = ""]) => link).filter((link) => {
    if (/^https?:/.test(link)) return false
    const [path = "", anchor] = link.split("#")
    const target = path === "" ? file : Path.join(Path.dirname(file), path)
    if (target.startsWith("..") || !isThere(target)) return true
    return anchor !== undefined && !anchorsOf(read(target)).includes(anchor)
  })

/** What is written as code, each by itself. */
const inCode = (markdown: string) => Array.from(markdown.matchAll(/`([^`\n]+)`/g), ([, code = ""]) => code)

/** Files and folders of ours that are named and not there; tests by what `npm test` would find. */
const deadNames = (markdown: string) => [
  ...inCode(markdown).filter(
    (code) => /^(packages|test|bench|docs|\.ci|\.github)\/[\w./-]+$/.test(code) && !isThere(code),
  ),
  ...Array.from(markdown.matchAll(/npm run (?:-s |--silent )?([\w:-]+)/g), ([, name = ""]) => name).filter(
    (name) => scripts[name] === undefined,
  ),
  ...inCode(markdown)
    .flatMap((code) => /^npm test -- ([^-]+)/.exec(code)?.[1]?.trim().split(" ") ?? [])
    .filter((name) => !tests.some((test) => test.includes(name))),
]

describe("documentation", () => {
  it("is there", () => assert.includeMembers(documents, ["README.md", "CONTRIBUTING.md", "docs/README.md"]))

  for (const file of documents) {
    it(`${file} points to what is there`, () => {
      const markdown = read(file)
      assert.deepStrictEqual([...deadLinks(file, markdown), ...deadNames(markdown)], [])
    })
  }

  it("that points to what is not there is found", () => {
    const text =
      "[a](b.md) [c](README.md#nowhere) [d](README.md#start) [e](#f) `test/g.ts` `npm run h` `npm test -- Feed Nothing`"
    assert.deepStrictEqual(deadLinks("README.md", text), ["b.md", "README.md#nowhere", "#f"])
    assert.deepStrictEqual(deadNames(text), ["test/g.ts", "h", "Nothing"])
    assert.deepStrictEqual(anchorsOf("# Step\n## step\n## Step, by step"), ["step", "step-1", "step-by-step"])
  })
})

it("every line of SECURITY.md names tests that are there", () => {
  const named = inCode(read("SECURITY.md")).filter((code) => /^(domain|http|persistence|system)\/\w+$/.test(code))
  assert.isAbove(named.length, 40)
  assert.deepStrictEqual(
    named.filter((name) => !isThere(`test/${name}.test.ts`)),
    [],
  )
})

it("the index of the guides leaves none out", () => {
  const index = read("docs/README.md")
  const guides = find("docs/*.md").map((file) => Path.basename(file))
  assert.deepStrictEqual(
    guides.filter((guide) => guide !== "README.md" && !index.includes(`](${guide})`)),
    [],
  )
})

describe("a decision", () => {
  const index = read("docs/decisions/README.md")
  for (const file of find("docs/decisions/0*.md")) {
    it(`${Path.basename(file)} is short, whole and in the index`, () => {
      const record = read(file)
      assert.isAtMost(record.trimEnd().split("\n").length, 40)
      const headings = Array.from(
        record.matchAll(/^## (Context|Decision|Figures|Consequences|Tried instead)/gm),
        ([, _]) => _,
      )
      assert.deepStrictEqual(headings, ["Context", "Decision", "Figures", "Consequences", "Tried instead"])
      assert.include(index, `](${Path.basename(file)})`)
    })
  }
})

describe("the architecture", () => {
  const text = read("docs/architecture.md")

  it("names files by their paths, so that each can be found", () => {
    const files = inCode(text).filter((code) => code.endsWith(".ts"))
    assert.isAbove(files.length, 30)
    assert.deepStrictEqual(
      files.filter((file) => !isThere(file)),
      [],
    )
  })

  it("draws every dependency between packages, and no other", () => {
    const [, picture = ""] = /```mermaid\nflowchart BT\n(.*?)```/s.exec(text) ?? []
    const drawn = Array.from(picture.matchAll(/^ {4}(\w+) --> (\w+)$/gm), ([, from, to]) => `${from} → ${to}`)
    const declared = find("packages/*/package.json").flatMap((file) => {
      const { dependencies = {}, peerDependencies = {} } = JSON.parse(read(file))
      return Object.keys({ ...dependencies, ...peerDependencies })
        .filter((name) => name.startsWith("@holdfast/"))
        .map((name) => `${file.split("/")[1]} → ${name.replace("@holdfast/", "")}`)
    })
    assert.sameMembers(drawn, declared)
  })
})
