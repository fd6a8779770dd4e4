/**
 * The service for those who do not know Effect: the calls of {@link Holdfast_.Holdfast} under their names, with plain
 * values and promises.
 *
 * What is asked with is plain (ids are strings, in any case; times are `Date`s or ISO 8601 text) and is read by the
 * domain's schemas first: what they refuse is {@link InvalidInput}, and the store never hears of it. What comes back is
 * plain too: {@link Plain}. An error that a call is known to fail with is an {@link Answer}, never a rejected promise.
 */
import {
  type Brand,
  type Cause,
  DateTime,
  Deferred,
  Effect,
  type Layer,
  ManagedRuntime,
  Option,
  Predicate,
  Record,
  Schema,
  SchemaAST,
  SchemaGetter,
  SchemaIssue,
  SchemaTransformation,
  Stream,
  Struct,
} from "effect"
import { format } from "effect/Formatter"
import * as Adjustment from "./Adjustment.ts"
import * as Connection from "./Connection.ts"
import * as Holdfast_ from "./Holdfast.ts"
import * as Ledger from "./Ledger.ts"
import * as Store from "./Store.ts"
import * as Transfer from "./Transfer.ts"
import * as Uuid from "./Uuid.ts"

/**
 * What was asked with cannot be read: `field` is where, such as `terms.amount.quantity`, `value` what stands there, as
 * text. Nothing was asked of the store.
 *
 * ```ts
 * import { MemoryStore } from "@holdfast/domain"
 * import * as Promises from "@holdfast/domain/Promises"
 * import assert from "node:assert/strict"
 *
 * const holdfast = await Promises.make(MemoryStore.layer())
 * const answer = await holdfast.clear("deallocation", "order 7")
 * assert.ok(!answer.ok && answer.error._tag === "InvalidInput")
 * assert.equal(answer.error.field, "id")
 * assert.match(answer.error.message, /^id is .*order 7.*: /)
 * await holdfast.close()
 * ```
 *
 * @category errors
 */
export class InvalidInput extends Schema.TaggedError<InvalidInput>()("InvalidInput", {
  field: Schema.String,
  value: Schema.String,
  problem: Schema.String,
}) {
  override get message() {
    return `${this.field} is ${this.value}: ${this.problem}`
  }
}

/**
 * What a call comes to: its value, or why there is none.
 *
 * @category models
 */
export type Answer<A, E> =
  | { readonly ok: true; readonly value: A }
  | { readonly ok: false; readonly error: PlainError<E> }

/**
 * A value of the domain as it is given out: strings and bigints without brands, times as `Date`s.
 *
 * @category models
 */
export type Plain<A> = A extends DateTime.Utc
  ? Date
  : A extends Brand.Brand<string>
    ? Brand.Brand.Unbranded<A>
    : A extends object
      ? { readonly [K in keyof A]: Plain<A[K]> }
      : A

/**
 * One of the domain's errors: `_tag` says which, and the other fields are its facts. It is an `Error`, to be thrown by
 * whoever prefers that.
 *
 * @category models
 */
export type PlainError<E> = E extends unknown
  ? Error & { readonly [K in Exclude<keyof E, keyof Cause.YieldableError>]: Plain<E[K]> }
  : never

/**
 * A value of the domain as it may be given: times as `Date`s or ISO 8601 text with a zone, and `undefined` for what may
 * be left out.
 *
 * @category models
 */
export type Input<A> = A extends DateTime.Utc
  ? Date | string
  : A extends Brand.Brand<string>
    ? Brand.Brand.Unbranded<A>
    : A extends object
      ? { readonly [K in keyof A]: Input<A[K]> | (object extends Pick<A, K> ? undefined : never) }
      : A

type Service = Holdfast_.Holdfast["Service"]

/** Only for its generic methods: their types cannot be told of it otherwise. */
declare const service: Service

type Answered<Asked, Unread = InvalidInput> =
  Asked extends Effect.Effect<infer A, infer E> ? Promise<Answer<Plain<A>, E | Unread>> : never

type Promised<Asked> = Asked extends (...args: infer Args) => infer Asked
  ? (...args: { [I in keyof Args]: Input<Args[I]> }) => Answered<Asked>
  : () => Answered<Asked, never>

/** What a method takes after the kind. */
type Rest<Method> = Method extends (kind: never, ...rest: infer Rest) => unknown
  ? { [I in keyof Rest]: Input<Rest[I]> }
  : never

type TermsOf<Kind extends Holdfast_.TwoPhaseKind> = Parameters<typeof service.reserve<Kind>>[1]

type Generic = "find" | "list" | "reserve" | "clear" | "release"

