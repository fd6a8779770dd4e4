/**
 * The statements of lists. Each gives one row more than it is asked for, where there are more: so it is told whether
 * there is another page. Each finds what it shows by an index, in the order in which it is shown, however large the
 * tables are and however rare what is looked for.
 */
import { Amount, Ledger, Store, Transfer } from "@holdfast/domain"
import { DateTime } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import * as Tables from "./Tables.ts"

/** The states that a kind can be in. */
const statesOf = (kind: Ledger.Kind) =>
  Transfer.State.literals.filter((state) => state in Ledger.kinds[kind].transitions)

type Conditions = ReadonlyArray<Fragment | false | undefined>

const all = (sql: SqlClient, conditions: Conditions) =>
  sql.and([sql`true`, ...conditions.filter((condition) => condition !== undefined && condition !== false)])

/** Transfers of a kind. */
export const transfers = (sql: SqlClient, kind: Ledger.Kind, query: Store.Query) => {
  const { state, connectionId, currency, partnerTransferId, from, to, unchangedSince, cursor, order, limit } = query
  const time = DateTime.formatIso
  const [after, inOrder] =
    order === "oldest"
      ? [sql`>`, sql`ORDER BY created_at, id LIMIT ${limit + 1}`]
      : [sql`<`, sql`ORDER BY created_at DESC, id DESC LIMIT ${limit + 1}`]
  const conditions: Conditions = [
    sql`kind = ${kind}`,
    connectionId && sql`connection_id = ${connectionId}`,
    currency && sql`currency = ${currency}`,
    partnerTransferId !== undefined && sql`partner_transfer_id = ${partnerTransferId}`,
    // Of a rare currency there are few accounts: so PostgreSQL may begin with those.
    currency !== undefined &&
      connectionId === undefined &&
      sql`connection_id IN (SELECT connection_id FROM accounts
        WHERE lower(currency) = ${Amount.folded(currency)} AND currency = ${currency})`,
    from && sql`created_at >= ${time(from)}`,
    to && sql`created_at < ${time(to)}`,
    // Nothing is in its state for longer than it is there.
    unchangedSince && sql`created_at <= ${time(unchangedSince)} AND updated_at <= ${time(unchangedSince)}`,
    cursor && sql`(created_at, id) ${after} (${time(cursor.createdAt)}, ${cursor.id})`,
  ]
  const inState = (state: Transfer.State) =>
    sql`(SELECT * FROM transfers WHERE ${all(sql, [...conditions, sql`state = ${state}`])} ${inOrder})`
  // The index of a connection has its transfers of all states in order; that of all connections, those of each state. Of
  // one of the partner's ids there are few.
  const states = state === undefined ? statesOf(kind) : [state]
  const of =
    (connectionId !== undefined && state === undefined) || partnerTransferId !== undefined
      ? sql`(SELECT * FROM transfers WHERE ${all(sql, conditions)} ${inOrder})`
      : sql`(${sql.join(" UNION ALL ", false)(states.map(inState))})`
  return sql`SELECT ${sql.literal(Tables.transfers.select("t"))} FROM ${of} t ${inOrder}`
}

/** What is reserved, by kind and currency, with how much of it is how old. */
export const reserved = (sql: SqlClient, now: DateTime.Utc) => {
  const ages = [0, ...Store.reservedAges].map((_, age) => `count(*) FILTER (WHERE age = ${age})::int`)
  return sql`
    SELECT kind, currency, count(*)::int AS count, sum(quantity)::text AS quantity, min(updated_at) AS oldest_at,
      ARRAY[${sql.literal(ages.join(", "))}] AS ages
    FROM (
      SELECT *, width_bucket(extract(epoch FROM ${DateTime.formatIso(now)}::timestamptz - updated_at),
        ARRAY[${sql.literal(Store.reservedAges.join(", "))}]::numeric[]) AS age
      FROM transfers WHERE kind IN ('deallocation', 'allocation', 'lock') AND state = 'Reserved') AS open
    GROUP BY kind, currency ORDER BY count DESC, currency, kind`
}

export const connections = (sql: SqlClient, query: Store.ConnectionQuery) => {
  const { clientId, partnersConnectionId, partnerClientId, suspended, cursor, limit } = query
  const conditions = all(sql, [
    clientId && sql`client_id = ${clientId}`,
    partnersConnectionId !== undefined && sql`partners_connection_id = ${partnersConnectionId}`,
    partnerClientId !== undefined && sql`partner_client_id = ${partnerClientId}`,
    suspended !== undefined && (suspended ? sql`suspended` : sql`NOT suspended`),
    cursor && sql`connection_id > ${cursor}`,
  ])
  return sql`SELECT ${sql.literal(Tables.connections.select("c"))} FROM connections c
    WHERE ${conditions} ORDER BY connection_id LIMIT ${limit + 1}`
}

export const tokens = (sql: SqlClient, { id, partnersConnectionId, cursor, limit }: Store.TokenQuery) => {
  const conditions = all(sql, [
    id && sql`id = ${id}`,
    partnersConnectionId !== undefined && sql`partners_connection_id = ${partnersConnectionId}`,
    cursor && sql`id < ${cursor}`,
  ])
  return sql`SELECT ${sql.literal(Tables.tokens.select("k"))} FROM connection_tokens k
    WHERE ${conditions} ORDER BY id DESC LIMIT ${limit + 1}`
}
