/** A TCP proxy in front of PostgreSQL, with a hand on every wire. */
import { once } from "node:events"
import * as Net from "node:net"

export interface Proxy {
  readonly port: number
  /** Cuts every connection that there is. */
  readonly cut: () => void
  /** While closed, whoever connects is cut at once. */
  readonly setOpen: (open: boolean) => void
  /** Holds every answer of the database back for so long. */
  readonly setDelay: (millis: number) => void
  /**
   * Cuts so many connections at their next COMMIT: before PostgreSQL sees it, or after it has been carried out and
   * before anybody knows.
   */
  readonly cutAtCommit: (moment: "before" | "after", times: number) => void
  /** How many cuts at a COMMIT are still to come. */
  readonly pending: () => number
  readonly close: () => Promise<void>
}

/** The message `Query` with the text that the writer sends, as it stands on the wire. */
const commit = Buffer.from("COMMIT\0")

export const start = async (socketPath: string): Promise<Proxy> => {
  const pairs = new Set<() => void>()
  let open = true
  let delayMillis = 0
  const cuts: Array<"before" | "after"> = []

  const server = Net.createServer((client) => {
    if (!open) return void client.destroy()
    const database = Net.connect({ path: socketPath })
    let swallowing = false
    const end = () => {
      pairs.delete(end)
      client.destroy()
      database.destroy()
    }
    pairs.add(end)
    for (const socket of [client, database]) socket.on("error", end).on("close", end)
    client.on("data", (data) => {
      const moment = data.includes(commit) ? cuts.shift() : undefined
      if (moment === "before") {
        // The rest of the transaction may arrive; the COMMIT does not.
        database.write(data.subarray(0, data.indexOf(commit) - 5), end)
        return
      }
      swallowing ||= moment === "after"
      database.write(data)
    })
    database.on("data", (data) => {
      if (swallowing) {
        if (data.includes(commit)) end()
      } else if (delayMillis === 0) client.write(data)
      else setTimeout(() => client.destroyed || client.write(data), delayMillis)
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut: () => {
      for (const end of pairs) end()
    },
    setOpen: (value) => {
      open = value
    },
    setDelay: (millis) => {
      delayMillis = millis
    },
    cutAtCommit: (moment, times) => {
      cuts.splice(0, cuts.length, ...Array.from({ length: times }, () => moment))
    },
    pending: () => cuts.length,
    close: async () => {
      for (const end of pairs) end()
      server.close()
      await once(server, "close")
    },
  }
}
