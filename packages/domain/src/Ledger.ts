/**
 * The ledger: transfers of all kinds on many accounts, the {@link step} that
 * decides one command and does it, and the {@link fold} that decides a list of
 * them in order over a snapshot. There every command sees what the ones before it
 * did and gets an outcome of its own; all together make one set of changes, to be
 * written in one transaction. A batch of concurrent requests is exactly this.
 *
 * The fold is pure: the same snapshot and instructions give the same outcomes
 * and changes, whoever runs it (the in-memory service, the SQL writer, a
 * checker that replays a history).
 */
import { Array as Array_, Brand, DateTime, Effect, Result, Schema, Struct } from "effect"
import * as Account from "./Account.ts"
import * as Adjustment from "./Adjustment.ts"
import * as Allocation from "./Allocation.ts"
import * as Amount from "./Amount.ts"
import * as BaseUnits from "./BaseUnits.ts"
import type * as Connection from "./Connection.ts"
import * as Deallocation from "./Deallocation.ts"
import * as Decider from "./internal/Decider.ts"
import * as Lock from "./Lock.ts"
import * as Transfer_ from "./Transfer.ts"
import * as Uuid from "./Uuid.ts"

/**
 * The rules of each kind of transfer.
 *
 * ```ts
 * import { Ledger } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const ofNetwork = Object.values(Ledger.kinds).filter(({ askedBy }) => askedBy === "network")
 * assert.deepEqual(
 *   ofNetwork.map(({ kind }) => kind),
 *   ["deallocation", "allocation"],
 * )
 * ```
 *
 * @category constants
 */
export const kinds = {
  deallocation: Deallocation.rules,
  allocation: Allocation.rules,
  lock: Lock.rules,
  adjustment: Adjustment.rules,
} as const satisfies { readonly [K in Transfer["kind"]]: Transfer_.Rules & { readonly kind: K } }

/**
 * Anything that moves balance, known by an id from one shared space.
 *
 * `JSON.stringify` knows no bigint: `Schema.toCodecJson` writes what a schema of this
 * library describes with quantities as text, every digit of them, and times as ISO
 * 8601, and reads it back. It serves {@link Entry} as well.
 *
 * ```ts
 * import { BaseUnits, Ledger, Lock } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const Json = Schema.fromJsonString(Schema.toCodecJson(Ledger.Transfer))
 * const lock = Ledger.Transfer.make({
 *   kind: "lock",
 *   terms: Schema.decodeUnknownSync(Lock.Terms)({
 *     id: "018f3f1e-0000-7000-8000-000000000006",
 *     connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *     amount: { currency: "ETH", quantity: BaseUnits.MAX },
 *   }),
 *   state: "Reserved",
 *   createdAt: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 *   updatedAt: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 *
 * const text = Schema.encodeSync(Json)(lock)
 * assert.ok(text.includes(`"quantity":"${2n ** 256n - 1n}"`))
 * assert.deepEqual(Schema.decodeSync(Json)(text), lock)
 * ```
 *
 * @category schemas
 */
export const Transfer = Schema.Union([
  Deallocation.Deallocation,
  Allocation.Allocation,
  Lock.Lock,
  Adjustment.Adjustment,
])

/** @category models */
export type Transfer = typeof Transfer.Type

/**
 * The name of a kind of transfer.
 *
 * @category models
 */
export type Kind = Transfer["kind"]

/**
 * The transfer of a kind that was looked for under an id. Fails with
 * {@link Transfer_.TransferNotFound} where there is none, or one of another kind.
 *
 * ```ts
 * import { Amount, BaseUnits, Ledger, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const terms = { id, connectionId: id, amount }
 * const lock: Ledger.Transfer = { kind: "lock", state: "Reserved", terms, createdAt: at, updatedAt: at }
 * assert.equal(Effect.runSync(Ledger.ofKind("lock", id, lock)), lock)
 * assert.equal(
 *   Effect.runSync(Effect.flip(Ledger.ofKind("deallocation", id, lock))).message,
 *   "There is no deallocation 018f3f1e-0000-7000-8000-000000000003.",
 * )
 * ```
 *
 * @category getters
 */
