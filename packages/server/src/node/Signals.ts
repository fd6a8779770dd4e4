/** A line in the log for the beginning, the end, and each signal that the process gets. */
import { Effect, Layer } from "effect"
import { version } from "./ProcessMetrics.ts"

const self = { "process.pid": process.pid, "service.version": version, "process.runtime.version": process.version }

/** Those that end a server. */
const ending = ["SIGTERM", "SIGINT"] as const

/** Logs that a process of a kind starts, and that it has stopped, after all that it provides. */
export const layer = (part: "server" | "process of the server") =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      yield* Effect.acquireRelease(Effect.logInfo(`The ${part} starts.`, self), () =>
        Effect.logInfo(`The ${part} has stopped.`, self),
      )
      const run = Effect.runForkWith(yield* Effect.context())
      for (const signal of ending) {
        const hear = () => run(Effect.logInfo(`${signal}: the ${part} stops.`, self))
        yield* Effect.acquireRelease(
          Effect.sync(() => process.on(signal, hear)),
          () => Effect.sync(() => process.off(signal, hear)),
        )
      }
    }),
  )

/** Logs that it serves. */
export const serving = (part: "server" | "process of the server", address: string) =>
  Effect.logInfo(`The ${part} serves.`, { ...self, "url.full": address })
