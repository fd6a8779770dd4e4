/**
 * The tables, as numbered migrations. They run at start-up, in one transaction
 * under a table lock, so that several servers may start at once, and are
 * recorded in `holdfast_migrations`. All of it lives in a schema of its own
 * (Schemas.ts).
 *
 * The constraints restate the rules of the domain: whatever writes here, no
 * balance is negative, no sum exceeds 2^256 − 1, no id is used twice. Only
 * portable PostgreSQL: no extensions.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Account, Journal, Ledger, Transfer } from "@holdfast/domain"
import { Effect, Schema, Struct } from "effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Schemas from "./Schemas.ts"

const statements = (...texts: ReadonlyArray<string>) =>
  Effect.flatMap(SqlClient, (sql) => Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true }))

/** 2^256 − 1, as in `BaseUnits.MAX`. */
const max = "115792089237316195423570985008687907853269984665640564039457584007913129639935"

const initial = statements(
  `CREATE TABLE connections (
    connection_id uuid PRIMARY KEY,
    client_id uuid NOT NULL,
    partners_connection_id text NOT NULL CHECK (partners_connection_id <> ''),
    partner_client_id text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE accounts (
    connection_id uuid NOT NULL REFERENCES connections,
    currency text COLLATE "C" NOT NULL CHECK (char_length(currency) BETWEEN 1 AND 128),
    available numeric(78, 0) NOT NULL CHECK (available >= 0),
    reserved numeric(78, 0) NOT NULL CHECK (reserved >= 0),
    deallocated numeric(78, 0) NOT NULL CHECK (deallocated >= 0),
    PRIMARY KEY (connection_id, currency),
    CONSTRAINT total_within_bound CHECK (available + reserved + deallocated <= ${max})
  ) WITH (fillfactor = 50)`,
  // Rows that change keep room on their page for the next version, so that no index has to change with them.
  // One primary key for everything that moves balance: an id used for an allocation
  // (booked as a credit) is never used for a deallocation, and the reverse.
  `CREATE TABLE transfers (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('deallocation', 'credit', 'debit')),
    connection_id uuid NOT NULL,
    currency text COLLATE "C" NOT NULL CHECK (char_length(currency) BETWEEN 1 AND 128),
    quantity numeric(78, 0) NOT NULL CHECK (quantity BETWEEN 1 AND ${max}),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    state text CHECK (state IN ('Reserved', 'Rejected', 'Cleared', 'Released')),
    reason text,
    client_id uuid,
    partners_connection_id text,
    partner_client_id text,
    partner_deallocation_id uuid,
    memo text,
    CONSTRAINT deallocation_is_whole CHECK (
      kind <> 'deallocation' OR (state IS NOT NULL AND client_id IS NOT NULL AND partners_connection_id <> ''
        AND partner_client_id IS NOT NULL AND partner_deallocation_id IS NOT NULL AND memo IS NULL)
    ),
    CONSTRAINT adjustment_has_no_state CHECK (kind = 'deallocation' OR state IS NULL),
    CONSTRAINT rejection_has_reason CHECK ((state IS NOT DISTINCT FROM 'Rejected') = (reason IS NOT NULL))
  ) WITH (fillfactor = 60)`,
  `CREATE INDEX deallocations_newest_first ON transfers (created_at DESC, id DESC) WHERE kind = 'deallocation'`,
  `CREATE INDEX deallocations_of_connection ON transfers (connection_id, created_at DESC, id DESC)
    WHERE kind = 'deallocation'`,
  `CREATE TABLE journal (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id uuid NOT NULL,
    event text NOT NULL CHECK (event IN ('Reserved', 'Rejected', 'Cleared', 'Released', 'Credited', 'Debited')),
    connection_id uuid NOT NULL,
    currency text COLLATE "C" NOT NULL,
    quantity numeric(78, 0) NOT NULL CHECK (quantity BETWEEN 1 AND ${max}),
    available numeric(78, 0) NOT NULL CHECK (available >= 0),
    reserved numeric(78, 0) NOT NULL CHECK (reserved >= 0),
    deallocated numeric(78, 0) NOT NULL CHECK (deallocated >= 0),
    at timestamptz NOT NULL
  )`,
  `CREATE INDEX journal_of_transfer ON journal (transfer_id)`,
  `CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'The journal is append-only.'; END $$`,
  `CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    EXECUTE FUNCTION journal_is_append_only()`,
  // Forgotten once expired.
  `CREATE TABLE nonces (
    value text COLLATE "C" PRIMARY KEY,
    attempt uuid NOT NULL,
    expires_at timestamptz NOT NULL
  )`,
)

