/** Pictures, as inline SVG. Each has its figures as text beside it; the picture itself says in one sentence what it shows. */
import type { Moment } from "./Api.ts"
import { groups } from "./Quantity.tsx"
import { duration, localTime } from "./Texts.tsx"

const bounds = ["1 min", "5 min", "1 h", "6 h", "1 d"] as const

interface Age {
  readonly upToSeconds: number | null
  readonly count: number
}

/** How many are how old, the oldest first. */
export const Ages = ({ ages }: { readonly ages: ReadonlyArray<Age> }) => {
  const oldestFirst = ages.toReversed()
  const most = Math.max(1, ...ages.map(({ count }) => count))
  const nameOf = ({ upToSeconds }: Age) => {
    const index = ages.findIndex((age) => age.upToSeconds === upToSeconds)
    const before = ages[index - 1]?.upToSeconds
    if (upToSeconds === null) return `over ${duration(before ?? 0)}`
    return `up to ${duration(upToSeconds)}`
  }
  const text = oldestFirst
    .filter(({ count }) => count > 0)
    .map((age) => `${age.count} ${nameOf(age)}`)
    .join(", ")
  return (
    <svg class="ages" viewBox="0 0 180 46" role="img" aria-label={`By age: ${text}`}>
      {oldestFirst.map((age, index) => {
        const height = age.count === 0 ? 1 : 3 + (age.count / most) * 21
        const x = index * 30
        return (
          <g key={age.upToSeconds} class={index < 2 ? "old" : ""}>
            <title>{`${age.count} ${nameOf(age)}`}</title>
            <rect x={x + 2} y={34 - height} width={26} height={height} rx={1.5} />
            {age.count > 0 && (
              <text x={x + 15} y={31 - height} class="count">
                {age.count}
              </text>
            )}
            <text x={x + 15} y={44}>
              {index === 0 ? `> ${bounds[4]}` : bounds[5 - index]}
            </text>
          </g>
        )
      })}
    </svg>
  )
}

const width = 480
const height = 130
const left = 36
const bottom = 20

/** A round number at or above what is to be shown. */
const ceiling = (most: number) => {
  if (most <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(most))
  return ([1, 2, 5, 10].find((factor) => factor * power >= most) ?? 10) * power
}

interface Series {
  readonly name: string
  readonly values: ReadonlyArray<number | null>
}

interface TimeChartProps {
  readonly title: string
  readonly from: string
  readonly until: string
  readonly unit: string
  readonly series: ReadonlyArray<Series>
  readonly shape: "bars" | "lines"
}

