/**
 * The words of the contract: what each field, parameter and tag is, wherever it stands, and the value that stands for
 * it in examples. The values tell one story: 1000000000000000001 of 3000000000000000003 wei are asked for.
 */

/** What a field says, its example, and what else is to be known of it. */
type Word = readonly [says: string, example?: unknown, more?: Readonly<Record<string, unknown>> | undefined]

const id = (n: number) => `018f3f1e-0000-7000-8000-${String(n).padStart(12, "0")}`

const ids = { connection: id(1), client: id(2), allocation: id(3), deallocation: id(4), adjustment: id(5), lock: id(6) }

const asked = "1000000000000000001"
const left = "2000000000000000002"
const at = "2026-01-31T12:00:00.000Z"
const moment = { format: "date-time" }
const zone = "a time with its zone"

/** What is told by streams of their own, by their paths. */
export const events: Readonly<Record<string, object>> = {
  "/operator/v1/journal/changes/stream": {
    after: "41",
    last: "42",
    kinds: ["deallocation"],
    transferIds: [ids.deallocation],
    connectionIds: [ids.connection],
  },
}

/** Of fields and parameters, by their names. */
export const fields: Readonly<Record<string, Word>> = {
  connectionId: ["The network's id of the connection: one client account on the partner's platform.", ids.connection],
  clientId: ["The network's id of the client.", ids.client],
  partnersConnectionId: ["The partner's id of the connection, such as an account number.", "account-7"],
  partnerClientId: ["The partner's id of the client.", "client-3", { shown: true }],
  partnersClientId: ["The partner's id of the client, as later editions spell it.", "client-3"],
  suspended: ["Whether new allocations are refused.", false],

  deallocationId: ["The network's id of the deallocation. Again, it is the same deallocation.", ids.deallocation],
  allocationId: ["The network's id of the allocation. Again, it is the same allocation.", ids.allocation],
  adjustmentId: ["Your id of the adjustment. Again, it is the same adjustment.", ids.adjustment],
  lockId: ["Your id of the lock. Again, it is the same lock.", ids.lock],
  partnerDeallocationId: ["The partner's id of the deallocation.", id(14)],
  partnersDeallocationId: ["The partner's id of the deallocation, as later editions spell it.", id(14)],
  partnerAllocationId: ["The partner's id of the allocation.", id(13)],
  partnersAllocationId: ["The partner's id of the allocation, as later editions spell it.", id(13)],
  amount: ["Base units of one currency."],
  currency: ["The code of a currency. Case matters.", "ETH"],
  quantity: ["How much.", asked],
  memo: ["Your note.", "deposit 7", { shown: true }],
  direction: ["Whether available balance grows or shrinks.", "credit"],
  newCurrency: ["Says that a code is meant which is new and differs only in case from a known one.", true],
  state: ["The state that it is in.", "RESERVED"],
  status: ["The state that it is in.", "RESERVED"],
  rejectionReason: ["Why it was rejected; only of what was. The same id keeps it for good.", "INSUFFICIENT_BALANCE"],
  createdAt: ["When it was first asked for.", at, moment],
  updatedAt: ["When it came into its state.", at, moment],

  tokenId: ["The id of the token.", id(7)],
  connectionToken: ["What the client shows. Works once.", "q2l7V0mZkUu3r8oYbXw5cT1sJ9dHfNaGePiRtLyCx4A"],
  expiresInSeconds: ["How long the token works: a day unless it is said.", 3600],
  issuedAt: ["When it was issued.", at, moment],
  expiresAt: ["Until when it works.", "2026-02-01T12:00:00.000Z", moment],
  revokedAt: ["When it was made void; only of one that was.", at, moment],
  usedBy: ["The connection that came of it; only of one that was used.", ids.connection],

  balances: ["The balances of an account, in base units."],
  pending: ["Announced by the network: neither traded nor deallocated yet.", "0"],
  available: ["At the client's disposal.", left],
  locked: ["Set aside by the partner, for open orders, say.", "0"],
  reserved: ["Held for deallocations.", asked],
  deallocated: ["Gone to the network, all together.", "0"],
  totals: ["The sums, by currency."],
  accounts: ["How many accounts have the currency.", 1],

  journal: ["What happened to it, oldest first, with the balances after it."],
  event: ["What happened: named as the state that it led to.", "RESERVED"],
  at: ["When it happened.", at, moment],
  entries: ["Entries of the journal."],
  withEntries: ["Whether the entries themselves are told as well, oldest first.", true],
  lastEntry: ["The journal's last entry. Null where there is none."],
  kind: ["The kind of transfer.", "deallocation"],
  transferId: ["The id of the transfer.", ids.deallocation],
  hash: [
    "SHA-256 over the entry and the hash before it, of the account; null where no chain is kept.",
    "9f2c61d5b1b7e84f0a3d6c2e5f80917a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e",
  ],

  connections: ["A page of connections."],
  connectionTokens: ["A page of tokens, without their text."],
  adjustments: ["A page of adjustments."],
  locks: ["A page of locks."],
  allocations: ["A page of allocations."],
  deallocations: ["A page of deallocations."],
  nextCursor: ["Where the next page begins: its `cursor`. Null where there is no more.", null],
  cursor: ["Where to begin: the `nextCursor` of the page before; of an entry, its place in the journal.", "42"],
  next: ["Where to go on: its `after`, or `before`. Null where there is nothing.", "42"],
  after: ["Begin after this place: the `next` of the page before. From the start unless it is said.", "42"],
  before: ["Begin before this place. From the end unless it is said.", "43"],
  limit: ["How many to a page, from 1 to 200.", "50"],
  order: ["Which come first.", "newest"],
  from: [`First asked for at this time or later: ${zone}.`, "2026-01-31T00:00:00Z"],
  to: [`First asked for before this time: ${zone}.`, "2026-02-01T00:00:00Z"],
  olderThan: ["In its state for so many seconds, or longer.", "3600"],

  hashed: ["The text that `hash` is of; null where it cannot be told here.", null],
  token: ["An operator's token.", "a-token-that-nobody-guesses"],
  changes: ["Whether changes are open.", true],
  changesUntil: [
    "Until when changes are open; null where they are not, or where no session is what lets you in.",
    at,
    moment,
  ],
  operator: ["The operator's name.", "anna"],
  role: ["What the operator may do.", "operate"],
  id: ["Its id.", id(8)],
  action: ["What was to be done, and to what.", `PUT /operator/v1/locks/${ids.lock}/release`],
  reason: ["Why.", "order 7 is void"],
  outcome: ["What became of it: `done`, or the type of a problem; null where nobody knows.", "done"],
  reservations: ["What is reserved, by kind and currency."],
  count: ["How many.", 1],
  oldestAt: ["Since when the oldest is.", at, moment],
  ages: ["How many of which age."],
  upToSeconds: ["The age, in seconds, that they do not exceed; null for all older ones.", 60],
  requests: ["Requests, as this process saw them."],
  secondsEach: ["How many seconds a period has.", 30],
  series: ["By period, oldest first."],
  answered: ["How many were answered.", 100],
  refused: ["How many were refused (4xx).", 1],
  failed: ["How many failed (5xx).", 0],
  p50Millis: ["What half of them did not exceed, in milliseconds; null where there were none.", 4],
  p99Millis: ["What 99 of 100 did not exceed, in milliseconds; null where there were none.", 16],
  byReason: ["Why requests were refused, most often first."],
  queue: ["Commands that wait."],
  waiting: ["How many commands wait for a transaction; null where that is not counted.", 0],
  inFlight: ["How many are in one; null where that is not counted.", 0],
  database: ["Whether the database answers."],
  up: ["Whether it answers.", true],
  method: ["The request's method.", "PUT"],
  route: ["The request's address, as declared.", "/operator/v1/locks/:lockId/release"],
  answeredWith: ["The status of the answer.", 200],
  durationMillis: ["How long it took, in milliseconds.", 4],

  development: ["That the server is one to play with: it has made its own keys.", true],
}