// One index in place of two: entries are looked up by their transfer, and read in order of `seq` only all together.
const journalByTransfer = statements(
  "ALTER TABLE journal DROP CONSTRAINT journal_pkey",
  "DROP INDEX journal_of_transfer",
  "ALTER TABLE journal ADD PRIMARY KEY (transfer_id, seq)",
)

// Every entry of the journal gets the hash of itself and of the account's entry before it, and every account in the
// journal a row, which has the hash of the last one and orders them. Journal.ts of the domain says what is hashed.
const journalHashes = statements(
  "ALTER TABLE accounts DROP CONSTRAINT accounts_connection_id_fkey",
  "ALTER TABLE accounts ADD COLUMN head bytea CHECK (octet_length(head) = 32)",
  "ALTER TABLE journal ADD COLUMN hash bytea CHECK (octet_length(hash) = 32)",
  "ALTER TABLE journal DISABLE TRIGGER journal_is_append_only",
  `INSERT INTO accounts (connection_id, currency, available, reserved, deallocated)
    SELECT DISTINCT connection_id, currency, 0, 0, 0 FROM journal ON CONFLICT DO NOTHING`,
  `DO $$
  DECLARE
    entry record;
    account text := '';
    previous text;
  BEGIN
    FOR entry IN
      SELECT j.*, concat_ws('/', j.connection_id, j.currency) AS account,
        to_char(j.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS iso,
        CASE WHEN t.kind = 'deallocation'
          THEN array_remove(ARRAY[t.client_id::text, t.partners_connection_id, t.partner_client_id,
            t.partner_deallocation_id::text, CASE WHEN j.event = 'Rejected' THEN t.reason END], NULL)
          ELSE array_remove(ARRAY[t.memo], NULL) END AS facts
      FROM journal j JOIN transfers t ON t.id = j.transfer_id
      ORDER BY j.connection_id, j.currency, j.seq
    LOOP
      IF entry.account <> account THEN
        account := entry.account;
        previous := repeat('0', 64);
      END IF;
      previous := encode(sha256(convert_to(array_to_json(ARRAY[previous, entry.event, entry.transfer_id::text,
        entry.connection_id::text, entry.currency, entry.quantity::text, entry.available::text, entry.reserved::text,
        entry.deallocated::text, entry.iso] || entry.facts)::text, 'UTF8')), 'hex');
      UPDATE journal SET hash = decode(previous, 'hex') WHERE transfer_id = entry.transfer_id AND seq = entry.seq;
      UPDATE accounts SET head = decode(previous, 'hex')
        WHERE connection_id = entry.connection_id AND currency = entry.currency;
    END LOOP;
  END $$`,
  "ALTER TABLE journal ENABLE TRIGGER journal_is_append_only",
  "ALTER TABLE accounts ALTER COLUMN head SET NOT NULL",
  "ALTER TABLE journal ALTER COLUMN hash SET NOT NULL",
)

