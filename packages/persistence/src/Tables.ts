/**
 * The tables: each column once, with the field that it holds and its type. What
 * is written, changed, read and audited all derives from here. A field that no
 * column holds does not compile, and a row that does not decode contradicts the
 * tables' constraints and is a defect.
 *
 * A field that is missing is NULL. Values are written as text that PostgreSQL
 * casts: amounts have more digits than any number that the driver can bind.
 */
import { Account, Amount, Connection, Journal, Ledger, Uuid } from "@holdfast/domain"
import { Action } from "@holdfast/domain/OperatorsLog"
import { DateTime, Effect, Schema } from "effect"

/** How a value stands in a column: written as text, and read as the driver gives it. */
interface ColumnType {
  readonly type: string
  readonly write: (value: never) => string
  readonly read?: (cell: never) => unknown
  /** What is selected, where it is not the column itself. */
  readonly select?: (column: string) => string
}

const written = new Map<number, string>()

/** As PostgreSQL reads a time. A batch has few different ones, and writes each several times. */
const iso = (time: DateTime.Utc): string => {
  const millis = DateTime.toEpochMillis(time)
  let text = written.get(millis)
  if (text === undefined) {
    text = DateTime.formatIso(time)
    if (written.size >= 1_000) written.clear()
    written.set(millis, text)
  }
  return text
}

const columnTypes = {
  uuid: { type: "uuid", write: (text: string) => text },
  text: { type: "text", write: (text: string) => text },
  integer: { type: "int4", write: (value: number) => String(value) },
  boolean: { type: "boolean", write: (value: boolean) => String(value) },
  units: { type: "numeric", write: (units: bigint) => String(units), read: (digits: string) => BigInt(digits) },
  time: { type: "timestamptz", write: iso, read: (date: Date) => DateTime.fromDateUnsafe(date) },
  hash: {
    type: "bytea",
    write: (digits: string) => `\\x${digits}`,
    select: (column: string) => `encode(${column}, 'hex')`,
  },
} satisfies Record<string, ColumnType>

type Leaf = string | number | bigint | boolean | DateTime.Utc

/** Where the values of a type are found in it: the names of fields, those inside of others joined by points. */
type Paths<T> = T extends unknown
  ? {
      [K in keyof T & string]-?: NonNullable<T[K]> extends Leaf ? K : `${K}.${Paths<NonNullable<T[K]>>}`
    }[keyof T & string]
  : never

/** One column, and how to write a value of it. */
export interface Column<A> {
  readonly name: string
  readonly type: string
  readonly cell: (value: A) => string | null
}

type Row = Readonly<Record<string, unknown>>

/** A table that holds a value of a schema in each row. */
export interface Table<A> {
  readonly name: string
  /** Of the values themselves. */
  readonly schema: Schema.Codec<A>
  readonly columns: ReadonlyArray<Column<A>>
  /** What tells a row from others, and what changes in it. */
  readonly key: ReadonlyArray<Column<A>>
  readonly changing: ReadonlyArray<Column<A>>
  /** The list of a SELECT, from the table under an alias; each column may be renamed. */
  readonly select: (alias: string, prefix?: string) => string
  /** The values of rows that were so selected. */
  readonly read: (rows: ReadonlyArray<Row>, prefix?: string) => Effect.Effect<ReadonlyArray<A>>
}

const table = <S extends Schema.Constraint>(
  name: string,
  schema: S,
  columns: Readonly<Record<Paths<S["Type"]>, readonly [name: string, type: keyof typeof columnTypes]>>,
  { key, changing }: { readonly key: ReadonlyArray<string>; readonly changing: ReadonlyArray<string> },
): Table<S["Type"]> => {
  const described = Object.entries<readonly [string, keyof typeof columnTypes]>(columns).map(([path, [name, type]]) => {
    const { write, read, select, ...rest }: ColumnType = columnTypes[type]
    const fields = path.split(".")
    return {
      name,
      ...rest,
      fields,
      cell: (value: unknown) => {
        const found = at(value, fields)
        return found === undefined ? null : write(found as never)
      },
      read,
      select: select ?? ((column: string) => column),
    }
  })
  const named = (names: ReadonlyArray<string>) => described.filter((column) => names.includes(column.name))
  const values = Schema.toType(schema)
  const decode = Schema.decodeUnknownEffect(values)
  return {
    name,
    schema: values,
    columns: described,
    key: named(key),
    changing: named(changing),
    select: (alias, prefix = "") =>
      described.map(({ name, select }) => `${select(`${alias}.${name}`)} AS ${prefix}${name}`).join(", "),
    read: (rows, prefix = "") =>
      Effect.orDie(
        Effect.forEach(rows, (row) => {
          const value = {}
          for (const { name, fields, read } of described) {
            const cell = row[prefix + name]
            if (cell !== null && cell !== undefined) put(value, fields, read === undefined ? cell : read(cell as never))
          }
          return decode(value)
        }),
      ),
  }
}

