import { assert, describe, it } from "@effect/vitest"
import { Account, Ledger } from "@holdfast/domain"
import { domainLaws, World } from "@holdfast/domain/testing"
import { Cause, DateTime, Effect, Exit, Result } from "effect"
import * as Generators from "../support/Generators.ts"
import { obeys } from "../support/Laws.ts"

const { units, uuid } = Generators

const fold = (
  world: World.World,
  instructions: ReadonlyArray<Ledger.Instruction>,
  releasedRepost: "reserve" | "conflict" = "reserve",
) => {
  const { outcomes, changes } = Effect.runSync(Ledger.fold(world, instructions, { releasedRepost }))
  return { outcomes, answers: outcomes.map(answer), changes, after: World.after(world, changes) }
}

/** An outcome as a plain value. */
const answer = (outcome: Result.Result<Ledger.Success, Ledger.Failure>) =>
  Result.isSuccess(outcome) ? outcome.success : `${outcome.failure._tag}: ${outcome.failure.message}`

describe("a fold", () => obeys(domainLaws.ledger))

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
const tell = (
  commands: ReadonlyArray<Ledger.Command | readonly [Ledger.Command, nonce: string]>,
  world = World.beginning,
) => {
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
  const folded = Ledger.fold({ ...World.beginning, accounts }, [{ command, nonce: undefined }], {
    releasedRepost: "reserve",
  })
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
