/** RSASSA-PKCS1-v1_5 with SHA-256, "RS256" in RFC 7518. (The web standard's has two promises and four copies for each check.) */
import { createPublicKey, type KeyObject, verify } from "node:crypto"

export type PublicKey = KeyObject

/** A key in PEM ("BEGIN PUBLIC KEY"), with its size in bits; none where it is no RSA key. */
export const readKey = (pem: string): { readonly key: PublicKey; readonly bits: number } | undefined => {
  if (!pem.trimStart().startsWith("-----BEGIN PUBLIC KEY-----")) return undefined
  try {
    const key = createPublicKey(pem)
    const bits = key.asymmetricKeyDetails?.modulusLength
    return key.asymmetricKeyType === "rsa" && bits !== undefined ? { key, bits } : undefined
  } catch {
    return undefined
  }
}

interface Check {
  readonly key: PublicKey
  readonly signed: Uint8Array
  readonly signature: Uint8Array
  readonly onDone: (isGood: boolean) => void
}

/** Who comes after such a pause, and with nobody else, comes alone. */
const pauseMillis = 1

let lastMillis = Number.NEGATIVE_INFINITY

/** What came in this turn of the event loop. */
let arrived: Array<Check> = []

/**
 * Tells whether a signature is of these bytes. Where many come, Node's threads check them while the main one goes on:
 * those of a turn together, so that a thread is woken once for all of them. What comes alone is checked at once, for
 * the way to another thread and back takes longer than that.
 */
export const check = (given: Check): void => {
  if (arrived.push(given) === 1) setImmediate(checkArrived)
}

const checkArrived = () => {
  const checks = arrived
  arrived = []
  const nowMillis = performance.now()
  const isAlone = checks.length === 1 && nowMillis - lastMillis > pauseMillis
  lastMillis = nowMillis
  for (const { key, signed, signature, onDone } of checks) {
    if (isAlone) onDone(verify("sha256", signed, key, signature))
    else verify("sha256", signed, key, signature, (error, isGood) => onDone(error === null && isGood))
  }
}
