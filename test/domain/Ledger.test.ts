import { assert, describe, it } from "@effect/vitest"
import { Account, Amount, Ledger, type Uuid } from "@holdfast/domain"
import { Cause, DateTime, Effect, Exit, Result } from "effect"
import fc from "fast-check"
import * as Generators from "../support/Generators.ts"

const { units, uuid } = Generators

/** A snapshot that knows everything. */
interface World extends Ledger.Snapshot {
  readonly accounts: ReadonlyMap<Ledger.AccountId, Account.Account>
  readonly transfers: ReadonlyMap<Uuid.Uuid, Ledger.Transfer>
  readonly nonces: ReadonlySet<string>
  readonly currencies: ReadonlyMap<string, ReadonlySet<Amount.Currency>>
}

const start: World = {
  connections: new Map(Generators.registered.map((connection) => [connection.connectionId, connection])),
  accounts: new Map(),
  transfers: new Map(),
  nonces: new Set(),
  currencies: new Map(),
}

const apply = (world: World, changes: Ledger.Changes): World => ({
  connections: world.connections,
  accounts: new Map([...world.accounts, ...Array.from(changes.accounts, ([key, _]) => [key, _.account] as const)]),
  transfers: new Map([...world.transfers, ...changes.transfers]),
  nonces: new Set([...world.nonces, ...changes.nonces.keys()]),
  currencies: codesOf([...world.currencies.values()].flatMap((codes) => [...codes]).concat(...changes.currencies)),
})

const codesOf = (codes: ReadonlyArray<Amount.Currency>): ReadonlyMap<string, ReadonlySet<Amount.Currency>> =>
  new Map(Array.from(Map.groupBy(codes, Amount.folded), ([folded, of]) => [folded, new Set(of)] as const))

/** A known code that looks like this one, which is not known. */
const lookalikeIn = ({ currencies }: World, code: Amount.Currency) => {
  const known = [...(currencies.get(Amount.folded(code)) ?? [])]
  return known.includes(code) ? undefined : known[0]
}

const fold = (
  world: World,
  instructions: ReadonlyArray<Ledger.Instruction>,
  releasedRepost: "reserve" | "conflict" = "reserve",
) => {
  const { outcomes, changes } = Effect.runSync(Ledger.fold(world, instructions, { releasedRepost }))
  return { outcomes, answers: outcomes.map(answer), changes, after: apply(world, changes) }
}

/** An outcome as a plain value. */
const answer = (outcome: Result.Result<Ledger.Success, Ledger.Failure>) =>
  Result.isSuccess(outcome) ? outcome.success : `${outcome.failure._tag}: ${outcome.failure.message}`

/** Checks a law of the fold of any instructions, over a world with any past. */
const assertLaw = (law: (given: Given & ReturnType<typeof fold>) => void) =>
  fc.assert(
    fc.property(
      Generators.history,
      Generators.releasedRepost,
      fc.array(fc.nat(60), { maxLength: 5 }),
      ({ past, instructions }, releasedRepost, cuts) => {
        const world = fold(start, past, releasedRepost).after
        law({ world, instructions, releasedRepost, cuts, ...fold(world, instructions, releasedRepost) })
      },
    ),
    { numRuns: 200 },
  )
interface Given {
  readonly world: World
  readonly instructions: ReadonlyArray<Ledger.Instruction>
  readonly releasedRepost: "reserve" | "conflict"
  /** Where the instructions may be cut into pieces. */
  readonly cuts: ReadonlyArray<number>
}

const sumOf = (numbers: Iterable<bigint>) => Array.from(numbers).reduce((sum, number) => sum + number, 0n)
const worth = (world: World) => sumOf(Array.from(world.accounts.values(), Generators.sum))

