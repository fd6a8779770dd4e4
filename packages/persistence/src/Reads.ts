/**
 * What the store reads, and the few things that it writes without a batch:
 * registrations, and the nonces of requests that are no commands.
 */
import { Connection, Ledger, Store, type Uuid } from "@holdfast/domain"
import { Cause, DateTime, type Duration, Effect, Exit, Fiber } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Failures from "./Failures.ts"
import { registrationKey } from "./PgSession.ts"
import * as Restore from "./Restore.ts"
import * as Tables from "./Tables.ts"

/** Everything of a store but the execution of commands. */
export const make = Effect.fnUntraced(function* (incarnation: string | undefined) {
  const sql = yield* SqlClient
  const connections = sql.literal(Tables.connections.select("c"))
  const accounts = sql.literal(Tables.accounts.select("a"))
  const transfers = sql.literal(Tables.transfers.select("t"))
  const entries = sql.literal(Tables.journal.select("f"))

  const useNonce = Effect.fnUntraced(function* ({ value, expiresAt }: Ledger.Nonce) {
    const parameters = [value, DateTime.formatIso(expiresAt)]
    let [used] = yield* sql.unsafe(insertNonce, parameters).values
    if (used?.[0] !== true) {
      const session = Effect.provideService(Restore.session(incarnation), SqlClient, sql)
      const insert = Effect.flatMap(session, (session) => session.executeValues(insertNonce, parameters))
      used = (yield* Effect.scoped(insert))[0]
    }
    if (used?.[1] !== true) return yield* new Ledger.NonceUsed({ nonce: value })
  }, orUnavailable())

  const findConnection = Effect.fnUntraced(function* (connectionId: Uuid.Uuid) {
    const rows = yield* sql`SELECT ${connections} FROM connections c WHERE connection_id = ${connectionId}`
    const [connection] = yield* Tables.connections.read(rows)
    return connection ?? (yield* new Connection.ConnectionNotFound({ connectionId }))
  })

  const register = Effect.fnUntraced(function* (connection: Connection.Connection) {
    const { connectionId, clientId, partnersConnectionId, partnerClientId } = connection
    yield* sql.unsafe(insertConnection, [connectionId, clientId, partnersConnectionId, partnerClientId])
    const recorded = yield* Effect.catchTag(findConnection(connectionId), "ConnectionNotFound", Effect.die)
    const differences = Connection.differences(recorded, connection)
    if (differences.length > 0) return yield* new Connection.ConnectionConflict({ connectionId, differences })
    return recorded
  }, orUnavailable())

  const connection = Effect.fnUntraced(function* (connectionId: Uuid.Uuid) {
    const found = yield* findConnection(connectionId)
    const rows = yield* sql`SELECT ${accounts} FROM accounts a WHERE connection_id = ${connectionId} ORDER BY currency`
    const held = yield* Tables.accounts.read(rows)
    return { connection: found, balances: held.map(({ currency, account }) => ({ currency, ...account })) }
  }, orUnavailable())

  const find = <Kind extends Ledger.Kind>(kind: Kind, id: Uuid.Uuid) =>
    orUnavailable()(
      Effect.gen(function* () {
        const [transfer] = yield* Tables.transfers.read(
          yield* sql`SELECT ${transfers} FROM transfers t WHERE id = ${id}`,
        )
        return yield* Ledger.ofKind(kind, id, transfer)
      }),
    )

  const list = Effect.fnUntraced(function* (query: Store.Query) {
    const conditions = sql.and([
      sql`kind = 'deallocation'`,
      ...(query.state === undefined ? [] : [sql`state = ${query.state}`]),
      ...(query.connectionId === undefined ? [] : [sql`connection_id = ${query.connectionId}`]),
      ...(query.currency === undefined ? [] : [sql`currency = ${query.currency}`]),
      ...(query.cursor === undefined
        ? []
        : [sql`(created_at, id) < (${DateTime.formatIso(query.cursor.createdAt)}, ${query.cursor.id})`]),
    ])
    const rows = yield* sql`
      SELECT ${transfers} FROM transfers t WHERE ${conditions} ORDER BY created_at DESC, id DESC LIMIT ${query.limit + 1}`
    const deallocations = (yield* Tables.transfers.read(rows)).filter((_) => _.kind === "deallocation")
    return Store.page(deallocations, query.limit)
  }, orUnavailable())

  /** The first entry and the last, and from there back. UNION, for those of one moment find each other. */
  const journal = Effect.fnUntraced(function* (transferId: Uuid.Uuid) {
    const rows = yield* sql`
      WITH RECURSIVE found AS (
        SELECT j.* FROM transfers t JOIN journal j ON j.at IN (t.created_at, t.updated_at) AND j.transfer_id = t.id
          WHERE t.id = ${transferId}
        UNION
        SELECT j.* FROM found f JOIN journal j ON j.at = f.previous_at AND j.transfer_id = f.transfer_id)
      SELECT ${entries} FROM found f ORDER BY seq`
    return (yield* Tables.journal.read(rows)).map(({ hash: _, version: __, ...entry }) => entry)
  }, orUnavailable())

  const ready = Effect.asVoid(sql`SELECT 1`).pipe(orUnavailable("1500 millis"))

  return { useNonce, register, connection, find, list, journal, ready }
})

/** Only where it was looked whether the nonces that were used are there; says whether it was, and whether this is the first use. */
const insertNonce = `
  WITH used AS (
    INSERT INTO nonces (value, expires_at)
    SELECT $1, expires_at FROM forgotten, (SELECT $2::timestamptz AS expires_at) AS given
    WHERE ${Restore.hasLooked} AND expires_at > nonces_until
    ON CONFLICT DO NOTHING RETURNING 1)
  SELECT ${Restore.hasLooked}, EXISTS (SELECT FROM used)`

/** Waits for batches that miss the connection: they are committed before it is there, or find it. */
const insertConnection = `
  WITH alone AS (SELECT pg_advisory_xact_lock(${registrationKey("$1")}))
  INSERT INTO connections (connection_id, client_id, partners_connection_id, partner_client_id)
  SELECT $1::uuid, $2::uuid, $3, $4 FROM alone
  ON CONFLICT DO NOTHING`

type OfDatabase = SqlError | Cause.TimeoutError

/** A failure of the database is never the caller's: it may ask again. What the database cannot do is a fault of ours. */
const orUnavailable =
  (within: Duration.Input = "5 seconds") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.catch(
      promptTimeout(effect, within),
      (error): Effect.Effect<never, Exclude<E, OfDatabase> | Store.Unavailable> => {
        if (!isOfDatabase(error)) return Effect.fail(error as Exclude<E, OfDatabase>)
        if (Failures.kindOf(error) === "lasting") return Effect.die(error)
        const unavailable = new Store.Unavailable({
          reason: "The database does not answer.",
          retryAfterSeconds: 1,
        })
        return Effect.andThen(
          Effect.logWarning("The database does not answer a read.", error),
          Effect.fail(unavailable),
        )
      },
    )

/** The driver waits for another five seconds for what was interrupted; the caller does not. */
const promptTimeout = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>, within: Duration.Input) {
  const reading = yield* Effect.forkDetach(effect, { startImmediately: true })
  return yield* Fiber.join(reading).pipe(
    Effect.timeout(within),
    Effect.onExit((exit) => (Exit.isFailure(exit) ? Effect.forkDetach(Fiber.interrupt(reading)) : Effect.void)),
  )
})

const isOfDatabase = (error: unknown): error is OfDatabase => isSqlError(error) || Cause.isTimeoutError(error)
