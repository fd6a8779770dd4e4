/** A server over HTTP as a system under test. */
import type * as HttpClient from "./HttpClient.ts"
import type * as Model from "./Model.ts"
import type { Real, System } from "./System.ts"

export const fromClient = (call: HttpClient.Call): System => {
  const ask = async <A>(
    read: (json: Json) => A,
    ...request: Parameters<HttpClient.Call>
  ): Promise<Model.Outcome<A>> => {
    const { status, text } = await call(...request)
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
  const deallocation = ({ id }: Model.Reference) => `/bitgo/v1/deallocation/${id}`
  return {
    register: ({ connectionId, ...identifiers }) =>
      ask(() => "registered" as const, "PUT", `/operator/v1/connections/${connectionId}`, identifiers),
    adjust: ({ adjustmentId, ...adjustment }) =>
      ask(() => "adjusted" as const, "PUT", `/operator/v1/adjustments/${adjustmentId}`, adjustment),
    reserve: ({ kind: _, id: deallocationId, ...terms }) =>
      ask((json) => shown(json), "POST", "/bitgo/v1/deallocations", { deallocationId, ...terms }),
    clear: (reference) => ask((json) => shown(json), "PUT", `${deallocation(reference)}/clear`),
    release: (reference) => ask((json) => shown(json), "PUT", `${deallocation(reference)}/release`),
    find: (reference) => ask((json) => shown(json) as Real<Model.Shown>, "GET", deallocation(reference)),
    list: async ({ connectionId, status, currency }, limit) => {
      const query = new URLSearchParams({ connectionId, limit: `${limit}` })
      if (status !== undefined) query.set("state", status)
      if (currency !== undefined) query.set("currency", currency)
      const all: Array<Real<Model.Shown>> = []
      for (let cursor: unknown; cursor !== null; ) {
        const { status, text } = await call("GET", `/operator/v1/deallocations?${query}`)
        if (status !== 200) throw new Error(text)
        const page = parse(text)
        for (const { state, createdAt: _, updatedAt: __, ...json } of page["deallocations"] as ReadonlyArray<Json>) {
          all.push({ ...shown(json), status: state } as Real<Model.Shown>)
        }
        cursor = page["nextCursor"]
        query.set("cursor", String(cursor))
      }
      return all
    },
    connection: (id) =>
      ask(
        (json) => {
          const balances = (json["balances"] as ReadonlyArray<Record<string, string>>).map(
            // Nothing over HTTP changes the others yet.
            ({ currency = "", ...balance }) => [currency, { pending: "0", locked: "0", ...balance }],
          )
          return { ...json, balances: Object.fromEntries(balances) } as unknown as Model.Registered
        },
        "GET",
        `/operator/v1/connections/${id}`,
      ),
  }
}

/** Under the names of the model. */
const shown = ({ deallocationId: id, partnerDeallocationId: partnerTransferId, ...rest }: Json) =>
  ({ kind: "deallocation", id, partnerTransferId, ...rest }) as unknown as Real<Model.Answer>

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
  "state-conflict": "STATE_CONFLICT",
  "terms-mismatch": "TERMS_MISMATCH",
  "adjustment-mismatch": "TERMS_MISMATCH",
  "connection-conflict": "TERMS_MISMATCH",
  "id-in-use": "ID_IN_USE",
  "connection-not-found": "CONNECTION_NOT_FOUND",
  "insufficient-balance": "INSUFFICIENT_BALANCE",
  "base-units-overflow": "OVERFLOW",
}
