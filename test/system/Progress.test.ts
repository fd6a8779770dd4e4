/** The bar of long work: what it says, and that it is for people on a terminal alone. */
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect } from "effect"
import * as Progress from "../../packages/server/src/terminal/Progress.ts"

describe("the line of a bar", () => {
  it("has the share, the count, the rate and the time that is left", () => {
    const line = (done: number, seconds: number, columns = 80) =>
      Progress.line("Audit", { done, total: 200_000, count: done, seconds }, columns)
    assert.strictEqual(line(50_000, 10), "Audit ████████░░░░░░░░░░░░░░░░░░░░░░ 25%  50,000  5,000/s  00:30 left")
    assert.strictEqual(line(0, 0), `Audit ${"░".repeat(30)} 0%  0  0/s  --:-- left`)
    assert.strictEqual(line(10, 4_000), `Audit ${"░".repeat(30)} 0%  10  0/min  22221:06:40 left`)
    assert.strictEqual(line(50_000, 10, 50), "Audit ███░░░░░░░ 25%  50,000  5,000/s  00:30 left")
    assert.strictEqual(line(50_000, 10, 20), "Audit 25%  50,000  ")
    for (let columns = 0; columns < 120; columns++)
      assert.isBelow(line(199_999, 1.5, columns).length, Math.max(columns, 1))
  })
})

const work = (report: Progress.Report | undefined) =>
  Effect.gen(function* () {
    report?.(1, 2)
    yield* Console.log("a line")
    report?.(2, 2)
    return report !== undefined
  })

const written = Effect.fnUntraced(function* (options: { readonly json?: boolean }, isTTY: boolean) {
  const texts: Array<string> = []
  const put = (text: string) => texts.push(text)
  const reported = yield* Progress.around("Work", options, work, { isTTY, columns: 40, write: put }).pipe(
    Effect.provideService(Console.Console, { ...console, log: (text: string) => put(`${text}\n`) }),
  )
  return { texts, reported }
})

it.effect("a bar makes room for what is printed meanwhile, and is gone at the end", () =>
  Effect.gen(function* () {
    const { texts, reported } = yield* written({}, true)
    const clear = "\r\u001b[K"
    assert.isTrue(reported)
    assert.match(texts[0] ?? "", /^\rWork .*50%/)
    assert.deepStrictEqual(texts.slice(1, 3), [clear, "a line\n"])
    assert.match(texts[3] ?? "", /^\rWork .*100%/)
    assert.deepStrictEqual(texts.slice(4), [clear])
  }),
)

it.effect("there is none where nobody looks", () =>
  Effect.gen(function* () {
    for (const [options, isTTY] of [
      [{}, false],
      [{ json: true }, true],
    ] as const) {
      assert.deepStrictEqual(yield* written(options, isTTY), { texts: ["a line\n"], reported: false })
    }
  }),
)
