/** What every answer tells a browser: not to keep it, guess at it, frame it, or run anything in it. */
import { docsPath, openApiPath, type Route } from "../contract/Routes.ts"
import { script } from "../docs/Script.ts"
import { style } from "../docs/Style.ts"
import { sha256 } from "../node/Sha256.ts"

/**
 * The headers of an answer, unless it is a document: nobody keeps it.
 *
 * ```ts
 * import { guarding } from "@holdfast/http/ResponseHeaders"
 * import assert from "node:assert/strict"
 *
 * assert.equal(guarding["cache-control"], "no-store")
 * ```
 *
 * @category constants
 */
export const guarding: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
}

/** The description is no secret: a cache may keep it, and asks whether it is still the same. */
const guardingDocument: typeof guarding = { ...guarding, "cache-control": "public, no-cache" }

const only = (text: string) => `'sha256-${sha256(text).toString("base64")}'`

/** The page brings its one script and its one style with it, no other is run, and it asks this server alone. */
const guardingPage: typeof guarding = {
  ...guardingDocument,
  "content-security-policy": `default-src 'none'; script-src ${only(script)}; style-src ${only(style)}; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
}

const byPattern: Readonly<Record<string, typeof guarding>> = {
  [docsPath]: guardingPage,
  [openApiPath]: guardingDocument,
}

/**
 * The headers of what a route answers.
 *
 * ```ts
 * import * as ResponseHeaders from "@holdfast/http/ResponseHeaders"
 * import * as Routes from "@holdfast/http/Routes"
 * import assert from "node:assert/strict"
 *
 * const docs = Routes.all.find(({ pattern }) => pattern === Routes.docsPath)
 * // The page may be kept, and runs the script that it brings, and no other.
 * assert.match(ResponseHeaders.guardingFor(docs)["content-security-policy"] ?? "", /script-src 'sha256-/)
 * assert.equal(ResponseHeaders.guardingFor(undefined), ResponseHeaders.guarding)
 * ```
 *
 * @category getters
 */
export const guardingFor = (route: Route | undefined) => byPattern[route?.pattern ?? ""] ?? guarding