/** Of the members of problems, by their names. */
export const members: Readonly<Record<string, Word>> = {
  type: ["Which problem it is: stable, for programs."],
  title: ["Which problem it is, for people."],
  status: ["The status of the answer."],
  detail: ["What is the matter, with the values, for people."],
  state: ["The state that it is in.", "CLEARED"],
  differences: ["Each field that differs."],
  field: ["The name of the field.", "amount.quantity"],
  recorded: ["What is recorded; null where there is nothing.", asked],
  repeated: ["What was sent this time; null where there was nothing.", "1000000000000000000"],
  known: ["The known currency.", "eth"],
  requested: ["What was asked for.", left],
  available: ["What is available.", asked],
  retryAfterSeconds: ["When to send the same again.", 1],
}

const otherTerms = `recorded with amount.quantity ${asked}, not 1000000000000000000`

/** What problems say, by their names; with other members, where these are not as everywhere. */
export const problems: Readonly<Record<string, string | Readonly<Record<string, unknown>>>> = {
  "malformed-request": `deallocationId: Expected a UUID. Got "7".`,
  forbidden: "otto has the role operate. This takes the role admin.",
  "not-confirmed": "Expected the quantity of the lock in Holdfast-Confirm.",
  unauthorized: "The credentials are missing, wrong, expired or used up.",
  "too-many-requests": "Too many requests came from this address.",
  "payload-too-large": "A body may have at most 65536 bytes.",
  "unsupported-media-type": "Expected application/json. Got text/plain.",
  "deallocation-not-found": `There is no deallocation ${ids.deallocation}.`,
  "allocation-not-found": `There is no allocation ${ids.allocation}.`,
  "lock-not-found": `There is no lock ${ids.lock}.`,
  "adjustment-not-found": `There is no adjustment ${ids.adjustment}.`,
  "connection-not-found": `There is no connection ${ids.connection}.`,
  "connection-token-not-found": `There is no connection token ${id(7)}.`,
  "connection-token-used": `The connection token ${id(7)} was used: the connection ${ids.connection} came of it.`,
  "connection-token-refused": "The connection token is unknown, used, revoked or expired.",
  "journal-place-not-found": "The journal has no place 42: it is of another one.",
  "state-conflict": `Cannot release deallocation ${ids.deallocation}: it is cleared.`,
  "terms-mismatch": `Deallocation ${ids.deallocation} is ${otherTerms}.`,
  "adjustment-mismatch": `Adjustment ${ids.adjustment} is ${otherTerms}.`,
  "id-in-use": `The id ${ids.deallocation} is in use by an allocation.`,
  "connection-conflict": {
    detail: `Connection ${ids.connection} is registered with partnerClientId client-3, not client-4.`,
    differences: [{ field: "partnerClientId", recorded: "client-3", repeated: "client-4" }],
  },
  "account-connected": "The account account-7 has a connection.",
  "unknown-currency": "There is no currency ETH.",
  "currency-looks-alike": "The currency ETH is new, and differs only in case from eth.",
  "insufficient-balance": `Requested ${left} but only ${asked} is available.`,
  "base-units-overflow": `The sum must be at most 2^256 - 1 base units. Got ${2n ** 256n}.`,
  "internal-error": "The fault is ours, and it is in our log.",
  unavailable: "The database is away. Retry after 1 s.",
}

