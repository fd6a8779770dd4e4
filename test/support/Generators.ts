/** What `@holdfast/domain/testing` draws, as arbitraries of fast-check. */
import { Adjustment, BaseUnits, Connection, Deallocation } from "@holdfast/domain"
import { Arbitraries } from "@holdfast/domain/testing"
import type { Arbitrary, Schema } from "effect"
import fc from "fast-check"

export const { registered, currencies, uuid } = Arbitraries

export const units = (value: bigint): BaseUnits.BaseUnits => BaseUnits.BaseUnits.make(value)

const from = <A>(arbitrary: Arbitrary.Arbitrary<A>): fc.Arbitrary<A> =>
  fc.noShrink(fc.nat()).map(Arbitraries.sampler(arbitrary))

const of = <S extends Schema.Constraint>(schema: S) => from(Arbitraries.of(schema))

export const account = from(Arbitraries.account)
export const connection = of(Connection.Connection)
export const terms = of(Deallocation.Terms)
export const adjustmentTerms = of(Adjustment.Terms)

/** What an account holds in all. */
export const sum = (account: object): bigint =>
  Object.values(account).reduce((total: bigint, balance: bigint) => total + balance, 0n)

/** One thing nine times of ten, another once. */
export const mostly = <A>(usual: fc.Arbitrary<A>, unusual: fc.Arbitrary<A>): fc.Arbitrary<A> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: unusual })
