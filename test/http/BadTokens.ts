/**
 * What has been tried on readers of JWTs, as data: each of these tokens differs from a good one in one point, for
 * which it has to be refused. Where it matters, the signature is a good one of the text as it is sent.
 */
import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  sign,
} from "node:crypto"
import { deflateRawSync } from "node:zlib"
import * as Raw from "../support/RawTokens.ts"
import * as Signing from "../support/Signing.ts"

const { audience, base64url, compact, goodClaims, goodHeader, issuer, nowSeconds, object, rs256, token } = Raw

type Named<A> = Readonly<Record<string, A>>

export interface Attack {
  /** What the log, and only the log, says of each. */
  readonly reason: RegExp
  readonly tokens: Named<string>
}

const stranger = Signing.makeKeys()
const publicKey = createPublicKey(Signing.publicKeyPem)

const mapped = <A, B>(named: Named<A>, make: (a: A, name: string) => B): Named<B> =>
  Object.fromEntries(Object.entries(named).map(([name, a]) => [name, make(a, name)]))

/** Each of one table with each of another. */
const product = <A, B, C>(first: Named<A>, second: Named<B>, make: (a: A, b: B, first: string) => C): Named<C> =>
  Object.assign(
    {},
    ...Object.entries(first).map(([firstName, a]) =>
      Object.fromEntries(
        Object.entries(second).map(([secondName, b]) => [`${firstName}, ${secondName}`, make(a, b, firstName)]),
      ),
    ),
  )

/** Each under its own text. */
const byText = (texts: ReadonlyArray<string>): Named<string> => Object.fromEntries(texts.map((text) => [text, text]))

const header = (fields: Raw.Fields, signer?: Raw.Signer) => token({ header: fields, ...(signer && { signer }) })
const claims = (fields: Raw.Fields) => token({ claims: fields })

const verificationFailed = /^The signature verification failed\.$/
const noJws = /^It is no JWS in the compact form\.$/
const noJson = /^The (header|claims): Expected JSON\.$/

const casesOf = (word: string) =>
  [...word].reduce(
    (words: ReadonlyArray<string>, letter) => words.flatMap((_) => [_ + letter, _ + letter.toUpperCase()]),
    [""],
  )

const nothing: Raw.Signer = () => Buffer.alloc(0)

