/**
 * Builds the page into `dist`, by Vite, and beside each file what a server may send of it compressed already. The
 * decimals of coins are in files of their own, made of the domain's list, of which the page loads what it needs.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"
import * as Coins from "@holdfast/domain/coins"
import { build } from "vite"
import * as CoinFiles from "./src/coinFiles.ts"

const root = import.meta.dirname
const dist = join(root, "dist")

/** As `src/coins.d.ts` says. */
const coins = "virtual:coins"
const files = Array.from({ length: CoinFiles.count }, (_, file) => `${coins}/${file}`)

const byFile = Map.groupBy(Coins.all, ([code]) => CoinFiles.fileOf(code))

const inFile = (file: number) => {
  const byDecimals = Map.groupBy(byFile.get(file) ?? [], ([, { decimals }]) => decimals)
  const lines = Array.from(byDecimals, ([decimals, all]) => [decimals, all.map(([code]) => code).join("\n")])
  return `export default ${JSON.stringify(Object.fromEntries(lines))}`
}

const modules = new Map([
  [coins, `export default [${files.map((name) => `() => import("${name}")`).join()}]`],
  ...files.map((name, file) => [name, inFile(file)] as const),
])

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
      resolveId: (id) => (modules.has(id) ? id : undefined),
      load: (id) => modules.get(id),
    },
  ],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // Nothing inline: the server's content security policy lets no data URL pass.
  build: {
    target: "esnext",
    cssTarget: "esnext",
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: { output: { chunkFileNames: "assets/coins-[name]-[hash].js" } },
  },
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