// The journal's index grows at its end. One by transfer made each new entry change a page anywhere, and that was half of
// what a large database reads and logs for a command. A transfer has the times of its first entry and its last; those
// between them, of what was released and asked for again, are found each from the one after it.
const journalInOrder = statements(
  "ALTER TABLE journal ADD COLUMN previous_at timestamptz",
  "ALTER TABLE journal DISABLE TRIGGER journal_is_append_only",
  `UPDATE journal j SET previous_at = before.at
    FROM transfers t, (
      SELECT transfer_id, seq, lag(at) OVER (PARTITION BY transfer_id ORDER BY seq) AS at FROM journal
      WHERE transfer_id IN (SELECT transfer_id FROM journal WHERE event = 'Released')) AS before
    WHERE t.id = j.transfer_id AND before.transfer_id = j.transfer_id AND before.seq = j.seq AND before.at <> t.created_at`,
  "ALTER TABLE journal ENABLE TRIGGER journal_is_append_only",
  "ALTER TABLE journal DROP CONSTRAINT journal_pkey",
  "ALTER TABLE journal ADD PRIMARY KEY (at, seq)",
)

// PostgreSQL parses the text of a table's checks again for each statement that writes to it, which took a fifth of its
// time for a command by itself; those of a domain it keeps. So what a single value must be is for domains to say, and
// what a row must be for one check. A column's type becomes the domain before that has its check: so the table is read,
// but not written anew.
const checkedByDomain = (domain: string, type: string, check: string, columns: ReadonlyArray<[string, string]>) => [
  `CREATE DOMAIN ${domain} AS ${type}`,
  ...columns.map(
    ([table, column]) =>
      `ALTER TABLE ${table} DROP CONSTRAINT ${table}_${column}_check, ALTER COLUMN ${column} TYPE ${domain}`,
  ),
  `ALTER DOMAIN ${domain} ADD CHECK (${check})`,
]

const checksInDomains = statements(
  ...checkedByDomain("base_units", "numeric(78, 0)", `VALUE BETWEEN 0 AND ${max}`, [
    ["accounts", "available"],
    ["accounts", "reserved"],
    ["accounts", "deallocated"],
    ["journal", "available"],
    ["journal", "reserved"],
    ["journal", "deallocated"],
  ]),
  ...checkedByDomain("positive_base_units", "numeric(78, 0)", `VALUE BETWEEN 1 AND ${max}`, [
    ["transfers", "quantity"],
    ["journal", "quantity"],
  ]),
  ...checkedByDomain("currency", 'text COLLATE "C"', "char_length(VALUE) BETWEEN 1 AND 128", [
    ["accounts", "currency"],
    ["transfers", "currency"],
  ]),
  ...checkedByDomain("sha256", "bytea", "octet_length(VALUE) = 32", [
    ["accounts", "head"],
    ["journal", "hash"],
  ]),
  ...checkedByDomain("deallocation_state", "text", "VALUE IN ('Reserved', 'Rejected', 'Cleared', 'Released')", [
    ["transfers", "state"],
  ]),
  ...checkedByDomain(
    "journal_event",
    "text",
    "VALUE IN ('Reserved', 'Rejected', 'Cleared', 'Released', 'Credited', 'Debited')",
    [["journal", "event"]],
  ),
  `ALTER TABLE transfers
    DROP CONSTRAINT transfers_kind_check,
    DROP CONSTRAINT deallocation_is_whole,
    DROP CONSTRAINT adjustment_has_no_state,
    DROP CONSTRAINT rejection_has_reason,
    ADD CONSTRAINT transfer_is_whole CHECK (
      CASE WHEN kind = 'deallocation'
        THEN num_nulls(state, client_id, partners_connection_id, partner_client_id, partner_deallocation_id) = 0
          AND partners_connection_id <> '' AND memo IS NULL AND (state = 'Rejected') = (reason IS NOT NULL)
        ELSE kind IN ('credit', 'debit') AND num_nonnulls(state, reason) = 0
      END)`,
)

// What became of each transaction, and what was forgotten of nonces: `commits` and `forgotten` say how they are used
// in PgSession.ts and Restore.ts. With the former, a batch that was committed is not run again, and nobody has to tell
// its own nonces from used ones.
const commitsAndForgotten = statements(
  `CREATE TABLE commits (
    id uuid PRIMARY KEY,
    committed boolean NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE forgotten (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    nonces_until timestamptz NOT NULL,
    database text,
    incarnation text
  )`,
  "INSERT INTO forgotten (nonces_until) VALUES ('1970-01-01Z')",
  "ALTER TABLE nonces DROP COLUMN attempt",
)

