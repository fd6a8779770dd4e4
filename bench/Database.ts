/**
 * The databases: one PostgreSQL for the whole run, with the durable settings
 * that it has by default, and a fresh database for every measurement. Holdfast
 * and the peers have tables of the same names, so that one text funds both, and
 * one text audits both.
 */
import { randomUUID } from "node:crypto"
import { dirname } from "node:path"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as EmbeddedPostgres from "@holdfast/server/EmbeddedPostgres"
import { Effect, Redacted } from "effect"
import { currency } from "./load/Requests.ts"
import { Failed } from "./Processes.ts"

/** Starts PostgreSQL in a directory, and makes sure that it keeps what it acknowledges. */
export const start = Effect.fnUntraced(function* (directory: string) {
  const server = yield* EmbeddedPostgres.start({ directory })
  const urlOf = (name: string, user = server.username) =>
    `postgres:///${name}?${new URLSearchParams({ host: dirname(server.path), user })}`
  const administer = (statement: string) => query(urlOf(server.database, server.superuser), statement)
  yield* administer(`GRANT pg_checkpoint TO ${server.username}`)
  const settings = yield* query(
    urlOf(server.database),
    `SELECT name, setting || coalesce(unit, '') AS setting FROM pg_settings
    WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'shared_buffers',
      'max_wal_size', 'max_connections', 'server_version') ORDER BY name`,
  )
  const values = Object.fromEntries(settings.map((row) => [String(row["name"]), String(row["setting"])]))
  for (const name of ["fsync", "synchronous_commit", "full_page_writes"]) {
    if (values[name] !== "on") return yield* new Failed({ what: "PostgreSQL", fact: `${name} is ${values[name]}` })
  }
  /** A new, empty database. */
  const create = Effect.suspend(() => {
    const name = `bench_${randomUUID().replaceAll("-", "")}`
    return Effect.acquireRelease(
      Effect.as(administer(`CREATE DATABASE ${name} OWNER ${server.username}`), urlOf(name)),
      () => Effect.orDie(administer(`DROP DATABASE ${name} WITH (FORCE)`)),
    )
  })
  return { settings: values, pid: server.pid, create }
})

/** Finds Holdfast's tables in their schema, and the peers' in `public`. */
const connect = (url: string) =>
  PgConnection.make({ url: Redacted.make(url), startupParameters: { search_path: "holdfast, public" } })

/** Runs one statement on a connection of its own. */
const query = (url: string, statement: string) =>
  connect(url).pipe(
    Effect.flatMap((connection) => connection.query(statement)),
    Effect.map(({ rows }) => rows),
    Effect.scoped,
  )

/** How much each account has at first: enough for every reservation. */
const funds = `1${"0".repeat(30)}`

const id = (group: string, number: string) =>
  `(repeat('${group}', 8) || '-0000-4000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`

const identifiers = `${id("a", "n")} AS connection_id, ${id("c", "n")} AS client_id,
  'account-' || n AS partners_connection_id, 'client-' || n AS partner_client_id`

/** Whether the tables are Holdfast's, which have more columns than the peers'. */
const isOurs = `SELECT 1 FROM information_schema.columns WHERE table_name = 'journal' AND column_name = 'hash'`

/** The columns that only Holdfast has, each list with its values. Hashes of what is loaded here are all zeros. */
const more = {
  account: [", pending, locked, head", ", 0, 0, decode(repeat('00', 32), 'hex')"],
  entry: [", pending, locked, version, hash", ", 0, 0, 2, decode(repeat('00', 32), 'hex')"],
  credit: [", direction, state", ", 'credit', 'Credited'"],
} as const
const none = { account: ["", ""], entry: ["", ""], credit: ["", ""] } as const

/** Registers accounts, each with a credit and with so many deallocations of one unit that are cleared long since. */
export const fund = Effect.fnUntraced(function* (url: string, accounts: number, deallocationsEach = 0) {
  const numbered = `generate_series(1, ${accounts}) AS n`
  const credited = "now() - interval '100 days'"
  const reserved = "now() - interval '99 days' + k * interval '1 day' + n * interval '1 millisecond'"
  const ours = (yield* query(url, isOurs)).length > 0
  const { account, entry, credit } = ours ? more : none
  const [kind, ownId] = ours ? ["adjustment", "partner_transfer_id"] : ["credit", "partner_deallocation_id"]
  const statements = [
    `INSERT INTO connections (connection_id, client_id, partners_connection_id, partner_client_id)
      SELECT ${identifiers} FROM ${numbered}`,
    `INSERT INTO accounts (connection_id, currency, available, reserved, deallocated${account[0]})
      SELECT ${id("a", "n")}, '${currency}', ${funds} - ${deallocationsEach}, 0, ${deallocationsEach}${account[1]} FROM ${numbered}`,
    `INSERT INTO transfers (id, kind, connection_id, currency, quantity, created_at, updated_at${credit[0]})
      SELECT ${id("b", "n")}, '${kind}', ${id("a", "n")}, '${currency}', ${funds}, ${credited}, ${credited}${credit[1]} FROM ${numbered}`,
    `INSERT INTO journal (transfer_id, event, connection_id, currency, quantity, available, reserved, deallocated, at${entry[0]})
      SELECT ${id("b", "n")}, 'Credited', ${id("a", "n")}, '${currency}', ${funds}, ${funds}, 0, 0, ${credited}${entry[1]} FROM ${numbered}`,
    // The older in one go with the younger: ids are random, as the network's are.
    `WITH made AS (
        INSERT INTO transfers (id, kind, connection_id, currency, quantity, created_at, updated_at, state, client_id,
          partners_connection_id, partner_client_id, ${ownId})
        SELECT gen_random_uuid(), 'deallocation', connection_id, '${currency}', 1, at, at, 'Cleared', client_id,
          partners_connection_id, partner_client_id, gen_random_uuid()
        FROM (SELECT ${identifiers}, ${reserved} AS at
          FROM generate_series(1, ${deallocationsEach}) AS k, ${numbered}) AS given
        RETURNING id, connection_id, created_at),
      counted AS (SELECT *, row_number() OVER (PARTITION BY connection_id ORDER BY created_at) AS k FROM made)
      INSERT INTO journal (transfer_id, event, connection_id, currency, quantity, available, reserved, deallocated, at${entry[0]})
      SELECT id, event, connection_id, '${currency}', 1, ${funds} - k, held, k - held, created_at${entry[1]}
      FROM counted, (VALUES ('Reserved', 1), ('Cleared', 0)) AS events (event, held)
      ORDER BY created_at, connection_id, held DESC`,
    // Not the nonces: a vacuumed empty table is planned for as one that stays empty.
    "VACUUM (ANALYZE) connections, accounts, transfers, journal",
    "CHECKPOINT",
  ]
  const connection = yield* connect(url)
  for (const statement of statements) yield* connection.query(statement)
}, Effect.scoped)

