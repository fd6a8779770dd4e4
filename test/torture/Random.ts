/** Seeded randomness: the same seed, the same draws. */

export interface Random {
  /** A number from 0 to 1, without 1. */
  readonly next: () => number
  /** A whole number from 0 to `bound`, without it. */
  readonly below: (bound: number) => number
  readonly chance: (probability: number) => boolean
  /** One of several; there must be one. */
  readonly pick: <A>(values: ReadonlyArray<A>) => A
  /** One by weight. */
  readonly weighted: <A>(choices: ReadonlyArray<readonly [weight: number, value: A]>) => A
  /** A UUID version 4. */
  readonly uuid: () => string
}

/** The generator "mulberry32", by Tommy Ettinger, public domain. */
export const make = (seed: number): Random => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number) => Math.floor(next() * bound)
  const pick = <A>(values: ReadonlyArray<A>): A => {
    const value = values[below(values.length)]
    if (value === undefined) throw new Error("There is nothing to pick from.")
    return value
  }
  const hex = (digits: number) =>
    below(16 ** digits)
      .toString(16)
      .padStart(digits, "0")
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick,
    weighted: (choices) => {
      let left = next() * choices.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, value] of choices) {
        left -= weight
        if (left < 0) return value
      }
      return pick(choices)[1]
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`,
  }
}
