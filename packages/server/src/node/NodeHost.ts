/**
 * What Node knows of a request: its target as it came, its peer, and its body from
 * Node's stream. The platform's own reader still reads what is sent after a "100 Continue".
 */
import type { IncomingMessage } from "node:http"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Host, standard } from "@holdfast/http/Host"
import * as NodeBody from "@holdfast/http/NodeBody"
import { Layer } from "effect"
import type { HttpServerRequest } from "effect/http"

const messageOf = (request: HttpServerRequest.HttpServerRequest) =>
  NodeHttpServerRequest.toIncomingMessage(request) as IncomingMessage

export const layer = Layer.succeed(Host, {
  targetOf: (request) => messageOf(request).url ?? "",
  peerOf: (request) => messageOf(request).socket.remoteAddress,
  readBody: (request, maxBytes) =>
    request.headers["expect"] === undefined
      ? NodeBody.read(messageOf(request), maxBytes)
      : standard.readBody(request, maxBytes),
})
