/**
 * A database that was restored from a backup has forgotten the nonces that were
 * used since. Whoever kept the requests could send them again; so every token that
 * may have been made before the restore is refused, for which the mark of what is
 * forgotten goes ahead of all of them.
 *
 * What was written since is lost as well, and its numbers would be given again. Whoever follows the journal and has seen
 * it would miss what is written next, so the numbers jump ahead too.
 *
 * A restore shows in which cluster, on which timeline and as which database it
 * lives (a dump that is read into another database, a recovery to a point in time,
 * a replica that was promoted), and where whoever runs PostgreSQL can tell, in an
 * incarnation of its files.
 */
import { Clock, DateTime, Effect } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { journalSequence } from "./Migrations.ts"

/** Only a recovery gives a cluster another timeline. */
const identity = `
  SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8), (SELECT oid FROM pg_database WHERE datname = current_database()))`

/** Where those functions are withheld. */
const lesserIdentity = "SELECT oid::text FROM pg_database WHERE datname = current_database()"

/** A token's longest life, and what clocks may differ by. */
const tokenSeconds = 65

/** More entries than these nobody loses by a restore. */
const numbersSkipped = 2 ** 32

const remember = `
  WITH noticed AS (UPDATE forgotten f SET
    database = given.database,
    incarnation = coalesce(given.incarnation, f.incarnation),
    nonces_until = CASE WHEN f.database <> given.database OR f.incarnation <> given.incarnation
      THEN greatest(nonces_until, now() + interval '${tokenSeconds} s', given.now + interval '${tokenSeconds} s')
      ELSE nonces_until END
  FROM (SELECT $1::text AS database, $2::text AS incarnation, to_timestamp($3::float8) AS now) AS given
  WHERE f.database IS DISTINCT FROM given.database
    OR (given.incarnation IS NOT NULL AND f.incarnation IS DISTINCT FROM given.incarnation)
  RETURNING nonces_until > now() AS is_restored)
  SELECT is_restored,
    CASE WHEN is_restored THEN setval('${journalSequence}', nextval('${journalSequence}') + ${numbersSkipped}) END
  FROM noticed`

/** A setting of sessions in which it was looked: whoever uses up a nonce has to. */
export const hasLooked = "coalesce(current_setting('holdfast.looked', true), '') = 'yes'"

/**
 * What is read into a database that a server has not seen yet: it takes it for restored. Tokens that expire no later
 * than the given time may have been used before.
 */
export const markAsRestored = Effect.fnUntraced(function* (noncesUntil: DateTime.Utc) {
  const sql = yield* SqlClient
  yield* sql`UPDATE forgotten SET database = 'a backup', nonces_until = ${DateTime.formatIso(noncesUntil)}::timestamptz`
})

type Session = Pick<Connection, "executeValues">

/**
 * Looks in a session whether the database was restored since it was last seen. What was never seen is new. A session
 * stays with one database, whatever takes its place afterwards.
 */
export const notice = Effect.fnUntraced(function* (session: Session, incarnation: string | undefined) {
  const ask = (statement: string, parameters: ReadonlyArray<unknown> = []) =>
    session.executeValues(statement, parameters)
  const [identified] = yield* ask(identity).pipe(Effect.catch(() => ask(lesserIdentity)))
  const nowSeconds = (yield* Clock.currentTimeMillis) / 1_000
  const [noticed] = yield* ask(remember, [identified?.[0], incarnation ?? null, nowSeconds])
  yield* ask("SELECT set_config('holdfast.looked', 'yes', false)")
  if (noticed?.[0] === true) {
    yield* Effect.logWarning("The database was restored. Tokens that may have been made before are refused.")
  }
})

/** A session of the pool in which it was looked, for as long as the scope lasts. */
export const session = Effect.fnUntraced(function* (incarnation: string | undefined) {
  const { reserve } = yield* SqlClient
  const reserved = yield* reserve
  yield* notice(reserved, incarnation)
  return reserved
})
