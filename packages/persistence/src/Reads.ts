/**
 * What the store reads, and what it writes without a batch: connections, their
 * tokens and suspensions, and the nonces of requests that are no commands.
 */
import { Account, Amount, Connection, Ledger, Store, type Uuid } from "@holdfast/domain"
import { Array as Arr, Cause, DateTime, type Duration, Effect, Exit, Fiber, Result, Schema, Struct } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Failures from "./Failures.ts"
import * as Lists from "./Lists.ts"
import { journalSequence } from "./Migrations.ts"
import { registrationKey } from "./PgSession.ts"
import * as Restore from "./Restore.ts"
import * as Shared from "./Shared.ts"
import * as Tables from "./Tables.ts"

/** Everything of a store but the execution of commands. */
export const make = Effect.fnUntraced(function* (incarnation: string | undefined) {
  const sql = yield* SqlClient
  const connections = sql.literal(Tables.connections.select("c"))
  const accounts = sql.literal(Tables.accounts.select("a"))
  const transfers = sql.literal(Tables.transfers.select("t"))
  const entries = sql.literal(Tables.journal.select("f"))
  const tokens = sql.literal(Tables.tokens.select("k"))

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

  /** The same in a transaction, whose session may not have looked either. */
  const useNonceWithin = Effect.fnUntraced(function* ({ value, expiresAt }: Ledger.Nonce) {
    // Each by itself: what cannot be looked at must not end the transaction.
    const executeValues = (statement: string, parameters: ReadonlyArray<unknown> = []) =>
      sql.withTransaction(sql.unsafe(statement, parameters).values)
    yield* Restore.notice({ executeValues }, incarnation)
    const [used] = yield* executeValues(insertNonce, [value, DateTime.formatIso(expiresAt)])
    if (used?.[1] !== true) return yield* new Ledger.NonceUsed({ nonce: value })
  })

  const findConnection = Effect.fnUntraced(function* (connectionId: Uuid.Uuid) {
    const rows = yield* sql`SELECT ${connections} FROM connections c WHERE connection_id = ${connectionId}`
    const [connection] = yield* Tables.connections.read(rows)
    return connection ?? (yield* new Connection.ConnectionNotFound({ connectionId }))
  })

  const register = Effect.fnUntraced(function* (connection: Connection.Connection) {
    const { connectionId } = connection
    yield* insertConnection(connection)
    const recorded = yield* Effect.catchTag(findConnection(connectionId), "ConnectionNotFound", Effect.die)
    const differences = Connection.differences(recorded, connection)
    if (differences.length > 0) return yield* new Connection.ConnectionConflict({ connectionId, differences })
    return recorded
  }, orUnavailable())

  /** Waits for batches that miss the connection: they are committed before it is there, or find it. */
  const insertConnection = (connection: Connection.Connection) => {
    const { connectionId, clientId, partnersConnectionId, partnerClientId } = connection
    return sql.unsafe(insertedConnection, [connectionId, clientId, partnersConnectionId, partnerClientId])
  }

  const connect = Effect.fnUntraced(function* (request: Connection.Request, nonce?: Ledger.Nonce) {
    // What is refused for itself has used its nonce all the same: so it is a value until the transaction has ended.
    const made = yield* sql.withTransaction(
      Effect.gen(function* () {
        if (nonce !== undefined) yield* useNonceWithin(nonce)
        yield* sql`SELECT pg_advisory_xact_lock(${sql.literal(registrationKey("key"))})
          FROM (SELECT ${request.connectionId}::text AS key) AS asked`
        const [token] = yield* Tables.tokens.read(
          yield* sql`SELECT ${tokens} FROM connection_tokens k
            WHERE hash = decode(${request.tokenHash ?? ""}, 'hex') FOR UPDATE`,
        )
        const account = token?.partnersConnectionId ?? ""
        // Of two tokens of an account, one.
        if (token !== undefined) yield* sql`SELECT pg_advisory_xact_lock(hashtextextended(${`account ${account}`}, 0))`
        const [row] = yield* sql`SELECT now() AS now,
          EXISTS (SELECT FROM connections WHERE partners_connection_id = ${account}) AS is_connected`
        const [recorded] = yield* Tables.connections.read(
          yield* sql`SELECT ${connections} FROM connections c WHERE connection_id = ${request.connectionId}`,
        )
        const { now, is_connected: isConnected } = yield* Effect.orDie(decodeAsked(row))
        const made = Connection.connect(request, { recorded, token, isConnected, now })
        if (Result.isSuccess(made) && recorded === undefined && token !== undefined) {
          yield* insertConnection(made.success)
          yield* sql`UPDATE connection_tokens SET used_by = ${request.connectionId} WHERE id = ${token.id}`
        }
        return made
      }),
    )
    return yield* Effect.fromResult(made)
  }, orUnavailable())

  const issueToken = Effect.fnUntraced(function* (token: Connection.Token) {
    const { columns, name } = Tables.tokens
    const cells = columns.map(({ cell }) => cell(token as never))
    const values = columns.map(({ type }, index) => `$${index + 1}::text::${type}`)
    yield* sql.unsafe(
      `INSERT INTO ${name} (${columns.map(({ name }) => name)}) VALUES (${values}) ON CONFLICT (id) DO NOTHING`,
      cells,
    )
  }, orUnavailable())

  const revokeToken = Effect.fnUntraced(function* (id: Uuid.Uuid) {
    yield* sql`UPDATE connection_tokens SET revoked_at = now() WHERE id = ${id} AND num_nonnulls(revoked_at, used_by) = 0`
    const [token] = yield* Tables.tokens.read(yield* sql`SELECT ${tokens} FROM connection_tokens k WHERE id = ${id}`)
    if (token === undefined) return yield* new Connection.TokenNotFound({ id })
    if (token.usedBy !== undefined) return yield* new Connection.TokenUsed({ id, usedBy: token.usedBy })
    return token
  }, orUnavailable())

  const listTokens = (query: Store.TokenQuery) =>
    orUnavailable()(
      Effect.map(Effect.flatMap(Lists.tokens(sql, query), Tables.tokens.read), (found) =>
        Store.page(found, query.limit, ({ id }) => id),
      ),
    )

  const suspend = Effect.fnUntraced(function* (connectionId: Uuid.Uuid, suspended: boolean) {
    const rows = yield* sql`UPDATE connections c SET suspended = ${suspended}
      WHERE connection_id = ${connectionId} RETURNING ${connections}`
    const [connection] = yield* Tables.connections.read(rows)
    return connection ?? (yield* new Connection.ConnectionNotFound({ connectionId }))
  }, orUnavailable())

  const listConnections = (query: Store.ConnectionQuery) =>
    orUnavailable()(
      Effect.map(Effect.flatMap(Lists.connections(sql, query), Tables.connections.read), (found) =>
        Store.page(found, query.limit, (_) => _.connectionId),
      ),
    )

  const totals = yield* Shared.make(
    Effect.gen(function* () {
      const sums = Account.Balance.literals.map((balance) => `sum(${balance})::text AS ${balance}`)
      const rows = yield* sql`
        SELECT currency, count(*)::int AS accounts, ${sql.literal(sums.join(", "))}
        FROM accounts WHERE ${sql.literal(Account.Balance.literals.join(" + "))} > 0 GROUP BY currency ORDER BY currency`
      return yield* Effect.orDie(decodeTotals(rows))
    }).pipe(orUnavailable("30 seconds")),
  )

  const reserved = yield* Shared.make(
    Effect.gen(function* () {
      const rows = yield* Lists.reserved(sql, yield* DateTime.now)
      const found = yield* Effect.orDie(decodeReserved(rows))
      return found.map(({ oldest_at: oldestAt, ...row }): Store.Reserved => ({ ...row, oldestAt }))
    }).pipe(orUnavailable()),
  )

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

  const list = <Kind extends Ledger.Kind>(kind: Kind, query: Store.Query) =>
    orUnavailable()(
      Effect.gen(function* () {
        const found = yield* Tables.transfers.read(yield* Lists.transfers(sql, kind, query))
        return Store.page(
          found.filter((transfer) => Ledger.isOfKind(transfer, kind)),
          query.limit,
          Store.cursorOf,
        )
      }),
    )

  const readSome = Effect.fnUntraced(function* (rows: ReadonlyArray<Readonly<Record<string, unknown>>>) {
    // Others have their turns between those of a long page.
    yield* Effect.yieldNow
    const read = yield* Tables.journal.read(rows)
    const places = yield* Effect.orDie(decodePlaces(rows))
    return read.flatMap(({ version: _, ...entry }, index): ReadonlyArray<Store.Placed> => {
      const at = places[index]
      return at === undefined ? [] : [{ ...entry, place: at.place, kind: at.of_kind }]
    })
  })

  const readPlaced = (rows: ReadonlyArray<Readonly<Record<string, unknown>>>) =>
    Effect.map(Effect.forEach(Arr.chunksOf(rows, 16), readSome), Arr.flatten)

  /** The first entry and the last, and from there back. UNION, for those of one moment find each other. */
  const journal = Effect.fnUntraced(function* (transferId: Uuid.Uuid) {
    const rows = yield* sql`
      WITH RECURSIVE found AS (
        SELECT j.* FROM transfers t JOIN journal j ON j.at IN (t.created_at, t.updated_at) AND j.transfer_id = t.id
          WHERE t.id = ${transferId}
        UNION
        SELECT j.* FROM found f JOIN journal j ON j.at = f.previous_at AND j.transfer_id = f.transfer_id)
      SELECT f.seq::text AS place, t.kind AS of_kind, ${entries}
        FROM found f JOIN transfers t ON t.id = f.transfer_id ORDER BY seq`
    return yield* readPlaced(rows)
  }, orUnavailable())

  /** No entry up to this number is still to come: that is so for good. */
  let settled = 0n

  const writers = Effect.map(
    sql`SELECT virtualtransaction AS id FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'
      AND relation = 'journal'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    (rows) => rows.map(({ id }) => String(id)),
  )

  const lastDrawn = Effect.map(sql`SELECT last_value::text AS last FROM ${sql(journalSequence)}`, ([row]) =>
    BigInt(String(row?.["last"])),
  )

  /**
   * Numbers are drawn in transactions, which do not end in their order. Whoever has drawn one holds a lock on the journal
   * until its transaction has ended: so once all have ended that hold one now, what is there is all. Where that takes
   * long, what was known before has to do.
   */
  const settle = Effect.gen(function* () {
    const last = yield* lastDrawn
    if (last === settled) return
    let open = yield* writers
    while (open.length > 0) {
      yield* Effect.sleep("5 millis")
      const still = new Set(yield* writers)
      open = open.filter((id) => still.has(id))
    }
    if (last > settled) settled = last
  }).pipe(Effect.timeoutOption("1 second"))

  const placedEntries = sql.literal(`j.seq::text AS place, t.kind AS of_kind, ${Tables.journal.select("j")}
    FROM journal j JOIN transfers t ON t.id = j.transfer_id`)

  const entriesAfter = (place: bigint, limit: number) =>
    sql`SELECT ${placedEntries}
      WHERE j.seq > ${String(place)} AND j.seq <= ${String(settled)} ORDER BY j.seq LIMIT ${limit}`

  const entriesOf = Effect.fnUntraced(function* (after: Store.Place | undefined, limit: number) {
    const place = after === undefined ? 0n : BigInt(after)
    let rows = yield* entriesAfter(place, limit)
    if (rows.length < limit) {
      const before = settled
      yield* settle
      if (settled !== before) rows = yield* entriesAfter(place, limit)
      if (after !== undefined && place > settled && place > (yield* lastDrawn)) {
        return yield* new Store.PlaceNotFound({ place: after })
      }
    }
    return yield* readPlaced(rows)
  }, orUnavailable())

  const entriesBefore = Effect.fnUntraced(function* (before: Store.Place | undefined, limit: number) {
    yield* settle
    const end = before === undefined || BigInt(before) > settled ? settled + 1n : BigInt(before)
    const rows = yield* sql`SELECT ${placedEntries} WHERE j.seq < ${String(end)} ORDER BY j.seq DESC LIMIT ${limit}`
    return yield* readPlaced(rows)
  }, orUnavailable())

  const ready = Effect.asVoid(sql`SELECT 1`).pipe(orUnavailable("1500 millis"))

  return {
    useNonce,
    register,
    connect,
    issueToken,
    revokeToken,
    tokens: listTokens,
    suspend,
    connection,
    connections: listConnections,
    totals,
    reserved,
    find,
    list,
    journal,
    entries: entriesOf,
    entriesBefore,
    ready,
  }
})

const decodePlaces = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ place: Store.Place, of_kind: Schema.Literals(Struct.keys(Ledger.kinds)) })),
)

const decodeAsked = Schema.decodeUnknownEffect(
  Schema.Struct({ now: Schema.DateTimeUtcFromDate, is_connected: Schema.Boolean }),
)

const decodeReserved = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      kind: Schema.Literals(["deallocation", "allocation", "lock"]),
      currency: Amount.Currency,
      count: Schema.Int,
      quantity: Schema.BigIntFromString,
      oldest_at: Schema.DateTimeUtcFromDate,
      ages: Schema.Array(Schema.Int),
    }),
  ),
)

const decodeTotals = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      currency: Amount.Currency,
      accounts: Schema.Int,
      // Together they may be more than one account can have.
      ...(Object.fromEntries(Account.Balance.literals.map((balance) => [balance, Schema.BigIntFromString])) as Record<
        Account.Balance,
        typeof Schema.BigIntFromString
      >),
    }),
  ),
)

/** Only where it was looked whether the nonces that were used are there; says whether it was, and whether this is the first use. */
const insertNonce = `
  WITH used AS (
    INSERT INTO nonces (value, expires_at)
    SELECT $1, expires_at FROM forgotten, (SELECT $2::timestamptz AS expires_at) AS given
    WHERE ${Restore.hasLooked} AND expires_at > nonces_until
    ON CONFLICT DO NOTHING RETURNING 1)
  SELECT ${Restore.hasLooked}, EXISTS (SELECT FROM used)`

const insertedConnection = `
  WITH alone AS (SELECT pg_advisory_xact_lock(${registrationKey("$1")}))
  INSERT INTO connections (connection_id, client_id, partners_connection_id, partner_client_id)
  SELECT $1::uuid, $2::uuid, $3, $4 FROM alone
  ON CONFLICT DO NOTHING`

type OfDatabase = SqlError | Cause.TimeoutError

/** A failure of the database is never the caller's: it may ask again. What the database cannot do is a fault of ours. */
export const orUnavailable =
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
