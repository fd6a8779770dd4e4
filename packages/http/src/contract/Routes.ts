/**
 * Which addresses there are, by the patterns they are declared with. A target
 * names one of them exactly, letter for letter, or none: a proxy in front and the
 * router behind read `;`, `%`, `//`, dots and capitals each in their own way, and
 * what one takes for inside must never be outside for another.
 */
import { Context } from "effect"
import { HttpApi, HttpApiMiddleware } from "effect/http-api"
import { Api } from "./Api.ts"
import * as NetworkApi from "./NetworkApi.ts"
import { Endless } from "./OperatorApi.ts"

/**
 * Where the description of the API is served, as OpenAPI.
 *
 * ```ts
 * import * as Routes from "@holdfast/http/Routes"
 * import assert from "node:assert/strict"
 *
 * const found = Routes.find(Routes.openApiPath)
 * assert.deepEqual(typeof found === "object" && found.route.methods, ["GET", "HEAD"])
 * ```
 *
 * @category constants
 */
export const openApiPath = "/openapi.json"
/**
 * Where the description of the API is served, as a page.
 *
 * ```ts
 * import * as Routes from "@holdfast/http/Routes"
 * import assert from "node:assert/strict"
 *
 * // A slash at the end is another address, and there is none.
 * assert.equal(typeof Routes.find(Routes.docsPath), "object")
 * assert.equal(Routes.find(`${Routes.docsPath}/`), "Malformed")
 * ```
 *
 * @category constants
 */
export const docsPath = "/docs"
/**
 * Where whoever knows only the host is led on to the page.
 *
 * ```ts
 * import * as Routes from "@holdfast/http/Routes"
 * import assert from "node:assert/strict"
 *
 * assert.equal(typeof Routes.find(Routes.rootPath), "object")
 * // Among others, it is theirs.
 * assert.ok(!Routes.isOurs(Routes.rootPath))
 * ```
 *
 * @category constants
 */
export const rootPath = "/"

/**
 * An address, with what it answers.
 *
 * @category models
 */
export interface Route {
  /** As declared, such as `/bitgo/v1/deallocation/:deallocationId`. */
  readonly pattern: string
  readonly methods: ReadonlyArray<string>
  /** The network's endpoint that a method stands for, where it is one. */
  readonly network: Readonly<Record<string, NetworkApi.Endpoint>>
  /** Whether an answer goes on for as long as anybody listens: a server that stops has to end it. */
  readonly endless: boolean
  /** The headers that credentials may come in; none where anybody may ask. */
  readonly credentials: ReadonlyArray<string>
}

/**
 * A route that a target names, with the values of its parameters.
 *
 * @category models
 */
