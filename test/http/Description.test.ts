/** The OpenAPI document and the page that shows it. */
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { type OutgoingHttpHeaders, request } from "node:http"
import { buffer } from "node:stream/consumers"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Words from "../../packages/http/src/contract/Words.ts"
import * as Linters from "../support/Linters.ts"
import * as TestServer from "./TestServer.ts"

// biome-ignore lint/suspicious/noExplicitAny: a document as deep as this one is easier read than typed.
type Document = any

const read = Effect.map(TestServer.anyone("GET", "/openapi.json"), ({ json }): Document => json)

/** Follows a reference. */
const resolve = (document: Document, schema: Document): Document =>
  typeof schema?.$ref === "string" ? document.components.schemas[schema.$ref.split("/").at(-1)] : schema

layer(TestServer.layer(), TestServer.options)("the OpenAPI document", (it) => {
  it.effect("names every address, and every reference of it leads somewhere", () =>
    Effect.gen(function* () {
      const document = yield* read
      assert.match(document.openapi, /^3\.1\./)
      assert.deepStrictEqual(
        Object.entries<object>(document.paths)
          .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method} ${path}`))
          .toSorted(),
        [
          ...["allocation", "deallocation"].flatMap((kind) => [
            `post /bitgo/v1/${kind}s`,
            ...[kind, `${kind}s`].flatMap((path) => [
              `get /bitgo/v1/${path}/{${kind}Id}`,
              `put /bitgo/v1/${path}/{${kind}Id}/clear`,
              `put /bitgo/v1/${path}/{${kind}Id}/release`,
            ]),
          ]),
          "post /bitgo/v1/connections",
          "get /health/live",
          "get /health/ready",
          "get /metrics",
          ...["adjustment", "allocation", "deallocation", "lock"].flatMap((kind) => [
            `get /operator/v1/${kind}s`,
            `get /operator/v1/${kind}s.csv`,
            `get /operator/v1/${kind}s/{${kind}Id}`,
          ]),
          "get /operator/v1/balances",
          "get /operator/v1/connection-tokens",
          "post /operator/v1/connection-tokens",
          "put /operator/v1/connection-tokens/{tokenId}/revoke",
          "get /operator/v1/connections",
          "get /operator/v1/connections.csv",
          "get /operator/v1/connections/{connectionId}",
          "put /operator/v1/connections/{connectionId}",
          "put /operator/v1/connections/{connectionId}/suspend",
          "put /operator/v1/connections/{connectionId}/resume",
          "get /operator/v1/connections/{connectionId}/journal",
          "get /operator/v1/operators/log",
          "get /operator/v1/overview",
          "get /operator/v1/overview/stream",
          "get /operator/v1/requests",
          ...["delete", "get", "post"].map((method) => `${method} /operator/v1/session`),
          "delete /operator/v1/session/changes",
          "get /operator/v1/journal",
          "get /operator/v1/journal/changes/stream",
          "get /operator/v1/journal/newest",
          "get /operator/v1/journal/stream",
          "put /operator/v1/adjustments/{adjustmentId}",
          "put /operator/v1/locks/{lockId}",
          "put /operator/v1/locks/{lockId}/clear",
          "put /operator/v1/locks/{lockId}/release",
        ].toSorted(),
      )
      const text = JSON.stringify(document)
      for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        assert.property(document.components.schemas, name ?? "")
      }
      assert.notInclude(text, "additionalProperties")
    }),
  )

  it.effect("has a quantity as a string on the way in and as a number on the way out", () =>
    Effect.gen(function* () {
      const document = yield* read
      const { requestBody, responses } = document.paths["/bitgo/v1/deallocations"].post
      const amountOf = (content: Document, edition = 0) => {
        const schema = resolve(document, content["application/json"].schema)
        return resolve(document, resolve(document, schema.anyOf?.[edition] ?? schema).properties.amount)
      }
      const sent = resolve(document, amountOf(requestBody.content).properties.quantity)
      assert.include(sent, { type: "string", pattern: "^[1-9][0-9]{0,77}$" })
      const answered = resolve(document, amountOf(responses[200].content).properties.quantity)
      assert.include(answered, { type: "integer", minimum: 1 })
      const later = resolve(document, amountOf(responses[200].content, 1).properties.quantity)
      assert.include(later, { type: "string" })
      const adjusted = document.paths["/operator/v1/adjustments/{adjustmentId}"].put.responses[200]
      assert.include(resolve(document, amountOf(adjusted.content).properties.quantity), { type: "string" })
    }),
  )

  it.effect("states every error, each as a problem with its type", () =>
    Effect.gen(function* () {
      const document = yield* read
      const statuses = (path: string, method: string) => Object.keys(document.paths[path][method].responses)
      assert.deepStrictEqual(statuses("/bitgo/v1/deallocations", "post"), [
        "200",
        "400",
        "401",
        "409",
        "413",
        "415",
        "429",
        "500",
        "503",
      ])
      assert.deepStrictEqual(statuses("/bitgo/v1/deallocation/{deallocationId}/clear", "put"), [
        "200",
        "400",
        "401",
        "404",
        "409",
        // Where a body is signed as well, there may be one that is too large.
        "413",
        "429",
        "500",
        "503",
      ])
      for (const operations of Object.values<Document>(document.paths)) {
        for (const { responses } of Object.values<Document>(operations)) {
          for (const [status, response] of Object.entries<Document>(responses)) {
            if (status.startsWith("2")) continue
            const schema = resolve(document, response.content["application/problem+json"].schema)
            for (const one of schema.anyOf ?? [schema]) {
              const [type] = resolve(document, one).properties.type.enum
              assert.match(type, /^urn:holdfast:problem:[a-z-]+$/)
            }
            assert.strictEqual(["429", "503"].includes(status), response.headers?.["retry-after"] !== undefined)
          }
        }
      }
    }),
  )

  it.effect("says who may call what", () =>
    Effect.gen(function* () {
      const document = yield* read
      for (const [path, operations] of Object.entries<Document>(document.paths)) {
        const expected = path.startsWith("/bitgo")
          ? ["signature"]
          : path.startsWith("/operator") && !path.startsWith("/operator/v1/session")
            ? ["operatorToken"]
            : []
        for (const { security } of Object.values<Document>(operations)) {
          assert.deepStrictEqual(security.flatMap(Object.keys), expected, path)
        }
      }
      assert.include(document.components.securitySchemes.signature, {
        type: "apiKey",
        in: "header",
        name: "X-BitGo-Signature",
      })
      assert.include(document.components.securitySchemes.operatorToken, { type: "http", scheme: "Bearer" })
    }),
  )

  it.effect("has words and an example for each field, parameter, header and body, and none that nothing has", () =>
    Effect.gen(function* () {
      const document = yield* read
      const lacking: Array<string> = []
      const said = new Set<string>()
      const lookAt = (where: string, schema: Document) => {
        if (schema === null || typeof schema !== "object") return
        for (const [name, property] of Object.entries<Document>(schema.properties ?? {})) {
          const { anyOf = [], examples, description, ...whole } = resolve(document, property)
          // What may be null is made of what it is otherwise.
          const isMade = [whole, ...anyOf.map((part: Document) => resolve(document, part))].some(
            ({ properties, items }) => properties !== undefined || items !== undefined,
          )
          if (!description || (!isMade && examples === undefined)) lacking.push(`${where}.${name}`)
          said.add(name)
        }
        for (const [key, inner] of Object.entries(schema)) lookAt(`${where}.${key}`, inner)
      }
      for (const [name, schema] of Object.entries(document.components.schemas)) lookAt(name, schema)
      for (const [path, operations] of Object.entries<Document>(document.paths)) {
        for (const [method, operation] of Object.entries<Document>(operations)) {
          const { summary, description, tags, parameters, requestBody, responses } = operation
          const where = `${method} ${path}`
          for (const text of [summary, description]) assert.match(text, /^[A-Z].*\.$/, where)
          assert.lengthOf(tags, 1)
          for (const { name, description, schema, example } of parameters) {
            if (!(description ?? schema.description) || example === undefined) lacking.push(`${where} ${name}`)
            said.add(name)
          }
          for (const body of [...(requestBody ? [requestBody] : []), ...Object.values<Document>(responses)]) {
            if (body !== requestBody) assert.notMatch(body.description ?? "", /^(Success|Error|)$/, where)
            for (const { description, example } of Object.values<Document>(body.headers ?? {})) {
              if (!description || example === undefined) lacking.push(`${where} header`)
            }
            for (const { schema, examples } of Object.values<Document>(body.content ?? {})) {
              assert.isNotEmpty(Object.keys(examples), where)
              lookAt(where, schema)
            }
          }
        }
      }
      assert.deepStrictEqual(lacking, [])
      const unused = [...Object.keys(Words.fields), ...Object.keys(Words.members)].filter((name) => !said.has(name))
      assert.deepStrictEqual(unused, [])
      const tags = document.tags.map(({ name }: Document) => name)
      assert.deepStrictEqual(Object.keys(Words.tags).toSorted(), tags.toSorted())
      for (const { description } of document.tags) assert.isNotEmpty(description)
    }),
  )

  it.effect(
    "has the version of the package, and nothing that linters find",
    () =>
      Effect.gen(function* () {
        const { text, json } = yield* TestServer.anyone("GET", "/openapi.json")
        const { version } = JSON.parse(
          readFileSync(new URL("../../packages/http/package.json", import.meta.url), "utf8"),
        )
        assert.strictEqual((json as Document).info.version, version)
        assert.deepStrictEqual(yield* Effect.promise(() => Linters.redocly(text)), [])
        assert.deepStrictEqual(yield* Effect.promise(() => Linters.spectral(text)), [])
        // They do find something.
        const bad = text.replaceAll('"operationId":"system.live",', "").replace('"url":"/"', '"url":""')
        assert.notDeepEqual(yield* Effect.promise(() => Linters.redocly(bad)), [])
        assert.notDeepEqual(yield* Effect.promise(() => Linters.spectral(bad)), [])
      }),
    180_000,
  )

  it.effect("writes an integer with all of its digits", () =>
    Effect.gen(function* () {
      const { text } = yield* TestServer.anyone("GET", "/openapi.json")
      assert.include(text, '"quantity":1000000000000000001}')
      assert.notInclude(text, "1000000000000000000,")
    }),
  )

  it.effect("is made once, in the encoding that is asked for, and told apart by its tag", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const get = (path: string, headers: OutgoingHttpHeaders, method = "GET") =>
        Effect.promise(async () => {
          const [response] = await once(request({ port, path, headers, method }).end(), "response")
          return { status: response.statusCode, headers: response.headers, body: await buffer(response) }
        })
      for (const path of ["/openapi.json", "/docs"]) {
        const plain = yield* get(path, {})
        assert.strictEqual(plain.headers["content-encoding"], undefined)
        const tags = new Set([plain.headers.etag])
        for (const [accepted, coding, decode] of [
          ["gzip, deflate, br", "br", brotliDecompressSync],
          ["gzip;q=0.5, br;q=0", "gzip", gunzipSync],
          ["*", "br", brotliDecompressSync],
          ["GZIP , *;q=0", "gzip", gunzipSync],
        ] as const) {
          const encoded = yield* get(path, { "accept-encoding": accepted })
          assert.deepStrictEqual(
            [encoded.headers["content-encoding"], encoded.headers.vary, encoded.headers["content-type"]],
            [coding, "accept-encoding", plain.headers["content-type"]],
          )
          assert.isTrue(decode(encoded.body).equals(plain.body), accepted)
          assert.isBelow(encoded.body.length, plain.body.length / 3)
          assert.strictEqual(encoded.headers["content-length"], String(encoded.body.length))
          tags.add(encoded.headers.etag)

          const head = yield* get(path, { "accept-encoding": accepted }, "HEAD")
          assert.deepStrictEqual([head.status, head.body.length], [200, 0])
          const { date: _, "x-request-id": ____, ...told } = head.headers
          const { date: __, "x-request-id": _____, ...expected } = encoded.headers
          assert.deepStrictEqual(told, expected)

          for (const known of [encoded.headers.etag, `"x", W/${encoded.headers.etag}`, "*"]) {
            const known304 = yield* get(path, { "accept-encoding": accepted, "if-none-match": known })
            assert.deepStrictEqual([known304.status, known304.body.length], [304, 0])
            assert.deepStrictEqual(known304.headers.etag, encoded.headers.etag)
            assert.strictEqual(known304.headers["cache-control"], "public, no-cache")
          }
          // A tag is of one encoding.
          assert.strictEqual((yield* get(path, { "if-none-match": encoded.headers.etag })).status, 200)
        }
        for (const tag of tags) assert.match(tag ?? "", /^"[\w-]{43}"$/)
        assert.strictEqual(tags.size, 3)
        assert.isTrue((yield* get(path, { "accept-encoding": "identity;q=0" })).body.equals(plain.body))
      }
    }),
  )
})
