/**
 * Amounts as they stand on the wire. The network sends a quantity as a string of
 * digits and gets it back as a JSON number, with every digit; the partner's own
 * side uses strings both ways.
 */
import { Amount, BaseUnits } from "@holdfast/domain"
import { Schema, SchemaTransformation } from "effect"

declare global {
  interface RawJson {
    readonly rawJSON: string
  }
  interface JSON {
    /** A value that `stringify` writes as it is. */
    rawJSON(text: string): RawJson
    isRawJSON(value: unknown): value is RawJson
  }
}

/** For the OpenAPI document: what is wrong with a string, `BaseUnits` says better. */
const documented = Schema.makeFilter((_: string) => undefined, {
  toJsonSchema: () => ({ pattern: "^[1-9][0-9]{0,77}$" }),
})

/** An amount with its quantity as a string of digits. */
export const FromString = Schema.Struct({
  currency: Amount.Currency,
  quantity: Schema.String.annotate({
    description: "Base units in decimal digits, 1 to 2^256 - 1.",
    message: "Expected a string of digits, not a JSON number.",
  })
    .check(documented)
    .pipe(Schema.decodeTo(BaseUnits.FromString)),
}).pipe(Schema.decodeTo(Amount.Positive))

/** The same, or with its quantity as a JSON number: of what was sent, `Json.parse` keeps the text. */
export const FromStringOrNumber = Schema.Struct({
  currency: Amount.Currency,
  quantity: Schema.Any.annotate({ description: "Base units in decimal digits, 1 to 2^256 - 1, in quotes or not." })
    .check(
      Schema.makeFilter((value: unknown) => typeof value === "string" || JSON.isRawJSON(value), {
        expected: "a string of digits or a JSON number",
        toJsonSchema: () => ({
          anyOf: [
            { type: "string", pattern: "^[1-9][0-9]{0,77}$" },
            { type: "integer", minimum: 1 },
          ],
        }),
      }),
    )
    .pipe(
      Schema.decodeTo(
        Schema.String,
        SchemaTransformation.transform({
          decode: (value: string | RawJson) => (typeof value === "string" ? value : value.rawJSON),
          encode: (text) => text,
        }),
      ),
      Schema.decodeTo(BaseUnits.FromString),
    ),
}).pipe(Schema.decodeTo(Amount.Positive))

/** A client that reads JSON numbers as doubles learns of it before it loses digits. */
const RawNumber = Schema.Any.annotate({ description: "Base units, with every digit." }).check(
  Schema.makeFilter((value: unknown) => JSON.isRawJSON(value) || Number.isSafeInteger(value), {
    expected: "an integer that fits a double",
    toJsonSchema: () => ({ type: "integer", minimum: 1 }),
  }),
)

const rawNumber = (units: bigint): RawJson => JSON.rawJSON(units.toString(10))

/** An amount as {@link ToNumber} encodes it. */
export const withNumber = ({ currency, quantity }: Amount.Amount): typeof ToNumber.Encoded => ({
  currency,
  quantity: rawNumber(quantity),
})

/** An amount as {@link FromString} encodes it. */
export const withString = ({ currency, quantity }: Amount.Amount): typeof FromString.Encoded => ({
  currency,
  quantity: quantity.toString(10),
})

/** An amount with its quantity as a JSON number of any length. */
export const ToNumber = Schema.Struct({
  currency: Amount.Currency,
  quantity: RawNumber.pipe(
    Schema.decodeTo(
      BaseUnits.BaseUnits,
      SchemaTransformation.transform({
        decode: (number) => BigInt(JSON.isRawJSON(number) ? number.rawJSON : number),
        encode: rawNumber,
      }),
    ),
  ),
})
