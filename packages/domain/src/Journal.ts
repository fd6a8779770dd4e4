/**
 * The journal's hash chain. Every entry of an account carries a hash of itself
 * and of the hash before it, the account's first of {@link genesis}: an entry
 * that is edited, removed or inserted does not fit its neighbours any more, and
 * the hash of the last one, kept with the account, tells where the chain ends.
 *
 * The hash of an entry is SHA-256 over the UTF-8 of {@link canonical}, in
 * lower-case hexadecimal.
 */
import { DateTime, Schema } from "effect"
import * as Account from "./Account.ts"
import * as Amount from "./Amount.ts"
import * as Ledger from "./Ledger.ts"
import type * as Transfer from "./Transfer.ts"
import * as Uuid from "./Uuid.ts"

/**
 * SHA-256 over the UTF-8 of a text, in lower-case hexadecimal: of the embedder's
 * own making, such as `(text) => hash("sha256", text)` with `node:crypto`.
 *
 * @category models
 */
export type Sha256 = (text: string) => string

/**
 * What stands in place of a hash before an account's first entry.
 *
 * ```ts
 * import { Journal } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * // Nothing has this hash, so an account's first entry can come after no other.
 * assert.equal(Journal.genesis, "0000000000000000000000000000000000000000000000000000000000000000")
 * ```
 *
 * @category constants
 */
export const genesis = "0".repeat(64)

/**
 * The end of an account's chain: how many entries it has, and the hash of the
 * last. Kept elsewhere, it shows that none of them was changed since.
 *
 * ```ts
 * import { Journal } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const head = {
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   currency: "BTC",
 *   entries: 1,
 *   hash: "1625335ae75758f8ad0f32b35c45520bccf7ca212f6673037185bb8b35993795",
 * }
 * assert.ok(Schema.is(Journal.Head)(head))
 * // Who has no entries has no head.
 * assert.ok(!Schema.is(Journal.Head)({ ...head, entries: 0 }))
 * ```
 *
 * @category schemas
 */
export const Head = Schema.Struct({
  connectionId: Uuid.Uuid,
  currency: Amount.Currency,
  entries: Schema.Int.check(Schema.isGreaterThan(0)),
  hash: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
})

/** @category models */
export type Head = typeof Head.Type

/**
 * The versions of {@link canonical}. An entry keeps the one that it was written
 * with, and its number stands beside it; new ones get the last.
 *
 * ```ts
 * import { Journal } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isVersion = Schema.is(Journal.Version)
 * assert.ok(isVersion(1))
 * // What a later release wrote is for that release to check.
 * assert.ok(!isVersion(3))
 * ```
 *
 * @category schemas
 */
export const Version = Schema.Literals([1, 2])

/** @category models */
export type Version = typeof Version.Type

/**
 * The version of new entries.
 *
 * ```ts
 * import { Journal } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Journal.version, Journal.Version.literals.at(-1))
 * ```
 *
 * @category constants
 */
export const version = 2 as const satisfies Version

