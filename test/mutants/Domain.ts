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
  ...of("domain/src/Denomination.ts", ["domain/Denomination"], {
    "what is read need be no denomination": ["parsed(Denomination.make(self), text)", "parsed(self, text)"],
    "what is written need be no denomination": [
      "const { decimals } = Denomination.make(self)",
      "const { decimals } = self",
    ],
  }),
  ...of("domain/src/coins/index.ts", ["domain/Coins"], {
    "case is no matter": ["all.has(code)", "all.has(code.toLowerCase())"],
    "a code with a mark is one coin": ["[line.slice(0, -1), `ofc${line.slice(0, -1)}`]", "[line.slice(0, -1)]"],
  }),
  ...of("domain/src/Account.ts", ["domain/Account"], {
    "more is taken than is there": ["return held < quantity ?", "return held < 0n ?"],
    "all but the last unit can be taken": ["return held < quantity ?", "return held <= quantity ?"],
    "what is moved is not taken": ["unchecked(after[from] - quantity)", "after[from]"],
    "what is moved does not arrive": ["unchecked(after[to] + quantity)", "after[to]"],
    "what comes in is added where it would fit": [
      "const after = sum(self) + quantity",
      "const after = self[to] + quantity",
    ],
    "one more than the bound fits": ["return after > BaseUnits.MAX ?", "return after > BaseUnits.MAX + 1n ?"],
    "a balance is left out of the sum": ["locked + reserved + deallocated", "locked + reserved"],
  }),
  ...of("domain/src/Transfer.ts", ["domain/Deallocation", "domain/MemoryStore"], {
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
    "what is done at once is done again": [`Credited: { Adjust: "repeat" }`, `Credited: { Adjust: "decide" }`],
  }),
  ...of("domain/src/internal/Decider.ts", ["domain/Deallocation", "domain/MemoryStore"], {
    "a conflict is reserved all the same": [
      `(transition === "setting" && situation.releasedRepost === "conflict")`,
      `(transition === "setting" && situation.releasedRepost === "reserve")`,
    ],
    "terms are not compared": [
      "if (differences.length > 0) return Result.fail",
      "if (differences.length > 9) return Result.fail",
    ],
    "identifiers need not belong together": [
      "if (differences.length > 0) return new",
      "if (differences.length > 4) return new",
    ],
    "what is refused is recorded, whoever asked": [
      "return reason === undefined\n    ? Result.fail(refusal)",
      "return reason === null\n    ? Result.fail(refusal)",
      "domain/Adjustment",
    ],
    "whether it can be moved is not looked at": [
      "return Account.refusalOf(account, posting, amount.quantity)",
      "return undefined",
    ],
    "a suspended connection is like any other": [
      "if (isBarred && Connection.isSuspended(connection))",
      "if (isBarred && !Connection.isSuspended(connection) && connection === undefined)",
      "domain/MemoryStore",
    ],
    "a suspended connection never deallocates": [
      `suspendedDeallocations === "reject")`,
      `suspendedDeallocations !== "conflict")`,
      "domain/MemoryStore",
    ],
    "anything comes in in any currency": [
      "currencies !== undefined && !currencies.has(currency)",
      "currencies !== undefined && currencies.has(currency) && !currencies.has(currency)",
      "domain/MemoryStore",
    ],
    "what looks like a known currency is another": [
      "lookalike !== undefined && rules",
      "lookalike === currency && rules",
      "domain/MemoryStore",
    ],
    "a new cycle forgets when the first began": [
      "withReason({ ...transfer, state, updatedAt }, event)",
      "withReason({ ...transfer, state, createdAt: updatedAt, updatedAt }, event)",
    ],
    "an event follows whatever it may": [
      `transition === "decide" || transition === "setting" ? after`,
      `transition !== "unknown" ? after`,
    ],
    "a lock gets an id of the partner's": [
      `return rules.askedBy === "network" && partner`,
      "return partner",
      "domain/MemoryStore",
    ],
    "what a kind does not declare is recorded": [
      "declaredOf(rules.terms.fields, command.terms)",
      "command.terms",
      "domain/MemoryStore",
    ],
    "a step may be on another transfer": [
      "if (transfer !== undefined && transfer.terms.id !== id) {",
      "if (transfer === null) {",
      "domain/Ledger",
    ],
    "what is done at once moves nothing": [
      "const posting = event && rules.postings[event._tag]",
      "const posting = undefined",
      "domain/Ledger",
    ],
  }),
  ...of("domain/src/Difference.ts", ["domain/Deallocation", "domain/Adjustment"], {
    "a field that one side lacks is not compared": [
      "Object.keys({ ...recorded, ...repeated })",
      "Object.keys(recorded)",
    ],
    "a field within a field is not compared": [`"fields" in inner ? leavesOf(inner as typeof schema, inside) :`, ""],
  }),
  ...of("domain/src/Connection.ts", ["domain/Connection", "domain/Deallocation"], {
    "an identifier is not compared": [
      "repeated[field] !== recorded[field] && field in fields",
      "repeated[field] === undefined && field in fields",
    ],
  }),
  ...of("domain/src/Deallocation.ts", ["domain/Account", "domain/Deallocation"], {
    "a release loses what was reserved": [
      `Released: { from: "reserved", to: "available" }`,
      `Released: { from: "reserved", to: "outside" }`,
    ],
    "a clear leaves what was reserved": [
      `Cleared: { from: "reserved", to: "deallocated" }`,
      `Cleared: { from: "available", to: "deallocated" }`,
    ],
  }),
  ...of("domain/src/Allocation.ts", ["domain/MemoryStore"], {
    "what is pending is available": [
      `Reserved: { from: "outside", to: "pending" }`,
      `Reserved: { from: "outside", to: "available" }`,
    ],
    "what does not fit is no rejection": [`    BaseUnitsOverflow: "LIMIT_EXCEEDED",\n`, ""],
  }),
  ...of("domain/src/Lock.ts", ["domain/MemoryStore"], {
    "what is spent comes back": [
      `Cleared: { from: "locked", to: "outside" }`,
      `Cleared: { from: "locked", to: "available" }`,
    ],
    "what cannot be locked is recorded": ["reasons: {},", `reasons: { InsufficientBalance: "INSUFFICIENT_BALANCE" },`],
  }),
  ...of("domain/src/Adjustment.ts", ["domain/Adjustment"], {
    "a debit adds": [`Debited: { from: "available", to: "outside" }`, `Debited: { from: "outside", to: "available" }`],
    "a credit is a debit": [`terms.direction === "credit" ?`, `terms.direction !== "credit" ?`],
  }),
  ...of("domain/src/Ledger.ts", ["domain/Ledger", "domain/MemoryStore"], {
    "nonces are not looked at": ["nonce !== undefined && !draft.useNonce(nonce)", "false"],
    "a nonce is looked at after the command": [
      "if (this.nonces.has(nonce.value) || isUsed(this.#snapshot, nonce)) return",
      "if (isUsed(this.#snapshot, nonce)) return",
    ],
    "forgotten nonces count again": ["  known.nonces.has(nonce.value) ||\n", "  known.nonces.has(nonce.value) &&\n"],
    "a nonce that expires with the forgotten ones counts again": [
      "DateTime.isLessThanOrEqualTo(nonce.expiresAt, known.forgottenUntil)",
      "DateTime.isLessThan(nonce.expiresAt, known.forgottenUntil)",
    ],
    "an id serves a hold and a credit": [
      "transfer !== undefined && transfer.kind !== command.kind",
      `transfer !== undefined && transfer.kind !== command.kind && command.kind !== "adjustment"`,
    ],
    "a command does not see the one before it": [
      "return this.transfers.get(id) ?? this.#snapshot.transfers.get(id)",
      "return this.#snapshot.transfers.get(id) ?? this.transfers.get(id)",
    ],
    "a command does not see the balance before it": [
      "return this.accounts.get(key)?.account ?? this.#snapshot.accounts.get(key)",
      "return this.#snapshot.accounts.get(key) ?? this.accounts.get(key)?.account",
    ],
    "codes that look alike in one batch are not seen": [
      "if (Amount.folded(currency) === like) known.add(currency)",
      "if (currency === like) known.add(currency)",
    ],
  }),
  ...of("domain/src/Holdfast.ts", ["domain/MemoryStore"], {
    "commands need no nonce": ["as unknown as C, nonce })", "as unknown as C, nonce: undefined })"],
    "a clear releases": [`_tag: "Clear", kind, id }`, `_tag: "Release", kind, id }`],
    "a page is as long as anybody likes": ["Store.Query.make(query)", "query"],
    "any text is a place": ["after === undefined ? after : Store.Place.make(after)", "after"],
  }),
  ...of("domain/src/MemoryStore.ts", ["domain/MemoryStore"], {
    "commands in memory do not wait for one another": [
      "        mutex.withPermits(1),\n        Effect.tap(forgetExpired)",
      "        Effect.tap(forgetExpired)",
      "domain/MemoryStore",
    ],
    "nonces are forgotten in memory without a trace": [
      "forgottenUntil === undefined ? expiresAt : DateTime.max(forgottenUntil, expiresAt)",
      "undefined",
    ],
    "in memory, nothing is what is asked for where nothing is asked for": [
      "wanted[field] === undefined || connection[field] === wanted[field]",
      "connection[field] === wanted[field]",
    ],
  }),
  ...of("domain/src/Store.ts", ["domain/MemoryStore"], {
    "a page repeats the last of the one before it": [
      "(cursorOf(transfer), query.cursor) > 0)",
      "(cursorOf(transfer), query.cursor) >= 0)",
    ],
  }),
  ...of("domain/src/Connection.ts", ["domain/MemoryStore", "http/Partner"], {
    "a token that was used works": ["usedBy === undefined && revokedAt", "revokedAt"],
    "a token that was revoked works": ["&& revokedAt === undefined &&", "&&"],
    "a token that expired works": ["&& DateTime.isLessThan(now, expiresAt)", ""],
    "an account can have two connections": [
      "if (isConnected) return",
      "if (isConnected && token === undefined) return",
    ],
    "a connection is of whoever asks": ["{ ...recorded, clientId })", "recorded)"],
  }),
  ...of("domain/src/Journal.ts", ["domain/Journal"], {
    "the hash before is left out": ["const texts = [previous, event,", "const texts = [event,"],
    "a reason is not hashed": [`? [transfer.reason] : []`, `? [] : []`],
    "the name of a field is not hashed": ["...terms.flat(),", "...terms.map(([, value]) => value),"],
    "a kind that version 1 did not know has its text": [
      "? [] : [transfer.kind]",
      "? [] : []",
      "persistence/Migrations",
    ],
    "the text of version 1 is that of version 2": ["if (writtenWith === 1) {", "if (writtenWith === null) {"],
  }),
  ...of("domain/src/Audit.ts", ["persistence/Audit"], {
    "when a transfer was made is not compared": ["  createdAt: DateTime.formatIso(transfer.createdAt),\n", ""],
    "an entry is hashed with the last version, whatever it was written with": ["transfer, entry.version)", "transfer)"],
    "hashes are not compared": [
      `compare(entry, "journal", id, { hash: entry.hash }, { hash })`,
      `compare(entry, "journal", id, { hash }, { hash })`,
    ],
    "balances of an account are not compared": ["{ ...balancesOf(account), head }", "{ ...replayed, head }"],
    "transfers that stay open are not compared": [
      "Array.from(this.#open.keys()).flatMap((id) => this.#close(id))",
      "[] as Array<Finding>",
    ],
  }),
]
