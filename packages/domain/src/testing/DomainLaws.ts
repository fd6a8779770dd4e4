/**
 * The laws of the domain itself: of amounts, accounts, transfers and the ledger.
 */
import { Arbitrary, DateTime, Effect, Result, Schema, Struct } from "effect"
import * as Account from "../Account.ts"
import * as Amount from "../Amount.ts"
import * as BaseUnits from "../BaseUnits.ts"
import * as Connection from "../Connection.ts"
import * as Deallocation from "../Deallocation.ts"
import * as Denomination from "../Denomination.ts"
import * as Ledger from "../Ledger.ts"
import type * as Transfer from "../Transfer.ts"
import * as Arbitraries from "./Arbitraries.ts"
import * as Law from "./Law.ts"
import * as World from "./World.ts"

const { all, Constant } = Arbitrary
const { account, amount, among, below, mostly, oneOf, quantity } = Arbitraries

/** What an effect comes to, failures included, as plain values. */
const outcome = <A, E extends { readonly _tag: string; readonly message: string }>(effect: Effect.Effect<A, E>) =>
  Effect.match(effect, {
    onSuccess: (value): unknown => ({ value }),
    onFailure: (error): unknown => ({ ...error, message: error.message }),
  })

/** A failure, where the law says that there is one. */
const failed = <A, E>(effect: Effect.Effect<A, E>, what: string): Effect.Effect<E, Law.Departure> =>
  Effect.mapError(
    Effect.flip(effect),
    (value) => new Law.Departure({ message: `${what} is ${value}, and should fail.` }),
  )

/** A success, where the law says that there is one. */
const succeeded = <A, E extends { readonly message: string }>(
  effect: Effect.Effect<A, E>,
): Effect.Effect<A, Law.Departure> =>
  Effect.mapError(effect, ({ message }) => new Law.Departure({ message: `It failed: ${message}` }))

const sumOf = (numbers: Iterable<bigint>): bigint => Array.from(numbers).reduce((sum, number) => sum + number, 0n)

const worthOf = (account: Account.Account): bigint => sumOf(Object.values(account))

/** Three quantities whose sum is within the bound. */
const addends = Arbitrary.map(
  account,
  ({ available, reserved, deallocated }) => [available, reserved, deallocated] as const,
)

const weights = Arbitrary.filter(Arbitrary.array(quantity, { minLength: 1, maxLength: 12 }), (all) =>
  all.some((weight) => weight > 0n),
)

const partitions = all([quantity, weights])

/** The remainders of exact shares, and which of them were rounded up. */
const sharesOf = (whole: bigint, weights: ReadonlyArray<bigint>, parts: ReadonlyArray<bigint>) => {
  const total = sumOf(weights)
  return parts.map((part, index) => {
    const exact = whole * (weights[index] ?? 0n)
    return {
      index,
      part,
      weight: weights[index] ?? 0n,
      remainder: exact % total,
      isRoundedUp: part > exact / total,
      exact,
      total,
    }
  })
}

