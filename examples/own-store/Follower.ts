/** An effect of your own for each entry of the journal, exactly once: in the transaction that keeps how far you came. */
import { Holdfast, Store } from "@holdfast/domain"
import { Effect, Schema, Stream } from "effect"
import type { Pool, PoolClient } from "pg"

export const tables = `
  CREATE TABLE followers (name text PRIMARY KEY, place text);
  CREATE TABLE notices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, transfer_id uuid, event text, quantity numeric(78));
`

/** Goes on from where it was, and never ends by itself. Of several under one name all but one stop. */
export const follow = Effect.fnUntraced(function* (
  pool: Pool,
  name: string,
  effect: (client: PoolClient, entry: Store.Placed) => Promise<unknown>,
) {
  const holdfast = yield* Holdfast.Holdfast
  let place = yield* Effect.promise(() => placeOf(pool, name))
  yield* Stream.runForEach(holdfast.follow(place), (entry) =>
    Effect.promise(async () => {
      await once(pool, name, place, entry, effect)
      place = entry.place
    }),
  )
})

const placeOf = async (pool: Pool, name: string) => {
  await pool.query("INSERT INTO followers (name) VALUES ($1) ON CONFLICT DO NOTHING", [name])
  const { rows } = await pool.query("SELECT place FROM followers WHERE name = $1", [name])
  const place: unknown = rows[0]?.place
  return place === null ? undefined : Schema.decodeUnknownSync(Store.Place)(place)
}

/** The effect and the place that it was done for: both or neither, whenever this process ends. */
const once = async (
  pool: Pool,
  name: string,
  before: Store.Place | undefined,
  entry: Store.Placed,
  effect: (client: PoolClient, entry: Store.Placed) => Promise<unknown>,
) => {
  const client = await pool.connect()
  let isDone = false
  try {
    await client.query("BEGIN")
    const { rowCount } = await client.query(
      "UPDATE followers SET place = $1 WHERE name = $2 AND place IS NOT DISTINCT FROM $3",
      [entry.place, name, before],
    )
    if (rowCount !== 1) throw new Error(`Somebody else follows the journal as ${name}.`)
    await effect(client, entry)
    await client.query("COMMIT")
    isDone = true
  } finally {
    client.release(!isDone)
  }
}

/** A row for each entry, which another process sends to the customer. */
export const notice = (client: PoolClient, { transferId, event, quantity }: Store.Placed) =>
  client.query("INSERT INTO notices (transfer_id, event, quantity) VALUES ($1, $2, $3)", [
    transferId,
    event,
    String(quantity),
  ])
