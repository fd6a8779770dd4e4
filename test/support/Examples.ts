/**
 * The examples of the documentation: every block fenced as `ts` in a doc comment of the packages
 * or in a Markdown file. Each is a whole module that checks itself with `node:assert/strict`; a block
 * fenced as `ts no-run` is only type-checked. One fenced as `ts snippet` is a piece of a file, and no example: `Guides.test.ts`.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"

export interface Example {
  /** Relative to the root of the repository. */
  readonly file: string
  /** The line of the opening fence. */
  readonly line: number
  readonly code: string
  readonly runs: boolean
}

const root = Path.resolve(import.meta.dirname, "../..")

const sources = ["*.md", "{bench,docs}/**/*.md", "packages/*/*.md", "packages/*/src/**/*.ts"]

/** What is made of the doc comments has their examples. */
const copies = ["docs/reference/**"]

/** Every example of the repository. */
export const findAll = (): ReadonlyArray<Example> =>
  Fs.globSync(sources, { cwd: root, exclude: copies })
    .toSorted()
    .flatMap((file) => extract(file, Fs.readFileSync(Path.join(root, file), "utf8")))

/** The examples in a source file or a Markdown text. */
export const extract = (file: string, text: string): ReadonlyArray<Example> => {
  const margin = file.endsWith(".ts") ? /^\s*\* ?/ : /^/
  const examples: Array<Example> = []
  let open: { readonly info: string; readonly line: number; readonly code: Array<string> } | undefined
  for (const [index, line] of text.split("\n").entries()) {
    const content = line.replace(margin, "")
    const info = margin.test(line) ? /^\s*```(.*)$/.exec(content)?.[1]?.trim() : undefined
    if (info === undefined) open?.code.push(content)
    else if (open === undefined) open = { info, line: index + 1, code: [] }
    else {
      if (/^(ts|typescript)\b/.test(open.info) && open.info !== "ts snippet")
        examples.push(toExample(file, open.info, open.line, open.code))
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`The block at ${file}:${open.line} is never closed.`)
  return examples
}

const toExample = (file: string, info: string, line: number, code: ReadonlyArray<string>): Example => {
  if (info !== "ts" && info !== "ts no-run") throw new Error(`Unknown kind of example at ${file}:${line}: "${info}".`)
  return { file, line, code: code.join("\n"), runs: info === "ts" }
}

/** A folder for modules that are to resolve `@holdfast/*` as the repository does. Git ignores it. */
export const makeFolder = (): string => {
  const parent = Path.join(root, ".examples")
  Fs.mkdirSync(parent, { recursive: true })
  const folder = Fs.mkdtempSync(Path.join(parent, "run-"))
  const tsconfig = {
    extends: "../../test/tsconfig.json",
    compilerOptions: { composite: false, declarationMap: false },
    include: ["."],
  }
  Fs.writeFileSync(Path.join(folder, "tsconfig.json"), JSON.stringify(tsconfig))
  return folder
}

/** Writes an example as a module of its own, its lines numbered as in the documentation. */
export const write = (folder: string, example: Example): string => {
  const path = modulePath(folder, example)
  Fs.mkdirSync(Path.dirname(path), { recursive: true })
  Fs.writeFileSync(path, `${"\n".repeat(example.line)}${example.code}\nexport {}\n`)
  return path
}

/** Where {@link write} puts an example. */
export const modulePath = (folder: string, { file, line }: Example): string => Path.join(folder, `${file}.${line}.ts`)

/** What the compiler has to say about the project in a folder; nothing if all is well. */
export const typeErrors = (folder: string): string => {
  const tsc = Path.join(root, "node_modules/.bin/tsc")
  const { error, status, stdout, stderr } = spawnSync(tsc, ["--pretty", "false"], { cwd: folder, encoding: "utf8" })
  if (error !== undefined) throw error
  return status === 0 ? "" : `${stdout}${stderr}`
}
