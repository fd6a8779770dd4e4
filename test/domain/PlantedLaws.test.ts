/** The laws of `@holdfast/domain/testing` hold of the store in memory, and find each bug that is planted into it. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import type { MemoryStore } from "@holdfast/domain"
import { laws } from "@holdfast/domain/testing"
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
  "a feed that skips": ["journal/whole", ["index + 1}", "index + 2}"]],
  "balances that are counted twice in the totals": [
    "totals/sums",
    ["sum + account[balance], 0n)", "sum + account[balance] + (balance === 'reserved' ? account[balance] : 0n), 0n)"],
  ],
  "what is cleared counts as reserved": [
    "totals/reserved",
    [
      "Store.reservedIn(transfers.values(), now)",
      `Store.reservedIn(Array.from(transfers.values(), (one) =>
        one.state === "Cleared" ? { ...one, state: "Reserved" } : one), now)`,
    ],
  ],
  "reserved since it was first asked for": [
    "totals/reserved",
    [
      "Store.reservedIn(transfers.values(), now)",
      "Store.reservedIn(Array.from(transfers.values(), (one) => ({ ...one, updatedAt: one.createdAt })), now)",
    ],
  ],
  "a token that works twice": [
    "tokens/states",
    ["tokens.set(token.id, { ...token, usedBy: request.connectionId })", "tokens.set(token.id, token)"],
  ],
  "a token that works again once it is issued again": [
    "tokens/states",
    ["if (!tokens.has(token.id)) tokens", "tokens"],
  ],
  "a connection whose nonce is free": [
    "nonces/once",
    ["          if (nonce !== undefined) nonces.set(nonce.value, nonce)\n", ""],
  ],
  "nonces without their case": [
    "nonces/once",
    ["nonces.set(nonce.value, nonce)\n        return", "nonces.set(nonce.value.toUpperCase(), nonce)\n        return"],
  ],
  "a place of another journal that is taken": [
    "journal/places",
    [
      "if (after !== undefined && first > entries.length) return Effect.fail(new Store.PlaceNotFound({ place: after }))",
      "",
    ],
  ],
  "a feed that gives all at once": ["journal/places", ["entries.slice(first, first + limit)", "entries.slice(first)"]],
  "a journal without rejections": [
    "journal/entries",
    [
      "entries.push(...changes.entries)",
      "entries.push(...changes.entries.filter(({ event }) => event !== 'Rejected'))",
    ],
  ],
  "entries that do not lead to those before": [
    "journal/entries",
    ["entries.push(...changes.entries)", "entries.push(...changes.entries.map(({ previousAt, ...entry }) => entry))"],
  ],
  "entries of the time when they were written": [
    "journal/entries",
    [
      "entries.push(...changes.entries)",
      "entries.push(...changes.entries.map((e) => ({ ...e, at: DateTime.nowUnsafe() })))",
    ],
  ],
  "a lost memo": [
    "journal/entries",
    [
      "transfers.set(id, transfer)",
      "transfers.set(id, { ...transfer, terms: (({ memo, ...terms }) => terms)(transfer.terms) })",
    ],
  ],
  "totals of accounts that are empty": ["totals/sums", [".filter(({ account }) => !Account.isEmpty(account))", ""]],
  "of codes that look alike one is known": [
    "currencies/alike",
    ["(currencies.get(like) ?? new Set()).add(currency)", "new Set([currency])"],
  ],
  "a list of whatever looks like the currency": [
    "currencies/alike",
    [
      "Store.matches(query, transfer)",
      `Store.matches({ ...query, ...(query.currency?.toLowerCase() === transfer.terms.amount.currency.toLowerCase()
        ? { currency: transfer.terms.amount.currency } : {}) }, transfer)`,
    ],
  ],
  "a token that never expires": [
    "tokens/states",
    ["{ recorded, token, isConnected, now }", "{ recorded, token, isConnected, now: DateTime.makeUnsafe(0) }"],
  ],
  "a revoked token that is revoked anew": ["tokens/states", ["{ revokedAt, ...token }", "{ ...token, revokedAt }"]],
  "a used token that is revoked": [
    "tokens/states",
    ["if (token.usedBy !== undefined) return Effect.fail(new Connection.TokenUsed({ id, usedBy: token.usedBy }))", ""],
  ],
  "a filter of connections that is forgotten": [
    "lists/connections",
    [
      "const fields = Struct.keys(wanted)",
      "const fields = Struct.keys(wanted).filter((field) => field !== 'suspended')",
    ],
  ],
}

const folder = Examples.makeFolder()
afterAll(() => Fs.rmSync(folder, { recursive: true }))

/** Which laws a store breaks whose source is changed so: of all, or of one. */
const broken = async (name: string, bug: Bug, law?: string): Promise<ReadonlyArray<string>> => {
  const text = bug.reduce((text, [find, replace]) => {
    assert.strictEqual(text.split(find).length, 2, `${find} stands once in the source.`)
    return text.replace(find, () => replace)
  }, source)
  const path = Path.join(folder, `${name.replaceAll(" ", "-")}.ts`)
  Fs.writeFileSync(path, text.replaceAll(/"\.\/(\w+)\.ts"/g, `"@holdfast/domain/$1"`))
  const { make }: typeof MemoryStore = await import(path)
  const all = laws((policy) => Effect.map(make(policy), ({ store }) => store))
  const failures = await Effect.runPromise(
    Effect.forEach(
      all.filter(({ id }) => law === undefined || id === law),
      ({ check }) => Effect.match(check, { onSuccess: () => [], onFailure: (broken) => [broken.law] }),
    ),
  )
  return failures.flat()
}

describe("the laws", { timeout: 60_000 }, () => {
  it("hold of the store in memory", async () => assert.deepStrictEqual(await broken("nothing", []), []))

  for (const [name, [law, ...bug]] of Object.entries(bugs)) {
    it(`find ${name}`, async () => assert.deepStrictEqual(await broken(name, bug, law), [law]))
  }
})
