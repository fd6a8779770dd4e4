/**
 * A JWT (RFC 7519) in the one form that the network sends: compact, signed by RS256. Whatever may be read in two ways
 * is refused: RFC 8725 says why.
 */
import { Result, Schema } from "effect"
import * as Json from "../request/Json.ts"

/** What a token says, whoever made it. */
export interface Token {
  /** The key that it names. */
  readonly kid: string | undefined
  readonly claims: unknown
  /** The bytes that its signature is of. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

/** Longer ones are not looked at. */
const maxLength = 8_192

/** Base64url (RFC 4648) as only one text encodes those bytes: without padding, and with no bits that mean nothing. */
const encoded = "((?:[\\w-]{4})*(?:[\\w-]{2}[AEIMQUYcgkosw048]|[\\w-][AQgw])?)"
const compact = new RegExp(`^${encoded}\\.${encoded}\\.${encoded}$`)

/** Reads a token, or says why it is none. */
export const read = (text: string): Result.Result<Token, string> => {
  if (text.length > maxLength) return Result.fail(`It has ${text.length} characters.`)
  const parts = compact.exec(text)
  if (parts === null) return Result.fail("It is no JWS in the compact form.")
  const [, head = "", payload = "", signature = ""] = parts
  const header = readHeader(head)
  if (Result.isFailure(header)) return Result.fail(`The header: ${header.failure}`)
  const claims = readJson(payload)
  if (Result.isFailure(claims)) return Result.fail(`The claims: ${claims.failure}`)
  return Result.succeed({
    kid: header.success.kid,
    claims: claims.success,
    signed: Buffer.from(text.slice(0, head.length + 1 + payload.length), "latin1"),
    signature: Buffer.from(signature, "base64url"),
  })
}

/** What we do not understand and must is refused: extensions that are critical, and a payload that is not encoded. */
const Header = Schema.Struct({
  alg: Schema.Literal("RS256"),
  kid: Schema.optionalKey(Schema.String),
  crit: Schema.optionalKey(Schema.Never),
  b64: Schema.optionalKey(Schema.Never),
})

const decodeHeader = Schema.decodeUnknownResult(Header)

/** The last that was read: a signer's are nearly all alike. */
let known: { readonly text: string; readonly header: ReturnType<typeof decode> } | undefined

const readHeader = (text: string) => {
  if (known?.text !== text) known = { text, header: decode(text) }
  return known.header
}

const decode = (text: string): Result.Result<typeof Header.Type, string> =>
  Result.flatMap(readJson(text), (json) => Result.mapError(decodeHeader(json), ({ issue }) => Json.factsOf(issue)))

const readJson = (text: string) =>
  Result.try({ try: () => Json.parse(Buffer.from(text, "base64url")), catch: () => "Expected JSON." })
