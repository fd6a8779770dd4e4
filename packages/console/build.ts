/**
 * Builds the page into `dist`, by Vite, and beside each file what a server may send of it compressed already. The
 * decimals of coins are a file of their own, made of the domain's list, which the page loads once it has been shown.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"
import * as Coins from "@holdfast/domain/coins"
import { build } from "vite"

const root = import.meta.dirname
const dist = join(root, "dist")

/** Codes by their decimals, as `src/coins.d.ts` says. */
const coins = () => {
  const byDecimals = Map.groupBy(Coins.all, ([, { decimals }]) => decimals)
  const lines = Array.from(byDecimals, ([decimals, all]) => [decimals, all.map(([code]) => code).join("\n")])
  return `export default ${JSON.stringify(Object.fromEntries(lines))}`
}

// Whoever has it built may say "test": then the page would name the files of this machine, and weigh more.
process.env["NODE_ENV"] = "production"
rmSync(dist, { recursive: true, force: true })
await build({
  configFile: false,
  root,
  base: "/console/",
  logLevel: "warn",
  plugins: [
    {
      name: "coins",
      resolveId: (id) => (id === "virtual:coins" ? id : undefined),
      load: (id) => (id === "virtual:coins" ? coins() : undefined),
    },
  ],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // Nothing inline: the server's content security policy lets no data URL pass.
  build: { target: "esnext", cssTarget: "esnext", assetsInlineLimit: 0, modulePreload: false },
})

for (const file of globSync("**/*.{html,js,css,svg}", { cwd: dist })) {
  const path = join(dist, file)
  const content = readFileSync(path)
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    }),
  )
}
