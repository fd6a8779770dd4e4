/** A TCP proxy in front of PostgreSQL, with a hand on every wire of one server. */
import { once } from "node:events"
import * as Net from "node:net"

/**
 * What happens to a connection that sends COMMIT. It is cut before PostgreSQL sees that, or after it was carried out and
 * before anybody knows; in the last case new connections can be kept waiting for some time.
 */
type CommitFault = { readonly cut: "before" | "after" } | { readonly cut: "after"; readonly heldUpMillis: number }

export interface Proxy {
  readonly port: number
  /** Cuts every connection that there is. */
  readonly cut: () => void
  /** Holds every answer of the database back for so long. */
  readonly setDelay: (millis: number) => void
  /** The next connections that send COMMIT meet these faults, one each. */
  readonly atCommit: (...faults: ReadonlyArray<CommitFault>) => void
  /** How many of them are still to come. */
  readonly pending: () => number
  readonly close: () => Promise<void>
}

/** The message `Query` with the text that the writer sends, as it stands on the wire. */
const commit = Buffer.from("COMMIT\0")

export const start = async (socketPath: string): Promise<Proxy> => {
  const pairs = new Set<() => void>()
  let delayMillis = 0
  let heldUpUntil = 0
  const faults: Array<CommitFault> = []

  const server = Net.createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
    // What is held up here, the kernel has let in: the server thinks that it is connected.
    setTimeout(() => client.destroyed || connect(client), Math.max(0, heldUpUntil - performance.now()))
    client.on("error", () => client.destroy())
  })

  const connect = (client: Net.Socket) => {
    const database = Net.connect({ path: socketPath })
    let swallowing: CommitFault | undefined
    const end = () => {
      pairs.delete(end)
      client.destroy()
      database.destroy()
    }
    pairs.add(end)
    for (const socket of [client, database]) socket.on("error", end).on("close", end)
    client.on("data", (data) => {
      const fault = data.includes(commit) ? faults.shift() : undefined
      if (fault?.cut === "before") {
        // The rest of the transaction may arrive; the COMMIT does not.
        database.write(data.subarray(0, data.indexOf(commit) - 5), end)
        return
      }
      swallowing ??= fault
      database.write(data)
    })
    database.on("data", (data) => {
      if (swallowing !== undefined) {
        if (!data.includes(commit)) return
        if ("heldUpMillis" in swallowing) heldUpUntil = performance.now() + swallowing.heldUpMillis
        end()
      } else if (delayMillis === 0) client.write(data)
      else setTimeout(() => client.destroyed || client.write(data), delayMillis)
    })
    client.resume()
  }

  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut: () => {
      for (const end of pairs) end()
    },
    setDelay: (millis) => {
      delayMillis = millis
    },
    atCommit: (...next) => void faults.push(...next),
    pending: () => faults.length,
    close: async () => {
      for (const end of pairs) end()
      server.close()
      await once(server, "close")
    },
  }
}
