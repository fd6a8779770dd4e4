/**
 * The schema of PostgreSQL that the tables live in. It is the whole search path of
 * every connection, so that statements name tables by themselves, and whatever
 * else the database has stays out of their way.
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"

/**
 * The schema where none is named.
 *
 * ```ts
 * import { Schemas } from "@holdfast/persistence"
 * import assert from "node:assert/strict"
 *
 * const connection = Schemas.within({ host: "localhost" })
 * assert.deepEqual(connection, { host: "localhost", startupParameters: { search_path: Schemas.usual } })
 * ```
 *
 * @category constants
 */
export const usual = "holdfast"

/**
 * A connection whose tables are those of a schema: its name is lower case, as
 * PostgreSQL takes it without quotes.
 *
 * ```ts
 * import { Schemas } from "@holdfast/persistence"
 * import { Redacted } from "effect"
 * import assert from "node:assert/strict"
 *
 * const url = Redacted.make("postgres://holdfast@localhost/books")
 * const { startupParameters } = Schemas.within({ url, startupParameters: { application_name: "reports" } }, "partner")
 * assert.deepEqual(startupParameters, { application_name: "reports", search_path: "partner" })
 * ```
 *
 * @category connecting
 */
export const within = <Config extends PgConnection.Config>(connection: Config, schema = usual): Config => ({
  ...connection,
  startupParameters: { ...connection.startupParameters, search_path: schema },
})
