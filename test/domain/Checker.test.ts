/** The checker passes what keeps the contract, and finds each fault that is planted. */

import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Connection, Holdfast, MemoryStore } from "@holdfast/domain"
import { System } from "@holdfast/domain/testing"
import { Effect, Schema } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import { newConnection } from "../support/Fixtures.ts"
import * as Checker from "../torture/Checker.ts"
import * as History from "../torture/History.ts"
import * as Planted from "../torture/Planted.ts"
import * as Random from "../torture/Random.ts"
import * as Run from "../torture/Run.ts"

const decodeConnection = Schema.decodeUnknownSync(Connection.Connection)

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

  /** A reservation that is under way, another that was answered meanwhile, and then a look at the first. */
  const looked = async (areOfOne: boolean) => {
    const { store, books } = await Effect.runPromise(MemoryStore.make())
    const service = await Effect.runPromise(Effect.provide(Holdfast.make(store), SecureRandom.layerWebCrypto))
    const system = System.fromService(service)
    const connections = await Promise.all(
      [1, 2].map(async () => {
        const connection = newConnection()
        await Effect.runPromise(system.register(connection))
        return connection
      }),
    )
    const operations: Array<History.Operation> = []
    const ask = async (call: History.Call, start: number, end: number, outcome?: History.Operation["outcome"]) => {
      const answer = await Effect.runPromise(History.dispatch(system, call))
      operations.push({ call, start, end, outcome: outcome ?? answer })
    }
    const amount = { currency: "BTC", quantity: "1" }
    const terms = [0, areOfOne ? 0 : 1].map((n) => {
      const connection = connections[n] ?? assert.fail()
      return { kind: "deallocation", id: randomUUID(), amount, ...connection } as const
    })
    const [first = assert.fail(), second = assert.fail()] = terms
    await ask({ name: "reserve", terms: first }, 1, 10)
    await ask({ name: "reserve", terms: second }, 2, 5)
    await ask({ name: "find", reference: first }, 6, 7, { refused: "NOT_FOUND" })
    return Checker.check({ connections: connections.map((_) => decodeConnection(_)), operations, books })
  }

  it("may have entries of two connections in another order than they were committed in", async () => {
    assert.deepStrictEqual(await looked(false), [])
    assert.isNotEmpty(await looked(true))
  })
})
