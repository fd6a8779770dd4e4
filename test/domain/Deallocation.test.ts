import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Account, type Connection, Deallocation, Transfer } from "@holdfast/domain"
import { domainLaws } from "@holdfast/domain/testing"
import { DateTime, Effect } from "effect"
import * as Generators from "../support/Generators.ts"
import { obeys } from "../support/Laws.ts"

const run = Effect.runSync
const failure = <E>(effect: Effect.Effect<unknown, E>): E => run(Effect.flip(effect))
const { units, uuid } = Generators

describe("whatever the situation", () => obeys(domainLaws.transfers))

type State = Transfer.TwoPhaseState | "None"

const connection: Connection.Connection = {
  connectionId: uuid(1),
  clientId: uuid(2),
  partnersConnectionId: "account-7",
  partnerClientId: "client-3",
}
const terms: Deallocation.Terms = {
  id: uuid(3),
  amount: { currency: Generators.currencies[0] ?? assert.fail(), quantity: units(5n) },
  ...connection,
}
const created = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const now = DateTime.makeUnsafe("2026-01-02T00:00:00Z")

const inState = (state: State): Deallocation.Deallocation | undefined => {
  const opening = { kind: "deallocation", terms, partnerTransferId: uuid(4) } as const
  const common = { ...opening, createdAt: created, updatedAt: created }
  if (state === "None") return undefined
  return state === "Rejected" ? { state, ...common, reason: "INSUFFICIENT_BALANCE" } : { state, ...common }
}

const asked = (name: Deallocation.Command["_tag"]): Deallocation.Command =>
  name === "Reserve"
    ? { _tag: name, kind: "deallocation", terms, partnerTransferId: uuid(5), at: now }
    : { _tag: name, kind: "deallocation", id: terms.id, at: now }

/** What the account may hold when the command comes, and what is registered. */
const circumstances = {
  "enough available": { available: 5n, connection },
  "one too few available": { available: 4n, connection },
  "nothing available": { available: 0n, connection },
  "unknown connection": { available: 5n, connection: undefined },
  "connection of another client": { available: 5n, connection: { ...connection, clientId: uuid(9) } },
  "connection under another name": { available: 5n, connection: { ...connection, partnersConnectionId: "account-8" } },
  "client under another name": { available: 5n, connection: { ...connection, partnerClientId: "" } },
} as const

type Given = readonly [state: State, circumstance: keyof typeof circumstances]
type Then =
  | { readonly becomes: string; readonly available: bigint; readonly reserved: bigint; readonly deallocated: bigint }
  | "same answer"
  | "state conflict"
  | "not found"

const held = { becomes: "Reserved", available: -5n, reserved: 5n, deallocated: 0n }
const cleared = { becomes: "Cleared", available: 0n, reserved: -5n, deallocated: 5n }
const released = { becomes: "Released", available: 5n, reserved: -5n, deallocated: 0n }
const rejected = (reason: string) => ({ becomes: `Rejected ${reason}`, available: 0n, reserved: 0n, deallocated: 0n })

/** The state × request table of the contract. A row without a setting holds under both. */
const table: ReadonlyArray<readonly [Given, Deallocation.Command["_tag"], Then, Transfer.ReleasedRepost?]> = [
  [["None", "enough available"], "Reserve", held],
  [["None", "one too few available"], "Reserve", rejected("INSUFFICIENT_BALANCE")],
  [["None", "nothing available"], "Reserve", rejected("INSUFFICIENT_BALANCE")],
  [["None", "unknown connection"], "Reserve", rejected("UNKNOWN_CONNECTION")],
  [["None", "connection of another client"], "Reserve", rejected("CONNECTION_MISMATCH")],
  [["None", "connection under another name"], "Reserve", rejected("CONNECTION_MISMATCH")],
  [["None", "client under another name"], "Reserve", rejected("CONNECTION_MISMATCH")],
  [["None", "enough available"], "Clear", "not found"],
  [["None", "enough available"], "Release", "not found"],

  [["Reserved", "enough available"], "Reserve", "same answer"],
  [["Reserved", "nothing available"], "Reserve", "same answer"],
  [["Reserved", "unknown connection"], "Reserve", "same answer"],
  [["Reserved", "enough available"], "Clear", cleared],
  [["Reserved", "nothing available"], "Clear", cleared],
  [["Reserved", "enough available"], "Release", released],
  [["Reserved", "nothing available"], "Release", released],

  [["Cleared", "enough available"], "Reserve", "same answer"],
  [["Cleared", "nothing available"], "Reserve", "same answer"],
  [["Cleared", "enough available"], "Clear", "same answer"],
  [["Cleared", "enough available"], "Release", "state conflict"],

  [["Released", "enough available"], "Reserve", held, "reserve"],
  [["Released", "one too few available"], "Reserve", rejected("INSUFFICIENT_BALANCE"), "reserve"],
  [["Released", "connection of another client"], "Reserve", rejected("CONNECTION_MISMATCH"), "reserve"],
  [["Released", "enough available"], "Reserve", "state conflict", "conflict"],
  [["Released", "one too few available"], "Reserve", "state conflict", "conflict"],
  [["Released", "enough available"], "Clear", "state conflict"],
  [["Released", "enough available"], "Release", "same answer"],

  // Sticky: funds that have arrived since change nothing.
  [["Rejected", "enough available"], "Reserve", "same answer"],
  [["Rejected", "nothing available"], "Reserve", "same answer"],
  [["Rejected", "enough available"], "Clear", "state conflict"],
  [["Rejected", "enough available"], "Release", "state conflict"],
]