/**
 * {@link Holdfast_.Holdfast} with promises. A promise is rejected for a defect, with that, and once this is closed.
 *
 * @category models
 */
export interface Holdfast
  extends AsyncDisposable,
    Readonly<{ [Name in keyof Service as Exclude<Name, Generic | "follow">]: Promised<Service[Name]> }> {
  /** The transfer of a kind with this id. */
  readonly find: <Kind extends Ledger.Kind>(
    kind: Kind,
    ...rest: Rest<typeof service.find<Kind>>
  ) => Answered<ReturnType<typeof service.find<Kind>>>
  /** The transfers of a kind. */
  readonly list: <Kind extends Ledger.Kind>(
    kind: Kind,
    ...rest: Rest<typeof service.list<Kind>>
  ) => Answered<ReturnType<typeof service.list<Kind>>>
  /**
   * Reserves an amount. A request of the network's that cannot be met is recorded as rejected, and that is its value; a
   * lock fails. The partner's id of what the network asks for is drawn, if none is given.
   */
  readonly reserve: <Kind extends Holdfast_.TwoPhaseKind>(
    kind: Kind,
    ...rest: Rest<typeof service.reserve<Kind>>
  ) => Answered<ReturnType<typeof service.reserve<Kind>>>
  /** Completes what was reserved. */
  readonly clear: <Kind extends Holdfast_.TwoPhaseKind>(
    kind: Kind,
    ...rest: Rest<typeof service.clear<Kind>>
  ) => Answered<ReturnType<typeof service.clear<Kind>>>
  /** Takes back what was reserved. */
  readonly release: <Kind extends Holdfast_.TwoPhaseKind>(
    kind: Kind,
    ...rest: Rest<typeof service.release<Kind>>
  ) => Answered<ReturnType<typeof service.release<Kind>>>
  /**
   * The journal of all accounts, from after a place or from the beginning, and then whatever is added to it: each entry
   * once, in an order that stays. Looks for more every so often (every 500 ms unless it is said, in milliseconds). Ends
   * after an error: follow again, after the place of the last entry. Ends without one when this is closed.
   */
  readonly follow: (
    after?: string,
    options?: { readonly every?: number | undefined },
  ) => AsyncIterable<Answer<Plain<Store.Placed>, Store.PlaceNotFound | Store.Unavailable | InvalidInput>>
  /** Waits for what is under way, then lets go of the store. Later calls are rejected. */
  readonly close: () => Promise<void>
}

const isoTime = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

/** A day that its month does not have would be read as one of the next month. */
const isTime = (given: unknown): given is Date | string => {
  if (typeof given !== "string") return given instanceof Date && isRecordable(given)
  const day = isoTime.exec(given)?.[1] ?? ""
  return !day.startsWith("0000") && Option.exists(DateTime.make(day), (read) => DateTime.formatIsoDate(read) === day)
}

/** No store has to keep what is before the year 1, or after 9999. */
const isRecordable = (date: Date): boolean => date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999

const time = Schema.Unknown.pipe(
  Schema.decodeTo(
    Schema.DateTimeUtc,
    SchemaTransformation.transformEffect({
      decode: (given) =>
        Effect.mapError(
          Effect.fromOption(isTime(given) ? DateTime.make(given) : Option.none()),
          () =>
            new SchemaIssue.InvalidValue({ expected: "a Date, or a date and time as in ISO 8601, with a zone" }, given),
        ),
      encode: Effect.succeed<unknown>,
    }),
  ),
)

/** The schema with plain values on the outside, as {@link Input} has them. */
const plainly = <A>(schema: Schema.Schema<A>): Schema.Codec<A, unknown> => outside(schema) as Schema.Codec<A, unknown>

const outside = (schema: Schema.Constraint): Schema.Constraint => {
  if (schema === Schema.DateTimeUtc) return time
  if (schema === Uuid.Uuid) return Uuid.FromString
  if (isOptionalKey(schema)) {
    const inside = Schema.optionalKey(Schema.toType(schema.schema))
    const present = SchemaGetter.transformOptional(Option.filter(Predicate.isNotUndefined))
    return Schema.optional(outside(schema.schema) as Schema.Top).pipe(
      Schema.decodeTo(inside, { decode: present, encode: SchemaGetter.passthrough() }),
    )
  }
  if ("members" in schema) return Schema.Union((schema as Schema.Union<ReadonlyArray<Schema.Top>>).members.map(outside))
  return isStruct(schema)
    ? schema.mapFields((fields) => Record.map(fields, outside) as Schema.Struct.Fields, { unsafePreserveChecks: true })
    : schema
}

const isOptionalKey = (schema: Schema.Constraint): schema is Schema.optionalKey<Schema.Top> =>
  SchemaAST.isOptional(schema.ast) && "schema" in schema

