/** The partner's own side. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as TestServer from "./TestServer.ts"

/** A cursor as the server makes them, at any moment. */
const cursorAt = (createdAt: string) =>
  Buffer.from(JSON.stringify({ createdAt, id: randomUUID() })).toString("base64url")

const { adjust, newTerms, operator, register } = TestServer

layer(TestServer.layer(), TestServer.options)("the operator", (it) => {
  it.effect("is let in with the token alone", () =>
    Effect.gen(function* () {
      for (const authorization of [
        undefined,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        `Bearer ${TestServer.operatorToken}x`,
        `Bearer ${TestServer.operatorToken.slice(0, -1)}`,
        `Basic ${TestServer.operatorToken}`,
        TestServer.operatorToken,
      ]) {
        for (const path of ["/operator/v1/deallocations", `/operator/v1/connections/${randomUUID()}`]) {
          const headers = authorization === undefined ? {} : { authorization }
          const answer = yield* TestServer.anyone("GET", path, { headers })
          assert.deepStrictEqual([answer.status, answer.json["type"]], [401, "urn:holdfast:problem:unauthorized"])
        }
      }
      // Nor does the network's signature open the partner's side.
      assert.strictEqual((yield* TestServer.network("GET", "/operator/v1/deallocations")).status, 401)
      assert.strictEqual((yield* operator("GET", "/operator/v1/deallocations")).status, 200)
    }),
  )

  it.effect("registers a connection once, for good", () =>
    Effect.gen(function* () {
      const terms = newTerms()
      const { connectionId, clientId } = terms
      const first = yield* register(terms)
      assert.deepStrictEqual(
        [first.status, first.json],
        [200, { connectionId, clientId, partnersConnectionId: "account-7", partnerClientId: "client-3" }],
      )
      const repeat = yield* register({ ...terms, connectionId: connectionId.toUpperCase() })
      assert.deepStrictEqual([repeat.status, repeat.text], [200, first.text])
      const other = yield* register({ ...terms, partnerClientId: "client-4" })
      assert.strictEqual(other.status, 409)
      assert.deepInclude(other.json, {
        type: "urn:holdfast:problem:connection-conflict",
        differences: [{ field: "partnerClientId", recorded: "client-3", repeated: "client-4" }],
      })
      const shown = yield* operator("GET", `/operator/v1/connections/${connectionId}`)
      assert.deepStrictEqual(shown.json, { ...first.json, suspended: false, balances: [] })
    }),
  )

  it.effect("is told of an unknown connection", () =>
    Effect.gen(function* () {
      const terms = newTerms()
      for (const answer of [
        yield* operator("GET", `/operator/v1/connections/${terms.connectionId}`),
        yield* adjust(terms, "credit", { currency: "BTC", quantity: "1" }),
      ]) {
        assert.deepStrictEqual([answer.status, answer.json["type"]], [404, "urn:holdfast:problem:connection-not-found"])
      }
    }),
  )

  it.effect("moves available balance, once per adjustment", () =>
    Effect.gen(function* () {
      const terms = newTerms()
      yield* register(terms)
      const max = (2n ** 256n - 1n).toString()
      const id = randomUUID()
      const first = yield* adjust(terms, "credit", { currency: "ETH", quantity: max }, id)
      const { createdAt, ...rest } = first.json
      assert.deepStrictEqual(rest, {
        adjustmentId: id,
        connectionId: terms.connectionId,
        direction: "credit",
        amount: { currency: "ETH", quantity: max },
      })
      assert.ok(!Number.isNaN(Date.parse(String(createdAt))))
      const repeat = yield* adjust(terms, "credit", { currency: "ETH", quantity: max }, id.toUpperCase())
      assert.deepStrictEqual([repeat.status, repeat.text], [200, first.text])
      assert.deepStrictEqual(yield* TestServer.balances(terms), [max, "0", "0"])

      const mismatch = yield* adjust(terms, "debit", { currency: "ETH", quantity: "1" }, id)
      assert.strictEqual(mismatch.status, 409)
      assert.deepInclude(mismatch.json, {
        type: "urn:holdfast:problem:adjustment-mismatch",
        differences: [
          { field: "direction", recorded: "credit", repeated: "debit" },
          { field: "amount.quantity", recorded: max, repeated: "1" },
        ],
      })
      const overflow = yield* adjust(terms, "credit", { currency: "ETH", quantity: "1" })
      assert.deepStrictEqual(
        [overflow.status, overflow.json["type"]],
        [422, "urn:holdfast:problem:base-units-overflow"],
      )
      assert.deepStrictEqual(yield* TestServer.balances(terms), [max, "0", "0"])
    }),
  )

  it.effect("cannot debit more than is available", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      yield* TestServer.reserve(terms)
      const answer = yield* adjust(terms, "debit", { currency: "BTC", quantity: "3" })
      assert.strictEqual(answer.status, 422)
      assert.deepInclude(answer.json, {
        type: "urn:holdfast:problem:insufficient-balance",
        detail: "Requested 3 but only 2 is available.",
        requested: "3",
        available: "2",
      })
      assert.deepStrictEqual(yield* TestServer.balances(terms), ["2", "3", "0"])
    }),
  )

  it.effect("cannot give an adjustment the id of a deallocation", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      yield* TestServer.reserve(terms)
      const answer = yield* adjust(terms, "credit", terms.amount, terms.deallocationId)
      assert.deepStrictEqual([answer.status, answer.json["type"]], [409, "urn:holdfast:problem:id-in-use"])
    }),
  )

  it.effect("is told what is wrong with a body or a path", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const amount = { currency: "BTC", quantity: "1" }
      const path = `/operator/v1/adjustments/${randomUUID()}`
      const good = { connectionId: terms.connectionId, direction: "credit", amount }
      const cases: ReadonlyArray<readonly [path: string, body: unknown, status: number, detail: RegExp]> = [
        [path, { ...good, amount: { ...amount, quantity: 1 } }, 400, /^amount\.quantity: .* not a JSON number/],
        [path, { ...good, amount: { ...amount, quantity: "0" } }, 400, /^amount\.quantity: .*at least 1/],
        [path, { ...good, direction: "CREDIT" }, 400, /^direction: /],
        [path, { ...good, memo: "x".repeat(1025) }, 400, /^memo: /],
        [path, { ...good, connectionId: "x" }, 400, /^connectionId: Expected a UUID/],
        [path, `{"memo":"","memo":"",${JSON.stringify(good).slice(1)}`, 400, /appears twice/],
        [path, JSON.stringify(good).padEnd(65_537), 413, /65536/],
        ["/operator/v1/adjustments/x", good, 400, /^adjustmentId: Expected a UUID\. Got "x"\.$/],
        ["/operator/v1/connections/x", terms, 400, /^connectionId: Expected a UUID\. Got "x"\.$/],
        [
          `/operator/v1/connections/${randomUUID()}`,
          { clientId: randomUUID() },
          400,
          /partnersConnectionId: Missing key/,
        ],
      ]
      for (const [path, body, status, detail] of cases) {
        const answer = yield* operator("PUT", path, { body })
        assert.strictEqual(answer.status, status, answer.text)
        assert.match(String(answer.json["detail"]), detail)
      }
      assert.deepStrictEqual(yield* TestServer.balances(terms), ["5", "0", "0"])
    }),
  )

  it.effect("sees a deallocation with all that happened to it", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const { json } = yield* TestServer.reserve(terms)
      yield* TestServer.settle(terms, "release")
      yield* TestServer.reserve(terms)
      yield* TestServer.settle(terms, "clear")
      const shown = yield* operator("GET", `/operator/v1/deallocations/${terms.deallocationId.toUpperCase()}`)
      const { createdAt, updatedAt, journal, ...rest } = shown.json
      assert.deepStrictEqual(rest, { ...terms, partnerDeallocationId: json["partnerDeallocationId"], state: "CLEARED" })
      const entries = journal as ReadonlyArray<Record<string, unknown>>
      assert.deepStrictEqual(
        entries.map(({ event, quantity, balances }) => ({ event, quantity, balances })),
        [
          {
            event: "RESERVED",
            quantity: "3",
            balances: { pending: "0", available: "2", locked: "0", reserved: "3", deallocated: "0" },
          },
          {
            event: "RELEASED",
            quantity: "3",
            balances: { pending: "0", available: "5", locked: "0", reserved: "0", deallocated: "0" },
          },
          {
            event: "RESERVED",
            quantity: "3",
            balances: { pending: "0", available: "2", locked: "0", reserved: "3", deallocated: "0" },
          },
          {
            event: "CLEARED",
            quantity: "3",
            balances: { pending: "0", available: "2", locked: "0", reserved: "0", deallocated: "3" },
          },
        ],
      )
      assert.deepStrictEqual([createdAt, updatedAt], [entries[0]?.["at"], entries[3]?.["at"]])
      assert.strictEqual((yield* operator("GET", `/operator/v1/deallocations/${randomUUID()}`)).status, 404)
    }),
  )

  it.effect("sees why a deallocation was rejected", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("1")
      yield* TestServer.reserve(terms)
      const { json } = yield* operator("GET", `/operator/v1/deallocations/${terms.deallocationId}`)
      assert.include(json, { state: "REJECTED", rejectionReason: "INSUFFICIENT_BALANCE" })
    }),
  )

  it.effect("pages through deallocations, newest first, each once", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("100")
      const ids = Array.from({ length: 7 }, () => randomUUID() as string)
      for (const deallocationId of ids) yield* TestServer.reserve({ ...terms, deallocationId })
      const seen: Array<unknown> = []
      let cursor: unknown
      do {
        const from = cursor === undefined ? "" : `&cursor=${cursor}`
        const { json } = yield* operator(
          "GET",
          `/operator/v1/deallocations?connectionId=${terms.connectionId}&limit=3${from}`,
        )
        const page = json["deallocations"] as ReadonlyArray<Record<string, unknown>>
        assert.isAtMost(page.length, 3)
        seen.push(...page.map(({ createdAt }) => createdAt))
        assert.ok(page.every(({ deallocationId }) => ids.includes(String(deallocationId))))
        cursor = json["nextCursor"]
        if (cursor !== null) assert.match(String(cursor), /^[\w-]+$/)
      } while (cursor !== null)
      assert.strictEqual(seen.length, 7)
      assert.deepStrictEqual(seen, seen.toSorted().toReversed())
    }),
  )

  it.effect("filters by state, connection and currency", () =>
    Effect.gen(function* () {
      const terms = yield* TestServer.funded("5")
      const rejected = { ...terms, deallocationId: randomUUID(), amount: { currency: "ofcETH:a-b.c", quantity: "9" } }
      yield* TestServer.reserve(terms)
      yield* TestServer.reserve(rejected)
      const list = Effect.fnUntraced(function* (query: string) {
        const { json } = yield* operator(
          "GET",
          `/operator/v1/deallocations?connectionId=${terms.connectionId}&${query}`,
        )
        return (json["deallocations"] as ReadonlyArray<Record<string, unknown>>).map((_) => _["deallocationId"])
      })
      assert.deepStrictEqual(yield* list("state=RESERVED"), [terms.deallocationId])
      assert.deepStrictEqual(yield* list("state=REJECTED"), [rejected.deallocationId])
      assert.deepStrictEqual(yield* list("state=CLEARED"), [])
      assert.deepStrictEqual(yield* list("currency=ofcETH%3Aa-b.c"), [rejected.deallocationId])
      assert.deepStrictEqual(yield* list("currency=BTC&state=RESERVED"), [terms.deallocationId])
    }),
  )

  it.effect("is told what is wrong with a query", () =>
    Effect.gen(function* () {
      for (const query of [
        "limit=0",
        "limit=201",
        "limit=1.5",
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "state=Reserved",
        "state=",
        "connectionId=x",
        "currency=a%20b",
        "cursor=x",
        "cursor=e30",
        "cursor=%00",
        ...["-000001", "0000", "+010000", "+275760"].map((year) => `cursor=${cursorAt(`${year}-01-01T00:00:00.000Z`)}`),
        ...["Infinity", "9999-12-31T23:59:60Z", "never"].map((moment) => `cursor=${cursorAt(moment)}`),
      ]) {
        const answer = yield* operator("GET", `/operator/v1/deallocations?${query}`)
        assert.strictEqual(answer.status, 400, query)
        assert.match(String(answer.json["detail"]), new RegExp(`^${query.split("=")[0]}`), query)
      }
      for (const moment of ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]) {
        const answer = yield* operator("GET", `/operator/v1/deallocations?cursor=${cursorAt(moment)}`)
        assert.strictEqual(answer.status, 200, answer.text)
      }
    }),
  )

  it.effect("is told which parameters there are, where one is unknown or comes twice", () =>
    Effect.gen(function* () {
      const names =
        "There are state, connectionId, currency, from, to, order, olderThan, partnerDeallocationId, limit, cursor."
      for (const [query, detail] of [
        ["conectionId=x", `conectionId: Unknown parameter. ${names}`],
        ["State=RESERVED", `State: Unknown parameter. ${names}`],
        ["limit=5&x", `x: Unknown parameter. ${names}`],
        ["=x", `: Unknown parameter. ${names}`],
        ["__proto__=x", `__proto__: Unknown parameter. ${names}`],
        [
          "state=RESERVED&limit=1&st%61te=RESERVED&limit=2",
          "state: Expected one value. Got 2.; limit: Expected one value. Got 2.",
        ],
      ]) {
        const answer = yield* operator("GET", `/operator/v1/deallocations?${query}`)
        assert.deepStrictEqual([answer.status, answer.json["detail"]], [400, detail])
      }
      const terms = newTerms()
      const path = `/operator/v1/connections/${terms.connectionId}`
      for (const method of ["GET", "PUT"]) {
        const { connectionId: _, deallocationId: __, amount: ___, ...body } = terms
        const answer = yield* operator(method, `${path}?dryRun=1`, method === "PUT" ? { body } : {})
        assert.deepStrictEqual(
          [answer.status, answer.json["detail"]],
          [400, "dryRun: Unknown parameter. This address takes none."],
        )
      }
      assert.strictEqual((yield* operator("GET", path)).status, 404)
      // Whoever is not let in is told nothing of it.
      assert.strictEqual((yield* TestServer.anyone("GET", "/operator/v1/deallocations?x=1")).status, 401)
    }),
  )
})
