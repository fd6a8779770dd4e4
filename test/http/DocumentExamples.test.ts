/** What the OpenAPI document shows is what the server reads and answers: its own examples are sent, and compared. */
import { assert, layer } from "@effect/vitest"
import * as Problems from "@holdfast/http/Problems"
import { Effect } from "effect"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

// biome-ignore lint/suspicious/noExplicitAny: a document as deep as this one is easier read than typed.
type Json = any

/** Reads JSON with each number as it was written. */
const exact = (text: string): Json =>
  JSON.parse(text, (_, value, context?: { readonly source?: string }) =>
    typeof value === "number" ? { written: context?.source } : value,
  )

const document = Effect.map(TestServer.anyone("GET", "/openapi.json"), ({ text }) => exact(text))

/** Of what a server makes up by itself, only its kind. */
const madeUp =
  /^(createdAt|updatedAt|at|issuedAt|expiresAt|revokedAt|partners?(Dea|A)llocationId|tokenId|connectionToken|hash|cursor|next)$/

const known = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(known)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, madeUp.test(key) ? "…" : known(inner)]))
}

/** The names of all fields; of the items of a list, those of the first. */
const shape = (value: Json): Json => {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape)
  if (typeof value !== "object" || value === null || "written" in value) return "…"
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
}

/** A call of the document, with what it shows. */
const callOf = Effect.fnUntraced(function* (method: string, path: string) {
  const { paths } = yield* document
  const { parameters, requestBody, responses, security } = paths[path][method.toLowerCase()]
  const inPath = parameters.filter((parameter: Json) => parameter.in === "path")
  const target = inPath.reduce((_: string, { name, example }: Json) => _.replace(`{${name}}`, example), path)
  const body = requestBody?.content["application/json"].examples.example.value
  const [[status, { content }]] = Object.entries<Json>(responses) as [[string, Json]]
  const [{ examples }] = Object.values<Json>(content) as [Json]
  const example = Object.values<Json>(examples)[0].value
  const send = security.some((scheme: object) => "signature" in scheme) ? TestServer.network : TestServer.operator
  return { target, body, status: Number(status), example, send }
})

type Change = (body: Json) => Json

const ask = Effect.fnUntraced(function* (method: string, path: string, change: Change = (body) => body) {
  const { target, body, status, example, send } = yield* callOf(method, path)
  const answer = yield* send(method, target, body === undefined ? {} : { body: change(body) })
  assert.strictEqual(answer.status, status, `${method} ${target} ${answer.text}`)
  return { answer, example }
})

const answersAsShown = Effect.fnUntraced(function* (method: string, path: string, change?: Change) {
  const { answer, example } = yield* ask(method, path, change)
  assert.deepStrictEqual(known(exact(answer.text)), known(example), `${method} ${path}`)
})

const hasTheShapeShown = Effect.fnUntraced(function* (method: string, path: string, change?: Change) {
  const { answer, example } = yield* ask(method, path, change)
  assert.deepStrictEqual(shape(exact(answer.text)), shape(example), `${method} ${path}`)
  return answer.json
})

const operator = (path: string) => `/operator/v1/${path}`
const network = (path: string) => `/bitgo/v1/${path}`