describe("a fold", () => {
  it("is the same as its pieces, folded one after another over what the ones before changed", () => {
    assertLaw(({ world, instructions, releasedRepost, cuts, ...whole }) => {
      const places = [...cuts.map((cut) => Math.min(cut, instructions.length)), instructions.length]
      const edges = places.toSorted((a, b) => a - b)
      let current = world
      let [answers, entries] = [whole.answers.slice(0, 0), whole.changes.entries.slice(0, 0)]
      for (const [index, edge] of edges.entries()) {
        const piece = fold(current, instructions.slice(edges[index - 1] ?? 0, edge), releasedRepost)
        answers = [...answers, ...piece.answers]
        entries = [...entries, ...piece.changes.entries]
        current = piece.after
      }
      assert.deepStrictEqual(answers, whole.answers)
      assert.deepStrictEqual(entries, whole.changes.entries)
      assert.deepStrictEqual(current, whole.after)
    })
  })

  it("does what a step does with each command, in the situation that the ones before left", () => {
    assertLaw(({ world, instructions, releasedRepost, outcomes }) => {
      let current = world
      for (const [index, { command, nonce }] of instructions.entries()) {
        const after = fold(current, [{ command, nonce }], releasedRepost).after
        const outcome = outcomes[index] ?? assert.fail()
        if (!(Result.isFailure(outcome) && outcome.failure._tag === "NonceUsed")) {
          const transfer = current.transfers.get(Ledger.idOf(command))
          const terms = transfer?.terms ?? ("terms" in command ? command.terms : undefined)
          const key = terms && Ledger.accountKeyOf(terms)
          const step = Ledger.step(command, {
            transfer,
            connection: terms && current.connections.get(terms.connectionId),
            account: (key && current.accounts.get(key)) ?? Account.empty,
            lookalike: terms && lookalikeIn(current, terms.amount.currency),
            releasedRepost,
          })
          const made = Effect.runSync(Effect.result(step))
          assert.deepStrictEqual(answer(Result.map(made, (_) => _.transfer)), answer(outcome))
          if (Result.isSuccess(made) && key !== undefined) {
            assert.isAtMost(made.success.events.length, 1)
            assert.deepStrictEqual(made.success.account, after.accounts.get(key))
          }
        }
        current = after
      }
    })
  })

  it("gives the same for the same, and leaves the snapshot as it was", () => {
    assertLaw(({ world, instructions, releasedRepost, ...first }) => {
      const before = structuredClone([...world.accounts, ...world.nonces, ...world.transfers.keys()])
      const second = fold(world, instructions, releasedRepost)
      assert.deepStrictEqual([second.answers, second.changes], [first.answers, first.changes])
      assert.deepStrictEqual([...world.accounts, ...world.nonces, ...world.transfers.keys()], before)
    })
  })

  it("answers every instruction, in order, about the transfer that it concerns", () => {
    assertLaw(({ instructions, outcomes }) => {
      assert.strictEqual(outcomes.length, instructions.length)
      for (const [index, { command }] of instructions.entries()) {
        const outcome = outcomes[index]
        if (outcome === undefined || Result.isFailure(outcome)) continue
        assert.strictEqual(outcome.success.terms.id, Ledger.idOf(command))
        assert.strictEqual(outcome.success.kind, command.kind)
      }
    })
  })

  it("changes each transfer to what was answered last about it", () => {
    assertLaw(({ world, outcomes, changes }) => {
      const last = new Map(outcomes.filter(Result.isSuccess).map((_) => [_.success.terms.id, _.success]))
      const changed = Array.from(last).filter(([id, transfer]) => world.transfers.get(id) !== transfer)
      assert.deepStrictEqual(new Map(changes.transfers), new Map(changed))
      assert.sameMembers([...changes.transfers.keys()], [...new Set(changes.entries.map((_) => _.transferId))])
    })
  })

  it("writes entries whose balances follow from one another, up to the last balances of each account", () => {
    type Moves = Partial<Record<Account.Balance, bigint>>
    const effects: Record<string, Moves> = {
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
    assertLaw(({ world, changes, after }) => {
      const balances = new Map(world.accounts)
      for (const entry of changes.entries) {
        const before = balances.get(Ledger.accountKey(entry)) ?? Account.empty
        const { kind } = after.transfers.get(entry.transferId) ?? assert.fail()
        const moves = effects[`${kind} ${entry.event}`] ?? assert.fail(`${kind} ${entry.event}`)
        for (const balance of Account.Balance.literals) {
          const moved = (moves[balance] ?? 0n) * entry.quantity
          assert.strictEqual<bigint>(entry.balances[balance], before[balance] + moved)
        }
        balances.set(Ledger.accountKey(entry), entry.balances)
      }
      assert.deepStrictEqual(after.accounts, balances)
      assert.sameMembers([...changes.accounts.keys()], [...new Set(changes.entries.map(Ledger.accountKey))])
      for (const [key, change] of changes.accounts) assert.strictEqual(Ledger.accountKey(change), key)
    })
  })

  it("loses nothing and makes nothing: all balances together are what came from outside less what went there", () => {
    assertLaw(({ after }) => {
      const moved = Array.from(after.transfers.values(), ({ kind, state, terms: { amount } }) => {
        const isIn = state === "Credited" || (kind === "allocation" && (state === "Reserved" || state === "Cleared"))
        const isOut = state === "Debited" || (kind === "lock" && state === "Cleared")
        return isIn ? amount.quantity : isOut ? -amount.quantity : 0n
      })
      assert.strictEqual(worth(after), sumOf(moved))
    })
  })

  it("holds what is open and deallocates what is cleared, on the accounts that the terms name", () => {
    assertLaw(({ after }) => {
      for (const [key, account] of after.accounts) {
        const here = (ofKind: Ledger.Kind, ofState: Ledger.Transfer["state"]) =>
          sumOf(
            Array.from(after.transfers.values(), ({ kind, state, terms: { connectionId, amount } }) => {
              const same = Ledger.accountKey({ connectionId, currency: amount.currency }) === key
              return same && kind === ofKind && state === ofState ? amount.quantity : 0n
            }),
          )
        assert.strictEqual<bigint>(account.reserved, here("deallocation", "Reserved"))
        assert.strictEqual<bigint>(account.deallocated, here("deallocation", "Cleared"))
        assert.strictEqual<bigint>(account.pending, here("allocation", "Reserved"))
        assert.strictEqual<bigint>(account.locked, here("lock", "Reserved"))
      }
    })
  })
})

const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const [currency = assert.fail(), otherCurrency = assert.fail()] = Generators.currencies
const [connection = assert.fail(), otherConnection = assert.fail()] = Generators.registered
const unknownConnection = { ...connection, connectionId: uuid(0x102) }

const adjust = (direction: "credit" | "debit", n: number, quantity: bigint, on = connection): Ledger.Command => {
  const terms = { id: uuid(n), connectionId: on.connectionId, direction }
  return {
    _tag: "Adjust",
    kind: "adjustment",
    terms: { ...terms, amount: { currency, quantity: units(quantity) } },
    at,
  }
}
const reserve = (n: number, quantity: bigint, on = connection, of = currency) => {
  const terms = { id: uuid(n), ...on, amount: { currency: of, quantity: units(quantity) } }
  return { _tag: "Reserve", kind: "deallocation", terms, partnerTransferId: uuid(99), at } as const
}
const settle = (_tag: "Clear" | "Release", n: number): Ledger.Command => ({
  _tag,
  kind: "deallocation",
  id: uuid(n),
  at,
})

/** What becomes of the commands, each in a word, and what they leave. */
const tell = (commands: ReadonlyArray<Ledger.Command | readonly [Ledger.Command, nonce: string]>, world = start) => {
  const instructions = commands.map((command) =>
    "_tag" in command
      ? { command, nonce: undefined }
      : { command: command[0], nonce: { value: command[1], expiresAt: at } },
  )
  const { outcomes, changes, after } = fold(world, instructions)
  const words = outcomes.map((_) => (Result.isSuccess(_) ? _.success.state : _.failure._tag))
  return { words, changes, after }
}

describe("in one fold", () => {
  it("each command sees what the ones before it did", () => {
    const { words, changes } = tell([
      reserve(1, 1n),
      adjust("credit", 2, 5n),
      ...[3, 4, 5, 6, 7, 8].map((n) => reserve(n, 1n)),
      settle("Release", 3),
      reserve(9, 1n),
      adjust("debit", 10, 1n),
      settle("Clear", 4),
      settle("Release", 4),
    ])
    const six = ["Reserved", "Reserved", "Reserved", "Reserved", "Reserved", "Rejected"]
    const last = ["Released", "Reserved", "InsufficientBalance", "Cleared", "StateConflict"]
    assert.deepStrictEqual(words, ["Rejected", "Credited", ...six, ...last])
    const [account] = changes.accounts.values()
    const left = { ...Account.empty, reserved: 4n, deallocated: 1n }
    assert.deepEqual<object>(account ?? {}, { connectionId: connection.connectionId, currency, account: left })
  })

  it("equal commands act once, and all get the same answer", () => {
    const { outcomes, changes } = fold(
      tell([adjust("credit", 1, 9n)]).after,
      Array.from({ length: 5 }, () => ({ command: reserve(2, 3n), nonce: undefined })),
    )
    for (const outcome of outcomes) assert.deepStrictEqual(answer(outcome), changes.transfers.get(uuid(2)))
    assert.deepStrictEqual(
      changes.entries.map((entry) => entry.event),
      ["Reserved"],
    )
  })

  it("a rejection makes no more than an empty account, and stays", () => {
    const first = tell([reserve(1, 1n), reserve(2, 1n, unknownConnection)])
    assert.deepStrictEqual(first.words, ["Rejected", "Rejected"])
    assert.deepStrictEqual(
      Array.from(first.changes.accounts.values(), ({ account }) => account),
      [Account.empty, Account.empty],
    )
    const later = tell([adjust("credit", 3, 5n), reserve(1, 1n), reserve(4, 1n)], first.after)
    assert.deepStrictEqual(later.words, ["Credited", "Rejected", "Reserved"])
  })

  it("connections and currencies do not touch one another's balances", () => {
    const commands = [reserve(2, 5n, otherConnection), reserve(3, 5n, connection, otherCurrency), reserve(4, 5n)]
    const { words } = tell([adjust("credit", 1, 5n), ...commands])
    assert.deepStrictEqual(words, ["Credited", "Rejected", "Rejected", "Reserved"])
  })
})

describe("an id", () => {
  it("of a deallocation is no adjustment's, even if it was rejected; of an adjustment no deallocation's", () => {
    const { words, changes } = tell([
      reserve(1, 1n),
      adjust("credit", 1, 5n),
      adjust("credit", 2, 5n),
      ...[reserve(2, 1n), settle("Clear", 2), settle("Release", 2)],
    ])
    assert.deepStrictEqual(words, ["Rejected", "IdInUse", "Credited", "IdInUse", "IdInUse", "IdInUse"])
    assert.strictEqual(changes.entries.length, 2)
  })

  it("says which kind has it", () => {
    const both = tell([reserve(1, 1n), adjust("credit", 2, 5n)]).after
    const { answers } = fold(both, [
      { command: adjust("credit", 1, 5n), nonce: undefined },
      { command: reserve(2, 1n), nonce: undefined },
    ])
    assert.deepStrictEqual(answers, [
      `IdInUse: The id ${uuid(1)} is in use by a deallocation.`,
      `IdInUse: The id ${uuid(2)} is in use by an allocation or adjustment.`,
    ])
  })

  it("stays free where nothing was recorded", () => {
    const { words } = tell([
      adjust("debit", 1, 1n),
      adjust("credit", 2, 1n, unknownConnection),
      settle("Clear", 3),
      ...[reserve(1, 1n), reserve(2, 1n), adjust("credit", 3, 1n)],
    ])
    const nothing = ["InsufficientBalance", "ConnectionNotFound", "TransferNotFound"]
    assert.deepStrictEqual(words, [...nothing, "Rejected", "Rejected", "Credited"])
  })
})

describe("a nonce", () => {
  it("is used once, whatever it comes with, within a fold and across folds", () => {
    const first = tell([
      [adjust("credit", 1, 5n), "a"],
      [adjust("credit", 1, 5n), "a"],
      [reserve(2, 1n), "a"],
      [reserve(2, 1n), "b"],
    ])
    assert.deepStrictEqual(first.words, ["Credited", "NonceUsed", "NonceUsed", "Reserved"])
    const second = tell([[settle("Clear", 2), "a"], [settle("Clear", 2), "b"], settle("Release", 2)], first.after)
    assert.deepStrictEqual(second.words, ["NonceUsed", "NonceUsed", "Released"])
    assert.deepStrictEqual([...first.changes.nonces.keys()], ["a", "b"])
    assert.strictEqual(second.changes.nonces.size, 0)
  })

  it("is used up by a command that fails, and by one that repeats", () => {
    const { words, changes } = tell([
      [settle("Clear", 1), "a"],
      [adjust("credit", 1, 5n), "a"],
      adjust("credit", 2, 5n),
      [adjust("credit", 2, 5n), "b"],
      [adjust("credit", 2, 5n), "b"],
    ])
    assert.deepStrictEqual(words, ["TransferNotFound", "NonceUsed", "Credited", "Credited", "NonceUsed"])
    assert.deepStrictEqual(
      [...changes.nonces.values()],
      [..."ab"].map((value) => ({ value, expiresAt: at })),
    )
  })
})

it("a fold looks at its snapshot when it is run, and each time anew", () => {
  const command = reserve(2, 5n)
  const accounts = new Map<Ledger.AccountId, Account.Account>()
  const folded = Ledger.fold({ ...start, accounts }, [{ command, nonce: undefined }], { releasedRepost: "reserve" })
  const state = () => Result.getOrThrow(Effect.runSync(folded).outcomes[0]).state
  assert.strictEqual(state(), "Rejected")
  accounts.set(Ledger.accountKeyOf(command.terms), { ...Account.empty, available: units(5n) })
  assert.strictEqual(state(), "Reserved")
})

it("a step on another transfer than its command's is a defect, and no answer", () => {
  const { after } = tell([adjust("credit", 1, 5n), reserve(2, 5n)])
  const account = { ...Account.empty, reserved: units(5n) }
  const situation = { transfer: after.transfers.get(uuid(2)), connection, account }
  const exit = Effect.runSyncExit(Ledger.step(settle("Clear", 3), situation))
  assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
})

it("a snapshot that contradicts itself is a defect, and no answer", () => {
  const { after } = tell([adjust("credit", 1, 5n), reserve(2, 5n)])
  const broken = { ...after, accounts: new Map() }
  const instructions = [{ command: settle("Clear", 2), nonce: undefined }]
  const exit = Effect.runSyncExit(Ledger.fold(broken, instructions, { releasedRepost: "reserve" }))
  assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
})
