/**
 * What people at the partner's did: who asked for a change, when, why, and what
 * became of it. It says nothing of balances, which the journal does; it is for
 * whoever has to answer for a change.
 *
 * An action is recorded before it is begun, and concluded afterwards. One without
 * an outcome was begun, and its end is unknown: look at what it was about.
 */
import { Context, type DateTime, Effect, Layer, Redacted, Schema } from "effect"
import { layerWebCrypto, SecureRandom } from "effect/crypto/SecureRandom"
import * as Store from "./Store.ts"
import * as Uuid from "./Uuid.ts"

/** Text of at most so many characters that PostgreSQL can hold. */
const text = (maximum: number) =>
  Schema.String.check(Schema.isMaxLength(maximum), Schema.isPattern(/^[^\0]*$/, { expected: "text without NUL" }))

/**
 * What somebody asked for.
 *
 * ```ts
 * import { Action } from "@holdfast/domain/OperatorsLog"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const json = Schema.toCodecJson(Action)
 * const id = "018f3f1e-0000-7000-8000-000000000001"
 * const action = { id, at: "2026-01-01T00:00:00.000Z", operator: "anna", role: "admin", action: "PUT /operator/v1/locks" }
 * assert.deepEqual(Schema.encodeSync(json)(Schema.decodeUnknownSync(json)(action)), action)
 * ```
 *
 * @category schemas
 */
export const Action = Schema.Struct({
  id: Uuid.Uuid,
  at: Schema.DateTimeUtc,
  /** The operator's name. */
  operator: text(64),
  role: text(16),
  /** What was to be done, and to what. */
  action: text(512),
  /** Why, in the operator's words. */
  reason: Schema.optionalKey(text(500)),
})

/** @category models */
export type Action = typeof Action.Type

/**
 * An action, and what became of it where that is known.
 *
 * @category models
 */
export interface Recorded extends Action {
  readonly outcome?: string
}

/**
 * What keeps the log.
 *
 * @category models
 */
export interface OperatorsLog {
  /**
   * 32 bytes that nobody guesses, the same for all servers that share the log: sessions of operators' browsers are sealed
   * with them.
   */
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  /** Records an action that is about to begin. Fails where it cannot: then it must not begin. */
  readonly begin: (action: Action) => Effect.Effect<void, Store.Unavailable>
  /** Records what became of it. */
  readonly conclude: (id: Uuid.Uuid, at: DateTime.Utc, outcome: string) => Effect.Effect<void, Store.Unavailable>
  /** Newest first, after the action with the id of the last page's last. */
  readonly list: (query: {
    readonly limit: number
    readonly cursor?: Uuid.Uuid | undefined
  }) => Effect.Effect<Store.Page<Recorded, Uuid.Uuid>, Store.Unavailable>
}

const random32 = Effect.flatMap(SecureRandom, ({ randomBytes }) => randomBytes(32)).pipe(Effect.provide(layerWebCrypto))

/**
 * A log in memory, of the latest so many actions.
 *
 * ```ts
 * import * as OperatorsLog from "@holdfast/domain/OperatorsLog"
 * import { Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const log = OperatorsLog.inMemory(10)
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const program = Effect.gen(function* () {
 *   yield* log.begin({ id, at, operator: "anna", role: "operate", action: "release lock", reason: "order 7 is void" })
 *   yield* log.conclude(id, at, "done")
 *   return yield* log.list({ limit: 1 })
 * })
 * assert.equal(Effect.runSync(program).items[0]?.outcome, "done")
 * ```
 *
 * @category constructors
 */
export const inMemory = (size: number): OperatorsLog => {
  const actions: Array<Recorded> = []
  return {
    sessionKey: Redacted.make(Effect.runSync(random32)),
    begin: (action) =>
      Effect.sync(() => {
        actions.unshift(action)
        actions.length = Math.min(actions.length, size)
      }),
    conclude: (id, _, outcome) =>
      Effect.sync(() => {
        const index = actions.findIndex((action) => action.id === id)
        const action = actions[index]
        if (action !== undefined) actions[index] = { ...action, outcome }
      }),
    list: ({ limit, cursor }) =>
      Effect.sync(() => {
        const from = cursor === undefined ? 0 : actions.findIndex(({ id }) => id === cursor) + 1
        return Store.page(actions.slice(from), limit, ({ id }) => id)
      }),
  }
}

/**
 * The log at hand: in memory, and gone with the process, unless a store brings its own.
 *
 * ```ts
 * import * as OperatorsLog from "@holdfast/domain/OperatorsLog"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const listed = Effect.flatMap(OperatorsLog.OperatorsLog, ({ list }) => list({ limit: 1 }))
 * assert.deepEqual(Effect.runSync(listed).items, [])
 * ```
 *
 * @category services
 */
export const OperatorsLog = Context.Reference<OperatorsLog>("@holdfast/domain/OperatorsLog", {
  defaultValue: () => inMemory(10_000),
})

/**
 * Has this log used.
 *
 * ```ts
 * import * as OperatorsLog from "@holdfast/domain/OperatorsLog"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const log = OperatorsLog.inMemory(1)
 * const used = Effect.provide(Effect.gen(function* () {
 *   return yield* OperatorsLog.OperatorsLog
 * }), OperatorsLog.layer(log))
 * assert.equal(Effect.runSync(used), log)
 * ```
 *
 * @category layers
 */
export const layer = (log: OperatorsLog): Layer.Layer<never> => Layer.succeed(OperatorsLog, log)
