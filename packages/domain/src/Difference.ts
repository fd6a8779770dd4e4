/**
 * Differences: where a repeated request departs from what was recorded under
 * its id, field by field.
 */
import { Schema } from "effect"

/**
 * One field with its recorded and its repeated value, as text. A field that one
 * side lacks has `null` there.
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
 * All fields in which two flat records differ, in the order of the first.
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
export const between = <Fields extends Readonly<Record<string, string | null>>>(
  recorded: Fields,
  repeated: Fields,
): ReadonlyArray<Difference> =>
  Object.entries(recorded).flatMap(([field, value]) => {
    const other = repeated[field] ?? null
    return value === other ? [] : [{ field, recorded: value, repeated: other }]
  })

/**
 * The recorded and the repeated value of each field, as a clause of a message.
 *
 * @category conversions
 */
export const describe = (differences: ReadonlyArray<Difference>): string =>
  differences.map(({ field, recorded, repeated }) => `${field} ${recorded}, not ${repeated}`).join("; ")
