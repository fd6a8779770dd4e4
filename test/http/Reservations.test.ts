/** What the network sends and gets, to the letter. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as TestServer from "./TestServer.ts"

const max = (2n ** 256n - 1n).toString()

layer(TestServer.layer(), TestServer.options)("a reservation", (it) => {
  it.effect("is answered as the contract has it, with every digit of the quantity", () =>
    Effect.gen(function* () {
      const terms = { ...(yield* TestServer.funded(max)), amount: { currency: "BTC", quantity: max } }
      const answer = yield* TestServer.reserve(terms)
      assert.strictEqual(answer.status, 200)
      assert.match(answer.headers["content-type"] ?? "", /^application\/json/)
      const { deallocationId, clientId, connectionId } = terms
      const expected =
        `{"deallocationId":"${deallocationId}","amount":{"currency":"BTC","quantity":${max}},` +
        `"clientId":"${clientId}","connectionId":"${connectionId}","partnersConnectionId":"account-7",` +
        `"partnerClientId":"client-3","partnerDeallocationId":"${answer.json["partnerDeallocationId"]}"}`
      assert.strictEqual(answer.text, expected)
      assert.strictEqual((yield* TestServer.settle(terms, "clear")).text, expected)
      const found = yield* TestServer.network("GET", `/bitgo/v1/deallocation/${deallocationId}`)
      assert.strictEqual(found.text, `${expected.slice(0, -1)},"status":"CLEARED"}`)
    }),
  )

  it.effect("that is rejected says why, and is a 200", () =>
    Effect.gen(function* () {
      const unknown = yield* TestServer.reserve(TestServer.newTerms())
      assert.deepStrictEqual([unknown.status, unknown.json["rejectionReason"]], [200, "UNKNOWN_CONNECTION"])
      const terms = yield* TestServer.funded("5")
      const mismatch = yield* TestServer.reserve({ ...terms, partnersConnectionId: "account-8" })
      assert.deepStrictEqual([mismatch.status, mismatch.json["rejectionReason"]], [200, "CONNECTION_MISMATCH"])
      const short = yield* TestServer.reserve({
        ...terms,
        deallocationId: randomUUID(),
        amount: { currency: "btc", quantity: "1" },
      })
      assert.deepStrictEqual([short.status, short.json["rejectionReason"]], [200, "INSUFFICIENT_BALANCE"])
    }),
  )

  it.effect("repeated with other terms is refused, with each field that differs", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      yield* TestServer.reserve(terms)
      const answer = yield* TestServer.reserve({
        ...terms,
        amount: { currency: "ETH", quantity: "4" },
        partnerClientId: "client-4",
      })
      assert.strictEqual(answer.status, 409)
      assert.deepInclude(answer.json, {
        type: "urn:holdfast:problem:terms-mismatch",
        status: 409,
        differences: [
          { field: "amount.currency", recorded: "BTC", repeated: "ETH" },
          { field: "amount.quantity", recorded: "3", repeated: "4" },
          { field: "partnerClientId", recorded: "client-3", repeated: "client-4" },
        ],
      })
      assert.deepStrictEqual(yield* TestServer.balances(terms), ["2", "3", "0"])
    }),
  )

  it.effect("cannot bear the id of an allocation", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      yield* TestServer.adjust(terms, "credit", { currency: "BTC", quantity: "1" }, terms.deallocationId)
      for (const answer of [yield* TestServer.reserve(terms), yield* TestServer.settle(terms, "clear")]) {
        assert.deepStrictEqual([answer.status, answer.json["type"]], [409, "urn:holdfast:problem:id-in-use"])
      }
      assert.deepStrictEqual(yield* TestServer.balances(terms), ["6", "0", "0"])
    }),
  )

  it.effect("may name the client under the later guides' name for it", () =>
    Effect.gen(function* () {
      const { partnerClientId, ...terms } = yield* TestServer.funded("5")
      const answer = yield* TestServer.reserve({ ...terms, partnersClientId: partnerClientId })
      assert.deepStrictEqual([answer.status, answer.json["partnerClientId"]], [200, partnerClientId])
      assert.notProperty(answer.json, "partnersClientId")
      const both = yield* TestServer.reserve({ ...terms, partnerClientId, partnersClientId: partnerClientId })
      assert.strictEqual(both.text, answer.text)
    }),
  )

  it.effect("finds ids in any case, and answers with them in lower case", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const answer = yield* TestServer.reserve({
        ...terms,
        deallocationId: terms.deallocationId.toUpperCase(),
        clientId: terms.clientId.toUpperCase(),
        connectionId: terms.connectionId.toUpperCase(),
      })
      assert.notProperty(answer.json, "rejectionReason")
      assert.strictEqual(answer.json["deallocationId"], terms.deallocationId)
      assert.strictEqual((yield* TestServer.reserve(terms)).text, answer.text)
      const path = `/bitgo/v1/deallocation/${terms.deallocationId.toUpperCase()}/clear`
      assert.strictEqual((yield* TestServer.network("PUT", path)).text, answer.text)
    }),
  )

  it.effect("may have fields that we do not know", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const body = `{"__proto__":{"amount":1},"constructor":{"prototype":[]},"n":1e999,${JSON.stringify(terms).slice(1)}`
      const answer = yield* TestServer.network("POST", "/bitgo/v1/deallocations", { body })
      assert.strictEqual(answer.status, 200, answer.text)
      assert.deepStrictEqual(yield* TestServer.balances(terms), ["2", "3", "0"])
    }),
  )

  it.effect("may be cleared, released and looked at under the plural, too", () =>
    Effect.gen(function* () {
      const [cleared, released] = [yield* TestServer.funded("5"), yield* TestServer.funded("5")]
      yield* TestServer.reserve(cleared)
      yield* TestServer.reserve(released)
      const path = ({ deallocationId }: TestServer.Terms) => `/bitgo/v1/deallocations/${deallocationId}`
      assert.strictEqual((yield* TestServer.network("PUT", `${path(cleared)}/clear`)).status, 200)
      assert.strictEqual((yield* TestServer.network("PUT", `${path(released)}/release`)).status, 200)
      assert.strictEqual((yield* TestServer.network("GET", path(cleared))).json["status"], "CLEARED")
      assert.strictEqual((yield* TestServer.network("GET", path(released))).json["status"], "RELEASED")
    }),
  )

  it.effect("is cleared by a PUT whatever its body", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      yield* TestServer.reserve(terms)
      const answer = yield* TestServer.network("PUT", `/bitgo/v1/deallocation/${terms.deallocationId}/clear`, {
        body: "{nonsense",
      })
      assert.strictEqual(answer.status, 200)
    }),
  )

  it.effect("of which a hundred equal ones race holds the amount once", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const answers = yield* Effect.all(
        Array.from({ length: 100 }, () => TestServer.reserve(terms)),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual([...new Set(answers.map(({ status, text }) => `${status} ${text}`))].length, 1)
      assert.deepStrictEqual(yield* TestServer.balances(terms), ["2", "3", "0"])
    }),
  )
})
