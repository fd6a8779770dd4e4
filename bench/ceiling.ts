/**
 * The ceiling of one process: bare node:http that parses the body, verifies the
 * signature with jose and answers the contract's object, and keeps nothing.
 */
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { importSPKI, jwtVerify } from "jose"

const key = await importSPKI(readFileSync(process.env["BITGO_PUBLIC_KEY_FILE"] ?? "", "utf8"), "RS256")

const bodyOf = async (request: IncomingMessage) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const answer = async (request: IncomingMessage, response: ServerResponse) => {
  if (request.url === "/health/ready") return response.end("{}")
  await jwtVerify(String(request.headers["x-bitgo-signature"]), key, {
    algorithms: ["RS256"],
    requiredClaims: ["exp", "jti"],
    maxTokenAge: 60,
    clockTolerance: 5,
  })
  const { amount, ...identifiers } = JSON.parse(await bodyOf(request))
  // The quantity's digits go out as they came, as a number.
  const rest = JSON.stringify({ ...identifiers, partnerDeallocationId: randomUUID() }).slice(1)
  const text = `{"amount":{"currency":${JSON.stringify(amount.currency)},"quantity":${amount.quantity}},${rest}`
  response.setHeader("content-type", "application/json")
  return response.end(text)
}

createServer((request, response) => {
  answer(request, response).catch(() => {
    response.statusCode = 401
    response.end()
  })
}).listen(Number(process.env["PORT"]), "127.0.0.1")
