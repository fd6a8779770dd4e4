/**
 * The service: what moves, under its ids, over a store that keeps it.
 *
 * Every command may be sent again, under the same id, until it is answered:
 * however often it is sent, it acts once. A rejection is a success of the call,
 * with a transfer in state `Rejected`.
 */
import { Context, DateTime, Duration, Effect, Layer, type Scope, type Stream } from "effect"
import { layerWebCrypto, SecureRandom } from "effect/crypto/SecureRandom"
import type * as Adjustment from "./Adjustment.ts"
import * as Feed from "./internal/Feed.ts"
import type * as Ledger from "./Ledger.ts"
import * as Store from "./Store.ts"
import type * as Uuid from "./Uuid.ts"

/**
 * The kinds of transfers that are reserved first, then cleared or released.
 *
 * @category models
 */
export type TwoPhaseKind = Exclude<Ledger.Kind, "adjustment">

/** The command of a kind. */
type Of<Kind extends TwoPhaseKind, Request extends Ledger.Command["_tag"]> = Extract<
  Ledger.Command,
  { readonly kind: Kind; readonly _tag: Request }
>

/** Settles a transfer of a kind, as one request does. */
type Settle<Request extends "Clear" | "Release"> = <Kind extends TwoPhaseKind>(
  kind: Kind,
  id: Uuid.Uuid,
  nonce?: Ledger.Nonce,
) => Store.Execution<Of<Kind, Request>>

/**
 * What a platform does: registers connections, moves base units on their
 * accounts, and looks at what became of it.
 *
 * ```ts
 * import { Connection, Deallocation, Holdfast, Lock, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const amount = { currency: "BTC", quantity: 2n }
 * const order = Schema.decodeUnknownSync(Lock.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   connectionId: connection.connectionId,
 *   amount,
 * })
 * const withdrawal = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000004",
 *   ...connection,
 *   amount,
 * })
 * const program = Effect.gen(function* () {
 *   const { register, reserve } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   // The account is empty. What the partner asks for fails; what the network asks for is recorded as rejected.
 *   const refused = yield* Effect.flip(reserve("lock", order))
 *   const rejected = yield* reserve("deallocation", withdrawal)
 *   return [refused._tag, rejected.state]
 * })
 * const outcomes = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.deepEqual(outcomes, ["InsufficientBalance", "Rejected"])
 * ```
 *
 * @category services
 */
export class Holdfast extends Context.Service<
  Holdfast,
  Omit<Store.Store, "execute"> & {
    /**
     * Reserves an amount. A request of the network's that cannot be met is recorded as rejected; a lock fails. The
     * partner's id of what the network asks for is drawn, if none is given.
     */
    readonly reserve: <Kind extends TwoPhaseKind>(
      kind: Kind,
      terms: Of<Kind, "Reserve">["terms"],
      nonce?: Ledger.Nonce,
      partnerTransferId?: string,
    ) => Store.Execution<Of<Kind, "Reserve">>
    /** Completes what was reserved. */
    readonly clear: Settle<"Clear">
    /** Takes back what was reserved. */
    readonly release: Settle<"Release">
    /** Credits or debits available balance. */
    readonly adjust: (
      terms: Adjustment.Terms,
      options?: { readonly newCurrency?: boolean },
    ) => Store.Execution<Adjustment.Command>
    /**
     * The journal of all accounts, from after a place or from the beginning, and then whatever is added to it: each
     * entry once, in an order that stays. Looks for more every so often (every 500 ms unless it is said), once for all
     * who follow it so.
     */
    readonly follow: (
      after?: Store.Place,
      options?: { readonly every?: Duration.Input },
    ) => Stream.Stream<Store.Placed, Store.PlaceNotFound | Store.Unavailable>
  }
>()("@holdfast/domain/Holdfast") {}

/**
 * Hears of each command that succeeds whether it acted. An equal repeat did not: it is answered as the first was. A store
 * that acts answers with the command's own time, the very same object, as `updatedAt`.
 *
 * ```ts
 * import { Deallocation, Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 2n },
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const heard: Array<boolean> = []
 * const program = Effect.gen(function* () {
 *   const { reserve } = yield* Holdfast.Holdfast
 *   yield* reserve("deallocation", terms)
 *   yield* reserve("deallocation", terms)
 * }).pipe(Effect.provideService(Holdfast.Acted, (acted) => heard.push(acted)))
 * Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * // The first was recorded as rejected, as nobody registered the connection; the second asked the same again.
 * assert.deepEqual(heard, [true, false])
 * ```
 *
 * @category services
 */
export const Acted = Context.Reference<(acted: boolean) => void>("@holdfast/domain/Holdfast/Acted", {
  defaultValue: () => () => {},
})

