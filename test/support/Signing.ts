/**
 * The network's part in tests: an RSA key pair of its own, and tokens signed with it. A token of
 * {@link token} is good; what a test changes about it makes it bad.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto"
import { type JWTPayload, SignJWT } from "jose"

export const makeKeys = (modulusLength = 2048) => generateKeyPairSync("rsa", { modulusLength })

export const pemOf = (publicKey: KeyObject): string => publicKey.export({ type: "spki", format: "pem" }).toString()

/** The key of a server's own pair, with which to sign for it. */
export const readPrivateKey = (pem: string): KeyObject => createPrivateKey(pem)

const { publicKey, privateKey: signingKey } = makeKeys()

/** The other half of {@link publicKeyPem}. */
export const privateKey = signingKey

/** What a server under test is to trust. */
export const publicKeyPem = pemOf(publicKey)

/** Of any type: a bad token's may be of a wrong one. */
export type Claims = Readonly<Partial<Record<"jti" | "iat" | "exp", unknown>>>

export type PrivateKey = KeyObject

export type Key = PrivateKey | Uint8Array

/** Seconds since 1970. */
export const now = () => Math.floor(Date.now() / 1000)

/** A token as the network signs it; `undefined` leaves a claim out. */
export const token = (
  claims: Claims = {},
  {
    alg = "RS256",
    key = privateKey,
    header = {},
  }: { readonly alg?: string; readonly key?: Key; readonly header?: object } = {},
): Promise<string> => {
  const payload: JWTPayload = Object.assign({ jti: randomUUID(), iat: now(), exp: now() + 60 }, claims)
  return new SignJWT(payload).setProtectedHeader({ alg, ...header }).sign(key)
}
