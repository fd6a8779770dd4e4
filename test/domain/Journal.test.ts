/** The journal's hash chain: the README's vectors, and that every recorded fact counts. */
import { hash } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Account, Adjustment, BaseUnits, Deallocation, Journal, type Ledger } from "@holdfast/domain"
import { DateTime, Schema } from "effect"

const id = (n: number) => `018f3f1e-0000-7000-8000-00000000000${n}`
const connection = {
  connectionId: id(1),
  clientId: id(2),
  partnersConnectionId: "account-7",
  partnerClientId: "client-3",
}
const [first, second] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"].map((text) => DateTime.makeUnsafe(text))
const at = (time: DateTime.Utc | undefined) => time ?? assert.fail()

const credit: Ledger.Transfer = {
  _tag: "Adjustment",
  terms: Schema.decodeUnknownSync(Adjustment.Terms)({
    adjustmentId: id(3),
    connectionId: id(1),
    direction: "credit",
    amount: { currency: "BTC", quantity: 5n },
    memo: "deposit",
  }),
  createdAt: at(first),
}
const hold: Ledger.Transfer = {
  _tag: "Reserved",
  terms: Schema.decodeUnknownSync(Deallocation.Terms)({
    deallocationId: id(4),
    amount: { currency: "BTC", quantity: 2n },
    ...connection,
  }),
  partnerDeallocationId: Schema.decodeUnknownSync(Deallocation.Terms.fields.deallocationId)(id(5)),
  createdAt: at(second),
  updatedAt: at(second),
}
const { connectionId, amount } = hold.terms
const units = (value: bigint) => BaseUnits.BaseUnits.make(value)

const credited: Ledger.Entry = {
  transferId: credit.terms.adjustmentId,
  event: "Credited",
  connectionId,
  ...credit.terms.amount,
  balances: { ...Account.empty, available: units(5n) },
  at: at(first),
  previousAt: undefined,
}
const reserved: Ledger.Entry = {
  transferId: hold.terms.deallocationId,
  event: "Reserved",
  connectionId,
  ...amount,
  balances: { ...Account.empty, available: units(3n), reserved: units(2n) },
  at: at(second),
  previousAt: undefined,
}

describe("the journal's hash chain", () => {
  it("has the README's vectors", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
    const texts = [...readme.matchAll(/printf '%s' '(\[.*\])' \| sha256sum\n([0-9a-f]{64})/g)].map((_) => _.slice(1))
    const one = Journal.canonical(Journal.genesis, credited, credit)
    const two = Journal.canonical(hash("sha256", one), reserved, hold)
    assert.deepStrictEqual(
      texts,
      [one, two].map((text) => [text, hash("sha256", text)]),
    )
  })

  it("hashes every fact: another one is another text", () => {
    const other = Schema.decodeUnknownSync(Deallocation.Terms.fields.deallocationId)(id(9))
    const rejected = { ...hold, _tag: "Rejected" } as const
    const texts = [
      Journal.canonical(Journal.genesis, reserved, hold),
      Journal.canonical("f".repeat(64), reserved, hold),
      ...(["connectionId", "transferId"] as const).map((field) =>
        Journal.canonical(Journal.genesis, { ...reserved, [field]: other }, hold),
      ),
      Journal.canonical(Journal.genesis, { ...reserved, currency: "btc" as never }, hold),
      Journal.canonical(Journal.genesis, { ...reserved, event: "Released" }, hold),
      Journal.canonical(Journal.genesis, { ...reserved, quantity: units(3n) }, hold),
      Journal.canonical(Journal.genesis, { ...reserved, at: at(first) }, hold),
      ...(["available", "reserved", "deallocated"] as const).map((field) =>
        Journal.canonical(
          Journal.genesis,
          { ...reserved, balances: { ...reserved.balances, [field]: units(7n) } },
          hold,
        ),
      ),
      ...(["clientId", "partnersConnectionId", "partnerClientId"] as const).map((field) =>
        Journal.canonical(Journal.genesis, reserved, { ...hold, terms: { ...hold.terms, [field]: other } }),
      ),
      Journal.canonical(Journal.genesis, reserved, { ...hold, partnerDeallocationId: other }),
      ...(["UNKNOWN_CONNECTION", "CONNECTION_MISMATCH"] as const).map((reason) =>
        Journal.canonical(Journal.genesis, { ...reserved, event: "Rejected" }, { ...rejected, reason }),
      ),
    ]
    assert.strictEqual(new Set(texts).size, texts.length)
  })
})
