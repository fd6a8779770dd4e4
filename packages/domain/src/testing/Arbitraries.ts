/**
 * What cases are drawn from: values of every schema of the domain whose ids
 * collide, so that repeats, mismatches and races are really drawn; and whole
 * histories of a ledger.
 */
import { Arbitrary, DateTime, Effect, Hash, Schema } from "effect"
import * as Account from "../Account.ts"
import type * as Adjustment from "../Adjustment.ts"
import * as Amount from "../Amount.ts"
import * as BaseUnits from "../BaseUnits.ts"
import type * as Connection from "../Connection.ts"
import * as Deallocation from "../Deallocation.ts"
import type * as Ledger from "../Ledger.ts"
import type * as Transfer from "../Transfer.ts"
import * as Uuid from "../Uuid.ts"

/**
 * A whole number from 0 to one below the limit.
 *
 * @category constructors
 */
export const below = (limit: number): Arbitrary.Arbitrary<number> => {
  const known = numbers.get(limit)
  if (known !== undefined) return known
  const made = Arbitrary.schema(Schema.Literals(Array.from({ length: limit }, (_, n) => n)))
  numbers.set(limit, made)
  return made
}

/** Kept, because one is slow to make, and most arbitraries below are made anew for what was drawn before. */
const numbers = new Map<number, Arbitrary.Arbitrary<number>>()

/**
 * One of some values.
 *
 * @category constructors
 */
export const among = <const A>(...values: readonly [A, ...ReadonlyArray<A>]): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(below(values.length), (index) => values[index] as A)

/**
 * One of some arbitraries, the same chance for each.
 *
 * @category constructors
 */
export const oneOf = <const Of extends ReadonlyArray<Arbitrary.Arbitrary<unknown>>>(
  ...arbitraries: Of
): Arbitrary.Arbitrary<Of[number] extends Arbitrary.Arbitrary<infer A> ? A : never> =>
  Arbitrary.flatMap(below(arbitraries.length), (index) => arbitraries[index] as Of[number]) as never

/**
 * One thing so many times as often as another.
 *
 * @category constructors
 */
export const mostly = <A, B>(
  times: number,
  usual: Arbitrary.Arbitrary<A>,
  unusual: Arbitrary.Arbitrary<B>,
): Arbitrary.Arbitrary<A | B> =>
  Arbitrary.flatMap(below(times + 1), (n): Arbitrary.Arbitrary<A | B> => (n < times ? usual : unusual))

/**
 * The n-th of a fixed sequence of ids, in the form of a UUID version 4.
 *
 * @category constructors
 */
export const uuid = (n: number): Uuid.Uuid =>
  Uuid.Uuid.make(`0000abcd-0000-4000-8000-${n.toString(16).padStart(12, "0")}`)

/**
 * Currencies in use, and awkward ones: case matters, names of JavaScript's own, the longest.
 *
 * @category constants
 */
export const currencies = [
  "BTC",
  "btc",
  "ofcETH:USDC-v2.e",
  "__proto__",
  "ofcBSC:0x55d398326f99059fF775485246999027B3197955-wrapped.v2",
  "€:".repeat(64),
].map((code) => Amount.Currency.make(code)) as unknown as readonly [Amount.Currency, ...ReadonlyArray<Amount.Currency>]

/** Texts of the partner's own choice that are awkward to store. */
const partnerTexts = [
  "account-7",
  "ACCOUNT-7",
  "konto «ß»",
  "口座🏦",
  "a b\t\n\"'\\;--",
  "e\u0301",
  "\u00e9",
  "x".repeat(256),
]

/**
 * Values of a schema whose parts collide: ids, currencies, times and texts of the
 * partner's are of a few each, and every second quantity is small enough to fit
 * into balances many times over.
 *
 * ```ts
 * import { Deallocation } from "@holdfast/domain"
 * import { Arbitraries } from "@holdfast/domain/testing"
 * import { Arbitrary, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const drawn = Effect.runSync(Arbitrary.sampleEffect(Arbitraries.of(Deallocation.Terms), { count: 100, seed: 1 }))
 * assert.ok(new Set(drawn.map((terms) => terms.id)).size <= 6)
 * ```
 *
 * @category arbitraries
 */
export const of = <S extends Schema.Constraint>(schema: S): Arbitrary.Arbitrary<S["Type"]> =>
  Arbitrary.map(Arbitrary.schema(schema), (value) => collided("id", value) as S["Type"])

const isUuid = Schema.is(Uuid.Uuid)

