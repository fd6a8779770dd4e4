/** The laws of `@holdfast/domain/testing` hold of the store in memory, and find each bug that is planted into it. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import type { MemoryStore } from "@holdfast/domain"
import { type Law, laws } from "@holdfast/domain/testing"
import { Effect } from "effect"
import * as Examples from "../support/Examples.ts"

const source = Fs.readFileSync(new URL("../../packages/domain/src/MemoryStore.ts", import.meta.url), "utf8")

type Bug = ReadonlyArray<readonly [find: string, replace: string]>

const yields = "Effect.tap(() => Effect.yieldNow), Effect.flatMap(({ outcomes: [outcome], changes }) => {"
const decided = "Effect.flatMap(({ outcomes: [outcome], changes }) => {"

/** Each bug, and a law that it breaks. */
const bugs: Readonly<Record<string, readonly [law: string, ...Bug]>> = {
  "no lock": ["races/last-units", [decided, yields], ["mutex.withPermits(1),\n        Effect.tap(forgetExpired),", ""]],
  "a lost rejection": [
    "races/last-units",
    [
      "          commit(changes)",
      `          if (changes.entries.every(({ event }) => event !== "Rejected")) commit(changes)`,
    ],
  ],
  "a double clear": [
    "model/1",
    [
      "transfers.set(id, transfer)",
      `transfers.set(id, transfer.state === "Cleared" ? { ...transfer, state: "Reserved" } : transfer)`,
    ],
  ],
  "a mismatching repeat that is accepted": [
    "model/1",
    [
      "Ledger.fold(snapshot, [instruction], policy)",
      `Ledger.fold(snapshot, ["terms" in instruction.command && transfers.has(instruction.command.terms.id)
        ? { ...instruction, command: { ...instruction.command, terms: transfers.get(instruction.command.terms.id).terms } }
        : instruction], policy)`,
    ],
  ],
  "the wrong order of a list": [
    "lists/transfers",
    ["order(Store.cursorOf(a), Store.cursorOf(b))", "order(Store.cursorOf(b), Store.cursorOf(a))"],
  ],
  "equal times in any order": [
    "model/1",
    [
      ".toSorted((a, b) => order(Store.cursorOf(a), Store.cursorOf(b)))",
      ".toSorted((a, b) => DateTime.Order(b.createdAt, a.createdAt))",
    ],
  ],
  "a cursor that repeats": [
    "lists/transfers",
    [
      "Store.page(matching, query.limit, Store.cursorOf)",
      "Store.page(matching, query.limit, () => Store.cursorOf(matching[0]))",
    ],
  ],
  "a refused command whose nonce is free": [
    "nonces/once",
    ["          commit(changes)", "          if (outcome._tag === 'Success') commit(changes)"],
  ],
  "a feed that skips": ["journal/whole", ["first + index + 1", "first + index + 2"]],
  "balances that are counted twice in the totals": [
    "totals/sums",
    ["sum + account[balance], 0n)", "sum + account[balance] + (balance === 'reserved' ? account[balance] : 0n), 0n)"],
  ],
  "a token that works twice": [
    "model/1",
    ["tokens.set(token.id, { ...token, usedBy: request.connectionId })", "tokens.set(token.id, token)"],
  ],
}

const folder = Examples.makeFolder()
afterAll(() => Fs.rmSync(folder, { recursive: true }))

/** The laws that a store breaks whose source is changed so. */
const broken = async (name: string, bug: Bug): Promise<ReadonlyArray<Law.LawBroken>> => {
  const text = bug.reduce((text, [find, replace]) => {
    assert.strictEqual(text.split(find).length, 2, `${find} stands once in the source.`)
    return text.replace(find, () => replace)
  }, source)
  const path = Path.join(folder, `${name.replaceAll(" ", "-")}.ts`)
  Fs.writeFileSync(path, text.replaceAll(/"\.\/(\w+)\.ts"/g, `"@holdfast/domain/$1"`))
  const { make }: typeof MemoryStore = await import(path)
  const all = laws((policy) => Effect.map(make(policy), ({ store }) => store))
  const failures = await Effect.runPromise(
    Effect.forEach(all, ({ check }) => Effect.match(check, { onSuccess: () => [], onFailure: (law) => [law] })),
  )
  return failures.flat()
}

describe("the laws", { timeout: 60_000 }, () => {
  it("hold of the store in memory", async () => assert.deepStrictEqual(await broken("nothing", []), []))

  for (const [name, [law, ...bug]] of Object.entries(bugs)) {
    it(`find ${name}`, async () => {
      const failures = await broken(name, bug)
      assert.include(
        failures.map((failure) => failure.law),
        law,
      )
    })
  }
})
