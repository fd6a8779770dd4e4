/** A Chromium without a screen, from npm: `@sparticuz/chromium` holds it compressed, with the libraries that it needs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import Chromium, { inflate } from "@sparticuz/chromium"
import { Effect } from "effect"
import { chromium } from "playwright-core"

const libraries = fileURLToPath(new URL("../bin/al2023.tar.br", import.meta.resolve("@sparticuz/chromium")))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holdfast-browser-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
)

/** It unpacks to where temporary files go, and takes for whole what it finds there: hence a folder for each. */
const unpack = async (folder: string) => {
  const { TMPDIR } = process.env
  process.env["TMPDIR"] = folder
  try {
    await inflate(libraries)
    const executablePath = await Chromium.executablePath()
    // Its fonts are looked for, and what is found noted down, where it unpacks to on other machines.
    const fonts = join(folder, "fonts", "fonts.conf")
    writeFileSync(fonts, readFileSync(fonts, "utf8").replaceAll("/tmp/fonts", join(folder, "fonts")))
    return executablePath
  } finally {
    if (TMPDIR === undefined) delete process.env["TMPDIR"]
    else process.env["TMPDIR"] = TMPDIR
  }
}

/** Starts a browser, which closes with the scope. */
export const start = Effect.gen(function* () {
  const home = yield* folder
  const executablePath = yield* Effect.promise(() => unpack(home))
  const env = {
    HOME: home,
    TMPDIR: home,
    FONTCONFIG_PATH: join(home, "fonts"),
    LD_LIBRARY_PATH: join(home, "al2023", "lib"),
  }
  // Not with `Chromium.args`, which make it less strict than people's browsers.
  return yield* Effect.acquireRelease(
    Effect.promise(() => chromium.launch({ executablePath, env })),
    (browser) => Effect.promise(() => browser.close()),
  )
})