export const ofKind = <K extends Kind>(
  kind: K,
  id: Uuid.Uuid,
  transfer: Transfer | undefined,
): Effect.Effect<Extract<Transfer, { readonly kind: K }>, Transfer_.TransferNotFound> =>
  transfer !== undefined && isOfKind(transfer, kind)
    ? Effect.succeed(transfer)
    : Effect.fail(new Transfer_.TransferNotFound({ kind, id }))

/**
 * Whether a transfer is of a kind.
 *
 * ```ts
 * import { Amount, BaseUnits, Ledger, Uuid } from "@holdfast/domain"
 * import { DateTime } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const recorded = { terms: { id, connectionId: id, amount }, createdAt: at, updatedAt: at }
 * const transfers: ReadonlyArray<Ledger.Transfer> = [
 *   { ...recorded, kind: "lock", state: "Reserved" },
 *   { ...recorded, kind: "adjustment", state: "Debited", terms: { ...recorded.terms, direction: "debit" } },
 * ]
 * // The type says then which terms there are.
 * const adjustments = transfers.filter((transfer) => Ledger.isOfKind(transfer, "adjustment"))
 * assert.deepEqual(
 *   adjustments.map(({ terms }) => terms.direction),
 *   ["debit"],
 * )
 * ```
 *
 * @category guards
 */
export const isOfKind = <K extends Kind>(
  transfer: Transfer,
  kind: K,
): transfer is Extract<Transfer, { readonly kind: K }> => transfer.kind === kind

/**
 * Anything that can be asked of the ledger.
 *
 * @category models
 */
export type Command = Deallocation.Command | Allocation.Command | Lock.Command | Adjustment.Command

/**
 * Anything that can happen to a transfer.
 *
 * @category models
 */
export type Event = Deallocation.Event | Allocation.Event | Lock.Event | Adjustment.Event

/**
 * A token under which a command may come once (the `jti` of a signed request):
 * a second command with the same one is refused, whatever it asks. After
 * `expiresAt` nobody accepts the token any more, and it may be forgotten.
 *
 * ```ts
 * import { Holdfast, Ledger, MemoryStore, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const nonce = Ledger.Nonce.make({ value: "jti-1", expiresAt: DateTime.makeUnsafe("2126-01-01T00:00:00Z") })
 * const program = Effect.gen(function* () {
 *   const { clear } = yield* Holdfast.Holdfast
 *   const first = yield* Effect.flip(clear("lock", id, nonce))
 *   const second = yield* Effect.flip(clear("lock", id, nonce))
 *   return [first._tag, second._tag]
 * })
 * const outcomes = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.deepEqual(outcomes, ["TransferNotFound", "NonceUsed"])
 * ```
 *
 * @category schemas
 */
