/** For what is expected to fail: it is not worth a line. */
import { Layer, Logger } from "effect"

export const layer = Layer.succeed(Logger.CurrentLoggers, new Set<Logger.Logger<unknown, unknown>>())
