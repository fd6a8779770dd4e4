/** The journal's hash chain: the vectors of docs/running.md, and that every recorded fact counts. */
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
  kind: "adjustment",
  state: "Credited",
  terms: Schema.decodeUnknownSync(Adjustment.Terms)({
    id: id(3),
    connectionId: id(1),
    direction: "credit",
    amount: { currency: "BTC", quantity: 5n },
    memo: "deposit",
  }),
  createdAt: at(first),
  updatedAt: at(first),
}
const hold: Deallocation.Deallocation = {
  kind: "deallocation",
  state: "Reserved",
  terms: Schema.decodeUnknownSync(Deallocation.Terms)({
    id: id(4),
    amount: { currency: "BTC", quantity: 2n },
    ...connection,
  }),
  partnerTransferId: Schema.decodeUnknownSync(Deallocation.Terms.fields.id)(id(5)),
  createdAt: at(second),
  updatedAt: at(second),
}
const { connectionId, amount } = hold.terms
const units = (value: bigint) => BaseUnits.BaseUnits.make(value)

const credited: Ledger.Entry = {
  transferId: credit.terms.id,
  event: "Credited",
  connectionId,
  ...credit.terms.amount,
  balances: { ...Account.empty, available: units(5n) },
  at: at(first),
}
const reserved: Ledger.Entry = {
  transferId: hold.terms.id,
  event: "Reserved",
  connectionId,
  ...amount,
  balances: { ...Account.empty, available: units(3n), reserved: units(2n) },
  at: at(second),
}

describe("the journal's hash chain", () => {
  it("has the vectors of docs/running.md", () => {
    const guide = readFileSync(new URL("../../docs/running.md", import.meta.url), "utf8")
    const texts = [...guide.matchAll(/printf '%s' '(\[.*\])' \| sha256sum\n([0-9a-f]{64})/g)].map((_) => _.slice(1))
    const one = Journal.canonical(Journal.genesis, credited, credit)
    const two = Journal.canonical(hash("sha256", one), reserved, hold)
    assert.deepStrictEqual(
      texts,
      [one, two].map((text) => [text, hash("sha256", text)]),
    )
  })

  it("still has the text of version 1, of which journals have hashes", () => {
    const one = Journal.canonical(Journal.genesis, credited, credit, 1)
    const two = Journal.canonical(hash("sha256", one), reserved, hold, 1)
    const rejected = { ...hold, state: "Rejected", reason: "INSUFFICIENT_BALANCE" } as const
    assert.deepStrictEqual(
      [one, two, Journal.canonical(Journal.genesis, { ...reserved, event: "Rejected" }, rejected, 1)],
      [
        `["${"0".repeat(64)}","Credited","${id(3)}","${id(1)}","BTC","5","5","0","0","2026-01-01T00:00:00.000Z","deposit"]`,
        `["ae7f9be0d64e90a27ddd9b0d71300a5060f562a44593250947cf16b981d16fad","Reserved","${id(4)}","${id(1)}","BTC","2",` +
          `"3","2","0","2026-01-01T00:00:01.000Z","${id(2)}","account-7","client-3","${id(5)}"]`,
        `["${"0".repeat(64)}","Rejected","${id(4)}","${id(1)}","BTC","2","3","2","0","2026-01-01T00:00:01.000Z",` +
          `"${id(2)}","account-7","client-3","${id(5)}","INSUFFICIENT_BALANCE"]`,
      ],
    )
  })

  it("hashes every fact: another one is another text", () => {
    const other = Schema.decodeUnknownSync(Deallocation.Terms.fields.id)(id(9))
    const rejected = { ...hold, state: "Rejected" } as const
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
      ...Account.Balance.literals.map((field) =>
        Journal.canonical(
          Journal.genesis,
          { ...reserved, balances: { ...reserved.balances, [field]: units(7n) } },
          hold,
        ),
      ),
      ...(["clientId", "partnersConnectionId", "partnerClientId"] as const).map((field) =>
        Journal.canonical(Journal.genesis, reserved, { ...hold, terms: { ...hold.terms, [field]: other } }),
      ),
      Journal.canonical(Journal.genesis, reserved, { ...hold, partnerTransferId: other }),
      ...(["UNKNOWN_CONNECTION", "CONNECTION_MISMATCH"] as const).map((reason) =>
        Journal.canonical(Journal.genesis, { ...reserved, event: "Rejected" }, { ...rejected, reason }),
      ),
    ]
    assert.strictEqual(new Set(texts).size, texts.length)
  })
})
