/** The operator's calls, by the session's cookie. Quantities are strings of digits from end to end. */
import { signal } from "@preact/signals"

/** What the server says of an error, as RFC 9457 has it. */
export interface Problem {
  readonly type?: string
  readonly title: string
  readonly status?: number
  readonly detail?: string
}

export class Refused extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail ?? problem.title)
    this.problem = problem
  }
}

export interface Session {
  readonly operator: string
  readonly role: "read" | "operate" | "admin"
  readonly changes: boolean
  readonly expiresAt: string | null
  readonly changesUntil: string | null
}

/** Who asks: nobody is `null`; what is not known yet, or cannot be, is not. */
export const session = signal<Session | null | Problem | undefined>(undefined)

export const isSession = (known: typeof session.value): known is Session =>
  typeof known === "object" && known !== null && "role" in known

/** The browser's other windows have the same cookie. */
const windows = new BroadcastChannel("session")
windows.onmessage = ({ data }) => {
  session.value = data
}

/** What it is from now on, in all windows of the browser. */
const share = (now: Session | null) => {
  session.value = now
  windows.postMessage(now)
}

/** How far the server's clock is ahead of ours, about: by the server's a session ends. */
let aheadMillis = 0

export const serverNow = () => Date.now() + aheadMillis

const sessionMillis = 10_000

/** What came of a call about the session. An answer that comes later than this changes nothing. */
const askOfSession = async (path: string, options: Options = {}): Promise<Session | null> => {
  const response = await request(path, { ...options, signal: AbortSignal.timeout(sessionMillis) })
  const now = Date.parse(response.headers.get("date") ?? "")
  if (!Number.isNaN(now)) aheadMillis = now - Date.now()
  return (await read<Session | undefined>(response)) ?? null
}

/**
 * One after the other in all windows: an answer to what was asked before, with its cookie, would undo what came after.
 * Only over TLS, or on one's own machine, windows can agree on that.
 */
const inOrder = <A>(mode: LockMode, call: () => Promise<A>): Promise<A> =>
  navigator.locks === undefined ? call() : navigator.locks.request("session", { mode }, async () => await call())

const who = async () => {
  try {
    return await askOfSession("/session")
  } catch (error) {
    if (toProblem(error).status === 401) return null
    throw error
  }
}

/** Who one is; nobody is `null`. */
export const askWho = () => inOrder("shared", who)

const changeSession = (path: string, options: Options, isDone: (now: Session | null) => boolean) =>
  inOrder("exclusive", async () => {
    try {
      share(await askOfSession(path, options))
    } catch (error) {
      if (toProblem(error).status !== undefined) throw error
      // It may have been done all the same.
      const now = await who().catch(() => Promise.reject(error))
      share(now)
      if (!isDone(now)) throw error
    }
  })

export const signIn = (token: string) =>
  changeSession("/session", { method: "POST", body: { token } }, (now) => now !== null)

/** With a token of the same operator: whoever leaves a screen to another signs out. */
export const openChanges = (token: string) => {
  const operator = isSession(session.value) ? session.value.operator : ""
  const body = { token, changes: true, operator }
  return changeSession("/session", { method: "POST", body }, (now) => now?.changes === true)
}

export const closeChanges = () =>
  changeSession("/session/changes", { method: "DELETE" }, (now) => now?.changes !== true)

export const signOut = () => changeSession("/session", { method: "DELETE" }, (now) => now === null)

/** Of a change: what the operator typed, and why. */
export interface Confirmation {
  readonly confirm: string
  readonly reason: string
}

interface Options {
  readonly method?: "POST" | "PUT" | "DELETE"
  readonly body?: unknown
  readonly confirmation?: Confirmation
  readonly signal?: AbortSignal
}

export const base = "/operator/v1"

const notAnswered: Problem = {
  title: "The server does not answer",
  detail: "The server does not answer, or the network is down. Nothing here is newer than what was shown last.",
}

const problemOf = async (response: Response): Promise<Problem> => {
  const fallback = { title: `${response.status} ${response.statusText}`, status: response.status }
  try {
    const json: unknown = await response.json()
    return typeof json === "object" && json !== null && "title" in json ? (json as Problem) : fallback
  } catch {
    return fallback
  }
}

/** Calls the server. Whoever is not known there any more is asked to sign in. */
export const request = async (path: string, options: Options = {}): Promise<Response> => {
  const { method = "GET", body, confirmation, signal: abort } = options
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(confirmation && {
      "holdfast-confirm": encodeURIComponent(confirmation.confirm),
      "holdfast-reason": encodeURIComponent(confirmation.reason),
    }),
  }
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  let response: Response
  try {
    response = await fetch(`${base}${path}`, { ...init, ...(abort && { signal: abort }) })
  } catch (error) {
    if (abort?.aborted === true && abort.reason?.name !== "TimeoutError") throw error
    throw new Refused(notAnswered)
  }
  if (response.ok) return response
  // A token that is mistyped ends no session.
  if (response.status === 401 && !(path === "/session" && method === "POST")) session.value = null
  throw new Refused(await problemOf(response))
}

