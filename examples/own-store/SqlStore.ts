/**
 * A store on PostgreSQL with nothing but `pg`: each command is a transaction of its own, and all who write do it one
 * after another. What the domain has a schema for is kept as JSON, in a column `value`.
 */
import { Account, Amount, Connection, Ledger, Store, type Transfer, type Uuid } from "@holdfast/domain"
import { Data, DateTime, Effect, Exit, Result, Schema, Struct } from "effect"
import type { Pool, PoolClient } from "pg"

export const tables = `
  CREATE TABLE connections (id uuid PRIMARY KEY, value jsonb NOT NULL);
  CREATE TABLE tokens (id uuid PRIMARY KEY, value jsonb NOT NULL);
  CREATE TABLE transfers (id uuid PRIMARY KEY, value jsonb NOT NULL);
  CREATE TABLE accounts (id text COLLATE "C" PRIMARY KEY, value jsonb NOT NULL);
  CREATE TABLE journal (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL, value jsonb NOT NULL);
  CREATE TABLE nonces (value text PRIMARY KEY);
  CREATE TABLE currencies (code text PRIMARY KEY, folded text NOT NULL);
  CREATE UNIQUE INDEX ON tokens ((value->>'hash'));
  CREATE INDEX ON connections ((value->>'partnersConnectionId'));
  CREATE INDEX ON accounts ((value->>'connectionId'));
  CREATE INDEX ON transfers ((value->>'kind'), ((value->>'createdAt') COLLATE "C"), id);
  CREATE INDEX ON journal (id);
  CREATE INDEX ON currencies (folded);
`

