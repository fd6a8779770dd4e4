/**
 * `npm run simulate` against a real server, and against servers that are wrong:
 * a referee who never whistles proves nothing.
 */
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import * as Http from "node:http"
import * as Path from "node:path"
import { text } from "node:stream/consumers"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as ServerProcess from "../support/ServerProcess.ts"

interface Environment {
  readonly [variable: string]: string
}

class Server extends Context.Service<Server, { readonly url: string; readonly directory: string }>()(
  "@holdfast/test/Simulate/Server",
) {
  static readonly start = Effect.fnUntraced(function* (environment: Environment) {
    const directory = yield* ServerProcess.temporaryDirectory
    const { url } = yield* ServerProcess.start({ ...environment, DATA_DIR: directory })
    return Server.of({ url, directory })
  })

  static readonly layer = Layer.effect(Server, Server.start({}))
}

/** Runs it to its end. */
const simulate = (environment: Environment) =>
  Effect.map(ServerProcess.run("simulate", environment), (ended) => ({
    ...ended,
    summary: ended.out.trimEnd().split("\n").at(-1) ?? "",
  }))

interface Message {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body: string
}

/** How a server would be wrong: what stands between the simulation and one that is right. */
interface Distortion {
  readonly request?: (request: Pick<Message, "method" | "path">) => { readonly method: string; readonly path: string }
  readonly answer?: (answer: Message) => { readonly status?: number; readonly body?: string }
}

const startProxy = (target: string, distortion: Distortion) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = Http.createServer((incoming, outgoing) => {
        forward(target, distortion, incoming, outgoing).catch(() => outgoing.destroy())
      })
      await once(server.listen(0, "127.0.0.1"), "listening")
      const address = server.address()
      assert.isOk(address !== null && typeof address === "object")
      return { server, url: `http://127.0.0.1:${address.port}` }
    }),
    ({ server }) =>
      Effect.promise(async () => {
        const closed = once(server, "close")
        server.close()
        server.closeAllConnections()
        await closed
      }),
  )

const forward = async (
  target: string,
  { request = (message) => message, answer = (message) => message }: Distortion,
  incoming: Http.IncomingMessage,
  outgoing: Http.ServerResponse,
) => {
  const { method = "", url: path = "", headers } = incoming
  const passed = ["authorization", "content-type", "x-bitgo-signature"].flatMap((name): Array<[string, string]> => {
    const value = headers[name]
    return typeof value === "string" ? [[name, value]] : []
  })
  const body = await text(incoming)
  const sent = request({ method, path })
  const init = { method: sent.method, headers: passed, ...(body === "" ? {} : { body }) }
  const response = await fetch(`${target}${sent.path}`, init)
  const message = { method, path, status: response.status, body: await response.text() }
  const distorted = { ...message, ...answer(message) }
  const type = distorted.status < 400 ? "application/json" : "application/problem+json"
  outgoing.writeHead(distorted.status, { "content-type": type }).end(distorted.body)
}

const wrongServers: ReadonlyArray<readonly [what: string, Distortion, ...departures: ReadonlyArray<RegExp>]> = [
  [
    "answers the network's conflicts as if all were well",
    { answer: ({ path, status }) => (path.startsWith("/bitgo") && status === 409 ? { status: 200 } : {}) },
    /✗ PUT .*release of a cleared one {2}expected status 409, not 200\./,
    /✗ POST .*another currency {2}expected status 409, not 200\./,
  ],
  [
    "has amounts pass through a double",
    { answer: ({ body }) => (body.startsWith("{") ? { body: JSON.stringify(JSON.parse(body)) } : {}) },
    /✗ POST .* 9007199254740992 SAT .*expected amount\.quantity 9007199254740993, not 9007199254740992\./,
    new RegExp(`✗ POST .* UINT256 .*expected amount\\.quantity ${2n ** 256n - 1n}, not 1\\.157920892373162e\\+77\\.`),
  ],
  [
    "swallows releases",
    {
      request: ({ method, path }) =>
        path.endsWith("/release") ? { method: "GET", path: path.slice(0, -"/release".length) } : { method, path },
      answer: ({ path, body }) => (path.endsWith("/release") ? { body: body.replace(/,"status":"\w+"/, "") } : {}),
    },
    /✗ GET .*\/operator\/v1\/connections\/.*expected balances BTC .* 0 reserved, .*, not /,
    /✗ trader-\w+ +BTC /,
  ],
  [
    "takes every repeat for a new deallocation",
    { answer: ({ body }) => ({ body: body.replace(/(?<="partnerDeallocationId":")[^"]+/, () => randomUUID()) }) },
    /✗ POST .*the same again: the same answer {2}expected partnerDeallocationId "/,
  ],
  [
    "says more than the first edition does",
    {
      answer: ({ path, body }) =>
        path.startsWith("/bitgo") ? { body: body.replace("{", '{"state":"RESERVED",') } : {},
    },
    /✗ POST .*reserve {2}expected no state\./,
  ],
  [
    "hangs up",
    {
      answer: ({ path }) => {
        if (path.endsWith("/clear")) throw new Error("Hung up.")
        return {}
      },
    },
    /✗ PUT .*\/clear +– {2}– {2}.*clear {2}expected status 200, got no answer \(.+\)\./,
  ],
]

