/**
 * The console as people meet it: a real server on a real database that some days have passed over, behind a wire that
 * can be cut, in a real browser.
 */
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import * as Http from "node:http"
import * as Net from "node:net"
import { join } from "node:path"
import { buffer } from "node:stream/consumers"
import { assert, vi } from "@effect/vitest"
import { Adjustment, Connection, Deallocation, Holdfast, Lock } from "@holdfast/domain"
import { Clock, Effect, Schema } from "effect"
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core"
import * as BrowserProcess from "../support/Browser.ts"
import { serverOn } from "../support/Databases.ts"
import * as HttpClient from "../support/HttpClient.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const token = () => randomBytes(24).toString("hex")

/** Who there is. */
export const tokens = { ada: token(), otto: token(), ruth: token() }

const operators = [
  { name: "ada", role: "admin", tokens: [tokens.ada] },
  { name: "otto", role: "operate", tokens: [tokens.otto] },
  { name: "ruth", role: "read", tokens: [tokens.ruth] },
]

const id = (kind: number, number: number) => {
  const last = number.toString(16).padStart(12, "0")
  return `${(0x5eed0000 + kind * 4096 + number * 7).toString(16)}-${kind}000-4000-8000-${last}`
}

export const connections = ["treasury-eu", "treasury-us", "settlement-7"].map((partnersConnectionId, index) =>
  Schema.decodeUnknownSync(Connection.Connection)({
    connectionId: id(1, index + 1),
    clientId: id(2, index < 2 ? 1 : 2),
    partnersConnectionId,
    partnerClientId: index < 2 ? "northwind" : "contoso",
  }),
)

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** As if it was so many seconds ago. */
const ago = <A, E, R>(seconds: number, effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const then: Clock.Clock = Object.create(clock, {
      currentTimeMillisUnsafe: { value: () => clock.currentTimeMillisUnsafe() - seconds * 1000 },
      currentTimeMillis: { value: Effect.sync(() => clock.currentTimeMillisUnsafe() - seconds * 1000) },
    })
    return Effect.provideService(effect, Clock.Clock, then)
  })

const amount = (currency: string, quantity: bigint) => ({ currency, quantity })
type Given = ReturnType<typeof amount>
const btc = (satoshi: bigint) => amount("btc", satoshi)
const eth = (wei: bigint) => amount("eth", wei)

/** Lock of the seed that is still reserved. */
export const openLock = id(6, 1)
/** A cleared deallocation of the seed. */
export const cleared = id(4, 1)
export const rejected = id(4, 90)

/** Some days of work, in the order of time. */
const seed = Effect.gen(function* () {
  const holdfast = yield* Holdfast.Holdfast
  const [eu, us, settlement] = connections
  if (eu === undefined || us === undefined || settlement === undefined) return
  for (const connection of connections) yield* holdfast.register(connection)
  const work: Array<readonly [secondsAgo: number, what: Effect.Effect<unknown>]> = []
  const at = (secondsAgo: number, what: Effect.Effect<unknown, { readonly message: string }>) =>
    work.push([secondsAgo, Effect.orDie(what)])
  const termsOf = (kind: number, number: number, connection: Connection.Connection, given: Given) =>
    Schema.decodeUnknownSync(Deallocation.Terms)({ id: id(kind, number), amount: given, ...connection })

  const opening = [
    [eu, btc(184_250_000_000n)],
    [us, btc(61_000_000_001n)],
    [eu, eth(12_480_000_000_000_000_000_123n)],
    [us, amount("sol:usdc", 25_000_000_500_000n)],
    [settlement, amount("EUR", 1_250_000_00n)],
  ] as const
  for (const [index, [{ connectionId }, given]] of opening.entries()) {
    const terms = { id: id(3, index + 1), connectionId, direction: "credit", amount: given, memo: "opening balance" }
    at(4 * day, holdfast.adjust(Schema.decodeUnknownSync(Adjustment.Terms)(terms)))
  }
  for (let number = 1; number <= 24; number++) {
    const terms = termsOf(4, number, number % 3 === 0 ? us : eu, btc(BigInt(number) * 250_000_000n + 17n))
    const start = 4 * day - number * 222 * minute
    at(start, holdfast.reserve("deallocation", terms, undefined, `withdrawal-${7000 + number}`))
    if (number % 5 === 4) at(start - 9 * minute, holdfast.release("deallocation", terms.id))
    else if (number < 22) at(start - 4 * minute, holdfast.clear("deallocation", terms.id))
  }
  const open = [
    [40, 30 * hour, eth(3_250_000_000_000_000_000n)],
    [41, 5 * hour, eth(1n)],
    [42, 40 * minute, eth(125_000_000_000_000_000_000n)],
    [43, 3 * minute, eth(7_777_000_000_000_000_000n)],
    [44, 2 * minute, amount("sol:usdc", 1_000_000n)],
    [45, 40, amount("sol:usdc", 250_000_500_000n)],
  ] as const
  for (const [number, secondsAgo, given] of open) {
    const terms = termsOf(4, number, given.currency === "sol:usdc" ? us : eu, given)
    at(secondsAgo, holdfast.reserve("deallocation", terms, undefined, `withdrawal-${7000 + number}`))
  }
  const tooMuch = termsOf(4, 90, eu, btc(99_000_000_000_000n))
  at(2 * hour, Effect.ignore(holdfast.reserve("deallocation", tooMuch, undefined, "withdrawal-7090")))
  for (let number = 1; number <= 4; number++) {
    const terms = termsOf(5, number, eu, btc(BigInt(number) * 1_000_000_000n))
    at(2 * day - number * hour, holdfast.reserve("allocation", terms, undefined, `deposit-${300 + number}`))
    if (number < 3) at(day - number * hour, holdfast.clear("allocation", terms.id))
  }
  for (let number = 1; number <= 2; number++) {
    const terms = Schema.decodeUnknownSync(Lock.Terms)({
      id: id(6, number),
      connectionId: eu.connectionId,
      amount: btc(1_500_000_000n * BigInt(number)),
      memo: `order ${880 + number}`,
    })
    at(26 * hour - number * hour, holdfast.reserve("lock", terms))
    if (number === 2) at(20 * hour, holdfast.clear("lock", terms.id))
  }
  for (const [secondsAgo, what] of work.toSorted(([a], [b]) => b - a)) yield* ago(secondsAgo, what)
  yield* holdfast.suspend(settlement.connectionId, true)
})

