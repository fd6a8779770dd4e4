/**
 * The laws of a system, whatever it is made of: it answers and ends as the naive
 * {@link Model} does, whatever is asked in whatever order; and of requests that
 * come at the same time it makes what it would have made of them one after
 * another. Every case draws ids of its own, so that all can share one database.
 */
import { Arbitrary, Effect, References, type Scope } from "effect"
import * as Arbitraries from "./Arbitraries.ts"
import * as Law from "./Law.ts"
import * as Model from "./Model.ts"
import * as Races from "./Races.ts"
import * as System from "./System.ts"

/**
 * Makes a system that runs with a policy, or finds the one that does: several
 * cases may share it.
 *
 * @category models
 */
export type MakeSystem = (policy: Model.Policy) => Effect.Effect<System.System, unknown, Scope.Scope>

/**
 * What is said of a system.
 *
 * @category models
 */
export interface Options {
  /** The kinds of transfers that it has; all unless told. */
  readonly kinds?: ReadonlyArray<Model.Kind>
  /** The policies that it can run with; the three that differ unless told. */
  readonly policies?: ReadonlyArray<Model.Policy>
  /** How many histories are drawn for each policy; 100 unless told. */
  readonly runs?: number
}

/**
 * The kinds of what is reserved first, then cleared or released.
 *
 * @category constants
 */
const kinds = ["deallocation", "allocation", "lock"] as const satisfies ReadonlyArray<Model.Kind>

/**
 * Policies that differ in all that a platform may decide for itself.
 *
 * @category constants
 */
const policies = [
  { releasedRepost: "reserve" },
  { releasedRepost: "conflict", suspendedDeallocations: "reject" },
  { currencies: ["BTC", "__proto__"] },
] as const satisfies ReadonlyArray<Model.Policy>

/**
 * The laws of the systems that `make` makes: the model's, and those of the races.
 *
 * @category laws
 */
export const systemLaws = (make: MakeSystem, options: Options = {}): ReadonlyArray<Law.Law> => [
  ...(options.policies ?? policies).map((policy, index) => answersAsTheModel(make, policy, index, options)),
  ...Object.entries(Races.races).map(([name, { description, race }]) =>
    Law.example(`races/${name}`, description, withSystem(make, {}, race)),
  ),
  ...Object.entries(Races.races).map(([name, { description, race }]) =>
    Law.example(
      `interleavings/${name}`,
      `${description}, however the requests interleave`,
      // Fibers that never yield run one after another, and no race can happen in a process.
      Effect.forEach(
        [3, 4, 5, 6, 7, 8, 11, 16, 23, 37],
        (operations) => Effect.provideService(withSystem(make, {}, race), References.MaxOpsBeforeYield, operations),
        { discard: true },
      ),
    ),
  ),
]

const withSystem = <A>(
  make: MakeSystem,
  policy: Model.Policy,
  use: (system: System.System) => Effect.Effect<A, Law.Departure>,
): Effect.Effect<A, Law.Departure> =>
  Effect.scoped(
    Effect.flatMap(
      made("system", () => make(policy)),
      use,
    ),
  )

/**
 * What is to be tested, made. Where no types hold anybody to it, what comes may be no effect: that is said by name.
 *
 * @internal
 */
export const made = <A extends object>(
  what: "store" | "system",
  make: () => Effect.Effect<A, unknown, Scope.Scope>,
): Effect.Effect<A, Law.Departure, Scope.Scope> =>
  Effect.suspend(() => effectOf(make(), `What is to make the ${what}`)).pipe(
    Effect.mapError((error) =>
      error instanceof Law.Departure ? error : new Law.Departure({ message: `There is no ${what}: ${error}` }),
    ),
    Effect.map(
      (made) =>
        // Over a copy, for what is frozen cannot be other than it is.
        new Proxy(
          { ...made },
          {
            get: (_, name) => {
              const member: unknown = Reflect.get(made, name)
              const who = `The ${what}'s ${String(name)}`
              return typeof member === "function"
                ? (...asked: ReadonlyArray<unknown>) => effectOf(member.apply(made, asked), who)
                : effectOf(member as Effect.Effect<unknown>, who)
            },
          },
        ),
    ),
  )

const effectOf = <A, E, R>(given: Effect.Effect<A, E, R>, who: string): Effect.Effect<A, E, R> =>
  Effect.isEffect(given)
    ? given
    : Effect.die(
        new Law.Departure({ message: `${who} comes to ${Object.prototype.toString.call(given)}, which is no Effect.` }),
      )

