/**
 * All that a ledger has, as a value: what a fold reads, and what it is after the
 * fold's changes. For tests, and for whoever replays a history by hand.
 */
import type * as Account from "../Account.ts"
import * as Amount from "../Amount.ts"
import type * as Ledger from "../Ledger.ts"
import type * as Uuid from "../Uuid.ts"
import * as Arbitraries from "./Arbitraries.ts"

/**
 * A snapshot that knows everything.
 *
 * @category models
 */
export interface World extends Ledger.Snapshot {
  readonly accounts: ReadonlyMap<Ledger.AccountId, Account.Account>
  readonly transfers: ReadonlyMap<Uuid.Uuid, Ledger.Transfer>
  readonly nonces: ReadonlySet<string>
  readonly currencies: ReadonlyMap<string, ReadonlySet<Amount.Currency>>
}

/**
 * Where {@link Arbitraries.registered} connections are, and nothing else.
 *
 * @category constants
 */
export const beginning: World = {
  connections: new Map(Arbitraries.registered.map((connection) => [connection.connectionId, connection])),
  accounts: new Map(),
  transfers: new Map(),
  nonces: new Set(),
  currencies: new Map(),
}

/**
 * The world after changes.
 *
 * ```ts
 * import { Ledger } from "@holdfast/domain"
 * import { Arbitraries, World } from "@holdfast/domain/testing"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const { instructions } = Arbitraries.sampler(Arbitraries.history)(1)
 * const { changes } = Effect.runSync(Ledger.fold(World.beginning, instructions))
 * const world = World.after(World.beginning, changes)
 * assert.equal(world.transfers.size, changes.transfers.size)
 * ```
 *
 * @category folding
 */
export const after = (world: World, changes: Ledger.Changes): World => ({
  connections: world.connections,
  accounts: new Map([...world.accounts, ...Array.from(changes.accounts, ([key, _]) => [key, _.account] as const)]),
  transfers: new Map([...world.transfers, ...changes.transfers]),
  nonces: new Set([...world.nonces, ...changes.nonces.keys()]),
  currencies: byLikeness([
    ...Array.from(world.currencies.values(), (codes) => [...codes]).flat(),
    ...changes.currencies,
  ]),
})

const byLikeness = (codes: ReadonlyArray<Amount.Currency>): World["currencies"] => {
  const known = new Map<string, Set<Amount.Currency>>()
  for (const code of codes) known.set(Amount.folded(code), (known.get(Amount.folded(code)) ?? new Set()).add(code))
  return known
}