/** Of headers of answers. */
export const headers: Readonly<Record<string, Word>> = {
  "retry-after": ["So many seconds later, send the same again.", 1, { type: "integer", minimum: 1 }],
}

/** What the calls of a tag are about. */
export const tags: Readonly<Record<string, string>> = {
  Deallocations: "The network asks for a client's assets back: it reserves an amount, then clears or releases it.",
  "Deallocations, plural": "The same calls by the plural spelling that some editions have.",
  Allocations: "The network announces a client's assets: it reserves an amount, then clears or releases it.",
  "Allocations, plural": "The same calls by the plural spelling that some editions have.",
  Connecting: "The network connects a client's account by the token that the client was given.",
  "Operator: connections": "The partner's view of connections and their balances.",
  "Operator: connection-tokens": "Tokens that clients show to the network to have their account connected.",
  "Operator: adjustments": "The partner's own movements of available balance: deposits, trades, withdrawals.",
  "Operator: locks": "Available balance that the partner sets aside, for open orders, say.",
  "Operator: allocations": "The partner's view of allocations.",
  "Operator: deallocations": "The partner's view of deallocations: what is *deallocated* is shown here.",
  "Operator: balances": "The balances of all connections together.",
  "Operator: overview": "How the server is doing.",
  "Operator: requests": "Requests that were answered lately.",
  "Operator: operators": "What operators changed.",
  "Operator: session": "A browser's session, in place of a token with each call.",
  "Operator: journal": "All that happened to all accounts, in order, as pages or as a stream.",
  Server: "What machines ask about the server itself. Nobody needs credentials here.",
}