const amounts: ReadonlyArray<Law.Law> = [
  Law.property(
    "amounts/add",
    "base units add up to the sum, or fail above 2^256 - 1",
    all([quantity, quantity]),
    ([a, b]) =>
      Effect.gen(function* () {
        if (a + b <= BaseUnits.MAX) {
          return yield* Law.same<bigint>(yield* succeeded(BaseUnits.add(a, b)), a + b, "The sum")
        }
        const { _tag, message } = yield* failed(BaseUnits.add(a, b), "The sum")
        const expected = ["BaseUnitsOverflow", `The sum must be at most 2^256 - 1 base units. Got ${a + b}.`]
        return yield* Law.same([_tag, message], expected, "The failure")
      }),
  ),
  Law.property(
    "amounts/add-laws",
    "base units add commutatively and associatively, and zero changes nothing",
    addends,
    ([a, b, c]) =>
      Effect.gen(function* () {
        const add = (x: BaseUnits.BaseUnits, y: BaseUnits.BaseUnits) => succeeded(BaseUnits.add(x, y))
        yield* Law.same(yield* add(a, b), yield* add(b, a), "a + b")
        yield* Law.same(yield* add(yield* add(a, b), c), yield* add(a, yield* add(b, c)), "(a + b) + c")
        yield* Law.same(yield* add(a, BaseUnits.zero), a, "a + 0")
      }),
  ),
  Law.property("amounts/subtract", "base units subtract what was added", addends, ([a, b]) =>
    Effect.flatMap(succeeded(Effect.flatMap(BaseUnits.add(a, b), (sum) => BaseUnits.subtract(sum, b))), (result) =>
      Law.same(result, a, "(a + b) - b"),
    ),
  ),
  Law.property(
    "amounts/underflow",
    "base units never go below zero: subtraction fails, and difference is zero",
    all([quantity, quantity]),
    ([a, b]) =>
      Effect.gen(function* () {
        yield* Law.same<bigint>(BaseUnits.difference(a, b), a >= b ? a - b : 0n, "The difference")
        if (a >= b) return yield* Law.same<bigint>(yield* succeeded(BaseUnits.subtract(a, b)), a - b, "a - b")
        const { _tag, minuend, subtrahend, message } = yield* failed(BaseUnits.subtract(a, b), "a - b")
        const expected = ["BaseUnitsUnderflow", a, b, `Cannot subtract ${b} from ${a} base units.`]
        return yield* Law.same<unknown>([_tag, minuend, subtrahend, message], expected, "The failure")
      }),
  ),
  Law.property(
    "amounts/sum",
    "base units sum to what adding one after another gives",
    Arbitrary.array(quantity, { maxLength: 8 }),
    (amounts) =>
      Effect.gen(function* () {
        const oneByOne = Effect.reduce(amounts, () => BaseUnits.zero, BaseUnits.add)
        const [sum, expected] = [yield* Effect.option(BaseUnits.sum(amounts)), yield* Effect.option(oneByOne)]
        yield* Law.same(sum, expected, "The sum")
      }),
  ),
  Law.property(
    "amounts/order",
    "base units order by size, and equal themselves only",
    all([quantity, quantity]),
    ([a, b]) =>
      Law.same(
        [BaseUnits.Order(a, b), BaseUnits.Equivalence(a, b)],
        [a < b ? -1 : a > b ? 1 : 0, a === b],
        "Order and equivalence",
      ),
  ),
  Law.property("amounts/digits", "digits are read back as written, whatever the quantity", quantity, (units) =>
    Effect.gen(function* () {
      const text = BaseUnits.toString(units)
      yield* Law.holds(/^(0|[1-9][0-9]{0,77})$/.test(text), `${text} is not in canonical digits.`)
      yield* Law.same(yield* succeeded(BaseUnits.fromString(text)), units, "What is read")
      yield* Law.same(Schema.decodeSync(BaseUnits.FromString)(text), units, "What the schema reads")
      yield* Law.same(Schema.encodeSync(BaseUnits.FromString)(units), text, "What the schema writes")
    }),
  ),
  Law.property("amounts/partition-sum", "a partition conserves the sum", partitions, ([whole, weights]) =>
    Effect.gen(function* () {
      const parts = yield* succeeded(BaseUnits.partition(whole, weights))
      yield* Law.same<unknown>([parts.length, sumOf(parts)], [weights.length, whole], "How many parts, and their sum,")
    }),
  ),
  Law.property(
    "amounts/partition-shares",
    "each part is within one unit of its exact share, and a larger weight never gets less",
    partitions,
    ([whole, weights]) =>
      Effect.gen(function* () {
        const shares = sharesOf(whole, weights, yield* succeeded(BaseUnits.partition(whole, weights)))
        for (const { part, exact, total } of shares) {
          const isNear = part * total > exact - total && part * total < exact + total
          yield* Law.holds(isNear, `${part} is not within one unit of ${exact} / ${total}.`)
        }
        for (const a of shares) {
          for (const b of shares) {
            yield* Law.holds(
              a.weight <= b.weight || a.part >= b.part,
              `The weight ${a.weight} gets ${a.part}, and ${b.weight} gets ${b.part}.`,
            )
          }
        }
      }),
  ),
  Law.property(
    "amounts/partition-remainders",
    "the units left over go to the largest remainders, the earlier first among equals",
    partitions,
    ([whole, weights]) =>
      Effect.gen(function* () {
        const shares = sharesOf(whole, weights, yield* succeeded(BaseUnits.partition(whole, weights)))
        for (const up of shares.filter((share) => share.isRoundedUp)) {
          for (const down of shares.filter((share) => !share.isRoundedUp)) {
            const isEarlier = up.remainder === down.remainder && up.index < down.index
            yield* Law.holds(
              up.remainder > down.remainder || isEarlier,
              `The part ${up.index} is rounded up before the part ${down.index}.`,
            )
          }
        }
      }),
  ),
  Law.property(
    "amounts/one-currency",
    "amounts of one currency add and subtract as their quantities do, and have an identity",
    all([amount, quantity]),
    ([{ currency, quantity: a }, b]) =>
      Effect.gen(function* () {
        const of = (quantity: BaseUnits.BaseUnits): Amount.Amount => ({ currency, quantity })
        const [sum, expectedSum] = [Amount.add(of(a), of(b)), Effect.map(BaseUnits.add(a, b), of)]
        yield* Law.same(yield* outcome(sum), yield* outcome(expectedSum), "The sum")
        const [rest, expectedRest] = [Amount.subtract(of(a), of(b)), Effect.map(BaseUnits.subtract(a, b), of)]
        yield* Law.same(yield* outcome(rest), yield* outcome(expectedRest), "The difference")
        yield* Law.same(yield* succeeded(Amount.add(of(a), Amount.zero(currency))), of(a), "a + 0")
      }),
  ),
  Law.property("amounts/two-currencies", "amounts of different currencies never mix", all([amount, amount]), ([a, b]) =>
    Effect.gen(function* () {
      yield* Law.same(
        [Amount.Equivalence(a, { ...a }), Amount.Equivalence(a, b)],
        [true, a.currency === b.currency && a.quantity === b.quantity],
        "Whether they are the same",
      )
      if (a.currency === b.currency) return
      for (const effect of [Amount.add(a, b), Amount.subtract(a, b)]) {
        const { _tag, message } = yield* failed<unknown, { readonly _tag: string; readonly message: string }>(
          effect,
          "The result",
        )
        const expected = ["CurrencyMismatch", `Expected an amount in ${a.currency}. Got one in ${b.currency}.`]
        yield* Law.same([_tag, message], expected, "The failure")
      }
    }),
  ),
  Law.property("amounts/text", "amounts are read from digits and written with all of them", amount, (amount) =>
    Effect.gen(function* () {
      const text = { currency: amount.currency, quantity: String(amount.quantity) }
      yield* Law.same(Schema.decodeUnknownSync(Amount.PositiveFromString)(text), amount, "What is read")
      yield* Law.same<unknown>(Schema.encodeSync(Amount.PositiveFromString)(amount), text, "What is written")
    }),
  ),
  Law.property(
    "amounts/decimals",
    "decimal text is read back as written, with the same digits as base units and a point so many places from the end",
    all([mostly(3, below(37), among(0, 1, 8, 18, 36)), quantity]),
    ([decimals, units]) =>
      Effect.gen(function* () {
        const denomination = Denomination.Denomination.make({ decimals })
        const text = Denomination.format(denomination, units)
        yield* Law.same(yield* succeeded(Denomination.parse(denomination, text)), units, "What is read")
        const [whole = "", fraction = "", ...more] = text.split(".")
        yield* Law.same<unknown>(
          [fraction.length, more.length, text.includes("."), BigInt(whole + fraction)],
          [decimals, 0, decimals > 0, units],
          `What ${text} is made of`,
        )
        yield* Law.holds(/^(0|[1-9][0-9]*)$/.test(whole), `${text} does not begin as a number does.`)
      }),
  ),
]