export const Nonce = Schema.Struct({
  value: Schema.String.check(Schema.isPattern(/^[^\p{C}]{1,255}$/u, { arbitraryConstraint: { minLength: 1 } })),
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
 * ```ts
 * import { Account, Amount, Ledger, Uuid } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const key = {
 *   connectionId: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001"),
 *   currency: Amount.Currency.make("BTC"),
 * }
 * const accounts = new Map<Ledger.AccountId, Account.Account>([[Ledger.accountKey(key), Account.empty]])
 * assert.equal(accounts.get(Ledger.AccountId.make("018f3f1e-0000-7000-8000-000000000001/BTC")), Account.empty)
 * ```
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
  readonly connections: Pick<ReadonlyMap<Uuid.Uuid, Connection.Connection | Connection.Registered>, "get">
  readonly accounts: Pick<ReadonlyMap<AccountId, Account.Account>, "get">
  readonly transfers: Pick<ReadonlyMap<Uuid.Uuid, Transfer>, "get">
  /** Those that are known to be used. */
  readonly nonces: Pick<ReadonlySet<string>, "has">
  /** Used nonces that expire no later than this may have been forgotten: see {@link isUsed}. */
  readonly forgottenUntil?: DateTime.Utc | undefined
  /** Known codes ({@link Changes}), by what they are when {@link Amount.folded}: at least for credits to empty accounts. */
  readonly currencies?: Pick<ReadonlyMap<string, ReadonlySet<Amount.Currency>>, "get"> | undefined
}

/**
 * One event as it stands in the journal, with the balances after it.
 *
 * ```ts
 * import { Adjustment, Connection, Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const credit = Schema.decodeUnknownSync(Adjustment.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   direction: "credit",
 *   amount: { currency: "BTC", quantity: 5n },
 * })
 * const program = Effect.gen(function* () {
 *   const { register, adjust, journal } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   yield* adjust(credit)
 *   return yield* journal(credit.id)
 * })
 * const [entry] = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.deepEqual([entry?.event, entry?.quantity, entry?.balances.available], ["Credited", 5n, 5n])
 * ```
 *
 * @category schemas
 */
export const Entry = Schema.Struct({
  transferId: Uuid.Uuid,
  event: Transfer_.State,
  connectionId: Uuid.Uuid,
  currency: Amount.Currency,
  quantity: BaseUnits.BaseUnits,
  balances: Account.Account,
  at: Schema.DateTimeUtc,
  /** When the transfer's entry before this one was made, if not when the transfer was: so each can be found from another. */
  previousAt: Schema.optionalKey(Schema.DateTimeUtc),
})

/** @category models */
export type Entry = typeof Entry.Type

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
  /** Codes in which something came in on an account that was empty: known from now on, if they were not before. */
  readonly currencies: ReadonlySet<Amount.Currency>
}

/**
 * The id is in use by a transfer of another kind.
 *
 * ```ts
 * import { Account, Amount, BaseUnits, Deallocation, Ledger, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const amount = { currency: Amount.Currency.make("BTC"), quantity: BaseUnits.BaseUnits.make(2n) }
 * const terms = { id, connectionId: id, amount }
 * const lock: Ledger.Transfer = { kind: "lock", state: "Reserved", terms, createdAt: at, updatedAt: at }
 * const command = Deallocation.Command.cases.Clear.make({ id, at })
 * const cleared = Ledger.step(command, { transfer: lock, connection: undefined, account: Account.empty })
 * assert.equal(
 *   Effect.runSync(Effect.flip(cleared)).message,
 *   "The id 018f3f1e-0000-7000-8000-000000000003 is in use by a lock.",
 * )
 * ```
 *
 * @category errors
 */
export class IdInUse extends Schema.TaggedError<IdInUse>()("IdInUse", {
  id: Uuid.Uuid,
  usedBy: Schema.Literals(Struct.keys(kinds)),
}) {
  override get message() {
    return `The id ${this.id} is in use by ${nouns[this.usedBy]}.`
  }
}

/** Partners book allocations as credits as well. */
const nouns = {
  deallocation: "a deallocation",
  allocation: "an allocation",
  lock: "a lock",
  adjustment: "an allocation or adjustment",
} satisfies Record<Kind, string>

/**
 * The nonce has been used before.
 *
 * ```ts
 * import { Holdfast, MemoryStore } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const nonce = { value: "jti-1", expiresAt: DateTime.makeUnsafe("2126-01-01T00:00:00Z") }
 * const program = Effect.gen(function* () {
 *   const { useNonce } = yield* Holdfast.Holdfast
 *   yield* useNonce(nonce)
 *   return yield* Effect.flip(useNonce(nonce))
 * })
 * const error = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(error.message, 'The nonce "jti-1" has been used before.')
 * ```
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
export type Success<C extends Command = Command> = Extract<Transfer, { readonly kind: C["kind"] }>

/**
 * Why a command can fail. Nothing changes then, but the nonce counts as used.
 *
 * @category models
 */
export type Failure<C extends Command = Command> = NonceUsed | StepFailure<C>