const secrets: Named<Raw.Raw> = {
  "the public key's PEM": Signing.publicKeyPem,
  "the PEM without its last line break": Signing.publicKeyPem.trimEnd(),
  "the public key's DER": publicKey.export({ type: "spki", format: "der" }),
  "the public key's PKCS #1": publicKey.export({ type: "pkcs1", format: "der" }),
  "the modulus": Buffer.from(String(publicKey.export({ format: "jwk" }).n), "base64url"),
  nothing: "",
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
const ed25519 = generateKeyPairSync("ed25519").privateKey

const rsaOf =
  (hash: string, options: object = {}): Raw.Signer =>
  (signed) =>
    sign(hash, Buffer.from(signed), { key: Signing.privateKey, ...options })

const ecOf = (hash: string, namedCurve: string): Raw.Signer => {
  const key = generateKeyPairSync("ec", { namedCurve }).privateKey
  return (signed) => sign(hash, Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" })
}

/** Signatures as good as an attacker or another setting can make them, by the algorithm that they are of. */
const otherSignatures: ReadonlyArray<readonly [alg: string, how: string, signer: Raw.Signer]> = [
  ...["256", "384", "512"].flatMap((bits) =>
    Object.entries(secrets).map(([name, secret]): readonly [string, string, Raw.Signer] => [
      `HS${bits}`,
      `by ${name}`,
      (signed) => createHmac(`sha${bits}`, secret).update(signed).digest(),
    ]),
  ),
  ...["384", "512"].map((bits): readonly [string, string, Raw.Signer] => [
    `RS${bits}`,
    "by our key",
    rsaOf(`sha${bits}`),
  ]),
  ...["256", "384", "512"].map((bits): readonly [string, string, Raw.Signer] => [
    `PS${bits}`,
    "by our key",
    rsaOf(`sha${bits}`, pss),
  ]),
  ["ES256", "by a key of its own", ecOf("sha256", "P-256")],
  ["ES384", "by a key of its own", ecOf("sha384", "P-384")],
  ["ES512", "by a key of its own", ecOf("sha512", "P-521")],
  ["ES256K", "by a key of its own", ecOf("sha256", "secp256k1")],
  ["EdDSA", "by a key of its own", (signed) => sign(null, Buffer.from(signed), ed25519)],
  ["Ed25519", "by a key of its own", (signed) => sign(null, Buffer.from(signed), ed25519)],
]

const namesOfAlgorithms = [
  ...casesOf("none"),
  ...new Set(otherSignatures.map(([alg]) => alg)),
  ...["rs256", "Rs256", "RS256 ", " RS256", "RS256\0", "RS256,none", "ＲＳ256", "RS-256", "RSA", "RS1", "RSA1_5"],
  ...["RSA-OAEP", "dir", "A128KW", "SHA256withRSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "", "*"],
]

const signers: Named<Raw.Signer> = { "signed as RS256": rs256(), "not signed": nothing }

const algorithms: Named<Attack> = {
  "another algorithm": {
    reason: /^The header: alg: /,
    tokens: {
      ...Object.fromEntries(
        otherSignatures.map(([alg, how, signer]) => [`${alg} ${how}`, header({ alg: JSON.stringify(alg) }, signer)]),
      ),
      ...product(byText(namesOfAlgorithms), signers, (alg, signer) => header({ alg: JSON.stringify(alg) }, signer)),
    },
  },
  "an algorithm that is none": {
    reason: /^The header: (alg: |Expected JSON)/,
    tokens: {
      ...product(
        byText(["null", "true", "0", "256", '["RS256"]', "[]", '{"RS256":true}', '{"alg":"RS256"}']),
        signers,
        (text, signer) => header({ alg: text }, signer),
      ),
      ...product(
        {
          missing: object({ alg: undefined }),
          "under another name": object({ ALG: '"RS256"' }),
          "under a name with a blank": object({ "alg ": '"RS256"' }),
          "in __proto__": object({ ["__proto__"]: '{"alg":"RS256"}' }),
          "in constructor": object({ constructor: '{"alg":"RS256"}' }),
          "twice, none last": '{"alg":"RS256","alg":"none"}',
          "twice, none first": '{"alg":"none","alg":"RS256"}',
          "twice, alike": '{"alg":"RS256","alg":"RS256"}',
          "twice, with an escape": '{"alg":"none","\\u0061lg":"RS256"}',
        },
        signers,
        (text, signer) => compact(text, object(goodClaims), signer),
      ),
    },
  },
  "a signature of another algorithm than it says": {
    reason: verificationFailed,
    tokens: Object.fromEntries(otherSignatures.map(([alg, how, signer]) => [`${alg} ${how}`, header({}, signer)])),
  },
}

const namesOfKeys = [
  ...["../../../dev/null", "/dev/null", "/etc/passwd", "file:///dev/null", "http://127.0.0.1/key.pem", "\\\\host\\key"],
  ...["' OR '1'='1", "x' UNION SELECT 'AA==' --", "; DROP TABLE journal", "| whoami", "$(id)", "\0", "", "__proto__"],
  ...["constructor", "toString", "x".repeat(4_000), "\ud800", Signing.publicKeyPem],
]

const jwk = JSON.stringify({ ...stranger.publicKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "bitgo" })
const url = '"https://attacker.example/keys"'
const certificate = JSON.stringify([stranger.publicKey.export({ type: "spki", format: "der" }).toString("base64")])

/** What stands under the extension that a token calls critical. */
const critical: Named<Raw.Fields> = {
  empty: { crit: "[]" },
  unknown: { crit: '["x"]', x: "true" },
  "unknown and not there": { crit: '["x"]' },
  b64: { crit: '["b64"]', b64: "true" },
  "b64 that is false": { crit: '["b64"]', b64: "false" },
  "b64 that is not there": { crit: '["b64"]' },
  "b64 twice": { crit: '["b64","b64"]', b64: "true" },
  "b64 and unknown": { crit: '["b64","x"]', b64: "true", x: "1" },
  exp: { crit: '["exp"]', exp: String(nowSeconds + 60) },
  alg: { crit: '["alg"]' },
  kid: { crit: '["kid"]', kid: '"bitgo"' },
  itself: { crit: '["crit"]' },
  "a proof of possession": { crit: '["http://openbanking.org.uk/iat"]', "http://openbanking.org.uk/iat": "1" },
  "an empty name": { crit: '[""]' },
  "a number": { crit: "[1]" },
  "in an array within": { crit: '[["b64"]]', b64: "true" },
  ...mapped(byText(['"b64"', '"exp"', "null", "true", "false", "0", "{}", '{"0":"b64"}', '""']), (text) => ({
    crit: text,
    b64: "true",
  })),
}

const headers: Named<Attack> = {
  "a key of the attacker's choice": {
    reason: verificationFailed,
    tokens: mapped<Raw.Fields, string>(
      {
        jwk: { jwk },
        "jwk and its name": { jwk, kid: '"bitgo"' },
        jku: { jku: url },
        x5u: { x5u: url },
        x5c: { x5c: certificate },
        x5t: { x5t: '"AAAA"', "x5t#S256": '"AAAA"' },
        all: { jwk, jku: url, x5u: url, x5c: certificate },
        "the name of ours": { kid: '"bitgo"' },
        ...mapped(byText(namesOfKeys), (name) => ({ kid: JSON.stringify(name) })),
      },
      (fields) => header(fields, rs256(stranger.privateKey)),
    ),
  },
  "a name of a key that is none": {
    reason: /^The header: kid: /,
    tokens: mapped(byText(["0", "null", "true", "[]", '["bitgo"]', "{}", '{"$ne":""}', "1e999"]), (text) =>
      header({ kid: text }),
    ),
  },
  "a critical extension": {
    reason: /^The header: crit: /,
    tokens: mapped(critical, (fields) => header(fields)),
  },
  "a payload that may be as it is": {
    reason: /^The header: b64: /,
    tokens: mapped(byText(["true", "false", "null", '"false"', "0"]), (text) => header({ b64: text })),
  },
  "a payload as it is": {
    reason: noJws,
    tokens: mapped(
      { critical: { crit: '["b64"]', b64: "false" }, "not critical": { b64: "false" }, "not said": {} },
      (fields) => Raw.signed(`${base64url(object({ ...goodHeader, ...fields }))}.${object(goodClaims)}`),
    ),
  },
  "claims in its header": {
    reason: /^(iat|exp|jti|The claims): /,
    tokens: {
      alone: compact(object({ ...goodHeader, ...goodClaims }), "{}"),
      "and none beside": compact(object({ ...goodHeader, ...goodClaims }), ""),
    },
  },
}

const good = token()
const [goodHead = "", goodPayload = "", goodSignature = ""] = good.split(".")
const flattened = { protected: goodHead, payload: goodPayload, signature: goodSignature }

const forms: Named<Attack> = {
  "another form": {
    reason: noJws,
    tokens: {
      ...byText(["", ".", "...", "....", "a", "null", "{}", " "]),
      "of two parts": `${goodHead}.${goodPayload}`,
      "of four parts": `${good}.${goodSignature}`,
      "of four parts, the last empty": `${good}.`,
      "of four parts, the first empty": `.${good}`,
      "of five parts": `${good}..`,
      "that is encrypted": [
        base64url('{"alg":"RSA-OAEP","enc":"A256GCM"}'),
        ...[256, 12, 200, 16].map((size) => base64url(Buffer.alloc(size, 7))),
      ].join("."),
      flattened: JSON.stringify(flattened),
      "flattened, with an open header": JSON.stringify({ ...flattened, header: { alg: "RS256" } }),
      general: JSON.stringify({ payload: goodPayload, signatures: [flattened] }),
      "in an array": JSON.stringify([good]),
      "of an object's parts": JSON.stringify(good.split(".")),
      ...mapped(
        {
          ...mapped(
            byText(["Bearer ", "bearer ", "JWT ", "Token ", "signature=", "\ufeff", "\0", " ", "\n", "\t"]),
            (text) => [text, ""],
          ),
          ...mapped(
            byText(["\n.", "\r\n.", " .", "\t.", "\0.", "=.", ";.", ",.", "\u2028.", "\u00a0.", "%00."]),
            (text) => ["", text.slice(0, -1)],
          ),
          quotes: ['"', '"'],
          apostrophes: ["'", "'"],
          brackets: ["<", ">"],
        },
        ([before, after]) => `${before}${good}${after}`,
      ),
      ...mapped(byText(["%2E", "．", "。", "·", ",", " ", "\n", "..", ":", "~", "/"]), (dot) =>
        good.split(".").join(dot),
      ),
      ...mapped(byText([",", ", ", " ", "\n", ";", ".", "", "\0"]), (between) => `${good}${between}${good}`),
      "in base64url": base64url(good),
      "in UTF-16": [...good].map((letter) => `${letter}\0`).join(""),
      reversed: [...good].reverse().join(""),
    },
  },
  "no payload": {
    reason: /^The (header|claims): Expected JSON\.$/,
    tokens: {
      "that is detached": `${goodHead}..${goodSignature}`,
      "that is detached and signed": Raw.signed(`${goodHead}.`),
      "and no signature": `${goodHead}..`,
      "and nothing else": "..",
      "and no header": `.${goodPayload}.${goodSignature}`,
      "and no header, but signed": Raw.signed(`.${goodPayload}`),
    },
  },
  "its parts in another order": {
    reason: /^The (header|claims): /,
    tokens: {
      "header, signature, payload": `${goodHead}.${goodSignature}.${goodPayload}`,
      "payload, header, signature": `${goodPayload}.${goodHead}.${goodSignature}`,
      "payload, signature, header": `${goodPayload}.${goodSignature}.${goodHead}`,
      "signature, header, payload": `${goodSignature}.${goodHead}.${goodPayload}`,
      "signature, payload, header": `${goodSignature}.${goodPayload}.${goodHead}`,
    },
  },
  "another token within": {
    reason: /^(The claims: |iat: |Expected )/,
    tokens: {
      "as it is": compact(object({ ...goodHeader, cty: '"JWT"' }), good),
      "as it is, and not said": compact(object(goodHeader), good),
      "as a text": compact(object({ ...goodHeader, cty: '"JWT"' }), JSON.stringify(good)),
      "as a field": compact(object({ ...goodHeader, cty: '"JWT"' }), JSON.stringify({ jwt: good })),
      "as a JWS in JSON": compact(object({ ...goodHeader, cty: '"JWT"' }), JSON.stringify(flattened)),
    },
  },
  "compressed claims": {
    reason: noJson,
    tokens: { DEF: compact(object({ ...goodHeader, zip: '"DEF"' }), deflateRawSync(object(goodClaims))) },
  },
}

/** Each part has letters that other alphabets have not, and a last one with bits that mean nothing: two, four and four. */
const parts = (() => {
  const letters = JSON.stringify("??????>>>>>>")
  /** With so many letters more than whole groups. */
  const encoded = (text: string, more: number): string => {
    const part = base64url(text)
    return part.length % 4 === more ? part : encoded(`${text} `, more)
  }
  for (let text = object({ ...goodClaims, jti: letters }); ; text += " ") {
    const head = encoded(object({ ...goodHeader, kid: letters }), 3)
    const payload = encoded(text, 2)
    const signature = base64url(rs256()(`${head}.${payload}`))
    if (/-/.test(signature) && /_/.test(signature)) return { head, payload, signature }
  }
})()

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/** The part with the bits of its last letter that mean nothing. */
const withBits = (part: string, bits: number) =>
  part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) | bits)

const moved = (part: string, by: number) => String.fromCharCode(part.charCodeAt(0) + by) + part.slice(1)

const letters = [
  ...["\0", " ", "\n", "\r\n", "\t", "\v", "\f", "\u00a0", "\u2028", "\ufeff", "\u200b"],
  // What else is a letter, or becomes one where case does not matter.
  ...["é", "ſ", "\u212a", "*", "~"],
]

const recodings: Named<(part: string) => string> = {
  "with =": (part) => `${part}=`,
  "with ==": (part) => `${part}==`,
  "with padding": (part) => part.padEnd(Math.ceil(part.length / 4) * 4, "="),
  "with = before it": (part) => `=${part}`,
  "with + and /": (part) => part.replaceAll("-", "+").replaceAll("_", "/"),
  "with + for -": (part) => part.replaceAll("-", "+"),
  "with / for _": (part) => part.replaceAll("_", "/"),
  "with one bit that means nothing": (part) => withBits(part, 1),
  "with all bits that mean nothing": (part) => withBits(part, part.length % 4 === 2 ? 15 : 3),
  "cut to one letter more than whole groups": (part) => part.slice(0, Math.floor(part.length / 4) * 4 - 3),
  "with A's up to one letter more than whole groups": (part) => part.padEnd(Math.ceil(part.length / 4) * 4 + 1, "A"),
  "with its first letter as a percent sign has it": (part) => `%${part.charCodeAt(0).toString(16)}${part.slice(1)}`,
  "with its first letter as an escape": (part) => `\\u00${part.charCodeAt(0).toString(16)}${part.slice(1)}`,
  "with a wide letter": (part) => moved(part, 0xfee0),
  "with a letter whose low byte is right": (part) => moved(part, 0x100),
  "with a letter whose two low bytes are of a pair": (part) => moved(part, 0xd800),
  "with a letter of eight bits": (part) => moved(part, 0x80),
  "in quotes": (part) => `"${part}"`,
  "in UTF-16": (part) => [...part].map((letter) => `${letter}\0`).join(""),
  ...Object.assign(
    {},
    ...letters.map((text) => ({
      [`with ${JSON.stringify(text)} before`]: (part: string) => `${text}${part}`,
      [`with ${JSON.stringify(text)} within`]: (part: string) => `${part.slice(0, 8)}${text}${part.slice(8)}`,
      [`with ${JSON.stringify(text)} after`]: (part: string) => `${part}${text}`,
    })),
  ),
}

const encodings: Named<Attack> = {
  "another encoding": {
    reason: noJws,
    tokens: {
      ...product({ header: "head", payload: "payload" } as const, recodings, (which, recode) => {
        const changed = { ...parts, [which]: recode(parts[which]) }
        return Raw.signed(`${changed.head}.${changed.payload}`)
      }),
      ...product(
        { "header, signed before": "head", "payload, signed before": "payload" } as const,
        recodings,
        (which, recode) => {
          const changed = { ...parts, [which]: recode(parts[which]) }
          return `${changed.head}.${changed.payload}.${parts.signature}`
        },
      ),
      ...mapped(recodings, (recode) => `${parts.head}.${parts.payload}.${recode(parts.signature)}`),
    },
  },
}

const bytes = (...pieces: ReadonlyArray<string | ReadonlyArray<number>>) =>
  Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)))

