/**
 * The API reference: Markdown made of the doc comments of what the packages export, one page a module. `npm run docs`
 * writes it to `docs/reference`; a test holds that it is what the sources say.
 *
 * Signatures are those of the declarations that the compiler emits, so a type that the source infers is there in full.
 * Where that is too long to read, the definition stands in its place, as it is written.
 */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { parseSync } from "vite"

/** What a module exports under a name: a value, or a type that is no value's. */
export interface Member {
  readonly name: string
  readonly isValue: boolean
  readonly category: string | undefined
  /** The doc comment without its tags. */
  readonly doc: string
  readonly signatures: ReadonlyArray<string>
}

/** A module that a package has an entry for, or that an entry has a name for. */
export interface Module {
  readonly package: string
  readonly name: string
  /** Its page below {@link folder}, without the extension. */
  readonly page: string
  /** Relative to `packages`, without the extension. */
  readonly file: string
  /** How it is imported. */
  readonly specifier: string
  readonly doc: string
  readonly members: ReadonlyArray<Member>
  /** What names of other modules stand for in its links: modules, or members of modules. */
  readonly imports: ReadonlyMap<string, Import>
}

interface Import {
  readonly from: string
  /** The name that is imported; none for a whole module. */
  readonly member: string | undefined
}

const root = Path.resolve(import.meta.dirname, "..")
const packagesFolder = Path.join(root, "packages")
const bin = (name: string) => Path.join(root, "node_modules/.bin", name)

/** Where the pages are, relative to the root of the repository. */
export const folder = "docs/reference"

/** What teams import; the server is a program. */
const packageNames = ["domain", "persistence", "http", "conformance"]

/** A signature of more lines is not read. */
const maxLines = 40

/** The modules that the packages export. */
export const read = (): ReadonlyArray<Module> => {
  const declarations = Fs.mkdtempSync(Path.join(Os.tmpdir(), "holdfast-reference-"))
  try {
    const project = Path.join(root, "scripts/tsconfig.reference.json")
    // One thread, so that the members of unions come in one order.
    execFileSync(bin("tsc"), ["-p", project, "--outDir", declarations, "--singleThreaded"])
    const config = ["--config-path", Path.join(root, "biome.json"), "--vcs-enabled=false"]
    execFileSync(bin("biome"), ["format", "--write", ...config, declarations], { stdio: "pipe" })
    return packageNames.flatMap((name) => modulesOf(name, declarations))
  } finally {
    Fs.rmSync(declarations, { recursive: true })
  }
}

const modulesOf = (packageName: string, declarations: string): ReadonlyArray<Module> => {
  const manifest = JSON.parse(Fs.readFileSync(Path.join(packagesFolder, packageName, "package.json"), "utf8"))
  const entries: Record<string, { "@holdfast/source": string } | string> = manifest.exports
  const modules = new Map<string, Module>()
  const add = (file: string, made: Pick<Module, "name" | "page" | "specifier">) => {
    // A module with an entry of its own keeps that.
    if (!modules.has(file)) modules.set(file, readModule(packageName, file, made, declarations))
  }
  const byEntry = Object.entries(entries).flatMap(([path, entry]) =>
    typeof entry === "string"
      ? []
      : [{ path, file: withoutExtension(Path.join(packageName, entry["@holdfast/source"])) }],
  )
  // The index comes last, as it has names for what has entries too.
  for (const { path, file } of byEntry.toSorted((a, b) => b.path.length - a.path.length)) {
    const page = Path.join(packageName, path)
    const specifier = Path.join(manifest.name, path)
    const namespaces = namespacesOf(file)
    for (const { name, from } of namespaces) add(from, { name, page: Path.join(page, name), specifier })
    if (path !== ".") add(file, { name: Path.basename(path), page, specifier })
  }
  return [...modules.values()].toSorted((a, b) => (a.page < b.page ? -1 : 1))
}

const withoutExtension = (file: string) => file.replace(/(\.d)?\.ts$/, "")

/** What a module exports as `export * as X from "./X.ts"`. */
const namespacesOf = (file: string) =>
  parse(Path.join(packagesFolder, `${file}.ts`)).program.body.flatMap((statement) =>
    statement.type === "ExportAllDeclaration" && statement.exported?.type === "Identifier"
      ? [{ name: statement.exported.name, from: resolved(file, statement.source.value) }]
      : [],
  )