layer(Server.layer, { excludeTestServices: true, timeout: "180 seconds" })("npm run simulate", (it) => {
  const timeout = 180_000

  it.effect(
    "finds nothing against the server",
    Effect.fnUntraced(function* () {
      const { url, directory } = yield* Server
      const { code, out, err, summary } = yield* simulate({ HOLDFAST_URL: url, DATA_DIR: directory })
      assert.notInclude(out, "✗")
      assert.match(summary, /^[1-9]\d\d exchanges, all as the contract says\.$/)
      assert.notInclude(out, "\u001b", "No colours: this is no terminal.")
      assert.strictEqual(err, "")
      assert.strictEqual(code, 0)
    }),
    timeout,
  )

  it.effect(
    "finds nothing against a server with other settings, if it is told of them",
    Effect.fnUntraced(function* () {
      const { url, directory } = yield* Server.start({ RELEASED_REPOST: "conflict", CONTRACT_EDITION: "later" })
      const { hostname, port } = new URL(url)
      const environment = { HOST: hostname, PORT: port, DATA_DIR: directory, CONTRACT_EDITION: "later" }
      const right = yield* simulate({ ...environment, RELEASED_REPOST: "conflict" })
      assert.notInclude(right.out, "✗")
      assert.strictEqual(right.code, 0)
      const wrong = yield* simulate(environment)
      assert.match(wrong.out, /✗ POST .*a new cycle {2}expected status 200, not 409\./)
      assert.strictEqual(wrong.code, 1)
    }),
    timeout,
  )

  for (const [what, distortion, ...departures] of wrongServers) {
    it.effect(
      `finds a server that ${what}`,
      Effect.fnUntraced(function* () {
        const { url, directory } = yield* Server
        const proxy = yield* startProxy(url, distortion)
        const { code, out, summary } = yield* simulate({ HOLDFAST_URL: proxy.url, DATA_DIR: directory })
        const found = out.split("\n").filter((line) => line.includes("✗"))
        for (const departure of departures) {
          assert.isTrue(
            found.some((line) => departure.test(line)),
            `${departure} is not among:\n${found.join("\n")}`,
          )
        }
        assert.match(summary, /^[1-9]\d\d exchanges, [1-9]\d* depart from the contract\.$/)
        assert.strictEqual(code, 1)
      }),
      timeout,
    )
  }

  it.effect(
    "says in one line that there is no server",
    Effect.fnUntraced(function* () {
      const { url } = yield* Effect.scoped(startProxy("", {}))
      const { code, out, err } = yield* simulate({ HOLDFAST_URL: url })
      assert.strictEqual(
        err,
        `Cannot simulate: No Holdfast server answers at ${url}. Start one with \`npm start\`; HOLDFAST_URL names another.\n`,
      )
      assert.strictEqual(out, "")
      assert.strictEqual(code, 1)
    }),
    timeout,
  )

  it.effect(
    "says in one line that there is no key",
    Effect.fnUntraced(function* () {
      const { url, directory } = yield* Server
      const { code, out, err } = yield* simulate({ HOLDFAST_URL: url, DATA_DIR: Path.join(directory, "empty") })
      assert.match(err, /^Cannot simulate: No private key to sign with at \S+\/empty\/bitgo-dev-private\.pem\. .*\n$/)
      assert.strictEqual(out, "")
      assert.strictEqual(code, 2)
    }),
    timeout,
  )

  it.effect(
    "plays nothing with a key that others can read, and signs nothing with it",
    Effect.fnUntraced(function* () {
      const { url, directory } = yield* Server
      const file = Path.join(yield* ServerProcess.temporaryDirectory, "private.pem")
      writeFileSync(file, readFileSync(Path.join(directory, "bitgo-dev-private.pem")))
      for (const [mode, refused] of [
        [0o644, true],
        [0o640, false],
      ] as const) {
        chmodSync(file, mode)
        const signed = yield* ServerProcess.run("sign", { BITGO_PRIVATE_KEY_FILE: file })
        const simulated = yield* simulate({ HOLDFAST_URL: url, DATA_DIR: directory, BITGO_PRIVATE_KEY_FILE: file })
        for (const [what, { code, out, err }] of [
          ["sign", signed],
          ["simulate", simulated],
        ] as const) {
          const fact = `Cannot ${what}: BITGO_PRIVATE_KEY_FILE: ${file} is open to others than its owner and group. Close it: chmod g-w,o-rwx ${file}\n`
          assert.deepStrictEqual([code, out === "", err], refused ? [2, true, fact] : [0, false, ""])
        }
      }
    }, Effect.scoped),
    timeout,
  )

  it.effect(
    "plays nothing with a token that is not the server's",
    Effect.fnUntraced(function* () {
      const { url, directory } = yield* Server
      const environment = { HOLDFAST_URL: url, DATA_DIR: directory, OPERATOR_TOKEN: "another" }
      const { code, out, summary } = yield* simulate(environment)
      assert.include(out, "The preparations failed, and nothing else was played.")
      assert.strictEqual(summary, "1 exchange, 1 departs from the contract.")
      assert.strictEqual(code, 1)
    }),
    timeout,
  )
})