/**
 * Why a {@link step} can fail.
 *
 * @category models
 */
export type StepFailure<C extends Command = Command> =
  | IdInUse
  | (C extends { readonly terms: unknown } ? Transfer_.TermsMismatch : Transfer_.TransferNotFound)
  | (C extends { readonly _tag: "Adjust" } ? never : Transfer_.StateConflict)
  | (C extends { readonly kind: "lock"; readonly terms: unknown }
      ? Connection.ConnectionNotFound | Account.InsufficientBalance
      : C extends Adjustment.Command
        ?
            | Connection.ConnectionNotFound
            | Amount.UnknownCurrency
            | Amount.CurrencyLooksAlike
            | Account.InsufficientBalance
            | BaseUnits.BaseUnitsOverflow
        : never)

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
 * ```ts
 * import { Amount, Ledger, Uuid } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const connectionId = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const [upper, lower] = ["ETH", "eth"].map((code) =>
 *   Ledger.accountKey({ connectionId, currency: Amount.Currency.make(code) }),
 * )
 * assert.equal(upper, "018f3f1e-0000-7000-8000-000000000001/ETH")
 * assert.notEqual(upper, lower)
 * ```
 *
 * @category conversions
 */
export const accountKey = ({ connectionId, currency }: AccountKey): AccountId =>
  // In one piece: what a template puts together is slow to be found in a map.
  accountId([connectionId, currency].join("/"))

const accountId = Brand.nominal<AccountId>()

/**
 * The key of the account that a transfer's terms name.
 *
 * ```ts
 * import { Ledger, Lock } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const terms = Schema.decodeUnknownSync(Lock.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   amount: { currency: "BTC", quantity: 2n },
 * })
 * assert.equal(Ledger.accountKeyOf(terms), "018f3f1e-0000-7000-8000-000000000001/BTC")
 * ```
 *
 * @category conversions
 */
export const accountKeyOf = ({ connectionId, amount }: Transfer["terms"]): AccountId =>
  accountKey({ connectionId, currency: amount.currency })

/**
 * The id of the transfer that a command concerns.
 *
 * ```ts
 * import { Ledger, Lock } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const terms = Schema.decodeUnknownSync(Lock.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   amount: { currency: "BTC", quantity: 2n },
 * })
 * const commands = [
 *   Lock.Command.cases.Reserve.make({ terms, at }),
 *   Lock.Command.cases.Clear.make({ id: terms.id, at }),
 * ]
 * // The first request has its id in its terms, later ones have it by itself.
 * assert.deepEqual(commands.map(Ledger.idOf), [terms.id, terms.id])
 * ```
 *
 * @category getters
 */
export const idOf: (command: Command) => Uuid.Uuid = Decider.idOf

/**
 * Whether no command can change a transfer in this state any more.
 *
 * ```ts
 * import { Ledger } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * assert.ok(Ledger.isTerminal({ kind: "lock", state: "Cleared" }))
 * assert.ok(!Ledger.isTerminal({ kind: "lock", state: "Released" }))
 * assert.ok(Ledger.isTerminal({ kind: "adjustment", state: "Credited" }))
 * ```
 *
 * @category getters
 */
export const isTerminal = ({ kind, state }: { readonly kind: Kind; readonly state: Transfer_.State }): boolean =>
  Decider.isTerminal(kinds[kind], { state })

/**
 * What a {@link step} makes: nothing new where a command is repeated.
 *
 * @category models
 */
export interface Step<C extends Command = Command> {
  readonly events: ReadonlyArray<Extract<Event, { readonly kind: C["kind"] }>>
  readonly transfer: Success<C>
  readonly account: Account.Account
}

