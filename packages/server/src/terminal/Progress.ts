/**
 * How far long work is, in one line on standard error: a bar, the rate, and the time that is left. On a terminal alone;
 * whoever reads the output otherwise gets nothing of it.
 */
import { Console, Effect } from "effect"

/** Is told how much of a whole is done, as often as one likes; and what is counted, if that is something else. */
export type Report = (done: number, total: number, counted?: number) => void

/** What of a terminal is needed. */
export interface Screen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly write: (text: string) => unknown
}

const intervalMillis = 100

const counted = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 })

const clock = (seconds: number) => {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60]
  return (parts[0] === 0 ? parts.slice(1) : parts).map((part) => String(part).padStart(2, "0")).join(":")
}

const rate = (perSecond: number) =>
  perSecond >= 1 || perSecond === 0 ? `${counted.format(perSecond)}/s` : `${counted.format(perSecond * 60)}/min`

/** The line, narrower than so many columns. */
export const line = (
  what: string,
  { done, total, count, seconds }: Readonly<Record<"done" | "total" | "count" | "seconds", number>>,
  columns: number,
): string => {
  const share = total > 0 ? Math.min(done / total, 1) : 0
  const left = share > 0 ? clock((seconds * (1 - share)) / share) : "--:--"
  const numbers = `${Math.floor(share * 100)}%  ${counted.format(count)}  ${rate(seconds > 0 ? count / seconds : 0)}  ${left} left`
  const width = Math.min(30, columns - what.length - numbers.length - 3)
  const filled = Math.round(share * width)
  const bar = width < 5 ? "" : `${"█".repeat(filled)}${"░".repeat(width - filled)} `
  return `${what} ${bar}${numbers}`.slice(0, Math.max(columns - 1, 0))
}

/** Runs what tells how far it is. What it prints meanwhile stands above the bar. There is none for programs. */
export const around = <A, E, R>(
  what: string,
  { json = false }: { readonly json?: boolean },
  run: (report: Report | undefined) => Effect.Effect<A, E, R>,
  screen: Screen = process.stderr,
): Effect.Effect<A, E, R> => {
  if (json || screen.isTTY !== true || process.env["TERM"] === "dumb") return run(undefined)
  return Effect.gen(function* () {
    const console = yield* Console.Console
    const clear = () => void screen.write("\r\u001b[K")
    const started = performance.now()
    let last = 0
    const report: Report = (done, total, count = done) => {
      const now = performance.now()
      if (now - last < intervalMillis && done < total) return
      last = now
      const seconds = (now - started) / 1_000
      screen.write(`\r${line(what, { done, total, count, seconds }, screen.columns ?? 80)}\u001b[K`)
    }
    const above = {
      ...console,
      log: (...texts: ReadonlyArray<unknown>) => {
        clear()
        console.log(...texts)
      },
      error: (...texts: ReadonlyArray<unknown>) => {
        clear()
        console.error(...texts)
      },
    }
    return yield* run(report).pipe(Effect.provideService(Console.Console, above), Effect.ensuring(Effect.sync(clear)))
  })
}
