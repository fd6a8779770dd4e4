/** SHA-256, and the HMAC with it, at once: those of the web standard take a promise for each. */
import { createHash, createHmac } from "node:crypto"

export { timingSafeEqual } from "node:crypto"

export const hmacSha256 = (key: Uint8Array, text: string) => createHmac("sha256", key).update(text).digest()

export const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest()
