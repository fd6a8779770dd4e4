/** Holdfast inside other people's frameworks: each example as a team would have it, on our packages as they are published. */
import { execFileSync } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Databases from "../support/Databases.ts"
import * as PackedExamples from "../support/PackedExamples.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"

interface Example {
  /** What its 404 says. */
  readonly notFound: RegExp
  /** The header by which it is told who called. */
  readonly callerHeader: string
  /** How it ends when it is asked to. */
  readonly ends: number | NodeJS.Signals
}

const examples: Readonly<Record<string, Example>> = {
  express: { notFound: /Cannot GET/, callerHeader: "x-forwarded-for", ends: 0 },
  fastify: { notFound: /Route GET:\S+ not found/, callerHeader: "x-forwarded-for", ends: 0 },
  // Nest lets the signal have its way once it is done.
  nestjs: { notFound: /Cannot GET/, callerHeader: "x-forwarded-for", ends: "SIGTERM" },
  hono: { notFound: /^404 Not Found$/, callerHeader: "x-forwarded-for", ends: 0 },
  fetch: { notFound: /^Not found$/, callerHeader: "x-real-ip", ends: 0 },
}

const operatorToken = "an-operator-token-that-nobody-guesses"
const bearer = { authorization: `Bearer ${operatorToken}` }
const json = { "content-type": "application/json" }
const bodyClaim = "body_sha256"

const digest = (body: string) => createHash("sha256").update(body).digest("hex")

/** What the network signs a body with; or with another's. */
const signed = async (body = "", claimed = digest(body)) => {
  const claims: object = { [bodyClaim]: claimed }
  return { "x-bitgo-signature": await Signing.token(claims) }
}

/** Sent without its length, in two pieces. */
const inPieces = (body: string) =>
  new ReadableStream({
    start: (controller) => {
      const bytes = new TextEncoder().encode(body)
      controller.enqueue(bytes.subarray(0, 10))
      controller.enqueue(bytes.subarray(10))
      controller.close()
    },
  })

type Ask = (
  method: string,
  path: string,
  init?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | ReadableStream },
) => Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }>