const at = (value: unknown, fields: ReadonlyArray<string>): unknown => {
  let found = value
  for (const field of fields) {
    if (found === undefined) return undefined
    found = (found as Row)[field]
  }
  return found
}

const put = (value: Record<string, unknown>, [field = "", ...within]: ReadonlyArray<string>, leaf: unknown): void => {
  if (within.length === 0) value[field] = leaf
  else {
    const inner = { ...(value[field] as Row | undefined) }
    value[field] = inner
    put(inner, within, leaf)
  }
}

/** A column for each balance of the account in a field. */
const balances = <const Field extends string>(
  field: Field,
): Readonly<Record<`${Field}.${Account.Balance}`, readonly [name: string, type: "units"]>> =>
  Object.fromEntries(Account.Balance.literals.map((name) => [`${field}.${name}`, [name, "units"]])) as never

/** SHA-256 in hexadecimal. */
const Hash = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))

export const connections = table(
  "connections",
  Connection.Registered,
  {
    connectionId: ["connection_id", "uuid"],
    clientId: ["client_id", "uuid"],
    partnersConnectionId: ["partners_connection_id", "text"],
    partnerClientId: ["partner_client_id", "text"],
    suspended: ["suspended", "boolean"],
  },
  { key: ["connection_id"], changing: ["suspended"] },
)

/** In which something came in once. */
export const currencies = table(
  "currencies",
  Schema.Struct({ code: Amount.Currency }),
  { code: ["code", "text"] },
  { key: ["code"], changing: [] },
)

export const tokens = table(
  "connection_tokens",
  Connection.Token,
  {
    id: ["id", "uuid"],
    hash: ["hash", "hash"],
    partnersConnectionId: ["partners_connection_id", "text"],
    partnerClientId: ["partner_client_id", "text"],
    issuedAt: ["issued_at", "time"],
    expiresAt: ["expires_at", "time"],
    revokedAt: ["revoked_at", "time"],
    usedBy: ["used_by", "uuid"],
  },
  { key: ["id"], changing: ["revoked_at", "used_by"] },
)

export const actions = table(
  "operators_log",
  Action,
  {
    id: ["id", "uuid"],
    at: ["at", "time"],
    operator: ["operator", "text"],
    role: ["role", "text"],
    action: ["action", "text"],
    reason: ["reason", "text"],
  },
  { key: ["id"], changing: [] },
)

export const outcomes = table(
  "operators_log_outcomes",
  Schema.Struct({ id: Uuid.Uuid, at: Schema.DateTimeUtc, outcome: Action.fields.action }),
  { id: ["id", "uuid"], at: ["at", "time"], outcome: ["outcome", "text"] },
  { key: ["id"], changing: [] },
)

export const accounts = table(
  "accounts",
  /** With the hash of the last entry of its journal, in hexadecimal. */
  Schema.Struct({
    connectionId: Ledger.Entry.fields.connectionId,
    currency: Ledger.Entry.fields.currency,
    account: Account.Account,
    head: Hash,
  }),
  {
    connectionId: ["connection_id", "uuid"],
    currency: ["currency", "text"],
    ...balances("account"),
    head: ["head", "hash"],
  },
  { key: ["connection_id", "currency"], changing: [...Account.Balance.literals, "head"] },
)

export const transfers = table(
  "transfers",
  Ledger.Transfer,
  {
    "terms.id": ["id", "uuid"],
    kind: ["kind", "text"],
    state: ["state", "text"],
    reason: ["reason", "text"],
    "terms.connectionId": ["connection_id", "uuid"],
    "terms.amount.currency": ["currency", "text"],
    "terms.amount.quantity": ["quantity", "units"],
    "terms.clientId": ["client_id", "uuid"],
    "terms.partnersConnectionId": ["partners_connection_id", "text"],
    "terms.partnerClientId": ["partner_client_id", "text"],
    "terms.direction": ["direction", "text"],
    "terms.memo": ["memo", "text"],
    partnerTransferId: ["partner_transfer_id", "text"],
    createdAt: ["created_at", "time"],
    updatedAt: ["updated_at", "time"],
  },
  { key: ["id"], changing: ["state", "reason", "updated_at"] },
)

export const journal = table(
  "journal",
  /** With its hash, in hexadecimal, and the version of the text that this is over. */
  Schema.Struct({ ...Ledger.Entry.fields, hash: Hash, version: Journal.Version }),
  {
    transferId: ["transfer_id", "uuid"],
    event: ["event", "text"],
    connectionId: ["connection_id", "uuid"],
    currency: ["currency", "text"],
    quantity: ["quantity", "units"],
    ...balances("balances"),
    at: ["at", "time"],
    previousAt: ["previous_at", "time"],
    hash: ["hash", "hash"],
    version: ["version", "integer"],
  },
  { key: [], changing: [] },
)

export const nonces = table(
  "nonces",
  Ledger.Nonce,
  { value: ["value", "text"], expiresAt: ["expires_at", "time"] },
  { key: ["value"], changing: [] },
)
