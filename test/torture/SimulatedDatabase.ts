/**
 * Group commit over a database that is as unreliable as a seed has it: connections
 * fail, answers are late or lost, commits arrive when nobody waits for them any
 * more. Two writers share it, and each command goes through either.
 */
import { type Account, Connection, Ledger, type Store, type Uuid } from "@holdfast/domain"
import { Effect, type Scope, Semaphore } from "effect"
import * as GroupCommit from "../../packages/persistence/src/GroupCommit.ts"
import type { Random } from "./Random.ts"
import { unasked } from "./Unasked.ts"

interface Transaction extends GroupCommit.Decided {
  readonly id: number
  readonly changes: Ledger.Changes
}

const failure = (kind: GroupCommit.BatchFailure["kind"]) =>
  Effect.fail(new GroupCommit.BatchFailure({ kind, cause: "a fault" }))

/** As in `PgStore`, but in the simulation's milliseconds. */
const patienceMillis = 150

/** With `remembers` false it keeps no marks, and tells of every transaction that it was lost: for the checker to find. */
export const make = Effect.fnUntraced(function* (
  random: Random,
  remembers = true,
): Effect.fn.Return<{ readonly store: Store.Store; readonly books: Store.Books }, never, Scope.Scope> {
  const connections = new Map<Uuid.Uuid, Connection.Registered>()
  const accounts = new Map<Ledger.AccountId, Ledger.AccountKey & { readonly account: Account.Account }>()
  const transfers = new Map<Uuid.Uuid, Ledger.Transfer>()
  const entries: Array<Ledger.Entry> = []
  const nonces = new Set<string>()
  /** By the id of a transaction: whether it was committed, or asked for before it was. */
  const commits = new Map<number, boolean>()
  const lock = yield* Semaphore.make(1)
  const background = yield* Effect.scope

  const apply = ({ id, changes }: Transaction) => {
    if (commits.has(id)) return
    commits.set(id, true)
    for (const [key, account] of changes.accounts) accounts.set(key, account)
    for (const [key, transfer] of changes.transfers) transfers.set(key, transfer)
    entries.push(...changes.entries)
  }

  const late = Effect.suspend(() => (random.chance(0.2) ? Effect.sleep(random.below(60)) : Effect.void))

  const connect = Effect.gen(function* () {
    yield* late
    if (random.chance(0.1)) return yield* failure("connection")
    if (random.chance(0.05)) return yield* Effect.die("a defect")
    let holds = false
    const release = Effect.suspend(() => {
      if (!holds) return Effect.void
      holds = false
      return Effect.asVoid(lock.release(1))
    })
    yield* Effect.addFinalizer(() => release)
    const session: GroupCommit.Session<Transaction> = {
      decide: Effect.fnUntraced(function* (instructions) {
        yield* Effect.onExit(lock.take(1), (exit) =>
          Effect.sync(() => {
            holds = exit._tag === "Success"
          }),
        )
        yield* late
        if (random.chance(0.05)) return yield* Effect.andThen(release, failure("passing"))
        const snapshot = {
          connections,
          accounts: { get: (key: Ledger.AccountId) => accounts.get(key)?.account },
          transfers,
          nonces,
        }
        const decided = yield* Ledger.fold(snapshot, instructions, { releasedRepost: "reserve" })
        return { ...decided, id: random.next() }
      }),
      commit: (transaction) =>
        random.weighted<Effect.Effect<void, GroupCommit.BatchFailure>>([
          [
            70,
            Effect.andThen(
              Effect.sync(() => apply(transaction)),
              release,
            ),
          ],
          [5, Effect.andThen(release, failure("passing"))],
          [5, Effect.andThen(release, failure("connection"))],
          // It is committed, and nobody hears of it soon, or ever.
          [
            10,
            Effect.sync(() => apply(transaction)).pipe(Effect.andThen(release), Effect.andThen(failure("connection"))),
          ],
          [5, Effect.sync(() => apply(transaction)).pipe(Effect.andThen(release), Effect.andThen(Effect.never))],
          // It is on its way, with its locks, and nobody waits for it any more.
          [
            5,
            Effect.suspend(() => {
              holds = false
              const arrives = Effect.sleep(random.below(30)).pipe(
                Effect.andThen(Effect.sync(() => apply(transaction))),
                Effect.andThen(lock.release(1)),
              )
              return Effect.andThen(Effect.forkIn(arrives, background), failure("connection"))
            }),
          ],
        ]),
      fateOf: Effect.fnUntraced(function* ({ id }) {
        yield* late
        if (random.chance(0.2)) return yield* failure("connection")
        if (!commits.has(id)) commits.set(id, false)
        // That answer may be lost too.
        if (random.chance(0.2)) return yield* failure("connection")
        return remembers && commits.get(id) === true ? "committed" : "lost"
      }),
    }
    return session
  })

  const config = { connect, maxQueue: 100, maxBatch: 4, patienceMillis }
  const writers = [yield* GroupCommit.make(config), yield* GroupCommit.make(config)]

  const store: Store.Store = {
    execute: (instruction) => Effect.suspend(() => random.pick(writers).execute(instruction)),
    register: (connection) =>
      Effect.sync(() => {
        const registered = { ...connection, suspended: false }
        connections.set(connection.connectionId, registered)
        return registered
      }),
    connection: (connectionId) =>
      Effect.suspend(() => {
        const connection = connections.get(connectionId)
        const mine = Array.from(accounts.values()).filter((account) => account.connectionId === connectionId)
        return connection === undefined
          ? Effect.fail(new Connection.ConnectionNotFound({ connectionId }))
          : Effect.succeed({ connection, balances: mine.map(({ currency, account }) => ({ currency, ...account })) })
      }),
    find: (kind, id) => Effect.suspend(() => Ledger.ofKind(kind, id, transfers.get(id))),
    ...unasked,
  }
  return { store, books: { entries, transfers } }
})