describe("the state × request table", () => {
  for (const [[state, circumstance], request, then, setting] of table) {
    const outcome = typeof then === "string" ? then : then.becomes
    const title = `given ${state} and ${circumstance}, when asked to ${request}, then ${outcome}`
    for (const releasedRepost of setting === undefined ? (["reserve", "conflict"] as const) : [setting]) {
      it(`${title} (${releasedRepost})`, () => {
        const { available, connection } = circumstances[circumstance]
        const account = { ...Account.empty, available: units(available), reserved: units(7n), deallocated: units(11n) }
        const transfer = inState(state)
        const decision = Deallocation.decide(asked(request), { transfer, connection, account, releasedRepost })
        if (then === "not found") {
          const error = failure(decision)
          assert.strictEqual(error.message, `There is no deallocation ${terms.id}.`)
          return assert.strictEqual(error._tag, "TransferNotFound")
        }
        if (then === "state conflict") {
          const error = failure(decision)
          const what = `Cannot ${request.toLowerCase()} deallocation ${terms.id}`
          assert.strictEqual(error.message, `${what}: it is ${state.toLowerCase()}.`)
          return assert.strictEqual(error._tag, "StateConflict")
        }
        const events = run(decision)
        if (then === "same answer") return assert.deepStrictEqual(events, [])
        const [event] = events
        assert.isTrue(event !== undefined && events.length === 1)
        if (event === undefined) return
        const after = run(Deallocation.evolve(transfer, event))
        assert.strictEqual(after.state === "Rejected" ? `Rejected ${after.reason}` : after.state, then.becomes)
        const posting = event._tag === "Rejected" ? undefined : Deallocation.rules.postings[event._tag]
        const posted = posting === undefined ? account : run(Account.post(account, posting, terms.amount.quantity))
        assert.deepEqual<object>(posted, {
          ...account,
          available: available + then.available,
          reserved: 7n + then.reserved,
          deallocated: 11n + then.deallocated,
        })
      })
    }
  }

  const states = ["None", "Reserved", "Cleared", "Released", "Rejected"] as const
  const requests = ["Reserve", "Clear", "Release"] as const

  it("has every state and every request", () => {
    for (const state of states) {
      for (const request of requests) {
        assert.isTrue(
          table.some(([[given], when]) => given === state && when === request),
          `${state} × ${request}`,
        )
      }
    }
  })

  it("is the same in the module's documentation and in its transitions", () => {
    const path = Path.resolve(import.meta.dirname, "../../packages/domain/src/Transfer.ts")
    const rows = Fs.readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line.startsWith(" * |"))
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
    const cells = (state: State) =>
      requests.map((request) => Transfer.twoPhases[state][request].replace("setting", "decide or conflict"))
    assert.deepStrictEqual(
      rows.filter(([first = ""]) => !first.startsWith("-")),
      [["state", ...requests], ...states.map((state) => [state, ...cells(state)])],
    )
  })
})

