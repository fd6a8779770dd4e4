import { assert, describe, it } from "@effect/vitest"
import { Connection } from "@holdfast/domain"
import { Effect, Schema, Struct } from "effect"
import fc from "fast-check"
import { connection, terms } from "../support/Generators.ts"

const decode = Schema.decodeUnknownEffect(Connection.Connection)
const fields = ["connectionId", "clientId", "partnersConnectionId", "partnerClientId"] as const

describe("a connection", () => {
  it("is read back as it is written", () => {
    fc.assert(
      fc.property(connection, (connection) => {
        const written = JSON.stringify(Schema.encodeSync(Connection.Connection)(connection))
        assert.deepStrictEqual(Effect.runSync(decode(JSON.parse(written))), connection)
      }),
    )
  })

  it("differs from another in exactly the identifiers that differ, with both values", () => {
    fc.assert(
      fc.property(connection, connection, (recorded, repeated) => {
        const expected = fields
          .filter((field) => recorded[field] !== repeated[field])
          .map((field) => ({ field, recorded: recorded[field], repeated: repeated[field] }))
        assert.deepStrictEqual(Connection.differences(recorded, repeated), expected)
      }),
    )
  })

  it("does not differ from itself, whatever else the value carries", () => {
    fc.assert(
      fc.property(terms, (terms) => {
        const identifiers = Struct.pick(terms, fields)
        assert.hasAllKeys(identifiers, [...fields])
        assert.deepStrictEqual(Connection.differences(terms, identifiers), [])
        assert.deepStrictEqual(Connection.differences(identifiers, terms), [])
      }),
    )
  })

  it("says how it is registered when it comes with other identifiers", () => {
    fc.assert(
      fc.property(connection, (connection) => {
        const other = { ...connection, partnersConnectionId: "someone else's" }
        const differences = Connection.differences(connection, other)
        const error = new Connection.ConnectionConflict({ connectionId: connection.connectionId, differences })
        const values = `partnersConnectionId ${connection.partnersConnectionId}, not someone else's`
        assert.strictEqual(error.message, `Connection ${connection.connectionId} is registered with ${values}.`)
      }),
    )
  })

  const valid = {
    connectionId: "018F3F1E-0000-7000-8000-000000000001",
    clientId: "018f3f1e-0000-7000-8000-000000000002",
    partnersConnectionId: "account-7",
    partnerClientId: "client-3",
  }
  const accepts = (changes: object) => Effect.runSync(Effect.option(decode({ ...valid, ...changes })))._tag === "Some"

  it("needs a name of the partner's for itself, not for the client", () => {
    assert.isTrue(accepts({ partnerClientId: "" }))
    assert.isFalse(accepts({ partnersConnectionId: "" }))
  })

  for (const field of ["partnersConnectionId", "partnerClientId"]) {
    it(`holds up to 256 characters in ${field}, of any script`, () => {
      for (const text of ["x".repeat(256), "口座🏦", " ", "e\u0301"]) assert.isTrue(accepts({ [field]: text }))
      assert.isFalse(accepts({ [field]: "x".repeat(257) }))
    })

    it(`refuses in ${field} what PostgreSQL cannot hold`, () => {
      for (const text of ["a\0b", "\ud800", "a\udc00"]) assert.isFalse(accepts({ [field]: text }))
    })
  }

  it("needs all four identifiers, each as text", () => {
    for (const field of fields) for (const value of [undefined, null, 7]) assert.isFalse(accepts({ [field]: value }))
  })
})