layer(TestServer.layer(), TestServer.options)("the examples of the document", (it) => {
  it.effect("are sent one after another, and answered as they say, problems included", () =>
    Effect.gen(function* () {
      const { connectionToken } = yield* hasTheShapeShown("POST", operator("connection-tokens"))
      yield* answersAsShown("POST", network("connections"), (body) => ({ ...body, connectionToken }))
      yield* answersAsShown("PUT", operator("connections/{connectionId}"))
      const { body } = yield* callOf("PUT", operator("adjustments/{adjustmentId}"))
      yield* TestServer.adjust(body, "credit", { currency: "ETH", quantity: "2000000000000000002" })
      yield* answersAsShown("PUT", operator("adjustments/{adjustmentId}"))
      yield* hasTheShapeShown("GET", operator("adjustments/{adjustmentId}"))
      yield* hasTheShapeShown("GET", operator("adjustments"))
      yield* answersAsShown("POST", network("deallocations"))
      for (const spelling of ["deallocation", "deallocations"]) {
        yield* answersAsShown("GET", network(`${spelling}/{deallocationId}`))
      }
      yield* answersAsShown("GET", operator("connections/{connectionId}"))
      yield* answersAsShown("GET", operator("connections"))
      yield* answersAsShown("GET", operator("balances"))
      yield* answersAsShown("GET", operator("deallocations"))
      yield* answersAsShown("GET", operator("deallocations/{deallocationId}"))
      yield* hasTheShapeShown("GET", operator("journal"))
      yield* answersAsShown("POST", network("allocations"))
      for (const spelling of ["allocation", "allocations"]) {
        yield* answersAsShown("GET", network(`${spelling}/{allocationId}`))
      }
      yield* answersAsShown("GET", operator("allocations"))
      for (const spelling of ["allocation", "allocations"]) {
        yield* answersAsShown("PUT", network(`${spelling}/{allocationId}/release`))
      }
      yield* hasTheShapeShown("GET", operator("allocations/{allocationId}"))
      yield* answersAsShown("PUT", operator("locks/{lockId}"))
      yield* hasTheShapeShown("GET", operator("locks"))
      yield* hasTheShapeShown("GET", operator("locks/{lockId}"))
      for (const spelling of ["deallocation", "deallocations"]) {
        yield* answersAsShown("PUT", network(`${spelling}/{deallocationId}/clear`))
      }
      yield* hasTheShapeShown("PUT", operator("connections/{connectionId}/suspend"))
      yield* hasTheShapeShown("PUT", operator("connections/{connectionId}/resume"))
      for (const list of ["connections", "adjustments", "locks", "allocations", "deallocations"]) {
        const { answer, example } = yield* ask("GET", operator(`${list}.csv`))
        assert.strictEqual(answer.text.split("\r\n", 1)[0], example.split("\r\n", 1)[0])
        assert.match(example, /\r\n$/)
      }
      for (const path of ["/health/live", "/health/ready"]) yield* answersAsShown("GET", path)

      const { paths, components } = yield* document
      const examples = new Map<string, Json>()
      for (const operations of Object.values<Json>(paths)) {
        for (const { responses } of Object.values<Json>(operations)) {
          for (const { content } of Object.values<Json>(responses)) {
            for (const [name, { value }] of Object.entries<Json>(
              content?.["application/problem+json"]?.examples ?? {},
            )) {
              examples.set(name, value)
            }
          }
        }
      }
      assert.isAbove(examples.size, 20)
      assert.strictEqual(examples.size, Object.keys(components.schemas).filter((name) => name in Problems).length)

      const reserve = yield* callOf("POST", network("deallocations"))
      const adjust = yield* callOf("PUT", operator("adjustments/{adjustmentId}"))
      const register = yield* callOf("PUT", operator("connections/{connectionId}"))
      const lock = yield* callOf("PUT", operator("locks/{lockId}"))
      const id = "018f3f1e-0000-7000-8000-0000000000"
      const less = { currency: "ETH", quantity: "1000000000000000000" }
      const operatorGets = (path: string) => TestServer.operator("GET", operator(path))
      const empty = yield* TestServer.operator("GET", operator(`locks/${id}99`))
      assert.strictEqual(empty.status, 404)
      const signature = yield* Effect.promise(() => Signing.token({ exp: 1 }))

      const answers: Record<string, typeof empty> = {
        unauthorized: yield* TestServer.network("POST", reserve.target, { body: reserve.body, signature }),
        "malformed-request": yield* reserve.send("POST", reserve.target, {
          body: { ...reserve.body, deallocationId: "7" },
        }),
        "unsupported-media-type": yield* reserve.send("POST", reserve.target, {
          body: reserve.body,
          headers: { "content-type": "text/plain" },
        }),
        "journal-place-not-found": yield* operatorGets("journal?after=42"),
        "terms-mismatch": yield* reserve.send("POST", reserve.target, { body: { ...reserve.body, amount: less } }),
        "adjustment-mismatch": yield* adjust.send("PUT", adjust.target, { body: { ...adjust.body, amount: less } }),
        "connection-conflict": yield* register.send("PUT", register.target, {
          body: { ...register.body, partnerClientId: "client-4" },
        }),
        "state-conflict": yield* TestServer.network("PUT", network(`deallocation/${id}04/release`)),
        "insufficient-balance": yield* lock.send("PUT", operator(`locks/${id}96`), {
          body: { ...lock.body, amount: { currency: "ETH", quantity: "2000000000000000002" } },
        }),
        "connection-token-refused": yield* TestServer.network("POST", network("connections"), {
          body: { ...(yield* callOf("POST", network("connections"))).body, connectionId: `${id}95` },
        }),
        "connection-token-not-found": yield* TestServer.operator("PUT", operator(`connection-tokens/${id}07/revoke`)),
      }
      for (const [name, { text }] of Object.entries(answers)) {
        assert.deepStrictEqual(exact(text), examples.get(name), name)
      }
    }),
  )
})

layer(TestServer.layer(), TestServer.options)("of what there is not", (it) => {
  it.effect("the examples are what is answered", () =>
    Effect.gen(function* () {
      for (const [name, method, path] of [
        ["deallocation-not-found", "GET", operator("deallocations/{deallocationId}")],
        ["allocation-not-found", "GET", operator("allocations/{allocationId}")],
        ["lock-not-found", "GET", operator("locks/{lockId}")],
        ["adjustment-not-found", "GET", operator("adjustments/{adjustmentId}")],
        ["connection-not-found", "GET", operator("connections/{connectionId}")],
      ] as const) {
        const { paths } = yield* document
        const { target, send } = yield* callOf(method, path)
        const { examples } = paths[path].get.responses["404"].content["application/problem+json"]
        assert.deepStrictEqual(exact((yield* send(method, target)).text), examples[name].value)
      }
    }),
  )
})
