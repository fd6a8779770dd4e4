/**
 * A system under test, whatever it is made of: a store, or a server behind a
 * wire. Its outcomes are plain values that any of them can produce, so that one
 * property and the same races run unchanged on each.
 */
import { DateTime, Effect, Schema } from "effect"
import { uuidV4Unsafe } from "effect/crypto/SecureRandom"
import * as Adjustment from "../Adjustment.ts"
import * as Amount from "../Amount.ts"
import * as Connection from "../Connection.ts"
import * as Deallocation from "../Deallocation.ts"
import type * as Holdfast from "../Holdfast.ts"
import type * as Ledger from "../Ledger.ts"
import * as Lock from "../Lock.ts"
import type * as Store from "../Store.ts"
import * as Uuid from "../Uuid.ts"
import type * as Model from "./Model.ts"

/**
 * What an answer of a system adds to the model's: the id that the partner gave what the network asked for.
 *
 * @category models
 */
export type Real<A> = A & { readonly partnerTransferId?: string }

/**
 * What a list shows of a transfer: also when it was first asked for, as ISO 8601 text.
 *
 * @category models
 */
export type Listed = Real<Model.Shown> & { readonly createdAt: string }

/**
 * What a system does. Where nothing was answered (no database, say) the effect
 * dies: that is no outcome.
 *
 * @category models
 */
export interface System {
  readonly register: (connection: Model.Connection) => Effect.Effect<Model.Outcome<"registered">>
  readonly connect: (request: Model.Connecting) => Effect.Effect<Model.Outcome<"registered">>
  /** The text of a new token. */
  readonly issueToken: (account: Model.Account) => Effect.Effect<string>
  /** By its text. */
  readonly revokeToken: (token: string) => Effect.Effect<void>
  readonly suspend: (connectionId: string, suspended: boolean) => Effect.Effect<Model.Outcome<"suspended" | "resumed">>
  readonly adjust: (adjustment: Model.Adjustment, newCurrency?: boolean) => Effect.Effect<Model.Outcome<"adjusted">>
  readonly reserve: (terms: Model.Terms) => Effect.Effect<Model.Outcome<Real<Model.Answer>>>
  readonly clear: (reference: Model.Reference) => Effect.Effect<Model.Outcome<Real<Model.Answer>>>
  readonly release: (reference: Model.Reference) => Effect.Effect<Model.Outcome<Real<Model.Answer>>>
  readonly find: (reference: Model.Reference) => Effect.Effect<Model.Outcome<Real<Model.Shown>>>
  /** All pages of that size, one after another, newest first. A list that repeats itself may have no end: it is cut short. */
  readonly list: (query: Model.Query, limit: number) => Effect.Effect<ReadonlyArray<ReadonlyArray<Listed>>>
  readonly connection: (connectionId: string) => Effect.Effect<Model.Outcome<Model.Registered>>
}

/**
 * The pages of a list, until one has no next or something comes again.
 *
 * @category constructors
 */
export const pagesOf = Effect.fnUntraced(function* <A, C, E, R>(
  page: (
    cursor: C | undefined,
  ) => Effect.Effect<{ readonly items: ReadonlyArray<A>; readonly next: C | undefined }, E, R>,
  idOf: (item: A) => string,
): Effect.fn.Return<ReadonlyArray<ReadonlyArray<A>>, E, R> {
  const pages: Array<ReadonlyArray<A>> = []
  const seen = new Set<string>()
  for (let cursor: C | undefined; ; ) {
    const { items, next } = yield* page(cursor)
    pages.push(items)
    const isNew = items.every((item) => !seen.has(idOf(item)))
    for (const item of items) seen.add(idOf(item))
    if (next === undefined || !isNew || items.length === 0) return pages
    cursor = next
  }
})

/**
 * The domain's service as a system.
 *
 * @category constructors
 */