const askAt =
  (url: string): Ask =>
  async (method, path, init = {}) => {
    const response = await fetch(url + path, { method, ...init, duplex: "half" })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

/** As the network may write it: not as anybody's JSON library would. */
const reservation = (deallocationId: string, { connectionId, ...identifiers }: Connection, quantity: string) =>
  `{ "amount" : {"quantity":"${quantity}", "currency":"ETH"},\n "memo":"\\u00e9 é",  ${JSON.stringify({
    deallocationId,
    connectionId,
    ...identifiers,
  }).slice(1)}`

const newConnection = () => ({
  connectionId: randomUUID(),
  clientId: randomUUID(),
  partnersConnectionId: randomUUID(),
  partnerClientId: "client",
})

type Connection = ReturnType<typeof newConnection>

const reservations = "/bitgo/v1/deallocations"

const reserve = async (ask: Ask, body: string) =>
  ask("POST", reservations, { headers: { ...json, ...(await signed(body)) }, body })

/** Registers a connection and gives it some ether, as the operator. */
const fund = async (ask: Ask, quantity: string): Promise<Connection> => {
  const connection = newConnection()
  const { connectionId, ...identifiers } = connection
  for (const [path, body] of [
    [`connections/${connectionId}`, identifiers],
    [
      `adjustments/${randomUUID()}`,
      { connectionId, direction: "credit", amount: { currency: "ETH", quantity }, newCurrency: true },
    ],
  ] as const) {
    const headers = { ...json, ...bearer }
    const answer = await ask("PUT", `/operator/v1/${path}`, { headers, body: JSON.stringify(body) })
    assert.strictEqual(answer.status, 200, answer.text)
  }
  return connection
}

const balances = async (ask: Ask, { connectionId }: Connection) =>
  JSON.parse((await ask("GET", `/operator/v1/connections/${connectionId}`, { headers: bearer })).text).balances

/** The team's own route, with and without a body. */
const assertTheirs = async (ask: Ask) => {
  const hello = await ask("GET", "/hello")
  assert.deepStrictEqual([hello.status, hello.text], [200, `{"hello":"world"}`])
  const greeted = await ask("POST", "/hello", { headers: json, body: JSON.stringify({ name: "Ada" }) })
  assert.deepStrictEqual([greeted.status, greeted.text], [200, `{"hello":"Ada"}`])
}

let folder = ""
beforeAll(() => {
  folder = PackedExamples.make()
  Fs.writeFileSync(Path.join(folder, "network.pem"), Signing.publicKeyPem)
  const pem = Signing.privateKey.export({ type: "pkcs8", format: "pem" })
  Fs.writeFileSync(Path.join(folder, "network-private.pem"), pem, { mode: 0o600 })
}, 120_000)
afterAll(() => Fs.rmSync(Path.dirname(folder), { recursive: true }))

const directoryOf = (name: string) => Path.join(folder, name)

const scriptsOf = (name: string) =>
  JSON.parse(Fs.readFileSync(Path.join(directoryOf(name), "package.json"), "utf8")).scripts

/** Starts an example as its own script says, on a database or in memory. */
const start = (name: string, environment: Readonly<Record<string, string>> = {}) =>
  ServerProcess.start(
    {
      PATH: PackedExamples.path,
      BITGO_PUBLIC_KEY_FILE: Path.join(folder, "network.pem"),
      OPERATOR_TOKEN: operatorToken,
      TRUSTED_PROXIES: "127.0.0.1",
      ...environment,
    },
    { program: ["sh", "-c", `exec ${scriptsOf(name).start}`], directory: directoryOf(name) },
  )

it("each example has its test", () => {
  const there = Fs.globSync("*/main.ts", { cwd: Path.join(ServerProcess.root, "examples") }).map(Path.dirname)
  assert.sameMembers(there, Object.keys(examples))
})

for (const [name, { notFound, callerHeader, ends }] of Object.entries(examples)) {
  describe(name, { timeout: 180_000 }, () => {
    beforeAll(() => {
      const { build } = scriptsOf(name)
      const env = { ...process.env, PATH: PackedExamples.path }
      if (build !== undefined) execFileSync("sh", ["-c", build], { cwd: directoryOf(name), env })
    })

    it.live("serves the network and the operator beside the team's own routes, until it is asked to end", () =>
      Databases.withDatabase(
        Effect.fnUntraced(function* (database) {
          const server = yield* start(name, { DATABASE_URL: database.url, SIGNATURE_BODY_CLAIM: bodyClaim })
          const ask = askAt(server.url)
          yield* Effect.promise(async () => {
            await assertTheirs(ask)
            const connection = await fund(ask, "1000000000000000000100")
            const id = randomUUID()
            const reserved = await reserve(ask, reservation(id, connection, "1000000000000000000001"))
            assert.strictEqual(reserved.status, 200, reserved.text)
            assert.include(reserved.text, `"quantity":1000000000000000000001}`)
            assert.strictEqual(reserved.headers.get("cache-control"), "no-store")
            const one = `/bitgo/v1/deallocation/${id}`
            const cleared = await ask("PUT", `${one}/clear`, { headers: await signed() })
            assert.strictEqual(cleared.status, 200, cleared.text)
            const found = await ask("GET", one, { headers: await signed() })
            assert.include(found.text, `"status":"CLEARED"`)

            // In pieces, of which nobody says how long they are.
            const chunked = reservation(randomUUID(), connection, "1")
            const headers = { ...json, ...(await signed(chunked)) }
            const inChunks = await ask("POST", reservations, { headers, body: inPieces(chunked) })
            assert.strictEqual(inChunks.status, 200, inChunks.text)

            const many = await Promise.all(
              Array.from({ length: 20 }, () => reserve(ask, reservation(randomUUID(), connection, "1"))),
            )
            for (const { status, text } of many) assert.strictEqual(status, 200, text)
            const [{ available, reserved: held, deallocated }] = await balances(ask, connection)
            assert.deepStrictEqual([available, held, deallocated], ["78", "21", "1000000000000000000001"])

            const stream = await fetch(`${server.url}/operator/v1/journal/stream`, { headers: bearer })
            assert.strictEqual(stream.status, 200)
            const listening = stream.text()
            const last = reservation(randomUUID(), connection, "1")
            const slow = Http.request(server.url + reservations, {
              method: "POST",
              headers: { ...json, ...(await signed(last)), expect: "100-continue" },
            })
            slow.flushHeaders()
            // It is in hand.
            await once(slow, "continue")
            const ended = server.end("SIGTERM")
            assert.include(await listening, ": the journal")
            slow.end(last)
            const [answer]: Array<Http.IncomingMessage> = await once(slow, "response")
            answer?.resume()
            assert.strictEqual(answer?.statusCode, 200)
            assert.strictEqual(await ended, ends, server.output())
          })
          const kept = yield* Databases.query(database, "SELECT count(*)::text AS rows FROM journal")
          assert.deepStrictEqual(kept, [{ rows: "25" }])
        }),
      ),
    )

    it.live("refuses what is wrong, caller by caller, and leaves to the framework what is not Holdfast's", () =>
      Effect.gen(function* () {
        const server = yield* start(name, { SIGNATURE_BODY_CLAIM: bodyClaim })
        const ask = askAt(server.url)
        yield* Effect.promise(async () => {
          const connection = await fund(ask, "5")
          const body = reservation(randomUUID(), connection, "1")
          const large = "x".repeat(65_537)
          const rewritten = digest(JSON.stringify(JSON.parse(body)))
          const cases: ReadonlyArray<
            readonly [
              what: string,
              status: number,
              body: string | ReadableStream,
              headers: Readonly<Record<string, string>>,
            ]
          > = [
            ["no signature", 401, body, {}],
            ["a wrong signature", 401, body, { "x-bitgo-signature": "a.b.c" }],
            ["a body that says the same in other bytes", 401, body, await signed(body, rewritten)],
            ["a body that is too long", 413, large, await signed(large)],
            ["a body that turns out too long", 413, inPieces(large), await signed(large)],
            ["a malformed body", 400, "{", await signed("{")],
            ["no body", 400, "", await signed()],
          ]
          for (const [what, status, body, headers] of cases) {
            const answer = await ask("POST", reservations, { headers: { ...json, ...headers }, body })
            assert.strictEqual(answer.status, status, `${what}: ${answer.text}`)
            assert.strictEqual(answer.headers.get("content-type"), "application/problem+json", what)
          }
          const [{ available }] = await balances(ask, connection)
          assert.strictEqual(available, "5")

          assert.strictEqual((await ask("DELETE", reservations)).status, 405)
          const health = await ask("HEAD", "/health/ready")
          assert.deepStrictEqual([health.status, health.text], [200, ""])
          const csv = await ask("GET", "/operator/v1/deallocations.csv", { headers: bearer })
          assert.include(csv.text, "deallocationId,")
          for (const path of ["/nowhere", "/bitgo", "/health", "/HEALTH/live", "/BITGO/v1/deallocations"]) {
            const answer = await ask("GET", path)
            assert.strictEqual(answer.status, 404, path)
            assert.match(answer.text, notFound, path)
          }

          // As many refusals as a caller has in a minute, and what came back meanwhile.
          const from = async (address: string) =>
            (await ask("GET", "/operator/v1/balances", { headers: { [callerHeader]: address } })).status
          const refused = new Set<number>()
          for (let batch = 0; batch < 20 && !refused.has(429); batch++) {
            for (const status of await Promise.all(Array.from({ length: 200 }, () => from("192.0.2.1")))) {
              refused.add(status)
            }
          }
          assert.sameMembers([...refused], [401, 429])
          assert.strictEqual(await from("192.0.2.2"), 401)
          await assertTheirs(ask)
        })
      }).pipe(Effect.scoped),
    )

    it.live("keeps to the contract in all that the network plays against it", () =>
      Effect.gen(function* () {
        const { url } = yield* start(name)
        const environment = {
          HOLDFAST_URL: url,
          BITGO_PRIVATE_KEY_FILE: Path.join(folder, "network-private.pem"),
          OPERATOR_TOKEN: operatorToken,
        }
        const { code, out, err } = yield* ServerProcess.run("simulate", environment, "--yes-write-to", url)
        assert.strictEqual(code, 0, out + err)
        assert.match(out, /\d{3} exchanges/)
      }).pipe(Effect.scoped),
    )

    it.live("does not start without keys", () =>
      Effect.gen(function* () {
        const started = yield* Effect.result(start(name, { OPERATOR_TOKEN: "short" }))
        assert.strictEqual(started._tag, "Failure")
        assert.include(String(started._tag === "Failure" && started.failure), "operatorTokens")
      }).pipe(Effect.scoped),
    )
  })
}
