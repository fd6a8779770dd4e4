/** What the domain adds to a page, beside `effect`: minified, compressed, and no more than is used. */
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Bundle from "../support/Bundle.ts"

const bundled = (code: string) => Bundle.bundle(code, /^effect(\/|$)/)

const limits: ReadonlyArray<readonly [what: string, code: string, maxBytes: number]> = [
  ["all of it", `export * from "@holdfast/domain"`, 13_250],
  [
    "a store's worth: accounts, commands and their decisions, without the store in memory and the audit",
    ["Account", "Connection", "Holdfast", "Ledger", "Store"]
      .map((name) => `export * as ${name} from "@holdfast/domain/${name}"\n`)
      .join(""),
    9_000,
  ],
  ["a deallocation's decisions", `export { Deallocation } from "@holdfast/domain"`, 4_500],
  ["base units", `export { BaseUnits } from "@holdfast/domain"`, 1_500],
]

describe("@holdfast/domain in a bundle", { timeout: 180_000 }, () => {
  for (const [what, code, maxBytes] of limits) {
    it(`weighs at most ${maxBytes} bytes: ${what}`, async () => {
      const bytes = gzipSync(await bundled(code)).length
      assert.isAtMost(bytes, maxBytes)
      // A bundle of nothing is no proof, and a limit far off is none either.
      assert.isAtLeast(bytes, maxBytes * 0.8)
    })
  }

  it("weighs nothing where it is imported and not used", async () => {
    assert.strictEqual(await bundled(`import { BaseUnits, MemoryStore } from "@holdfast/domain"`), "")
    assert.strictEqual(await bundled(`import "@holdfast/domain/Ledger"`), "")
  })
})