/** What a module exports as `export { a, b } from "./X.ts"`: from which file, which names. */
const passedOnBy = (file: string, { program }: Parsed) =>
  program.body.flatMap((statement) =>
    statement.type === "ExportNamedDeclaration" && statement.source !== null
      ? [
          {
            from: resolved(file, statement.source.value),
            names: statement.specifiers.map(({ exported }) => (exported.type === "Identifier" ? exported.name : "")),
          },
        ]
      : [],
  )

/** The file that an import names, or the package. */
const resolved = (file: string, specifier: string) =>
  specifier.startsWith(".") ? withoutExtension(Path.join(Path.dirname(file), specifier)) : specifier

const parse = (path: string) => {
  const text = Fs.readFileSync(path, "utf8")
  const { program, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)
  return { text, program, comments }
}

type Parsed = ReturnType<typeof parse>
type Statement = Parsed["program"]["body"][number]
type Declaration = NonNullable<Extract<Statement, { readonly type: "ExportNamedDeclaration" }>["declaration"]>

const readModule = (
  packageName: string,
  file: string,
  made: Pick<Module, "name" | "page" | "specifier">,
  declarations: string,
): Module => {
  const source = parse(Path.join(packagesFolder, `${file}.ts`))
  const passedOn = passedOnBy(file, source).map(({ from, names }) => {
    const { members, imports } = readModule(packageName, from, made, declarations)
    return { members: members.filter(({ name }) => names.includes(name)), imports }
  })
  const [first] = source.comments
  return {
    ...made,
    package: packageName,
    file,
    doc: first !== undefined && first.start === 0 ? cleaned(first.value) : "",
    members: [...membersOf(file, source, declarations), ...passedOn.flatMap(({ members }) => members)],
    imports: new Map([importsOf(file, source), ...passedOn.map(({ imports }) => imports)].flatMap((all) => [...all])),
  }
}

const membersOf = (file: string, source: Parsed, declarations: string): ReadonlyArray<Member> => {
  const declared = parse(Path.join(declarations, `${file}.d.ts`))
  // Of a value and a type under one name, the value is first.
  const written = new Map(
    exportsOf(source)
      .toReversed()
      .map((exported) => [exported.name, exported.declaration]),
  )
  const members = new Map<string, Member>()
  for (const { name, declaration, doc } of exportsOf(declared)) {
    const signature = signatureOf(declared, declaration, source, written.get(name))
    const known = members.get(name)
    // A type with a value's name is what the value is of, and stands with it.
    if (known !== undefined) members.set(name, { ...known, signatures: [...known.signatures, signature] })
    else if (!/^@internal\b/m.test(doc)) {
      members.set(name, {
        name,
        isValue: declaration.type !== "TSTypeAliasDeclaration" && declaration.type !== "TSInterfaceDeclaration",
        category: /^@category (.*)$/m.exec(doc)?.[1],
        doc: doc.replace(/^@\w+.*$/gm, "").trim(),
        signatures: [signature],
      })
    }
  }
  return [...members.values()]
}

/** What a module declares and exports, with the doc comment that stands right before it. */
const exportsOf = ({ text, program, comments }: Parsed) =>
  program.body.flatMap((statement) => {
    if (statement.type !== "ExportNamedDeclaration" || statement.declaration === null) return []
    const { declaration } = statement
    const name = nameOf(declaration)
    if (name === undefined) return []
    const doc = docBefore({ text, comments }, statement.start)
    return [{ name, declaration, doc: doc === undefined ? "" : cleaned(doc.value) }]
  })

/** The doc comment with nothing between it and a place. */
const docBefore = ({ text, comments }: Pick<Parsed, "text" | "comments">, start: number) => {
  const before = comments.findLast(({ end }) => end <= start)
  return before?.value.startsWith("*") && text.slice(before.end, start).trim() === "" ? before : undefined
}