/** An address that stays, whichever server is behind it. */
const wire = Effect.acquireRelease(
  Effect.promise(async () => {
    let target: number | undefined
    const open = new Set<Net.Socket>()
    const server = Net.createServer({ noDelay: true }, (client) => {
      if (target === undefined) return client.destroy()
      const upstream = Net.connect({ port: target, host: "127.0.0.1", noDelay: true })
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        open.add(socket)
        socket.pipe(other)
        socket.on("error", () => socket.destroy())
        socket.on("close", () => {
          open.delete(socket)
          other.destroy()
        })
      }
      return undefined
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    let last: number | undefined
    const cut = () => {
      last = target ?? last
      target = undefined
      for (const socket of open) socket.destroy()
    }
    return {
      server,
      url: `http://127.0.0.1:${port}`,
      cut,
      lead: (port: number) => {
        target = port
      },
      mend: () => {
        target ??= last
      },
    }
  }),
  ({ server, cut }) =>
    Effect.sync(() => {
      cut()
      server.close()
    }),
)

/** All of it, for as long as the scope. */
export const start = Effect.gen(function* () {
  const database = yield* TestDatabase.make
  yield* Effect.scoped(
    Effect.flatMap(serverOn(database), (holdfast) => Effect.provideService(seed, Holdfast.Holdfast, holdfast)),
  )
  const directory = yield* ServerProcess.temporaryDirectory
  const [keyFile, operatorsFile] = [join(directory, "network.pem"), join(directory, "operators.json")]
  writeFileSync(keyFile, Signing.publicKeyPem)
  writeFileSync(operatorsFile, JSON.stringify(operators), { mode: 0o600 })
  const environment = {
    DATABASE_URL: database.url,
    BITGO_PUBLIC_KEY_FILE: keyFile,
    OPERATORS_FILE: operatorsFile,
    // One address asks here for many operators.
    MAX_REFUSALS_PER_MINUTE: "1000",
  }
  const front = yield* wire
  /** Another; whoever wants to come to it by the address that stays has to be led there. */
  const startServer = ServerProcess.start(environment)
  const server = yield* startServer
  front.lead(server.port)
  const browser = yield* BrowserProcess.start
  return {
    database,
    browser,
    url: front.url,
    cut: front.cut,
    mend: front.mend,
    server,
    startServer,
    lead: front.lead,
    /** As the network and as an administrator's program. */
    call: at(front.url),
    at,
  }
})

const at = (url: string) => HttpClient.make(url, Signing.privateKey, tokens.ada)

export type Console = Effect.Success<typeof start>

/** How long one waits in vain: longer than a machine with other work makes one wait. */
export const patienceMillis = 20_000

/** A person at a browser of their own, signed in. What the page complains of is an error. */
export const visit = async (
  { browser, url }: { readonly browser: Browser; readonly url: string },
  operator: keyof typeof tokens,
  path = "/console",
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly context: BrowserContext; readonly complaints: Array<string> }> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  await context.grantPermissions(["clipboard-read", "clipboard-write"])
  context.setDefaultTimeout(patienceMillis)
  const page = await context.newPage()
  await page.goto(`${url}${path}`)
  await signIn(page, tokens[operator])
  await isLive(page)
  const complaints: Array<string> = []
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text())
  })
  return { page, context, complaints }
}

export const signIn = async (page: Page, token: string) => {
  await page.getByLabel("Operator’s token").fill(token)
  await page.getByRole("button", { name: "Sign in" }).click()
}

export const isLive = (page: Page) => page.locator(".live.on").waitFor()

/** Waits until all parts of a page show what they have. */
export const isLoaded = (page: Page) =>
  vi.waitFor(async () => assert.strictEqual(await page.locator(".waiting").count(), 0), patienceMillis)

/** A file as it comes over the wire, not decompressed. */
export const raw = async (url: string, headers: Http.OutgoingHttpHeaders) => {
  const response = await new Promise<Http.IncomingMessage>((resolve, reject) =>
    Http.get(url, { headers }, resolve).on("error", reject),
  )
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) }
}