/** What an answer says, if all of it comes. */
const read = async <A>(response: Response): Promise<A> => {
  try {
    return (response.status === 204 ? undefined : await response.json()) as A
  } catch {
    throw new Refused(notAnswered)
  }
}

export const ask = async <A>(path: string, options?: Options): Promise<A> => read(await request(path, options))

/** Whether the same may well be answered soon: nothing came of it, there was too much to do, or something was away. */
export const isPassing = ({ status }: Problem): boolean => status === undefined || status === 429 || status >= 500

/** What there is to say of whatever was thrown. */
export const toProblem = (error: unknown): Problem =>
  error instanceof Refused ? error.problem : { title: "The console failed", detail: String(error) }

export const balanceNames = ["available", "pending", "locked", "reserved", "deallocated"] as const
type Balance = (typeof balanceNames)[number]
type Balances = Readonly<Record<Balance, string>>

interface Amount {
  readonly currency: string
  readonly quantity: string
}

export type Kind = "deallocation" | "allocation" | "lock" | "adjustment"

export interface Transfer {
  readonly deallocationId?: string
  readonly allocationId?: string
  readonly lockId?: string
  readonly adjustmentId?: string
  readonly partnerDeallocationId?: string
  readonly partnerAllocationId?: string
  readonly amount: Amount
  readonly connectionId: string
  readonly clientId?: string
  readonly partnersConnectionId?: string
  readonly partnerClientId?: string
  readonly memo?: string
  readonly direction?: "credit" | "debit"
  readonly state?: string
  readonly rejectionReason?: string
  readonly createdAt: string
  readonly updatedAt?: string
}

export interface Entry {
  readonly event: string
  readonly quantity: string
  readonly balances: Balances
  readonly at: string
  readonly hash?: string | null
  /** The text that the hash is of. */
  readonly hashed?: string | null
}

export interface PlacedEntry extends Entry {
  readonly cursor: string
  readonly kind: Kind
  readonly transferId: string
  readonly connectionId: string
  readonly currency: string
}

/** What was added to the journal after a place, in brief; after what is known to nobody, anything may have been. */
export interface Changes {
  readonly after: string | null
  readonly last: string
  readonly kinds: ReadonlyArray<Kind>
  readonly transferIds: ReadonlyArray<string>
  readonly connectionIds: ReadonlyArray<string>
  /** For the journal's page, oldest first. */
  readonly entries?: ReadonlyArray<PlacedEntry>
}

export interface Connection {
  readonly connectionId: string
  readonly clientId: string
  readonly partnersConnectionId: string
  readonly partnerClientId: string
  readonly suspended: boolean
}

export interface CurrencyBalances extends Balances {
  readonly currency: string
  readonly accounts?: number
}

export interface Token {
  readonly tokenId: string
  readonly partnersConnectionId: string
  readonly partnerClientId: string
  readonly issuedAt: string
  readonly expiresAt: string
  readonly revokedAt?: string
  readonly usedBy?: string
}

interface ReservedAges {
  readonly kind: Kind
  readonly currency: string
  readonly count: number
  readonly quantity: string
  readonly oldestAt: string
  readonly ages: ReadonlyArray<{ readonly upToSeconds: number | null; readonly count: number }>
}

export interface Moment {
  readonly at: string
  readonly answered: number
  readonly refused: number
  readonly failed: number
  readonly p50Millis: number | null
  readonly p99Millis: number | null
}

export interface Overview {
  readonly at: string
  readonly lastEntry: PlacedEntry | null
  readonly totals: ReadonlyArray<CurrencyBalances>
  readonly reservations: ReadonlyArray<ReservedAges>
  readonly requests: {
    readonly secondsEach: number
    readonly series: ReadonlyArray<Moment>
    readonly byReason: ReadonlyArray<{ readonly reason: string; readonly count: number }>
  }
  readonly queue: { readonly waiting: number | null; readonly inFlight: number | null }
  readonly database: { readonly up: boolean }
}

export interface SeenRequest {
  readonly at: string
  readonly method: string
  readonly route: string
  readonly answeredWith: number
  readonly durationMillis: number
}

export interface LogEntry {
  readonly id: string
  readonly at: string
  readonly operator: string
  readonly role: string
  readonly action: string
  readonly reason: string | null
  readonly outcome: string | null
}

/** The kinds, with what their lists and the pages of one are called. */
export const kinds = {
  deallocation: { path: "deallocations", title: "Deallocations", one: "Deallocation" },
  allocation: { path: "allocations", title: "Allocations", one: "Allocation" },
  lock: { path: "locks", title: "Locks", one: "Lock" },
  adjustment: { path: "adjustments", title: "Adjustments", one: "Adjustment" },
} as const satisfies Record<Kind, { readonly path: string; readonly title: string; readonly one: string }>

export const idOf = (transfer: Transfer): string =>
  transfer.deallocationId ?? transfer.allocationId ?? transfer.lockId ?? transfer.adjustmentId ?? ""

/** An adjustment has no state: it is done or it is not. */
export const stateOf = ({ state, direction }: Transfer): string =>
  state ?? (direction === "credit" ? "CREDITED" : "DEBITED")
