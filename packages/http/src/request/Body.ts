/**
 * Reads a request's body from Node's stream. With the platform's own reader a
 * reservation costs an eighth more; it still reads what is sent after a
 * "100 Continue".
 */
import type { IncomingMessage } from "node:http"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { ByteSize, Effect } from "effect"
import { HttpIncomingMessage, type HttpServerError, type HttpServerRequest } from "effect/http"

/** At most `maxBytes` bytes; fails where there are more, or where the body does not arrive whole. */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  maxBytes: number,
): Effect.Effect<Uint8Array, "TooLarge" | "NotWhole"> =>
  request.headers["expect"] === undefined
    ? readNode(NodeHttpServerRequest.toIncomingMessage(request) as IncomingMessage, maxBytes)
    : request.arrayBuffer.pipe(
        Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBytes)),
        Effect.mapBoth({ onSuccess: (buffer) => new Uint8Array(buffer), onFailure: reasonOf }),
      )

const reasonOf = ({ reason }: HttpServerError.HttpServerError) =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? "TooLarge" : "NotWhole"

const readNode = (message: IncomingMessage, maxBytes: number) =>
  Effect.callback<Uint8Array, "TooLarge" | "NotWhole">((resume) => {
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
