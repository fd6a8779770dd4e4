/**
 * How often something may be done, by key: a token bucket for each. The memory
 * that they take is bounded, whoever comes under however many keys.
 */

interface Bucket {
  readonly tokens: number
  readonly atMillis: number
}

/** How many keys are remembered. If half of so many are not full, all begin anew, so that looking for room stays rare. */
const maxBuckets = 10_000

/** A bucket for each key: full at first, and full again after some seconds. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>()
  readonly #capacity: number
  readonly secondsPerToken: number

  constructor(capacity: number, secondsToFill: number) {
    this.#capacity = capacity
    this.secondsPerToken = secondsToFill / capacity
  }

  has(key: string, nowMillis: number): boolean {
    return this.#tokens(key, nowMillis) >= 1
  }

  /** Takes a token, if there is one. */
  take(key: string, nowMillis: number): boolean {
    const tokens = this.#tokens(key, nowMillis)
    if (tokens < 1) return false
    if (this.#buckets.size >= maxBuckets && !this.#buckets.has(key)) this.#forget(nowMillis)
    this.#buckets.set(key, { tokens: tokens - 1, atMillis: nowMillis })
    return true
  }

  #tokens(key: string, nowMillis: number): number {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return this.#capacity
    return Math.min(this.#capacity, bucket.tokens + (nowMillis - bucket.atMillis) / 1_000 / this.secondsPerToken)
  }

  #forget(nowMillis: number): void {
    for (const key of this.#buckets.keys()) {
      if (this.#tokens(key, nowMillis) >= this.#capacity) this.#buckets.delete(key)
    }
    if (this.#buckets.size > maxBuckets / 2) this.#buckets.clear()
  }
}