/**
 * Recounts everything: no balance was made or lost, balances are the sum of the
 * journal and its last entries, and of the transfers. Fails where that is not so.
 */
export const audit = Effect.fnUntraced(function* (url: string) {
  const [row = {}] = yield* query(
    url,
    `WITH moves AS NOT MATERIALIZED (SELECT * FROM journal WHERE event <> 'Rejected'),
    summed AS (
      SELECT connection_id, currency,
        sum(CASE event WHEN 'Credited' THEN quantity WHEN 'Debited' THEN -quantity WHEN 'Reserved' THEN -quantity
          WHEN 'Released' THEN quantity ELSE 0 END) AS available,
        sum(CASE event WHEN 'Reserved' THEN quantity WHEN 'Released' THEN -quantity WHEN 'Cleared' THEN -quantity
          ELSE 0 END) AS reserved,
        sum(CASE event WHEN 'Cleared' THEN quantity ELSE 0 END) AS deallocated
      FROM moves GROUP BY connection_id, currency
      HAVING sum(CASE event WHEN 'Credited' THEN quantity WHEN 'Debited' THEN -quantity ELSE 0 END) > 0),
    last AS (
      SELECT DISTINCT ON (connection_id, currency) connection_id, currency, available, reserved, deallocated
      FROM moves ORDER BY connection_id, currency, seq DESC),
    -- Holdfast keeps an empty account for a rejection, Fastify none: what is empty does not count.
    balances AS (
      SELECT connection_id, currency, available, reserved, deallocated FROM accounts
      WHERE available + reserved + deallocated > 0),
    moved AS (
      SELECT coalesce(sum(CASE WHEN kind = 'credit' OR state = 'Credited' THEN quantity
          WHEN kind = 'debit' OR state = 'Debited' THEN -quantity ELSE 0 END), 0) AS net,
        coalesce(sum(quantity) FILTER (WHERE state = 'Reserved'), 0) AS reserved,
        coalesce(sum(quantity) FILTER (WHERE state = 'Cleared'), 0) AS cleared,
        count(*) FILTER (WHERE state IN ('Reserved', 'Cleared') AND quantity > 1) AS held_count,
        count(*) FILTER (WHERE state = 'Cleared' AND quantity > 1) AS cleared_count
      FROM transfers),
    total AS (SELECT sum(available) + sum(reserved) + sum(deallocated) AS everything, sum(reserved) AS reserved,
      sum(deallocated) AS deallocated FROM accounts)
    SELECT everything = net AS conserved,
      total.reserved = moved.reserved AND deallocated = cleared AS equals_transfers,
      NOT EXISTS ((TABLE balances EXCEPT TABLE summed) UNION ALL (TABLE summed EXCEPT TABLE balances)) AS equals_journal,
      NOT EXISTS ((TABLE balances EXCEPT TABLE last) UNION ALL (TABLE last EXCEPT TABLE balances)) AS equals_last_entry,
      held_count AS held, cleared_count AS cleared,
      (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) AS deadlocks
    FROM moved, total`,
  )
  for (const fact of ["conserved", "equals_transfers", "equals_journal", "equals_last_entry"]) {
    if (row[fact] !== true) return yield* new Failed({ what: "audit", fact: `${fact} is ${row[fact]}` })
  }
  return { held: Number(row["held"]), cleared: Number(row["cleared"]), deadlocks: Number(row["deadlocks"]) }
})

/** The same of allocations and locks, which a peer has not: what is open is what accounts hold for it. */
export const auditKind = Effect.fnUntraced(function* (url: string, kind: "allocation" | "lock") {
  const balance = kind === "allocation" ? "pending" : "locked"
  const [row = {}] = yield* query(
    url,
    `SELECT count(*) FILTER (WHERE state IN ('Reserved', 'Cleared')) AS held,
      count(*) FILTER (WHERE state = 'Cleared') AS cleared,
      coalesce(sum(quantity) FILTER (WHERE state = 'Reserved'), 0) = (SELECT sum(${balance}) FROM accounts) AS equals_accounts,
      (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) AS deadlocks
    FROM transfers WHERE kind = '${kind}'`,
  )
  if (row["equals_accounts"] !== true)
    return yield* new Failed({ what: "audit", fact: `${balance} is not what is open` })
  return { held: Number(row["held"]), cleared: Number(row["cleared"]), deadlocks: Number(row["deadlocks"]) }
})