it("the README's picture has every transition, and no other", () => {
  const readme = Fs.readFileSync(Path.resolve(import.meta.dirname, "../../README.md"), "utf8")
  const drawn = Array.from(readme.matchAll(/^ {4}(\S+) --> (\w+): /gm), ([, from, to]) => `${from} → ${to}`)
  const made = Object.entries(Transfer.twoPhases).flatMap(([state, requests]) =>
    Object.entries(Transfer.requests)
      .filter(([, request]) => ["decide", "setting"].includes(requests[request as keyof typeof requests]))
      .map(([event]) => `${state === "None" ? "[*]" : state.toUpperCase()} → ${event.toUpperCase()}`),
  )
  assert.sameMembers(drawn, made)
})

describe("a deallocation", () => {
  const reserve = asked("Reserve")
  const situation = {
    connection,
    account: { ...Account.empty, available: units(5n) },
    releasedRepost: "reserve",
  } as const
  const next = Effect.fnUntraced(function* (
    before: Deallocation.Deallocation | undefined,
    command: Deallocation.Command,
    available = 5n,
  ) {
    const account = { ...situation.account, available: units(available) }
    const [event] = yield* Deallocation.decide(command, { ...situation, account, transfer: before })
    return event === undefined ? before : yield* Deallocation.evolve(before, event)
  })

  it("bears the partner's id and the times of its first reservation, its own and its last change", () => {
    const opening = { kind: "deallocation", terms, partnerTransferId: uuid(5) } as const
    const common = { ...opening, createdAt: now, updatedAt: now }
    const reserved = run(next(undefined, reserve))
    assert.deepStrictEqual(reserved, { state: "Reserved", ...common })
    const later = DateTime.add(now, { hours: 1 })
    for (const [name, tag] of [
      ["Clear", "Cleared"],
      ["Release", "Released"],
    ] as const) {
      const after = run(next(reserved, { ...asked(name), at: later }))
      assert.deepStrictEqual(after, { state: tag, ...common, updatedAt: later })
    }
  })

  it("keeps its first id and time when it is reserved again, and when that is rejected", () => {
    const { kind, terms, partnerTransferId, createdAt } = inState("Released") ?? assert.fail()
    const cycle = { kind, terms, partnerTransferId, createdAt, updatedAt: now }
    assert.notStrictEqual(partnerTransferId, uuid(5))
    assert.deepStrictEqual(run(next(inState("Released"), reserve)), { state: "Reserved", ...cycle })
    assert.deepStrictEqual(run(next(inState("Released"), reserve, 4n)), {
      state: "Rejected",
      ...cycle,
      reason: "INSUFFICIENT_BALANCE",
    })
  })

  it("is final where no request changes it any more", () => {
    for (const state of ["Reserved", "Released", "Cleared", "Rejected"] as const) {
      const deallocation = inState(state) ?? assert.fail()
      const changes = (["Reserve", "Clear", "Release"] as const).some((name) => {
        const events = Deallocation.decide(asked(name), { ...situation, transfer: deallocation })
        return run(Effect.orElseSucceed(events, () => [])).length > 0
      })
      assert.strictEqual(Deallocation.isTerminal(deallocation), !changes, state)
    }
  })

  it("follows no event that could not be decided", () => {
    const mayFollow: Record<State, ReadonlyArray<Deallocation.Event["_tag"]>> = {
      None: ["Reserved", "Rejected"],
      Reserved: ["Cleared", "Released"],
      Cleared: [],
      Released: ["Reserved", "Rejected"],
      Rejected: [],
    }
    const opening = { kind: "deallocation", terms, partnerTransferId: uuid(5), at: now } as const
    const settling = { kind: "deallocation", id: terms.id, at: now } as const
    const events: ReadonlyArray<Deallocation.Event> = [
      { _tag: "Reserved", ...opening },
      { _tag: "Rejected", ...opening, reason: "UNKNOWN_CONNECTION" },
      { _tag: "Cleared", ...settling },
      { _tag: "Released", ...settling },
    ]
    for (const state of ["None", "Reserved", "Cleared", "Released", "Rejected"] as const) {
      for (const event of events) {
        const evolved = Deallocation.evolve(inState(state), event)
        if (mayFollow[state].includes(event._tag)) assert.strictEqual(run(evolved).state, event._tag)
        else {
          const error = failure(evolved)
          assert.strictEqual(error._tag, "EventOutOfOrder")
          assert.strictEqual(
            error.message,
            `A transfer of kind deallocation in state ${state} cannot become ${event._tag}.`,
          )
        }
      }
    }
  })
})