const places = ["outside", ...Account.Balance.literals] as const

const posting = all({ from: among(...places), to: among(...places) })

const isWithinBounds = (balances: ReadonlyArray<bigint>) =>
  balances.every((balance) => balance >= 0n) && sumOf(balances) <= BaseUnits.MAX

const accounts: ReadonlyArray<Law.Law> = [
  Law.property(
    "accounts/post",
    "an account posts exactly the quantity, wherever it is there and the sum stays within the bound",
    all([account, posting, quantity]),
    ([before, { from, to }, quantity]) =>
      Effect.gen(function* () {
        const taken: Record<string, bigint> = { ...before }
        if (from !== "outside") taken[from] = before[from] - quantity
        const after: Record<string, bigint> = { ...taken }
        if (to !== "outside") after[to] = (after[to] ?? 0n) + quantity
        const isPossible = [taken, after].every((balances) => isWithinBounds(Object.values(balances)))
        const result = yield* Effect.result(Account.post(before, { from, to }, quantity))
        yield* Law.same(Result.isSuccess(result), isPossible, "Whether it is posted")
        if (Result.isSuccess(result)) yield* Law.same<unknown>(result.success, after, "The account")
      }),
    { runs: 500 },
  ),
  Law.property(
    "accounts/worth",
    "an account is worth what came in less what went out, after any postings",
    Arbitrary.array(all([posting, quantity]), { maxLength: 20 }),
    (postings) =>
      Effect.gen(function* () {
        let account = Account.empty
        let worth = 0n
        for (const [posting, quantity] of postings) {
          const result = yield* Effect.result(Account.post(account, posting, quantity))
          if (Result.isFailure(result)) continue
          account = result.success
          if (posting.from === "outside") worth += quantity
          if (posting.to === "outside") worth -= quantity
        }
        yield* Law.same(worthOf(account), worth, "What it is worth")
      }),
  ),
  Law.property(
    "accounts/back",
    "an account comes back to where it was when what was posted is posted back, and is itself never changed",
    all([account, posting, quantity]),
    ([before, { from, to }, quantity]) =>
      Effect.gen(function* () {
        const there = yield* Effect.option(Account.post(Object.freeze(before), { from, to }, quantity))
        if (there._tag === "None") return
        const back = yield* succeeded(Account.post(there.value, { from: to, to: from }, quantity))
        yield* Law.same(back, before, "The account")
      }),
  ),
]