/** The words of a list, as literals of SQL. */
const literals = (words: ReadonlyArray<string>) => words.map((word) => `'${word}'`).join(", ")

/** The kinds that the network, or the partner, asks for. */
const kindsOf = (who: "network" | "partner") =>
  Struct.keys(Ledger.kinds).filter((kind) => Ledger.kinds[kind].askedBy === who)

const ofNetwork = "client_id, partners_connection_id, partner_client_id, partner_transfer_id"

// What the domain says of kinds and states. Where it says something else one day, a migration drops these and has them
// made again.
const checksOfDomain = [
  `ALTER DOMAIN transfer_state ADD CHECK (VALUE IN (${literals(Transfer.State.literals)}))`,
  `ALTER DOMAIN journal_event ADD CHECK (VALUE IN (${literals(Transfer.State.literals)}))`,
  `ALTER DOMAIN journal_version ADD CHECK (VALUE IN (${Journal.Version.literals.join(", ")}))`,
  `ALTER TABLE transfers ADD CONSTRAINT transfer_is_whole CHECK (
    direction IS NOT DISTINCT FROM CASE state WHEN 'Credited' THEN 'credit' WHEN 'Debited' THEN 'debit' END
    AND (kind = 'adjustment') = (direction IS NOT NULL) AND (state = 'Rejected') = (reason IS NOT NULL)
    AND CASE WHEN kind IN (${literals(kindsOf("network"))})
      THEN num_nulls(${ofNetwork}) = 0 AND partners_connection_id <> '' AND memo IS NULL
      ELSE kind IN (${literals(kindsOf("partner"))}) AND num_nonnulls(reason, ${ofNetwork}) = 0 END)`,
  `ALTER TABLE accounts ADD CONSTRAINT total_within_bound CHECK (${Account.Balance.literals.join(" + ")} <= ${max})`,
]

// Every transfer has a kind and a state, and there are two balances more. The version says over which text an entry's
// hash is. While its domain has no check a column is added without the table being written anew.
const kindsAndBalances = statements(
  "ALTER TABLE transfers DROP CONSTRAINT transfer_is_whole",
  "ALTER TABLE transfers RENAME COLUMN partner_deallocation_id TO partner_transfer_id",
  "ALTER TABLE transfers ADD COLUMN direction text",
  "ALTER DOMAIN deallocation_state RENAME TO transfer_state",
  "ALTER DOMAIN transfer_state DROP CONSTRAINT deallocation_state_check",
  "ALTER DOMAIN journal_event DROP CONSTRAINT journal_event_check",
  `UPDATE transfers SET kind = 'adjustment', direction = kind, state = CASE kind WHEN 'credit' THEN 'Credited' ELSE 'Debited' END
    WHERE kind <> 'deallocation'`,
  "ALTER TABLE transfers ALTER COLUMN state SET NOT NULL",
  "ALTER TABLE accounts DROP CONSTRAINT total_within_bound",
  "ALTER DOMAIN base_units DROP CONSTRAINT base_units_check",
  ...["accounts", "journal"].flatMap((table) => [
    `ALTER TABLE ${table}
      ADD COLUMN pending base_units NOT NULL DEFAULT 0, ADD COLUMN locked base_units NOT NULL DEFAULT 0`,
    `ALTER TABLE ${table} ALTER COLUMN pending DROP DEFAULT, ALTER COLUMN locked DROP DEFAULT`,
  ]),
  `ALTER DOMAIN base_units ADD CHECK (VALUE BETWEEN 0 AND ${max})`,
  "CREATE DOMAIN journal_version AS integer",
  "ALTER TABLE journal ADD COLUMN version journal_version NOT NULL DEFAULT 1",
  "ALTER TABLE journal ALTER COLUMN version DROP DEFAULT",
  ...checksOfDomain,
)

