/**
 * The `Holdfast` service on PostgreSQL: commands go through group commit,
 * reads through a pool of connections.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import { Holdfast, type Store, type Transfer } from "@holdfast/domain"
import { OperatorsLog } from "@holdfast/domain/OperatorsLog"
import { Context, Effect, Exit, Layer, Schedule, Scope } from "effect"
import { SecureRandom } from "effect/crypto/SecureRandom"
import type { MigrationError } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as GroupCommit from "./GroupCommit.ts"
import { migrate, type NewerSchema, type TablesElsewhere } from "./Migrations.ts"
import * as Log from "./OperatorsLog.ts"
import * as PgSession from "./PgSession.ts"
import { commitsKept } from "./PgSession.ts"
import * as PooledRandom from "./PooledRandom.ts"
import * as Reads from "./Reads.ts"
import * as Restore from "./Restore.ts"
import * as Schemas from "./Schemas.ts"
import { observing } from "./WriterMetrics.ts"

/**
 * Where the database is, and how the service behaves.
 *
 * @category models
 */
export interface Config extends Transfer.Policy {
  /** The database: a `url`, or a `host`, a unix socket `path` and so on. A direct connection, not a statement pooler. */
  readonly connection: PgConnection.Config
  /** The schema of the tables: lower-case letters, digits and `_`. Defaults to `holdfast`. */
  readonly schema?: string | undefined
  /** How many commands may wait for a transaction; one more is refused as unavailable. Defaults to 10,000. */
  readonly maxQueue?: number
  /** How long a command may wait for the database, in milliseconds. Defaults to 5,000. */
  readonly patienceMillis?: number
  /**
   * Another text once the database's files were put back from a copy, where anybody can tell; what PostgreSQL itself
   * tells of a restore is seen without it. Tokens that may have been made before a restore are refused.
   */
  readonly incarnation?: string | undefined
}

/**
 * Session settings of the writer. A plan made while the tables are empty must
 * not be a sequential scan for ever; and a process that is frozen between lock
 * and write must not keep its locks.
 */
const writerParameters = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  statement_timeout: "5s",
  idle_in_transaction_session_timeout: "5s",
}

/** Forgets nonces some time after they expired, and remembers that; and marks of transactions that nobody can ask for. */
const forget = Effect.flatMap(SqlClient, (sql) =>
  Effect.andThen(
    sql`
      WITH expired AS (DELETE FROM nonces WHERE expires_at < now() - interval '5 minutes' RETURNING expires_at)
      UPDATE forgotten SET nonces_until = latest
      FROM (SELECT max(expires_at) AS latest FROM expired) AS swept WHERE latest > nonces_until`,
    sql`DELETE FROM commits WHERE at < now() - ${commitsKept.for}::interval`,
  ),
).pipe(Effect.ignore({ log: true }), Effect.repeat(Schedule.spaced("1 minute")), Effect.withTracerEnabled(false))

/**
 * The service on a PostgreSQL database (tested with 15 and 18). Brings the tables up to
 * date first, and fails with {@link NewerSchema} where they are newer than this version
 * knows, or with {@link TablesElsewhere}. Recovers by itself when the database was away.
 *
 * ```ts
 * import { Holdfast } from "@holdfast/domain"
 * import { PgStore } from "@holdfast/persistence"
 * import { Config, Effect, Layer } from "effect"
 * import assert from "node:assert/strict"
 *
 * const url = Config.Redacted("DATABASE_URL")
 * const store = Layer.unwrap(
 *   Effect.map(url, (url) => PgStore.layer({ connection: { url }, releasedRepost: "conflict" })),
 * )
 * const program = Effect.gen(function* () {
 *   const { ready, totals } = yield* Holdfast.Holdfast
 *   yield* ready
 *   return yield* totals
 * })
 * // One layer for the life of the process: it has the connections and the queue of commands.
 * assert.deepEqual(await Effect.runPromise(Effect.provide(program, store)), [])
 * ```
 *
 * @category layers
 */
export const layer = (config: Config): Layer.Layer<Holdfast.Holdfast, Failure> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { store, operatorsLog } = yield* open(config)
      return Context.make(Holdfast.Holdfast, yield* Holdfast.make(store)).pipe(Context.add(OperatorsLog, operatorsLog))
    }),
  ).pipe(Layer.provide(PooledRandom.layer))

/**
 * Why there can be no store.
 *
 * @category errors
 */
export type Failure = SqlError | MigrationError | NewerSchema | TablesElsewhere

/**
 * The store of {@link layer}, to wrap it or to hold it to the laws of
 * `@holdfast/domain/testing`. Fails with {@link Failure}, and is closed with its scope.
 *
 * ```ts
 * import { PgStore } from "@holdfast/persistence"
 * import { Config, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const program = Effect.gen(function* () {
 *   const url = yield* Config.Redacted("DATABASE_URL")
 *   const store = yield* PgStore.make({ connection: { url }, schema: "wrapped" })
 *   return yield* store.list("lock", { state: "Reserved", limit: 10 })
 * })
 * const { items } = await Effect.runPromise(Effect.scoped(program))
 * assert.deepEqual(items, [])
 * ```
 *
 * @category constructors
 */
export const make = (config: Config): Effect.Effect<Store.Store, Failure, Scope.Scope> =>
  Effect.map(open(config), ({ store }) => store)

/** The store and what else is kept in its database. */
const open = (config: Config) => {
  const schema = config.schema ?? Schemas.usual
  const connection = Schemas.within(config.connection, schema)
  const opened = Effect.gen(function* () {
    yield* migrate(schema)
    // So that what is refused after a restore is refused from the start on, and soon no longer.
    yield* Effect.scoped(Restore.session(config.incarnation))
    const random = yield* SecureRandom
    const session = PgSession.connect({
      connection: {
        ...connection,
        multiplex: true,
        startupParameters: { ...connection.startupParameters, ...writerParameters },
      },
      policy: config,
      incarnation: config.incarnation,
    })
    const { execute, ready } = yield* GroupCommit.make({
      connect: Effect.provideService(session, SecureRandom, random),
      maxQueue: config.maxQueue ?? 10_000,
      maxBatch: 256,
      patienceMillis: config.patienceMillis ?? 5_000,
    })
    yield* Effect.forkScoped(forget)
    const reads = yield* Reads.make(config.incarnation)
    const store: Store.Store = {
      ...reads,
      execute,
      // Both to their ends: what became of each is told apart.
      ready: Effect.all([reads.ready.pipe(observing("database")), ready.pipe(observing("writer"))], {
        concurrency: "unbounded",
        mode: "result",
      }).pipe(Effect.flatMap((both) => Effect.forEach(both, Effect.fromResult, { discard: true }))),
    }
    return { store, operatorsLog: yield* Log.make }
  })
  const clients = Layer.build(Layer.mergeAll(PgClient.layer(connection), PooledRandom.layer))
  const made = Effect.flatMap(clients, (context) => Effect.provide(opened, context))
  // One that cannot be opened leaves nothing behind, however long the caller's scope goes on.
  return Effect.flatMap(Effect.scope, (outer) =>
    Effect.flatMap(Scope.fork(outer), (scope) =>
      Effect.onError(Scope.provide(made, scope), (cause) => Scope.close(scope, Exit.failCause(cause))),
    ),
  )
}