type Row = Readonly<Record<string, unknown>>
type Query = (text: string, values?: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<Row>, DatabaseFailed>

class DatabaseFailed extends Data.TaggedError("DatabaseFailed")<{ readonly cause: unknown }> {}

const attempt = <A>(ask: () => Promise<A>) =>
  Effect.tryPromise({ try: ask, catch: (cause) => new DatabaseFailed({ cause }) })

const on =
  (client: Pick<PoolClient, "query">): Query =>
  (text, values) =>
    Effect.map(
      attempt(() => client.query<Row>(text, values?.slice())),
      ({ rows }) => rows,
    )

/** All of it or nothing, and alone: nobody else writes from the lock to the commit. */
const transaction = <A>(pool: Pool, work: (query: Query) => Effect.Effect<A, DatabaseFailed>) =>
  Effect.acquireUseRelease(
    attempt(() => pool.connect()),
    Effect.fnUntraced(function* (client) {
      const query = on(client)
      yield* query("BEGIN ISOLATION LEVEL READ COMMITTED")
      // A statement of its own: those after it see whatever was committed before the lock was had.
      yield* query("SELECT pg_advisory_xact_lock(7355608)")
      const made = yield* work(query)
      yield* query("COMMIT")
      return made
    }),
    // What was left in the middle of a transaction is closed, and PostgreSQL rolls it back.
    (client, exit) => Effect.sync(() => client.release(Exit.isFailure(exit))),
  )

/** Whether it took effect is unknown where the answer to COMMIT is lost: whoever asked asks again, under the same id. */
const orUnavailable = <A, E>(effect: Effect.Effect<A, E | DatabaseFailed>) =>
  Effect.catch(effect, (error): Effect.Effect<never, Exclude<E, DatabaseFailed> | Store.Unavailable> => {
    if (!(error instanceof DatabaseFailed)) return Effect.fail(error as Exclude<E, DatabaseFailed>)
    const unavailable = new Store.Unavailable({ reason: "The database does not answer.", retryAfterSeconds: 1 })
    return Effect.andThen(Effect.logWarning(unavailable.reason, error.cause), Effect.fail(unavailable))
  })

/** The domain's own codec: quantities are text in JSON, times are ISO 8601. */
const values = <A, I>(schema: Schema.Codec<A, I>) => {
  const codec = Schema.toCodecJson(schema)
  const [encode, decode] = [Schema.encodeSync(codec), Schema.decodeUnknownSync(codec)]
  return {
    write: (value: A) => JSON.stringify(encode(value)),
    read: (rows: ReadonlyArray<Row>): ReadonlyArray<A> => rows.map(({ value }) => decode(value)),
  }
}

/** A table with a value under each id. */
const table = <A, I>(name: string, schema: Schema.Codec<A, I>) => {
  const { read, write } = values(schema)
  return {
    read,
    find: (query: Query, id: Uuid.Uuid | Ledger.AccountId) =>
      Effect.map(query(`SELECT value FROM ${name} WHERE id = $1`, [id]), (rows) => read(rows)[0]),
    put: (query: Query, id: Uuid.Uuid | Ledger.AccountId, value: A) => {
      const statement = `INSERT INTO ${name} VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = excluded.value`
      return Effect.as(query(statement, [id, write(value)]), Result.succeed(value))
    },
  }
}

const { connectionId, currency } = Ledger.Entry.fields
const connections = table("connections", Schema.toType(Connection.Registered))
const tokens = table("tokens", Schema.toType(Connection.Token))
const transfers = table("transfers", Schema.toType(Ledger.Transfer))
const accounts = table("accounts", Schema.Struct({ connectionId, currency, account: Account.Account }))
const entries = values(Ledger.Entry)
const placed = values(
  Schema.Struct({ ...Ledger.Entry.fields, place: Store.Place, kind: Schema.Literals(Struct.keys(Ledger.kinds)) }),
)
const sum = Schema.BigInt
const sums = { pending: sum, available: sum, locked: sum, reserved: sum, deallocated: sum }
const totals = values(Schema.Struct({ currency, accounts: Schema.Int, ...sums }))
const sumsOfBalances = Struct.keys(sums).map((name) => `'${name}', sum((value#>>'{account,${name}}')::numeric)::text`)

const inPlace = `SELECT j.value || jsonb_build_object('place', place::text, 'kind', t.value->'kind') AS value
  FROM journal j JOIN transfers t USING (id)`

/** There is no chain of hashes here. */
const unhashed = <A>(found: ReadonlyArray<A>) => found.map((entry) => ({ ...entry, hash: undefined }))

const useNonceOnce = Effect.fnUntraced(function* (query: Query, { value }: Ledger.Nonce) {
  const rows = yield* query("INSERT INTO nonces VALUES ($1) ON CONFLICT DO NOTHING RETURNING value", [value])
  return rows.length === 0 ? Result.fail(new Ledger.NonceUsed({ nonce: value })) : Result.void
})

/** All that the ledger looks at to decide one instruction. */
const snapshotFor = Effect.fnUntraced(function* (query: Query, { command, nonce }: Ledger.Instruction) {
  const transfer = yield* transfers.find(query, Ledger.idOf(command))
  const terms = transfer?.terms ?? ("terms" in command ? command.terms : undefined)
  const connection = terms && (yield* connections.find(query, terms.connectionId))
  const held = terms && (yield* accounts.find(query, Ledger.accountKeyOf(terms)))
  const folded = Amount.folded(terms?.amount.currency ?? "")
  const alike = yield* query("SELECT code FROM currencies WHERE folded = $1", [folded])
  const used = yield* query("SELECT FROM nonces WHERE value = $1", [nonce?.value])
  return {
    transfers: { get: () => transfer },
    connections: { get: () => connection },
    accounts: { get: () => held?.account },
    currencies: { get: () => new Set(alike.map(({ code }) => Amount.Currency.make(String(code)))) },
    nonces: { has: () => used.length > 0 },
  } satisfies Ledger.Snapshot
})

const write = Effect.fnUntraced(function* (query: Query, changes: Ledger.Changes) {
  for (const nonce of changes.nonces.values()) yield* useNonceOnce(query, nonce)
  for (const [id, transfer] of changes.transfers) yield* transfers.put(query, id, transfer)
  for (const [id, account] of changes.accounts) yield* accounts.put(query, id, account)
  for (const entry of changes.entries) {
    yield* query("INSERT INTO journal (id, value) VALUES ($1, $2)", [entry.transferId, entries.write(entry)])
  }
  for (const code of changes.currencies) {
    yield* query("INSERT INTO currencies VALUES ($1, $2) ON CONFLICT DO NOTHING", [code, Amount.folded(code)])
  }
})

export const make = (pool: Pool, policy: Transfer.Policy): Store.Store => {
  const query = on(pool)
  const select = <A>(of: { readonly read: (rows: ReadonlyArray<Row>) => A }, ...asked: Parameters<Query>) =>
    Effect.map(query(...asked), of.read)
  /** Decides in a transaction. A refusal is a value until that has ended: the nonce of what was refused is used. */
  const decided = <A, E>(decide: (query: Query) => Effect.Effect<Result.Result<A, E>, DatabaseFailed>) =>
    orUnavailable(Effect.flatMap(transaction(pool, decide), Effect.fromResult<A, E>))

  return {
    execute: <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) =>
      decided(
        Effect.fnUntraced(function* (query: Query) {
          const snapshot = yield* snapshotFor(query, instruction)
          const { outcomes, changes } = yield* Ledger.fold(snapshot, [instruction], policy)
          yield* write(query, changes)
          return outcomes[0]
        }),
      ),

    useNonce: (nonce) => decided((query) => useNonceOnce(query, nonce)),

    register: (connection) =>
      decided(
        Effect.fnUntraced(function* (query: Query) {
          const { connectionId } = connection
          const recorded = yield* connections.find(query, connectionId)
          if (recorded === undefined) {
            return yield* connections.put(query, connectionId, { ...connection, suspended: false })
          }
          const differences = Connection.differences(recorded, connection)
          if (differences.length === 0) return Result.succeed(recorded)
          return Result.fail(new Connection.ConnectionConflict({ connectionId, differences }))
        }),
      ),

    connect: (request, nonce) =>
      decided<Connection.Registered, Connection.ConnectFailure | Ledger.NonceUsed>(
        Effect.fnUntraced(function* (query: Query) {
          const used = nonce === undefined ? Result.void : yield* useNonceOnce(query, nonce)
          if (Result.isFailure(used)) return Result.fail(used.failure)
          const recorded = yield* connections.find(query, request.connectionId)
          const [token] = tokens.read(
            yield* query("SELECT value FROM tokens WHERE value->>'hash' = $1", [request.tokenHash]),
          )
          const connected = yield* query("SELECT FROM connections WHERE value->>'partnersConnectionId' = $1", [
            token?.partnersConnectionId,
          ])
          const known = { recorded, token, isConnected: connected.length > 0, now: yield* DateTime.now }
          const made = Connection.connect(request, known)
          if (Result.isFailure(made) || recorded !== undefined || token === undefined) return made
          yield* tokens.put(query, token.id, { ...token, usedBy: request.connectionId })
          return yield* connections.put(query, request.connectionId, made.success)
        }),
      ),

    issueToken: (token) =>
      decided(
        Effect.fnUntraced(function* (query: Query) {
          // Issued before, it stays what has become of it.
          if ((yield* tokens.find(query, token.id)) === undefined) yield* tokens.put(query, token.id, token)
          return Result.void
        }),
      ),

    revokeToken: (id) =>
      decided<Connection.Token, Connection.TokenNotFound | Connection.TokenUsed>(
        Effect.fnUntraced(function* (query: Query) {
          const token = yield* tokens.find(query, id)
          if (token === undefined) return Result.fail(new Connection.TokenNotFound({ id }))
          if (token.usedBy !== undefined) return Result.fail(new Connection.TokenUsed({ id, usedBy: token.usedBy }))
          return yield* tokens.put(query, id, { revokedAt: yield* DateTime.now, ...token })
        }),
      ),

    suspend: (connectionId, suspended) =>
      decided(
        Effect.fnUntraced(function* (query: Query) {
          const connection = yield* connections.find(query, connectionId)
          if (connection === undefined) return Result.fail(new Connection.ConnectionNotFound({ connectionId }))
          return yield* connections.put(query, connectionId, { ...connection, suspended })
        }),
      ),

    tokens: ({ id, partnersConnectionId, cursor, limit }) =>
      select(
        tokens,
        `SELECT value FROM tokens
          WHERE ($1::text IS NULL OR value->>'partnersConnectionId' = $1) AND ($2::uuid IS NULL OR id < $2)
            AND ($3::uuid IS NULL OR id = $3)
          ORDER BY id DESC LIMIT $4`,
        [partnersConnectionId, cursor, id, limit + 1],
      ).pipe(
        Effect.map((found) => Store.page(found, limit, ({ id }) => id)),
        orUnavailable,
      ),

    connection: Effect.fnUntraced(function* (connectionId) {
      const connection = yield* connections.find(query, connectionId)
      if (connection === undefined) return yield* new Connection.ConnectionNotFound({ connectionId })
      const of = "SELECT value FROM accounts WHERE value->>'connectionId' = $1 ORDER BY id"
      const held = yield* select(accounts, of, [connectionId])
      return { connection, balances: held.map(({ currency, account }) => ({ currency, ...account })) }
    }, orUnavailable),

    connections: ({ clientId, partnersConnectionId, partnerClientId, suspended, cursor, limit }) =>
      select(
        connections,
        // What is left out is not in the JSON either.
        `SELECT value FROM connections WHERE value @> $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`,
        [JSON.stringify({ clientId, partnersConnectionId, partnerClientId, suspended }), cursor, limit + 1],
      ).pipe(
        Effect.map((found) => Store.page(found, limit, (_) => _.connectionId)),
        orUnavailable,
      ),

    totals: select(
      totals,
      `SELECT jsonb_build_object('currency', value->>'currency', 'accounts', count(*), ${sumsOfBalances}) AS value
        FROM accounts WHERE value->'account' <> $1 GROUP BY value->>'currency' ORDER BY (value->>'currency') COLLATE "C"`,
      [values(Account.Account).write(Account.empty)],
    ).pipe(orUnavailable),

    reserved: select(transfers, "SELECT value FROM transfers WHERE value->>'state' = 'Reserved'", []).pipe(
      Effect.zipWith(DateTime.now, Store.reservedIn),
      orUnavailable,
    ),

    find: (kind, id) =>
      transfers.find(query, id).pipe(
        Effect.flatMap((transfer) => Ledger.ofKind(kind, id, transfer)),
        orUnavailable,
      ),

    list: <Kind extends Ledger.Kind>(kind: Kind, { order, cursor, limit, ...wanted }: Store.Query) => {
      const [after, direction] = order === "oldest" ? [">", "ASC"] : ["<", "DESC"]
      const { state, connectionId, currency, partnerTransferId } = wanted
      const times = [wanted.from, wanted.to, wanted.unchangedSince, cursor?.createdAt]
      return select(
        transfers,
        `SELECT value FROM transfers
          WHERE value @> $1
            AND ($2::text IS NULL OR (value->>'createdAt') COLLATE "C" >= $2)
            AND ($3::text IS NULL OR (value->>'createdAt') COLLATE "C" < $3)
            AND ($4::text IS NULL OR (value->>'updatedAt') COLLATE "C" <= $4)
            AND ($5::text IS NULL OR ((value->>'createdAt') COLLATE "C", id) ${after} ($5, $6::uuid))
          ORDER BY (value->>'createdAt') COLLATE "C" ${direction}, id ${direction} LIMIT $7`,
        [
          JSON.stringify({ kind, state, partnerTransferId, terms: { connectionId, amount: { currency } } }),
          ...times.map((time) => time && DateTime.formatIso(time)),
          cursor?.id,
          limit + 1,
        ],
      ).pipe(
        Effect.map((found) => found.filter((transfer) => Ledger.isOfKind(transfer, kind))),
        Effect.map((found) => Store.page(found, limit, Store.cursorOf)),
        orUnavailable,
      )
    },

    journal: (id) =>
      orUnavailable(Effect.map(select(placed, `${inPlace} WHERE id = $1 ORDER BY place`, [id]), unhashed)),

    // Places are drawn under the lock and so committed in their order: none can come before one that is there.
    entries: Effect.fnUntraced(function* (after, limit) {
      const found = yield* select(placed, `${inPlace} WHERE place > $1 ORDER BY place LIMIT $2`, [after ?? 0, limit])
      const [end] = yield* query("SELECT coalesce(max(place), 0) AS place FROM journal")
      if (after !== undefined && BigInt(after) > BigInt(String(end?.["place"]))) {
        return yield* new Store.PlaceNotFound({ place: after })
      }
      return unhashed(found)
    }, orUnavailable),

    entriesBefore: (before, limit) =>
      select(placed, `${inPlace} WHERE ($1::bigint IS NULL OR place < $1) ORDER BY place DESC LIMIT $2`, [
        before ?? null,
        limit,
      ]).pipe(Effect.map(unhashed), orUnavailable),

    ready: Effect.asVoid(orUnavailable(query("SELECT FROM journal LIMIT 1"))),
  }
}
