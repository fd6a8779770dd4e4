/**
 * The model-based property: whatever is asked of a system, in whatever order, it answers and ends as
 * the naive {@link Model} does. Every run draws ids of its own, so many can share one database.
 */
import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import fc from "fast-check"
import * as Model from "./Model.ts"
import type { Real, System } from "./System.ts"

interface Options {
  /** The settings that the system runs with. Where its currencies are set, nobody else may have used it. */
  readonly policy: Model.Policy
  /** The kinds of transfers that the system has. */
  readonly kinds: ReadonlyArray<Model.Kind>
  /** 100 unless told. */
  readonly numRuns?: number
  /** To see a failure again: `seed`, `path` and `endOnFailure` as it printed them, `replayPath` from the end of its commands. */
  readonly replay?: { readonly seed: number; readonly path: string; readonly endOnFailure: true; replayPath: string }
}

/** Checks the property. A failure prints seed, paths and the shortest commands that depart from the model. */
export const ledgerProperty = (makeSystem: () => System | Promise<System>, options: Options): Promise<void> => {
  const { replayPath = null, ...replay } = options.replay ?? {}
  const commands = fc.commands(commandArbitraries(options.kinds), {
    maxCommands: 60,
    size: "max",
    ...(replayPath === null ? {} : { replayPath }),
  })
  return fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      const run = new Run(options.policy)
      const system = await makeSystem()
      await run.begin(system)
      await fc.asyncModelRun(() => ({ model: run, real: system }), commands)
      await run.assertSettled(system, options.kinds)
    }),
    { numRuns: options.numRuns ?? 100, ...replay },
  )
}

/** One run: the model, what was sent, and the ids that the small numbers in commands stand for. */
class Run {
  readonly model: Model.Model
  readonly reservations: Array<Model.Terms> = []
  readonly adjustments: Array<Model.Adjustment> = []
  readonly tokens: Array<string> = []
  readonly #ids = new Map<string, string>()
  readonly #partnerIds = new Map<string, string>()

  constructor(policy: Model.Policy) {
    this.model = new Model.Model(policy)
  }

  /** A code of the run's own, for whether one is known depends on all that a system was asked before. */
  currency(code: string): string {
    return this.model.policy.currencies !== undefined || code === "__proto__" ? code : `${code}/${this.id("currency")}`
  }

  amount({ currency, quantity }: Model.Terms["amount"]): Model.Terms["amount"] {
    return { currency: this.currency(currency), quantity }
  }

  /** The same id for the same name within the run, another in every other run. */
  id(name: string): string {
    const id = this.#ids.get(name) ?? randomUUID()
    this.#ids.set(name, id)
    return id
  }

  connection(n: number): Model.Connection {
    const clientId = this.id("client")
    return {
      connectionId: this.id(`connection ${n}`),
      clientId,
      partnersConnectionId: this.account(n).partnersConnectionId,
      partnerClientId: "",
    }
  }

  /** The n-th account of the partner's. */
  account(n: number): Model.Account {
    return { partnersConnectionId: `konto «${n}» 口座🏦 ${this.id("account")}`, partnerClientId: "" }
  }

  transferId(n: number): string {
    return this.id(`transfer ${n}`)
  }

  /** Two connections with something to reserve. */
  async begin(system: System): Promise<void> {
    for (const n of [0, 1]) {
      const connection = this.connection(n)
      assert.deepEqual(await system.register(connection), this.model.register(connection))
      const { connectionId } = connection
      const amount = this.amount({ currency: "BTC", quantity: "20" })
      const adjustmentId = this.transferId(10 + n)
      await adjust(this, system, { adjustmentId, connectionId, direction: "credit", amount }, false)
    }
  }