export const fromService = (service: Holdfast.Holdfast["Service"]): System => {
  const tokenIds = new Map<string, Uuid.Uuid>()
  const about =
    (
      ask: (kind: Model.Kind, id: Uuid.Uuid) => Effect.Effect<TwoPhased, Failure>,
    ): ((reference: Model.Reference) => Effect.Effect<Model.Outcome<Real<Model.Shown>>>) =>
    ({ kind, id }) =>
      outcome(
        Effect.flatMap(decodeId(id), (id) => ask(kind, id)),
        shown,
      )
  const answered =
    (ask: ReturnType<typeof about>) =>
    (reference: Model.Reference): Effect.Effect<Model.Outcome<Real<Model.Answer>>> =>
      Effect.map(ask(reference), (outcome) => ("ok" in outcome ? { ok: withoutStatus(outcome.ok) } : outcome))
  const reserve = (kind: Model.Kind, terms: Deallocation.Terms): Effect.Effect<TwoPhased, Failure> =>
    kind === "allocation" ? service.reserve(kind, terms) : service.reserve("deallocation", terms)
  return {
    register: (connection) =>
      outcome(Effect.flatMap(decodeConnection(connection), service.register), () => "registered"),
    connect: ({ token, ...ids }) =>
      outcome(
        Effect.flatMap(decodeConnecting(ids), (ids) => service.connect({ ...ids, tokenHash: hashOf(token) })),
        () => "registered",
      ),
    issueToken: Effect.fnUntraced(function* (account) {
      const token = newId()
      const id = Uuid.Uuid.make(newId())
      const issuedAt = yield* DateTime.now
      const expiresAt = DateTime.add(issuedAt, { hours: 1 })
      yield* Effect.orDie(service.issueToken({ id, hash: tokenHash(token), ...account, issuedAt, expiresAt }))
      tokenIds.set(token, id)
      return token
    }),
    revokeToken: (token) => {
      const id = tokenIds.get(token)
      if (id === undefined) return Effect.void
      const revoked = Effect.catchTag(service.revokeToken(id), "TokenUsed", () => Effect.void)
      return Effect.orDie(Effect.asVoid(revoked))
    },
    suspend: (id, suspended) =>
      outcome(
        Effect.flatMap(decodeId(id), (id) => service.suspend(id, suspended)),
        (connection) => (connection.suspended ? "suspended" : "resumed"),
      ),
    adjust: ({ adjustmentId: id, ...adjustment }, newCurrency) =>
      outcome(
        Effect.flatMap(decodeAdjustment({ id, ...adjustment }), (terms) =>
          service.adjust(terms, { newCurrency: newCurrency ?? false }),
        ),
        () => "adjusted",
      ),
    reserve: (terms) =>
      outcome(
        terms.kind === "lock"
          ? Effect.flatMap(
              decodeLock(terms),
              (lock): Effect.Effect<TwoPhased, Failure> => service.reserve("lock", lock),
            )
          : Effect.flatMap(decodeTerms(terms), (asked) => reserve(terms.kind, asked)),
        (transfer) => withoutStatus(shown(transfer)),
      ),
    clear: answered(about(service.clear)),
    release: answered(about(service.release)),
    find: about(service.find),
    list: ({ kind, connectionId, status, currency }, limit) =>
      Effect.gen(function* () {
        const query = {
          connectionId: yield* decodeId(connectionId),
          limit,
          ...(status === undefined ? {} : { state: states[status] }),
          ...(currency === undefined ? {} : { currency: decodeCurrency(currency) }),
        }
        const pages = yield* pagesOf(
          (cursor: Store.Cursor | undefined) =>
            Effect.orDie(service.list(kind, cursor === undefined ? query : { ...query, cursor })),
          (transfer) => transfer.terms.id,
        )
        return pages.map((page) =>
          page.map((transfer: TwoPhased) => ({
            ...shown(transfer),
            createdAt: DateTime.formatIso(transfer.createdAt),
          })),
        )
      }),
    connection: (id) =>
      outcome(Effect.flatMap(decodeId(id), service.connection), ({ connection, balances }) => ({
        ...connection,
        balances: Object.fromEntries(
          balances.map(({ currency, pending, available, locked, reserved, deallocated }) => [
            currency,
            {
              pending: `${pending}`,
              available: `${available}`,
              locked: `${locked}`,
              reserved: `${reserved}`,
              deallocated: `${deallocated}`,
            },
          ]),
        ),
      })),
  }
}

