/** The table of mutants fits the sources: each finds its place, changes it, and names tests that are there. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { parseSync } from "vite"
import * as Mutant from "../mutants/Mutant.ts"
import * as Mutants from "../mutants/Mutants.ts"
import { root } from "../support/ServerProcess.ts"

describe("a mutant", () => {
  it("is one of many, and no two are called alike", () => {
    assert.strictEqual(new Set(Mutants.all.map(Mutant.nameOf)).size, Mutants.all.length)
  })

  for (const mutant of Mutants.all) {
    it(Mutant.nameOf(mutant), () => {
      const text = Fs.readFileSync(Path.join(root, mutant.file), "utf8")
      const mutated = Mutant.mutated(mutant, text)
      assert.notStrictEqual(mutated, text)
      assert.deepStrictEqual(parseSync(mutant.file, mutated).errors, [])
      for (const test of mutant.tests) assert.isTrue(Fs.existsSync(Path.join(root, test)), test)
    })
  }
})
