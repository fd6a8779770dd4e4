/**
 * Connections: one client account on the partner's platform, known by four
 * identifiers, two of the network's and two of the partner's. They belong
 * together: a request that names another combination is refused.
 *
 * A connection comes about on the partner's word, or on the network's: that shows
 * a token, which the partner had given to the client for one of its accounts.
 */
import { DateTime, Result, Schema, Struct } from "effect"
import * as Difference from "./Difference.ts"
import * as Parsing from "./internal/parsing.ts"
import * as Uuid from "./Uuid.ts"

/**
 * An identifier that the partner chose: up to 256 characters of well-formed
 * Unicode without NUL (what PostgreSQL's `text` can hold), compared exactly.
 *
 * ```ts
 * import { Connection } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isPartnerId = Schema.is(Connection.PartnerId)
 * assert.ok(isPartnerId("Account 7 · Zürich"))
 * assert.ok(isPartnerId(""))
 * assert.ok(!isPartnerId("a".repeat(257)))
 * ```
 *
 * @category schemas
 */
export const PartnerId = Schema.String.check(
  Schema.makeFilter((text: string) =>
    text.length > 256
      ? `Expected at most 256 characters. Got ${text.length}.`
      : !text.isWellFormed() || text.includes("\0")
        ? "Expected well-formed Unicode without NUL."
        : undefined,
  ),
)

/**
 * The four identifiers of a connection.
 *
 * ```ts
 * import { Connection } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018F3F1E-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * assert.equal(connection.connectionId, "018f3f1e-0000-7000-8000-000000000001")
 * ```
 *
 * @category schemas
 */
export const Connection = Schema.Struct({
  /** The network's id of the connection. */
  connectionId: Uuid.FromString,
  /** The network's id of the client. */
  clientId: Uuid.FromString,
  /** The partner's id of the connection; not empty. */
  partnersConnectionId: PartnerId.check(Schema.isNonEmpty()),
  /** The partner's id of the client; may be empty. */
  partnerClientId: PartnerId,
}).pipe(Parsing.telling)

/** @category models */
export type Connection = typeof Connection.Type

/**
 * A connection as it is registered. While it is suspended no new allocation is
 * taken; whether deallocations are, {@link Transfer.Policy} says. What was
 * reserved before is cleared or released all the same.
 *
 * ```ts
 * import { Connection, Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const program = Effect.gen(function* () {
 *   const { register, suspend } = yield* Holdfast.Holdfast
 *   assert.deepEqual(yield* register(connection), { ...connection, suspended: false })
 *   return yield* suspend(connection.connectionId, true)
 * })
 * const registered: Connection.Registered = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(registered.suspended, true)
 * ```
 *
 * @category schemas
 */
export const Registered = Schema.Struct({ ...Connection.fields, suspended: Schema.Boolean })

/** @category models */
export type Registered = typeof Registered.Type

/**
 * Whether a connection is suspended; one of which nothing is said is not.
 *
 * ```ts
 * import { Connection, Uuid } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const connection = { connectionId: id, clientId: id, partnersConnectionId: "account-7", partnerClientId: "" }
 * assert.ok(!Connection.isSuspended(connection))
 * assert.ok(Connection.isSuspended({ ...connection, suspended: true }))
 * ```
 *
 * @category getters
 */
export const isSuspended = (connection: Connection | Registered): boolean =>
  "suspended" in connection && connection.suspended

/**
 * A connection that nobody registered.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const program = Effect.flatMap(Holdfast.Holdfast, ({ connection }) => Effect.flip(connection(id)))
 * const error = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(error.message, "There is no connection 018f3f1e-0000-7000-8000-000000000001.")
 * ```
 *
 * @category errors
 */
export class ConnectionNotFound extends Schema.TaggedError<ConnectionNotFound>()("ConnectionNotFound", {
  connectionId: Uuid.Uuid,
}) {
  override get message() {
    return `There is no connection ${this.connectionId}.`
  }
}