/**
 * An id that nothing else has, in this run or any other.
 *
 * @category constructors
 */
export const newId = (): string => uuidV4Unsafe()

/**
 * A store is told a hash, and does not ask of what.
 *
 * @internal
 */
export const tokenHash = (token: string): string => token.replaceAll("-", "").padEnd(64, "0")

/** What is no token has none. */
const hashOf = (token: string) => (token.includes("-") ? tokenHash(token) : undefined)

type Failure = Ledger.Failure | Connection.ConnectionNotFound | Connection.ConnectFailure | Store.Unavailable

const outcome = <A, B>(
  effect: Effect.Effect<A, Failure>,
  onSuccess: (value: A) => B,
): Effect.Effect<Model.Outcome<B>> =>
  Effect.matchEffect(effect, {
    onSuccess: (value) => Effect.succeed({ ok: onSuccess(value) }),
    onFailure: (error): Effect.Effect<Model.Outcome<B>> => {
      const refused = refusals[error._tag]
      if (refused === undefined) return Effect.die(error)
      if (!("differences" in error)) return Effect.succeed({ refused })
      const differences = error.differences.map(
        ({ field, recorded, repeated }) => [field, [recorded, repeated]] as const,
      )
      return Effect.succeed({ refused, differences: Object.fromEntries(differences) })
    },
  })

const refusals: Record<Failure["_tag"], Model.Refusal | undefined> = {
  TransferNotFound: "NOT_FOUND",
  StateConflict: "STATE_CONFLICT",
  TermsMismatch: "TERMS_MISMATCH",
  ConnectionConflict: "TERMS_MISMATCH",
  IdInUse: "ID_IN_USE",
  ConnectionNotFound: "CONNECTION_NOT_FOUND",
  TokenRefused: "TOKEN_REFUSED",
  AccountConnected: "ACCOUNT_CONNECTED",
  UnknownCurrency: "UNKNOWN_CURRENCY",
  CurrencyLooksAlike: "CURRENCY_LOOKS_ALIKE",
  InsufficientBalance: "INSUFFICIENT_BALANCE",
  BaseUnitsOverflow: "OVERFLOW",
  NonceUsed: undefined,
  Unavailable: undefined,
}

const amount = Amount.PositiveFromString
const Terms = Schema.Struct({ ...Deallocation.Terms.fields, amount })
const LockTerms = Schema.Struct({ ...Lock.Terms.fields, amount })
const AdjustmentTerms = Schema.Struct({ ...Adjustment.Terms.fields, amount })

/** What is malformed is a mistake of whoever asks, no outcome. */
const decoder = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (input: unknown): Effect.Effect<S["Type"]> => Effect.orDie(decode(input))
}

const decodeId = decoder(Uuid.FromString)
const decodeConnection = decoder(Connection.Connection)
const { connectionId, clientId } = Connection.Connection.fields
const decodeConnecting = decoder(Schema.Struct({ connectionId, clientId }))
const decodeTerms = decoder(Terms)
const decodeAdjustment = decoder(AdjustmentTerms)
const decodeCurrency = Schema.decodeUnknownSync(Amount.Currency)
const decodeLock = decoder(LockTerms)

type TwoPhased = Exclude<Ledger.Transfer, { readonly kind: "adjustment" }>

const statuses = { Reserved: "RESERVED", Rejected: "REJECTED", Cleared: "CLEARED", Released: "RELEASED" } as const
const states = { RESERVED: "Reserved", REJECTED: "Rejected", CLEARED: "Cleared", RELEASED: "Released" } as const

const shown = (transfer: TwoPhased): Real<Model.Shown> => ({
  kind: transfer.kind,
  ...transfer.terms,
  amount: { currency: transfer.terms.amount.currency, quantity: `${transfer.terms.amount.quantity}` },
  ...("partnerTransferId" in transfer ? { partnerTransferId: transfer.partnerTransferId } : {}),
  ...(transfer.state === "Rejected" ? { rejectionReason: transfer.reason } : {}),
  status: statuses[transfer.state],
})

const withoutStatus = ({ status: _, ...answer }: Real<Model.Shown>): Real<Model.Answer> => answer
