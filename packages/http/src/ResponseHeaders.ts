/** What every answer tells a browser: not to keep it, guess at it, frame it, or run anything in it. */
import { docsPath, type Route } from "./Routes.ts"

export const guarding: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
}

/** The page brings its script and styles with it, and asks this server alone. */
const guardingDocs: typeof guarding = {
  ...guarding,
  "content-security-policy":
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'",
}

export const guardingFor = (route: Route | undefined) => (route?.pattern === docsPath ? guardingDocs : guarding)
