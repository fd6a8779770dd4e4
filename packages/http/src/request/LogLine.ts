/**
 * The log: one JSON object a line, flat, with OpenTelemetry's names. What is known of the request at hand stands in
 * every line that is written while it is.
 */
import { Array as Array_, Cause, Formatter, Logger, References } from "effect"
import * as RequestLog from "./RequestLog.ts"
import * as Seen from "./Seen.ts"

/** What is told of a failure. */
const exceptionOf = (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  return {
    "exception.type": error instanceof Error ? error.name : typeof error,
    "exception.message": error instanceof Error ? error.message : String(error),
    "exception.stacktrace": Cause.pretty(cause),
  }
}

const fieldsOf = (part: unknown): object => {
  if (part instanceof Error) return exceptionOf(Cause.fail(part))
  return typeof part === "object" && part !== null ? part : {}
}

/**
 * Writes lines like that: `timestamp`, `severity_text`, `message` and whatever else is told. Of what is logged, texts
 * are the message, and objects are fields.
 *
 * ```ts
 * import * as LogLine from "@holdfast/http/LogLine"
 * import { Effect, Logger } from "effect"
 * import assert from "node:assert/strict"
 *
 * const lines: Array<string> = []
 * const logger = Logger.layer([Logger.map(LogLine.format, (line) => lines.push(line))])
 * Effect.runSync(Effect.provide(Effect.logInfo("Ready.", { "server.port": 3000 }), logger))
 * const { timestamp, ...line } = JSON.parse(lines[0] ?? "")
 * assert.deepEqual(line, { severity_text: "INFO", message: "Ready.", "server.port": 3000 })
 * assert.ok(Date.parse(timestamp) > 0)
 * ```
 *
 * @category logging
 */
export const format: Logger.Logger<unknown, string> = Logger.map(
  Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const parts = Array_.ensure(message)
    const texts = parts.filter((part) => typeof part !== "object" || part === null)
    return {
      timestamp: date.toISOString(),
      severity_text: logLevel.toUpperCase(),
      message: texts.map(String).join(" "),
      ...Object.assign({}, ...parts.map(fieldsOf)),
      ...(cause.reasons.length > 0 ? exceptionOf(cause) : {}),
      ...fiber.getRef(References.CurrentLogAnnotations),
      ...RequestLog.fieldsOf(fiber.getRef(Seen.CurrentNotes)),
    }
  }),
  Formatter.formatJson,
)