const deallocationTerms = Arbitrary.map(
  all([Arbitraries.of(Deallocation.Terms), amount]),
  ([terms, amount]): Deallocation.Terms => ({ ...terms, amount }),
)

/** Anything that can be asked about a deallocation, wherever it is in its life. */
const situation = Arbitrary.flatMap(deallocationTerms, (terms) => {
  const { quantity } = terms.amount
  const connection = Struct.pick(terms, Struct.keys(Connection.Connection.fields))
  const withReserve = Arbitrary.map(Arbitraries.quantity, (units) => ({
    ...Account.empty,
    available: BaseUnits.BaseUnits.make(units % (BaseUnits.MAX - quantity + 1n)),
    reserved: quantity,
  }))
  return all({
    terms: Constant(terms),
    command: Arbitraries.commandOn("deallocation", terms),
    transfer: Arbitraries.deallocationOf(terms),
    connection: oneOf(Constant(connection), Constant(undefined), Arbitraries.of(Connection.Connection)),
    account: oneOf(withReserve, account),
    releasedRepost: Arbitraries.releasedRepost,
  })
})

const flat = ({ amount, ...terms }: Deallocation.Terms): ReadonlyArray<readonly [string, string]> => [
  ["amount.currency", amount.currency],
  ["amount.quantity", String(amount.quantity)],
  ["connectionId", terms.connectionId],
  ["clientId", terms.clientId],
  ["partnersConnectionId", terms.partnersConnectionId],
  ["partnerClientId", terms.partnerClientId],
]

