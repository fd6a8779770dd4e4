/**
 * How often something may be done, by key: a token bucket for each. The memory
 * that they take is bounded, whoever comes under however many keys.
 */

/** In a ring with all others, from the one used longest ago to the one used last. */
class Bucket {
  readonly key: string
  tokens: number
  atMillis: number
  older: Bucket = this
  newer: Bucket = this

  constructor(key: string, tokens: number, atMillis: number) {
    this.key = key
    this.tokens = tokens
    this.atMillis = atMillis
  }

  unlink(): void {
    this.older.newer = this.newer
    this.newer.older = this.older
  }

  linkBefore(other: Bucket): void {
    this.newer = other
    this.older = other.older
    this.older.newer = this
    other.older = this
  }
}

/** How many keys are remembered. The one that was used longest ago is forgotten for a new one, and is full again. */
const maxBuckets = 10_000

/** A bucket for each key: full at first, and full again after some seconds. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>()
  /** Where the ring begins and ends; no key's own. */
  readonly #ends = new Bucket("", 0, 0)
  readonly #capacity: number
  readonly secondsPerToken: number

  constructor(capacity: number, secondsToFill: number) {
    this.#capacity = capacity
    this.secondsPerToken = secondsToFill / capacity
  }

  has(key: string, nowMillis: number): boolean {
    const bucket = this.#buckets.get(key)
    return bucket === undefined || this.#tokens(bucket, nowMillis) >= 1
  }

  /** Takes a token, if there is one. */
  take(key: string, nowMillis: number): boolean {
    const bucket = this.#buckets.get(key) ?? this.#add(key, nowMillis)
    const tokens = this.#tokens(bucket, nowMillis)
    if (tokens < 1) return false
    bucket.tokens = tokens - 1
    bucket.atMillis = nowMillis
    return true
  }

  /** Whoever is looked at is in use. */
  #tokens(bucket: Bucket, nowMillis: number): number {
    bucket.unlink()
    bucket.linkBefore(this.#ends)
    const gained = (nowMillis - bucket.atMillis) / 1_000 / this.secondsPerToken
    return Math.min(this.#capacity, bucket.tokens + gained)
  }

  #add(key: string, nowMillis: number): Bucket {
    if (this.#buckets.size >= maxBuckets) {
      const oldest = this.#ends.newer
      oldest.unlink()
      this.#buckets.delete(oldest.key)
    }
    const bucket = new Bucket(key, this.#capacity, nowMillis)
    this.#buckets.set(key, bucket)
    return bucket
  }
}