/**
 * A connection that is registered with other identifiers.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const connection = {
 *   connectionId: id,
 *   clientId: id,
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * }
 * const program = Effect.gen(function* () {
 *   const { register } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   // The same again is no conflict.
 *   yield* register(connection)
 *   return yield* Effect.flip(register({ ...connection, partnerClientId: "client-4" }))
 * })
 * assert.equal(
 *   Effect.runSync(Effect.provide(program, MemoryStore.layer())).message,
 *   "Connection 018f3f1e-0000-7000-8000-000000000001 is registered with partnerClientId client-3, not client-4.",
 * )
 * ```
 *
 * @category errors
 */
export class ConnectionConflict extends Schema.TaggedError<ConnectionConflict>()("ConnectionConflict", {
  connectionId: Uuid.Uuid,
  differences: Schema.Array(Difference.Difference),
}) {
  override get message() {
    return `Connection ${this.connectionId} is registered with ${Difference.describe(this.differences)}.`
  }
}

/**
 * A connection on which nothing new can be asked for, until it is resumed. A
 * request of the network's does not fail with it: it is recorded as rejected, with
 * the reason `CONNECTION_SUSPENDED`.
 *
 * ```ts
 * import { Allocation, Connection, Holdfast, MemoryStore } from "@holdfast/domain"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018f3f1e-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * const terms = Schema.decodeUnknownSync(Allocation.Terms)({
 *   id: "018f3f1e-0000-7000-8000-000000000003",
 *   amount: { currency: "BTC", quantity: 5n },
 *   ...connection,
 * })
 * const program = Effect.gen(function* () {
 *   const { register, suspend, reserve } = yield* Holdfast.Holdfast
 *   yield* register(connection)
 *   yield* suspend(connection.connectionId, true)
 *   return yield* reserve("allocation", terms)
 * })
 * const allocation = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(allocation.state === "Rejected" && allocation.reason, "CONNECTION_SUSPENDED")
 * const error = new Connection.ConnectionSuspended({ connectionId: connection.connectionId })
 * assert.equal(error.message, "Connection 018f3f1e-0000-7000-8000-000000000001 is suspended.")
 * ```
 *
 * @category errors
 */
export class ConnectionSuspended extends Schema.TaggedError<ConnectionSuspended>()("ConnectionSuspended", {
  connectionId: Uuid.Uuid,
}) {
  override get message() {
    return `Connection ${this.connectionId} is suspended.`
  }
}

const identifiers = Struct.keys(Connection.fields)

/**
 * The identifiers in which a value differs from a connection: of all, or of those
 * that are among some fields.
 *
 * ```ts
 * import { Connection, Uuid } from "@holdfast/domain"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const recorded = { connectionId: id, clientId: id, partnersConnectionId: "account-7", partnerClientId: "client-3" }
 * assert.deepEqual(Connection.differences(recorded, { ...recorded, partnersConnectionId: "account-8" }), [
 *   { field: "partnersConnectionId", recorded: "account-7", repeated: "account-8" },
 * ])
 * ```
 *
 * @category comparing
 */
export const differences = (
  recorded: Connection,
  repeated: Partial<Connection>,
  fields: object = Connection.fields,
): ReadonlyArray<Difference.Difference> => {
  const differing: Array<Difference.Difference> = []
  for (const field of identifiers) {
    if (repeated[field] !== recorded[field] && field in fields) {
      differing.push({ field, recorded: recorded[field], repeated: repeated[field] ?? null })
    }
  }
  return differing
}