const open = (text: string) => text.slice(0, -1)

/** What is no JSON, though somebody may read it as if it were the object. */
const noTexts: Named<(text: string) => Raw.Raw> = {
  "that is empty": () => "",
  "that is blank": () => " \n",
  "with a byte order mark": (text) => `\ufeff${text}`,
  "with a byte order mark behind": (text) => `${text}\ufeff`,
  "in UTF-16": (text) => Buffer.from(text, "utf16le"),
  "in UTF-16 with a byte order mark": (text) => Buffer.from(`\ufeff${text}`, "utf16le"),
  "in UTF-16, the other way round": (text) => Buffer.from(text, "utf16le").swap16(),
  "in UTF-32": (text) => bytes(...[...text].map((letter) => [letter.charCodeAt(0), 0, 0, 0])),
  "with a letter of Latin-1": (text) => bytes(open(text), ',"x":"', [0xe9], '"}'),
  "with an overlong slash": (text) => bytes(open(text), ',"x":"', [0xc0, 0xaf], '"}'),
  "with an overlong NUL": (text) => bytes(open(text), ',"x":"', [0xc0, 0x80], '"}'),
  "with half of a pair": (text) => bytes(open(text), ',"x":"', [0xed, 0xa0, 0x80], '"}'),
  "with a letter beyond all": (text) => bytes(open(text), ',"x":"', [0xf4, 0x90, 0x80, 0x80], '"}'),
  "with a letter that ends early": (text) => bytes(open(text), ',"x":"', [0xe2, 0x82], '"}'),
  "with a byte that is none": (text) => bytes(text, [0xff]),
  "with a control character": (text) => `${open(text)},"x":"\n"}`,
  "with a comment": (text) => `${open(text)}/**/}`,
  "with a comment behind": (text) => `${text}//`,
  "with a comma too many": (text) => `${open(text)},}`,
  "with a key that is no text": (text) => `${open(text)},x:1}`,
  "with one quote": (text) => text.replaceAll('"', "'"),
  "with a wrong escape": (text) => `${open(text)},"x":"\\x41"}`,
  "twice over": (text) => `${text}${text}`,
  "with another object behind": (text) => `${text}{}`,
  ...Object.assign(
    {},
    ...["\0", "}", ",", "x", ";", "\v", "\u00a0", "\u0085"].map((text) => ({
      [`with ${JSON.stringify(text)} behind`]: (json: string) => `${json}${text}`,
      [`with ${JSON.stringify(text)} before`]: (json: string) => `${text}${json}`,
    })),
  ),
  "without its end": open,
  "without its beginning": (text) => text.slice(1),
  "in parentheses": (text) => `(${text})`,
  "behind a guard": (text) => `)]}',\n${text}`,
  "in base64url once more": (text) => base64url(text),
  "as YAML": (text) => text.slice(1, -1).replaceAll(",", "\n").replaceAll('"', "").replaceAll(":", ": "),
  "as a form": (text) => new URLSearchParams(JSON.parse(text)).toString(),
  "with a key twice": (text) => `${open(text)},"x":1,"x":1}`,
  "with a key twice, once with an escape": (text) => `${open(text)},"x":1,"\\u0078":1}`,
  "with a key twice, far within": (text) => `${open(text)},"x":[{"y":[{"z":1,"z":1}]}]}`,
  "with __proto__ twice": (text) => `${open(text)},"__proto__":1,"__proto__":1}`,
  "that nests without end": () => "[".repeat(2_500),
  "that nests objects without end": () => '{"a":'.repeat(500),
}

