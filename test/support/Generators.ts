/**
 * Generators of domain values, biased to where mistakes live: no units, one, the bound, one ether;
 * ids and currencies from small pools, so that they collide; text that is awkward to store.
 */

import { assert } from "@effect/vitest"
import {
  Account,
  type Adjustment,
  Amount,
  BaseUnits,
  type Connection,
  type Deallocation,
  type Ledger,
  type Lock,
  type Transfer,
  Uuid,
} from "@holdfast/domain"
import { DateTime } from "effect"
import fc from "fast-check"

export const units = (value: bigint): BaseUnits.BaseUnits => BaseUnits.BaseUnits.make(value)

/** Records as literals make them: with the usual prototype. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true })

/** Any quantity from `min` to `max`. */
const bigintIn = (min: bigint, max: bigint): fc.Arbitrary<bigint> => {
  const edges = [min, min + 1n, max, max - 1n, max / 2n, 10n ** 18n].filter((edge) => edge >= min && edge <= max)
  const small = max - min < 20n ? max : min + 20n
  return fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min, max: small }), fc.bigInt({ min, max }))
}

export const unitsIn = (min: bigint, max: bigint) => bigintIn(min, max).map(units)

export const quantity = unitsIn(0n, BaseUnits.MAX)

const positiveQuantity = unitsIn(1n, BaseUnits.MAX)

/** Quantities that fit into a few balances many times over. */
const smallQuantity = unitsIn(1n, 10n)

/** Balances that postings can reach: together within the bound. */
export const account: fc.Arbitrary<Account.Account> = fc
  .tuple(quantity, ...Account.Balance.literals.map(() => quantity))
  .map(([total, ...shares]) => {
    let left: bigint = total
    const balances = Account.Balance.literals.map((name, index) => {
      const share = left === 0n ? 0n : (shares[index] ?? 0n) % (left + 1n)
      left -= share
      return [name, units(share)] as const
    })
    return { ...Account.empty, ...Object.fromEntries(balances) }
  })

/** What an account holds in all. */
export const sum = (account: Account.Account): bigint =>
  Object.values(account).reduce((total, balance) => total + balance, 0n)

/** The n-th of a fixed sequence of ids, in the form of a UUID version 4. */
export const uuid = (n: number): Uuid.Uuid =>
  Uuid.Uuid.make(`0000abcd-0000-4000-8000-${n.toString(16).padStart(12, "0")}`)

const anyUuid: fc.Arbitrary<Uuid.Uuid> = fc.uuid().map((text) => Uuid.Uuid.make(text))

const pool = (size: number, offset: number) => fc.integer({ min: 0, max: size - 1 }).map((n) => uuid(offset + n))

/** Ids of connections, clients and transfers, each from few; a transfer's id may be a deallocation's or an adjustment's. */
const connectionId = pool(3, 0x100)
const clientId = pool(2, 0x200)
const transferId = pool(6, 0x300)

/** Currencies in use, and awkward ones: case matters, names of JavaScript's own, the longest. */
export const currencies = [
  "BTC",
  "btc",
  "ofcETH:USDC-v2.e",
  "__proto__",
  "ofcBSC:0x55d398326f99059fF775485246999027B3197955-wrapped.v2",
  "€:".repeat(64),
].map((text) => Amount.Currency.make(text))

const currency = fc.constantFrom(...currencies)

export const amount: fc.Arbitrary<Amount.Amount> = record({ currency, quantity: positiveQuantity })

/** Text of the partner's own choice, of at most 256 characters. */
const partnerId: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "account-7",
    "ACCOUNT-7",
    "konto «ß»",
    "口座🏦",
    "a b\t\n\"'\\;--",
    "e\u0301",
    "\u00e9",
    "x".repeat(256),
  ),
  fc.string({ unit: "binary", maxLength: 20 }).map((text) => text.replaceAll("\0", "")),
)

export const connection: fc.Arbitrary<Connection.Connection> = record({
  connectionId,
  clientId,
  partnersConnectionId: partnerId.filter((text) => text !== ""),
  partnerClientId: partnerId,
})

export const terms: fc.Arbitrary<Deallocation.Terms> = fc
  .tuple(transferId, amount, connection)
  .map(([id, amount, connection]) => ({ id, amount, ...connection }))

export const adjustmentTerms: fc.Arbitrary<Adjustment.Terms> = fc.record(
  {
    id: transferId,
    connectionId,
    direction: fc.constantFrom("credit", "debit"),
    amount,
    memo: fc.string({ maxLength: 10 }),
  },
  { requiredKeys: ["id", "connectionId", "direction", "amount"], noNullPrototype: true },
)

/** Some millisecond of 2026. */
const time: fc.Arbitrary<DateTime.Utc> = fc
  .integer({ min: Date.UTC(2026), max: Date.UTC(2027) })
  .map((millis) => DateTime.makeUnsafe(millis))

export const releasedRepost: fc.Arbitrary<Transfer.ReleasedRepost> = fc.constantFrom("reserve", "conflict")