// The partner's ids of what the network asks for may be its own, whatever they look like. Connections come about by tokens
// and are suspended. Lists have an index each: what is in a state by the state, what is on a connection by that, a
// currency by its accounts. Which currencies are known is kept for itself: an account may be there for a rejection alone.
// The journal is read in the order of its numbers.
const connectionsAndLists = statements(
  "ALTER TABLE transfers ALTER COLUMN partner_transfer_id TYPE text",
  "ALTER TABLE connections ADD COLUMN suspended boolean NOT NULL DEFAULT false",
  ...["client_id", "partners_connection_id", "partner_client_id"].map(
    (column) => `CREATE INDEX connections_by_${column} ON connections (${column}, connection_id)`,
  ),
  "CREATE INDEX connections_suspended ON connections (connection_id) WHERE suspended",
  `CREATE TABLE connection_tokens (
    id uuid PRIMARY KEY,
    hash sha256 NOT NULL UNIQUE,
    partners_connection_id text NOT NULL CHECK (partners_connection_id <> ''),
    partner_client_id text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    used_by uuid
  )`,
  "CREATE INDEX connection_tokens_of_account ON connection_tokens (partners_connection_id, id)",
  "DROP INDEX deallocations_newest_first, deallocations_of_connection",
  "CREATE INDEX transfers_in_state ON transfers (kind, state, created_at, id)",
  "CREATE INDEX transfers_of_connection ON transfers (connection_id, created_at, id)",
  "CREATE TABLE currencies (code currency PRIMARY KEY)",
  "CREATE INDEX currencies_alike ON currencies (lower(code))",
  `INSERT INTO currencies SELECT DISTINCT currency FROM transfers
    WHERE state = 'Credited' OR (kind = 'allocation' AND state <> 'Rejected')`,
  "CREATE INDEX accounts_by_currency ON accounts (lower(currency), currency, connection_id)",
  "CREATE UNIQUE INDEX journal_in_sequence ON journal (seq)",
)

// What operators did, and what became of it: two tables, so that rows are only ever added. And what their sessions are
// sealed with.
const operatorsLog = statements(
  `CREATE TABLE operators_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    operator text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    reason text
  )`,
  `CREATE TABLE operators_log_outcomes (
    id uuid PRIMARY KEY REFERENCES operators_log,
    at timestamptz NOT NULL,
    outcome text NOT NULL
  )`,
  `CREATE TABLE session_key (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    key bytea NOT NULL
  )`,
  // 244 bits of PostgreSQL's strong random numbers.
  "INSERT INTO session_key (key) SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))",
)

// What a partner's people look for by the id that they know it by.
const transfersByPartnersId = statements(
  "CREATE INDEX transfers_of_partners_id ON transfers (partner_transfer_id) WHERE partner_transfer_id IS NOT NULL",
)

const migrations = {
  "0001_initial": initial,
  "0002_journal_by_transfer": journalByTransfer,
  "0003_journal_hashes": journalHashes,
  "0004_journal_in_order": journalInOrder,
  "0005_checks_in_domains": checksInDomains,
  "0006_commits_and_forgotten": commitsAndForgotten,
  "0007_kinds_and_balances": kindsAndBalances,
  "0008_connections_and_lists": connectionsAndLists,
  "0009_operators_log": operatorsLog,
  "0010_transfers_by_partners_id": transfersByPartnersId,
}

const table = "holdfast_migrations"

/**
 * The database was made by a newer version than this one, which must not touch it.
 *
 * ```ts
 * import { Migrations } from "@holdfast/persistence"
 * import assert from "node:assert/strict"
 *
 * const error = new Migrations.NewerSchema({ found: 9, known: 8 })
 * assert.match(error.message, /newer version \(migration 9\)\. This one knows them up to 8/)
 * ```
 *
 * @category errors
 */
export class NewerSchema extends Schema.TaggedError<NewerSchema>()("NewerSchema", {
  found: Schema.Int,
  known: Schema.Int,
}) {
  override get message() {
    return this.found === movedAway
      ? "The tables were moved to a schema of their own. Set DATABASE_SCHEMA to its name, or unset it where that is holdfast."
      : `The database has the tables of a newer version (migration ${this.found}). This one knows them up to ${this.known}: run the newer version.`
  }
}