const nameOf = (declaration: Declaration): string | undefined => {
  if (declaration.type === "VariableDeclaration") {
    const [variable] = declaration.declarations
    return variable?.id.type === "Identifier" ? variable.id.name : undefined
  }
  return "id" in declaration && declaration.id?.type === "Identifier" ? declaration.id.name : undefined
}

/** The text of a doc comment. */
const cleaned = (comment: string): string =>
  comment
    .replace(/^\*/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .trim()

const importsOf = (file: string, { program }: Parsed): ReadonlyMap<string, Import> => {
  const imports = new Map<string, Import>()
  for (const statement of program.body) {
    if (statement.type !== "ImportDeclaration") continue
    const from = resolved(file, statement.source.value)
    for (const specifier of statement.specifiers) {
      const imported = specifier.type === "ImportSpecifier" ? specifier.imported : undefined
      const member = imported?.type === "Identifier" ? imported.name : undefined
      imports.set(specifier.local.name, { from, member })
    }
  }
  return imports
}

const signatureOf = (
  declared: Parsed,
  declaration: Declaration,
  source: Parsed,
  written: Declaration | undefined,
): string => {
  const asDeclared = tidy(declared.text.slice(declaration.start, declaration.end))
  if (written?.type === "ClassDeclaration" && declaration.type === "ClassDeclaration") {
    // The compiler gives the base a name of its own; as it is written it says what the fields are.
    const header = written.superClass ? source.text.slice(written.start, written.body.start).trim() : undefined
    const members = declaration.body.body
      .filter((member) => !("key" in member && /^(message|#private)$/.test(textOf(declared, member.key))))
      .map(({ start, end }) => textOf(declared, { start: docBefore(declared, start)?.start ?? start, end }))
    const start = header ?? declared.text.slice(declaration.start, declaration.body.start).trim()
    return tidy(members.length === 0 ? start : `${start} {\n  ${members.join("\n  ")}\n}`)
  }
  const isLong = asDeclared.split("\n").length > maxLines
  return isLong && declaration.type === "VariableDeclaration" && written !== undefined && isTelling(source, written)
    ? textOf(source, written)
    : asDeclared
}

/** Whether the definition says what a value is: what is only picked from something else does not, and of a function it is the body. */
const isTelling = (source: Parsed, written: Declaration): boolean => {
  const init = written.type === "VariableDeclaration" ? written.declarations[0]?.init : undefined
  if (!init || init.type === "MemberExpression" || init.type === "ArrowFunctionExpression") return false
  return !textOf(source, init).includes("function*")
}

const textOf = ({ text }: Parsed, { start, end }: { readonly start: number; readonly end: number }) =>
  text.slice(start, end)

/** A module is known by its name where it is imported. */
const tidy = (signature: string): string =>
  signature.replace(/^declare /, "").replace(/import\("(?:[^"]*\/)?(\w+)(?:\.ts)?"\)/g, "$1")

/** The pages by their paths below {@link folder}. */
export const pages = (modules: ReadonlyArray<Module>): ReadonlyMap<string, string> =>
  new Map([["README.md", index(modules)], ...modules.map((module) => [pathOf(module), page(module, modules)] as const)])

const pathOf = ({ page }: Module) => `${page}.md`

const note = "<!-- Made of the sources' doc comments by `npm run docs`. Change them there. -->"

const index = (modules: ReadonlyArray<Module>): string => {
  const ofPackage = Object.entries(Object.groupBy(modules, (module) => module.package)).map(([name, modules = []]) =>
    [
      `## @holdfast/${name}`,
      [
        "| module | is |",
        "| --- | --- |",
        ...modules.map((module) => {
          const meaning = withLinks(firstSentence(module.doc), module, modules).replaceAll("|", "\\|")
          return `| [\`${Path.relative(name, module.page)}\`](${pathOf(module)}) | ${meaning} |`
        }),
      ].join("\n"),
    ].join("\n\n"),
  )
  const intro = "What the packages export. Every example runs in the tests."
  return `${[note, "# Reference", intro, ...ofPackage].join("\n\n")}\n`
}

const page = (module: Module, modules: ReadonlyArray<Module>): string => {
  const linked = (doc: string) => withLinks(doc, module, modules, pathOf(module))
  const imported = `Import it from \`${module.specifier}\`.`
  const body = sectionsOf(module).flatMap(([category, members = []]) => [
    `## ${category}`,
    ...members.flatMap(({ name, doc, signatures }) => {
      const example = doc.search(/^```ts/m)
      const prose = example < 0 ? doc : doc.slice(0, example).trim()
      return [
        `### ${name}`,
        linked(prose),
        block(signatures.join("\n\n")),
        example < 0 ? "" : linked(doc.slice(example)),
      ]
    }),
  ])
  const all = [note, `# ${module.name}`, linked(module.doc), imported, ...body]
  return `${all.filter((part) => part !== "").join("\n\n")}\n`
}

/** The members by their categories, in the order in which each comes first. */
const sectionsOf = ({ members }: Module) =>
  Object.entries(Object.groupBy(members, ({ category = "others" }) => category))

const block = (signature: string): string => {
  // A link cannot stand in code.
  const text = `\`\`\`ts\n${signature.replace(link, (_, name: string) => name)}\n\`\`\``
  const lines = signature.split("\n").length
  return lines > maxLines ? `<details><summary>Its type, ${lines} lines</summary>\n\n${text}\n\n</details>` : text
}

/** The first sentence of a doc comment. */
export const firstSentence = (doc: string): string => {
  const [paragraph = ""] = doc.split("\n\n")
  return (/^.*?[.?](?=\s|$)/s.exec(paragraph)?.[0] ?? paragraph).replaceAll("\n", " ")
}

const link = /\{@link ([^}\s]+)\}/g

const withLinks = (doc: string, module: Module, modules: ReadonlyArray<Module>, from = "README.md"): string =>
  doc.replace(link, (_, name: string) => {
    const found = resolve(name, module, modules)
    if (found === undefined) throw new Error(`${module.file}.ts links to ${name}, which is not exported.`)
    const { to, member } = found
    const path = to === module && from !== "README.md" ? "" : Path.relative(Path.dirname(from), pathOf(to))
    const label = [to === module ? [] : to.name, member ?? []].flat().join(".") || to.name
    return `[\`${label}\`](${path}${member === undefined ? "" : `#${slugOf(to, member)}`})`
  })

/** What a link names: a member of the module, a module that it imports or that its package has, or a member of one. */
const resolve = (name: string, module: Module, modules: ReadonlyArray<Module>) => {
  const [first = "", member] = name.split(".")
  const has = (to: Module | undefined, member: string | undefined) =>
    to !== undefined && (member === undefined || to.members.some(({ name }) => name === member))
      ? { to, member }
      : undefined
  if (member === undefined && has(module, first)) return { to: module, member: first }
  const imported = module.imports.get(first)
  const ofPackage = modules.find(({ package: name, name: other }) => name === module.package && other === first)
  if (imported === undefined) return has(ofPackage, member)
  const file = modules.find(({ file }) => file === imported.from)
  // A module by its name in a package's index, or a member by its name in a module.
  const named = modules.find(
    ({ package: name, name: other }) => imported.from === `@holdfast/${name}` && other === imported.member,
  )
  return named !== undefined ? has(named, member) : has(file, member ?? imported.member)
}

/** The anchor that GitHub gives to a member's heading: names that differ in case alone, or are a category's too, are numbered. */
const slugOf = (module: Module, member: string): string => {
  const seen = new Map<string, number>()
  const slug = (heading: string) => {
    const plain = heading.toLowerCase().replaceAll(" ", "-")
    const count = seen.get(plain) ?? 0
    seen.set(plain, count + 1)
    return count === 0 ? plain : `${plain}-${count}`
  }
  slug(module.name)
  for (const [category, members = []] of sectionsOf(module)) {
    slug(category)
    for (const { name } of members) {
      const anchor = slug(name)
      if (name === member) return anchor
    }
  }
  throw new Error(`${module.name} has no ${member}.`)
}

if (import.meta.main) {
  const target = Path.join(root, folder)
  Fs.rmSync(target, { recursive: true, force: true })
  for (const [path, text] of pages(read())) {
    const file = Path.join(target, path)
    Fs.mkdirSync(Path.dirname(file), { recursive: true })
    Fs.writeFileSync(file, text)
  }
}
