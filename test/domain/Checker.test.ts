/** The checker passes what keeps the contract, and finds each fault that is planted. */
import { assert, describe, it } from "@effect/vitest"
import { Holdfast } from "@holdfast/domain"
import { Effect } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as System from "../support/System.ts"
import * as Checker from "../torture/Checker.ts"
import * as Planted from "../torture/Planted.ts"
import * as Random from "../torture/Random.ts"
import * as Run from "../torture/Run.ts"

const violations = async (seed: number, fault: Planted.Fault | undefined) => {
  const { store, books } = await Effect.runPromise(Planted.makeStore(Random.make(seed), fault))
  const service = await Effect.runPromise(Effect.provide(Holdfast.make(store), SecureRandom.layerWebCrypto))
  const system = System.fromService(service)
  const run = await Run.run({ system, seed, clients: 8, isOver: (operations) => operations >= 600 })
  return Checker.check({ ...run, books })
}

describe("a history", () => {
  for (const seed of [1, 2, 3]) {
    it(`of a store that keeps the contract is explained (seed ${seed})`, async () => {
      assert.deepStrictEqual(await violations(seed, undefined), [])
    })
  }
  for (const fault of Planted.faults) {
    for (const seed of [1, 2, 3]) {
      it(`of a store with ${fault} is not (seed ${seed})`, async () => {
        assert.isNotEmpty(await violations(seed, fault))
      })
    }
  }
})
