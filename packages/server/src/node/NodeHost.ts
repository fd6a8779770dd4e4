/**
 * What Node knows of a request: its target as it came, its peer, and its body from
 * Node's stream. With the platform's own reader a reservation costs an eighth more; it
 * still reads what is sent after a "100 Continue".
 */
import type { IncomingMessage } from "node:http"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Host, standard } from "@holdfast/http/Host"
import { Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http"

const messageOf = (request: HttpServerRequest.HttpServerRequest) =>
  NodeHttpServerRequest.toIncomingMessage(request) as IncomingMessage

export const layer = Layer.succeed(Host, {
  targetOf: (request) => messageOf(request).url ?? "",
  peerOf: (request) => messageOf(request).socket.remoteAddress,
  readBody: (request, maxBytes) =>
    request.headers["expect"] === undefined
      ? Effect.suspend(() => collect(messageOf(request), maxBytes))
      : standard.readBody(request, maxBytes),
})

type Body = Effect.Effect<Uint8Array, "TooLarge" | "NotWhole">

/** Begins to read a body; what comes of it may be awaited later on. */
export const collect = (message: IncomingMessage, maxBytes: number): Body => {
  const chunks: Array<Buffer> = []
  let size = 0
  let outcome: Body | undefined
  let onOutcome = (_: Body) => {}
  const onData = (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) end(Effect.fail("TooLarge"))
  }
  const onEnd = () => end(Effect.succeed(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
  const onClose = () => end(Effect.fail("NotWhole"))
  const end = (reached: Body) => {
    message.off("data", onData).off("end", onEnd).off("close", onClose).pause()
    outcome = reached
    onOutcome(reached)
  }
  message.on("data", onData).on("end", onEnd).on("close", onClose)
  return Effect.suspend(
    () =>
      outcome ??
      Effect.callback((resume) => {
        onOutcome = resume
        return Effect.sync(() => end(Effect.fail("NotWhole")))
      }),
  )
}