/**
 * The database has no tables, or those of an older version than this one, which
 * has to bring them up to date first.
 *
 * ```ts
 * import { Audit } from "@holdfast/persistence"
 * import { Config, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   return yield* Effect.flip(Audit.run({ url }, { schema: "nobody_made_it" }))
 * })
 * const error = await Effect.runPromise(program)
 * assert.equal(error._tag, "OlderSchema")
 * assert.match(error.message, /^The database has no tables in the schema nobody_made_it\./)
 * ```
 *
 * @category errors
 */
export class OlderSchema extends Schema.TaggedError<OlderSchema>()("OlderSchema", {
  schema: Schema.String,
  found: Schema.Int,
  known: Schema.Int,
}) {
  override get message() {
    const tables =
      this.found === 0 ? "no tables" : `the tables of an older version (migration ${this.found} of ${this.known})`
    return `The database has ${tables} in the schema ${this.schema}. Start the server, or run \`npm run migrate\`, first.`
  }
}

/**
 * The tables of an earlier version are in another schema than the one that is
 * asked for, where this one would begin with an empty ledger.
 *
 * ```ts
 * import { Migrations } from "@holdfast/persistence"
 * import assert from "node:assert/strict"
 *
 * const error = new Migrations.TablesElsewhere({ schema: "holdfast", elsewhere: "public" })
 * assert.match(error.message, /^The tables of an earlier version are in the schema public, not in holdfast\./)
 * ```
 *
 * @category errors
 */
export class TablesElsewhere extends Schema.TaggedError<TablesElsewhere>()("TablesElsewhere", {
  schema: Schema.String,
  elsewhere: Schema.String,
}) {
  override get message() {
    return `The tables of an earlier version are in the schema ${this.elsewhere}, not in ${this.schema}. Set DATABASE_SCHEMA to ${this.elsewhere}, or move them.`
  }
}

/** The last migration that was applied to the tables in a schema; 0 where there are none, or none that the role may see. */
const version = Effect.fnUntraced(function* (schema: string) {
  const sql = yield* SqlClient
  const found = yield* sql`
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${schema} AND c.relname = ${table}
      AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')`
  if (found.length === 0) return 0
  const [row] = yield* sql`SELECT max(migration_id)::int AS found FROM ${sql(`${schema}.${table}`)}`
  return Number(row?.["found"])
})

/**
 * Numbers the entries of the journal, as PostgreSQL names it.
 *
 * @internal
 */
export const journalSequence = "journal_seq_seq"

/** What a server does to each table, and no more: nobody who becomes the server can change what is written. */
const privileges = {
  connections: "SELECT, INSERT, UPDATE (suspended)",
  connection_tokens: "SELECT, INSERT, UPDATE (revoked_at, used_by)",
  currencies: "SELECT, INSERT",
  accounts: "SELECT, INSERT, UPDATE",
  transfers: "SELECT, INSERT, UPDATE",
  journal: "SELECT, INSERT",
  nonces: "SELECT, INSERT, DELETE",
  commits: "SELECT, INSERT, UPDATE, DELETE",
  forgotten: "SELECT, UPDATE",
  operators_log: "SELECT, INSERT",
  operators_log_outcomes: "SELECT, INSERT",
  session_key: "SELECT",
  [table]: "SELECT",
  [journalSequence]: "SELECT, UPDATE",
}

/** The last migration before the tables had a schema of their own. */
const lastInPublic = 6

/** Whether tables are of a version that had them in `public`. */
const isEarly = (found: number): boolean => found > 0 && found <= lastInPublic

/** Stands for all migrations to come. */
const movedAway = 9_999

/** What there was of ours in `public`, and since which migration; first what running batches lock first. */
const madeInPublic = [
  ...["accounts", "transfers", "journal", "connections", "nonces"].map((name) => ({ kind: "TABLE", name, since: 1 })),
  { kind: "FUNCTION", name: "journal_is_append_only", since: 1 },
  ...["base_units", "positive_base_units", "currency", "sha256", "deallocation_state", "journal_event"].map((name) => ({
    kind: "DOMAIN",
    name,
    since: 5,
  })),
  ...["commits", "forgotten"].map((name) => ({ kind: "TABLE", name, since: 6 })),
]

