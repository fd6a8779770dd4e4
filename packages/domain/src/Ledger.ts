/**
 * The ledger: many accounts, deallocations and adjustments, and the fold that
 * decides a list of commands in order over a snapshot of them. Every command
 * sees what the ones before it did and gets an outcome of its own; all together
 * make one set of changes, to be written in one transaction. A batch of
 * concurrent requests is exactly this.
 *
 * The fold is pure: the same snapshot and instructions give the same outcomes
 * and changes, whoever runs it (the in-memory service, the SQL writer, a
 * checker that replays a history).
 */
import { DateTime, Effect, type Result, Schema } from "effect"
import * as Account from "./Account.ts"
import * as Adjustment from "./Adjustment.ts"
import type * as Amount from "./Amount.ts"
import type * as BaseUnits from "./BaseUnits.ts"
import type * as Connection from "./Connection.ts"
import * as Deallocation from "./Deallocation.ts"
import * as Uuid from "./Uuid.ts"

/**
 * Anything that moves balance, known by an id from one shared space.
 *
 * @category models
 */
export type Transfer = Deallocation.Deallocation | Adjustment.Adjustment

/**
 * Anything that can be asked of the ledger.
 *
 * @category models
 */
export type Command = Deallocation.Command | Adjustment.Command

/**
 * A token under which a command may come once (the `jti` of a signed request):
 * a second command with the same one is refused, whatever it asks. After
 * `expiresAt` nobody accepts the token any more, and it may be forgotten.
 *
 * @category schemas
 */
export const Nonce = Schema.Struct({
  value: Schema.String.check(Schema.isPattern(/^[^\p{C}]{1,255}$/u)),
  expiresAt: Schema.DateTimeUtc,
})

/** @category models */
export type Nonce = typeof Nonce.Type

/**
 * A command with the nonce that it came under, if any.
 *
 * @category models
 */
export interface Instruction<C extends Command = Command> {
  readonly command: C
  readonly nonce: Nonce | undefined
}

/**
 * Where an account is found: one connection, one currency.
 *
 * @category models
 */
export interface AccountKey {
  readonly connectionId: Uuid.Uuid
  readonly currency: Amount.Currency
}

/**
 * The account's key in a {@link Snapshot} and in {@link Changes}: {@link accountKey}
 * makes it. No other text is one, as an account under a wrong key would pass for
 * an empty one.
 *
 * @category schemas
 */
export const AccountId = Schema.String.pipe(Schema.brand("AccountId"))

/** @category models */
export type AccountId = typeof AccountId.Type

/**
 * What the fold reads: at least whatever the instructions concern. An account
 * that is not there is an empty one.
 *
 * @category models
 */
export interface Snapshot {
  readonly connections: Pick<ReadonlyMap<Uuid.Uuid, Connection.Connection>, "get">
  readonly accounts: Pick<ReadonlyMap<AccountId, Account.Account>, "get">
  readonly transfers: Pick<ReadonlyMap<Uuid.Uuid, Transfer>, "get">
  /** Those that are known to be used. */
  readonly nonces: Pick<ReadonlySet<string>, "has">
  /** Used nonces that expire no later than this may have been forgotten: see {@link isUsed}. */
  readonly forgottenUntil?: DateTime.Utc | undefined
}

/**
 * One event as it stands in the journal, with the balances after it.
 *
 * @category models
 */
export interface Entry extends AccountKey {
  readonly transferId: Uuid.Uuid
  readonly event: Deallocation.Event["_tag"] | Adjustment.Event["_tag"]
  readonly quantity: BaseUnits.BaseUnits
  readonly balances: Account.Account
  readonly at: DateTime.Utc
  /** When the transfer's entry before this one was made, if not when the transfer was: so each can be found from another. */
  readonly previousAt: DateTime.Utc | undefined
}

/**
 * What a fold changed, each thing in its last state; entries in their order.
 *
 * @category models
 */
export interface Changes {
  readonly transfers: ReadonlyMap<Uuid.Uuid, Transfer>
  readonly accounts: ReadonlyMap<AccountId, AccountKey & { readonly account: Account.Account }>
  readonly nonces: ReadonlyMap<string, Nonce>
  readonly entries: ReadonlyArray<Entry>
}

/**
 * The id is in use by a transfer of the other kind.
 *
 * @category errors
 */
export class IdInUse extends Schema.TaggedError<IdInUse>()("IdInUse", {
  id: Uuid.Uuid,
  usedBy: Schema.Literals(["a deallocation", "an allocation or adjustment"]),
}) {
  override get message() {
    return `The id ${this.id} is in use by ${this.usedBy}.`
  }
}

/**
 * The nonce has been used before.
 *
 * @category errors
 */
export class NonceUsed extends Schema.TaggedError<NonceUsed>()("NonceUsed", { nonce: Schema.String }) {
  override get message() {
    return `The nonce ${JSON.stringify(this.nonce)} has been used before.`
  }
}

