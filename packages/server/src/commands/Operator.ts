/** A running server, asked as its operator. Answers are passed on as they come: amounts are text there, with every digit. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Console, Effect, Redacted } from "effect"
import { TerminalCapabilities } from "effect/cli"
import * as SimulationSettings from "../settings/SimulationSettings.ts"
import * as Table from "../terminal/Table.ts"
import * as Environment from "./Environment.ts"
import { Failed, WrongUse } from "./Outcome.ts"

/** Where it is, for every command that asks it. */
export const flags = {
  url: Environment.flags.HOLDFAST_URL,
  dataDirectory: Environment.flags.DATA_DIR,
  json: Environment.json,
}

export type Flags = {
  readonly url: Parameters<typeof Environment.overriding>[0]["HOLDFAST_URL"] & {}
  readonly dataDirectory: Parameters<typeof Environment.overriding>[0]["DATA_DIR"] & {}
}

export const overriding = ({ url, dataDirectory }: Flags) =>
  Environment.overriding({ HOLDFAST_URL: url, DATA_DIR: dataDirectory })

/** An object of an answer. */
export type Json = Readonly<Record<string, unknown>>

/** A field as text; nothing where it is missing. */
export const text = (value: unknown): string => (value === undefined || value === null ? "" : String(value))

export interface Client {
  /** The answer; none where there is no such thing. */
  readonly find: (path: string) => Effect.Effect<Json | undefined, Failed | WrongUse>
  readonly ask: (method: "GET" | "POST" | "PUT", path: string, body?: Json) => Effect.Effect<Json, Failed | WrongUse>
  /** So many of a list, over as many pages as that takes, and whether there are more. */
  readonly list: (
    name: string,
    path: string,
    query: Readonly<Record<string, string>>,
    limit: number,
  ) => Effect.Effect<{ readonly items: ReadonlyArray<Json>; readonly isMore: boolean }, Failed | WrongUse>
}

const pageSize = 200

/** What the command line calls the fields of a call. */
const flagOf: Readonly<Record<string, string>> = {
  connectionId: "--connection",
  currency: "--currency",
  expiresInSeconds: "--expires-in",
  olderThan: "--older-than",
  partnerClientId: "--client",
  partnersConnectionId: "--account",
}

/** In the words of whoever called: what is looked at has nothing but an id that they said. */
const asCalled = (detail: string, isOfAnId: boolean): string =>
  detail.replaceAll(/\b([a-z]+[a-zA-Z]*):(?= )/g, (said, field: string) =>
    isOfAnId ? "id:" : flagOf[field] === undefined ? said : `${flagOf[field]}:`,
  )

export const connect: Effect.Effect<Client, SimulationSettings.CannotStart> = Effect.gen(function* () {
  const { url, operatorToken } = yield* SimulationSettings.loadOperator

  const call = Effect.fnUntraced(function* (method: string, path: string, body?: Json) {
    const response = yield* Effect.tryPromise({
      try: async (signal) => {
        const headers = { authorization: `Bearer ${Redacted.value(operatorToken)}` }
        const init =
          body === undefined
            ? { headers }
            : { headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) }
        const response = await fetch(`${url}/operator/v1${path}`, { method, signal, ...init })
        return { status: response.status, json: (await response.json().catch(() => ({}))) as Json }
      },
      catch: () => new Failed({ message: SimulationSettings.noServerAt(url) }),
    }).pipe(
      Effect.timeoutOrElse({
        duration: "30 seconds",
        orElse: () => new Failed({ message: `${url} has not answered for 30 seconds.` }),
      }),
    )
    const { status, json } = response
    const detail = text(json["detail"] ?? json["title"])
    if (status === 401) {
      const message = `OPERATOR_TOKEN: ${url} does not take this token. It takes those of its own OPERATOR_TOKEN, OPERATOR_TOKEN_FILE and OPERATORS_FILE: a server that has any of these does not know the one in DATA_DIR/operator-token.`
      return yield* new WrongUse({ message })
    }
    if (status === 400)
      return yield* new WrongUse({ message: asCalled(detail, method === "GET" && !path.includes("?")) })
    return { status, json, detail }
  })

  const ask: Client["ask"] = Effect.fnUntraced(function* (method, path, body) {
    const { status, json, detail } = yield* call(method, path, body)
    return status < 300 ? json : yield* new Failed({ message: `${detail} (${status})` })
  })

  const client: Client = {
    ask,
    find: Effect.fnUntraced(function* (path) {
      const { status, json, detail } = yield* call("GET", path)
      if (status === 404) return undefined
      return status < 300 ? json : yield* new Failed({ message: `${detail} (${status})` })
    }),
    list: Effect.fnUntraced(function* (name, path, query, limit) {
      const items: Array<Json> = []
      let cursor: string | undefined
      do {
        const size = String(Math.min(limit - items.length, pageSize))
        const page = yield* ask(
          "GET",
          `${path}?${new URLSearchParams({ ...query, limit: size, ...(cursor && { cursor }) })}`,
        )
        items.push(...(page[name] as ReadonlyArray<Json>))
        cursor = text(page["nextCursor"]) || undefined
      } while (cursor !== undefined && items.length < limit)
      return { items, isMore: cursor !== undefined }
    }),
  }
  return client
}).pipe(Effect.provide(NodeFileSystem.layer))

export const printJson = (value: unknown) => Console.log(JSON.stringify(value))

/** Prints rows: as a table, or all of them as one JSON array. */
export const show = Effect.fnUntraced(function* (
  rows: ReadonlyArray<Json>,
  columns: ReadonlyArray<Table.Column<Json>>,
  { json }: { readonly json: boolean },
) {
  if (json) return yield* printJson(rows)
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  for (const line of Table.lines(columns, rows, { bold: canColor })) yield* Console.log(line)
})

/** Says where a list was cut. */
export const tellOfMore = (isMore: boolean) =>
  isMore ? Console.error("There are more: --limit says how many to list.") : Effect.void

/** A column of the field of the same name. */
export const column = (field: string, heading = field): Table.Column<Json> => ({
  heading,
  cell: (row) => text(row[field]),
})

/** The balances of an account, in columns. */
export const balances = ["pending", "available", "locked", "reserved", "deallocated"].map(
  (name): Table.Column<Json> => ({ ...column(name), isNumber: true }),
)
