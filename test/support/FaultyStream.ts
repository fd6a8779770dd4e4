/**
 * Connections to the tests' PostgreSQL that break at a chosen moment: the
 * driver's `stream` with a hand on the wire.
 */
import * as Net from "node:net"
import { Duplex } from "node:stream"
import { Redacted } from "effect"

/**
 * What happens when the client sends the statement that a fault waits for. What is held arrives when it is let go.
 * A session that takes the place of another, as a pooler would have it, knows nothing of its transaction.
 * Where the connection is cut, what was sent is dropped, carried out, or on its way until it is let go.
 */
export type Fault =
  | "nothing"
  | "held"
  | "carried out by another session"
  | "cut before it is sent"
  | "cut before the answer is seen"
  | "cut while it is on its way"

/** A statement: how it is known when it is sent, and when it is answered. */
interface Statement {
  readonly sent: string
  readonly answered: RegExp
}

export const commit: Statement = { sent: "COMMIT\0", answered: /COMMIT\0|ROLLBACK\0/ }

/** The question what has become of a transaction. */
export const question: Statement = { sent: "INTO commits (id, committed) VALUES", answered: /INSERT 0 1\0/ }

/**
 * A driver's `stream` to a database that works until it is armed: then the next
 * fault happens to the connection that sends its statement next.
 */
export const make = (url: Redacted.Redacted) => {
  const faults: Array<{ readonly statement: Statement; readonly fault: Fault; readonly closes: boolean }> = []
  const underWay: Array<() => void> = []
  let door: PromiseWithResolvers<void> | undefined

  const close = () => {
    door = Promise.withResolvers()
  }

  const stream = (): Duplex => {
    let socket = new Net.Socket()
    let startup: Buffer | undefined
    let awaited: RegExp | undefined
    /** The end of what was seen since then: an answer may come in pieces. */
    let seen = ""
    let survives = false
    const duplex = new Duplex({
      // What is written waits until this is done.
      construct(done) {
        void Promise.resolve(door?.promise).then(() => {
          socket.connect(endpointOf(Redacted.value(url)))
          done()
        })
      },
      read() {},
      write(chunk: Buffer, _encoding, done) {
        startup ??= chunk
        const [{ statement, fault, closes } = {}] = faults
        if (statement === undefined || !chunk.includes(statement.sent)) return void socket.write(chunk, done)
        faults.shift()
        if (closes) close()
        if (fault === "nothing") return void socket.write(chunk, done)
        if (fault === "cut before the answer is seen") {
          awaited = statement.answered
          return void socket.write(chunk, done)
        }
        if (fault === "carried out by another session") {
          socket
            .removeAllListeners()
            .on("error", () => {})
            .destroy()
          socket = Net.connect(endpointOf(Redacted.value(url)))
          socket.write(startup)
          socket.once("data", () => {
            listen()
            socket.write(chunk, done)
          })
          return
        }
        if (fault === "held") {
          underWay.push(() => socket.write(chunk))
          return done()
        }
        if (fault === "cut while it is on its way") {
          survives = true
          underWay.push(() => socket.end(chunk))
        }
        duplex.destroy()
        done()
      },
      final(done) {
        socket.end(done)
      },
      destroy(error, done) {
        if (!survives) socket.destroy()
        done(error)
      },
    })
    const listen = () => {
      socket.on("data", (data) => {
        if (awaited === undefined) return void duplex.push(data)
        seen = seen.slice(-16) + data.toString("latin1")
        // It is complete on the server, and nobody here will know.
        if (awaited.test(seen)) duplex.destroy()
      })
      socket.on("error", (error) => duplex.destroy(error))
      socket.on("close", () => duplex.destroy())
    }
    listen()
    return duplex
  }
  return {
    stream,
    arm: (statement: Statement, fault: Fault, { closes } = { closes: false }) =>
      void faults.push({ statement, fault, closes }),
    left: () => faults.length,
    /** Lets new connections in again, once a fault has closed the door to them. */
    open: () => {
      door?.resolve()
      door = undefined
    },
    /** Lets what was on its way arrive. */
    arrive: () => {
      for (const send of underWay.splice(0)) send()
    },
  }
}

const endpointOf = (url: string): Net.NetConnectOpts => {
  const { hostname, port, searchParams } = new URL(url)
  const host = searchParams.get("host") ?? hostname
  return host.startsWith("/")
    ? { path: `${host}/.s.PGSQL.${searchParams.get("port") ?? 5432}` }
    : { host, port: Number(port || 5432) }
}