const freeze = (value: unknown): void => {
  if (typeof value !== "object" || value === null || DateTime.isDateTime(value)) return
  Object.values(Object.freeze(value)).forEach(freeze)
}

const transfers: ReadonlyArray<Law.Law> = [
  Law.property(
    "transfers/possible",
    "what is decided can be done: its events follow one another and move what is there, losing nothing",
    // An open reservation implies that so much is reserved.
    Arbitrary.filter(
      situation,
      ({ transfer, account, terms }) => transfer?.state !== "Reserved" || account.reserved >= terms.amount.quantity,
    ),
    ({ terms, command, ...situation }) =>
      Effect.gen(function* () {
        const events = yield* Effect.orElseSucceed(Deallocation.decide(command, situation), () => [])
        let [deallocation, balances] = [situation.transfer, situation.account]
        for (const event of events) {
          deallocation = yield* succeeded(Deallocation.evolve(deallocation, event))
          const posting = event._tag === "Rejected" ? undefined : Deallocation.rules.postings[event._tag]
          if (posting !== undefined) balances = yield* succeeded(Account.post(balances, posting, terms.amount.quantity))
          yield* Law.same<unknown>(
            [deallocation.state, deallocation.terms],
            [event._tag, terms],
            "The state and the terms",
          )
        }
        yield* Law.holds(events.length <= 1, `There are ${events.length} events.`)
        yield* Law.same(worthOf(balances), worthOf(situation.account), "What the account is worth")
      }),
    { runs: 500 },
  ),
  Law.property(
    "transfers/once",
    "what was done is not done again: the same command right after makes no event",
    situation,
    ({ terms: _, command, ...situation }) =>
      Effect.gen(function* () {
        const [event] = yield* Effect.orElseSucceed(Deallocation.decide(command, situation), () => [])
        if (event === undefined) return
        const transfer = yield* succeeded(Deallocation.evolve(situation.transfer, event))
        const events = yield* succeeded(Deallocation.decide(command, { ...situation, transfer }))
        yield* Law.same(events.length, 0, "How many events it makes")
      }),
    { runs: 300 },
  ),
  Law.property(
    "transfers/pure",
    "the same situation gives the same decision, and stays as it was",
    situation,
    ({ terms: _, command, ...situation }) =>
      Effect.gen(function* () {
        freeze(command)
        freeze(situation)
        const decision = Deallocation.decide(command, situation)
        const first = yield* outcome(decision)
        yield* Law.same(yield* outcome(decision), first, "The decision, run again,")
        yield* Law.same(yield* outcome(Deallocation.decide(command, situation)), first, "The decision, made again,")
      }),
  ),
  Law.property(
    "transfers/terms",
    "a request with other terms is refused in every state with exactly the fields that differ, and both values",
    Arbitrary.flatMap(deallocationTerms, (recorded) =>
      all({
        recorded: Arbitrary.filter(Arbitraries.deallocationOf(recorded), (deallocation) => deallocation !== undefined),
        other: deallocationTerms,
        changed: Arbitrary.array(
          among("amount", "connectionId", "clientId", "partnersConnectionId", "partnerClientId"),
          { minLength: 1, maxLength: 5 },
        ),
        releasedRepost: Arbitraries.releasedRepost,
      }),
    ),
    ({ recorded: deallocation, other, changed, releasedRepost }) =>
      Effect.gen(function* () {
        const changes = Object.fromEntries(changed.map((field) => [field, other[field]]))
        const terms: Deallocation.Terms = { ...deallocation.terms, ...changes }
        const after = flat(terms)
        const differences = flat(deallocation.terms).flatMap(([field, recorded], index) => {
          const repeated = after[index]?.[1]
          return recorded === repeated ? [] : [{ field, recorded, repeated }]
        })
        if (differences.length === 0) return
        const opening = { kind: "deallocation", terms, partnerTransferId: Arbitraries.uuid(5) } as const
        const command = { _tag: "Reserve", ...opening, at: DateTime.makeUnsafe("2026-01-02T00:00:00Z") } as const
        const decision = Deallocation.decide(command, {
          transfer: deallocation,
          connection: terms,
          account: { ...Account.empty, available: BaseUnits.BaseUnits.make(BaseUnits.MAX) },
          releasedRepost,
        })
        const { id } = terms
        const values = differences.map(({ field, recorded, repeated }) => `${field} ${recorded}, not ${repeated}`)
        const message = `Deallocation ${id} is recorded with ${values.join("; ")}.`
        const expected = { _tag: "TermsMismatch", kind: "deallocation", id, differences, message }
        yield* Law.same<unknown>(yield* outcome(decision), expected, "The decision")
      }),
  ),
]

