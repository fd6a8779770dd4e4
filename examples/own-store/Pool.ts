/** A pool whose process lives on when a connection is lost: an error that nobody listens for would end it. */
import pg from "pg"

export const open = (config: pg.PoolConfig): pg.Pool => {
  const pool = new pg.Pool(config)
  // Of a connection that nobody uses: the pool makes another.
  pool.on("error", () => {})
  // Of one in use: whoever waits for a statement is told, and closes it.
  pool.on("connect", (client) => void client.on("error", () => {}))
  return pool
}
