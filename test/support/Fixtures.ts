/** What most tests need: a registered connection with a balance, and requests that concern it. */
import { randomUUID } from "node:crypto"
import { Account, Adjustment, Connection, Deallocation, Holdfast, Uuid } from "@holdfast/domain"
import { Effect, Schema } from "effect"

export const uuid = (): Uuid.Uuid => Uuid.Uuid.make(randomUUID())

const makeConnection = Schema.decodeUnknownSync(Connection.Connection)

export const newConnection = (): Connection.Connection =>
  makeConnection({
    connectionId: uuid(),
    clientId: uuid(),
    partnersConnectionId: "account-7",
    partnerClientId: "client-3",
  })

export const termsOf = (
  connection: Connection.Connection,
  quantity: bigint,
  id: string = randomUUID(),
): Deallocation.Terms =>
  Schema.decodeUnknownSync(Deallocation.Terms)({
    id,
    amount: { currency: "BTC", quantity },
    ...connection,
  })

export const adjustmentOf = (
  { connectionId }: Connection.Connection,
  direction: "credit" | "debit",
  quantity: bigint,
  id: string = randomUUID(),
): Adjustment.Terms =>
  Schema.decodeUnknownSync(Adjustment.Terms)({
    id,
    connectionId,
    direction,
    amount: { currency: "BTC", quantity },
  })

/** A new connection, registered, with an available balance. */
export const funded = Effect.fnUntraced(function* (quantity: bigint) {
  const deallocations = yield* Holdfast.Holdfast
  const connection = newConnection()
  yield* deallocations.register(connection)
  yield* deallocations.adjust(adjustmentOf(connection, "credit", quantity))
  return connection
})

/** The balances of a connection's only account, as plain numbers. */
export const balanceOf = Effect.fnUntraced(function* ({ connectionId }: Connection.Connection) {
  const deallocations = yield* Holdfast.Holdfast
  const [balance] = (yield* deallocations.connection(connectionId)).balances
  const { available, reserved, deallocated } = balance ?? Account.empty
  const balances: Readonly<Record<"available" | "reserved" | "deallocated", bigint>> = {
    available,
    reserved,
    deallocated,
  }
  return balances
})