/** A deallocation in any state, `undefined` where there is none. */
export const deallocationOf = (terms: Deallocation.Terms): fc.Arbitrary<Deallocation.Deallocation | undefined> => {
  const opening = { kind: fc.constant("deallocation" as const), terms: fc.constant(terms), partnerTransferId: anyUuid }
  const common = { ...opening, createdAt: time, updatedAt: time }
  const reason = fc.constantFrom("INSUFFICIENT_BALANCE", "UNKNOWN_CONNECTION", "CONNECTION_MISMATCH")
  return fc.oneof(
    fc.constant(undefined),
    record({ state: fc.constantFrom("Reserved", "Cleared", "Released"), ...common }),
    record({ state: fc.constant("Rejected"), ...common, reason }),
  )
}

/** Any command about a deallocation or allocation with these terms; a reservation repeats them. */
export const commandOn = <Kind extends "deallocation" | "allocation">(
  terms: Deallocation.Terms,
  kind: Kind,
): fc.Arbitrary<Extract<Ledger.Command, { readonly kind: Kind }>> => {
  const first = { _tag: fc.constant("Reserve"), terms: fc.constant(terms), partnerTransferId: anyUuid }
  return ofKind<Extract<Ledger.Command, { readonly kind: Kind }>>(kind, terms.id, first)
}

/** The same of a lock. */
const commandOnLock = ({ id, connectionId, amount }: Deallocation.Terms): fc.Arbitrary<Lock.Command> =>
  ofKind("lock", id, { _tag: fc.constant("Reserve"), terms: fc.constant({ id, connectionId, amount }) })

const ofKind = <C extends Ledger.Command>(
  kind: Ledger.Kind,
  id: Uuid.Uuid,
  first: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<C> =>
  fc.oneof(
    record({ ...first, kind: fc.constant(kind), at: time }),
    record({ _tag: fc.constantFrom("Clear", "Release"), kind: fc.constant(kind), id: fc.constant(id), at: time }),
  ) as fc.Arbitrary<unknown> as fc.Arbitrary<C>

/** The connections of a {@link history}: all but the last of the pool, so that one is unknown. */
export const registered: ReadonlyArray<Connection.Connection> = [0x100, 0x101].map((n) => ({
  connectionId: uuid(n),
  clientId: uuid(0x200),
  partnersConnectionId: `account-${n}`,
  partnerClientId: "",
}))

/** One thing nine times of ten, another once. */
export const mostly = <A>(usual: fc.Arbitrary<A>, unusual: fc.Arbitrary<A>): fc.Arbitrary<A> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: unusual })

const nonce: fc.Arbitrary<Ledger.Nonce | undefined> = mostly(
  fc.constant(undefined),
  record({ value: fc.constantFrom("n1", "n2", "n3", "n4", "n5", "n6"), expiresAt: time }),
)

const ledgerTerms: fc.Arbitrary<Omit<Deallocation.Terms, "id">> = record({
  connection: mostly(fc.constantFrom(...registered), connection),
  amount: record({
    currency: fc.constantFrom(...currencies.slice(0, 2)),
    quantity: mostly(smallQuantity, positiveQuantity),
  }),
}).map(({ amount, connection }) => ({ amount, ...connection }))

/** An id is mostly of one kind, and has terms that it mostly comes with. */
const ledgerCommand = (table: ReadonlyArray<Deallocation.Terms>): fc.Arbitrary<Ledger.Command> =>
  fc
    .tuple(fc.constantFrom(...table.entries()), mostly(fc.constant({}), ledgerTerms))
    .chain(([[n, usual], changes]): fc.Arbitrary<Ledger.Command> => {
      const terms = { ...usual, ...changes }
      const { id, connectionId, amount } = terms
      const direction = n % 3 === 2 ? "debit" : "credit"
      const adjustment = fc.constant({ id, connectionId, amount, direction } as const)
      const adjust = record({
        _tag: fc.constant("Adjust"),
        kind: fc.constant("adjustment"),
        terms: adjustment,
        at: time,
      })
      const held = [commandOn(terms, "deallocation"), commandOn(terms, "allocation"), commandOnLock(terms)] as const
      if (n < 8) return mostly<Ledger.Command>(adjust, commandOn(terms, "deallocation"))
      const [usually = assert.fail()] = held.slice(n < 14 ? 0 : n < 17 ? 1 : 2)
      return mostly<Ledger.Command>(usually as fc.Arbitrary<Ledger.Command>, fc.oneof(adjust, ...held))
    })

/** What a ledger with the {@link registered} connections has been asked, and what it is asked next. */
export const history = fc.array(ledgerTerms, { minLength: 20, maxLength: 20 }).chain((all) => {
  const command = ledgerCommand(all.map((terms, n) => ({ id: uuid(0x300 + n), ...terms })))
  const instructions: fc.Arbitrary<ReadonlyArray<Ledger.Instruction>> = fc.array(record({ command, nonce }), {
    maxLength: 60,
    size: "max",
  })
  return record({ past: instructions, instructions })
})
