/** Which addresses there are, by the patterns they are declared with. */
import { FindMyWay, type HttpMethod } from "effect/http"
import { HttpApi } from "effect/http-api"
import { Api } from "./Api.ts"

/** Served beside the API: its description. */
export const openApiPath = "/openapi.json"
export const docsPath = "/docs"

export interface Address {
  /** As declared, such as `/health/live`. */
  readonly pattern: string
  readonly methods: ReadonlyArray<string>
}

const declared = (): ReadonlyMap<string, ReadonlyArray<HttpMethod.HttpMethod>> => {
  const methods = new Map<string, Array<HttpMethod.HttpMethod>>([
    [openApiPath, ["GET"]],
    [docsPath, ["GET"]],
  ])
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => methods.set(endpoint.path, [...(methods.get(endpoint.path) ?? []), endpoint.method]),
  })
  return methods
}

const router = FindMyWay.make<Address>()
for (const [pattern, methods] of declared()) {
  router.on("GET", pattern as `/${string}`, {
    pattern,
    methods: methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])),
  })
}

/** An address that a URL stands for, with the values of its parameters. */
export type Found = FindMyWay.FindResult<Address>

/** The address that a URL stands for, whatever the method. */
export const find = (url: string): Found | undefined => router.find("GET", url)
