/**
 * Differences: where a repeated request departs from what was recorded under
 * its id, field by field.
 */
import { Schema } from "effect"
import type * as BaseUnits from "./BaseUnits.ts"

/**
 * One field with its recorded and its repeated value, as text. A field that one
 * side lacks has `null` there.
 *
 * ```ts
 * import { Difference } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * // The repeat has a memo, which the first request had not.
 * const [difference] = Difference.between({ id: "7" }, { id: "7", memo: "deposit" })
 * assert.deepEqual(difference, { field: "memo", recorded: null, repeated: "deposit" })
 * assert.ok(Schema.is(Difference.Difference)(difference))
 * ```
 *
 * @category schemas
 */
export const Difference = Schema.Struct({
  field: Schema.String,
  recorded: Schema.NullOr(Schema.String),
  repeated: Schema.NullOr(Schema.String),
})

/** @category models */
export type Difference = typeof Difference.Type

/**
 * What can be compared: text and base units, under names.
 *
 * @category models
 */
export interface Comparable {
  readonly [field: string]: string | BaseUnits.BaseUnits | undefined | Comparable
}

/**
 * Text by the names of fields; those of a field within a field are joined by points.
 *
 * @category models
 */
export type Flat = Readonly<Record<string, string>>

/**
 * Writes each field that a schema declares as text: a function that gives the
 * fields of one of its values in their order, without those that it lacks.
 *
 * ```ts
 * import { Amount, BaseUnits, Difference } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const flat = Difference.flattener(Schema.Struct({ amount: Amount.Amount, memo: Schema.optionalKey(Schema.String) }))
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(5n) }
 * assert.deepEqual(flat({ amount }), { "amount.currency": "BTC", "amount.quantity": "5" })
 * ```
 *
 * @category conversions
 */
export const flattener = <Fields extends Schema.Struct.Fields>(
  schema: Schema.Struct<Fields> & (Schema.Struct<Fields>["Type"] extends Comparable ? unknown : never),
): ((value: Schema.Struct<Fields>["Type"]) => Flat) => {
  const leaves = leavesOf(schema, [])
  return (value) => {
    const flat: Record<string, string> = {}
    for (const [name, path] of leaves) {
      let leaf: unknown = value
      for (const field of path) leaf = (leaf as Readonly<Record<string, unknown>>)[field]
      if (leaf !== undefined) flat[name] = String(leaf)
    }
    return flat
  }
}

type Leaf = readonly [name: string, path: ReadonlyArray<string>]

const leavesOf = (schema: { readonly fields: Schema.Struct.Fields }, path: ReadonlyArray<string>): Array<Leaf> =>
  Object.entries(schema.fields).flatMap(([field, inner]): Array<Leaf> => {
    const inside = [...path, field]
    return "fields" in inner ? leavesOf(inner as typeof schema, inside) : [[inside.join("."), inside]]
  })

/**
 * All fields in which two flat records differ, in the order of the first, then
 * those that only the second has.
 *
 * ```ts
 * import { Difference } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const differences = Difference.between({ currency: "BTC", quantity: "5" }, { currency: "BTC", quantity: "6" })
 * assert.deepEqual(differences, [{ field: "quantity", recorded: "5", repeated: "6" }])
 * ```
 *
 * @category comparing
 */
export const between = (recorded: Flat, repeated: Flat): ReadonlyArray<Difference> =>
  Object.keys({ ...recorded, ...repeated }).flatMap((field) => {
    const [one = null, other = null] = [recorded[field], repeated[field]]
    return one === other ? [] : [{ field, recorded: one, repeated: other }]
  })

/**
 * The recorded and the repeated value of each field, as a clause of a message.
 *
 * ```ts
 * import { Difference } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const differences = Difference.between({ currency: "BTC", quantity: "5" }, { currency: "ETH", quantity: "6" })
 * assert.equal(Difference.describe(differences), "currency BTC, not ETH; quantity 5, not 6")
 * ```
 *
 * @category conversions
 */
export const describe = (differences: ReadonlyArray<Difference>): string =>
  differences.map(({ field, recorded, repeated }) => `${field} ${recorded}, not ${repeated}`).join("; ")