/**
 * A token that the partner issued for one of its accounts. It works once, and
 * until it expires or is revoked. Of its text nothing is kept but a hash.
 *
 * ```ts
 * import { Connection, Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 * import { hash } from "node:crypto"
 *
 * const secret = "a-token-that-nobody-guesses"
 * const token = Connection.Token.make({
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000009"),
 *   hash: hash("sha256", secret),
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 *   issuedAt: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 *   expiresAt: DateTime.makeUnsafe("2126-01-01T00:00:00Z"),
 * })
 * const program = Effect.gen(function* () {
 *   const { issueToken, connect } = yield* Holdfast.Holdfast
 *   yield* issueToken(token)
 *   return yield* connect({
 *     connectionId: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001"),
 *     clientId: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000002"),
 *     tokenHash: hash("sha256", secret),
 *   })
 * })
 * const connection = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(connection.partnersConnectionId, "account-7")
 * ```
 *
 * @category schemas
 */
export const Token = Schema.Struct({
  id: Uuid.Uuid,
  /** SHA-256 over the UTF-8 of its text, in lower-case hexadecimal. */
  hash: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  /** The account that it is for. */
  ...Struct.pick(Connection.fields, ["partnersConnectionId", "partnerClientId"]),
  issuedAt: Schema.DateTimeUtc,
  expiresAt: Schema.DateTimeUtc,
  revokedAt: Schema.optionalKey(Schema.DateTimeUtc),
  /** The connection that came of it. */
  usedBy: Schema.optionalKey(Uuid.Uuid),
})

/** @category models */
export type Token = typeof Token.Type

/**
 * What the network asks for a connection with. What cannot be a token has no hash.
 *
 * @category models
 */
export interface Request {
  readonly connectionId: Uuid.Uuid
  readonly clientId: Uuid.Uuid
  readonly tokenHash: string | undefined
}

/**
 * The token is unknown, used, revoked or expired: which of them is not for whoever shows it.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 * import { hash } from "node:crypto"
 *
 * const request = {
 *   connectionId: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001"),
 *   clientId: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000002"),
 *   tokenHash: hash("sha256", "a token that nobody issued"),
 * }
 * const program = Effect.flatMap(Holdfast.Holdfast, ({ connect }) => Effect.flip(connect(request)))
 * const error = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(error.message, "The connection token is unknown, used, revoked or expired.")
 * ```
 *
 * @category errors
 */
export class TokenRefused extends Schema.TaggedError<TokenRefused>()("TokenRefused", {}) {
  override get message() {
    return "The connection token is unknown, used, revoked or expired."
  }
}

/**
 * A connection came of the token: it cannot be revoked any more.
 *
 * ```ts
 * import { Connection, Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { DateTime, Effect } from "effect"
 * import assert from "node:assert/strict"
 * import { hash } from "node:crypto"
 *
 * const token = Connection.Token.make({
 *   id: Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000009"),
 *   hash: hash("sha256", "a-token-that-nobody-guesses"),
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 *   issuedAt: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
 *   expiresAt: DateTime.makeUnsafe("2126-01-01T00:00:00Z"),
 * })
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000001")
 * const program = Effect.gen(function* () {
 *   const { issueToken, connect, revokeToken } = yield* Holdfast.Holdfast
 *   yield* issueToken(token)
 *   yield* connect({ connectionId: id, clientId: id, tokenHash: token.hash })
 *   return yield* Effect.flip(revokeToken(token.id))
 * })
 * assert.equal(
 *   Effect.runSync(Effect.provide(program, MemoryStore.layer())).message,
 *   `The connection token ${token.id} was used: the connection ${id} came of it.`,
 * )
 * ```
 *
 * @category errors
 */
export class TokenUsed extends Schema.TaggedError<TokenUsed>()("TokenUsed", { id: Uuid.Uuid, usedBy: Uuid.Uuid }) {
  override get message() {
    return `The connection token ${this.id} was used: the connection ${this.usedBy} came of it.`
  }
}

/**
 * There is no such token.
 *
 * ```ts
 * import { Holdfast, MemoryStore, Uuid } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000009")
 * const program = Effect.flatMap(Holdfast.Holdfast, ({ revokeToken }) => Effect.flip(revokeToken(id)))
 * const error = Effect.runSync(Effect.provide(program, MemoryStore.layer()))
 * assert.equal(error.message, "There is no connection token 018f3f1e-0000-7000-8000-000000000009.")
 * ```
 *
 * @category errors
 */
