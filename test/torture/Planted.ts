/** A store that keeps the contract, and with a fault planted into it one that does not: for the checker to find. */
import { type Account, type Connection, Ledger, type Store, type Uuid } from "@holdfast/domain"
import { Effect, Semaphore } from "effect"
import type { Random } from "./Random.ts"
import { unasked } from "./Unasked.ts"

export const faults = [
  "a skipped lock",
  "a double apply",
  "an answer before the commit",
  "a lost rejection",
  "a stale read",
  "a repeat whose terms are not compared",
  "a committed batch that is decided again",
] as const

export type Fault = (typeof faults)[number]

export const makeStore = Effect.fnUntraced(function* (random: Random, fault: Fault | undefined) {
  const mutex = yield* Semaphore.make(1)
  const connections = new Map<Uuid.Uuid, Connection.Registered>()
  const accounts = new Map<Ledger.AccountId, Ledger.AccountKey & { readonly account: Account.Account }>()
  const transfers = new Map<Uuid.Uuid, Ledger.Transfer>()
  const entries: Array<Ledger.Entry> = []
  /** What was there a while ago. */
  let past = { accounts: new Map(accounts), transfers: new Map(transfers) }

  const decide = <C extends Ledger.Command>(
    instruction: Ledger.Instruction<C>,
    before: (id: Uuid.Uuid) => Ledger.Transfer | undefined,
  ) =>
    Ledger.fold(
      {
        connections,
        accounts: { get: (key) => accounts.get(key)?.account },
        transfers: { get: before },
        nonces: new Set(),
      },
      [instruction],
      { releasedRepost: "reserve" },
    )

  const commit = (changes: Ledger.Changes) => {
    if (random.chance(0.05)) past = { accounts: new Map(accounts), transfers: new Map(transfers) }
    for (const [id, transfer] of changes.transfers) transfers.set(id, transfer)
    for (const [key, account] of changes.accounts) accounts.set(key, account)
    entries.push(...changes.entries)
  }

  const asRecorded = <C extends Ledger.Command>({
    command,
    ...instruction
  }: Ledger.Instruction<C>): Ledger.Instruction<C> => {
    const recorded = transfers.get(Ledger.idOf(command))
    return command._tag === "Reserve" && recorded?.kind === command.kind
      ? { ...instruction, command: { ...command, terms: recorded.terms } }
      : { ...instruction, command }
  }

  const execute = Effect.fnUntraced(function* <C extends Ledger.Command>(given: Ledger.Instruction<C>) {
    const instruction = fault === "a repeat whose terms are not compared" ? asRecorded(given) : given
    const before = transfers.get(Ledger.idOf(instruction.command))
    const {
      outcomes: [outcome],
      changes,
    } = yield* decide(instruction, (id) => transfers.get(id))
    yield* Effect.sleep(random.below(3))
    const isRejection = changes.entries.some(({ event }) => event === "Rejected")
    const isLost =
      (fault === "a lost rejection" && isRejection) || (fault === "an answer before the commit" && random.chance(0.02))
    if (!isLost) commit(changes)
    if (fault === "a double apply" && random.chance(0.1)) commit((yield* decide(instruction, () => before)).changes)
    return yield* Effect.fromResult(outcome)
  })

  const untilOthersActed = (id: Uuid.Uuid) =>
    Effect.suspend(() => {
      const left = transfers.get(id)
      return Effect.sleep(5).pipe(Effect.repeat({ while: () => transfers.get(id) === left, times: 10 }))
    })

  const execution = <C extends Ledger.Command>(instruction: Ledger.Instruction<C>) => {
    if (fault === "a skipped lock") return execute(instruction)
    const once = mutex.withPermit(execute(instruction))
    if (fault !== "a committed batch that is decided again") return once
    return once.pipe(Effect.andThen(untilOthersActed(Ledger.idOf(instruction.command))), Effect.andThen(once))
  }

  const shown = () => (fault === "a stale read" && random.chance(0.3) ? past : { accounts, transfers })
  const unused = Effect.die("No client asks for this.")

  const store: Store.Store = {
    execute: execution,
    register: (connection) =>
      Effect.sync(() => {
        const registered = { ...connection, suspended: false }
        connections.set(connection.connectionId, registered)
        return registered
      }),
    connection: (connectionId) =>
      Effect.suspend(() => {
        const connection = connections.get(connectionId)
        const mine = Array.from(shown().accounts.values()).filter((account) => account.connectionId === connectionId)
        const balances = mine.map(({ currency, account }) => ({ currency, ...account }))
        return connection === undefined ? unused : Effect.succeed({ connection, balances })
      }),
    find: (kind, id) => Effect.suspend(() => Ledger.ofKind(kind, id, shown().transfers.get(id))),
    ...unasked,
  }
  return { store, books: { entries, transfers } satisfies Store.Books }
})
