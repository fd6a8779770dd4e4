/** The service on fresh databases of the test run's PostgreSQL. */
import { PgConnection } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Holdfast, Uuid } from "@holdfast/domain"
import { PgStore } from "@holdfast/persistence"
import { Context, Effect, Layer, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Quiet from "./Quiet.ts"
import { TestDatabase } from "./TestDatabase.ts"

type Database = TestDatabase["Service"]

/** Whatever says where a database is. */
interface Located {
  readonly config: PgConnection.Config
}

/** The service on a database, whatever else it is configured with. */
export const serviceOn = (database: Located, config: Partial<PgStore.Config> = {}) =>
  PgStore.layer({ connection: database.config, ...config }).pipe(Layer.provide(Quiet.layer))

/** A server on a database, beside whatever others there are, until the scope ends. */
export const serverOn = (...where: Parameters<typeof serviceOn>) =>
  Effect.map(Layer.build(Layer.fresh(serviceOn(...where))), Context.get(Holdfast.Holdfast))

/** Runs a test on a database of its own. */
export const withDatabase = <A, E>(use: (database: Database) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(Effect.flatMap(TestDatabase.make, use))

/** A connection that finds the tables in their schema, or in `public` where an earlier version made them. */
export const open = (database: Located) =>
  PgConnection.make({ startupParameters: { search_path: "holdfast, public" }, ...database.config })

/** Asks on a connection of its own. */
export const ask = (database: Located, statement: string, parameters: ReadonlyArray<unknown>) =>
  Effect.scoped(Effect.flatMap(open(database), (connection) => connection.query(statement, parameters)))

/** Runs statements on a connection of their own and gives the rows of the last. */
export const query = (database: Located, ...statements: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* open(database)
      const results = yield* Effect.forEach(statements, (statement) => connection.query(statement))
      return results.at(-1)?.rows ?? []
    }),
  )

/** Each transfer's journal, as the service finds it, has all entries that name the transfer, in their order. */
export const assertJournals = Effect.fnUntraced(function* (database: Located) {
  const deallocations = yield* Holdfast.Holdfast
  const told = yield* query(
    database,
    "SELECT transfer_id, string_agg(event || ' ' || available, ', ' ORDER BY seq) AS entries FROM journal GROUP BY 1",
  )
  assert.isNotEmpty(told)
  for (const row of told) {
    const found = yield* deallocations.journal(Uuid.Uuid.make(String(row["transfer_id"])))
    assert.strictEqual(found.map((_) => `${_.event} ${_.balances.available}`).join(", "), row["entries"])
  }
})

/** Locks every account, or one connection's, as a process frozen in its transaction would, until what it gives is run. */
export const holdAccounts = Effect.fnUntraced(function* (
  database: Located,
  connectionId?: Uuid.Uuid,
): Effect.fn.Return<Effect.Effect<unknown, SqlError>, SqlError, Scope.Scope> {
  const holder = yield* open(database)
  yield* holder.query("BEGIN")
  yield* holder.query("SELECT * FROM accounts WHERE $1::uuid IS NULL OR connection_id = $1 FOR UPDATE", [
    connectionId ?? null,
  ])
  return holder.query("ROLLBACK")
})

/** Waits until so many backends wait for a lock of this database. */
export const untilWaiting = (database: Located, backends = 1) =>
  untilFound(
    database,
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
      HAVING count(*) >= ${backends}`,
  )

/** Waits until a query finds something. */
export const untilFound = (database: Located, statement: string) =>
  query(database, statement).pipe(
    Effect.filterOrFail(
      (rows) => rows.length > 0,
      () => "nothing yet",
    ),
    Effect.eventually,
  )
