/**
 * The audit: replays what a journal says through the pure ledger, and names
 * every difference between the journal, the transfers and the balances that
 * are recorded beside it. It asks of each account, from its first entry on:
 *
 * - could the ledger have made this entry, then and there? (Every decision is
 *   taken again, so that a hold beyond the balance or a second clear is found.)
 * - does the entry's hash fit the one before it? ({@link Journal})
 * - are the recorded transfers and balances what the entries come to?
 */
import { Cause, DateTime, Effect, Exit } from "effect"
import * as Account from "./Account.ts"
import type * as Connection from "./Connection.ts"
import * as Journal from "./Journal.ts"
import * as Ledger from "./Ledger.ts"
import * as Transfer from "./Transfer.ts"
import type * as Uuid from "./Uuid.ts"

/**
 * An entry as it is recorded, beside what is recorded of its transfer and of
 * the connection that the transfer names.
 *
 * @category models
 */
export interface Recorded {
  readonly entry: Ledger.Entry & { readonly hash: string; readonly version: Journal.Version }
  readonly transfer: Ledger.Transfer | undefined
  readonly connection: Connection.Connection | undefined
}

/**
 * What is recorded of an account: its balances, and the hash of its last entry.
 *
 * @category models
 */
export interface RecordedAccount {
  readonly account: Account.Account
  readonly head: string
}

/**
 * One difference: what is recorded in a place, and what the replay says should
 * be. Where the one or the other is missing altogether it is `null`.
 *
 * @category models
 */
export interface Finding extends Ledger.AccountKey {
  readonly where: "journal" | "transfers" | "accounts"
  /** Of the entry's transfer, or of the transfer. */
  readonly id: Uuid.Uuid | undefined
  readonly field: string
  readonly recorded: string | null
  readonly replayed: string | null
}

type Fields = Readonly<Record<string, string | null>>

/**
 * The audit of one account. It is told the account's entries, oldest first, and
 * at last what is recorded of the account; each call answers what it found.
 *
 * ```ts
 * import { Account, Adjustment, Audit, BaseUnits, Connection, Journal } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 * import { hash } from "node:crypto"
 *
 * const sha256 = (text: string) => hash("sha256", text)
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
 * })
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const opening = { kind: "adjustment", state: "Credited", terms } as const
 * const transfer = { ...opening, createdAt: at, updatedAt: at }
 * const { connectionId, amount } = terms
 * const balances = { ...Account.empty, available: BaseUnits.BaseUnits.make(5n) }
 * const entry = { transferId: terms.id, event: "Credited", connectionId, ...amount, balances, at } as const
 * const head = sha256(Journal.canonical(Journal.genesis, entry, transfer))
 * const hashed = { hash: head, version: Journal.version }
 *
 * const audit = new Audit.AccountAudit({ connectionId, currency: amount.currency }, sha256)
 * assert.deepEqual(audit.entry({ entry: { ...entry, ...hashed }, transfer, connection }), [])
 * const [finding] = audit.end({ account: Account.empty, head })
 * assert.deepEqual([finding?.field, finding?.recorded, finding?.replayed], ["available", "0", "5"])
 * ```
 *
 * @category auditing
 */
export class AccountAudit {
  readonly #key: Ledger.AccountKey
  readonly #sha256: Journal.Sha256
  /** Transfers as replayed so far, beside what is recorded of them. Those that nothing can change any more are done with. */
  readonly #open = new Map<Uuid.Uuid, { readonly replayed: Ledger.Transfer; readonly recorded: Ledger.Transfer }>()
  /** Hashes that were seen earlier, by how many entries there were then; those that were met again are done with. */
  readonly #seen: Map<number, string>
  #entries = 0
  #balances = Account.empty
  #head = Journal.genesis

