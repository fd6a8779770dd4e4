/** The state of a transfer as it stands on the wire, in capitals. */
import { Transfer } from "@holdfast/domain"
import { Schema, SchemaTransformation, String as String_ } from "effect"

const { literals } = Transfer.TwoPhaseState

export const WireState = Schema.Literals(literals.map((state) => String_.toUpperCase(state))).pipe(
  Schema.decodeTo(
    Transfer.TwoPhaseState,
    SchemaTransformation.transform({
      decode: (state) => String_.capitalize(String_.toLowerCase(state)),
      encode: String_.toUpperCase,
    }),
  ),
)