const deep = `${"[".repeat(1_200)}${"]".repeat(1_200)}`

/** What is JSON, but no object. */
const noObjects: Named<(text: string) => string> = {
  ...mapped(byText(["null", "true", "false", "0", "-0", "1e999", '""', "[]", "[null]"]), (text) => () => text),
  "it in an array": (text) => `[${text}]`,
  "it in a text": (text) => JSON.stringify(text),
  "it in pairs": (text) => JSON.stringify(Object.entries(JSON.parse(text))),
  "an array that nests": () => deep,
}

const [headerText, claimsText] = [object(goodHeader), object(goodClaims)]

const json: Named<Attack> = {
  "a header that is no JSON": {
    reason: /^The header: Expected JSON\.$/,
    tokens: mapped(noTexts, (spoil) => compact(spoil(headerText), claimsText)),
  },
  "claims that are no JSON": {
    reason: /^The claims: Expected JSON\.$/,
    tokens: mapped(noTexts, (spoil) => compact(headerText, spoil(claimsText))),
  },
  "a header that is no object": {
    reason: /^The header: Expected object$/,
    tokens: mapped(noObjects, (spoil) => compact(spoil(headerText), claimsText)),
  },
  "claims that are no object": {
    reason: /^Expected object$/,
    tokens: mapped(noObjects, (spoil) => compact(headerText, spoil(claimsText))),
  },
}

