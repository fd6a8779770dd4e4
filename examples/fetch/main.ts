/** Holdfast as a `fetch` handler, for functions and whatever else calls one. */
import { readFileSync } from "node:fs"
import { MemoryStore } from "@holdfast/domain"
import * as Access from "@holdfast/http/Access"
import * as App from "@holdfast/http/App"
import * as Routes from "@holdfast/http/Routes"
import { PgStore } from "@holdfast/persistence"
import { serve } from "@hono/node-server"
import { Layer, Redacted } from "effect"

const {
  PORT = "3000",
  DATABASE_URL,
  BITGO_PUBLIC_KEY_FILE = "",
  OPERATOR_TOKEN = "",
  SIGNATURE_BODY_CLAIM,
  CALLER_HEADER = "x-real-ip",
} = process.env

const access = Access.layer({
  publicKeys: [{ name: "network", pem: readFileSync(BITGO_PUBLIC_KEY_FILE, "utf8") }],
  operatorTokens: [Redacted.make(OPERATOR_TOKEN)],
  bodyClaim: SIGNATURE_BODY_CLAIM,
})
const store = DATABASE_URL ? PgStore.layer({ connection: { url: Redacted.make(DATABASE_URL) } }) : MemoryStore.layer()

const holdfast = await App.toWebHandler(Layer.merge(access, store))

const fetch = async (request: Request): Promise<Response> => {
  const { pathname, search } = new URL(request.url)
  if (Routes.isOurs(pathname + search)) {
    // A platform says in a header of its own who called; it must be one that callers cannot send.
    return holdfast.handler(request, { peer: request.headers.get(CALLER_HEADER) ?? undefined })
  }
  if (pathname !== "/hello") return new Response("Not found", { status: 404 })
  if (request.method !== "POST") return Response.json({ hello: "world" })
  const { name } = (await request.json()) as { name: string }
  return Response.json({ hello: name })
}

export default { fetch }

// Where no platform calls it: on Node.
if (import.meta.main) {
  const server = serve({ fetch, port: Number(PORT), hostname: "127.0.0.1" })
  process.once("SIGTERM", () => {
    server.close()
    void holdfast.dispose()
  })
}