const answersAsTheModel = (
  make: MakeSystem,
  policy: Model.Policy,
  index: number,
  { kinds: of = kinds, runs = 100 }: Options,
): Law.Law =>
  Law.property(
    `model/${index + 1}`,
    `whatever is asked, in whatever order, is answered as the naive model answers (${JSON.stringify(policy)})`,
    Arbitrary.array(request(of), { maxLength: 60 }),
    (requests) =>
      withSystem(make, policy, (system) =>
        Effect.gen(function* () {
          const run = new Run(policy, of, system)
          yield* run.begin()
          for (const [index, request] of requests.entries()) {
            yield* Effect.mapError(
              run.ask(request),
              ({ message }) => new Law.Departure({ message: `The ${nth(index + 1)}: ${message}` }),
            )
          }
          yield* run.assertSettled()
        }),
      ),
    { runs, size: 60, show: showAll },
  )

const nth = (n: number) => `${n}${n % 100 > 10 && n % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th")}`

type Field = Exclude<keyof Model.Connection, "connectionId">

/** A request in small numbers, which stand for ids: others in each run. */
type Request =
  | { readonly ask: "register"; readonly connection: number; readonly other: Field | undefined }
  | {
      readonly ask: "reserve"
      readonly kind: Model.Kind
      readonly transfer: number
      readonly connection: number
      readonly amount: Model.Amount
      readonly other: Field | undefined
    }
  | {
      readonly ask: "reserve again"
      readonly which: number
      readonly other: "amount" | "connectionId" | "partnersConnectionId" | undefined
      readonly amount: Model.Amount
    }
  | {
      readonly ask: "clear" | "release" | "find"
      readonly kind: Model.Kind
      readonly transfer: number
      readonly upperCase: boolean
    }
  | {
      readonly ask: "credit" | "debit"
      readonly transfer: number
      readonly connection: number
      readonly amount: Model.Amount
      readonly newCurrency: boolean
    }
  | {
      readonly ask: "adjust again"
      readonly which: number
      readonly other: "amount" | "direction" | "memo" | undefined
      readonly amount: Model.Amount
    }
  | {
      readonly ask: "list"
      readonly kind: Model.Kind
      readonly connection: number
      readonly status: Model.Status | undefined
      readonly currency: string | undefined
      readonly limit: number
    }
  | { readonly ask: "balances"; readonly connection: number }
  | { readonly ask: "suspend" | "resume"; readonly connection: number }
  | { readonly ask: "issue a token"; readonly account: number }
  | { readonly ask: "revoke a token"; readonly which: number }
  | {
      readonly ask: "connect"
      readonly connection: number
      readonly which: number
      readonly other: "clientId" | undefined
    }

const showAll = (requests: ReadonlyArray<Request>): string =>
  requests.length === 0
    ? "nothing but the two accounts that each case begins with"
    : requests.map((request, n) => `${n + 1}. ${shown(request)}`).join("\n")

/** As people would write it down: the name, and what is said. */
const shown = ({ ask, ...said }: Request): string => `${ask} ${JSON.stringify(said)}`

const { all, Constant } = Arbitrary
const { among, below, mostly, oneOf } = Arbitraries

/** What may be other than it should be; most often nothing. */
const other = <const Name extends string>(...names: readonly [Name, ...ReadonlyArray<Name>]) =>
  mostly(9, Constant(undefined), among(...names))

/** Two are registered and funded to begin with, the third seldom is. */
const connection = mostly(9, among(0, 0, 1), Constant(2))
const connections = [0, 1, 2, 3]

const amount: Arbitrary.Arbitrary<Model.Amount> = all({
  currency: mostly(5, Constant("BTC"), among("btc", "ofcETH:USDC-v2.e", "__proto__", "€:".repeat(45))),
  quantity: mostly(
    19,
    Arbitrary.map(below(10), (n) => `${n + 1}`),
    Arbitrary.map(among(10n ** 18n, 2n ** 255n, 2n ** 256n - 11n, 2n ** 256n - 1n), String),
  ),
})

/** Reservations and adjustments have their own ids, and now and then one of the other's. */
const [low, high] = [below(9), Arbitrary.map(below(10), (n) => n + 10)]
const transfers = Array.from({ length: 20 }, (_, n) => n)

