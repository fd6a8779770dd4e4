/** `SecureRandom` that asks the system for random bytes seldom: for each id by itself that is most of the id's cost. */
import { randomFillSync } from "node:crypto"
import { Layer } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"

const poolSize = 4096

/** Gives each byte out once. */
const pooled = () => {
  let pool = new Uint8Array(0)
  return (size: number): Uint8Array => {
    if (size > poolSize) return randomFillSync(new Uint8Array(size))
    if (size > pool.length) pool = randomFillSync(new Uint8Array(poolSize))
    const bytes = pool.slice(0, size)
    pool = pool.subarray(size)
    return bytes
  }
}

export const layer: Layer.Layer<SecureRandom.SecureRandom> = Layer.sync(SecureRandom.SecureRandom, () =>
  SecureRandom.make(pooled()),
)
