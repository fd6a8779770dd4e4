/**
 * Whether a system answers as the contract has it, before it is measured: one
 * that answers wrong is no peer. A conversation as data, request by request.
 */
import { createPrivateKey, randomUUID } from "node:crypto"
import { Effect } from "effect"
import type { Bench } from "./Bench.ts"
import * as Database from "./Database.ts"
import { account, makeToken, quantity, reserveBody } from "./load/Requests.ts"
import type { SystemName } from "./Scenarios.ts"
import * as Systems from "./Systems.ts"
import { recorded } from "./Window.ts"

type Request = readonly [method: "POST" | "PUT", path: string, body?: string]

interface Line {
  readonly says: string
  readonly request: Request
  readonly status: number
  /** What the answer must contain; after `!` what it must not. */
  readonly contains?: string
  /** Seconds from now at which the token was issued; none for a token with an old `jti`. */
  readonly issued?: number | "again"
}

const post = (body: string): Request => ["POST", "/bitgo/v1/deallocations", body]
const clear = (id: string): Request => ["PUT", `/bitgo/v1/deallocation/${id}/clear`]
const release = (id: string): Request => ["PUT", `/bitgo/v1/deallocation/${id}/release`]
const reserve = (id: string, change: object = {}) =>
  post(JSON.stringify({ ...JSON.parse(reserveBody(id, 1)), ...change }))
const amount = (text: unknown) => ({ amount: { currency: "ETH", quantity: text } })

const conversation = (): ReadonlyArray<Line> => {
  const [cleared, released, short, unknown, elsewhere] = Array.from({ length: 5 }, () => randomUUID()) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const reason = (text: string) => `"rejectionReason":"${text}"`
  return [
    { says: "reserves", request: reserve(cleared), status: 200, contains: `"quantity":${quantity}` },
    { says: "reserves once", request: reserve(cleared), status: 200, contains: "!rejectionReason" },
    { says: "refuses other terms", request: reserve(cleared, amount("5")), status: 409, contains: quantity },
    { says: "clears", request: clear(cleared), status: 200, contains: `"quantity":${quantity}` },
    { says: "clears once", request: clear(cleared), status: 200 },
    { says: "keeps cleared from release", request: release(cleared), status: 409 },
    { says: "answers a reservation that is cleared", request: reserve(cleared), status: 200 },
    { says: "reserves another", request: reserve(released), status: 200 },
    { says: "releases", request: release(released), status: 200 },
    { says: "releases once", request: release(released), status: 200 },
    { says: "keeps released from clear", request: clear(released), status: 409 },
    { says: "reserves again", request: reserve(released), status: 200 },
    { says: "clears the second cycle", request: clear(released), status: 200 },
    {
      says: "rejects for want of balance",
      request: reserve(short, amount(`1${"0".repeat(60)}`)),
      status: 200,
      contains: reason("INSUFFICIENT_BALANCE"),
    },
    {
      says: "rejects for good",
      request: reserve(short, amount(`1${"0".repeat(60)}`)),
      status: 200,
      contains: reason("INSUFFICIENT_BALANCE"),
    },
    { says: "keeps rejected from clear", request: clear(short), status: 409 },
    { says: "keeps rejected from release", request: release(short), status: 409 },
    { says: "does not clear the unknown", request: clear(unknown), status: 404 },
    { says: "does not release the unknown", request: release(unknown), status: 404 },
    {
      says: "rejects an unknown connection",
      request: reserve(elsewhere, { connectionId: randomUUID() }),
      status: 200,
      contains: reason("UNKNOWN_CONNECTION"),
    },
    {
      says: "rejects identifiers that do not belong together",
      request: reserve(randomUUID(), { clientId: account(2).clientId }),
      status: 200,
      contains: reason("CONNECTION_MISMATCH"),
    },
    { says: "keeps ids of allocations apart", request: reserve("bbbbbbbb-0000-4000-8000-000000000001"), status: 409 },
    { says: "refuses a quantity that is a number", request: reserve(randomUUID(), amount(5)), status: 400 },
    { says: "refuses a fraction", request: reserve(randomUUID(), amount("1.5")), status: 400 },
    { says: "refuses what is no JSON", request: post("{"), status: 400 },
    { says: "refuses a token that was used", request: reserve(unknown), status: 401, issued: "again" },
    { says: "refuses a token that is old", request: reserve(unknown), status: 401, issued: -120 },
    { says: "refuses a token of the future", request: reserve(unknown), status: 401, issued: 120 },
  ]
}

const send = async (url: string, token: string, [method, path, body]: Request) => {
  const content = body === undefined ? {} : { body, headers: { "content-type": "application/json" } }
  const headers = { ...content.headers, "x-bitgo-signature": token }
  const response = await fetch(url + path, { method, ...content, headers })
  return { status: response.status, text: await response.text() }
}

const play = async (url: string, privateKey: string) => {
  const key = createPrivateKey(privateKey)
  const token = (issued = 0, jti?: string) => makeToken(key, Math.floor(Date.now() / 1000) + issued, jti)
  const problems: Array<string> = []
  const used = randomUUID()
  await send(url, await token(0, used), clear(randomUUID()))
  for (const { says, request, status, contains = "", issued = 0 } of conversation()) {
    const signature = issued === "again" ? await token(0, used) : await token(issued)
    const answer = await send(url, signature, request)
    const found = contains.startsWith("!") ? !answer.text.includes(contains.slice(1)) : answer.text.includes(contains)
    if (answer.status !== status || !found) problems.push(`"${says}" is answered ${answer.status} ${answer.text}`)
  }
  const raced = randomUUID()
  const answers = await Promise.all(Array.from({ length: 50 }, async () => send(url, await token(), reserve(raced))))
  // Fields may come in any order and are the same: one text.
  const [first] = answers
  if (answers.some(({ status, text }) => status !== 200 || text !== first?.text))
    problems.push("a race has two answers")
  return problems
}

/** Plays the conversation with a system on a fresh database. */
const check = Effect.fnUntraced(function* (bench: Bench, system: SystemName) {
  const url = yield* bench.database.create
  const server = yield* Systems.start(bench, system, url)
  yield* Database.fund(url, 2)
  const problems = yield* Effect.promise(() => play(server.url, bench.privateKey))
  bench.problems.push(...problems.map((problem) => `${system}: ${problem}`))
  const { held, cleared } = yield* Database.audit(url)
  if (held !== 3 || cleared !== 2) bench.problems.push(`${system}: ${held} held and ${cleared} cleared, not 3 and 2`)
}, Effect.scoped)

/** The same, its failure recorded. */
export const checked = (bench: Bench, system: SystemName) =>
  recorded(bench, `${system}, contract`, check(bench, system))
