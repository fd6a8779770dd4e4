/**
 * The ledger as one call of a function for each request, and so one round trip:
 * what functions.sql does, the statements of Transactions.ts do one by one. Each
 * call is prepared once per connection.
 */
import type { Pool } from "pg"
import { type Answer, answerOf, type Deallocation, differencesOf, type Nonce, refusals, type Terms } from "./Ledger.ts"

/** Only what an answer needs: the row's times would be parsed for nothing. */
const columns = `refusal, (transfer).id, (transfer).connection_id, (transfer).currency, (transfer).quantity,
  (transfer).state, (transfer).reason, (transfer).client_id, (transfer).partners_connection_id,
  (transfer).partner_client_id, (transfer).partner_deallocation_id`

const reserveCall = { name: "reserve", text: `SELECT ${columns} FROM reserve($1, $2, $3, $4, $5, $6, $7, $8, $9)` }
const settleCall = { name: "settle", text: `SELECT ${columns} FROM settle($1, $2, $3, $4)` }

type Outcome = Deallocation & { readonly refusal: Exclude<keyof typeof refusals, "otherTerms"> | null }

const call = async (
  pool: Pool,
  statement: { name: string; text: string },
  nonce: Nonce,
  values: ReadonlyArray<string>,
): Promise<Deallocation> => {
  const { rows } = await pool.query<Outcome>({ ...statement, values: [nonce.value, nonce.expiresAt, ...values] })
  const [outcome] = rows
  if (outcome === undefined) throw new Error(`${statement.name} returns nothing.`)
  if (outcome.refusal !== null) throw refusals[outcome.refusal](outcome)
  return outcome
}

export const reserve = async (pool: Pool, terms: Terms, nonce: Nonce): Promise<Answer> => {
  const { deallocationId, connectionId, amount, clientId, partnersConnectionId, partnerClientId } = terms
  const recorded = await call(pool, reserveCall, nonce, [
    deallocationId,
    connectionId,
    amount.currency,
    amount.quantity,
    clientId,
    partnersConnectionId,
    partnerClientId,
  ])
  const differences = differencesOf(recorded, terms)
  if (differences.length > 0) throw refusals.otherTerms(differences)
  return answerOf(recorded)
}

const settle = async (pool: Pool, id: string, nonce: Nonce, state: "Cleared" | "Released") =>
  answerOf(await call(pool, settleCall, nonce, [id, state]))

export const clear = (pool: Pool, id: string, nonce: Nonce) => settle(pool, id, nonce, "Cleared")
export const release = (pool: Pool, id: string, nonce: Nonce) => settle(pool, id, nonce, "Released")
