/**
 * A fresh, empty database on the test run's PostgreSQL, dropped when its scope closes.
 *
 * ```ts
 * layer(TestDatabase.layerClient)("Ledger on SQL", (it) => {
 *   it.effect("starts empty", () =>
 *     Effect.gen(function*() {
 *       const sql = yield* SqlClient.SqlClient
 *       assert.deepStrictEqual(yield* sql`SELECT 1 WHERE false`, [])
 *     }))
 * })
 * ```
 */

import { randomUUID } from "node:crypto"
import { PgClient, PgConnection } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { inject } from "vitest"

export class TestDatabase extends Context.Service<
  TestDatabase,
  {
    /** For a server process: its `DATABASE_URL`. */
    readonly url: string
    /** For `PgClient.layer` and `PgConnection.make`. */
    readonly config: { readonly url: Redacted.Redacted }
  }
>()("@holdfast/test/TestDatabase") {
  static readonly make: Effect.Effect<TestDatabase["Service"], SqlError, Scope.Scope> = Effect.suspend(() => {
    const name = `holdfast_test_${randomUUID().replaceAll("-", "")}`
    // The same encoding and order on every server, whatever its own are.
    const create = `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`
    const url = withDatabase(inject("postgres").url, name)
    return Effect.acquireRelease(Effect.as(administer(create), { url, config: { url: Redacted.make(url) } }), () =>
      Effect.orDie(administer(`DROP DATABASE ${name} WITH (FORCE)`)),
    )
  })

  static readonly layer = Layer.effect(TestDatabase, TestDatabase.make)

  /** With a client of it. */
  static readonly layerClient = Layer.unwrap(
    Effect.map(TestDatabase, (database) => PgClient.layer(database.config)),
  ).pipe(Layer.provideMerge(TestDatabase.layer))
}

const administer = (statement: string) =>
  PgConnection.make({ url: Redacted.make(inject("postgres").url) }).pipe(
    Effect.flatMap((connection) => connection.query(statement)),
    Effect.scoped,
  )

const withDatabase = (text: string, name: string) => {
  const url = new URL(text)
  url.pathname = `/${name}`
  url.searchParams.delete("dbname")
  return url.href
}