/**
 * The text that the hash of an entry is over: a JSON array of strings, without
 * white space, that says all that is recorded of the event. Version 2:
 *
 * 1. the version;
 * 2. the hash of the account's entry before this one, or {@link genesis};
 * 3. the event, the transfer's id, connection id and currency;
 * 4. the quantity, and the balances after it, in the order of `Account`: pending,
 *    available, locked, reserved, deallocated;
 * 5. the time, in UTC with milliseconds;
 * 6. the transfer's kind, and what else its terms have: each field's name and its
 *    value, without those that are missing. Of a deallocation and an allocation
 *    they are `clientId`, `partnersConnectionId` and `partnerClientId`, of a lock
 *    `memo`, of an adjustment `direction` and `memo`;
 * 7. of what the network asked for: the partner's id of it and, if the event is
 *    its rejection, the reason.
 *
 * Version 1, of deallocations and adjustments with three balances, has no number
 * of its own and ends otherwise: available, reserved, deallocated; the time; of a
 * deallocation the client id, partner's connection id, partner's client id,
 * partner's id of it and, if it is rejected, the reason; of an adjustment the
 * memo, if it has one.
 *
 * ```ts
 * import { Adjustment, Connection, Journal, Ledger } from "@holdfast/domain"
 * import { DateTime, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 * import { hash } from "node:crypto"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const terms = Schema.decodeUnknownSync(Adjustment.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   direction: "credit",
 *   amount: { currency: "BTC", quantity: 5n },
 *   memo: "deposit",
 * })
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const { changes } = Effect.runSync(
 *   Ledger.fold(
 *     { connections: { get: () => connection }, accounts: new Map(), transfers: new Map(), nonces: new Set() },
 *     [{ command: { _tag: "Adjust", kind: "adjustment", terms, at }, nonce: undefined }],
 *   ),
 * )
 * const [[entry], [transfer]] = [changes.entries, [...changes.transfers.values()]]
 * assert.ok(entry && transfer)
 * const text = Journal.canonical(Journal.genesis, entry, transfer)
 * assert.equal(
 *   text,
 *   '["2","0000000000000000000000000000000000000000000000000000000000000000","Credited",' +
 *     '"018f3f1e-0000-7000-8000-000000000003","018f3f1e-0000-7000-8000-000000000001","BTC",' +
 *     '"5","0","5","0","0","0","2026-01-01T00:00:00.000Z","adjustment",' +
 *     '"direction","credit","memo","deposit"]',
 * )
 * assert.equal(hash("sha256", text), "1625335ae75758f8ad0f32b35c45520bccf7ca212f6673037185bb8b35993795")
 * ```
 *
 * @category conversions
 */
export const canonical = (
  previous: string,
  entry: Ledger.Entry,
  transfer: Ledger.Transfer,
  writtenWith: Version = version,
): string => {
  const { event, transferId, connectionId, currency, quantity, balances } = entry
  const texts = [previous, event, transferId, connectionId, currency, String(quantity)]
  const at = DateTime.formatIso(entry.at)
  if (writtenWith === 1) {
    const { available, reserved, deallocated } = balances
    return JSON.stringify([
      ...texts,
      ...[available, reserved, deallocated].map(String),
      at,
      ...factsOf1(entry, transfer),
    ])
  }
  const after = Account.Balance.literals.map((balance) => String(balances[balance]))
  return JSON.stringify([String(writtenWith), ...texts, ...after, at, ...facts(entry, transfer)])
}

const facts = ({ event }: Ledger.Entry, transfer: Ledger.Transfer): ReadonlyArray<string> => {
  const { flat }: Transfer.Rules = Ledger.kinds[transfer.kind]
  const terms = Object.entries(flat(transfer.terms)).filter(([field]) => !ofEntry.includes(field))
  return [transfer.kind, ...terms.flat(), ...ofNetwork(event, transfer)]
}

/** The terms that the entry itself has. */
const ofEntry = ["id", "connectionId", "amount.currency", "amount.quantity"]

/** The partner's id of what the network asked for, and why it was rejected. */
const ofNetwork = (event: Ledger.Entry["event"], transfer: Ledger.Transfer): ReadonlyArray<string> => {
  const reason = event === "Rejected" && "reason" in transfer ? [transfer.reason] : []
  return "partnerTransferId" in transfer ? [transfer.partnerTransferId, ...reason] : reason
}

const factsOf1 = ({ event }: Ledger.Entry, transfer: Ledger.Transfer): ReadonlyArray<string> => {
  const { terms } = transfer
  const ofTerms =
    "clientId" in terms
      ? [terms.clientId, terms.partnersConnectionId, terms.partnerClientId]
      : terms.memo === undefined
        ? []
        : [terms.memo]
  // Others there were none then: who says that it was one of them does not get the hash that is recorded.
  const another = transfer.kind === "deallocation" || transfer.kind === "adjustment" ? [] : [transfer.kind]
  return [...ofTerms, ...ofNetwork(event, transfer), ...another]
}
