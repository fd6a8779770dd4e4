/**
 * A system under test, whatever it is made of: the in-memory layer, the SQL layer or a server. Its
 * outcomes are plain values that all of them can produce, so that one property and the same races
 * run unchanged on each.
 */
import { hash, randomUUID } from "node:crypto"
import {
  Adjustment,
  Amount,
  Connection,
  Deallocation,
  type Holdfast,
  type Ledger,
  Lock,
  type Store,
  Uuid,
} from "@holdfast/domain"
import { DateTime, Effect, Schema } from "effect"
import type * as Model from "./Model.ts"

/** What an answer of a system adds to the model's: the id that the partner gave what the network asked for. */
export type Real<A> = A & { readonly partnerTransferId?: string }

/** Where nothing was answered (no database, say) the promise is rejected: that is no outcome. */
export interface System {
  readonly register: (connection: Model.Connection) => Promise<Model.Outcome<"registered">>
  readonly connect: (request: Model.Connecting) => Promise<Model.Outcome<"registered">>
  /** The text of a new token. */
  readonly issueToken: (account: Model.Account) => Promise<string>
  /** By its text. */
  readonly revokeToken: (token: string) => Promise<void>
  readonly suspend: (connectionId: string, suspended: boolean) => Promise<Model.Outcome<"suspended" | "resumed">>
  readonly adjust: (adjustment: Model.Adjustment, newCurrency?: boolean) => Promise<Model.Outcome<"adjusted">>
  readonly reserve: (terms: Model.Terms) => Promise<Model.Outcome<Real<Model.Answer>>>
  readonly clear: (reference: Model.Reference) => Promise<Model.Outcome<Real<Model.Answer>>>
  readonly release: (reference: Model.Reference) => Promise<Model.Outcome<Real<Model.Answer>>>
  readonly find: (reference: Model.Reference) => Promise<Model.Outcome<Real<Model.Shown>>>
  /** All pages of that size, one after another. */
  readonly list: (query: Model.Query, limit: number) => Promise<ReadonlyArray<Real<Model.Shown>>>
  readonly connection: (connectionId: string) => Promise<Model.Outcome<Model.Registered>>
}

/** A system whose calls are effects. */
export type Effects = {
  readonly [Call in keyof System]: (
    ...args: Parameters<System[Call]>
  ) => Effect.Effect<Awaited<ReturnType<System[Call]>>>
}

/** The domain's service as a system. Where it is unavailable, the effect dies with that. */
export const effectsOf = (service: Holdfast.Holdfast["Service"]): Effects => {
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
      const token = randomUUID()
      const id = Uuid.Uuid.make(randomUUID())
      const issuedAt = yield* DateTime.now
      const expiresAt = DateTime.add(issuedAt, { hours: 1 })
      yield* Effect.orDie(service.issueToken({ id, hash: hashOf(token), ...account, issuedAt, expiresAt }))
      return token
    }),
    revokeToken: Effect.fnUntraced(function* (token) {
      const found = (yield* Effect.orDie(service.tokens({ limit: 200 }))).items.find(
        ({ hash }) => hash === hashOf(token),
      )
      if (found?.usedBy === undefined && found !== undefined) yield* Effect.orDie(service.revokeToken(found.id))
    }),
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
    list: (query, limit) => Effect.orDie(listAll(service, query, limit)),
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

/** The same with promises. `run` may provide what the effects are to run with. */
export const fromService = (
  service: Holdfast.Holdfast["Service"],
  run: <A>(effect: Effect.Effect<A>) => Promise<A> = Effect.runPromise,
): System => {
  const effects = effectsOf(service)
  const { register, connect, issueToken, revokeToken, suspend, adjust } = effects
  const { reserve, clear, release, find, list, connection } = effects
  return {
    register: (_) => run(register(_)),
    connect: (_) => run(connect(_)),
    issueToken: (_) => run(issueToken(_)),
    revokeToken: (_) => run(revokeToken(_)),
    suspend: (_, suspended) => run(suspend(_, suspended)),
    adjust: (_, newCurrency) => run(adjust(_, newCurrency)),
    reserve: (_) => run(reserve(_)),
    clear: (_) => run(clear(_)),
    release: (_) => run(release(_)),
    find: (_) => run(find(_)),
    list: (query, limit) => run(list(query, limit)),
    connection: (_) => run(connection(_)),
  }
}

type Failure = Ledger.Failure | Connection.ConnectionNotFound | Connection.ConnectFailure | Store.Unavailable

const hashOf = (token: string) => hash("sha256", token)

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

/** What is malformed is a mistake of the test, no outcome. */
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

const listAll = Effect.fnUntraced(function* (
  service: Holdfast.Holdfast["Service"],
  { kind, connectionId, status, currency }: Model.Query,
  limit: number,
) {
  const query = {
    connectionId: yield* decodeId(connectionId),
    limit,
    ...(status === undefined ? {} : { state: states[status] }),
    ...(currency === undefined ? {} : { currency: decodeCurrency(currency) }),
  }
  let page = yield* service.list(kind, query)
  const all: Array<TwoPhased> = [...page.items]
  // A list that repeats itself may have no end.
  while (page.next !== undefined && new Set(all.map(({ terms }) => terms.id)).size === all.length) {
    page = yield* service.list(kind, { ...query, cursor: page.next })
    all.push(...page.items)
  }
  return all.map(shown)
})