/**
 * Decides one command, and does it: the event that it makes, if any, the transfer
 * as it is then, and the account that its terms name. For those who keep transfers
 * and accounts in a store of their own: lock and read the situation, and write
 * what comes of it, in one transaction. The account and the connection are those
 * that the recorded transfer's terms name, or the command's where there is none.
 * Fails with what {@link StepFailure} names for the command, and then nothing changes;
 * a situation that contradicts itself is a defect.
 *
 * ```ts
 * import { Account, BaseUnits, Connection, Ledger, Lock } from "@holdfast/domain"
 * import { DateTime, Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const terms = Schema.decodeUnknownSync(Lock.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000006",
 *   connectionId: connection.connectionId,
 *   amount: { currency: "BTC", quantity: 2n },
 * })
 * const command = { _tag: "Reserve", kind: "lock", terms, at: DateTime.makeUnsafe("2026-01-01T00:00:00Z") } as const
 * const account = { ...Account.empty, available: BaseUnits.BaseUnits.make(5n) }
 *
 * const made = Effect.runSync(Ledger.step(command, { transfer: undefined, connection, account }))
 * assert.deepEqual(made.events.map((event) => event._tag), ["Reserved"])
 * assert.equal(made.transfer.state, "Reserved")
 * assert.deepEqual(made.account, { ...account, available: 3n, locked: 2n })
 * ```
 *
 * @category deciding
 */
export const step = <C extends Command>(
  command: C,
  situation: Transfer_.Situation<Transfer>,
): Effect.Effect<Step<C>, StepFailure<C>> =>
  Effect.suspend(() =>
    Effect.fromResult(
      Result.map(stepped(command, situation), ({ event, ...made }) => ({
        events: Array_.fromNullishOr(event),
        ...made,
      })),
    ),
  )

/** A {@link Step} with its event, of which there is one at most. */
interface Made<C extends Command = Command> extends Omit<Step<C>, "events"> {
  readonly event: Step<C>["events"][number] | undefined
}

const stepped = <C extends Command>(
  command: C,
  situation: Transfer_.Situation<Transfer>,
): Result.Result<Made<C>, StepFailure<C>> => {
  const { transfer } = situation
  const made: Result.Result<Decider.Step, IdInUse | Decider.Failure> =
    transfer !== undefined && transfer.kind !== command.kind
      ? Result.fail(new IdInUse({ id: transfer.terms.id, usedBy: transfer.kind }))
      : Decider.step(kinds[command.kind], command, situation)
  // The rules of a kind make its own events, states and failures; TypeScript does not follow that.
  return made as Result.Result<unknown, unknown> as Result.Result<Made<C>, StepFailure<C>>
}

