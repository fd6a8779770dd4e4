/**
 * `npm run coins`: writes the coins of `@bitgo/statics` into the domain, where they need nothing but themselves.
 * Run it after the package was updated, and read the difference: a coin whose decimals changed is worth a thought.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { coins } from "@bitgo/statics"

export const file = join(import.meta.dirname, "../packages/domain/src/coins/data.ts")

const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve("@bitgo/statics/package.json"), "utf8"),
)

/** Codes may not contain what separates or marks them in the file, nor end the text that they stand in. */
const reserved = /[\s+`\\$]/

/** The module's whole text: the same for the same version of the package. */
export const text = (): string => {
  const decimalsOf = new Map(Array.from(coins, ([code, { decimalPlaces }]) => [code, decimalPlaces]))
  const byDecimals = new Map<number, Array<string>>()
  for (const [code, decimals] of decimalsOf) {
    if (reserved.test(code)) throw new Error(`The code ${JSON.stringify(code)} cannot be written.`)
    if (code.startsWith("ofc") && decimalsOf.get(code.slice(3)) === decimals) continue
    const mark = decimalsOf.get(`ofc${code}`) === decimals ? "+" : ""
    byDecimals.set(decimals, [...(byDecimals.get(decimals) ?? []), `${code}${mark}`])
  }
  const groups = [...byDecimals]
    .toSorted(([a], [b]) => a - b)
    .map(([decimals, codes]) => `  ${decimals}: \`\n${codes.toSorted().join("\n")}\n\`,\n`)
  return `// Made by \`npm run coins\` of @bitgo/statics ${version} (Apache-2.0): change it there.

/** Codes by their decimals, one a line. One with a \`+\` stands for two: the same with \`ofc\` in front is a coin as well. */
export const codes: Readonly<Record<number, string>> = {
${groups.join("")}}
`
}

if (import.meta.main) writeFileSync(file, text())