const isStruct = (schema: Schema.Constraint): schema is Schema.Struct<Schema.Struct.Fields> => "mapFields" in schema

interface Asked {
  readonly [name: string]: unknown
}

/** Reads what a call is asked with, each under its name. */
const reader = <Fields extends { readonly [name: string]: Schema.Decoder<unknown> }>(
  fields: Fields,
  options?: SchemaAST.ParseOptions,
) => {
  const decode = Schema.decodeUnknownEffect(Schema.Struct(fields), options)
  return (asked: { readonly [Name in keyof Fields]: unknown }) =>
    Effect.mapError(decode(asked), ({ issue }) => invalid(issue, asked))
}

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const invalid = (issue: SchemaIssue.Issue, asked: Asked) => {
  const [{ path = [], message } = { message: "" }] = formatIssue(issue).issues
  const value = path.reduce<unknown>((value, key) => (value as Asked)[key as string], asked)
  return new InvalidInput({ field: path.join("."), value: shortened(format(value)), problem: message })
}

const shortened = (text: string) => (text.length <= 100 ? text : `${text.slice(0, 100)}…`)

const kind = Schema.Literals(Struct.keys(Ledger.kinds))

const twoPhaseKinds = Struct.omit(Ledger.kinds, ["adjustment"])

const twoPhaseKind = Schema.Literals(Struct.keys(twoPhaseKinds))

const nonce = Schema.optional(plainly(Ledger.Nonce))

const request = Schema.Struct({
  ...Struct.pick(Connection.Connection.fields, ["connectionId", "clientId"]),
  tokenHash: Schema.UndefinedOr(Connection.Token.fields.hash),
})

const place = Schema.optional(Store.Place)

const optionsOf = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.optional(plainly(Schema.Struct(fields)))

/** A filter that is not known would restrict nothing. */
const strictly = { onExcessProperty: "error" } as const

const settling = reader({ kind: twoPhaseKind, id: Uuid.FromString, nonce })

const read = {
  useNonce: reader({ nonce: plainly(Ledger.Nonce) }),
  register: reader({ connection: Connection.Connection }),
  connect: reader({ request, nonce }),
  issueToken: reader({ token: plainly(Connection.Token) }),
  revokeToken: reader({ tokenId: Uuid.FromString }),
  tokens: reader({ query: plainly(Store.TokenQuery) }, strictly),
  suspend: reader({ connectionId: Uuid.FromString, suspended: Schema.Boolean }),
  connection: reader({ connectionId: Uuid.FromString }),
  connections: reader({ query: plainly(Store.ConnectionQuery) }, strictly),
  find: reader({ kind, id: Uuid.FromString }),
  list: reader({ kind, query: plainly(Store.Query) }, strictly),
  journal: reader({ transferId: Uuid.FromString }),
  entries: reader({ after: place, limit: Store.Query.fields.limit }),
  entriesBefore: reader({ before: place, limit: Store.Query.fields.limit }),
  kind: reader({ kind: twoPhaseKind }),
  reserve: Record.map(twoPhaseKinds, ({ terms }) =>
    reader({
      terms: plainly<(typeof terms)["Type"]>(terms),
      nonce,
      partnerTransferId: Schema.optional(Transfer.PartnerTransferId),
    }),
  ),
  clear: settling,
  release: settling,
  adjust: reader({
    terms: plainly(Adjustment.Terms),
    options: optionsOf({ newCurrency: Schema.optionalKey(Schema.Boolean) }),
  }),
  follow: reader({
    after: place,
    options: optionsOf({
      // A timer takes no more.
      every: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 31 - 1 }))),
    }),
  }),
}

/** Values are objects, lists and what cannot be taken apart. */
const plain = (value: unknown): unknown =>
  DateTime.isDateTime(value)
    ? DateTime.toDateUtc(value)
    : Array.isArray(value)
      ? value.map(plain)
      : Predicate.isObject(value)
        ? Record.map(value, plain)
        : value

const success = <A>(value: A) => ({ ok: true, value: plain(value) as Plain<A> }) as const

const failure = <E>(error: E) => ({ ok: false, error: error as PlainError<E> }) as const

/**
 * The service of a layer, which is built once: all calls share its store. Rejected with the layer's error where it
 * cannot be built; what that had acquired is let go then.
 *
 * ```ts
 * import { MemoryStore } from "@holdfast/domain"
 * import * as Promises from "@holdfast/domain/Promises"
 * import assert from "node:assert/strict"
 *
 * const holdfast = await Promises.make(MemoryStore.layer())
 * const answer = await holdfast.clear("deallocation", "018f3f1e-0000-7000-8000-000000000001")
 * assert.ok(!answer.ok && answer.error._tag === "TransferNotFound")
 * await holdfast.close()
 * ```
 *
 * @category constructors
 */
