/** What `make` of a schema says of a value that does not fit: the fact and the value, and the field if there is one. */
import { assert, describe, it } from "@effect/vitest"
import { Account, Adjustment, Amount, BaseUnits, Connection, Deallocation, Lock, Store, Uuid } from "@holdfast/domain"
import { Schema } from "effect"
import { registered, units, uuid } from "../support/Generators.ts"

const [connection = assert.fail()] = registered
const amount = { currency: Amount.Currency.make("BTC"), quantity: units(1n) }
const terms = { id: uuid(1), connectionId: uuid(2), amount }
const [max, one] = [units(BaseUnits.MAX), units(1n)]

/** `make` of what passes for a value only because the compiler was told so. */
const making =
  <A>(schema: { readonly make: (value: A) => unknown }, value: unknown) =>
  () =>
    schema.make(value as A)

const refused: Readonly<Record<string, readonly [make: () => unknown, message: string]>> = {
  "base units below zero": [making(BaseUnits.BaseUnits, -1n), "Expected base units, 0 to 2^256 - 1, got -1n"],
  "base units above the bound": [
    making(BaseUnits.BaseUnits, 2n ** 256n),
    `Expected base units, 0 to 2^256 - 1, got ${2n ** 256n}n`,
  ],
  "base units that are a number": [making(BaseUnits.BaseUnits, 1), "Expected bigint, got 1"],
  "a currency with a space": [
    making(Amount.Currency, "US D"),
    'Expected a currency of 1 to 128 printable characters without spaces, got "US D"',
  ],
  "an amount": [
    making(Amount.Amount, { ...amount, quantity: -1n }),
    'Expected base units, 0 to 2^256 - 1, got -1n\n  at ["quantity"]',
  ],
  "an amount of nothing": [
    making(Amount.Positive, { ...amount, quantity: 0n }),
    'Quantity must be at least 1 base unit. Got 0.\n  at ["quantity"]',
  ],
  "a UUID": [making(Uuid.Uuid, "AB"), 'Expected a lower-case UUID, got "AB"'],
  "a place": [making(Store.Place, "x"), 'Expected a cursor of the journal: 1 to 18 digits, got "x"'],
  "a limit": [making(Store.Limit, 0), "Expected a limit of 1 to 200, got 0"],
  "a query": [making(Store.Query, { limit: 201 }), 'Expected a limit of 1 to 200, got 201\n  at ["limit"]'],
  "a connection": [
    making(Connection.Connection, { ...connection, clientId: "AB" }),
    'Expected a lower-case UUID, got "AB"\n  at ["clientId"]',
  ],
  "terms of a deallocation": [
    making(Deallocation.Terms, { ...terms, ...connection, amount: { ...amount, quantity: -1n } }),
    'Expected base units, 0 to 2^256 - 1, got -1n\n  at ["amount"]["quantity"]',
  ],
  "terms of a lock": [making(Lock.Terms, { ...terms, id: "AB" }), 'Expected a lower-case UUID, got "AB"\n  at ["id"]'],
  "terms of an adjustment": [making(Adjustment.Terms, terms), 'Missing key\n  at ["direction"]'],
  "balances that together are above the bound": [
    making(Account.Account, { pending: max, available: one, locked: one, reserved: one, deallocated: one }),
    `Expected balances of at most 2^256 - 1 base units together, got {"pending":${max}n,"available":1n,"locked":1n,"reserved":1n,"deallocated":1n}`,
  ],
}

describe("what does not fit is refused with the fact and the value:", () => {
  for (const [what, [make, message]] of Object.entries(refused)) {
    it(what, () => {
      const error = thrownBy(make)
      assert.strictEqual(error.message, message)
    })
  }
})

it("what fits is made, and options of `make` are heeded", () => {
  assert.strictEqual<bigint>(BaseUnits.BaseUnits.make(5n), 5n)
  assert.deepStrictEqual(Amount.Amount.make(amount), amount)
  assert.strictEqual<bigint>(BaseUnits.BaseUnits.make(-1n, { disableChecks: true }), -1n)
})

it("a schema made of another has a `make` of its own", () => {
  const dozens = BaseUnits.BaseUnits.check(
    Schema.makeFilter((units: bigint) => units % 12n === 0n, { expected: "dozens" }),
  )
  assert.strictEqual<bigint>(dozens.make(24n), 24n)
  thrownBy(() => dozens.make(13n))
})

function thrownBy(make: () => unknown): Error {
  try {
    make()
  } catch (error) {
    assert.instanceOf(error, Error)
    return error
  }
  return assert.fail("Nothing was thrown.")
}
