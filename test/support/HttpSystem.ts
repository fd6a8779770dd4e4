/** A server over HTTP as a system under test. */
import { type Model, System } from "@holdfast/domain/testing"
import { Effect } from "effect"
import type * as HttpClient from "./HttpClient.ts"

export const fromClient = (call: HttpClient.Call): System.System => {
  const send = (...request: Parameters<HttpClient.Call>) => Effect.promise(() => call(...request))
  const ask = <A>(read: (json: Json) => A, ...request: Parameters<HttpClient.Call>): Effect.Effect<Model.Outcome<A>> =>
    Effect.map(send(...request), (answer) => outcomeOf(read, request, answer))
  const outcomeOf = <A>(
    read: (json: Json) => A,
    request: Parameters<HttpClient.Call>,
    { status, text }: { readonly status: number; readonly text: string },
  ): Model.Outcome<A> => {
    const json = parse(text)
    if (status === 200) return { ok: read(json) }
    const refused = refusals[String(json["type"]).replace("urn:holdfast:problem:", "")]
    if (refused === undefined) throw new Error(`${request.join(" ")}: ${status} ${text}`)
    if (json["differences"] === undefined) return { refused }
    const differences = (json["differences"] as ReadonlyArray<Difference>).map(
      ({ field, recorded, repeated }) => [field, [recorded, repeated]] as const,
    )
    return { refused, differences: Object.fromEntries(differences) }
  }
  /** Where one is found and settled: what the network asks for, by it. */
  const one = ({ kind, id }: Model.Reference) =>
    kind === "lock" ? `/operator/v1/locks/${id}` : `/bitgo/v1/${kind}/${id}`
  const tokens = new Map<string, string>()
  return {
    register: ({ connectionId, ...identifiers }) =>
      ask(() => "registered" as const, "PUT", `/operator/v1/connections/${connectionId}`, identifiers),
    connect: ({ token: connectionToken, ...ids }) =>
      ask(() => "registered" as const, "POST", "/bitgo/v1/connections", { ...ids, connectionToken }),
    issueToken: Effect.fnUntraced(function* (account) {
      const { status, text } = yield* send("POST", "/operator/v1/connection-tokens", account)
      if (status !== 201) throw new Error(text)
      const { connectionToken, tokenId } = parse(text)
      tokens.set(String(connectionToken), String(tokenId))
      return String(connectionToken)
    }),
    revokeToken: Effect.fnUntraced(function* (token) {
      const { status, text } = yield* send("PUT", `/operator/v1/connection-tokens/${tokens.get(token)}/revoke`)
      if (status !== 200 && !text.includes("connection-token-used")) throw new Error(text)
    }),
    suspend: (connectionId, suspended) =>
      ask(
        (json) => (json["suspended"] === true ? "suspended" : "resumed"),
        "PUT",
        `/operator/v1/connections/${connectionId}/${suspended ? "suspend" : "resume"}`,
      ),
    adjust: ({ adjustmentId, ...adjustment }, newCurrency) =>
      ask(() => "adjusted" as const, "PUT", `/operator/v1/adjustments/${adjustmentId}`, {
        ...adjustment,
        ...(newCurrency === true ? { newCurrency } : {}),
      }),
    reserve: ({ kind, id, ...terms }) =>
      kind === "lock"
        ? ask((json) => answered(kind, json), "PUT", one({ kind, id }), terms)
        : ask((json) => answered(kind, json), "POST", `/bitgo/v1/${kind}s`, { [`${kind}Id`]: id, ...terms }),
    clear: (reference) => ask((json) => answered(reference.kind, json), "PUT", `${one(reference)}/clear`),
    release: (reference) => ask((json) => answered(reference.kind, json), "PUT", `${one(reference)}/release`),
    find: (reference) => ask((json) => shown(reference.kind, json), "GET", one(reference)),
    list: ({ kind, connectionId, status, currency }, limit) => {
      const query = new URLSearchParams({ connectionId, limit: `${limit}` })
      if (status !== undefined) query.set("state", status)
      if (currency !== undefined) query.set("currency", currency)
      return System.pagesOf(
        Effect.fnUntraced(function* (cursor: string | undefined) {
          if (cursor !== undefined) query.set("cursor", cursor)
          const { status, text } = yield* send("GET", `/operator/v1/${kind}s?${query}`)
          if (status !== 200) throw new Error(text)
          const page = parse(text)
          const items = (page[`${kind}s`] as ReadonlyArray<Json>).map((json) => ({
            ...shown(kind, json),
            createdAt: String(json["createdAt"]),
          }))
          return { items, next: page["nextCursor"] === null ? undefined : String(page["nextCursor"]) }
        }),
        ({ id }) => id,
      )
    },
    connection: (id) =>
      ask(
        (json) => {
          const balances = (json["balances"] as ReadonlyArray<Record<string, string>>).map(
            ({ currency = "", ...balance }) => [currency, balance],
          )
          return { ...json, balances: Object.fromEntries(balances) } as unknown as Model.Registered
        },
        "GET",
        `/operator/v1/connections/${id}`,
      ),
  }
}

/** Under the names of the model; what the operator is shown has more fields, and the state under another name. */
const shown = (kind: Model.Kind, { state, createdAt: _, updatedAt: __, journal: ___, ...json }: Json) => {
  const noun = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`
  const { [`${kind}Id`]: id, [`partner${noun}Id`]: partnerTransferId, ...rest } = json
  const partners = partnerTransferId === undefined ? {} : { partnerTransferId }
  const status = state === undefined ? {} : { status: state }
  return { kind, id, ...partners, ...rest, ...status } as unknown as System.Real<Model.Shown>
}

const answered = (kind: Model.Kind, json: Json): System.Real<Model.Answer> => {
  const { status: _, ...answer } = shown(kind, json)
  return answer
}

interface Json {
  readonly [field: string]: unknown
}

interface Difference {
  readonly field: string
  readonly recorded: string | null
  readonly repeated: string | null
}

/** Numbers stay as they are written. */
const parse = (text: string): Json =>
  JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? context?.source : value,
  )

const refusals: Readonly<Record<string, Model.Refusal>> = {
  "deallocation-not-found": "NOT_FOUND",
  "allocation-not-found": "NOT_FOUND",
  "lock-not-found": "NOT_FOUND",
  "connection-token-refused": "TOKEN_REFUSED",
  "account-connected": "ACCOUNT_CONNECTED",
  "unknown-currency": "UNKNOWN_CURRENCY",
  "currency-looks-alike": "CURRENCY_LOOKS_ALIKE",
  "state-conflict": "STATE_CONFLICT",
  "terms-mismatch": "TERMS_MISMATCH",
  "adjustment-mismatch": "TERMS_MISMATCH",
  "connection-conflict": "TERMS_MISMATCH",
  "id-in-use": "ID_IN_USE",
  "connection-not-found": "CONNECTION_NOT_FOUND",
  "insufficient-balance": "INSUFFICIENT_BALANCE",
  "base-units-overflow": "OVERFLOW",
}
