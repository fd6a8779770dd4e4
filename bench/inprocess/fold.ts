/**
 * The pure fold alone on one core, beside a loop that a programmer would write
 * by hand for speed: plain objects changed in place, the same checks, the same
 * entries. Batches of 256, half of them reserve and half clear.
 */
import { randomUUID } from "node:crypto"
import { Account, Amount, BaseUnits, type Connection, Deallocation, Ledger, Uuid } from "@holdfast/domain"
import { DateTime, Effect, Result as Result_, Schema } from "effect"
import { account, currency } from "../load/Requests.ts"

export interface Job {
  readonly warmupMillis: number
  readonly windowMillis: number
}

/** Decisions a second. */
export interface Result {
  readonly fold: number
  readonly byHand: number
}

const accounts = 1_000
const batchSize = 256
const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const funds = BaseUnits.BaseUnits.make(10n ** 30n)
const decodeCurrency = Schema.decodeUnknownSync(Amount.Currency)
const decodeTerms = Schema.decodeUnknownSync(Deallocation.Terms)

type Command = Extract<Deallocation.Command, { readonly _tag: "Reserve" | "Clear" }>

/** Each batch reserves, then clears what it reserved. All are made beforehand. */
const batches: ReadonlyArray<ReadonlyArray<Command>> = Array.from({ length: 64 }, (_, batch) => {
  const reserves = Array.from({ length: batchSize / 2 }, (_, index): Extract<Command, { _tag: "Reserve" }> => {
    const number = 1 + ((batch * 131 + index * 7) % accounts)
    const amount = { currency, quantity: 1_000_000_000_000_000_001n }
    const terms = decodeTerms({ ...account(number), id: randomUUID(), amount })
    return { _tag: "Reserve", kind: "deallocation", terms, partnerTransferId: Uuid.Uuid.make(randomUUID()), at }
  })
  const clears = reserves.map(({ terms: { id } }): Command => ({ _tag: "Clear", kind: "deallocation", id, at }))
  return [...reserves, ...clears]
})

const connections = new Map<Uuid.Uuid, Connection.Connection>(
  batches
    .flat()
    .flatMap((command) => (command._tag === "Reserve" ? [[command.terms.connectionId, command.terms]] : [])),
)

/** Decides a batch, and keeps what it changed until the next round over all batches. */
const makeFold = () => {
  const balances = new Map<string, Account.Account>()
  const transfers = new Map<Uuid.Uuid, Ledger.Transfer>()
  for (const connectionId of connections.keys()) {
    const key = Ledger.accountKey({ connectionId, currency: decodeCurrency(currency) })
    balances.set(key, { ...Account.empty, available: funds })
  }
  return (batch: ReadonlyArray<Command>): number => {
    const instructions = batch.map((command) => ({ command, nonce: undefined }))
    const snapshot = { connections, accounts: balances, transfers, nonces: new Set<string>() }
    const { outcomes, changes } = Effect.runSync(Ledger.fold(snapshot, instructions, { releasedRepost: "reserve" }))
    for (const [key, { account }] of changes.accounts) balances.set(key, account)
    for (const [id, transfer] of changes.transfers) transfers.set(id, transfer)
    return outcomes.filter(Result_.isSuccess).length === batch.length ? changes.entries.length : 0
  }
}

interface Held {
  readonly terms: Deallocation.Terms
  readonly partnerTransferId: string
  state: "Reserved" | "Rejected" | "Cleared" | "Released"
  reason: string | undefined
}

const byHand = () => {
  const balances = new Map<string, { available: bigint; reserved: bigint; deallocated: bigint }>()
  const transfers = new Map<string, Held>()
  for (const connectionId of connections.keys()) {
    balances.set(`${connectionId}/${currency}`, { available: funds, reserved: 0n, deallocated: 0n })
  }
  return (batch: ReadonlyArray<Command>): number => {
    const entries: Array<object> = []
    for (const command of batch) {
      const id = command._tag === "Reserve" ? command.terms.id : command.id
      const known = transfers.get(id)
      const terms = known?.terms ?? (command._tag === "Reserve" ? command.terms : undefined)
      if (terms === undefined) continue // not found
      const { quantity } = terms.amount
      const balance = balances.get(`${terms.connectionId}/${terms.amount.currency}`)
      if (command._tag === "Reserve") {
        if (known !== undefined && differs(known.terms, command.terms)) continue // mismatch
        if (known !== undefined && known.state !== "Released") continue // a repeat
        const connection = connections.get(terms.connectionId)
        const reason =
          connection === undefined
            ? "UNKNOWN_CONNECTION"
            : connection.clientId !== terms.clientId ||
                connection.partnersConnectionId !== terms.partnersConnectionId ||
                connection.partnerClientId !== terms.partnerClientId
              ? "CONNECTION_MISMATCH"
              : balance === undefined || balance.available < quantity
                ? "INSUFFICIENT_BALANCE"
                : undefined
        const state = reason === undefined ? "Reserved" : "Rejected"
        transfers.set(id, { terms, partnerTransferId: command.partnerTransferId, state, reason })
        if (reason === undefined && balance !== undefined) {
          balance.available -= quantity
          balance.reserved += quantity
        }
        entries.push({ id, event: state, ...balance, at: command.at })
      } else if (known?.state === "Reserved" && balance !== undefined) {
        known.state = "Cleared"
        balance.reserved -= quantity
        balance.deallocated += quantity
        entries.push({ id, event: "Cleared", ...balance, at: command.at })
      }
    }
    return entries.length
  }
}

const differs = (a: Deallocation.Terms, b: Deallocation.Terms) =>
  a.amount.currency !== b.amount.currency ||
  a.amount.quantity !== b.amount.quantity ||
  a.connectionId !== b.connectionId ||
  a.clientId !== b.clientId ||
  a.partnersConnectionId !== b.partnersConnectionId ||
  a.partnerClientId !== b.partnerClientId

/** Decisions a second; every round over all batches begins anew, so that nothing grows. */
const speed = (make: () => (batch: ReadonlyArray<Command>) => number, millis: number): number => {
  let decisions = 0
  let spent = 0
  while (spent < millis) {
    const decide = make()
    const start = performance.now()
    for (const batch of batches) {
      if (decide(batch) !== batchSize) throw new Error("A decision is missing.")
      decisions += batchSize
    }
    spent += performance.now() - start
  }
  return decisions / (spent / 1000)
}

process.once("message", ({ warmupMillis, windowMillis }: Job) => {
  for (const make of [makeFold, byHand]) speed(make, warmupMillis)
  const result: Result = { fold: speed(makeFold, windowMillis), byHand: speed(byHand, windowMillis) }
  process.send?.(result, () => process.disconnect())
})
process.once("disconnect", () => process.exit())
