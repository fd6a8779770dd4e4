import { Effect } from "effect"
import { Command } from "effect/cli"
import * as Operator from "./Operator.ts"
import { orTell } from "./Outcome.ts"

export const balances = Command.make("balances", Operator.flags, (given) =>
  Effect.gen(function* () {
    const client = yield* Operator.connect
    const { totals } = yield* client.ask("GET", "/balances")
    const columns = [
      Operator.column("currency"),
      ...Operator.balances,
      { ...Operator.column("accounts"), isNumber: true },
    ]
    yield* Operator.show(totals as ReadonlyArray<Operator.Json>, columns, given)
  }).pipe(Operator.overriding(given), orTell("Cannot show balances")),
).pipe(
  Command.withDescription(
    "Shows the balances of all connections of a running server together, by currency, with every digit.",
  ),
  Command.withShortDescription("shows the balances of all connections together"),
)