/** How many ids there are under a name. What is a transfer's id is one of the same few under each of its names. */
const pools: Readonly<Record<string, readonly [first: number, size: number]>> = {
  connectionId: [0x100, 3],
  clientId: [0x200, 2],
}

const collided = (field: string, value: unknown): unknown => {
  const pick = (size: number) => Math.abs(Hash.hash(value)) % size
  if (typeof value === "string") {
    const [first, size] = pools[field] ?? [0x300, 6]
    if (isUuid(value)) return uuid(first + pick(size))
    if (field === "currency") return currencies[pick(currencies.length)]
    if (field === "partnersConnectionId" || field === "partnerClientId") {
      return pick(2) === 0 ? value : partnerTexts[pick(partnerTexts.length)]
    }
    return value
  }
  if (typeof value === "bigint")
    return field === "quantity" && value % 2n === 0n ? BaseUnits.BaseUnits.make((value % 10n) + 1n) : value
  if (DateTime.isDateTime(value)) return DateTime.makeUnsafe(Date.UTC(2026) + pick(5))
  if (Array.isArray(value)) return value.map((item) => collided(field, item))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, collided(field, inner)]))
}

/**
 * The value that an arbitrary draws from a seed: with fast-check,
 * `fc.noShrink(fc.nat()).map(Arbitraries.sampler(arbitrary))` is the same arbitrary there.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Arbitraries } from "@holdfast/domain/testing"
 * import fc from "fast-check"
 * import assert from "node:assert/strict"
 *
 * const units = fc.noShrink(fc.nat()).map(Arbitraries.sampler(Arbitraries.of(BaseUnits.BaseUnits)))
 * fc.assert(fc.property(units, (units) => assert.ok(units <= BaseUnits.MAX)))
 * ```
 *
 * @category conversions
 */
export const sampler =
  <A>(arbitrary: Arbitrary.Arbitrary<A>) =>
  (seed: number): A => {
    const [value] = Effect.runSync(Effect.orDie(Arbitrary.sampleEffect(arbitrary, { seed, count: 1 })))
    return value as A
  }

/**
 * Any quantity: no units, one, the bound and one ether more often than others.
 *
 * @category arbitraries
 */
export const quantity: Arbitrary.Arbitrary<BaseUnits.BaseUnits> = mostly(
  3,
  Arbitrary.schema(BaseUnits.BaseUnits),
  Arbitrary.map(among(0n, 1n, BaseUnits.MAX, BaseUnits.MAX - 1n, BaseUnits.MAX / 2n, 10n ** 18n), (units) =>
    BaseUnits.BaseUnits.make(units),
  ),
)

/** The same without zero. */
const positive = Arbitrary.map(quantity, (units) => (units === 0n ? BaseUnits.BaseUnits.make(1n) : units))

/** Quantities that fit into a few balances many times over. */
const small = Arbitrary.map(below(10), (n) => BaseUnits.BaseUnits.make(BigInt(n) + 1n))

/**
 * Balances that postings can reach: together within the bound, and at it now and then.
 *
 * @category arbitraries
 */
export const account: Arbitrary.Arbitrary<Account.Account> = Arbitrary.map(
  Arbitrary.all([quantity, Arbitrary.all(Account.Balance.literals.map(() => quantity))]),
  ([total, shares]) => {
    let left: bigint = total
    const balances = Account.Balance.literals.map((name, index) => {
      const share = left === 0n ? 0n : (shares[index] ?? 0n) % (left + 1n)
      left -= share
      return [name, BaseUnits.BaseUnits.make(share)] as const
    })
    return { ...Account.empty, ...Object.fromEntries(balances) }
  },
)

/**
 * An amount that can be moved.
 *
 * @category arbitraries
 */
export const amount: Arbitrary.Arbitrary<Amount.Amount> = Arbitrary.all({
  currency: among(...currencies),
  quantity: positive,
})

/**
 * Whether what was released may be reserved again.
 *
 * @category arbitraries
 */
export const releasedRepost: Arbitrary.Arbitrary<Transfer.ReleasedRepost> = among("reserve", "conflict")

const at = Arbitrary.map(below(1000), (millis) => DateTime.makeUnsafe(Date.UTC(2026) + millis))

const partnerTransferId = Arbitrary.map(below(5), (n) => uuid(0x400 + n))

/**
 * A deallocation with these terms in any state, or none.
 *
 * @category arbitraries
 */
