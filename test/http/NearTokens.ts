/** Tokens that are nearly good: good parts with a few changes, signed, and changed once more. */
import { assert } from "@effect/vitest"
import fc from "fast-check"
import { mostly } from "../support/Generators.ts"
import * as Raw from "../support/RawTokens.ts"

const { audience, issuer, nowSeconds } = Raw

/** What a token is made of, and what is done to it before it is signed and after: data, so that a failure shows it. */
export interface Draft {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly before: ReadonlyArray<Edit>
  readonly after: ReadonlyArray<Edit>
}

type Edit =
  | { readonly edit: "put" | "insert" | "delete"; readonly at: number; readonly text: string }
  | { readonly edit: "drop" | "double" | "swap" | "empty"; readonly part: number }
  | { readonly edit: "recode"; readonly part: number; readonly how: string }

const recode: Readonly<Record<string, (part: string) => string>> = {
  padded: (part) => part.padEnd(Math.ceil(part.length / 4) * 4, "="),
  standard: (part) => part.replaceAll("-", "+").replaceAll("_", "/"),
  spaced: (part) => `${part.slice(0, 5)}\n ${part.slice(5)}`,
  marked: (part) => Raw.base64url(`\ufeff${Buffer.from(part, "base64url")}`),
  blank: (part) => Raw.base64url(`${Buffer.from(part, "base64url")} `),
  long: (part) => `${part}A`,
  // Another letter that stands for the same bytes, as long as some of its bits mean nothing.
  loose: (part) => part.slice(0, -1) + String.fromCharCode(part.charCodeAt(part.length - 1) + 1),
}

const apply = (text: string, edit: Edit): string => {
  if ("at" in edit) {
    const at = Math.floor(edit.at * text.length)
    const put = edit.edit === "delete" ? "" : edit.text
    return text.slice(0, at) + put + text.slice(edit.edit === "insert" ? at : at + 1)
  }
  const parts = text.split(".")
  const at = edit.part % parts.length
  const part = parts[at] ?? ""
  if (edit.edit === "recode") parts[at] = recode[edit.how]?.(part) ?? assert.fail(edit.how)
  else if (edit.edit === "drop") parts.splice(at, 1)
  else if (edit.edit === "double") parts.splice(at, 0, part)
  else if (edit.edit === "empty") parts[at] = ""
  else parts.push(...parts.splice(at, 1))
  return parts.join(".")
}

export const textOf = ({ header, claims, before, after }: Draft): string => {
  const unsigned = [header, claims].map((part) => Raw.base64url(JSON.stringify(part))).join(".")
  return after.reduce(apply, Raw.signed(before.reduce(apply, unsigned)))
}

const seconds = (...offsets: ReadonlyArray<number>) => fc.constantFrom(...offsets.map((offset) => nowSeconds + offset))
const around = fc
  .oneof(...[-65, -60, -5, 0, 5, 60, 65].map((border) => fc.double({ min: border - 1, max: border + 1, noNaN: true })))
  .map((offset) => nowSeconds + offset)
const borders = seconds(-66, -65, -64, -61, -60, -59, -6, -5, -4, -1, 0, 1, 4, 5, 6, 59, 60, 61, 64, 65, 66)

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    undefined,
    null,
    true,
    "",
    0,
    -1,
    1e308,
    5e-324,
    [],
    {},
    [[]],
    String(nowSeconds),
    nowSeconds * 1_000,
  ),
)

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    edit: fc.constantFrom("put", "insert", "delete"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    text: fc.oneof(
      fc.constantFrom(...'.-_+/= \n\t\0"\u0141é', ..."ABCDwxyz0189"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 2 }),
    ),
  }),
  fc.record({ edit: fc.constantFrom("drop", "double", "swap", "empty"), part: fc.nat(2) }),
  fc.record({ edit: fc.constant("recode"), part: fc.nat(2), how: fc.constantFrom(...Object.keys(recode)) }),
)
const edits = fc.oneof(
  { weight: 6, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(edit, { minLength: 1, maxLength: 2 }) },
)

const changes = (names: ReadonlyArray<string>, values: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 2, noNullPrototype: true }) },
  )

const header = fc
  .tuple(
    fc.record(
      { alg: fc.constant("RS256"), typ: fc.constantFrom("JWT", "jwt", "x"), kid: fc.constantFrom("bitgo", "x", "") },
      { requiredKeys: ["alg"], noNullPrototype: true },
    ),
    changes(
      ["alg", "kid", "typ", "crit", "b64", "jwk", "zip", "x"],
      fc.oneof(anything, fc.constantFrom("RS512", "none", "HS256", "RS256 ", ["b64"], ["exp"], false)),
    ),
  )
  .map(([usual, changes]) => ({ ...usual, ...changes }))

const claims = fc
  .tuple(
    fc.record(
      {
        iat: mostly(seconds(-59, -30, -1, 0, 0.5, 1, 5), fc.oneof(borders, around)),
        jti: fc.string({ unit: "grapheme", minLength: 1, maxLength: 9 }),
        iss: mostly<unknown>(fc.constant(issuer), fc.constantFrom(undefined, "x", "BitGo", [issuer])),
        aud: mostly<unknown>(
          fc.constantFrom(audience, [audience], ["x", audience]),
          fc.constantFrom(undefined, "x", "holdfast.example", ["x"], []),
        ),
        nbf: mostly(seconds(-100, 0, 5), fc.oneof(borders, around)),
      },
      { requiredKeys: ["iat", "jti", "iss", "aud"], noNullPrototype: true },
    ),
    mostly(
      fc.constantFrom(60, 59.5, 60),
      fc.oneof(fc.constantFrom(0, 1, 54, 55, 60.5, 61), fc.double({ min: 54, max: 61, noNaN: true })),
    ),
    changes(["iat", "exp", "nbf", "jti", "iss", "aud", "sub", "x"], fc.oneof(anything, borders, around)),
  )
  .map(([usual, life, changes]) => ({ ...usual, exp: usual.iat + life, ...changes }))

export const draft: fc.Arbitrary<Draft> = fc.record({ header, claims, before: edits, after: edits })