const TimeChart = ({ title, from, until, unit, series, shape }: TimeChartProps) => {
  const count = series[0]?.values.length ?? 0
  const sums = Array.from({ length: count }, (_, index) =>
    shape === "bars"
      ? series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0)
      : Math.max(...series.map(({ values }) => values[index] ?? 0)),
  )
  const top = ceiling(Math.max(0, ...sums))
  const step = (width - left) / Math.max(1, count)
  const y = (value: number) => height - bottom - (value / top) * (height - bottom - 10)
  return (
    <figure class="chart">
      <figcaption>
        {title}
        <span class="legend">
          {series.map(({ name }) => (
            <span key={name} class={`key ${name}`}>
              {name}
            </span>
          ))}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${title}, from ${from} until ${until}; at most ${top} ${unit}`}
      >
        {[0, 0.5, 1].map((part) => (
          <g key={part}>
            <line class="rule" x1={left} x2={width} y1={y(top * part)} y2={y(top * part)} />
            <text class="scale" x={left - 6} y={y(top * part) + 4}>
              {top * part}
            </text>
          </g>
        ))}
        {shape === "bars"
          ? series.map(({ name, values }, order) => (
              <path
                key={name}
                class={`area ${name}`}
                d={values
                  .map((value, index) => {
                    if (!value) return ""
                    const below = series.slice(0, order).reduce((sum, other) => sum + (other.values[index] ?? 0), 0)
                    return `M${left + index * step} ${y(below)}V${y(below + value)}h${Math.max(0.8, step - 0.4)}V${y(below)}z`
                  })
                  .join("")}
              />
            ))
          : series.map(({ name, values }) => (
              <path
                key={name}
                class={`line ${name}`}
                d={values
                  .map((value, index) => {
                    if (value === null) return ""
                    const start = (values[index - 1] ?? null) === null ? "M" : "L"
                    return `${start}${left + index * step} ${y(value)}h${step}`
                  })
                  .join("")}
              />
            ))}
        <text class="scale start" x={left} y={height - 4}>
          {from}
        </text>
        <text class="scale" x={width} y={height - 4}>
          {until}
        </text>
      </svg>
    </figure>
  )
}

const clock = (at: string) => localTime(new Date(at)).slice(11)

/** What is shown: ten minutes at least, so that the first requests of a server do not look like many, and an hour at most. */
const shownSeconds = { least: 600, most: 3_600 }

/** One for each period, also for those in which nobody asked. */
const evenly = (series: ReadonlyArray<Moment>, secondsEach: number): ReadonlyArray<Moment> => {
  const periodOf = (at: string) => Math.floor(Date.parse(at) / 1000 / secondsEach)
  const byPeriod = new Map(series.map((moment) => [periodOf(moment.at), moment]))
  const last = periodOf(series.at(-1)?.at ?? "")
  const { least, most } = shownSeconds
  const count = Math.max(least / secondsEach, Math.min(most / secondsEach, last - periodOf(series[0]?.at ?? "") + 1))
  return Array.from({ length: count }, (_, index) => {
    const period = last - count + 1 + index
    const at = new Date(period * secondsEach * 1000).toISOString()
    return byPeriod.get(period) ?? { at, answered: 0, refused: 0, failed: 0, p50Millis: null, p99Millis: null }
  })
}

interface RequestsProps {
  readonly series: ReadonlyArray<Moment>
  readonly secondsEach: number
}

export const Requests = ({ series, secondsEach }: RequestsProps) => {
  if (series.length === 0) return <p class="empty">No requests yet.</p>
  const periods = evenly(series, secondsEach)
  const ends = { from: clock(periods[0]?.at ?? ""), until: clock(periods.at(-1)?.at ?? "") }
  return (
    <div class="charts">
      <TimeChart
        {...ends}
        title={`Requests in ${secondsEach} s`}
        unit="requests"
        shape="bars"
        series={(["answered", "refused", "failed"] as const).map((name) => ({
          name,
          values: periods.map((moment) => moment[name]),
        }))}
      />
      <TimeChart
        {...ends}
        title="Time to answer, ms"
        unit="milliseconds"
        shape="lines"
        series={[
          { name: "p50", values: periods.map((moment) => moment.p50Millis) },
          { name: "p99", values: periods.map((moment) => moment.p99Millis) },
        ]}
      />
    </div>
  )
}

/** What of a whole each part is, exact to a thousandth; it is a picture. */
export const Proportions = ({
  parts,
}: {
  readonly parts: ReadonlyArray<readonly [name: string, quantity: string]>
}) => {
  const whole = parts.reduce((sum, [, quantity]) => sum + BigInt(quantity), 0n)
  if (whole === 0n) return <div class="proportions" />
  let x = 0
  const shares = parts.map(([name, quantity]) => ({ name, share: Number((BigInt(quantity) * 1000n) / whole) }))
  const label = shares.map(({ name, share }) => `${name} ${(share / 10).toFixed(1)} %`).join(", ")
  return (
    <svg class="proportions" viewBox="0 0 1000 8" preserveAspectRatio="none" role="img" aria-label={label}>
      {shares.map(({ name, share }) => {
        const start = x
        x += share
        return <rect key={name} class={name} x={start} y={0} width={share} height={8} />
      })}
    </svg>
  )
}

/** A quantity in groups, set apart by space and not by characters. */
const Grouped = ({ text }: { readonly text: string }) => {
  const [, whole = "", fraction = "", unit = ""] = /^(\d+)(?:\.(\d+))?(.*)$/.exec(text) ?? []
  const spans = (digits: string, fromRight: boolean) =>
    groups(digits, fromRight).map((part, index) => (
      <tspan key={index} dx={index === 0 ? 0 : "0.24em"}>
        {part}
      </tspan>
    ))
  return (
    <>
      {spans(whole, true)}
      {fraction !== "" && "."}
      {spans(fraction, false)}
      {unit}
    </>
  )
}

interface Point {
  readonly at: string
  readonly value: string
}

/** A balance over time: it stays as it is from one entry to the next. */
export const History = ({
  points,
  name,
  format,
}: {
  readonly points: ReadonlyArray<Point>
  readonly name: string
  readonly format: (value: string) => string
}) => {
  const first = points[0]
  const last = points.at(-1)
  if (first === undefined || last === undefined) return <p class="empty">Nothing happened yet.</p>
  const values = points.map(({ value }) => BigInt(value))
  const top = values.reduce((most, value) => (value > most ? value : most), 1n)
  const start = Date.parse(first.at)
  const span = Math.max(1, Date.parse(last.at) - start)
  // As wide as it is shown, about: its letters are to be read on a phone as well.
  const historyWidth = innerWidth < 700 ? 340 : 960
  const chartHeight = 200
  const x = ({ at }: Point) => 4 + ((Date.parse(at) - start) / span) * (historyWidth - 8)
  const y = (value: bigint) => chartHeight - 24 - (Number((value * 10_000n) / top) / 10_000) * (chartHeight - 48)
  const line = points
    .map((point, index) => {
      const at = y(values[index] ?? 0n)
      return index === 0 ? `M${x(point)} ${at}` : `H${x(point)}V${at}`
    })
    .join("")
  const floor = chartHeight - 24
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${historyWidth} ${chartHeight}`}
        role="img"
        aria-label={`${name} over the last ${points.length} entries: from ${format(first.value)} at ${localTime(new Date(first.at))} to ${format(last.value)} at ${localTime(new Date(last.at))}, at most ${format(String(top))}`}
      >
        <line class="rule" x1={0} x2={historyWidth} y1={floor} y2={floor} />
        <line class="rule" x1={0} x2={historyWidth} y1={y(top)} y2={y(top)} />
        <text class="scale start" x={4} y={y(top) - 6}>
          <Grouped text={format(String(top))} />
        </text>
        <path class={`fill ${name}`} d={`${line}V${floor}H${x(first)}z`} />
        <path class={`line ${name}`} d={line} />
        {points.length <= 60 &&
          points.map((point, index) => (
            <circle key={`${point.at}${index}`} class={name} cx={x(point)} cy={y(values[index] ?? 0n)} r={3}>
              <title>{`${format(point.value)} at ${localTime(new Date(point.at))}`}</title>
            </circle>
          ))}
        <text class="scale start" x={4} y={chartHeight - 6}>
          {localTime(new Date(first.at))}
        </text>
        <text class="scale" x={historyWidth - 4} y={chartHeight - 6}>
          {localTime(new Date(last.at))}
        </text>
      </svg>
    </figure>
  )
}
