/** Opens what was encrypted for a key of ours, off the server's thread. */
import { createDecipheriv, createPrivateKey, type KeyObject, pbkdf2, privateDecrypt } from "node:crypto"
import { promisify } from "node:util"

const derive = promisify(pbkdf2)

const sizes = { version: 1, salt: 16, iv: 12, tag: 16 }
const rounds = 200_000

export type PrivateKey = KeyObject

/** An RSA private key from PEM, with its length; nothing where it is none. */
export const readKey = (pem: string): { readonly key: PrivateKey; readonly bits: number } | undefined => {
  try {
    const key = createPrivateKey(pem)
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    return key.asymmetricKeyType === "rsa" ? { key, bits } : undefined
  } catch {
    return undefined
  }
}

/** The text inside; nothing where it cannot be opened, whatever the reason. */
export const open = async (key: PrivateKey, envelope: string): Promise<string | undefined> => {
  try {
    const [wrapped = "", body = ""] = envelope.split("\n", 2)
    const secret = privateDecrypt({ key, oaepHash: "sha256" }, Buffer.from(wrapped, "base64"))
    const bytes = Buffer.from(body, "base64")
    let at = 0
    const take = (size: number) => {
      at += size
      return bytes.subarray(at - size, at)
    }
    const [version] = take(sizes.version)
    const [salt, iv] = [take(sizes.salt), take(sizes.iv)]
    const ciphertext = take(bytes.length - at - sizes.tag)
    if (version !== 1 || at > bytes.length) return undefined
    const decipher = createDecipheriv("aes-256-gcm", await derive(secret, salt, rounds, 32, "sha256"), iv)
    decipher.setAuthTag(take(sizes.tag))
    const text = Buffer.concat([decipher.update(ciphertext), decipher.final()])
    return new TextDecoder("utf-8", { fatal: true }).decode(text)
  } catch {
    return undefined
  }
}