/**
 * Whether a nonce counts as used: because it was, or because it is so old that
 * it may have been used and forgotten. Whoever forgets nonces remembers the
 * latest `expiresAt` among them, so that no clock, however wrong, can bring one
 * back.
 *
 * ```ts
 * import { Ledger } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const expiring = (time: string) => ({ value: "token-1", expiresAt: DateTime.makeUnsafe(time) })
 * const known = { nonces: new Set<string>(), forgottenUntil: DateTime.makeUnsafe("2026-01-01T00:01:00Z") }
 * assert.ok(Ledger.isUsed(known, expiring("2026-01-01T00:01:00Z")))
 * assert.ok(!Ledger.isUsed(known, expiring("2026-01-01T00:01:01Z")))
 * ```
 *
 * @category nonces
 */
export const isUsed = (known: Pick<Snapshot, "nonces" | "forgottenUntil">, nonce: Nonce): boolean =>
  known.nonces.has(nonce.value) ||
  (known.forgottenUntil !== undefined && DateTime.isLessThanOrEqualTo(nonce.expiresAt, known.forgottenUntil))

/**
 * What a command comes to where it succeeds.
 *
 * @category models
 */
export type Success<C extends Command = Command> = C extends Adjustment.Command
  ? Adjustment.Adjustment
  : Deallocation.Deallocation

/**
 * Why a command can fail. Nothing changes then, but the nonce counts as used.
 *
 * @category models
 */
export type Failure<C extends Command = Command> =
  | NonceUsed
  | IdInUse
  | (C extends { readonly _tag: "Reserve" } ? Deallocation.TermsMismatch | Deallocation.StateConflict : never)
  | (C extends { readonly _tag: "Clear" | "Release" }
      ? Deallocation.DeallocationNotFound | Deallocation.StateConflict
      : never)
  | (C extends Adjustment.Command ? Effect.Error<ReturnType<typeof Adjustment.decide>> : never)

/**
 * Each instruction's outcome, in the same places.
 *
 * @category models
 */
export type Outcomes<Instructions extends ReadonlyArray<Instruction>> = {
  readonly [Index in keyof Instructions]: Instructions[Index] extends Instruction<infer C>
    ? Result.Result<Success<C>, Failure<C>>
    : never
}

/**
 * The key of an account in a {@link Snapshot} and in {@link Changes}.
 *
 * @category conversions
 */
export const accountKey = ({ connectionId, currency }: AccountKey): AccountId =>
  AccountId.make(`${connectionId}/${currency}`)

/**
 * The same of the account that terms name.
 *
 * @category conversions
 */
export const accountKeyOf = ({ connectionId, amount }: Transfer["terms"]): AccountId =>
  accountKey({ connectionId, currency: amount.currency })

/**
 * The id of the transfer that a command concerns.
 *
 * @category getters
 */
export const idOf = (command: Command): Uuid.Uuid =>
  command._tag === "Adjust" ? command.terms.adjustmentId : Deallocation.idOf(command)

/**
 * The id of a transfer.
 *
 * @category getters
 */
export const transferId = (transfer: Transfer): Uuid.Uuid =>
  transfer._tag === "Adjustment" ? transfer.terms.adjustmentId : transfer.terms.deallocationId

/** When a transfer was changed, if it was since it was made. */
const changedAt = (transfer: Transfer | undefined): DateTime.Utc | undefined =>
  transfer === undefined ||
  transfer._tag === "Adjustment" ||
  DateTime.Equivalence(transfer.updatedAt, transfer.createdAt)
    ? undefined
    : transfer.updatedAt

/**
 * Decides instructions one after another. Never fails: each outcome is the
 * transfer as it then is, or a typed failure.
 *
 * ```ts
 * import { Ledger } from "@holdfast/domain"
 * import { DateTime, Effect, Result, Schema } from "effect"
 * import { Uuid } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const deallocationId = Schema.decodeUnknownSync(Uuid.FromString)("018f3f1e-0000-7000-8000-000000000001")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const { outcomes, changes } = Effect.runSync(
 *   Ledger.fold(
 *     { connections: new Map(), accounts: new Map(), transfers: new Map(), nonces: new Set() },
 *     [{ command: { _tag: "Clear", deallocationId, at }, nonce: undefined }],
 *     { releasedRepost: "reserve" },
 *   ),
 * )
 * assert.ok(outcomes[0] && Result.isFailure(outcomes[0]))
 * assert.equal(changes.entries.length, 0)
 * ```
 *
 * @category folding
 */
export const fold = <const Instructions extends ReadonlyArray<Instruction>>(
  snapshot: Snapshot,
  instructions: Instructions,
  options: { readonly releasedRepost: Deallocation.ReleasedRepost },
): Effect.Effect<{ readonly outcomes: Outcomes<Instructions>; readonly changes: Changes }> =>
  // Suspended: what is in the snapshot's maps may change until the program runs.
  Effect.suspend(() => {
    const draft = new Draft(snapshot)
    const outcome = (instruction: Instruction) => Effect.result(step(draft, instruction, options.releasedRepost))
    return Effect.map(Effect.forEach(instructions, outcome), (outcomes) => ({
      // `step` answers each command with its own kind of outcome; TypeScript does not follow that.
      outcomes: outcomes as ReadonlyArray<unknown> as Outcomes<Instructions>,
      changes: draft,
    }))
  })

