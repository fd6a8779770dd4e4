/** What the document says of all calls, as Markdown; `/docs` shows the same. Its programs run in the tests. */
export const introduction = `Holdfast is the partner's side of the Go Network: connections, allocations, deallocations.

## Amounts

An amount is a whole number of base units (satoshi, wei), up to 2^256 - 1, with all of its digits. The operator sends
and reads strings. The network sends strings too, and by the first edition of its guides it is answered with a JSON
number: read that by its digits, as a double has 15 of them.

## The network's calls: the signature

What is below \`/bitgo\` is the network's. Each call carries a signature of its own in \`X-BitGo-Signature\`: a JWT
(RFC 7519), signed with RS256 by the network's private key, whose public half the server is set up with. It says when it
was made (\`iat\`), until when it is good (\`exp\`, at most 60 s later), and in \`jti\` what no other says: a signature
works once. This makes one, with nothing but Node:

\`\`\`js
// sign.mjs
import { randomUUID, sign } from "node:crypto"
import { readFileSync } from "node:fs"

const key = readFileSync(process.env.KEY ?? ".holdfast/bitgo-dev-private.pem")
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url")

const now = Math.floor(Date.now() / 1000)
const text = part({ alg: "RS256" }) + "." + part({ jti: randomUUID(), iat: now, exp: now + 60 })
console.log(text + "." + sign("sha256", Buffer.from(text), key).toString("base64url"))
\`\`\`

\`\`\`sh
curl -s http://127.0.0.1:3000/bitgo/v1/deallocation/018f3f1e-0000-7000-8000-000000000004 \\
  -H "X-BitGo-Signature: $(node sign.mjs)"
\`\`\`

A server on its own database has made that key. One with a \`DATABASE_URL\` has none but those that you give it.

## The operator's calls

What is below \`/operator\` is the partner's own, and takes \`Authorization: Bearer …\` with an operator's token. A query
parameter that does not exist, or comes twice, is a 400: a misspelt filter would be none.

## Sent again

Whatever moves an amount has an id that its caller chose. Sent again, it is the same movement and has the same answer:
whoever had no answer sends the same again. With other terms it is a 409 that names each field that differs.

## Problems

What is no answer is a problem (RFC 9457, \`application/problem+json\`). Its \`type\` is stable, for programs. Below 500
it is the caller's, and nothing was recorded. A 503 passes: send the same again after \`Retry-After\` seconds. Beside
what a call declares, any may be answered with 404 (no such address), 405 (no such method there), 408 (it did not arrive
in time), 414 and 431 (a URL or headers that are too long).`
