/** The comparison as an SVG: a bar for each system in each scenario. Readable on light and on dark ground. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Medians } from "./Comparison.ts"
import { type SystemName, scenarios } from "./Scenarios.ts"
import { root, systems } from "./Systems.ts"

const width = 760
const left = 236
const right = 130
const barHeight = 15
const groupGap = 16
const top = 64

const style = `
  text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .ratio { font-weight: 600 }
  .holdfast { fill: #1f6feb } .peer { fill: #9a6700 } .plpgsql { fill: #d4a72c } .ceiling { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 }
    .holdfast { fill: #4c9aff } .peer { fill: #d29922 } .plpgsql { fill: #9e6a03 } .ceiling { fill: #545d68 }
  }`

const escape = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
const text = (x: number, y: number, content: string, className = "", anchor = "start") =>
  `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}" class="${className}" text-anchor="${anchor}">${escape(content)}</text>`
const rect = (x: number, y: number, length: number, className: string) =>
  `<rect x="${x}" y="${y}" width="${Math.max(1, length).toFixed(1)}" height="${barHeight}" rx="2" class="${className}"/>`

const shown = ["holdfast", "peer", "plpgsql", "ceiling"] as const satisfies ReadonlyArray<SystemName>

/** The chart as text. */
const render = (of: Medians, footnote: string): string => {
  const groups = scenarios.flatMap(({ name, title }) => {
    const bars = shown.flatMap((system) => {
      const rate = of(name, system)?.requestsPerSecond
      return rate === undefined ? [] : [{ system, rate }]
    })
    return bars.length === 0 ? [] : [{ title, bars }]
  })
  const most = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ rate }) => rate)))
  const scale = (rate: number) => (rate / most) * (width - left - right)
  const parts = [text(16, 26, "Requests answered per second, the signature of each checked", "title")]
  let x = left
  for (const system of shown) {
    parts.push(rect(x, 38, 12, system), text(x + 18, 50, systems[system].title, "quiet"))
    x += 34 + systems[system].title.length * 7
  }
  let y = top + 8
  for (const { title, bars } of groups) {
    const peer = bars.find(({ system }) => system === "peer")?.rate
    parts.push(text(left - 12, y + (bars.length * (barHeight + 2)) / 2 + 4, title, "", "end"))
    for (const { system, rate } of bars) {
      const length = scale(rate)
      const label = Math.round(rate).toLocaleString("en")
      parts.push(rect(left, y, length, system), text(left + length + 8, y + 12, label, "quiet"))
      if (system === "holdfast" && peer !== undefined) {
        parts.push(text(left + length + 16 + label.length * 7, y + 12, `${(rate / peer).toFixed(1)}×`, "ratio"))
      }
      y += barHeight + 2
    }
    y += groupGap
  }
  parts.push(text(16, y + 8, footnote, "quiet"))
  const height = y + 24
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Requests per second of Holdfast, Fastify with pg or plpgsql, and a server without a database">
<style>${style}</style>
${parts.join("\n")}
</svg>
`
}

/** Writes the chart beside the results. */
export const save = (name: string, of: Medians, footnote: string): string => {
  const file = join(root, "bench", "results", name)
  writeFileSync(file, render(of, footnote))
  return file
}
