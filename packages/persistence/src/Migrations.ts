/**
 * The tables, as numbered migrations. They run at start-up, in one transaction
 * under a table lock, so that several servers may start at once, and are
 * recorded in `holdfast_migrations`.
 *
 * The constraints restate the rules of the domain: whatever writes here, no
 * balance is negative, no sum exceeds 2^256 − 1, no id is used twice. Only
 * portable PostgreSQL: no extensions.
 */
import { Effect } from "effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"

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
  // Forgotten once expired; "attempt" tells a batch that is run again its own nonces from used ones.
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

/**
 * Brings the database's tables up to date.
 *
 * @category running
 */
export const migrate = Migrator.make({})({
  loader: Migrator.fromRecord({
    "0001_initial": initial,
    "0002_journal_by_transfer": journalByTransfer,
  }),
  table: "holdfast_migrations",
})
