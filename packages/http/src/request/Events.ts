/** Server-sent events, as the HTML standard has them. */
import { Store } from "@holdfast/domain"
import { Cause, Effect, Schema, Stream } from "effect"
import * as Sse from "effect/encoding/Sse"
import { HttpServerRequest } from "effect/http"
import { MalformedRequest } from "../contract/Problems.ts"

/** How long nothing may be sent: proxies take a connection for dead that says nothing, and a peer that is gone is found so. */
export const quietMillis = 10_000

const isPlace = Schema.is(Store.Place)

/** Where a client that comes back wants to go on. */
export const lastEventId: Effect.Effect<
  Store.Place | undefined,
  MalformedRequest,
  HttpServerRequest.HttpServerRequest
> = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
  const id = headers["last-event-id"]
  if (id === undefined || id === "") return Effect.undefined
  return isPlace(id)
    ? Effect.succeed(id)
    : Effect.fail(new MalformedRequest({ detail: "Last-Event-ID: Expected the id of an event of this stream." }))
})

/** One event, with the id that resumes after it. */
export const event = (id: string, data: object): string =>
  Sse.encoder.write({ _tag: "Event", event: "message", id, data: JSON.stringify(data) })

const encoder = new TextEncoder()

/** As it is sent. */
export const encode = (text: string): Uint8Array => encoder.encode(text)

/** The events as they are sent, and a comment where there are none for long. Where they fail, the stream just ends: clients come back. */
export const stream = <E>(name: string, events: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array> =>
  Stream.succeed(encode(`: the ${name}\n\n`)).pipe(
    // When there are no more events, there are no more comments.
    Stream.concat(
      Stream.merge(
        events,
        Stream.map(Stream.tick(quietMillis), () => encode(":\n\n")),
        { haltStrategy: "left" },
      ),
    ),
    Stream.tapCause((cause) =>
      Cause.hasDies(cause)
        ? Effect.logError("A stream ended by a fault.", { "holdfast.stream": name }, cause)
        : Effect.void,
    ),
    Stream.catchCause(() => Stream.empty),
  )