/** A known code that looks like this one, which is not known. */
const lookalikeIn = ({ currencies }: World.World, code: Amount.Currency) => {
  const known = [...(currencies.get(Amount.folded(code)) ?? [])]
  return known.includes(code) ? undefined : known[0]
}

type Instructions = ReadonlyArray<Ledger.Instruction>

const fold = (world: World.World, instructions: Instructions, releasedRepost: Transfer.ReleasedRepost) =>
  Effect.map(Ledger.fold(world, instructions, { releasedRepost }), ({ outcomes, changes }) => ({
    outcomes,
    answers: outcomes.map(answer),
    changes,
    after: World.after(world, changes),
  }))

/** An outcome as a plain value. */
const answer = (outcome: Result.Result<Ledger.Success, Ledger.Failure>) =>
  Result.isSuccess(outcome) ? outcome.success : `${outcome.failure._tag}: ${outcome.failure.message}`

interface Given extends Effect.Success<ReturnType<typeof fold>> {
  readonly world: World.World
  readonly instructions: Instructions
  readonly releasedRepost: Transfer.ReleasedRepost
  /** Where the instructions may be cut into pieces. */
  readonly cuts: ReadonlyArray<number>
}

/** A law of the fold of any instructions, over a world with any past. */
const ofFold = (
  id: string,
  description: string,
  law: (given: Given) => Effect.fn.Return<void, Law.Departure>,
): Law.Law => {
  const holdsFor = Effect.fnUntraced(law)
  return Law.property(
    `ledger/${id}`,
    description,
    all({
      history: Arbitraries.history,
      releasedRepost: Arbitraries.releasedRepost,
      cuts: Arbitrary.array(below(61), { maxLength: 5 }),
    }),
    ({ history: { past, instructions }, releasedRepost, cuts }) =>
      Effect.gen(function* () {
        const { after: world } = yield* fold(World.beginning, past, releasedRepost)
        const made = yield* fold(world, instructions, releasedRepost)
        yield* holdsFor({ world, instructions, releasedRepost, cuts, ...made })
      }),
    { size: 60 },
  )
}

/** What each event of each kind does to the balances. */
const moves: Readonly<Record<string, Partial<Record<Account.Balance, bigint>>>> = {
  "adjustment Credited": { available: 1n },
  "adjustment Debited": { available: -1n },
  "deallocation Reserved": { available: -1n, reserved: 1n },
  "deallocation Rejected": {},
  "deallocation Cleared": { reserved: -1n, deallocated: 1n },
  "deallocation Released": { available: 1n, reserved: -1n },
  "allocation Reserved": { pending: 1n },
  "allocation Rejected": {},
  "allocation Cleared": { pending: -1n, available: 1n },
  "allocation Released": { pending: -1n },
  "lock Reserved": { available: -1n, locked: 1n },
  "lock Cleared": { locked: -1n },
  "lock Released": { available: 1n, locked: -1n },
}

