import { of } from "./Mutant.ts"

export const domain = [
  ...of("domain/src/BaseUnits.ts", ["domain/BaseUnits"], {
    "the bound is one too high": ["2n ** 256n - 1n", "2n ** 256n"],
    "a leading zero is read": [
      `if (text.length > 1 && text.startsWith("0"))`,
      `if (text.length > 2 && text.startsWith("0"))`,
    ],
    "a difference may be negative": [
      "self > that ? BaseUnits.make(self - that) : zero",
      "self > that ? BaseUnits.make(self - that) : BaseUnits.make(that - self)",
    ],
    "the smallest remainders are rounded up": [
      "a.remainder > b.remainder ? -1 : 1",
      "a.remainder > b.remainder ? 1 : -1",
    ],
    "shares are rounded before they are multiplied": [
      "floor: (self * weight) / total,",
      "floor: (self / total) * weight,",
    ],
  }),
  ...of("domain/src/Account.ts", ["domain/Account"], {
    "more is taken than is there": ["if (held < quantity) return", "if (held < 0n) return"],
    "all but the last unit can be taken": ["if (held < quantity) return", "if (held <= quantity) return"],
    "what is moved is not taken": ["[from]: BaseUnits.BaseUnits.make(held - quantity)", "[from]: held"],
    "what is moved does not arrive": ['to === "outside" ? left : raise(left, to, quantity)', "left"],
    "what comes in is added where it would fit": [
      "const after = sum(self) + quantity",
      "const after = self[to] + quantity",
    ],
    "one more than the bound fits": ["if (after > BaseUnits.MAX)", "if (after > BaseUnits.MAX + 1n)"],
    "a balance is left out of the sum": ["available + reserved + deallocated", "available + reserved"],
  }),
  ...of("domain/src/Deallocation.ts", ["domain/Deallocation", "domain/DeallocationLaws", "domain/Deallocations"], {
    "a cleared deallocation can be released": [
      `Cleared: { Reserve: "repeat", Clear: "repeat", Release: "conflict" }`,
      `Cleared: { Reserve: "repeat", Clear: "repeat", Release: "repeat" }`,
    ],
    "a cleared deallocation is reserved again": [`Cleared: { Reserve: "repeat"`, `Cleared: { Reserve: "setting"`],
    "a second clear is decided": [
      `Cleared: { Reserve: "repeat", Clear: "repeat"`,
      `Cleared: { Reserve: "repeat", Clear: "decide"`,
    ],
    "a rejection is not sticky": [`Rejected: { Reserve: "repeat"`, `Rejected: { Reserve: "decide"`],
    "a released deallocation can be cleared": [
      `Released: { Reserve: "setting", Clear: "conflict"`,
      `Released: { Reserve: "setting", Clear: "repeat"`,
    ],
    "a conflict is reserved all the same": [
      `(transition === "setting" && situation.releasedRepost === "conflict")`,
      `(transition === "setting" && situation.releasedRepost === "reserve")`,
    ],
    "terms are not compared": [
      "if (differences.length > 0) return yield* new TermsMismatch",
      "if (differences.length > 9) return yield* new TermsMismatch",
    ],
    "a quantity is not compared": [
      `  "amount.quantity": BaseUnits.toString(terms.amount.quantity),\n  ...Connection`,
      "  ...Connection",
    ],
    "the last base unit cannot be held": [
      "BaseUnits.Order(account.available, terms.amount.quantity) < 0",
      "BaseUnits.Order(account.available, terms.amount.quantity) <= 0",
    ],
    "more is held than there is": [
      "BaseUnits.Order(account.available, terms.amount.quantity) < 0",
      "BaseUnits.Order(account.available, terms.amount.quantity) < -1",
    ],
    "identifiers need not belong together": [
      "if (Connection.differences(connection, terms).length > 0) return",
      "if (Connection.differences(connection, terms).length > 4) return",
    ],
    "a new cycle forgets when the first began": [
      "deallocation ?? { ...event, createdAt: event.at }",
      "{ ...event, createdAt: event.at }",
    ],
  }),
  ...of("domain/src/Adjustment.ts", ["domain/Adjustment"], {
    "a debit takes more than there is": [
      "yield* Account.post(account, postings[event._tag], terms.amount.quantity)",
      "",
    ],
    "a memo is not compared": ["  memo: terms.memo ?? null,\n", ""],
    "the direction is not compared": ['  direction: terms.direction,\n  "amount', '  "amount'],
  }),
  ...of("domain/src/Ledger.ts", ["domain/Ledger", "domain/Deallocations"], {
    "nonces are not looked at": ["if (nonce !== undefined) yield* draft.useNonce(nonce)", ""],
    "a nonce is looked at after the command": [
      "if (this.nonces.has(nonce.value) || isUsed(this.#snapshot, nonce)) {",
      "if (isUsed(this.#snapshot, nonce)) {",
    ],
    "forgotten nonces count again": ["  known.nonces.has(nonce.value) ||\n", "  known.nonces.has(nonce.value) &&\n"],
    "a nonce that expires with the forgotten ones counts again": [
      "DateTime.isLessThanOrEqualTo(nonce.expiresAt, known.forgottenUntil)",
      "DateTime.isLessThan(nonce.expiresAt, known.forgottenUntil)",
    ],
    "an id serves a hold and a credit": [
      `if (transfer?._tag === "Adjustment") {`,
      `if (transfer?._tag === "Adjustment" && transfer.terms.memo !== undefined) {`,
    ],
    "a command does not see the one before it": [
      "return this.transfers.get(id) ?? this.#snapshot.transfers.get(id)",
      "return this.#snapshot.transfers.get(id) ?? this.transfers.get(id)",
    ],
    "a command does not see the balance before it": [
      "this.accounts.get(key)?.account ?? this.#snapshot.accounts.get(key) ?? Account.empty",
      "this.#snapshot.accounts.get(key) ?? this.accounts.get(key)?.account ?? Account.empty",
    ],
  }),
  ...of("domain/src/Deallocations.ts", ["domain/Deallocations"], {
    "a release needs no nonce": [
      `execute({ command: { _tag: "Release", deallocationId, at }, nonce })`,
      `execute({ command: { _tag: "Release", deallocationId, at }, nonce: undefined })`,
    ],
    "a clear needs no nonce": [
      `execute({ command: { _tag: "Clear", deallocationId, at }, nonce })`,
      `execute({ command: { _tag: "Clear", deallocationId, at }, nonce: undefined })`,
    ],
    "a hold needs no nonce": [
      `execute({ command: { _tag: "Reserve", terms, partnerDeallocationId, at }, nonce })`,
      `execute({ command: { _tag: "Reserve", terms, partnerDeallocationId, at }, nonce: undefined })`,
    ],
    "commands in memory do not wait for one another": [
      "        mutex.withPermits(1),\n        Effect.tap(forgetExpired)",
      "        Effect.tap(forgetExpired)",
      "domain/Interleavings",
    ],
    "nonces are forgotten in memory without a trace": [
      "forgottenUntil === undefined ? expiresAt : DateTime.max(forgottenUntil, expiresAt)",
      "undefined",
    ],
    "a page repeats the last of the one before it": [
      "newestFirst(cursorOf(deallocation), query.cursor) > 0)",
      "newestFirst(cursorOf(deallocation), query.cursor) >= 0)",
    ],
  }),
  ...of("domain/src/Journal.ts", ["domain/Journal"], {
    "the hash before is left out": ["    previous,\n    entry.event,", "    entry.event,"],
    "a reason is not hashed": [`? [transfer.reason] : []`, `? [] : []`],
  }),
  ...of("domain/src/Audit.ts", ["persistence/Audit"], {
    "when a transfer was made is not compared": ["  createdAt: DateTime.formatIso(transfer.createdAt),\n", ""],
    "hashes are not compared": [
      `this.#compare("journal", id, { hash: entry.hash }, { hash })`,
      `this.#compare("journal", id, { hash }, { hash })`,
    ],
    "balances of an account are not compared": ["{ ...balancesOf(account), head }", "{ ...replayed, head }"],
    "transfers that stay open are not compared": [
      "Array.from(this.#open.keys()).flatMap((id) => this.#close(id))",
      "[] as Array<Finding>",
    ],
  }),
]
