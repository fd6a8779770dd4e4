/**
 * Reads the whole of a database in one statement, and so as of one moment, and
 * has the domain's audit replay it. Memory grows with the open and released
 * deallocations of one account, not with the database.
 */
import { hash } from "node:crypto"
import * as PgClient from "@effect/sql-pg/PgClient"
import { Audit, Ledger } from "@holdfast/domain"
import { Effect, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Rows from "./Rows.ts"

/**
 * What an audit came to: how much it read, and each difference that it found.
 *
 * @category models
 */
export interface Report {
  readonly entries: number
  readonly accounts: number
  readonly findings: ReadonlyArray<Audit.Finding>
}

/** The columns of each table that are read, under a name that says whose they are. */
const columns = Object.entries({
  j: [
    ...["transfer_id", "event", "connection_id", "currency", "quantity", "available", "reserved", "deallocated"],
    ...["at", "previous_at"],
  ],
  t: [
    ...["id", "kind", "connection_id", "currency", "quantity", "created_at", "updated_at", "state", "reason"],
    ...["client_id", "partners_connection_id", "partner_client_id", "partner_deallocation_id", "memo"],
  ],
  a: ["connection_id", "currency", "available", "reserved", "deallocated"],
  c: ["connection_id", "client_id", "partners_connection_id", "partner_client_id"],
}).flatMap(([table, names]) => names.map((name) => `${table}.${name} AS ${table}_${name}`))

/** Each entry beside its transfer, account and connection, by account and in order; and whatever of them stands alone. */
const everything = `
  SELECT ${columns.join(", ")}, encode(j.hash, 'hex') AS j_hash, encode(a.head, 'hex') AS a_head
  FROM journal j
  FULL JOIN transfers t ON t.id = j.transfer_id
  FULL JOIN accounts a
    ON a.connection_id = coalesce(j.connection_id, t.connection_id) AND a.currency = coalesce(j.currency, t.currency)
  LEFT JOIN connections c ON c.connection_id = t.connection_id
  ORDER BY coalesce(j.connection_id, t.connection_id, a.connection_id), coalesce(j.currency, t.currency, a.currency),
    j.seq`

type Row = Readonly<Record<string, unknown>>

/** The columns of one table, as it names them; nothing where the row has none of it. */
const rowOf = (row: Row, table: "j" | "t" | "a" | "c"): ReadonlyArray<Row> => {
  const fields = Object.entries(row).flatMap(([name, value]) =>
    name.startsWith(`${table}_`) ? [[name.slice(2), value] as const] : [],
  )
  return fields.every(([, value]) => value === null) ? [] : [Object.fromEntries(fields)]
}

const read = Effect.fnUntraced(function* (row: Row) {
  const [entry] = yield* Rows.readHashedEntries(rowOf(row, "j"))
  const [transfer] = yield* Rows.readTransfers(rowOf(row, "t"))
  const [account] = yield* Rows.readHeadedAccounts(rowOf(row, "a"))
  const [connection] = yield* Rows.readConnections(rowOf(row, "c"))
  return { entry, transfer, account, connection }
})

const sha256 = (text: string) => hash("sha256", text)

/**
 * Audits a database, whether servers use it meanwhile or not. Needs nothing but
 * leave to read its tables.
 *
 * ```ts no-run
 * import { Audit } from "@holdfast/domain"
 * import * as PgAudit from "@holdfast/persistence/Audit"
 * import { Console, Effect, Redacted } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { findings } = yield* PgAudit.run({ url: Redacted.make("postgres://auditor@localhost/holdfast") })
 *   for (const finding of findings) yield* Console.log(Audit.describe(finding))
 * })
 * Effect.runPromise(program)
 * ```
 *
 * @category running
 */
export const run = (connection: PgClient.PgClientConfig): Effect.Effect<Report, SqlError> =>
  Effect.provide(audit, PgClient.layer(connection))

const audit = Effect.gen(function* () {
  const sql = yield* SqlClient
  const findings: Array<Audit.Finding> = []
  let current: { readonly key: string; readonly audit: Audit.AccountAudit } | undefined
  let recorded: Audit.RecordedAccount | undefined
  let [entries, accounts] = [0, 0]
  const end = () => findings.push(...(current?.audit.end(recorded) ?? []))

  yield* sql.unsafe<Row>(everything).stream.pipe(
    Stream.mapEffect(read),
    Stream.runForEach(({ entry, transfer, account, connection }) =>
      Effect.sync(() => {
        const of = entry ?? (transfer && { ...transfer.terms, currency: transfer.terms.amount.currency }) ?? account
        if (of === undefined) return
        const { connectionId, currency } = of
        const key = Ledger.accountKey(of)
        if (current?.key !== key) {
          end()
          current = { key, audit: new Audit.AccountAudit({ connectionId, currency }, sha256) }
          accounts++
        }
        recorded = account
        if (entry !== undefined) {
          entries++
          findings.push(...current.audit.entry({ entry, transfer, connection }))
        } else if (transfer !== undefined) findings.push(...current.audit.transfer(transfer))
      }),
    ),
  )
  end()
  return { entries, accounts, findings }
})
