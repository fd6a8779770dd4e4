/**
 * Standard output and standard error, as something to which lines may be written
 * whatever is behind them: a full disk, a program that has gone or one that does
 * not read. Serving never ends or waits for a log. What cannot be written is lost,
 * and counted.
 */
import { writeSync } from "node:fs"
import { Socket } from "node:net"
import * as LogLine from "@holdfast/http/LogLine"
import { Effect, Logger, Metric } from "effect"

/** How much may wait for a program that does not read, in bytes. */
const maxPendingBytes = 2_097_152

const lostTotal = Metric.counter("holdfast_log_lines_lost_total", {
  description: "Lines that could not be written to standard output or standard error.",
  incremental: true,
})

type Stream = (NodeJS.WriteStream & { readonly fd: 1 }) | (NodeJS.WriteStream & { readonly fd: 2 })

class Output {
  readonly #stream: Stream
  #lost = 0
  /** The last thing written is a piece of a line. */
  #torn = false

  constructor(stream: Stream) {
    this.#stream = stream
    // Said to each write too. Without a listener it would end the process.
    stream.on("error", () => {})
  }

  write(lines: ReadonlyArray<string>): void {
    const text = lines.map((line) => `${line}\n`).join("")
    // Node writes to a file at once, and does not say how much of it was written when the disk is full.
    if (!(this.#stream instanceof Socket)) this.#writeFile(Buffer.from(text))
    else if (this.#stream.writableLength > maxPendingBytes) this.#lost += lines.length
    else {
      this.#stream.write(text, (error) => {
        if (error) this.#lost += lines.length
      })
    }
  }

  /** How many lines were lost since this was asked last. */
  takeLost(): number {
    const lost = this.#lost
    this.#lost = 0
    return lost
  }

  /** Once everything is written, or will never be. */
  readonly written: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.#stream.writableLength === 0) resume(Effect.void)
    else this.#stream.write("", () => resume(Effect.void))
  }).pipe(Effect.timeoutOption("1 second"), Effect.asVoid)

  #writeFile(bytes: Buffer): void {
    let at = 0
    try {
      if (this.#torn) writeSync(this.#stream.fd, "\n")
      this.#torn = false
      while (at < bytes.length) at += writeSync(this.#stream.fd, bytes, at)
    } catch {
      this.#torn ||= at > 0 && bytes[at - 1] !== newline
      this.#lost += bytes.subarray(at).filter((byte) => byte === newline).length
    }
  }
}

const newline = 0x0a

/** What is for people, and the log. */
export const standardOutput = new Output(process.stdout)
export const standardError = new Output(process.stderr)

/** Logs one JSON object a line, in a write for many. */
export const layerLogger = Logger.layer([
  Effect.gen(function* () {
    yield* Effect.addFinalizer(() => standardError.written)
    const countLost = Effect.suspend(() =>
      Metric.update(lostTotal, standardOutput.takeLost() + standardError.takeLost()),
    )
    // So that it is there before any is lost.
    yield* countLost
    return yield* Logger.batched(LogLine.format, {
      window: "100 millis",
      flush: (lines) =>
        Effect.andThen(
          Effect.sync(() => standardError.write(lines)),
          countLost,
        ),
    })
  }),
])