/** Most numbers stand for one kind each. */
const reference = (kinds: ReadonlyArray<Model.Kind>) =>
  Arbitrary.map(all([mostly(14, low, high), mostly(14, Constant(0), below(3))]), ([transfer, other]) => ({
    transfer,
    kind: kinds[(transfer + other) % kinds.length] ?? "deallocation",
  }))

const identifiers = other("clientId", "partnersConnectionId", "partnerClientId")

const request = (kinds: ReadonlyArray<Model.Kind>): Arbitrary.Arbitrary<Request> => {
  const of = <const Ask extends Request["ask"], A>(
    ask: Ask,
    said: Arbitrary.Arbitrary<A>,
  ): Arbitrary.Arbitrary<{ readonly ask: Ask } & A> => Arbitrary.map(said, (said) => ({ ask, ...said }))
  const transfer = reference(kinds)
  const reserve = of(
    "reserve",
    Arbitrary.map(all([transfer, all({ connection, amount, other: identifiers })]), ([of, said]) => ({
      ...of,
      ...said,
    })),
  )
  const about = (ask: "clear" | "release" | "find") =>
    of(
      ask,
      Arbitrary.map(all([transfer, among(false, true)]), ([of, upperCase]) => ({ ...of, upperCase })),
    )
  const adjust = (ask: "credit" | "debit") =>
    of(ask, all({ transfer: mostly(14, high, low), connection, amount, newCurrency: among(false, true) }))
  const reserveAgain = of(
    "reserve again",
    all({ which: below(50), other: other("amount", "connectionId", "partnersConnectionId"), amount }),
  )
  const connect = of("connect", all({ connection: among(1, 2, 3, 3), which: below(5), other: other("clientId") }))
  return oneOf(
    ...[reserve, reserve, reserve, reserveAgain, reserveAgain],
    ...[about("clear"), about("release"), about("find"), adjust("credit"), adjust("debit")],
    of("adjust again", all({ which: below(50), other: other("amount", "direction", "memo"), amount })),
    of("register", all({ connection: among(0, 0, 1, 1, 2), other: identifiers })),
    of(
      "list",
      all({
        kind: among(...(kinds as readonly [Model.Kind])),
        connection,
        status: other("RESERVED", "REJECTED", "CLEARED", "RELEASED"),
        currency: other("BTC", "__proto__"),
        limit: among(1, 2, 3, 200),
      }),
    ),
    of("balances", all({ connection })),
    oneOf(of("suspend", all({ connection })), of("resume", all({ connection }))),
    of("issue a token", all({ account: among(1, 2, 3) })),
    ...[connect, connect],
    of("revoke a token", all({ which: below(5) })),
  )
}

const withOther = <A extends Partial<Model.Connection>>(connection: A, field: keyof Model.Connection | undefined): A =>
  field === undefined ? connection : { ...connection, [field]: "ffffffff-0000-4000-8000-000000000000" }

/** One run: the model beside the system, what was sent, and the ids that the small numbers stand for. */
class Run {
  readonly #model: Model.Model
  readonly #kinds: ReadonlyArray<Model.Kind>
  readonly #system: System.System
  readonly #reservations: Array<Model.Terms> = []
  readonly #adjustments: Array<Model.Adjustment> = []
  readonly #tokens: Array<string> = []
  readonly #ids = new Map<string, string>()
  readonly #partnerIds = new Map<string, string>()

  constructor(policy: Model.Policy, kinds: ReadonlyArray<Model.Kind>, system: System.System) {
    this.#model = new Model.Model(policy)
    this.#kinds = kinds
    this.#system = system
  }

