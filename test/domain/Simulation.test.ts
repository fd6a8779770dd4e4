/** The in-memory service under a scheduler that lets any fiber go on at any moment, with faults. */
import { assert, describe, it } from "@effect/vitest"
import * as Planted from "../torture/Planted.ts"
import * as SimulatedDatabase from "../torture/SimulatedDatabase.ts"
import { simulate } from "../torture/Simulation.ts"

const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed)

const replay = (seed: number) => `see it again: npm run torture -- --simulate ${seed}`

describe("a simulation", () => {
  it("of any seed keeps the contract", { timeout: 60_000 }, () => {
    for (const seed of seeds(2_000)) assert.deepStrictEqual(simulate(seed).violations, [], replay(seed))
  })

  const onDatabase = (seed: number, remembers: boolean) =>
    simulate(seed, (random) => SimulatedDatabase.make(random, remembers), { clients: 6, callsEach: 12 })

  it("of group commit over a database that loses connections and answers keeps the contract", {
    timeout: 90_000,
  }, () => {
    for (const seed of seeds(1_000)) assert.deepStrictEqual(onDatabase(seed, true).violations, [], `seed ${seed}`)
  })

  it("finds a database that forgets what it has committed", { timeout: 60_000 }, () => {
    assert.isDefined(seeds(500).find((seed) => onDatabase(seed, false).violations.length > 0))
  })

  it("is the same again, byte for byte, with the same seed, and another with another", () => {
    const logs = seeds(100).map((seed) => simulate(seed).log)
    assert.deepStrictEqual(
      seeds(100).map((seed) => simulate(seed).log),
      logs,
    )
    assert.strictEqual(new Set(logs).size, logs.length)
  })

  for (const fault of Planted.faults) {
    it(`finds ${fault}`, { timeout: 60_000 }, () => {
      const found = seeds(500).find(
        (seed) => simulate(seed, (random) => Planted.makeStore(random, fault)).violations.length > 0,
      )
      assert.isDefined(found)
    })
  }
})
