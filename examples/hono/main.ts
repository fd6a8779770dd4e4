/** Holdfast inside a Hono application, on Node. */
import { readFileSync } from "node:fs"
import { MemoryStore } from "@holdfast/domain"
import * as Access from "@holdfast/http/Access"
import * as App from "@holdfast/http/App"
import * as Routes from "@holdfast/http/Routes"
import { PgStore } from "@holdfast/persistence"
import { type HttpBindings, serve } from "@hono/node-server"
import { Layer, Redacted } from "effect"
import { Hono } from "hono"

const {
  PORT = "3000",
  DATABASE_URL,
  BITGO_PUBLIC_KEY_FILE = "",
  OPERATOR_TOKEN = "",
  SIGNATURE_BODY_CLAIM,
  TRUSTED_PROXIES = "",
} = process.env

const access = Access.layer({
  publicKeys: [{ name: "network", pem: readFileSync(BITGO_PUBLIC_KEY_FILE, "utf8") }],
  operatorTokens: [Redacted.make(OPERATOR_TOKEN)],
  bodyClaim: SIGNATURE_BODY_CLAIM,
  trustedProxies: TRUSTED_PROXIES.split(",").filter((address) => address !== ""),
})
const store = DATABASE_URL ? PgStore.layer({ connection: { url: Redacted.make(DATABASE_URL) } }) : MemoryStore.layer()

const holdfast = await App.toWebHandler(Layer.merge(access, store))

const app = new Hono<{ Bindings: HttpBindings }>()
// Before whatever reads bodies: signatures are about the bytes.
app.use(async (c, next) => {
  const { url: target = "", socket } = c.env.incoming
  if (!Routes.isOurs(target)) return next()
  return holdfast.handler(c.req.raw, { target, peer: socket.remoteAddress })
})

app.get("/hello", (c) => c.json({ hello: "world" }))
app.post("/hello", async (c) => c.json({ hello: (await c.req.json()).name }))

const server = serve({ fetch: app.fetch, port: Number(PORT), hostname: "127.0.0.1" })

process.once("SIGTERM", () => {
  server.close()
  void holdfast.dispose()
})