/** Makes the schema, and brings the tables there that an earlier version made in `public`; all of that or nothing. */
const prepare = Effect.fnUntraced(function* (schema: string) {
  const sql = yield* SqlClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      // Of servers that start at once, one.
      yield* sql`SELECT pg_advisory_xact_lock(hashtextextended(${table}, 0))`
      if ((yield* version(schema)) > 0) return
      if ((yield* sql`SELECT FROM pg_namespace WHERE nspname = ${schema}`).length === 0) {
        yield* sql`CREATE SCHEMA ${sql(schema)}`
      }
      const elsewhere = yield* schemasWithTables
      const early = elsewhere.filter(({ found }) => isEarly(found))
      const inPublic = early.find(({ name }) => name === "public")
      if (inPublic !== undefined) return yield* moveFromPublic(schema, inPublic.found)
      const [first] = early
      if (first !== undefined) return yield* new TablesElsewhere({ schema, elsewhere: first.name })
      // Somebody else's, or one's own under another name: then this ledger is empty by mistake.
      const names = elsewhere.map(({ name }) => name).join(", ")
      if (names === "") return
      yield* Effect.logWarning(`There are tables of Holdfast in the schema ${names} too; ${schema} gets its own.`)
    }),
  )
})

/** The schemas in which there are tables of ours, each with the last migration. */
const schemasWithTables = Effect.gen(function* () {
  const sql = yield* SqlClient
  const rows = yield* sql`SELECT schemaname AS name FROM pg_tables WHERE tablename = ${table} ORDER BY 1`
  const names = rows.map(({ name }) => String(name))
  const all = yield* Effect.forEach(names, (name) => Effect.map(version(name), (found) => ({ name, found })))
  return all.filter(({ found }) => found > 0)
})

const moveFromPublic = Effect.fnUntraced(function* (schema: string, found: number) {
  const sql = yield* SqlClient
  for (const { kind, name, since } of madeInPublic) {
    if (since <= found) yield* sql`ALTER ${sql.literal(kind)} ${sql(`public.${name}`)} SET SCHEMA ${sql(schema)}`
  }
  // A server of an earlier version would make itself new tables in their place: so it finds those of a newer one.
  const [there, here] = [sql(`public.${table}`), sql(`${schema}.${table}`)]
  yield* sql`CREATE TABLE ${here} (LIKE ${there} INCLUDING ALL)`
  yield* sql`INSERT INTO ${here} SELECT * FROM ${there}`
  yield* sql`INSERT INTO ${there} (migration_id, name) VALUES (${movedAway}, ${`moved_to_${schema}`})`
  yield* Effect.logInfo(`The tables were moved from the schema public to ${schema}.`)
})

const migrator = Migrator.make({})({ loader: Migrator.fromRecord(migrations), table })

/**
 * PostgreSQL says only in the innermost cause what went wrong.
 *
 * @internal
 */
export const innermost = (error: unknown): { readonly message: string; readonly code?: unknown } => {
  if (!(error instanceof Error)) return { message: String(error) }
  return error.cause === undefined ? error : innermost(error.cause)
}

/** With what went wrong in its first line, and what to do where the role may not. */
const explained = (
  error: SqlError | Migrator.MigrationError | TablesElsewhere,
): Migrator.MigrationError | TablesElsewhere => {
  if (error._tag === "TablesElsewhere") return error
  const { message, code } = innermost(error)
  const advice = code === "42501" ? " Have their owner run `npm run migrate`." : ""
  return new Migrator.MigrationError({
    kind: error._tag === "MigrationError" ? error.kind : "Failed",
    message: `${error._tag === "MigrationError" ? error.message : "The tables cannot be made"}: ${message}.${advice}`,
    cause: error,
  })
}

const known = Object.keys(migrations).length