const ledger: ReadonlyArray<Law.Law> = [
  ofFold(
    "pieces",
    "a fold is the same as its pieces, folded one after another over what the ones before changed",
    function* ({ world, instructions, releasedRepost, cuts, ...whole }) {
      const places = [...cuts.map((cut) => Math.min(cut, instructions.length)), instructions.length]
      const edges = places.toSorted((a, b) => a - b)
      let current = world
      const [answers, entries]: [Array<unknown>, Array<Ledger.Entry>] = [[], []]
      for (const [index, edge] of edges.entries()) {
        const piece = yield* fold(current, instructions.slice(edges[index - 1] ?? 0, edge), releasedRepost)
        answers.push(...piece.answers)
        entries.push(...piece.changes.entries)
        current = piece.after
      }
      yield* Law.same<unknown>(answers, whole.answers, "What is answered in pieces")
      yield* Law.same<unknown>(entries, whole.changes.entries, "What is entered in pieces")
      yield* Law.same(current, whole.after, "What is there after the pieces")
    },
  ),
  ofFold(
    "steps",
    "a fold does what a step does with each command, in the situation that the ones before left",
    function* ({ world, instructions, releasedRepost, outcomes }) {
      let current = world
      for (const [index, { command, nonce }] of instructions.entries()) {
        const { after } = yield* fold(current, [{ command, nonce }], releasedRepost)
        const outcome = outcomes[index]
        if (outcome !== undefined && !(Result.isFailure(outcome) && outcome.failure._tag === "NonceUsed")) {
          const transfer = current.transfers.get(Ledger.idOf(command))
          const terms = transfer?.terms ?? ("terms" in command ? command.terms : undefined)
          const key = terms && Ledger.accountKeyOf(terms)
          const made = yield* Effect.result(
            Ledger.step(command, {
              transfer,
              connection: terms && current.connections.get(terms.connectionId),
              account: (key && current.accounts.get(key)) ?? Account.empty,
              lookalike: terms && lookalikeIn(current, terms.amount.currency),
              releasedRepost,
            }),
          )
          yield* Law.same<unknown>(
            answer(Result.map(made, (_) => _.transfer)),
            answer(outcome),
            "What the step comes to",
          )
          if (Result.isSuccess(made) && key !== undefined) {
            yield* Law.holds(made.success.events.length <= 1, "A step makes several events.")
            yield* Law.same(
              made.success.account,
              after.accounts.get(key) ?? Account.empty,
              "The account after the step",
            )
          }
        }
        current = after
      }
    },
  ),
  ofFold(
    "pure",
    "a fold gives the same for the same, and leaves the snapshot as it was",
    function* ({ world, instructions, releasedRepost, answers, changes }) {
      const state = () => [...world.accounts, ...world.nonces, ...world.transfers.keys()].flat()
      const before = state()
      const again = yield* fold(world, instructions, releasedRepost)
      yield* Law.same<unknown>(
        [again.answers, again.changes.entries],
        [answers, changes.entries],
        "The same fold, again,",
      )
      yield* Law.same<unknown>(state(), before, "The snapshot")
    },
  ),
  ofFold(
    "answers",
    "a fold answers every instruction, in order, about the transfer that it concerns",
    function* ({ instructions, outcomes }) {
      yield* Law.same(outcomes.length, instructions.length, "How many outcomes there are")
      for (const [index, { command }] of instructions.entries()) {
        const outcome = outcomes[index]
        if (outcome === undefined || Result.isFailure(outcome)) continue
        const { kind, terms } = outcome.success
        yield* Law.same([kind, terms.id], [command.kind, Ledger.idOf(command)], "What an outcome is about")
      }
    },
  ),
  ofFold(
    "last",
    "a fold changes each transfer to what was answered last about it",
    function* ({ world, outcomes, changes }) {
      const last = new Map(outcomes.filter(Result.isSuccess).map((_) => [_.success.terms.id, _.success]))
      const changed = Array.from(last).filter(([id, transfer]) => world.transfers.get(id) !== transfer)
      yield* Law.same(new Map(changes.transfers), new Map(changed), "What is changed")
      const entered = new Set(changes.entries.map((_) => _.transferId))
      yield* Law.same<unknown>([...changes.transfers.keys()].toSorted(), [...entered].toSorted(), "What is entered")
    },
  ),
  ofFold(
    "entries",
    "a fold writes entries whose balances follow from one another, up to the last balances of each account",
    function* ({ world, changes, after }) {
      const balances = new Map(world.accounts)
      for (const entry of changes.entries) {
        const before = balances.get(Ledger.accountKey(entry)) ?? Account.empty
        const name = `${after.transfers.get(entry.transferId)?.kind} ${entry.event}`
        const expected = Account.Balance.literals.map(
          (balance) => before[balance] + (moves[name]?.[balance] ?? 0n) * entry.quantity,
        )
        const actual = Account.Balance.literals.map((balance): bigint => entry.balances[balance])
        yield* Law.holds(name in moves, `There is no ${name}.`)
        yield* Law.same(actual, expected, `What is held after ${name}`)
        balances.set(Ledger.accountKey(entry), entry.balances)
      }
      yield* Law.same<unknown>(after.accounts, balances, "The accounts")
      const entered = new Set(changes.entries.map(Ledger.accountKey))
      yield* Law.same<unknown>(
        [...changes.accounts.keys()].toSorted(),
        [...entered].toSorted(),
        "Which accounts changed",
      )
      for (const [key, change] of changes.accounts) yield* Law.same(Ledger.accountKey(change), key, "An account's key")
    },
  ),
  ofFold("conserves", "all balances together are what came from outside less what went there", function* ({ after }) {
    const moved = Array.from(after.transfers.values(), ({ kind, state, terms: { amount } }) => {
      const isIn = state === "Credited" || (kind === "allocation" && (state === "Reserved" || state === "Cleared"))
      const isOut = state === "Debited" || (kind === "lock" && state === "Cleared")
      return isIn ? amount.quantity : isOut ? -amount.quantity : 0n
    })
    yield* Law.same(sumOf(Array.from(after.accounts.values(), worthOf)), sumOf(moved), "What all accounts hold")
  }),
  ofFold(
    "holds",
    "accounts hold what is open and have deallocated what is cleared, on the accounts that the terms name",
    function* ({ after }) {
      for (const [key, account] of after.accounts) {
        const here = (ofKind: Ledger.Kind, ofState: Ledger.Transfer["state"]) =>
          sumOf(
            Array.from(after.transfers.values(), ({ kind, state, terms }) =>
              Ledger.accountKeyOf(terms) === key && kind === ofKind && state === ofState ? terms.amount.quantity : 0n,
            ),
          )
        const expected = [
          here("allocation", "Reserved"),
          here("lock", "Reserved"),
          here("deallocation", "Reserved"),
          here("deallocation", "Cleared"),
        ]
        const { pending, locked, reserved, deallocated } = account
        yield* Law.same<unknown>(
          [pending, locked, reserved, deallocated],
          expected,
          "Pending, locked, reserved, deallocated",
        )
      }
    },
  ),
]

/**
 * The laws of amounts, accounts, transfers and the ledger, by what they are about.
 *
 * ```ts
 * import { domainLaws } from "@holdfast/domain/testing"
 * import { Effect } from "effect"
 *
 * for (const law of domainLaws.amounts) await Effect.runPromise(law.check)
 * ```
 *
 * @category laws
 */
export const domainLaws = { amounts, accounts, transfers, ledger }