export class TokenNotFound extends Schema.TaggedError<TokenNotFound>()("TokenNotFound", { id: Uuid.Uuid }) {
  override get message() {
    return `There is no connection token ${this.id}.`
  }
}

/**
 * The partner's account has a connection already: it can have no other.
 *
 * ```ts
 * import { Connection, Uuid } from "@holdfast/domain"
 * import { DateTime, Result } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000009")
 * const [issuedAt, now, expiresAt] = [1, 2, 3].map((day) => DateTime.makeUnsafe({ year: 2026, month: 1, day }))
 * assert.ok(issuedAt && now && expiresAt)
 * const account = { partnersConnectionId: "account-7", partnerClientId: "client-3" }
 * const token = { id, hash: "0".repeat(64), ...account, issuedAt, expiresAt }
 * const request = { connectionId: id, clientId: id, tokenHash: token.hash }
 * const made = Connection.connect(request, { recorded: undefined, token, isConnected: true, now })
 * assert.ok(Result.isFailure(made))
 * assert.equal(made.failure.message, "The account account-7 has a connection.")
 * ```
 *
 * @category errors
 */
export class AccountConnected extends Schema.TaggedError<AccountConnected>()("AccountConnected", {
  partnersConnectionId: Schema.String,
}) {
  override get message() {
    return `The account ${this.partnersConnectionId} has a connection.`
  }
}

/**
 * Why a connection cannot be had for a token.
 *
 * @category models
 */
export type ConnectFailure = ConnectionConflict | TokenRefused | AccountConnected

/**
 * Decides a request for a connection, on what is recorded: the connection with
 * its id, the token, and whether the token's account has a connection. The same
 * connection again is itself, whatever became of the token. An account without a
 * connection has no assets here, because balances belong to connections. Fails with
 * {@link ConnectionConflict}, {@link TokenRefused} or {@link AccountConnected}.
 *
 * ```ts
 * import { Connection, Uuid } from "@holdfast/domain"
 * import { DateTime, Result, Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const decode = Schema.decodeSync(Uuid.FromString)
 * const request = {
 *   connectionId: decode("018f3f1e-0000-7000-8000-000000000001"),
 *   clientId: decode("018f3f1e-0000-7000-8000-000000000002"),
 *   tokenHash: "0".repeat(64),
 * }
 * const now = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
 * const made = Connection.connect(request, { recorded: undefined, token: undefined, isConnected: false, now })
 * assert.ok(Result.isFailure(made) && made.failure._tag === "TokenRefused")
 * ```
 *
 * @category deciding
 */
export const connect = (
  { connectionId, clientId }: Request,
  {
    recorded,
    token,
    isConnected,
    now,
  }: {
    readonly recorded: Registered | undefined
    readonly token: Token | undefined
    readonly isConnected: boolean
    readonly now: DateTime.Utc
  },
): Result.Result<Registered, ConnectFailure> => {
  if (recorded !== undefined) {
    const differing = differences(recorded, { ...recorded, clientId })
    return differing.length === 0
      ? Result.succeed(recorded)
      : Result.fail(new ConnectionConflict({ connectionId, differences: differing }))
  }
  if (token === undefined || !isGood(token, now)) return Result.fail(new TokenRefused())
  const { partnersConnectionId, partnerClientId } = token
  if (isConnected) return Result.fail(new AccountConnected({ partnersConnectionId }))
  return Result.succeed({ connectionId, clientId, partnersConnectionId, partnerClientId, suspended: false })
}

const isGood = ({ usedBy, revokedAt, expiresAt }: Token, now: DateTime.Utc) =>
  usedBy === undefined && revokedAt === undefined && DateTime.isLessThan(now, expiresAt)
