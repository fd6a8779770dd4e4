/** Refuses queries that are not as declared, and says which parameters there are. */
import { Effect, Layer, SchemaAST } from "effect"
import { HttpServerRequest } from "effect/http"
import type { HttpApiEndpoint } from "effect/http-api"
import { KnownQuery } from "../contract/OperatorApi.ts"
import { MalformedRequest } from "../contract/Problems.ts"

const namesOf = ({ query }: HttpApiEndpoint.Top): ReadonlyArray<string> =>
  query !== undefined && SchemaAST.isObjects(query.ast)
    ? query.ast.propertySignatures.map(({ name }) => `${String(name)}`)
    : []

const faultsOf = (query: HttpServerRequest.ParsedSearchParams["Service"], names: ReadonlyArray<string>) => {
  const expected = names.length === 0 ? "This address takes none." : `There are ${names.join(", ")}.`
  return Object.entries(query).flatMap(([name, value]) => {
    if (!names.includes(name)) return [`${name}: Unknown parameter. ${expected}`]
    return typeof value === "string" ? [] : [`${name}: Expected one value. Got ${value.length}.`]
  })
}

export const layer = Layer.succeed(
  KnownQuery,
  KnownQuery.of((httpEffect, { endpoint }) =>
    HttpServerRequest.ParsedSearchParams.pipe(
      Effect.map((query) => faultsOf(query, namesOf(endpoint)).join("; ")),
      Effect.filterOrFail(
        (detail) => detail === "",
        (detail) => new MalformedRequest({ detail }),
      ),
      Effect.andThen(httpEffect),
    ),
  ),
)
