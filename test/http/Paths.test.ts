/** An address is its one spelling: what is nearly one is none, before anything is done for it. */
import { randomUUID } from "node:crypto"
import { METHODS } from "node:http"
import { assert, layer } from "@effect/vitest"
import * as Routes from "@holdfast/http/Routes"
import { Effect } from "effect"
import * as Signing from "../support/Signing.ts"
import { misspellings } from "../support/Spellings.ts"
import * as TestServer from "./TestServer.ts"

const addressOf = ({ pattern }: Routes.Route) => pattern.replace(/:\w+/, randomUUID())

/** The answer to a request with all credentials. */
const ask = Effect.fnUntraced(function* (method: string, target: string) {
  const signature = yield* Effect.promise(() => Signing.token())
  const credentials = `X-BitGo-Signature: ${signature}\r\nAuthorization: Bearer ${TestServer.operatorToken}`
  return yield* TestServer.raw(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${credentials}\r\n\r\n`)
})

/** Says that the target is none: no answer of whoever serves one. */
const isNowhere =
  /^HTTP\/1\.1 (404 [\s\S]*"type":"urn:holdfast:problem:route-not-found"|400 [\s\S]*(Expected a path of segments|The request is not HTTP))/

layer(TestServer.layer(), TestServer.options)("the server", (it) => {
  for (const route of Routes.all) {
    const [method = ""] = route.methods
    it.effect(`has ${method} ${route.pattern} there and nowhere near`, () =>
      Effect.gen(function* () {
        const path = addressOf(route)
        for (const target of [path, `${path}?`]) assert.notMatch(yield* ask(method, target), isNowhere, target)
        for (const target of [...misspellings(path), `${path}/x/y`]) {
          assert.match(yield* ask(method, target), isNowhere, `${method} ${target}`)
        }
      }),
    )
  }

  it.effect("has nothing where an address ends early", () =>
    Effect.gen(function* () {
      for (const target of ["/bitgo/v1", "/bitgo/v1/deallocation", "/operator/v1", "/bitgo/v1/allocation"]) {
        for (const method of ["GET", "PUT"]) assert.match(yield* ask(method, target), isNowhere, `${method} ${target}`)
      }
    }),
  )

  it.effect("says what is wrong with an id, however long it is", () =>
    Effect.gen(function* () {
      for (const id of ["1", "-", "9".repeat(8_000)]) {
        for (const answer of [
          yield* TestServer.network("GET", `/bitgo/v1/deallocation/${id}`),
          yield* TestServer.operator("GET", `/operator/v1/connections/${id}`),
          yield* TestServer.operator("GET", `/operator/v1/deallocations/${id}`),
        ]) {
          assert.strictEqual(answer.status, 400)
          assert.match(String(answer.json["detail"]), /Id: Expected a UUID\. Got "/)
        }
      }
    }),
  )

  it.effect("takes ids in any case, and a query that it does not know", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      yield* TestServer.reserve(terms)
      const path = `/bitgo/v1/deallocation/${terms.deallocationId.toUpperCase()}`
      assert.strictEqual((yield* TestServer.network("GET", path)).status, 200)
      assert.strictEqual((yield* TestServer.network("GET", `${path}?x=/../;%00`)).status, 200)
      assert.strictEqual((yield* TestServer.anyone("GET", "/metrics?x=y")).status, 200)
    }),
  )

  it.effect("counts what nobody declared under one name, so that callers choose no labels", () =>
    Effect.gen(function* () {
      const methods = METHODS.filter((method) => method !== "CONNECT")
      for (const route of Routes.all) {
        for (const method of methods) yield* ask(method, addressOf(route))
      }
      for (let n = 0; n < 50; n++) yield* ask(methods[n % methods.length] ?? "", `/nowhere/${n}`)
      const text = yield* TestServer.metrics
      const labels = (name: string) =>
        new Set(
          [...text.matchAll(new RegExp(`^${name}\\{([^}]*)\\}`, "gm"))].map(([, labels = ""]) =>
            labels.replace(/,?status="\d+"/, ""),
          ),
        )
      // Each route with each of its methods, with "other", and unknown ones.
      const declared = Routes.all.reduce((sum, { methods }) => sum + methods.length + 1, 1)
      for (const name of ["holdfast_http_requests_total", "holdfast_http_request_duration_seconds_count"]) {
        assert.isAtMost(labels(name).size, declared, name)
        assert.include([...labels(name)].join("\n"), `method="other"`)
        assert.include([...labels(name)].join("\n"), `route="other"`)
      }
      assert.notMatch(text, /method="(TRACE|SUBSCRIBE|PROPFIND)"|nowhere/)
    }),
  )
})