const noNumbers = [
  ...["null", "true", "false", '""', `"${nowSeconds}"`, '"never"', '"Infinity"', '"NaN"', "1e999", "-1e999"],
  ...["[]", `[${nowSeconds}]`, "{}", `{"$date":${nowSeconds}}`, deep],
]
const noStrings = ["null", "0", "true", "[]", "{}", deep]
const noAudiences = [
  ...["null", "0", "true", "{}", "[1]", "[null]", "[{}]", deep],
  ...[`[["${audience}"]]`, `["${audience}",1]`, `{"0":"${audience}"}`],
]
const noLiterals = [
  ...["NaN", "Infinity", "-Infinity", "undefined", "0x6b49d200", "01", "+1", ".5", "1.", "1_000", "1n", "1e", ""],
]
const times = ["iat", "exp", "nbf"] as const

const awkward: Named<string> = {
  NUL: "a\0b",
  "a line break": "a\nb",
  DEL: "a\x7f",
  "a control character of Latin-1": "a\x85",
  "a soft hyphen": "a\u00adb",
  "a blank without width": "a\u200bb",
  "a reversal": "a\u202eb",
  "a byte order mark": "\ufeffa",
  "half of a pair": "a\ud800",
  "a private letter": "a\ue000",
  "a letter that is none yet": "a\u0378",
  "a tag": "a\u{e0001}",
}

