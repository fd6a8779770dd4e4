/** The figures of the comparison are those of the run that they name. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { root } from "../support/ServerProcess.ts"

const read = (file: string) => readFileSync(join(root, file), "utf8")

/** The rows of the comparison, by what was measured. */
const rowsOf = (markdown: string) =>
  new Map(
    Array.from(markdown.matchAll(/^\| (.*(?:\d connections?)) \| (.*) \|$/gm), ([, title = "", cells = ""]) => [
      title,
      cells.split(" | "),
    ]),
  )

const bench = read("bench/README.md")
const rows = rowsOf(bench)

interface Window {
  readonly scenario: string
  readonly system: string
  readonly requestsPerSecond: number
  readonly p50: number
  readonly p99: number
}
const [, file = ""] = /\]\((results\/[^)]+-full\.json)\)/.exec(bench) ?? []
const windows: ReadonlyArray<Window> = JSON.parse(read(`bench/${file}`)).windows

const median = (values: ReadonlyArray<number>) => {
  assert.strictEqual(values.length % 2, 1)
  return values.toSorted((a, b) => a - b)[(values.length - 1) / 2] ?? Number.NaN
}

const whole = (value: number) => Math.round(value).toLocaleString("en")
const millis = (value: number) => (value < 9.95 ? value.toFixed(1) : value.toFixed())

const scenarioOf: Readonly<Record<string, string>> = { "one hot account": "hot", "reserve + clear": "mix" }

describe("the comparison", () => {
  it("has every row of the README's", () => {
    const shown = rowsOf(read("README.md"))
    assert.strictEqual(shown.size, 4)
    for (const [title, cells] of shown) assert.deepStrictEqual(rows.get(title), cells, title)
  })

  it("has seven rows", () => assert.strictEqual(rows.size, 7))

  for (const [title, cells] of rows) {
    it(`has the medians of its run for ${title}`, () => {
      const [what = "", connections = ""] = title.split(", ")
      const scenario = scenarioOf[what] ?? (what === "reserve" ? `reserve-${Number.parseInt(connections, 10)}` : what)
      const of = (system: string, field: "requestsPerSecond" | "p50" | "p99") =>
        median(windows.filter((_) => _.scenario === scenario && _.system === system).map((_) => _[field]))
      const rate = (system: string) => of(system, "requestsPerSecond")
      const beside = (system: string) => [whole(rate(system)), `${(rate("holdfast") / rate(system)).toFixed(2)}×`]
      const latency = (system: string) => `${millis(of(system, "p50"))} / ${millis(of(system, "p99"))}`
      const measured = [beside("peer"), beside("plpgsql"), latency("holdfast"), latency("peer")].flat()
      assert.deepStrictEqual(cells, [whole(rate("holdfast")), ...measured])
    })
  }
})
