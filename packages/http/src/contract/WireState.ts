/** States of transfers, and the events that lead to them, as they stand on the wire: in capitals. */
import { Transfer } from "@holdfast/domain"
import { Schema, SchemaTransformation, String as String_ } from "effect"

const inCapitals = <State extends Transfer.State>(states: Schema.Literals<ReadonlyArray<State>>) =>
  Schema.Literals(states.literals.map((state) => String_.toUpperCase(state))).pipe(
    Schema.decodeTo(
      states,
      SchemaTransformation.transform({
        decode: (text) => String_.capitalize(String_.toLowerCase(text)) as State,
        encode: (state: State) => String_.toUpperCase(state),
      }),
    ),
  )

export const WireState = inCapitals(Transfer.TwoPhaseState)

/** Of any kind. */
export const WireEvent = inCapitals(Transfer.State)

/** Of what is done at once. */
export const WireAdjustment = inCapitals(Schema.Literals(["Credited", "Debited"]))
