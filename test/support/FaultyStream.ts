/**
 * Connections to the tests' PostgreSQL that break at a chosen moment: the
 * driver's `stream` with a hand on the wire.
 */
import * as Net from "node:net"
import { Duplex } from "node:stream"
import { Redacted } from "effect"

/** What to do when the client sends the text that a fault waits for. */
export type Fault = "cut before it is sent" | "cut before the answer is seen"

/**
 * A driver's `stream` to a database that works until it is armed: then each
 * time a client sends `text`, the next fault happens to that connection.
 */
export const make = (url: Redacted.Redacted, text: string) => {
  const faults: Array<Fault> = []
  const stream = (): Duplex => {
    const socket = Net.connect(endpointOf(Redacted.value(url)))
    let swallow = false
    const duplex = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        const fault = chunk.includes(text) ? faults.shift() : undefined
        if (fault === undefined) {
          socket.write(chunk, done)
          return
        }
        if (fault === "cut before it is sent") {
          duplex.destroy()
          done()
        } else {
          swallow = true
          socket.write(chunk, done)
        }
      },
      final(done) {
        socket.end(done)
      },
      destroy(error, done) {
        socket.destroy()
        done(error)
      },
    })
    socket.on("data", (data) => {
      if (!swallow) duplex.push(data)
      // The answer names the command: it is complete on the server, and nobody here will know.
      else if (data.includes(text)) duplex.destroy()
    })
    socket.on("error", (error) => duplex.destroy(error))
    socket.on("close", () => duplex.destroy())
    return duplex
  }
  return { stream, arm: (...next: ReadonlyArray<Fault>) => void faults.push(...next), left: () => faults.length }
}

const endpointOf = (url: string): Net.NetConnectOpts => {
  const { hostname, port, searchParams } = new URL(url)
  const host = searchParams.get("host") ?? hostname
  return host.startsWith("/")
    ? { path: `${host}/.s.PGSQL.${searchParams.get("port") ?? 5432}` }
    : { host, port: Number(port || 5432) }
}
