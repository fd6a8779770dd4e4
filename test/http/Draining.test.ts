/** A server that stops answers what it was asked, and is kept by nobody. */
import { once } from "node:events"
import * as Http from "node:http"
import * as Net from "node:net"
import { assert, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as Stopwatch from "../support/Stopwatch.ts"
import * as TestServer from "./TestServer.ts"

it.live("a server that stops drains requests in flight and lets go of idle connections", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(TestServer.layer(), scope)
    const { port } = Context.get(context, TestServer.TestServer)
    yield* Effect.promise(async () => {
      // A connection that is kept alive after its answer.
      const agent = new Http.Agent({ keepAlive: true })
      const [idle] = await once(Http.get({ port, host: "127.0.0.1", path: "/health/live", agent }), "response")
      idle.resume()
      await once(idle, "end")

      // A request of which the body is still to come.
      const terms = TestServer.newTerms()
      const body = JSON.stringify({ clientId: terms.clientId, partnersConnectionId: "a", partnerClientId: "b" })
      const socket = Net.connect(port, "127.0.0.1")
      socket.write(
        [
          `PUT /operator/v1/connections/${terms.connectionId} HTTP/1.1`,
          "Host: x",
          "Expect: 100-continue",
          `Authorization: Bearer ${TestServer.operatorToken}`,
          "Content-Type: application/json",
          `Content-Length: ${body.length}`,
          "\r\n",
        ].join("\r\n"),
      )
      const [interim] = await once(socket, "data")
      assert.match(String(interim), /^HTTP\/1\.1 100 /)

      // A request of which the end of the head is still to come.
      const begun = Net.connect(port, "127.0.0.1")
      begun.write("GET /health/live HTTP/1.1\r\nHost: x\r\n")
      // One that never sends the end, and one that sends nothing, as browsers open them ahead.
      const halted = Net.connect(port, "127.0.0.1")
      halted.write("GET /health/live HTTP/1.1\r\n")
      const silent = Net.connect(port, "127.0.0.1")
      const gone = [silent, halted].map(
        (socket) => new Promise((end) => socket.on("error", end).on("end", end).resume()),
      )

      // Answered after all of them were accepted.
      const arrived = await once(Http.get({ port, host: "127.0.0.1", path: "/health/live" }), "response")
      arrived[0].resume()

      const stopwatch = Stopwatch.start()
      const stopped = Effect.runPromise(Scope.close(scope, Exit.void))
      // It has a second for that.
      begun.write("\r\n")
      const answerOfBegun = once(begun, "data")
      const refused = Net.connect(port, "127.0.0.1")
      const [error] = await once(refused, "error")
      assert.strictEqual(error.code, "ECONNREFUSED")

      socket.write(body)
      const [answer] = await once(socket, "data")
      assert.match(String(answer), /^HTTP\/1\.1 200 /)
      assert.match(String(answer), /\r\nConnection: close\r\n/)

      assert.match(String(await answerOfBegun), /^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n/)
      await stopped
      await Promise.all(gone)
      assert.isBelow(stopwatch().awake, 5)
      agent.destroy()
    })
  }),
)
