/** The operators' log in PostgreSQL: rows are added, and never changed. */
import { Store, Uuid } from "@holdfast/domain"
import { Action, type OperatorsLog } from "@holdfast/domain/OperatorsLog"
import { DateTime, Effect, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { orUnavailable } from "./Reads.ts"

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
  const cursorOf = ({ id }: Action): Uuid.Uuid => id
  return {
    sessionKey: Redacted.make(key),
    begin: ({ id, at, operator, role, action, reason = null }) =>
      sql`INSERT INTO operators_log (id, at, operator, role, action, reason)
        VALUES (${id}, ${DateTime.formatIso(at)}, ${operator}, ${role}, ${action}, ${reason})`.pipe(
        Effect.asVoid,
        orUnavailable(),
      ),
    conclude: (id, at, outcome) =>
      sql`INSERT INTO operators_log_outcomes (id, at, outcome)
        VALUES (${id}, ${DateTime.formatIso(at)}, ${outcome}) ON CONFLICT DO NOTHING`.pipe(
        Effect.asVoid,
        orUnavailable(),
      ),
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
