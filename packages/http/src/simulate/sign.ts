/**
 * Prints a signature for one call within half a minute, made with the network's
 * development key: `npm run --silent sign`.
 */
import { createPrivateKey, randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { SignJWT } from "jose"

const { DATA_DIR, BITGO_PRIVATE_KEY_FILE } = process.env
const file = BITGO_PRIVATE_KEY_FILE || join(DATA_DIR || ".holdfast", "bitgo-dev-private.pem")
const token = new SignJWT({ jti: randomUUID() })
  .setProtectedHeader({ alg: "RS256" })
  .setIssuedAt()
  .setExpirationTime("30s")
process.stdout.write(`${await token.sign(createPrivateKey(readFileSync(file)))}\n`)