/**
 * The service over a store. Times come from the `Clock`, ids from
 * `SecureRandom`, once per command. What it reads is asked of the store only with
 * queries that are such: any other (a limit of 0, say) is a defect that names the
 * field and the value. Decode what comes from outside: with {@link Store.Query}.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { Effect, Layer } from "effect"
 * import { layerWebCrypto } from "effect/crypto/SecureRandom"
 * import assert from "node:assert/strict"
 *
 * // A store that says what it was asked, over the one in memory.
 * const asked: Array<string> = []
 * const layer = Layer.effect(
 *   Holdfast.Holdfast,
 *   Effect.flatMap(MemoryStore.make(), ({ store }) =>
 *     Holdfast.make({
 *       ...store,
 *       execute: (instruction) => {
 *         asked.push(`${instruction.command._tag} ${instruction.command.kind}`)
 *         return store.execute(instruction)
 *       },
 *     }),
 *   ),
 * ).pipe(Layer.provide(layerWebCrypto))
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const program = Effect.flatMap(Holdfast.Holdfast, ({ clear }) => Effect.flip(clear("lock", id)))
 * assert.equal(Effect.runSync(Effect.provide(program, layer))._tag, "TransferNotFound")
 * assert.deepEqual(asked, ["Clear lock"])
 * ```
 *
 * @category constructors
 */
export const make = Effect.fnUntraced(function* ({ execute, ...reads }: Store.Store) {
  const random = yield* SecureRandom

  /** Executes a command of this moment. A kind's commands are made of what its requests say; TypeScript does not follow that. */
  const ask = <C extends Ledger.Command>(said: object, nonce?: Ledger.Nonce): Store.Execution<C> =>
    Effect.flatMap(DateTime.now, (at) =>
      Effect.flatMap(Acted, (hear) =>
        Effect.map(execute({ command: { ...said, at } as unknown as C, nonce }), (transfer) => {
          hear(transfer.updatedAt === at)
          return transfer
        }),
      ),
    )

  const entries: Store.Store["entries"] = (after, limit) =>
    Effect.suspend(() => reads.entries(after === undefined ? after : Store.Place.make(after), Store.Limit.make(limit)))

  const entriesBefore: Store.Store["entriesBefore"] = (before, limit) =>
    Effect.suspend(() =>
      reads.entriesBefore(before === undefined ? before : Store.Place.make(before), Store.Limit.make(limit)),
    )

  const follow = yield* Feed.make(entries)

  return Holdfast.of({
    ...reads,
    connections: (query) => Effect.suspend(() => reads.connections(Store.ConnectionQuery.make(query))),
    tokens: (query) => Effect.suspend(() => reads.tokens(Store.TokenQuery.make(query))),
    list: (kind, query) => Effect.suspend(() => reads.list(kind, Store.Query.make(query))),
    entries,
    entriesBefore,
    // Of what the partner itself asks for the id is left out: it has one already.
    reserve: <Kind extends TwoPhaseKind>(
      kind: Kind,
      terms: Of<Kind, "Reserve">["terms"],
      nonce: Ledger.Nonce | undefined,
      given: string | undefined,
    ) =>
      Effect.flatMap(given === undefined ? random.uuidV7() : Effect.succeed(given), (partnerTransferId) =>
        ask<Of<Kind, "Reserve">>({ _tag: "Reserve", kind, terms, partnerTransferId }, nonce),
      ),
    clear: <Kind extends TwoPhaseKind>(kind: Kind, id: Uuid.Uuid, nonce: Ledger.Nonce | undefined) =>
      ask<Of<Kind, "Clear">>({ _tag: "Clear", kind, id }, nonce),
    release: <Kind extends TwoPhaseKind>(kind: Kind, id: Uuid.Uuid, nonce: Ledger.Nonce | undefined) =>
      ask<Of<Kind, "Release">>({ _tag: "Release", kind, id }, nonce),
    adjust: (terms, { newCurrency = false } = {}) =>
      ask<Adjustment.Command>({
        _tag: "Adjust",
        kind: "adjustment",
        terms,
        ...(newCurrency ? { newCurrency } : {}),
      }),
    follow: (after, { every = "500 millis" } = {}) => follow(after, Duration.fromInputUnsafe(every)),
  })
})

/**
 * The service over a store of your own, with the randomness of the platform.
 *
 * ```ts
 * import { Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * // Yours in place of this one.
 * const store = Effect.map(MemoryStore.make(), ({ store }) => store)
 * const program = Effect.flatMap(Holdfast.Holdfast, ({ totals }) => totals)
 * assert.deepEqual(Effect.runSync(Effect.provide(program, Holdfast.layer(store))), [])
 * ```
 *
 * @category layers
 */
export const layer = <E, R>(
  store: Effect.Effect<Store.Store, E, R>,
): Layer.Layer<Holdfast, E, Exclude<Exclude<R, Scope.Scope>, SecureRandom>> =>
  Layer.effect(Holdfast, Effect.flatMap(store, make)).pipe(Layer.provide(layerWebCrypto))