  /** Equal but for the partner's id, which belongs to one deallocation and never changes. */
  assertSame<A extends Model.Answer>(actual: Model.Outcome<Real<A>>, expected: Model.Outcome<A>): void {
    const plain = "ok" in actual ? { ok: this.#withoutPartnerId(actual.ok) } : actual
    assert.deepEqual<object>(plain, expected)
  }

  assertSameList(actual: ReadonlyArray<Real<Model.Shown>>, expected: ReadonlyArray<Model.Shown>): void {
    const byId = (a: Model.Shown, b: Model.Shown) => (a.id < b.id ? -1 : 1)
    const plain = actual.toSorted(byId).map((shown) => this.#withoutPartnerId(shown))
    assert.deepEqual<ReadonlyArray<object>>(plain, expected.toSorted(byId))
  }

  #withoutPartnerId({ partnerTransferId = "none", ...answer }: Real<Model.Answer>): object {
    const { kind, id } = answer
    // What the partner asks for itself has no other id.
    if (kind === "lock") assert.strictEqual(partnerTransferId, "none")
    else {
      assert.match(partnerTransferId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      for (const [partners, networks] of [...this.#partnerIds, [partnerTransferId, id] as const]) {
        assert.strictEqual(partners === partnerTransferId, networks === id, "one partner's id for each")
      }
      this.#partnerIds.set(partnerTransferId, id)
    }
    return answer
  }

  /** All that can be read is as in the model. */
  async assertSettled(system: System, kinds: ReadonlyArray<Model.Kind>): Promise<void> {
    for (const n of connectionNumbers) {
      const { connectionId } = this.connection(n)
      assert.deepEqual(await system.connection(connectionId), this.model.connection(connectionId))
      for (const kind of kinds) {
        const query = { kind, connectionId }
        this.assertSameList(await system.list(query, 7), this.model.list(query))
      }
    }
    for (const n of transferNumbers) {
      for (const kind of kinds) {
        const reference = { kind, id: this.transferId(n) }
        this.assertSame(await system.find(reference), this.model.find(reference))
      }
    }
  }
}

type Command = fc.AsyncCommand<Run, System>

/** A command that prints as its name and input. */
const command = <Input>(
  name: string,
  input: fc.Arbitrary<Input>,
  run: (run: Run, system: System, input: Input) => Promise<void>,
): fc.Arbitrary<Command> =>
  input.map((input) => ({
    check: () => true,
    run: (model, system) => run(model, system, input),
    toString: () => `${name} ${fc.stringify(input)}`,
  }))

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true })

const connectionNumbers = [0, 1, 2, 3]
const transferNumbers = Array.from({ length: 20 }, (_, n) => n)

/** One thing so many times as often as another. */
const mostly = <A, B>(weight: number, usual: fc.Arbitrary<A>, unusual: fc.Arbitrary<B>) =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: unusual })

/** What may be other than it should be; most often nothing. */
const oneOf = <const Field extends string>(...fields: ReadonlyArray<Field>) =>
  mostly(9, fc.constant(undefined), fc.constantFrom(...fields))

/** Two are registered and funded to begin with, the third seldom is. */
const connection = mostly(9, fc.constantFrom(0, 0, 1), fc.constant(2))
const currency = mostly(5, fc.constant("BTC"), fc.constantFrom("btc", "ofcETH:USDC-v2.e", "__proto__", "€:".repeat(45)))
const small = fc.integer({ min: 1, max: 10 }).map(String)
const large = fc.constantFrom(10n ** 18n, 2n ** 255n, 2n ** 256n - 11n, 2n ** 256n - 1n).map(String)
const amount = record({ currency, quantity: mostly(19, small, large) })

/** Reservations and adjustments have their own ids, and now and then one of the other's. */
const [low, high] = [fc.integer({ min: 0, max: 8 }), fc.integer({ min: 10, max: 19 })]
const movement = mostly(14, high, low)

/** Most numbers stand for one kind each. */
const referenceOf = (kinds: ReadonlyArray<Model.Kind>) =>
  record({ number: mostly(14, low, high), other: mostly(14, fc.constant(0), fc.nat(2)) }).map(({ number, other }) => ({
    number,
    kind: kinds[(number + other) % kinds.length] ?? assert.fail(),
  }))

type Kinds = ReadonlyArray<Model.Kind>

const register = command(
  "register",
  record({
    connection: fc.constantFrom(0, 0, 1, 1, 2),
    other: oneOf("clientId", "partnersConnectionId", "partnerClientId"),
  }),
  async (run, system, { connection, other }) => {
    const registration = withOther(run.connection(connection), other)
    assert.deepEqual(await system.register(registration), run.model.register(registration))
  },
)

const withOther = <A extends Partial<Model.Connection>>(connection: A, field: keyof Model.Connection | undefined): A =>
  field === undefined ? connection : { ...connection, [field]: "ffffffff-0000-4000-8000-000000000000" }

const reserve = async (run: Run, system: System, terms: Model.Terms) => {
  run.reservations.push(terms)
  run.assertSame(await system.reserve(terms), run.model.reserve(terms))
}

const reserveAny = (kinds: Kinds) =>
  command(
    "reserve",
    record({
      reference: referenceOf(kinds),
      connection,
      amount,
      other: oneOf("clientId", "partnersConnectionId", "partnerClientId"),
    }),
    (run, system, { reference: { number, kind }, connection, amount, other }) => {
      const { connectionId, ...identifiers } = withOther(run.connection(connection), other)
      const named = kind === "lock" ? {} : identifiers
      const id = run.transferId(number)
      return reserve(run, system, { kind, id, amount: run.amount(amount), connectionId, ...named })
    },
  )