export interface Found {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/**
 * What a target may be.
 *
 * @category models
 */
export type Target = Found | "Malformed" | "Unknown"

/** The origin form: segments of characters that mean themselves everywhere, and perhaps a query. */
const wellFormed = /^\/(?:[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*)?(?:\?[^#]*)?$/
const dots = /\/\.\.?(?:\/|$)/

/**
 * What a request's target names, whatever the method.
 *
 * ```ts
 * import * as Routes from "@holdfast/http/Routes"
 * import assert from "node:assert/strict"
 *
 * const found = Routes.find("/bitgo/v1/deallocation/018f3f1e-0000-7000-8000-000000000003/clear")
 * assert.ok(typeof found === "object")
 * assert.deepEqual(found.params, { deallocationId: "018f3f1e-0000-7000-8000-000000000003" })
 * // What others might read as the same is not.
 * assert.equal(Routes.find("/health//live"), "Malformed")
 * assert.equal(Routes.find("/health/live/"), "Malformed")
 * assert.equal(Routes.find("/health/Live"), "Unknown")
 * ```
 *
 * @category getters
 */
export const find = (target: string): Target => {
  if (!wellFormed.test(target)) return "Malformed"
  const query = target.indexOf("?")
  const path = query < 0 ? target : target.slice(0, query)
  const found = withoutParams.get(path)
  if (found !== undefined) return found
  if (dots.test(path)) return "Malformed"
  const segments = path.split("/")
  for (const { route, segments: declared } of withParams) {
    const params = match(declared, segments)
    if (params !== undefined) return { route, params }
  }
  return "Unknown"
}

const match = (declared: ReadonlyArray<string>, segments: ReadonlyArray<string>) => {
  if (declared.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const name = declared[index] ?? ""
    if (name.startsWith(":")) params[name.slice(1)] = segment
    else if (name !== segment) return undefined
  }
  return params
}

const credentialsOf = (middleware: ReadonlySet<HttpApiMiddleware.AnyService>) =>
  [...middleware]
    .filter(HttpApiMiddleware.isSecurity)
    .flatMap((key) => Object.values(key.security))
    // A browser's session stands in for an operator's token.
    .flatMap((security) => (security._tag === "ApiKey" ? [security.key.toLowerCase()] : ["authorization", "cookie"]))

const declared = (): ReadonlyArray<Route> => {
  const routes = new Map<string, Route>()
  const add = (
    pattern: string,
    method: string,
    credentials: ReadonlyArray<string> = [],
    endpoint?: NetworkApi.Endpoint,
    endless = false,
  ) => {
    const known = routes.get(pattern)
    const methods = method === "GET" ? ["GET", "HEAD"] : [method]
    routes.set(pattern, {
      pattern,
      methods: [...(known?.methods ?? []), ...methods],
      network: { ...known?.network, ...(endpoint && Object.fromEntries(methods.map((_) => [_, endpoint]))) },
      endless,
      credentials,
    })
  }
  add(openApiPath, "GET")
  add(docsPath, "GET")
  add(rootPath, "GET")
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ group, endpoint: { identifier, method, path, annotations }, middleware }) =>
      add(
        path,
        method,
        credentialsOf(middleware),
        NetworkApi.endpointOf(group.identifier, identifier),
        Context.get(annotations, Endless),
      ),
  })
  return [...routes.values()]
}

/**
 * Every address there is.
 *
 * ```ts
 * import * as Routes from "@holdfast/http/Routes"
 * import assert from "node:assert/strict"
 *
 * const open = Routes.all.filter(({ credentials }) => credentials.length === 0).map(({ pattern }) => pattern)
 * const system = ["/", "/docs", "/health/live", "/health/ready", "/metrics", "/openapi.json"]
 * const session = ["/operator/v1/session", "/operator/v1/session/changes"]
 * assert.deepEqual(open.toSorted(), [...system, ...session])
 * ```
 *
 * @category constants
 */
export const all = declared()

const isPlain = ({ pattern }: Route) => !pattern.includes(":")

const withoutParams = new Map(
  all.filter(isPlain).map((route): [string, Found] => [route.pattern, { route, params: {} }]),
)

const withParams = all
  .filter((route) => !isPlain(route))
  .map((route) => ({ route, segments: route.pattern.split("/") }))

/** Below which there is nothing but what comes with credentials. */
const ownPlaces = new Set(
  all.filter(({ credentials }) => credentials.length > 0).map(({ pattern }) => `${pattern.split("/", 2).join("/")}/`),
)

/**
 * Whether a target is for Holdfast to answer, where it is one among others: it names an address, or what is below
 * `/bitgo/` and `/operator/` in whatever spelling, where callers expect a problem rather than somebody's page.
 *
 * ```ts
 * import * as Routes from "@holdfast/http/Routes"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Routes.isOurs("/bitgo/v1/no-such-call"))
 * assert.ok(!Routes.isOurs("/shop"))
 * ```
 *
 * @category addresses
 */
export const isOurs = (target: string): boolean => {
  if (ownPlaces.has(target.slice(0, target.indexOf("/", 1) + 1))) return true
  const found = find(target)
  return typeof found === "object" && found.route.pattern !== rootPath
}
