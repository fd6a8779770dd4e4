/**
 * The operators' log in PostgreSQL: rows are added, and never changed. Programs make many changes at the same time, each
 * of which is written down before and after: those rows go in one statement.
 */
import { Store, Uuid } from "@holdfast/domain"
import { Action, type OperatorsLog } from "@holdfast/domain/OperatorsLog"
import { Effect, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { insert } from "./Insert.ts"
import { orUnavailable } from "./Reads.ts"
import * as Shared from "./Shared.ts"
import * as Tables from "./Tables.ts"

const Row = Schema.Struct({
  ...Action.fields,
  at: Schema.DateTimeUtcFromDate,
  reason: Schema.NullOr(Schema.String),
  outcome: Schema.NullOr(Schema.String),
})

const KeyRow = Schema.Tuple([Schema.Struct({ key: Schema.Uint8Array })])

const decodeKeyRow = Schema.decodeUnknownEffect(KeyRow)

const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/** The log of whoever shares the database. */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const [{ key }] = yield* Effect.orDie(decodeKeyRow(yield* sql`SELECT key FROM session_key`))
  const writer = Effect.fnUntraced(function* <A>(table: Tables.Table<A>, orElse?: string) {
    const write = yield* Shared.writer((rows: ReadonlyArray<A>) =>
      insert(table, rows, orElse).pipe(Effect.provideService(SqlClient, sql), orUnavailable()),
    )
    // Whoever waits for those before waits no longer for that.
    return (row: A) => orUnavailable()(write(row))
  })
  const conclude = yield* writer(Tables.outcomes, "ON CONFLICT DO NOTHING")
  const cursorOf = ({ id }: Action): Uuid.Uuid => id
  return {
    sessionKey: Redacted.make(key),
    begin: yield* writer(Tables.actions),
    conclude: (id, at, outcome) => conclude({ id, at, outcome }),
    list: ({ limit, cursor }) =>
      Effect.gen(function* () {
        const last = cursor ?? Uuid.Uuid.make("ffffffff-ffff-ffff-ffff-ffffffffffff")
        const rows = yield* sql`SELECT l.id, l.at, l.operator, l.role, l.action, l.reason, o.outcome
          FROM operators_log l LEFT JOIN operators_log_outcomes o USING (id)
          WHERE l.id < ${last} ORDER BY l.id DESC LIMIT ${limit + 1}`
        const found = (yield* Effect.orDie(decodeRows(rows))).map(({ reason, outcome, ...action }) => ({
          ...action,
          ...(reason === null ? {} : { reason }),
          ...(outcome === null ? {} : { outcome }),
        }))
        return Store.page(found, limit, cursorOf)
      }).pipe(orUnavailable()),
  } satisfies OperatorsLog
})
