/** The coins that the domain has are those of BitGo's own package, all of them and no others. */
import { readFileSync } from "node:fs"
import { coins } from "@bitgo/statics"
import { assert, describe, it } from "@effect/vitest"
import { Amount, Denomination } from "@holdfast/domain"
import * as Coins from "@holdfast/domain/coins"
import { Effect, Schema } from "effect"
import * as Script from "../../scripts/coins.ts"

const run = Effect.runSync
const theirs = new Map(Array.from(coins, ([code, { decimalPlaces }]) => [code, decimalPlaces]))

describe("the coins", () => {
  it("are those of @bitgo/statics with their decimals, and no more", () => {
    assert.isAbove(theirs.size, 8000)
    const ours = new Map<string, number>(Array.from(Coins.all, ([code, { decimals }]) => [code, decimals]))
    assert.deepStrictEqual(ours, theirs)
  })

  it("are currencies with denominations, each found by its code", () => {
    const isCurrency = Schema.is(Amount.Currency)
    const isDenomination = Schema.is(Denomination.Denomination)
    for (const [code, decimals] of theirs) {
      assert.isTrue(isCurrency(code), code)
      assert.isTrue(Coins.has(code), code)
      const denomination = run(Coins.denominationOf(code))
      assert.isTrue(isDenomination(denomination), code)
      assert.strictEqual(denomination.decimals, decimals, code)
    }
  })

  it("are written the same when they are written again", () => {
    assert.strictEqual(Script.text(), readFileSync(Script.file, "utf8"))
  })

  it("are told apart by case, where nothing else does", () => {
    const byFolded = Map.groupBy(Coins.all.keys(), (code) => Amount.folded(code))
    const pairs = Array.from(byFolded.values()).filter(({ length }) => length > 1)
    assert.deepInclude(
      pairs.map((pair) => pair.toSorted()),
      ["hteth:WBTC", "hteth:wbtc"],
    )
    for (const code of pairs.flat()) assert.isTrue(Coins.has(code), code)
  })

  const unknown: ReadonlyArray<readonly [code: string, alike: ReadonlyArray<string>, message: string]> = [
    ["BTC", ["btc"], 'There is no coin "BTC". Only in case it differs from btc.'],
    [
      "HTETH:wbtc",
      ["hteth:WBTC", "hteth:wbtc"],
      'There is no coin "HTETH:wbtc". Only in case it differs from hteth:WBTC and hteth:wbtc.',
    ],
    ["nothing", [], 'There is no coin "nothing".'],
    ["", [], 'There is no coin "".'],
    ["btc+", [], 'There is no coin "btc+".'],
    ["btc\n", [], 'There is no coin "btc\\n".'],
    ["constructor", [], 'There is no coin "constructor".'],
  ]
  for (const [code, alike, message] of unknown) {
    it(`have no ${JSON.stringify(code)}`, () => {
      assert.isFalse(Coins.has(code))
      const error = run(Effect.flip(Coins.denominationOf(code)))
      assert.deepStrictEqual([error._tag, error.code, error.alike.toSorted()], ["CoinNotFound", code, alike])
      assert.strictEqual(error.message, message)
    })
  }
})
