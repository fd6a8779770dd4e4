/**
 * Pages that are served beside the application: files in memory, each perhaps
 * compressed as well. What is below the first segment and is no file is the
 * first page, which finds its own way from the address.
 */
import { HttpServerResponse } from "effect/http"
import { type Coding, codingFor, isKnown } from "./Negotiation.ts"

/**
 * A file as it is served.
 *
 * @category models
 */
export interface File {
  readonly contentType: string
  /** By the name of the encoding; `identity` is the file itself. */
  readonly encodings: Readonly<Partial<Record<Coding, Uint8Array>>>
  /** Whether its name changes with its content: such may be kept for ever. */
  readonly immutable: boolean
  /** Of its content, for whoever asks whether it is still the same. */
  readonly etag: string
}

/**
 * Files by their paths below the place, the first page as the empty path.
 *
 * @category models
 */
export interface Pages {
  /** Such as `/console`. */
  readonly place: string
  readonly files: ReadonlyMap<string, File>
}

const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/**
 * What answers a target, if it is one of theirs.
 *
 * ```ts
 * import * as Pages from "@holdfast/http/Pages"
 * import assert from "node:assert/strict"
 *
 * const identity = new TextEncoder().encode("<!doctype html>")
 * const index = { contentType: "text/html", encodings: { identity }, immutable: false, etag: '"1"' }
 * const pages = { place: "/console", files: new Map([["", index]]) }
 * assert.equal(Pages.find(pages, "/console/locks?state=RESERVED", {})?.status, 200)
 * assert.equal(Pages.find(pages, "/console", { "if-none-match": '"1"' })?.status, 304)
 * assert.equal(Pages.find(pages, "/console/app.js", {}), undefined)
 * assert.equal(Pages.find(pages, "/console/", {})?.headers["location"], "/console")
 * ```
 *
 * @category getters
 */
export const find = (
  { place, files }: Pages,
  target: string,
  headers: Readonly<Record<string, string | undefined>>,
): HttpServerResponse.HttpServerResponse | undefined => {
  const [path = ""] = target.split("?", 1)
  if (path !== place && !path.startsWith(`${place}/`)) return undefined
  // People and bookmarks add a slash.
  if (path.endsWith("/")) {
    const location = path.replace(/\/+$/, "") + target.slice(path.length)
    return HttpServerResponse.empty({ status: 308, headers: { location } })
  }
  const name = path.slice(place.length + 1)
  // A file that is not there is no page: whoever asks for a script must not get one.
  const file = files.get(name) ?? (/\.[a-z0-9]+$/i.test(name) ? undefined : files.get(""))
  if (file === undefined) return undefined
  const fixed = {
    "content-security-policy": policy,
    "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    vary: "accept-encoding",
    etag: file.etag,
  }
  if (isKnown(headers["if-none-match"], file.etag)) return HttpServerResponse.empty({ status: 304, headers: fixed })
  const coding = codingFor(headers["accept-encoding"], (coding) => file.encodings[coding] !== undefined)
  return HttpServerResponse.uint8Array(file.encodings[coding] ?? new Uint8Array(), {
    contentType: file.contentType,
    headers: coding === "identity" ? fixed : { ...fixed, "content-encoding": coding },
  })
}
