/** The console's files, read once: what was built beside this package, or nothing where it was not. */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import type { File, Pages } from "@holdfast/http/Pages"

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
}

/** Where it was built, if it was. */
export const folder = (): string | undefined => {
  try {
    const dist = Path.join(
      Path.dirname(createRequire(import.meta.url).resolve("@holdfast/console/package.json")),
      "dist",
    )
    return Fs.existsSync(Path.join(dist, "index.html")) ? dist : undefined
  } catch {
    return undefined
  }
}

const read = (path: string): Uint8Array | undefined => (Fs.existsSync(path) ? Fs.readFileSync(path) : undefined)

/** None where the console was not built. */
export const load = (): Pages | undefined => {
  const dist = folder()
  if (dist === undefined) return undefined
  const files = new Map<string, File>()
  for (const name of Fs.globSync("**/*.{html,js,css,svg,json,woff2}", { cwd: dist })) {
    const path = Path.join(dist, name)
    const identity = Fs.readFileSync(path)
    const [gzip, br] = [read(`${path}.gz`), read(`${path}.br`)]
    files.set(name === "index.html" ? "" : name.split(Path.sep).join("/"), {
      contentType: types[Path.extname(name)] ?? "application/octet-stream",
      encodings: { identity, ...(gzip && { gzip }), ...(br && { br }) },
      immutable: name.startsWith("assets"),
      etag: `"${createHash("sha256").update(identity).digest("base64url").slice(0, 22)}"`,
    })
  }
  return { place: "/console", files }
}
