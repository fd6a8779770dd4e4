/** Clients that take their time. */
import * as Net from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import * as Stopwatch from "./Stopwatch.ts"

/** How long a server keeps a client. */
export const keeps = (port: number, behave: (socket: Net.Socket) => void) => {
  const stop = Stopwatch.start()
  const socket = Net.connect(port, "127.0.0.1")
  socket.on("error", () => socket.destroy())
  socket.resume()
  behave(socket)
  return new Promise<ReturnType<typeof stop>>((resolve) => socket.on("close", () => resolve(stop())))
}

/** Sends a text over and over, byte by byte, so many milliseconds apart, until the server lets go. */
export const drip = async (socket: Net.Socket, text: string, millis: number): Promise<void> => {
  for (let sent = 0; !socket.destroyed; sent++) {
    socket.write(text[sent % text.length] ?? "")
    await sleep(millis)
  }
}
