/**
 * The domain's values from the tables' rows. A row that does not decode
 * contradicts the tables' constraints and is a defect.
 */
import { type Adjustment, Amount, BaseUnits, Deallocation, type Ledger, Uuid } from "@holdfast/domain"
import { Effect, Schema } from "effect"

const balances = {
  available: BaseUnits.FromString,
  reserved: BaseUnits.FromString,
  deallocated: BaseUnits.FromString,
}

const AccountRow = Schema.Struct({ connection_id: Uuid.Uuid, currency: Amount.Currency, ...balances })

/** With the hash of its last entry, in hexadecimal. */
const HeadedAccountRow = Schema.Struct({ ...AccountRow.fields, head: Schema.String })

const ConnectionRow = Schema.Struct({
  connection_id: Uuid.Uuid,
  client_id: Uuid.Uuid,
  partners_connection_id: Schema.String,
  partner_client_id: Schema.String,
})

const transfer = {
  id: Uuid.Uuid,
  connection_id: Uuid.Uuid,
  currency: Amount.Currency,
  quantity: BaseUnits.FromString,
  created_at: Schema.DateTimeUtcFromDate,
}

const deallocation = {
  ...transfer,
  kind: Schema.Literal("deallocation"),
  updated_at: Schema.DateTimeUtcFromDate,
  client_id: Uuid.Uuid,
  partners_connection_id: Schema.String,
  partner_client_id: Schema.String,
  partner_deallocation_id: Uuid.Uuid,
}

const DeallocationRow = Schema.Union([
  Schema.Struct({ ...deallocation, state: Schema.Literals(["Reserved", "Cleared", "Released"]) }),
  Schema.Struct({ ...deallocation, state: Schema.Literal("Rejected"), reason: Deallocation.RejectionReason }),
])

const AdjustmentRow = Schema.Struct({
  ...transfer,
  kind: Schema.Literals(["credit", "debit"]),
  memo: Schema.NullOr(Schema.String),
})

const EntryRow = Schema.Struct({
  transfer_id: Uuid.Uuid,
  event: Schema.Literals(["Reserved", "Rejected", "Cleared", "Released", "Credited", "Debited"]),
  connection_id: Uuid.Uuid,
  currency: Amount.Currency,
  quantity: BaseUnits.FromString,
  ...balances,
  at: Schema.DateTimeUtcFromDate,
  previous_at: Schema.NullOr(Schema.DateTimeUtcFromDate),
})

/** With the hash, in hexadecimal. */
const HashedEntryRow = Schema.Struct({ ...EntryRow.fields, hash: Schema.String })

/** A used nonce, beside what is said of those that were forgotten. */
const NonceRow = Schema.Struct({ value: Schema.NullOr(Schema.String), nonces_until: Schema.DateTimeUtcFromDate })

/** Turns raw rows into values with a row schema and a conversion. */
const reader = <S extends Schema.Codec<unknown, unknown>, A>(schema: S, convert: (row: S["Type"]) => A) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (rows: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<A>> =>
    Effect.orDie(Effect.forEach(rows, (row) => Effect.map(decode(row), convert)))
}

const accountOf = ({ connection_id, currency, available, reserved, deallocated }: typeof AccountRow.Type) => ({
  connectionId: connection_id,
  currency,
  account: { available, reserved, deallocated },
})

export const readAccounts = reader(AccountRow, accountOf)

export const readHeadedAccounts = reader(HeadedAccountRow, (row) => ({ ...accountOf(row), head: row.head }))

const connectionOf = (row: typeof ConnectionRow.Type) => ({
  connectionId: row.connection_id,
  clientId: row.client_id,
  partnersConnectionId: row.partners_connection_id,
  partnerClientId: row.partner_client_id,
})

export const readConnections = reader(ConnectionRow, connectionOf)

const deallocationOf = (row: typeof DeallocationRow.Type): Deallocation.Deallocation => {
  const common = {
    terms: {
      deallocationId: row.id,
      amount: { currency: row.currency, quantity: row.quantity },
      ...connectionOf(row),
    },
    partnerDeallocationId: row.partner_deallocation_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
  return row.state === "Rejected" ? { ...common, _tag: row.state, reason: row.reason } : { ...common, _tag: row.state }
}

const adjustmentOf = (row: typeof AdjustmentRow.Type): Adjustment.Adjustment => ({
  _tag: "Adjustment",
  terms: {
    adjustmentId: row.id,
    connectionId: row.connection_id,
    direction: row.kind,
    amount: { currency: row.currency, quantity: row.quantity },
    ...(row.memo === null ? {} : { memo: row.memo }),
  },
  createdAt: row.created_at,
})

export const readDeallocations = reader(DeallocationRow, deallocationOf)

export const readTransfers = reader(
  Schema.Union([DeallocationRow, AdjustmentRow]),
  (row): Ledger.Transfer => (row.kind === "deallocation" ? deallocationOf(row) : adjustmentOf(row)),
)

const entryOf = ({
  transfer_id,
  connection_id,
  available,
  reserved,
  deallocated,
  previous_at,
  ...entry
}: typeof EntryRow.Type): Ledger.Entry => ({
  ...entry,
  transferId: transfer_id,
  connectionId: connection_id,
  balances: { available, reserved, deallocated },
  previousAt: previous_at ?? undefined,
})

export const readEntries = reader(EntryRow, entryOf)

export const readHashedEntries = reader(HashedEntryRow, ({ hash, ...row }) => ({ ...entryOf(row), hash }))

export const readNonces = reader(NonceRow, ({ value, nonces_until }) => ({ value, forgottenUntil: nonces_until }))