const reserveAgain = command(
  "reserve again",
  record({ which: fc.nat(50), other: oneOf("amount", "connectionId", "partnersConnectionId"), amount }),
  async (run, system, { which, other, amount }) => {
    const terms = run.reservations[which % run.reservations.length]
    if (terms === undefined) return
    if (other === "amount") return reserve(run, system, { ...terms, amount: run.amount(amount) })
    const isNamed = other !== undefined && terms[other] !== undefined
    await reserve(run, system, isNamed ? withOther(terms, other) : terms)
  },
)

const adjust = async (run: Run, system: System, adjustment: Model.Adjustment, newCurrency: boolean) => {
  run.adjustments.push(adjustment)
  assert.deepEqual(await system.adjust(adjustment, newCurrency), run.model.adjust(adjustment, newCurrency))
}

const adjustAny = (direction: "credit" | "debit") =>
  command(
    direction,
    record({ movement, connection, amount, newCurrency: fc.boolean() }),
    (run, system, { movement, connection, amount, newCurrency }) => {
      const { connectionId } = run.connection(connection)
      const adjustmentId = run.transferId(movement)
      return adjust(run, system, { adjustmentId, connectionId, direction, amount: run.amount(amount) }, newCurrency)
    },
  )

const adjustAgain = command(
  "adjust again",
  record({ which: fc.nat(50), other: oneOf("amount", "direction", "memo"), amount }),
  async (run, system, { which, other, amount }) => {
    const adjustment = run.adjustments[which % run.adjustments.length]
    if (adjustment === undefined) return
    const direction = adjustment.direction === "credit" ? "debit" : "credit"
    const changes = {
      amount: { amount: run.amount(amount) },
      direction: { direction },
      memo: { memo: "" },
      nothing: {},
    } as const
    await adjust(run, system, { ...adjustment, ...changes[other ?? "nothing"] }, false)
  },
)

/** Ids may come in any case. */
const settle = (kinds: Kinds, name: "clear" | "release" | "find") =>
  command(
    name,
    record({ reference: referenceOf(kinds), upperCase: fc.boolean() }),
    async (run, system, { reference: { number, kind }, upperCase }) => {
      const id = run.transferId(number)
      const answer = await system[name]({ kind, id: upperCase ? id.toUpperCase() : id })
      run.assertSame<Model.Answer>(answer, run.model[name]({ kind, id }))
    },
  )

const list = (kinds: Kinds) =>
  command(
    "list",
    record({
      kind: fc.constantFrom(...kinds),
      connection,
      status: oneOf("RESERVED", "REJECTED", "CLEARED", "RELEASED"),
      currency: oneOf("BTC", "__proto__"),
      limit: fc.constantFrom(1, 2, 3, 200),
    }),
    async (run, system, { kind, connection, status, currency, limit }) => {
      const query = {
        kind,
        connectionId: run.connection(connection).connectionId,
        ...(status === undefined ? {} : { status }),
        ...(currency === undefined ? {} : { currency: run.currency(currency) }),
      }
      run.assertSameList(await system.list(query, limit), run.model.list(query))
    },
  )

const suspend = command(
  "suspend",
  record({ connection, suspended: fc.boolean() }),
  async (run, system, { connection, suspended }) => {
    const { connectionId } = run.connection(connection)
    assert.deepEqual(await system.suspend(connectionId, suspended), run.model.suspend(connectionId, suspended))
  },
)

const issueToken = command("issue a token", fc.constantFrom(1, 2, 3), async (run, system, n) => {
  const token = await system.issueToken(run.account(n))
  run.tokens.push(token)
  run.model.issueToken(run.account(n), token)
})

const revokeToken = command("revoke a token", fc.nat(5), async (run, system, which) => {
  const token = run.tokens[which]
  if (token === undefined) return
  await system.revokeToken(token)
  run.model.revokeToken(token)
})

const connect = command(
  "connect",
  record({ connection: fc.constantFrom(1, 2, 3, 3), which: fc.nat(5), other: oneOf("clientId") }),
  async (run, system, { connection, which, other }) => {
    const { connectionId, clientId } = withOther(run.connection(connection), other)
    const request = { connectionId, clientId, token: run.tokens[which] ?? "none" }
    assert.deepEqual(await system.connect(request), run.model.connect(request))
  },
)

const balances = command("balances", connection, async (run, system, connection) => {
  const { connectionId } = run.connection(connection)
  assert.deepEqual(await system.connection(connectionId), run.model.connection(connectionId))
})

const commandArbitraries = (kinds: Kinds) => [
  ...[reserveAny(kinds), reserveAny(kinds), reserveAny(kinds), reserveAgain, reserveAgain],
  ...[settle(kinds, "clear"), settle(kinds, "release"), settle(kinds, "find")],
  ...[adjustAny("credit"), adjustAny("debit"), adjustAgain, register, list(kinds), balances],
  ...[suspend, issueToken, connect, connect, revokeToken],
]
