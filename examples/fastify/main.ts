/** Holdfast inside a Fastify application. */
import { readFileSync } from "node:fs"
import { MemoryStore } from "@holdfast/domain"
import * as Access from "@holdfast/http/Access"
import * as NodeHandler from "@holdfast/http/NodeHandler"
import * as Routes from "@holdfast/http/Routes"
import { PgStore } from "@holdfast/persistence"
import { Layer, Redacted } from "effect"
import Fastify from "fastify"

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

const holdfast = await NodeHandler.make(Layer.merge(access, store))

const app = Fastify()
// Fastify reads a body after this hook: signatures are about the bytes.
app.addHook("onRequest", (request, reply, done) => {
  if (!Routes.isOurs(request.url)) return done()
  reply.hijack()
  holdfast.handler(request.raw, reply.raw)
})
app.addHook("preClose", () => holdfast.dispose())

app.get("/hello", () => ({ hello: "world" }))
app.post<{ Body: { name: string } }>("/hello", ({ body }) => ({ hello: body.name }))

await app.listen({ port: Number(PORT), host: "127.0.0.1" })

process.once("SIGTERM", () => void app.close())
