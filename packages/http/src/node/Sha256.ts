/** SHA-256, at once: that of the web standard takes a promise for each. */
import { createHash } from "node:crypto"

export { timingSafeEqual } from "node:crypto"

export const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest()