export const deallocationOf = (
  terms: Deallocation.Terms,
): Arbitrary.Arbitrary<Deallocation.Deallocation | undefined> => {
  const common = {
    kind: Arbitrary.Constant("deallocation"),
    terms: Arbitrary.Constant(terms),
    partnerTransferId,
    createdAt: at,
    updatedAt: at,
  }
  return oneOf(
    Arbitrary.Constant(undefined),
    Arbitrary.all({ ...common, state: among("Reserved", "Cleared", "Released") }),
    Arbitrary.all({
      ...common,
      state: Arbitrary.Constant("Rejected"),
      reason: among(...Deallocation.RejectionReason.literals),
    }),
  )
}

/**
 * Any command about a deallocation, an allocation or a lock with these terms; a
 * reservation repeats them.
 *
 * @category arbitraries
 */
export const commandOn = <Kind extends Exclude<Ledger.Kind, "adjustment">>(
  kind: Kind,
  { id, ...terms }: Deallocation.Terms,
): Arbitrary.Arbitrary<Extract<Ledger.Command, { readonly kind: Kind }>> => {
  const { connectionId, amount } = terms
  const reserve =
    kind === "lock"
      ? { terms: Arbitrary.Constant({ id, connectionId, amount }) }
      : { terms: Arbitrary.Constant({ id, ...terms }), partnerTransferId }
  return oneOf(
    Arbitrary.all({ _tag: Arbitrary.Constant("Reserve"), kind: Arbitrary.Constant(kind), ...reserve, at }),
    Arbitrary.all({ _tag: among("Clear", "Release"), kind: Arbitrary.Constant(kind), id: Arbitrary.Constant(id), at }),
  ) as Arbitrary.Arbitrary<unknown> as Arbitrary.Arbitrary<Extract<Ledger.Command, { readonly kind: Kind }>>
}

/**
 * The connections of a {@link history}. There is a third that nobody registered.
 *
 * @category constants
 */
export const registered: ReadonlyArray<Connection.Connection> = [0x100, 0x101].map((n) => ({
  connectionId: uuid(n),
  clientId: uuid(0x200),
  partnersConnectionId: `account-${n}`,
  partnerClientId: "",
}))

const unregistered = { ...registered[0], connectionId: uuid(0x102) } as Connection.Connection

const terms: Arbitrary.Arbitrary<Omit<Deallocation.Terms, "id">> = Arbitrary.map(
  Arbitrary.all({
    connection: mostly(9, among(...(registered as [Connection.Connection])), Arbitrary.Constant(unregistered)),
    currency: among(...(currencies.slice(0, 2) as [Amount.Currency])),
    quantity: mostly(9, small, positive),
  }),
  ({ connection, currency, quantity }) => ({ amount: { currency, quantity }, ...connection }),
)

/** An id is mostly of one kind, and has terms that it mostly comes with. */
const command = (table: ReadonlyArray<Omit<Deallocation.Terms, "id">>): Arbitrary.Arbitrary<Ledger.Command> =>
  Arbitrary.flatMap(
    Arbitrary.all([below(table.length), mostly(9, Arbitrary.Constant({}), terms)]),
    ([n, changes]): Arbitrary.Arbitrary<Ledger.Command> => {
      const said = { id: uuid(0x300 + n), ...table[n], ...changes } as Deallocation.Terms
      const { id, connectionId, amount } = said
      const adjustment: Adjustment.Terms = { id, connectionId, amount, direction: n % 3 === 2 ? "debit" : "credit" }
      const adjust = Arbitrary.map(at, (at) => ({ _tag: "Adjust", kind: "adjustment", terms: adjustment, at }) as const)
      const kinds = [commandOn("deallocation", said), commandOn("allocation", said), commandOn("lock", said)] as const
      const usual: Arbitrary.Arbitrary<Ledger.Command> = n < 8 ? adjust : (kinds[n < 14 ? 0 : n < 17 ? 1 : 2] ?? adjust)
      return mostly(9, usual, oneOf(adjust, ...kinds))
    },
  )

const nonce = mostly(
  9,
  Arbitrary.Constant(undefined),
  Arbitrary.map(Arbitrary.all([below(6), at]), ([n, expiresAt]) => ({ value: `n${n}`, expiresAt })),
)

/**
 * What a ledger with the {@link registered} connections has been asked, and what it is asked next.
 *
 * @category arbitraries
 */
export const history: Arbitrary.Arbitrary<{
  readonly past: ReadonlyArray<Ledger.Instruction>
  readonly instructions: ReadonlyArray<Ledger.Instruction>
}> = Arbitrary.flatMap(Arbitrary.array(terms, { minLength: 20, maxLength: 20 }), (table) => {
  const instructions = Arbitrary.array(Arbitrary.all({ command: command(table), nonce }), { maxLength: 60 })
  return Arbitrary.all({ past: instructions, instructions })
})
