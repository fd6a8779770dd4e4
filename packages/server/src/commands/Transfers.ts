import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { defaultLimit, limit } from "./Connections.ts"
import * as Operator from "./Operator.ts"
import { Failed, orTell, WrongUse } from "./Outcome.ts"

const { column, text } = Operator

const kinds = ["deallocation", "allocation", "lock", "adjustment"] as const
type Kind = (typeof kinds)[number]

const id = Argument.String("transfer-id").pipe(
  Argument.withDescription("Shows this transfer and all that happened to it"),
  Argument.optional,
)

const textFlag = (name: string, what: string, metavar: string) =>
  Flag.String(name).pipe(Flag.withDescription(what), Flag.withMetavar(metavar), Flag.optional)

const filters = {
  kind: Flag.Literals("kind", kinds).pipe(Flag.withDescription("Of this kind alone"), Flag.optional),
  state: Flag.Literals("state", ["RESERVED", "CLEARED", "RELEASED", "REJECTED"]).pipe(
    Flag.withDescription("In this state; adjustments have none"),
    Flag.optional,
  ),
  connectionId: textFlag("connection", "Of this connection", "ID"),
  currency: textFlag("currency", "In this currency", "CODE"),
  olderThan: textFlag("older-than", "For so many seconds in their state, or longer; adjustments have none", "SECONDS"),
  oldest: Flag.Boolean("oldest").pipe(Flag.withDescription("The oldest first"), Flag.withDefault(false)),
  limit,
}

/** One of a kind, as all are shown. */
const ofKind =
  (kind: Kind) =>
  (transfer: Operator.Json): Operator.Json => ({ kind, ...transfer })

const columns = [
  column("kind"),
  { heading: "id", cell: (row: Operator.Json) => text(row[`${text(row["kind"])}Id`]) },
  { heading: "state", cell: (row: Operator.Json) => text(row["state"] ?? row["direction"]) },
  { heading: "quantity", cell: (row: Operator.Json) => amountOf(row, "quantity"), isNumber: true },
  { heading: "currency", cell: (row: Operator.Json) => amountOf(row, "currency") },
  column("connectionId", "connection"),
  column("createdAt", "asked for"),
  { heading: "note", cell: (row: Operator.Json) => text(row["rejectionReason"] ?? row["memo"]) },
]

const amountOf = (row: Operator.Json, field: string) => text((row["amount"] as Operator.Json | undefined)?.[field])

const events = [
  column("at"),
  column("event"),
  { ...column("quantity"), isNumber: true },
  ...Operator.balances.map(({ heading }) => ({
    heading,
    cell: (row: Operator.Json) => text((row["balances"] as Operator.Json | undefined)?.[heading]),
    isNumber: true,
  })),
]

/** The filters that were given. */
const whatIsIn = (options: Readonly<Record<string, Option.Option<string>>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : [])),
  )

const showOne = Effect.fnUntraced(function* (
  client: Operator.Client,
  id: string,
  given: { readonly json: boolean; readonly kind: Option.Option<Kind> },
) {
  for (const kind of Option.match(given.kind, { onSome: (kind) => [kind], onNone: () => kinds })) {
    const found = yield* client.find(`/${kind}s/${encodeURIComponent(id)}`)
    if (found === undefined) continue
    const transfer = ofKind(kind)(found)
    if (given.json) return yield* Operator.printJson(transfer)
    yield* Operator.show([transfer], columns, given)
    return yield* Operator.show(found["journal"] as ReadonlyArray<Operator.Json>, events, given)
  }
  return yield* new Failed({ message: `There is no ${Option.getOrElse(given.kind, () => "transfer")} ${id}.` })
})

export const transfers = Command.make("transfers", { id, ...filters, ...Operator.flags }, (given) =>
  Effect.gen(function* () {
    const client = yield* Operator.connect
    if (Option.isSome(given.id)) {
      const { connectionId, currency, state, olderThan } = given
      const isFiltered = Object.keys(whatIsIn({ connectionId, currency, state, olderThan })).length > 0
      if (isFiltered || given.oldest || given.limit !== defaultLimit) {
        return yield* new WrongUse({
          message:
            "An id shows that one transfer: leave out --connection, --currency, --state, --older-than, --oldest and --limit.",
        })
      }
      return yield* showOne(client, given.id.value, given)
    }
    const hasState = Option.isSome(given.state) || Option.isSome(given.olderThan)
    if (hasState && Option.contains(given.kind, "adjustment")) {
      return yield* new WrongUse({ message: "Adjustments have no state: leave out --state and --older-than." })
    }
    const order = given.oldest ? "oldest" : "newest"
    const { connectionId, currency, state, olderThan } = given
    const query = { order, ...whatIsIn({ connectionId, currency, state, olderThan }) }
    const asked = Option.match(given.kind, {
      onSome: (kind) => [kind],
      onNone: () => kinds.filter((kind) => !hasState || kind !== "adjustment"),
    })
    const lists = yield* Effect.forEach(asked, (kind) =>
      Effect.map(client.list(`${kind}s`, `/${kind}s`, query, given.limit), ({ items, isMore }) => ({
        items: items.map(ofKind(kind)),
        isMore,
      })),
    )
    const sign = given.oldest ? 1 : -1
    const all = lists
      .flatMap(({ items }) => items)
      .sort((one, other) => sign * text(one["createdAt"]).localeCompare(text(other["createdAt"])))
    yield* Operator.show(all.slice(0, given.limit), columns, given)
    yield* Operator.tellOfMore(all.length > given.limit || lists.some(({ isMore }) => isMore))
  }).pipe(
    Operator.overriding(given),
    orTell(Option.isSome(given.id) ? "Cannot show the transfer" : "Cannot list transfers"),
  ),
).pipe(
  Command.withDescription(
    "Lists the transfers of a running server, the newest first, or shows one with its journal. Amounts have every digit.",
  ),
  Command.withShortDescription("lists transfers, or shows one with its journal"),
  Command.withExamples([
    {
      command: "holdfast transfers --kind deallocation --state RESERVED --older-than 3600 --oldest",
      description: "what has been reserved for too long",
    },
  ]),
)