const step = Effect.fnUntracedEager(function* (
  draft: Draft,
  { command, nonce }: Instruction,
  releasedRepost: Deallocation.ReleasedRepost,
): Effect.fn.Return<Success, Failure> {
  if (nonce !== undefined) yield* draft.useNonce(nonce)
  const transfer = draft.transfer(idOf(command))
  return command._tag === "Adjust"
    ? yield* adjust(draft, command, transfer)
    : yield* deallocate(draft, command, transfer, releasedRepost)
})

const deallocate = Effect.fnUntracedEager(function* (
  draft: Draft,
  command: Deallocation.Command,
  transfer: Transfer | undefined,
  releasedRepost: Deallocation.ReleasedRepost,
): Effect.fn.Return<Deallocation.Deallocation, Failure<Deallocation.Command>> {
  const deallocationId = Deallocation.idOf(command)
  if (transfer?._tag === "Adjustment") {
    return yield* new IdInUse({ id: deallocationId, usedBy: "an allocation or adjustment" })
  }
  const terms = transfer?.terms ?? (command._tag === "Reserve" ? command.terms : undefined)
  const events = yield* Deallocation.decide(command, {
    deallocation: transfer,
    connection: terms && draft.connection(terms.connectionId),
    account: terms === undefined ? Account.empty : draft.account(accountKeyOf(terms)),
    releasedRepost,
  })
  let deallocation = transfer
  for (const event of events) {
    // What was decided can be done: if it cannot, the snapshot contradicts itself, a defect.
    deallocation = yield* Effect.orDie(Deallocation.evolve(deallocation, event))
    yield* Effect.orDie(draft.record(deallocation, event, Deallocation.postings[event._tag]))
  }
  return deallocation ?? (yield* Effect.die("A command was decided without a deallocation."))
})

const adjust = Effect.fnUntracedEager(function* (
  draft: Draft,
  command: Adjustment.Command,
  transfer: Transfer | undefined,
): Effect.fn.Return<Adjustment.Adjustment, Failure<Adjustment.Command>> {
  const { adjustmentId, connectionId } = command.terms
  if (transfer !== undefined && transfer._tag !== "Adjustment") {
    return yield* new IdInUse({ id: adjustmentId, usedBy: "a deallocation" })
  }
  const events = yield* Adjustment.decide(command, {
    adjustment: transfer,
    connection: draft.connection(connectionId),
    account: draft.account(accountKeyOf(command.terms)),
  })
  const adjustment = transfer ?? { _tag: "Adjustment", terms: command.terms, createdAt: command.at }
  for (const event of events) {
    yield* Effect.orDie(draft.record(adjustment, event, Adjustment.postings[event._tag]))
  }
  return adjustment
})

/** The snapshot seen through the changes made so far. Lives inside one fold only. */
class Draft implements Changes {
  readonly transfers = new Map<Uuid.Uuid, Transfer>()
  readonly accounts = new Map<AccountId, AccountKey & { readonly account: Account.Account }>()
  readonly nonces = new Map<string, Nonce>()
  readonly entries: Array<Entry> = []
  readonly #snapshot: Snapshot

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  connection(connectionId: Uuid.Uuid): Connection.Connection | undefined {
    return this.#snapshot.connections.get(connectionId)
  }

  transfer(id: Uuid.Uuid): Transfer | undefined {
    return this.transfers.get(id) ?? this.#snapshot.transfers.get(id)
  }

  account(key: AccountId): Account.Account {
    return this.accounts.get(key)?.account ?? this.#snapshot.accounts.get(key) ?? Account.empty
  }

  useNonce(nonce: Nonce): Effect.Effect<void, NonceUsed> {
    if (this.nonces.has(nonce.value) || isUsed(this.#snapshot, nonce)) {
      return Effect.fail(new NonceUsed({ nonce: nonce.value }))
    }
    this.nonces.set(nonce.value, nonce)
    return Effect.void
  }

  /** Posts an event that was decided, with the transfer that it leaves. */
  record(
    transfer: Transfer,
    { _tag: event, at }: Deallocation.Event | Adjustment.Event,
    posting: Account.Posting | undefined,
  ): ReturnType<typeof Account.post> {
    const { connectionId, amount } = transfer.terms
    const { currency, quantity } = amount
    const key = accountKeyOf(transfer.terms)
    const account = this.account(key)
    const posted = posting === undefined ? Effect.succeed(account) : Account.post(account, posting, quantity)
    return Effect.mapEager(posted, (balances) => {
      // Of a rejection too, which moves nothing: every entry stands in an account's journal.
      this.accounts.set(key, { connectionId, currency, account: balances })
      const id = transferId(transfer)
      const previousAt = changedAt(this.transfer(id))
      this.transfers.set(id, transfer)
      this.entries.push({ transferId: id, event, connectionId, currency, quantity, balances, at, previousAt })
      return balances
    })
  }
}
