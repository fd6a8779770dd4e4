/** A request's body from Node's stream: with a reader of the web's, or the platform's own, a reservation costs an eighth more. */
import type { IncomingMessage } from "node:http"
import { Effect } from "effect"

/**
 * Reads a body to its end. Fails where it is longer than so many bytes, or does not
 * arrive whole.
 *
 * ```ts
 * import * as NodeBody from "@holdfast/http/NodeBody"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 * import type { IncomingMessage } from "node:http"
 * import { Readable } from "node:stream"
 *
 * const message = Readable.from([Buffer.from("12345")]) as IncomingMessage
 * assert.equal(await Effect.runPromise(Effect.flip(NodeBody.read(message, 4))), "TooLarge")
 * ```
 *
 * @category reading
 */
export const read = (message: IncomingMessage, maxBytes: number) =>
  Effect.callback<Uint8Array, "TooLarge" | "NotWhole">((resume) => {
    // Nothing will be heard of these any more.
    if (message.readableEnded) return resume(Effect.succeed(new Uint8Array()))
    if (message.destroyed) return resume(Effect.fail("NotWhole"))
    const chunks: Array<Buffer> = []
    let size = 0
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBytes) end(Effect.fail("TooLarge"))
    }
    const onEnd = () => end(Effect.succeed(Buffer.concat(chunks)))
    const onClose = () => end(Effect.fail("NotWhole"))
    const end = (outcome: Effect.Effect<Uint8Array, "TooLarge" | "NotWhole">) => {
      message.off("data", onData).off("end", onEnd).off("close", onClose).pause()
      resume(outcome)
    }
    message.on("data", onData).on("end", onEnd).on("close", onClose)
    return Effect.sync(() => end(Effect.fail("NotWhole")))
  })
