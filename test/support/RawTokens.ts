/**
 * Tokens of any bytes, for what jose would not make: header and claims are JSON texts or no JSON at all, and what is
 * signed is whatever stands there. All are of one time, so that a test clock can be set to it.
 */
import { sign } from "node:crypto"
import * as Signing from "./Signing.ts"

export type Raw = string | Uint8Array

/** What the signature is of, to its bytes. */
export type Signer = (signed: string) => Uint8Array

/** When a {@link token} is good, in seconds since 1970, and whom it is from and for. */
export const nowSeconds = 1_800_000_000
export const issuer = "bitgo"
export const audience = "holdfast"

export const base64url = (raw: Raw): string => Buffer.from(raw).toString("base64url")

/** The fields of a JSON object, each a JSON text; what is undefined is left out. */
export type Fields = Readonly<Record<string, string | undefined>>

export const object = (fields: Fields): string => {
  const entries = Object.entries(fields).filter(([, text]) => text !== undefined)
  return `{${entries.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`
}

/** RS256 by the key that servers under test trust, or by another. */
export const rs256 =
  (key: Signing.PrivateKey = Signing.privateKey): Signer =>
  (signed) =>
    sign("sha256", Buffer.from(signed), key)

/** The third part after the other two. */
export const signed = (text: string, signer: Signer = rs256()): string => `${text}.${base64url(signer(text))}`

export const compact = (header: Raw, claims: Raw, signer?: Signer): string =>
  signed(`${base64url(header)}.${base64url(claims)}`, signer)

export const goodHeader: Fields = { alg: '"RS256"' }

export const goodClaims: Fields = {
  iss: JSON.stringify(issuer),
  aud: JSON.stringify(audience),
  jti: '"a nonce"',
  iat: String(nowSeconds),
  exp: String(nowSeconds + 60),
}

/** What is not as in a good one. */
export interface Changes {
  readonly header?: Fields
  readonly claims?: Fields
  readonly signer?: Signer
}

export const token = ({ header = {}, claims = {}, signer }: Changes = {}): string =>
  compact(object({ ...goodHeader, ...header }), object({ ...goodClaims, ...claims }), signer)