export const make = async <E>(layer: Layer.Layer<Holdfast_.Holdfast, E>): Promise<Holdfast> => {
  const runtime = ManagedRuntime.make(layer)
  const service = await runtime.runPromise(Holdfast_.Holdfast)
  const ending = Deferred.makeUnsafe<void>()
  const underWay = new Set<Promise<unknown>>()
  let isClosed = false

  const assertOpen = () => {
    if (isClosed) throw new Error("This Holdfast is closed.")
  }
  const awaited = <A>(promise: Promise<A>): Promise<A> => {
    const done = () => underWay.delete(promise)
    underWay.add(promise)
    promise.then(done, done)
    return promise
  }
  const answer = async <A, E>(asked: Effect.Effect<A, E>): Promise<Answer<Plain<A>, E>> => {
    assertOpen()
    return awaited(runtime.runPromise(Effect.match(asked, { onSuccess: success, onFailure: failure })))
  }
  const ask = <I, A, E>(input: Effect.Effect<I, InvalidInput>, call: (input: I) => Effect.Effect<A, E>) =>
    answer(Effect.flatMap(input, call))

  const close = async () => {
    isClosed = true
    Deferred.doneUnsafe(ending, Effect.void)
    await Promise.allSettled(underWay)
    await runtime.dispose()
  }

  return {
    useNonce: (nonce) => ask(read.useNonce({ nonce }), (_) => service.useNonce(_.nonce)),
    register: (connection) => ask(read.register({ connection }), (_) => service.register(_.connection)),
    connect: (request, nonce) => ask(read.connect({ request, nonce }), (_) => service.connect(_.request, _.nonce)),
    issueToken: (token) => ask(read.issueToken({ token }), (_) => service.issueToken(_.token)),
    revokeToken: (tokenId) => ask(read.revokeToken({ tokenId }), (_) => service.revokeToken(_.tokenId)),
    tokens: (query) => ask(read.tokens({ query }), (_) => service.tokens(_.query)),
    suspend: (connectionId, suspended) =>
      ask(read.suspend({ connectionId, suspended }), (_) => service.suspend(_.connectionId, _.suspended)),
    connection: (connectionId) => ask(read.connection({ connectionId }), (_) => service.connection(_.connectionId)),
    connections: (query) => ask(read.connections({ query }), (_) => service.connections(_.query)),
    totals: () => answer(service.totals),
    reserved: () => answer(service.reserved),
    find: (kind, id) => ask(read.find({ kind, id }), (_) => service.find(kind, _.id)),
    list: (kind, query) => ask(read.list({ kind, query }), (_) => service.list(kind, _.query)),
    journal: (transferId) => ask(read.journal({ transferId }), (_) => service.journal(_.transferId)),
    entries: (after, limit) => ask(read.entries({ after, limit }), (_) => service.entries(_.after, _.limit)),
    entriesBefore: (before, limit) =>
      ask(read.entriesBefore({ before, limit }), (_) => service.entriesBefore(_.before, _.limit)),
    ready: () => answer(service.ready),
    reserve: (kind, terms, nonce, partnerTransferId) =>
      ask(
        Effect.flatMap(read.kind({ kind }), () => read.reserve[kind]({ terms, nonce, partnerTransferId })),
        // They were read as the kind's; TypeScript does not follow that.
        (_) => service.reserve(kind, _.terms as TermsOf<typeof kind>, _.nonce, _.partnerTransferId),
      ),
    clear: (kind, id, nonce) => ask(read.clear({ kind, id, nonce }), (_) => service.clear(kind, _.id, _.nonce)),
    release: (kind, id, nonce) => ask(read.release({ kind, id, nonce }), (_) => service.release(kind, _.id, _.nonce)),
    adjust: (terms, options) => ask(read.adjust({ terms, options }), (_) => service.adjust(_.terms, _.options)),
    follow: (after, options) => {
      const input = read.follow({ after, options })
      const iterable = Stream.unwrap(Effect.map(input, (_) => service.follow(_.after, _.options))).pipe(
        Stream.map(success),
        Stream.catch((error) => Stream.succeed(failure(error))),
        Stream.interruptWhen(Deferred.await(ending)),
        Stream.toAsyncIterable,
      )
      return {
        [Symbol.asyncIterator]: () => {
          assertOpen()
          const iterator = iterable[Symbol.asyncIterator]()
          const done = () => Promise.resolve({ done: true, value: undefined } as const)
          return { ...iterator, next: () => (isClosed ? done() : awaited(iterator.next())) }
        },
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
