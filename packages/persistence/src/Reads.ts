/**
 * What the store reads, and the few things that it writes without a batch:
 * registrations, and the nonces of requests that are no commands.
 */
import { Connection, Deallocation, Deallocations, Ledger, type Uuid } from "@holdfast/domain"
import { Cause, DateTime, Effect } from "effect"
import { SecureRandom } from "effect/crypto/SecureRandom"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Rows from "./Rows.ts"

/** Everything of a store but the execution of commands. */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const random = yield* SecureRandom

  const useNonce = Effect.fnUntraced(function* ({ value, expiresAt }: Ledger.Nonce) {
    const used = yield* sql`
      INSERT INTO nonces (value, attempt, expires_at)
      VALUES (${value}, ${yield* random.uuidV4()}, ${DateTime.formatIso(expiresAt)})
      ON CONFLICT DO NOTHING RETURNING value`
    if (used.length === 0) return yield* new Ledger.NonceUsed({ nonce: value })
  }, orUnavailable)

  const findConnection = Effect.fnUntraced(function* (connectionId: Uuid.Uuid) {
    const rows = yield* sql`SELECT * FROM connections WHERE connection_id = ${connectionId}`
    const [connection] = yield* Rows.readConnections(rows)
    return connection ?? (yield* new Connection.ConnectionNotFound({ connectionId }))
  })

  const register = Effect.fnUntraced(function* (connection: Connection.Connection) {
    const { connectionId, clientId, partnersConnectionId, partnerClientId } = connection
    yield* sql`
      INSERT INTO connections (connection_id, client_id, partners_connection_id, partner_client_id)
      VALUES (${connectionId}, ${clientId}, ${partnersConnectionId}, ${partnerClientId})
      ON CONFLICT DO NOTHING`
    const recorded = yield* Effect.catchTag(findConnection(connectionId), "ConnectionNotFound", Effect.die)
    const differences = Connection.differences(recorded, connection)
    if (differences.length > 0) return yield* new Connection.ConnectionConflict({ connectionId, differences })
    return recorded
  }, orUnavailable)

  const connection = Effect.fnUntraced(function* (connectionId: Uuid.Uuid) {
    const found = yield* findConnection(connectionId)
    const rows = yield* sql`SELECT * FROM accounts WHERE connection_id = ${connectionId} ORDER BY currency`
    const accounts = yield* Rows.readAccounts(rows)
    return { connection: found, balances: accounts.map(({ currency, account }) => ({ currency, ...account })) }
  }, orUnavailable)

  const find = Effect.fnUntraced(function* (deallocationId: Uuid.Uuid) {
    const rows = yield* sql`SELECT * FROM transfers WHERE id = ${deallocationId} AND kind = 'deallocation'`
    const [deallocation] = yield* Rows.readDeallocations(rows)
    return deallocation ?? (yield* new Deallocation.DeallocationNotFound({ deallocationId }))
  }, orUnavailable)

  const list = Effect.fnUntraced(function* (query: Deallocations.Query) {
    const conditions = sql.and([
      sql`kind = 'deallocation'`,
      ...(query.state === undefined ? [] : [sql`state = ${query.state}`]),
      ...(query.connectionId === undefined ? [] : [sql`connection_id = ${query.connectionId}`]),
      ...(query.currency === undefined ? [] : [sql`currency = ${query.currency}`]),
      ...(query.cursor === undefined
        ? []
        : [sql`(created_at, id) < (${DateTime.formatIso(query.cursor.createdAt)}, ${query.cursor.deallocationId})`]),
    ])
    const rows = yield* sql`
      SELECT * FROM transfers WHERE ${conditions} ORDER BY created_at DESC, id DESC LIMIT ${query.limit + 1}`
    return Deallocations.page(yield* Rows.readDeallocations(rows), query.limit)
  }, orUnavailable)

  /** The first entry and the last, and from there back. UNION, for those of one moment find each other. */
  const journal = Effect.fnUntraced(function* (transferId: Uuid.Uuid) {
    const rows = yield* sql`
      WITH RECURSIVE found AS (
        SELECT j.* FROM transfers t JOIN journal j ON j.at IN (t.created_at, t.updated_at) AND j.transfer_id = t.id
          WHERE t.id = ${transferId}
        UNION
        SELECT j.* FROM found f JOIN journal j ON j.at = f.previous_at AND j.transfer_id = f.transfer_id)
      SELECT * FROM found ORDER BY seq`
    return yield* Rows.readEntries(rows)
  }, orUnavailable)

  const ready = orUnavailable(Effect.asVoid(sql`SELECT 1`))

  return { useNonce, register, connection, find, list, journal, ready }
})

/** How long a read may take. */
const readTimeout = "5 seconds"

/** A failure of the database is never the caller's: it may ask again. */
const orUnavailable = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.timeout(effect, readTimeout).pipe(
    Effect.tapError((error) =>
      isDatabaseFailure(error) ? Effect.logWarning("The database does not answer a read.", error) : Effect.void,
    ),
    Effect.mapError((error) =>
      isDatabaseFailure(error)
        ? new Deallocations.Unavailable({ reason: "The database does not answer.", retryAfterSeconds: 1 })
        : (error as Exclude<E, SqlError>),
    ),
  )

const isDatabaseFailure = (error: unknown): error is SqlError | Cause.TimeoutError =>
  isSqlError(error) || Cause.isTimeoutError(error)