/** A letter as an escape of JSON, whatever `JSON.stringify` thinks of it. */
const escaped = (letter: string) =>
  letter
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("")

const at = (seconds: number) => String(nowSeconds + seconds)

const claimsAlone: Named<Attack> = {
  ...Object.fromEntries(
    times.map((claim): [string, Attack] => [
      `${claim} that is no time`,
      {
        reason: new RegExp(`^${claim}: `),
        tokens: mapped(byText(noNumbers), (text) => claims({ [claim]: text })),
      },
    ]),
  ),
  "a claim that is no literal": {
    reason: noJson,
    tokens: product(byText([...times, "jti"]), byText(noLiterals), (claim, text) => claims({ [claim]: text })),
  },
  "a claim missing": {
    reason: /^(iat|exp|jti): /,
    tokens: {
      ...mapped(byText(["iat", "exp", "jti"]), (claim) => claims({ [claim]: undefined })),
      all: compact(headerText, "{}"),
      ...product(
        byText(["iat", "exp", "jti"]),
        {
          "but in __proto__": (claim: string, text: string) => ({ ["__proto__"]: object({ [claim]: text }) }),
          "but in constructor": (claim: string, text: string) => ({ constructor: object({ [claim]: text }) }),
          "but in prototype": (claim: string, text: string) => ({ prototype: object({ [claim]: text }) }),
          "but in upper case": (claim: string, text: string) => ({ [claim.toUpperCase()]: text }),
          "but with a blank": (claim: string, text: string) => ({ [`${claim} `]: text }),
          "but with a NUL": (claim: string, text: string) => ({ [`${claim}\0`]: text }),
          "but with a dot": (claim: string, text: string) => ({ [`.${claim}`]: text }),
          "but with a wide letter": (claim: string, text: string) => ({ [moved(claim, 0xfee0)]: text }),
        },
        (claim, hide) => claims({ [claim]: undefined, ...hide(claim, goodClaims[claim] ?? "") }),
      ),
      ...mapped(byText(["__proto__", "constructor", "prototype", "claims", "payload", "", "0"]), (name) =>
        compact(headerText, object({ [name]: claimsText })),
      ),
    },
  },
  "a claim twice": {
    reason: noJson,
    tokens: product(
      byText(["iat", "exp", "jti", "iss", "aud", "nbf"]),
      {
        first: (claim: string, text: string) => `{"${claim}":${text},${object({ nbf: at(0), ...goodClaims }).slice(1)}`,
        last: (claim: string, text: string) => `${open(object({ nbf: at(0), ...goodClaims }))},"${claim}":${text}}`,
        "with an escape": (claim: string, text: string) =>
          `${open(object({ nbf: at(0), ...goodClaims }))},"\\u00${claim.charCodeAt(0).toString(16)}${claim.slice(1)}":${text}}`,
        "once as null": (claim: string) => `{"${claim}":null,${object({ nbf: at(0), ...goodClaims }).slice(1)}`,
      },
      (claim, repeat) => compact(headerText, repeat(claim, claim === "nbf" ? at(0) : (goodClaims[claim] ?? ""))),
    ),
  },
  "a jti that is no nonce": {
    reason: /^jti: /,
    tokens: {
      ...mapped(
        byText(["null", "0", "1e999", "true", "[]", '["a nonce"]', "{}", '{"toString":"a"}', deep, '""']),
        (text) => claims({ jti: text }),
      ),
      "of 256 letters": claims({ jti: JSON.stringify("x".repeat(256)) }),
      "of 256 pairs": claims({ jti: JSON.stringify("🏦".repeat(256)) }),
      ...mapped(awkward, (text) => claims({ jti: `"${[...text].map(escaped).join("")}"` })),
      // As it is: `JSON.stringify` escapes some of these.
      ...mapped({ DEL: "a\x7f", reversal: "a\u202eb", "byte order mark": "\ufeffa" }, (text) =>
        claims({ jti: `"${text}"` }),
      ),
    },
  },
  "an iss that is no text": {
    reason: /^iss: /,
    tokens: mapped(byText([...noStrings, `["${issuer}"]`, `{"iss":"${issuer}"}`]), (text) => claims({ iss: text })),
  },
  "an aud that is no text": {
    reason: /^aud(\.\d)?: /,
    tokens: mapped(byText(noAudiences), (text) => claims({ aud: text })),
  },
  "a time that is not now": {
    reason: /^It (is valid for .* s|has expired|is from the future|is not good yet): /,
    tokens: {
      ...product(
        byText(["iat", "exp"]),
        byText(["0", "-0", "-1", at(-120), at(66), `-${nowSeconds}`, "1e308", "-1e308", "5e-324", "9007199254740993"]),
        (claim, text) => claims({ [claim]: text }),
      ),
      ...mapped(byText([at(5.001), at(6), at(60), `${nowSeconds}000`, "1e308", "9007199254740993"]), (text) =>
        claims({ nbf: text }),
      ),
      ...mapped<readonly [string, string], string>(
        {
          "that is just over": [at(-65), at(-5)],
          "that is just over by a fraction": [at(-64.999), at(-5.001)],
          "that lasts a fraction too long": [at(0), at(60.001)],
          "that lasts a fraction too long, the other way": [at(-0.001), at(60)],
          "that lasts an hour": [at(0), at(3_600)],
          "that began an hour ago": [at(-3_600), at(30)],
          "that is from the near future": [at(5.001), at(65)],
          "that is from the next second": [at(6), at(66)],
          "that is from the end of times": ["1e308", "1e308"],
          "that is from the end of integers": ["9007199254740991", "9007199254740991"],
          "in milliseconds": [`${nowSeconds}000`, `${nowSeconds + 60}000`],
          "in minutes": [String(nowSeconds / 60), String(nowSeconds / 60 + 1)],
          "at the beginning": ["0", "60"],
          "before the beginning": ["-60", "-0"],
        },
        ([iat, exp]) => claims({ iat, exp }),
      ),
    },
  },
}

