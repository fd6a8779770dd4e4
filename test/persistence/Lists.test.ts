/** Each list has the index that it needs: with statistics of five million transfers PostgreSQL plans no other way. */

import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, it } from "@effect/vitest"
import { Amount, type Store } from "@holdfast/domain"
import { Migrations } from "@holdfast/persistence"
import * as Schemas from "@holdfast/persistence/Schemas"
import { DateTime, Effect } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import * as Lists from "../../packages/persistence/src/Lists.ts"
import { withDatabase } from "../support/Databases.ts"
import { uuid } from "../support/Fixtures.ts"

/** Few rows with what is usual and what is rare, and the word of PostgreSQL's catalogue that there are many more. */
const fill = `
  INSERT INTO connections (connection_id, client_id, partners_connection_id, partner_client_id, suspended)
    SELECT gen_random_uuid(), gen_random_uuid(), 'account-' || n, 'client-' || n, n % 1000 = 0
    FROM generate_series(1, 5000) AS n;
  INSERT INTO accounts (connection_id, currency, pending, available, locked, reserved, deallocated, head)
    SELECT connection_id, code, 0, 0, 0, 0, 0, sha256('x'::bytea)
    FROM connections, (VALUES ('BTC'), ('ETH')) AS codes (code)
    UNION ALL SELECT connection_id, 'RARE', 0, 0, 0, 0, 0, sha256('x'::bytea) FROM (SELECT * FROM connections LIMIT 1) AS one;
  INSERT INTO transfers (id, kind, state, reason, connection_id, currency, quantity, client_id, partners_connection_id,
      partner_client_id, partner_transfer_id, created_at, updated_at)
    SELECT gen_random_uuid(), CASE WHEN n % 4 = 0 THEN 'allocation' ELSE 'deallocation' END,
      CASE WHEN n % 2500 = 0 THEN 'Reserved' WHEN n % 9 = 0 THEN 'Released' ELSE 'Cleared' END, NULL,
      connection_id, CASE WHEN n % 2 = 0 THEN 'BTC' ELSE 'ETH' END, 1, client_id, partners_connection_id,
      partner_client_id, n::text, now() - n * interval '1 minute', now() - n * interval '1 minute'
    FROM (SELECT *, row_number() OVER () AS n FROM connections, generate_series(1, 4)) AS numbered;
  INSERT INTO connection_tokens (id, hash, partners_connection_id, partner_client_id, issued_at, expires_at)
    SELECT gen_random_uuid(), sha256(n::text::bytea), 'account-' || n, '', now(), now() FROM generate_series(1, 5000) AS n;
  ANALYZE;
  UPDATE pg_class SET reltuples = reltuples * 250 WHERE relname ~ '^(transfers|connections|accounts|connection_tokens)'`

const day = (n: number) => DateTime.makeUnsafe(Date.UTC(2026, 10, n))
const code = (text: string) => Amount.Currency.make(text)
const cursor = { createdAt: day(3), id: uuid() }

const queries: ReadonlyArray<Omit<Store.Query, "limit">> = [
  {},
  { order: "oldest" },
  { cursor },
  { cursor, order: "oldest" },
  { state: "Cleared" },
  { state: "Reserved" },
  { state: "Reserved", order: "oldest", cursor },
  { state: "Rejected" },
  { state: "Reserved", unchangedSince: day(2), order: "oldest" },
  { connectionId: uuid() },
  { connectionId: uuid(), state: "Released", order: "oldest" },
  { connectionId: uuid(), currency: code("BTC") },
  { currency: code("BTC") },
  { currency: code("RARE") },
  { currency: code("RARE"), state: "Reserved" },
  { from: day(1), to: day(2) },
  { from: day(1), state: "Released" },
  { partnerTransferId: "withdrawal-7" },
  { partnerTransferId: "withdrawal-7", state: "Cleared", order: "oldest", cursor },
]

it.live("no list reads a table whole", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      yield* Migrations.run(database.config)
      const sql = yield* SqlClient
      for (const statement of fill.split(";")) yield* sql.unsafe(statement)
      const planOf = Effect.fnUntraced(function* (list: Fragment) {
        const rows = yield* sql`EXPLAIN ${list}`
        return rows.map((row) => String(row["QUERY PLAN"])).join("\n")
      })
      const lists: Array<readonly [string, Fragment]> = [
        ...queries.flatMap((query) =>
          (["deallocation", "allocation", "lock", "adjustment"] as const).map(
            (kind) =>
              [`${kind} ${JSON.stringify(query)}`, Lists.transfers(sql, kind, { ...query, limit: 50 })] as const,
          ),
        ),
        ...[
          {},
          { cursor: uuid() },
          { clientId: uuid() },
          { partnersConnectionId: "account-7" },
          { partnerClientId: "client-7" },
          { suspended: true },
          { suspended: false },
        ].map(
          (query) => [`connections ${JSON.stringify(query)}`, Lists.connections(sql, { ...query, limit: 50 })] as const,
        ),
        ...[{}, { cursor: uuid() }, { id: uuid() }, { partnersConnectionId: "account-7" }].map(
          (query) => [`tokens ${JSON.stringify(query)}`, Lists.tokens(sql, { ...query, limit: 50 })] as const,
        ),
        ["reserved", Lists.reserved(sql, day(3))],
      ]
      for (const [name, list] of lists) {
        const plan = yield* planOf(list)
        assert.notMatch(plan, /Seq Scan/, `${name}\n${plan}`)
      }
    }).pipe(Effect.provide(PgClient.layer(Schemas.within(database.config)))),
  ),
)
