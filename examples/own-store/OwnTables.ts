/**
 * The network's requests decided in a transaction of your own, on tables of your own, with plain `pg`: of Holdfast there
 * is nothing but `Ledger.step`, which says what is to be written.
 */
import { Account, Connection, Ledger, type Transfer } from "@holdfast/domain"
import { Effect, Result, Schema, Struct } from "effect"
import type { Pool, PoolClient } from "pg"

export const tables = `
  CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL UNIQUE,
    login text NOT NULL,
    connection_id uuid UNIQUE,
    client_id uuid,
    frozen boolean NOT NULL DEFAULT false);
  CREATE TABLE balances (
    user_id bigint REFERENCES users,
    currency text,
    incoming numeric(78) NOT NULL DEFAULT 0,
    available numeric(78) NOT NULL DEFAULT 0,
    in_orders numeric(78) NOT NULL DEFAULT 0,
    on_hold numeric(78) NOT NULL DEFAULT 0,
    withdrawn numeric(78) NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, currency),
    CHECK (least(incoming, available, in_orders, on_hold, withdrawn) >= 0));
  CREATE TABLE transfers (id uuid PRIMARY KEY, value jsonb NOT NULL);
`

/** What the domain calls a balance, and you a column. */
const columns = {
  pending: "incoming",
  available: "available",
  locked: "in_orders",
  reserved: "on_hold",
  deallocated: "withdrawn",
} satisfies Record<Account.Balance, string>

const balances = Struct.keys(columns)

/** Quantities as text: JavaScript's numbers would round them. */
const decodeAccount = Schema.decodeUnknownSync(Schema.toCodecJson(Account.Account))
const decodeConnection = Schema.decodeUnknownSync(Connection.Registered)
const transferCodec = Schema.toCodecJson(Ledger.Transfer)
const encodeTransfer = Schema.encodeSync(transferCodec)
export const decodeTransfer = Schema.decodeUnknownSync(transferCodec)

/**
 * Decides a command and does it. Where this throws, it may have been done, or not: send the command again. Whatever is
 * sent again, under the same id, acts once.
 */
export const execute = async <C extends Ledger.Command>(
  pool: Pool,
  command: C,
  policy: Transfer.Policy = {},
): Promise<Result.Result<Ledger.Success<C>, Ledger.StepFailure<C>>> => {
  for (let attempts = 1; ; attempts++) {
    const client = await pool.connect()
    try {
      await client.query("BEGIN ISOLATION LEVEL READ COMMITTED")
      const made = await decide(client, command, policy)
      await client.query("COMMIT")
      client.release()
      return made
    } catch (error) {
      // Closed, whatever was left of the transaction is rolled back.
      client.release(true)
      if (!isPassing(error) || attempts === 5) throw error
    }
  }
}

/** PostgreSQL says that nothing was done. A lost connection says nothing, and is not among these. */
const isPassing = (error: unknown) =>
  error instanceof Again ||
  ["23505" /* unique_violation */, "40001" /* serialization_failure */, "40P01" /* deadlock_detected */].includes(
    String((error as { readonly code?: unknown }).code),
  )

class Again extends Error {}

const decide = async <C extends Ledger.Command>(client: PoolClient, command: C, policy: Transfer.Policy) => {
  const id = Ledger.idOf(command)
  // Whose it is never changes, and so can be read before the locks.
  const known = await transferOf(client, id)
  const terms = known?.terms ?? ("terms" in command ? command.terms : undefined)
  const connection = terms && (await lock(client, terms))

  // From here on nobody else changes what these statements find.
  const transfer = await transferOf(client, id)
  if (transfer !== undefined && terms !== undefined && isOfOtherAccount(transfer.terms, terms)) throw new Again()
  const account = terms && connection ? await accountOf(client, terms) : Account.empty

  const made = Effect.runSync(Effect.result(Ledger.step(command, { transfer, connection, account, ...policy })))
  if (Result.isFailure(made)) return Result.fail(made.failure)
  if (made.success.events.length > 0) {
    // A rejection is an event too: it is recorded, and the same request is told the same for ever.
    await writeTransfer(client, made.success.transfer, transfer === undefined)
    if (terms && connection) await writeAccount(client, terms, made.success.account)
  }
  return Result.succeed(made.success.transfer)
}

type Terms = Ledger.Transfer["terms"]

const isOfOtherAccount = (a: Terms, b: Terms) => Ledger.accountKeyOf(a) !== Ledger.accountKeyOf(b)

/** First the user, then the one balance: whoever writes either locks them in this order. Nothing, where there is no such user. */
const lock = async (client: PoolClient, { connectionId, amount }: Terms) => {
  const { rows } = await client.query(
    `SELECT connection_id AS "connectionId", client_id AS "clientId", account AS "partnersConnectionId",
        login AS "partnerClientId", frozen AS suspended
      FROM users WHERE connection_id = $1 FOR SHARE`,
    [connectionId],
  )
  if (rows[0] === undefined) return undefined
  const key = [connectionId, amount.currency]
  // What is not there cannot be locked.
  await client.query(
    "INSERT INTO balances (user_id, currency) SELECT id, $2 FROM users WHERE connection_id = $1 ON CONFLICT DO NOTHING",
    key,
  )
  await client.query(
    "SELECT FROM balances WHERE user_id = (SELECT id FROM users WHERE connection_id = $1) AND currency = $2 FOR UPDATE",
    key,
  )
  return decodeConnection(rows[0])
}

const transferOf = async (client: PoolClient, id: string) => {
  const { rows } = await client.query("SELECT value FROM transfers WHERE id = $1", [id])
  return rows[0] === undefined ? undefined : decodeTransfer(rows[0].value)
}

const accountOf = async (client: PoolClient, { connectionId, amount }: Terms) => {
  const { rows } = await client.query(
    `SELECT ${balances.map((balance) => `${columns[balance]}::text AS ${balance}`).join(", ")}
      FROM balances JOIN users ON users.id = user_id WHERE connection_id = $1 AND currency = $2`,
    [connectionId, amount.currency],
  )
  return decodeAccount(rows[0])
}

const writeTransfer = async (client: PoolClient, transfer: Ledger.Transfer, isNew: boolean) => {
  // Two that make one new id at once: the second waits here for the first, fails, and is run again.
  const put = isNew
    ? "INSERT INTO transfers (value, id) VALUES ($1, $2)"
    : "UPDATE transfers SET value = $1 WHERE id = $2"
  await client.query(put, [JSON.stringify(encodeTransfer(transfer)), transfer.terms.id])
}

const writeAccount = async (client: PoolClient, { connectionId, amount }: Terms, account: Account.Account) => {
  await client.query(
    `UPDATE balances SET ${balances.map((balance, n) => `${columns[balance]} = $${n + 3}`).join(", ")}
      WHERE user_id = (SELECT id FROM users WHERE connection_id = $1) AND currency = $2`,
    [connectionId, amount.currency, ...balances.map((balance) => String(account[balance]))],
  )
}