const signatureBytes = Buffer.from(goodSignature, "base64url")
const signedText = `${goodHead}.${goodPayload}`
const toNumber = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`)
const toBytes = (number: bigint, size = 256) => Buffer.from(number.toString(16).padStart(size * 2, "0"), "hex")
const modulus = toNumber(Buffer.from(String(publicKey.export({ format: "jwk" }).n), "base64url"))
const changedClaims = base64url(object({ ...goodClaims, jti: '"another nonce"' }))

const signatures: Named<Attack> = {
  "a signature that is none": {
    reason: verificationFailed,
    tokens: mapped<Uint8Array, string>(
      {
        empty: Buffer.alloc(0),
        "of one byte": Buffer.alloc(1),
        "without its last byte": signatureBytes.subarray(0, -1),
        "without its first byte": signatureBytes.subarray(1),
        "of half its bytes": signatureBytes.subarray(0, 128),
        "with a byte more": Buffer.concat([signatureBytes, Buffer.alloc(1)]),
        "with a zero before": Buffer.concat([Buffer.alloc(1), signatureBytes]),
        "twice over": Buffer.concat([signatureBytes, signatureBytes]),
        "the other way round": Buffer.from(signatureBytes).reverse(),
        "of zeros": Buffer.alloc(256),
        "of ones": Buffer.alloc(256, 255),
        "of one": toBytes(1n),
        "of the modulus": toBytes(modulus),
        "of the modulus less one": toBytes(modulus - 1n),
        "that is negative": toBytes(modulus - toNumber(signatureBytes)),
        "with the modulus added": toBytes(modulus + toNumber(signatureBytes), 257),
        "of the text itself": Buffer.from(signedText),
        "in hexadecimal": Buffer.from(signatureBytes.toString("hex")),
        "in base64url once more": Buffer.from(goodSignature),
        ...Object.fromEntries(
          [0, 1, 31, 127, 128, 254, 255].flatMap((byte) =>
            [0x01, 0x80].map((bit) => {
              const flipped = Buffer.from(signatureBytes)
              flipped.writeUInt8(flipped.readUInt8(byte) ^ bit, byte)
              return [`with bit ${bit} of byte ${byte} flipped`, flipped]
            }),
          ),
        ),
        ...mapped(
          {
            nothing: "",
            "the header alone": goodHead,
            "the header and a dot": `${goodHead}.`,
            "the payload alone": goodPayload,
            "both without a dot": `${goodHead}${goodPayload}`,
            "both with a dot behind": `${signedText}.`,
            "both with a line break": `${signedText}\n`,
            "both as JSON": `${headerText}.${claimsText}`,
            "the claims as JSON": claimsText,
            "another payload": `${goodHead}.${changedClaims}`,
            "other bytes": "x".repeat(200),
          },
          (text) => rs256()(text),
        ),
        "of the bare digest": privateEncrypt(Signing.privateKey, createHash("sha256").update(signedText).digest()),
        "of SHA-1": rsaOf("sha1")(signedText),
        "of SHA-224": rsaOf("sha224")(signedText),
        "of SHA3-256": rsaOf("sha3-256")(signedText),
        "of another key": rs256(stranger.privateKey)(signedText),
      },
      (signature) => `${signedText}.${base64url(signature)}`,
    ),
  },
  "another text than was signed": {
    reason: verificationFailed,
    tokens: {
      "of other claims": `${goodHead}.${changedClaims}.${goodSignature}`,
      "of the same claims with a blank": `${goodHead}.${base64url(`${claimsText} `)}.${goodSignature}`,
      "of another header": `${base64url(object({ ...goodHeader, typ: '"JWT"' }))}.${goodPayload}.${goodSignature}`,
      "of the same header with a blank": `${base64url(` ${headerText}`)}.${goodPayload}.${goodSignature}`,
      "of another token's signature": `${signedText}.${claims({ jti: '"another"' }).split(".")[2]}`,
    },
  },
}

/** A good token of so many characters, as far as there is one. */
export const ofLength = (length: number, jti: string): string => {
  const signer = rs256()
  for (const kid of ['""', '"k"', '"kk"']) {
    for (let size = Math.floor(length * 0.75); ; size--) {
      const text = `${base64url(object({ ...goodHeader, kid }))}.${base64url(
        object({ ...goodClaims, jti: JSON.stringify(jti), padding: `"${"x".repeat(size)}"` }),
      )}`
      if (text.length + 343 === length) return Raw.signed(text, signer)
      if (text.length + 343 < length) break
    }
  }
  throw new Error(`No token has ${length} characters.`)
}

const lengths: Named<Attack> = {
  "too many characters": {
    reason: /^It has \d+ characters\.$/,
    tokens: {
      ...Object.fromEntries(
        [8_193, 8_194, 10_000, 16_384].map((length) => [String(length), ofLength(length, "a nonce")]),
      ),
      "of a long signature": `${signedText}.${"A".repeat(8_192)}`,
      "that are blank": good + " ".repeat(8_192),
      "that are all dots": ".".repeat(8_193),
    },
  },
}

/** What is bad whatever is configured. */
export const always: Named<Attack> = {
  ...algorithms,
  ...headers,
  ...forms,
  ...encodings,
  ...json,
  ...claimsAlone,
  ...signatures,
  ...lengths,
}

/** What is bad where it has to be from {@link issuer} for {@link audience}. */
export const whereBound: Named<Attack> = {
  "another issuer": {
    reason: /^It is from another issuer: iss\.$/,
    tokens: {
      missing: claims({ iss: undefined }),
      "in the header": token({ header: { iss: `"${issuer}"` }, claims: { iss: undefined } }),
      "in __proto__": claims({ iss: undefined, ["__proto__"]: object({ iss: `"${issuer}"` }) }),
      ...mapped(
        byText([
          "",
          "BitGo",
          "bitgo ",
          " bitgo",
          "bitgo\0",
          "bitg",
          "bitgo.example",
          "ｂitgo",
          "b\u0130tgo",
          "undefined",
          "null",
        ]),
        (name) => claims({ iss: JSON.stringify(name) }),
      ),
    },
  },
  "another audience": {
    reason: /^It is for another audience: aud\.$/,
    tokens: {
      missing: claims({ aud: undefined }),
      "in the header": token({ header: { aud: `"${audience}"` }, claims: { aud: undefined } }),
      "in __proto__": claims({ aud: undefined, ["__proto__"]: object({ aud: `"${audience}"` }) }),
      ...mapped(
        byText(["", "Holdfast", "holdfast ", "holdfast\0", "hold", "holdfast.example", "holdfast,other", "undefined"]),
        (name) => claims({ aud: JSON.stringify(name) }),
      ),
      ...mapped(byText(["[]", '["other"]', '["hold","fast"]', '[""]', '["HOLDFAST"]']), (text) =>
        claims({ aud: text }),
      ),
    },
  },
}

/** The second of two keys that are trusted, and the names of both. */
export const nextKeys = Signing.makeKeys()
export const [firstName, secondName] = ["2026", "2027"]

/** What is bad where the {@link nextKeys} are trusted beside ours. */
export const whereTwoKeys: Named<Attack> = {
  "the name of another key": {
    reason: verificationFailed,
    tokens: {
      "the second's": header({ kid: `"${secondName}"` }),
      "the first's": header({ kid: `"${firstName}"` }, rs256(nextKeys.privateKey)),
    },
  },
  "a key that is neither": {
    reason: verificationFailed,
    tokens: mapped({ "the first's name": firstName, "the second's name": secondName, "another name": "x" }, (name) =>
      header({ kid: JSON.stringify(name) }, rs256(stranger.privateKey)),
    ),
  },
}
