/**
 * The journal's hash chain. Every entry of an account carries a hash of itself
 * and of the hash before it, the account's first of {@link genesis}: an entry
 * that is edited, removed or inserted does not fit its neighbours any more, and
 * the hash of the last one, kept with the account, tells where the chain ends.
 *
 * The hash of an entry is SHA-256 over the UTF-8 of {@link canonical}, in
 * lower-case hexadecimal.
 */
import { DateTime } from "effect"
import * as BaseUnits from "./BaseUnits.ts"
import type * as Ledger from "./Ledger.ts"

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
 * @category constants
 */
export const genesis = "0".repeat(64)

/**
 * The text that the hash of an entry is over: a JSON array of strings, without
 * white space, that says all that is recorded of the event.
 *
 * 1. the hash of the account's entry before this one, or {@link genesis};
 * 2. the event, the transfer's id, connection id and currency;
 * 3. the quantity, and the balances after it: available, reserved, deallocated;
 * 4. the time, in UTC with milliseconds;
 * 5. what else is known of the transfer. Of a deallocation: client id, partner's
 *    connection id, partner's client id, partner's deallocation id and, if it is
 *    rejected, the reason. Of an adjustment: the memo, if it has one.
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
 *   adjustmentId: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   direction: "credit",
 *   amount: { currency: "BTC", quantity: 5n },
 *   memo: "deposit",
 * })
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const { changes } = Effect.runSync(
 *   Ledger.fold(
 *     { connections: { get: () => connection }, accounts: new Map(), transfers: new Map(), nonces: new Set() },
 *     [{ command: { _tag: "Adjust", terms, at }, nonce: undefined }],
 *     { releasedRepost: "reserve" },
 *   ),
 * )
 * const [entry] = changes.entries
 * assert.ok(entry)
 * const text = Journal.canonical(Journal.genesis, entry, { _tag: "Adjustment", terms, createdAt: at })
 * assert.equal(
 *   text,
 *   '["0000000000000000000000000000000000000000000000000000000000000000","Credited",' +
 *     '"018f3f1e-0000-7000-8000-000000000003","018f3f1e-0000-7000-8000-000000000001","BTC",' +
 *     '"5","5","0","0","2026-01-01T00:00:00.000Z","deposit"]',
 * )
 * assert.equal(hash("sha256", text), "ae7f9be0d64e90a27ddd9b0d71300a5060f562a44593250947cf16b981d16fad")
 * ```
 *
 * @category conversions
 */
export const canonical = (previous: string, entry: Ledger.Entry, transfer: Ledger.Transfer): string => {
  const { available, reserved, deallocated } = entry.balances
  return JSON.stringify([
    previous,
    entry.event,
    entry.transferId,
    entry.connectionId,
    entry.currency,
    ...[entry.quantity, available, reserved, deallocated].map(BaseUnits.toString),
    DateTime.formatIso(entry.at),
    ...facts(entry, transfer),
  ])
}

const facts = ({ event }: Ledger.Entry, transfer: Ledger.Transfer): ReadonlyArray<string> => {
  if (transfer._tag === "Adjustment") return transfer.terms.memo === undefined ? [] : [transfer.terms.memo]
  const { clientId, partnersConnectionId, partnerClientId } = transfer.terms
  const reason = event === "Rejected" && transfer._tag === "Rejected" ? [transfer.reason] : []
  return [clientId, partnersConnectionId, partnerClientId, transfer.partnerDeallocationId, ...reason]
}
