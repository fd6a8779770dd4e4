/** Random bytes that are drawn ahead are given out once, and belong to whoever drew them. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SecureRandom } from "effect/crypto/SecureRandom"
import * as fc from "fast-check"
import * as PooledRandom from "../../packages/persistence/src/PooledRandom.ts"

layer(PooledRandom.layer)("pooled random bytes", (it) => {
  it.effect("are as many as were asked for, and no four of them come twice", () =>
    Effect.gen(function* () {
      const random = yield* SecureRandom
      const sizes = fc.sample(fc.integer({ min: 4, max: 5_000 }), { numRuns: 100, seed: 7 })
      const seen = new Set<number>()
      let words = 0
      for (const size of sizes) {
        const bytes = yield* random.randomBytes(size)
        assert.lengthOf(bytes, size)
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        for (let offset = 0; offset + 4 <= size; offset += 4, words++) seen.add(view.getUint32(offset))
      }
      // Some 60,000 words of 32 bits: by chance, 2 pairs of equal ones are to be expected in 5 runs.
      assert.isAtLeast(seen.size, words - 10)
    }),
  )

  it.effect("are not changed by what is done to others", () =>
    Effect.gen(function* () {
      const random = yield* SecureRandom
      const first = yield* random.randomBytes(16)
      const copy = Uint8Array.from(first)
      const second = yield* random.randomBytes(16)
      second.fill(0)
      assert.deepStrictEqual(first, copy)
      assert.notDeepEqual(yield* random.randomBytes(16), second)
    }),
  )
})
