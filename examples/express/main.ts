/** Holdfast inside an Express application. */
import { readFileSync } from "node:fs"
import { MemoryStore } from "@holdfast/domain"
import * as Access from "@holdfast/http/Access"
import * as NodeHandler from "@holdfast/http/NodeHandler"
import { PgStore } from "@holdfast/persistence"
import { Layer, Redacted } from "effect"
import express from "express"

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

const app = express()
// Before any parser of bodies: signatures are about the bytes.
app.use(holdfast.handler)
app.use(express.json())

app.get("/hello", (_, response) => {
  response.json({ hello: "world" })
})
app.post("/hello", (request, response) => {
  response.json({ hello: request.body.name })
})

const server = app.listen(Number(PORT), "127.0.0.1")

process.once("SIGTERM", () => {
  server.close()
  void holdfast.dispose()
})
