/**
 * The coins and tokens of BitGo, as its package `@bitgo/statics` lists them: the code of each, and its
 * {@link Denomination.Denomination}. They are a path of their own, and no part of `@holdfast/domain`, so that only
 * those who import them carry them.
 *
 * A code is case-sensitive: there are two that differ from one another in nothing else. The list is as old as the
 * release that it comes with; a code that is missing may be a coin by now.
 */
import { Effect, Schema } from "effect"
import * as Amount from "../Amount.ts"
import * as Denomination from "../Denomination.ts"
import * as Parsing from "../internal/parsing.ts"
import { codes } from "./data.ts"

/**
 * No coin has this code. `alike` are the codes that differ from it only in case.
 *
 * ```ts
 * import * as Coins from "@holdfast/domain/coins"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const error = Effect.runSync(Effect.flip(Coins.denominationOf("BTC")))
 * assert.deepEqual(error.alike, ["btc"])
 * assert.match(error.message, /^There is no coin "BTC"\..* btc\.$/)
 * ```
 *
 * @category errors
 */
export class CoinNotFound extends Schema.TaggedError<CoinNotFound>()("CoinNotFound", {
  code: Schema.String,
  alike: Schema.Array(Amount.Currency),
}) {
  override get message() {
    const [first, ...more] = this.alike
    const hint = first === undefined ? "" : ` Only in case it differs from ${[first, ...more].join(" and ")}.`
    return `There is no coin ${Parsing.quote(this.code)}.${hint}`
  }
}

/**
 * Every coin by its code. Its keys can be the currencies of a platform ({@link Transfer.Policy}).
 *
 * ```ts
 * import { MemoryStore } from "@holdfast/domain"
 * import * as Coins from "@holdfast/domain/coins"
 * import assert from "node:assert/strict"
 *
 * const onSolana: ReadonlyArray<string> = Array.from(Coins.all.keys()).filter((code) => code.startsWith("sol:"))
 * assert.ok(onSolana.includes("sol:usdc"))
 *
 * const layer = MemoryStore.layer({ currencies: new Set(onSolana) })
 * assert.ok(layer)
 * ```
 *
 * @category constants
 */
export const all: ReadonlyMap<string, Denomination.Denomination> = new Map(
  Object.entries(codes).flatMap(([decimals, lines]) => {
    const denomination = Denomination.Denomination.make({ decimals: Number(decimals) })
    return lines
      .trim()
      .split("\n")
      .flatMap((line) => (line.endsWith("+") ? [line.slice(0, -1), `ofc${line.slice(0, -1)}`] : [line]))
      .map((code) => [code, denomination] as const)
  }),
)

/**
 * Whether there is a coin of this code; the tests see to it that each is a currency.
 *
 * ```ts
 * import * as Coins from "@holdfast/domain/coins"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Coins.has("btc"))
 * assert.ok(!Coins.has("BTC"))
 * ```
 *
 * @category guards
 */
export const has = (code: string): code is Amount.Currency => all.has(code)

/**
 * How many decimals people write a coin with. Fails with {@link CoinNotFound}.
 *
 * ```ts
 * import { Denomination } from "@holdfast/domain"
 * import * as Coins from "@holdfast/domain/coins"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.gen(function* () {
 *   const bitcoin = yield* Coins.denominationOf("btc")
 *   return yield* Denomination.parse(bitcoin, "1.5")
 * })
 * assert.equal(Effect.runSync(program), 150_000_000n)
 *
 * const error = Effect.runSync(Effect.flip(Coins.denominationOf("BTC")))
 * assert.equal(error.message, 'There is no coin "BTC". Only in case it differs from btc.')
 * ```
 *
 * @category getters
 */
export const denominationOf = (code: string): Effect.Effect<Denomination.Denomination, CoinNotFound> =>
  Effect.suspend(() => {
    const denomination = all.get(code)
    return denomination === undefined
      ? Effect.fail(new CoinNotFound({ code, alike: alike(code) }))
      : Effect.succeed(denomination)
  })

const alike = (code: string): ReadonlyArray<Amount.Currency> => {
  const folded = Amount.folded(code)
  return Array.from(all.keys())
    .filter(has)
    .filter((known) => Amount.folded(known) === folded)
}