  /** With heads that the account had earlier: what stood there then has to stand there still. */
  constructor(key: Ledger.AccountKey, sha256: Journal.Sha256, earlier: ReadonlyArray<Journal.Head> = []) {
    this.#key = key
    this.#sha256 = sha256
    this.#seen = new Map(earlier.map(({ entries, hash }) => [entries, hash]))
  }

  /** Replays the next entry. */
  entry({ entry, transfer, connection }: Recorded): ReadonlyArray<Finding> {
    const id = entry.transferId
    const before = { head: this.#head, balances: this.#balances, transfer: this.#open.get(id)?.replayed }
    this.#head = entry.hash
    this.#balances = entry.balances
    this.#entries++
    const seen = this.#meet(entry.hash)
    if (transfer === undefined) return [...seen, finding(this.#key, "transfers", id, "id", null, id)]
    const { findings, replayed } = follow(before, { entry, transfer, connection }, this.#sha256)
    if (replayed === undefined) return [...seen, ...findings]
    this.#open.set(id, { replayed, recorded: transfer })
    return [...seen, ...findings, ...(Ledger.isTerminal(replayed) ? this.#close(id) : [])]
  }

  /** A transfer that no entry of this account is about. */
  transfer(transfer: Ledger.Transfer): ReadonlyArray<Finding> {
    const { id } = transfer.terms
    return [finding(this.#key, "journal", id, "id", null, id)]
  }

  /** There are no more entries. */
  end(recorded: RecordedAccount | undefined): ReadonlyArray<Finding> {
    const findings = Array.from(this.#open.keys()).flatMap((id) => this.#close(id))
    for (const [entries, hash] of this.#seen) {
      findings.push(finding(this.#key, "journal", undefined, `the hash of entry ${entries}`, null, hash))
    }
    const replayed = { ...balancesOf(this.#balances), head: this.#head }
    if (recorded === undefined) {
      const available = String(this.#balances.available)
      findings.push(finding(this.#key, "accounts", undefined, "available", null, available))
      return findings
    }
    const { account, head } = recorded
    return [...findings, ...compare(this.#key, "accounts", undefined, { ...balancesOf(account), head }, replayed)]
  }

  #meet(hash: string): ReadonlyArray<Finding> {
    const seen = this.#seen.get(this.#entries)
    this.#seen.delete(this.#entries)
    if (seen === undefined || seen === hash) return []
    return [finding(this.#key, "journal", undefined, `the hash of entry ${this.#entries}`, hash, seen)]
  }

  #close(id: Uuid.Uuid): ReadonlyArray<Finding> {
    const transfer = this.#open.get(id)
    this.#open.delete(id)
    return transfer === undefined
      ? []
      : compare(this.#key, "transfers", id, stateOf(transfer.recorded), stateOf(transfer.replayed))
  }
}

/**
 * What an account's journal had come to before an entry, and its transfer as it
 * was then, if there was one.
 *
 * @category models
 */
export interface Before {
  readonly head: string
  readonly balances: Account.Account
  readonly transfer: Ledger.Transfer | undefined
}

/**
 * Replays one entry on what was before it: what differs, and the transfer that
 * the ledger makes; none where it would not have made the entry.
 *
 * ```ts
 * import { Account, Adjustment, Audit, BaseUnits, Connection, Journal } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 * import { hash } from "node:crypto"
 *
 * const sha256 = (text: string) => hash("sha256", text)
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
 * })
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const transfer = { kind: "adjustment", state: "Credited", terms, createdAt: at, updatedAt: at } as const
 * const { connectionId, amount } = terms
 * // Six, it says, are available after five came in.
 * const balances = { ...Account.empty, available: BaseUnits.BaseUnits.make(6n) }
 * const entry = { transferId: terms.id, event: "Credited", connectionId, ...amount, balances, at } as const
 * const hashed = { hash: sha256(Journal.canonical(Journal.genesis, entry, transfer)), version: Journal.version }
 *
 * const before = { head: Journal.genesis, balances: Account.empty, transfer: undefined }
 * const { findings, replayed } = Audit.follow(before, { entry: { ...entry, ...hashed }, transfer, connection }, sha256)
 * assert.deepEqual(findings.map(({ field, recorded, replayed }) => [field, recorded, replayed]), [["available", "6", "5"]])
 * assert.equal(replayed?.state, "Credited")
 * ```
 *
 * @category auditing
 */
export const follow = (
  before: Before,
  { entry, transfer, connection }: Recorded & { readonly transfer: Ledger.Transfer },
  sha256: Journal.Sha256,
): { readonly findings: ReadonlyArray<Finding>; readonly replayed: Ledger.Transfer | undefined } => {
  const id = entry.transferId
  const hash = sha256(Journal.canonical(before.head, entry, transfer, entry.version))
  const findings = compare(entry, "journal", id, { hash: entry.hash }, { hash })
  const reason = entry.event === "Rejected" && transfer.state === "Rejected" ? transfer.reason : undefined
  const replayed = replay(
    {
      connections: { get: () => connection && connectionThen(reason, connection) },
      accounts: { get: () => before.balances },
      transfers: { get: () => before.transfer },
      nonces: new Set(),
    },
    commandOf(entry, transfer),
    policyThen(reason),
  )
  if (typeof replayed === "string") {
    return {
      findings: [...findings, finding(entry, "journal", id, "event", entry.event, replayed)],
      replayed: undefined,
    }
  }
  const differing = compare(entry, "journal", id, fieldsOf(entry), fieldsOf(replayed.entry))
  return { findings: [...findings, ...differing], replayed: replayed.transfer }
}

const compare = (
  key: Ledger.AccountKey,
  where: Finding["where"],
  id: Finding["id"],
  recorded: Fields,
  replayed: Fields,
): Array<Finding> =>
  Object.keys(replayed).flatMap((field) => {
    const [one = null, other = null] = [recorded[field], replayed[field]]
    return one === other ? [] : [finding(key, where, id, field, one, other)]
  })

const finding = (
  { connectionId, currency }: Ledger.AccountKey,
  where: Finding["where"],
  id: Finding["id"],
  field: string,
  recorded: string | null,
  replayed: string | null,
): Finding => ({ connectionId, currency, where, id, field, recorded, replayed })

/**
 * What the ledger makes of a command that changes something, or in words why it
 * would not have changed. Books that contradict themselves are a reason too.
 *
 * ```ts
 * import { Adjustment, Audit, Connection } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
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
 *   direction: "debit",
 *   amount: { currency: "BTC", quantity: 5n },
 * })
 * // A journal has a debit from an account that nothing had come in on.
 * const command = Adjustment.Command.cases.Adjust.make({ terms, at: DateTime.makeUnsafe("2026-01-01T00:00:00Z") })
 * const replayed = Audit.replay(
 *   { connections: { get: () => connection }, accounts: new Map(), transfers: new Map(), nonces: new Set() },
 *   command,
 * )
 * assert.equal(replayed, "Requested 5 but only 0 is available.")
 * ```
 *
 * @category auditing
 */
export const replay = (
  snapshot: Ledger.Snapshot,
  command: Ledger.Command,
  policy: Transfer.Policy = {},
): { readonly entry: Ledger.Entry; readonly transfer: Ledger.Transfer } | string => {
  const exit = Effect.runSyncExit(Ledger.fold(snapshot, [{ command, nonce: undefined }], policy))
  if (Exit.isFailure(exit)) return String(Cause.squash(exit.cause))
  const { outcomes, changes } = exit.value
  const [entry] = changes.entries
  const transfer = changes.transfers.get(Ledger.idOf(command))
  if (entry !== undefined && transfer !== undefined) return { entry, transfer }
  return outcomes[0]?._tag === "Failure" ? outcomes[0].failure.message : "no event, for nothing would have changed"
}

/**
 * A finding in a line.
 *
 * ```ts
 * import { Amount, Audit, Uuid } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const finding: Audit.Finding = {
 *   connectionId: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001"),
 *   currency: Amount.Currency.make("BTC"),
 *   where: "accounts",
 *   id: undefined,
 *   field: "available",
 *   recorded: "6",
 *   replayed: "5",
 * }
 * assert.equal(
 *   Audit.describe(finding),
 *   "accounts: account 018f3f1e-0000-7000-8000-000000000001/BTC: available is 6. Expected 5.",
 * )
 * ```
 *
 * @category conversions
 */
export const describe = ({ where, id, connectionId, currency, field, recorded, replayed }: Finding): string => {
  const of = `${id === undefined ? "" : ` transfer ${id},`} account ${connectionId}/${currency}`
  return `${where}:${of}: ${field} is ${recorded ?? "missing"}. Expected ${replayed ?? "none"}.`
}

/**
 * The command that makes the event of an entry.
 *
 * ```ts
 * import { Account, Amount, Audit, BaseUnits, Ledger, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const [createdAt, at] = [DateTime.makeUnsafe("2026-01-01T00:00:00Z"), DateTime.makeUnsafe("2026-01-01T00:10:00Z")]
 * const lock: Ledger.Transfer = {
 *   kind: "lock",
 *   state: "Released",
 *   terms: { id, connectionId: id, amount },
 *   createdAt,
 *   updatedAt: at,
 * }
 * const balances = { ...Account.empty, available: amount.quantity }
 * const entry: Ledger.Entry = { transferId: id, event: "Released", connectionId: id, ...amount, balances, at }
 * assert.deepEqual(Audit.commandOf(entry, lock), { _tag: "Release", kind: "lock", id, at })
 * ```
 *
 * @category conversions
 */
export const commandOf = (entry: Ledger.Entry, transfer: Ledger.Transfer): Ledger.Command => {
  const _tag = Transfer.requests[entry.event]
  const { kind, terms } = transfer
  const opening = "partnerTransferId" in transfer ? { terms, partnerTransferId: transfer.partnerTransferId } : { terms }
  const said = _tag === "Clear" || _tag === "Release" ? { id: terms.id } : opening
  // A kind has its own requests; of an entry that is of another kind than its transfer, the ledger makes nothing.
  return { _tag, kind, ...said, at: entry.at } as Ledger.Command
}

type Reason = Extract<Ledger.Transfer, { readonly state: "Rejected" }>["reason"]

/** It may have been registered, suspended or resumed since. */
const connectionThen = (reason: Reason | undefined, connection: Connection.Connection) =>
  reason === "UNKNOWN_CONNECTION" ? undefined : { ...connection, suspended: reason === "CONNECTION_SUSPENDED" }

/** Settings may have been others. */
const policyThen = (reason: Reason | undefined): Transfer.Policy => ({
  suspendedDeallocations: "reject",
  currencies: reason === "UNKNOWN_CURRENCY" ? new Set() : undefined,
})

const balancesOf = (account: Account.Account): Fields =>
  Object.fromEntries(Account.Balance.literals.map((balance) => [balance, String(account[balance])]))

const fieldsOf = ({
  transferId,
  event,
  connectionId,
  currency,
  quantity,
  balances,
  at,
  previousAt,
}: Ledger.Entry): Fields => ({
  transferId,
  event,
  connectionId,
  currency,
  quantity: String(quantity),
  ...balancesOf(balances),
  at: DateTime.formatIso(at),
  previousAt: previousAt === undefined ? null : DateTime.formatIso(previousAt),
})

/** What entries make of a transfer; the rest of it is in the entries' hashes. */
const stateOf = (transfer: Ledger.Transfer): Fields => ({
  state: transfer.state,
  createdAt: DateTime.formatIso(transfer.createdAt),
  updatedAt: DateTime.formatIso(transfer.updatedAt),
  reason: transfer.state === "Rejected" ? transfer.reason : null,
})