/** When a transfer was changed, if it was since it was made. */
const changedAt = (transfer: Transfer | undefined): DateTime.Utc | undefined =>
  transfer === undefined || DateTime.Equivalence(transfer.updatedAt, transfer.createdAt)
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
 * const id = Schema.decodeUnknownSync(Uuid.FromString)("018f3f1e-0000-7000-8000-000000000001")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const { outcomes, changes } = Effect.runSync(
 *   Ledger.fold(
 *     { connections: new Map(), accounts: new Map(), transfers: new Map(), nonces: new Set() },
 *     [{ command: { _tag: "Clear", kind: "deallocation", id, at }, nonce: undefined }],
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
  policy: Transfer_.Policy = {},
): Effect.Effect<{ readonly outcomes: Outcomes<Instructions>; readonly changes: Changes }> =>
  // Suspended: what is in the snapshot's maps may change until the program runs.
  Effect.sync(() => {
    const draft = new Draft(snapshot)
    const outcomes = instructions.map((instruction) => execute(draft, instruction, policy))
    // Each command is answered with its own kind of outcome; TypeScript does not follow that.
    return { outcomes: outcomes as ReadonlyArray<unknown> as Outcomes<Instructions>, changes: draft }
  })

const execute = (
  draft: Draft,
  { command, nonce }: Instruction,
  { releasedRepost, suspendedDeallocations, currencies }: Transfer_.Policy,
): Result.Result<Transfer, Failure> => {
  if (nonce !== undefined && !draft.useNonce(nonce)) return Result.fail(new NonceUsed({ nonce: nonce.value }))
  const before = draft.transfer(idOf(command))
  const terms = before?.terms ?? ("terms" in command ? command.terms : undefined)
  const key = terms && accountKeyOf(terms)
  const held = (key && draft.account(key)) ?? Account.empty
  const made = stepped(command, {
    transfer: before,
    connection: terms && draft.connection(terms.connectionId),
    account: held,
    lookalike: terms && mayOpen(command, held) ? draft.lookalike(terms.amount.currency) : undefined,
    releasedRepost,
    suspendedDeallocations,
    currencies,
  })
  if (Result.isFailure(made)) return Result.fail(made.failure)
  const { event, transfer, account } = made.success
  if (event !== undefined && key !== undefined) draft.record(event, transfer, key, account)
  return Result.succeed(transfer)
}

/**
 * Whether a command is a credit to an account that is empty, which may be the first
 * in its currency: a {@link Snapshot} has to know then which codes look alike.
 *
 * ```ts
 * import { Account, Adjustment, BaseUnits, Ledger } from "@holdfast/domain"
 * import { DateTime, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const credit = Adjustment.Command.cases.Adjust.make({
 *   terms: Schema.decodeUnknownSync(Adjustment.Terms)({
 *     id: "018f3f1e-0000-7000-8000-000000000003",
 *     connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *     direction: "credit",
 *     amount: { currency: "BTC", quantity: 5n },
 *   }),
 *   at: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 * })
 * assert.ok(Ledger.mayOpen(credit, Account.empty))
 * assert.ok(!Ledger.mayOpen(credit, { ...Account.empty, available: BaseUnits.BaseUnits.make(1n) }))
 * ```
 *
 * @category folding
 */
export const mayOpen = (command: Command, account: Account.Account): boolean =>
  command._tag === "Adjust" &&
  command.terms.direction === "credit" &&
  command.newCurrency !== true &&
  Account.isEmpty(account)

/** The snapshot seen through the changes made so far. Lives inside one fold only. */
class Draft implements Changes {
  readonly transfers = new Map<Uuid.Uuid, Transfer>()
  readonly accounts = new Map<AccountId, AccountKey & { readonly account: Account.Account }>()
  readonly nonces = new Map<string, Nonce>()
  readonly entries: Array<Entry> = []
  readonly currencies = new Set<Amount.Currency>()
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

  account(key: AccountId): Account.Account | undefined {
    return this.accounts.get(key)?.account ?? this.#snapshot.accounts.get(key)
  }

  /** A code that is known and looks like this one, which is not. */
  lookalike(currency: Amount.Currency): Amount.Currency | undefined {
    const like = Amount.folded(currency)
    const known = new Set(this.#snapshot.currencies?.get(like))
    for (const currency of this.currencies) if (Amount.folded(currency) === like) known.add(currency)
    return known.has(currency) ? undefined : known.values().next().value
  }

  /** Whether the nonce was unused until now. */
  useNonce(nonce: Nonce): boolean {
    if (this.nonces.has(nonce.value) || isUsed(this.#snapshot, nonce)) return false
    this.nonces.set(nonce.value, nonce)
    return true
  }

  /** Records an event with the transfer and the account that it leaves. */
  record({ _tag: event, at }: Event, transfer: Transfer, key: AccountId, balances: Account.Account): void {
    const { id, connectionId, amount } = transfer.terms
    const { currency, quantity } = amount
    const comesIn = (kinds[transfer.kind].postings as Transfer_.Rules["postings"])[event]?.from === "outside"
    if (comesIn && Account.isEmpty(this.account(key) ?? Account.empty)) this.currencies.add(currency)
    // Of a rejection too, which moves nothing: every entry stands in an account's journal.
    this.accounts.set(key, { connectionId, currency, account: balances })
    const entry = { transferId: id, event, connectionId, currency, quantity, balances, at }
    const previousAt = changedAt(this.transfer(id))
    this.transfers.set(id, transfer)
    this.entries.push(previousAt === undefined ? entry : { ...entry, previousAt })
  }
}
