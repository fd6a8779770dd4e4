/**
 * The ledger as a transaction of several statements for each request. Rows are
 * claimed by `INSERT … ON CONFLICT DO NOTHING`, locked by `SELECT … FOR UPDATE`,
 * always a transfer before its account, so that there are no deadlocks. Amounts
 * are text or bigint, never a double. Every statement is prepared once per
 * connection.
 */
import { randomUUID } from "node:crypto"
import type { Pool, PoolClient } from "pg"
import {
  type Answer,
  answerOf,
  type Deallocation,
  differencesOf,
  type Nonce,
  type Reason,
  Refused,
  refusals,
  type Terms,
} from "./Ledger.ts"

type Transfer = Deallocation & { readonly kind: "deallocation" | "credit" | "debit" }

const insertNonce = {
  name: "insert-nonce",
  text: "INSERT INTO nonces (value, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
}
const insertTransfer = {
  name: "insert-transfer",
  text: `INSERT INTO transfers (id, kind, connection_id, currency, quantity, state, client_id,
      partners_connection_id, partner_client_id, partner_deallocation_id)
    VALUES ($1, 'deallocation', $2, $3, $4, 'Reserved', $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
}
const lockTransfer = { name: "lock-transfer", text: "SELECT * FROM transfers WHERE id = $1 FOR UPDATE" }
const lockAccount = {
  name: "lock-account",
  text: `SELECT c.client_id, c.partners_connection_id, c.partner_client_id, a.available
    FROM accounts a JOIN connections c USING (connection_id)
    WHERE a.connection_id = $1 AND a.currency = $2 FOR UPDATE OF a`,
}
const readConnection = {
  name: "read-connection",
  text: `SELECT client_id, partners_connection_id, partner_client_id, 0 AS available
    FROM connections WHERE connection_id = $1`,
}
const setState = {
  name: "set-state",
  text: "UPDATE transfers SET state = $2, reason = $3, updated_at = now() WHERE id = $1",
}
/** Moves balance and writes it down; $5 to $7 are what is added to each balance. */
const move = {
  name: "move",
  text: `WITH moved AS (
      UPDATE accounts SET available = available + $5, reserved = reserved + $6, deallocated = deallocated + $7
      WHERE connection_id = $2 AND currency = $3 RETURNING available, reserved, deallocated)
    INSERT INTO journal (transfer_id, event, connection_id, currency, quantity, available, reserved, deallocated)
    SELECT $1, $8, $2, $3, $4, available, reserved, deallocated FROM moved`,
}
const noteRejection = {
  name: "note-rejection",
  text: `INSERT INTO journal (transfer_id, event, connection_id, currency, quantity, available, reserved, deallocated)
    SELECT $1, 'Rejected', $2, $3, $4, coalesce(available, 0), coalesce(reserved, 0), coalesce(deallocated, 0)
    FROM (SELECT 1) AS one LEFT JOIN accounts ON connection_id = $2 AND currency = $3`,
}

const run = (client: PoolClient, statement: { name: string; text: string }, values: Array<unknown>) =>
  client.query({ ...statement, values })

/** One transaction that first uses up the nonce; it stays used where the rest is refused. */
const transaction = async (pool: Pool, nonce: Nonce, body: (client: PoolClient) => Promise<Answer | Refused>) => {
  const client = await pool.connect()
  try {
    await client.query("BEGIN")
    const used = await run(client, insertNonce, [nonce.value, nonce.expiresAt])
    const result = used.rowCount === 1 ? await body(client) : refusals.usedToken()
    await client.query("COMMIT")
    client.release()
    if (result instanceof Refused) throw result
    return result
  } catch (error) {
    // Closing the connection rolls back whatever state it is in.
    if (!(error instanceof Refused)) client.release(true)
    throw error
  }
}

export const reserve = (pool: Pool, terms: Terms, nonce: Nonce): Promise<Answer> =>
  transaction(pool, nonce, async (client) => {
    const { deallocationId, connectionId, amount, clientId, partnersConnectionId, partnerClientId } = terms
    const fresh = randomUUID()
    const inserted = await run(client, insertTransfer, [
      deallocationId,
      connectionId,
      amount.currency,
      amount.quantity,
      clientId,
      partnersConnectionId,
      partnerClientId,
      fresh,
    ])
    if (inserted.rowCount === 1) return hold(client, terms, fresh)

    const transfer: Transfer = (await run(client, lockTransfer, [deallocationId])).rows[0]
    if (transfer.kind !== "deallocation") return refusals.allocation()
    const differences = differencesOf(transfer, terms)
    if (differences.length > 0) return refusals.otherTerms(differences)
    if (transfer.state !== "Released") return answerOf(transfer)
    await run(client, setState, [deallocationId, "Reserved", null])
    return hold(client, terms, transfer.partner_deallocation_id)
  })

/** Holds the amount of a transfer whose row says Reserved already, or makes it a rejection. */
const hold = async (client: PoolClient, terms: Terms, partnerDeallocationId: string): Promise<Answer> => {
  const { deallocationId, connectionId, amount } = terms
  const key = [connectionId, amount.currency]
  const rows = (await run(client, lockAccount, key)).rows
  const account = rows[0] ?? (await run(client, readConnection, [connectionId])).rows[0]
  const rejectionReason = rejectionOf(terms, account)
  if (rejectionReason === undefined) {
    const { quantity } = amount
    await run(client, move, [deallocationId, ...key, quantity, `-${quantity}`, quantity, 0, "Reserved"])
    return { ...terms, partnerDeallocationId }
  }
  await run(client, setState, [deallocationId, "Rejected", rejectionReason])
  await run(client, noteRejection, [deallocationId, ...key, amount.quantity])
  return { ...terms, partnerDeallocationId, rejectionReason }
}

const rejectionOf = (terms: Terms, account: Record<string, string> | undefined): Reason | undefined => {
  if (account === undefined) return "UNKNOWN_CONNECTION"
  if (
    account["client_id"] !== terms.clientId ||
    account["partners_connection_id"] !== terms.partnersConnectionId ||
    account["partner_client_id"] !== terms.partnerClientId
  ) {
    return "CONNECTION_MISMATCH"
  }
  return BigInt(account["available"] ?? 0) < BigInt(terms.amount.quantity) ? "INSUFFICIENT_BALANCE" : undefined
}

export const clear = (pool: Pool, id: string, nonce: Nonce) => settle(pool, id, nonce, "Cleared")
export const release = (pool: Pool, id: string, nonce: Nonce) => settle(pool, id, nonce, "Released")

const settle = (pool: Pool, id: string, nonce: Nonce, state: "Cleared" | "Released"): Promise<Answer> =>
  transaction(pool, nonce, async (client) => {
    const transfer: Transfer | undefined = (await run(client, lockTransfer, [id])).rows[0]
    if (transfer === undefined) return refusals.unknown()
    if (transfer.kind !== "deallocation") return refusals.allocation()
    if (transfer.state === state) return answerOf(transfer)
    if (transfer.state !== "Reserved") return refusals.state(transfer)
    const { connection_id, currency, quantity } = transfer
    const [available, deallocated] = state === "Cleared" ? [0, quantity] : [quantity, 0]
    await run(client, setState, [id, state, null])
    await run(client, move, [id, connection_id, currency, quantity, available, `-${quantity}`, deallocated, state])
    return answerOf(transfer)
  })
