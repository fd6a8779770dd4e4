/**
 * The peers: what a good team would write with Fastify, `pg` and jose. They keep
 * no request log, which Holdfast does. A request is a transaction of several
 * statements, or with the argument `functions` one call of a function. Environment:
 * `PORT`, `DATABASE_URL`, `BITGO_PUBLIC_KEY_FILE`.
 */
import { readFileSync } from "node:fs"
import Fastify, { type FastifyRequest } from "fastify"
import { importSPKI, jwtVerify } from "jose"
import { Pool } from "pg"
import * as Functions from "./Functions.ts"
import * as Ledger from "./Ledger.ts"
import * as Transactions from "./Transactions.ts"

declare module "fastify" {
  interface FastifyRequest {
    nonce: Ledger.Nonce
  }
}

const env = (name: string) => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set.`)
  return value
}

const ledger = process.argv[2] === "functions" ? Functions : Transactions
const pool = new Pool({ connectionString: env("DATABASE_URL"), max: 10 })
const key = await importSPKI(readFileSync(env("BITGO_PUBLIC_KEY_FILE"), "utf8"), "RS256")

const { rows } = await pool.query("SELECT to_regclass('transfers') IS NULL AS empty")
if (rows[0].empty) {
  for (const file of ["schema.sql", "functions.sql"]) {
    await pool.query(readFileSync(new URL(file, import.meta.url), "utf8"))
  }
}
setInterval(() => {
  pool.query("DELETE FROM nonces WHERE expires_at < now() - interval '5 minutes'").catch(() => {})
}, 60_000).unref()

const lifetimeSeconds = 60
const skewSeconds = 5
const maxQuantity = 2n ** 256n - 1n

const verify = async (request: FastifyRequest) => {
  const token = request.headers["x-bitgo-signature"]
  if (typeof token !== "string") throw new Ledger.Refused(401, "The signature is missing.")
  const { payload } = await jwtVerify(token, key, {
    algorithms: ["RS256"],
    requiredClaims: ["exp", "jti"],
    maxTokenAge: lifetimeSeconds,
    clockTolerance: skewSeconds,
  }).catch(() => {
    throw new Ledger.Refused(401, "The signature is not good.")
  })
  const { exp = 0, iat = 0, jti } = payload
  if (typeof jti !== "string" || exp - iat > lifetimeSeconds) throw new Ledger.Refused(401, "The claims are not good.")
  request.nonce = { value: jti, expiresAt: new Date((exp + skewSeconds) * 1000) }
}

const uuid = { type: "string", format: "uuid" } as const
const partnerId = { type: "string", minLength: 1, maxLength: 256 } as const

const reserveBody = {
  type: "object",
  required: ["deallocationId", "amount", "clientId", "connectionId", "partnersConnectionId"],
  anyOf: [{ required: ["partnerClientId"] }, { required: ["partnersClientId"] }],
  properties: {
    deallocationId: uuid,
    amount: {
      type: "object",
      required: ["currency", "quantity"],
      properties: {
        currency: { type: "string", pattern: "^[\\x21-\\x7e]{1,128}$" },
        quantity: { type: "string", pattern: "^[1-9][0-9]{0,77}$" },
      },
    },
    clientId: uuid,
    connectionId: uuid,
    partnersConnectionId: partnerId,
    partnerClientId: partnerId,
    partnersClientId: partnerId,
  },
} as const

const answer = {
  type: "object",
  properties: {
    deallocationId: { type: "string" },
    // A bigint is written with all its digits.
    amount: { type: "object", properties: { currency: { type: "string" }, quantity: { type: "integer" } } },
    clientId: { type: "string" },
    connectionId: { type: "string" },
    partnersConnectionId: { type: "string" },
    partnerClientId: { type: "string" },
    partnerDeallocationId: { type: "string" },
    rejectionReason: { type: "string" },
  },
} as const

const problem = {
  type: "object",
  properties: { title: { type: "string" }, status: { type: "integer" }, details: {} },
} as const

const response = { 200: answer, "4xx": problem, "5xx": problem }
const params = { type: "object", properties: { id: uuid } } as const

/** The answer with its quantity as the serializer writes it exactly. */
const wire = ({ amount, ...rest }: Ledger.Answer) => ({
  ...rest,
  amount: { currency: amount.currency, quantity: BigInt(amount.quantity) },
})

// No coercion: a quantity that is a number must be refused.
const app = Fastify({ ajv: { customOptions: { coerceTypes: false } } })
app.decorateRequest("nonce")
app.setErrorHandler((error: Error & { statusCode?: number; details?: unknown }, _request, reply) => {
  const status = error.statusCode ?? 503
  if (status === 503) reply.header("retry-after", 1)
  return reply
    .code(status)
    .send({ title: status === 503 ? "Unavailable." : error.message, status, details: error.details })
})
app.get("/health/ready", async () => ({ ready: (await pool.query("SELECT 1")).rowCount === 1 }))

type ReserveBody = Ledger.Terms & { readonly partnersClientId?: string }

app.post<{ Body: ReserveBody }>(
  "/bitgo/v1/deallocations",
  { onRequest: verify, schema: { body: reserveBody, response } },
  async ({ body, nonce }) => {
    const { partnersClientId, partnerClientId = partnersClientId ?? "" } = body
    if (BigInt(body.amount.quantity) > maxQuantity) throw new Ledger.Refused(400, "The quantity is too large.")
    const terms: Ledger.Terms = {
      deallocationId: body.deallocationId.toLowerCase(),
      amount: { currency: body.amount.currency, quantity: body.amount.quantity },
      clientId: body.clientId.toLowerCase(),
      connectionId: body.connectionId.toLowerCase(),
      partnersConnectionId: body.partnersConnectionId,
      partnerClientId,
    }
    return wire(await ledger.reserve(pool, terms, nonce))
  },
)

for (const [name, act] of Object.entries({ clear: ledger.clear, release: ledger.release })) {
  for (const path of ["deallocation", "deallocations"]) {
    app.put<{ Params: { id: string } }>(
      `/bitgo/v1/${path}/:id/${name}`,
      { onRequest: verify, schema: { params, response } },
      async (request) => wire(await act(pool, request.params.id.toLowerCase(), request.nonce)),
    )
  }
}

await app.listen({ port: Number(env("PORT")), host: "127.0.0.1" })

process.once("SIGTERM", () => {
  app.close().then(
    () => pool.end(),
    () => process.exit(1),
  )
})