/**
 * Fails with {@link OlderSchema} or {@link NewerSchema} where the tables of a
 * schema are not those that this version knows. It only looks.
 *
 * ```ts
 * import * as PgClient from "@effect/sql-pg/PgClient"
 * import { Migrations } from "@holdfast/persistence"
 * import { Config, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   const looked = Migrations.ensureKnown("nobody_made_it").pipe(Effect.provide(PgClient.layer({ url })))
 *   return yield* Effect.flip(looked)
 * })
 * assert.equal((await Effect.runPromise(program))._tag, "OlderSchema")
 * ```
 *
 * @category running
 */
export const ensureKnown = Effect.fnUntraced(function* (schema: string) {
  const found = yield* version(schema)
  if (found > known) return yield* new NewerSchema({ found, known })
  if (found < known) return yield* new OlderSchema({ schema, found, known })
})

/**
 * Brings the tables of a schema up to date, on a connection whose search path it
 * is. Fails with {@link NewerSchema}, and changes nothing, where they are newer
 * than this version knows. Where they are up to date it only looks, as a role may
 * that owns nothing.
 *
 * ```ts
 * import * as PgClient from "@effect/sql-pg/PgClient"
 * import { Audit, Migrations, Schemas } from "@holdfast/persistence"
 * import { Config, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   const client = PgClient.layer(Schemas.within({ url }, "by_migrate"))
 *   yield* Migrations.migrate("by_migrate").pipe(Effect.provide(client))
 *   // Again, it only looks.
 *   yield* Migrations.migrate("by_migrate").pipe(Effect.provide(client))
 *   return yield* Audit.run({ url }, { schema: "by_migrate" })
 * })
 * assert.equal((await Effect.runPromise(program)).entries, 0)
 * ```
 *
 * @category running
 */
export const migrate = Effect.fnUntraced(function* (schema: string) {
  yield* Effect.catchTag(ensureKnown(schema), "OlderSchema", () =>
    // And once more: another server may have moved them meanwhile.
    Effect.andThen(
      Effect.mapError(Effect.andThen(prepare(schema), migrator), explained),
      Effect.catchTag(ensureKnown(schema), "OlderSchema", Effect.die),
    ),
  )
  if (schema === "public") return
  // Read back from a backup, say: which of the two is the ledger, nobody can tell.
  if (isEarly(yield* version("public"))) return yield* new TablesElsewhere({ schema, elsewhere: "public" })
})

/** It cannot change or remove an entry of the journal, remove any other row but an old nonce or commit, or change the tables. */
const grant = Effect.fnUntraced(function* (schema: string, role: string) {
  const sql = yield* SqlClient
  yield* sql`GRANT USAGE ON SCHEMA ${sql(schema)} TO ${sql(role)}`
  for (const [name, granted] of Object.entries(privileges)) {
    yield* sql`REVOKE ALL ON ${sql(name)} FROM ${sql(role)}`
    yield* sql`GRANT ${sql.literal(granted)} ON ${sql(name)} TO ${sql(role)}`
  }
})

/**
 * Brings the tables of a schema (`holdfast` unless it is named) up to date on a
 * connection of its own, as their owner, and lets a role do what a server does,
 * and no more. Fails with {@link NewerSchema} or {@link TablesElsewhere}.
 *
 * ```ts
 * import { Audit, Migrations } from "@holdfast/persistence"
 * import { Config, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   yield* Migrations.run({ url }, { schema: "by_run" })
 *   return yield* Audit.run({ url }, { schema: "by_run" })
 * })
 * assert.deepEqual(await Effect.runPromise(program), { entries: 0, accounts: 0, findings: [] })
 * ```
 *
 * @category running
 */
export const run = (
  connection: PgClient.PgClientConfig,
  { role, schema = Schemas.usual }: { readonly role?: string | undefined; readonly schema?: string | undefined } = {},
): Effect.Effect<void, SqlError | Migrator.MigrationError | NewerSchema | TablesElsewhere> =>
  Effect.andThen(migrate(schema), role === undefined ? Effect.void : grant(schema, role)).pipe(
    Effect.provide(PgClient.layer(Schemas.within(connection, schema))),
  )
