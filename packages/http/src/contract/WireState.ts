/** The state of a deallocation as it stands on the wire, in capitals. */
import { Schema, SchemaTransformation, String as String_ } from "effect"

const recorded = ["Reserved", "Rejected", "Cleared", "Released"] as const

export const WireState = Schema.Literals(["RESERVED", "REJECTED", "CLEARED", "RELEASED"]).pipe(
  Schema.decodeTo(
    Schema.Literals(recorded),
    SchemaTransformation.transform({
      decode: (state) => String_.capitalize(String_.toLowerCase(state)),
      encode: String_.toUpperCase,
    }),
  ),
)