  /** Two connections with something to reserve. */
  begin = Effect.fnUntraced(function* (this: Run): Effect.fn.Return<void, Law.Departure> {
    for (const n of [0, 1]) {
      const connection = this.#connection(n)
      yield* same(yield* this.#system.register(connection), this.#model.register(connection))
      const { connectionId } = connection
      const amount = this.#amount({ currency: "BTC", quantity: "20" })
      yield* this.#adjust({ adjustmentId: this.#transfer(10 + n), connectionId, direction: "credit", amount }, false)
    }
  }).bind(this)

  ask(request: Request): Effect.Effect<void, Law.Departure> {
    const [model, system] = [this.#model, this.#system]
    switch (request.ask) {
      case "register": {
        const connection = withOther(this.#connection(request.connection), request.other)
        return Effect.flatMap(system.register(connection), (actual) => same(actual, model.register(connection)))
      }
      case "reserve": {
        const { connectionId, ...identifiers } = withOther(this.#connection(request.connection), request.other)
        const [id, amount] = [this.#transfer(request.transfer), this.#amount(request.amount)]
        const named = request.kind === "lock" ? {} : identifiers
        return this.#reserve({ kind: request.kind, id, amount, connectionId, ...named })
      }
      case "reserve again": {
        const terms = this.#reservations[request.which % this.#reservations.length]
        if (terms === undefined) return Effect.void
        const { other } = request
        if (other === "amount") return this.#reserve({ ...terms, amount: this.#amount(request.amount) })
        const isNamed = other !== undefined && terms[other] !== undefined
        return this.#reserve(isNamed ? withOther(terms, other) : terms)
      }
      case "credit":
      case "debit":
        return this.#adjust(
          {
            adjustmentId: this.#transfer(request.transfer),
            connectionId: this.#connection(request.connection).connectionId,
            direction: request.ask,
            amount: this.#amount(request.amount),
          },
          request.newCurrency,
        )
      case "adjust again": {
        const adjustment = this.#adjustments[request.which % this.#adjustments.length]
        if (adjustment === undefined) return Effect.void
        const changes = {
          amount: { amount: this.#amount(request.amount) },
          direction: { direction: adjustment.direction === "credit" ? "debit" : "credit" },
          memo: { memo: "" },
          nothing: {},
        } as const
        return this.#adjust({ ...adjustment, ...changes[request.other ?? "nothing"] }, false)
      }
      case "clear":
      case "release":
      case "find": {
        const { ask, kind, transfer, upperCase } = request
        const id = this.#transfer(transfer)
        return Effect.flatMap(system[ask]({ kind, id: upperCase ? id.toUpperCase() : id }), (answer) =>
          this.#assertSame<Model.Answer>(answer, model[ask]({ kind, id })),
        )
      }
      case "list": {
        const { kind, connection, status, currency, limit } = request
        const query = {
          kind,
          connectionId: this.#connection(connection).connectionId,
          ...(status === undefined ? {} : { status }),
          ...(currency === undefined ? {} : { currency: this.#currency(currency) }),
        }
        return this.#assertList(query, limit)
      }
      case "balances":
        return this.#assertConnection(request.connection)
      case "suspend":
      case "resume": {
        const { connectionId } = this.#connection(request.connection)
        const suspended = request.ask === "suspend"
        return Effect.flatMap(system.suspend(connectionId, suspended), (actual) =>
          same(actual, model.suspend(connectionId, suspended)),
        )
      }
      case "issue a token":
        return Effect.map(system.issueToken(this.#account(request.account)), (token) => {
          this.#tokens.push(token)
          model.issueToken(this.#account(request.account), token)
        })
      case "revoke a token": {
        const token = this.#tokens[request.which]
        if (token === undefined) return Effect.void
        return Effect.map(system.revokeToken(token), () => model.revokeToken(token))
      }
      case "connect": {
        const { connectionId, clientId } = withOther(this.#connection(request.connection), request.other)
        const asked = { connectionId, clientId, token: this.#tokens[request.which] ?? "none" }
        return Effect.flatMap(system.connect(asked), (actual) => same(actual, model.connect(asked)))
      }
    }
  }

  /** All that can be read is as in the model. */
  assertSettled = Effect.fnUntraced(function* (this: Run): Effect.fn.Return<void, Law.Departure> {
    for (const n of connections) {
      yield* this.#assertConnection(n)
      const { connectionId } = this.#connection(n)
      for (const kind of this.#kinds) yield* this.#assertList({ kind, connectionId }, 7)
    }
    for (const n of transfers) {
      for (const kind of this.#kinds) {
        const reference = { kind, id: this.#transfer(n) }
        yield* this.#assertSame(yield* this.#system.find(reference), this.#model.find(reference))
      }
    }
  }).bind(this)

  /** A code of the run's own, for whether one is known depends on all that a system was asked before. */
  #currency(code: string): string {
    return this.#model.policy.currencies !== undefined || code === "__proto__"
      ? code
      : `${code}/${this.#id("currency")}`
  }

  #amount({ currency, quantity }: Model.Amount): Model.Amount {
    return { currency: this.#currency(currency), quantity }
  }

  /** The same id for the same name within the run, another in every other run. */
  #id(name: string): string {
    const id = this.#ids.get(name) ?? System.newId()
    this.#ids.set(name, id)
    return id
  }

  #connection(n: number): Model.Connection {
    return { connectionId: this.#id(`connection ${n}`), clientId: this.#id("client"), ...this.#account(n) }
  }

  /** The n-th account of the partner's. */
  #account(n: number): Model.Account {
    return { partnersConnectionId: `konto «${n}» 口座🏦 ${this.#id("account")}`, partnerClientId: "" }
  }

  #transfer(n: number): string {
    return this.#id(`transfer ${n}`)
  }

  #reserve(terms: Model.Terms): Effect.Effect<void, Law.Departure> {
    this.#reservations.push(terms)
    return Effect.flatMap(this.#system.reserve(terms), (actual) => this.#assertSame(actual, this.#model.reserve(terms)))
  }

  #adjust(adjustment: Model.Adjustment, newCurrency: boolean): Effect.Effect<void, Law.Departure> {
    this.#adjustments.push(adjustment)
    return Effect.flatMap(this.#system.adjust(adjustment, newCurrency), (actual) =>
      same(actual, this.#model.adjust(adjustment, newCurrency)),
    )
  }

  #assertConnection(n: number): Effect.Effect<void, Law.Departure> {
    const { connectionId } = this.#connection(n)
    return Effect.flatMap(this.#system.connection(connectionId), (actual) =>
      same(actual, this.#model.connection(connectionId)),
    )
  }

  /** The list has what the model has, newest first and by id where times are equal, in pages that are full but for the last. */
  #assertList(query: Model.Query, limit: number): Effect.Effect<void, Law.Departure> {
    return Effect.flatMap(
      this.#system.list(query, limit),
      Effect.fnUntraced(function* (this: Run, pages: ReadonlyArray<ReadonlyArray<System.Listed>>) {
        const listed = pages.flat()
        for (const [index, { createdAt, id }] of listed.entries()) {
          const next = listed[index + 1]
          if (next === undefined) continue
          const isInOrder = next.createdAt < createdAt || (next.createdAt === createdAt && next.id < id)
          yield* Law.holds(
            isInOrder,
            `Of a list that is newest first, ${id} of ${createdAt} is followed by ${next.id} of ${next.createdAt}.`,
          )
        }
        yield* Law.same(
          pages.slice(0, -1).every((page) => page.length === limit) && (pages.at(-1)?.length ?? 0) <= limit,
          true,
          `That pages of ${limit}, of ${pages.map((page) => page.length).join(", ")}, are full but for the last`,
        )
        const byId = (a: Model.Shown, b: Model.Shown) => (a.id < b.id ? -1 : 1)
        const actual = []
        for (const { createdAt: _, ...shown } of listed.toSorted(byId))
          actual.push(yield* this.#withoutPartnerId(shown))
        yield* Law.same<unknown>(actual, this.#model.list(query).toSorted(byId), "The list")
      }).bind(this),
    )
  }

  /** Equal but for the partner's id, which belongs to one transfer and never changes. */
  #assertSame<A extends Model.Answer>(
    actual: Model.Outcome<System.Real<A>>,
    expected: Model.Outcome<A>,
  ): Effect.Effect<void, Law.Departure> {
    if (!("ok" in actual)) return same<unknown>(actual, expected)
    return Effect.flatMap(this.#withoutPartnerId(actual.ok), (ok) => same<unknown>({ ok }, expected))
  }

  #withoutPartnerId({
    partnerTransferId,
    ...answer
  }: System.Real<Model.Answer>): Effect.Effect<Model.Answer, Law.Departure> {
    const { kind, id } = answer
    // What the partner asks for itself has no other id.
    if (kind === "lock") {
      return Effect.as(Law.holds(partnerTransferId === undefined, `Lock ${id} has a second id.`), answer)
    }
    if (partnerTransferId === undefined) {
      return Effect.fail(new Law.Departure({ message: `The ${kind} ${id} has no id of the partner's.` }))
    }
    for (const [partners, networks] of [...this.#partnerIds, [partnerTransferId, id] as const]) {
      if ((partners === partnerTransferId) !== (networks === id)) {
        return Effect.fail(
          new Law.Departure({ message: `${id} and ${networks} do not keep each an id of the partner's own.` }),
        )
      }
    }
    this.#partnerIds.set(partnerTransferId, id)
    return Effect.succeed(answer)
  }
}

const same = <A>(actual: A, expected: A) => Law.same(actual, expected, "The answer")
