import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Operator from "./Operator.ts"
import { Failed, orTell, WrongUse } from "./Outcome.ts"

const { column } = Operator

const id = Argument.String("connection-id").pipe(
  Argument.withDescription("Shows this connection with its balances"),
  Argument.optional,
)
const suspended = Flag.Boolean("suspended").pipe(
  Flag.withDescription("Lists those that are suspended"),
  Flag.withDefault(false),
)

export const defaultLimit = 50

export const limit = Flag.Int("limit").pipe(
  Flag.withDescription(`How many to list at the most (${defaultLimit})`),
  Flag.filter(
    (limit) => limit > 0,
    (limit) => `Expected 1 or more. Got ${limit}.`,
  ),
  Flag.withDefault(defaultLimit),
)

export const connections = Command.make("connections", { id, suspended, limit, ...Operator.flags }, (given) =>
  Effect.gen(function* () {
    const client = yield* Operator.connect
    if (Option.isSome(given.id)) {
      if (given.suspended || given.limit !== defaultLimit) {
        return yield* new WrongUse({
          message: "An id shows that one connection: leave out --suspended and --limit.",
        })
      }
      const path = `/connections/${encodeURIComponent(given.id.value)}`
      const connection = yield* client.find(path)
      if (connection === undefined) return yield* new Failed({ message: `There is no connection ${given.id.value}.` })
      const balances = connection["balances"] as ReadonlyArray<Operator.Json>
      if (given.json) return yield* Operator.printJson(connection)
      yield* Operator.show([connection], columns, given)
      if (balances.length > 0) yield* Operator.show(balances, [column("currency"), ...Operator.balances], given)
      return
    }
    const query: Record<string, string> = given.suspended ? { suspended: "true" } : {}
    const { items, isMore } = yield* client.list("connections", "/connections", query, given.limit)
    yield* Operator.show(items, columns, given)
    yield* Operator.tellOfMore(isMore)
  }).pipe(
    Operator.overriding(given),
    orTell(Option.isSome(given.id) ? "Cannot show the connection" : "Cannot list connections"),
  ),
).pipe(
  Command.withDescription("Lists the connections of a running server, or shows one with its balances."),
  Command.withShortDescription("lists connections, or shows one with its balances"),
)

const columns = [
  column("connectionId", "connection"),
  column("partnersConnectionId", "account"),
  column("partnerClientId", "client"),
  { heading: "state", cell: (row: Operator.Json) => (row["suspended"] === true ? "suspended" : "active") },
]
