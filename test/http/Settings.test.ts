/** The environment's variables, and the development keys that stand in for some of them. */
import { createPrivateKey, createPublicKey } from "node:crypto"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { InvalidOption } from "@holdfast/http/InvalidOption"
import * as DevelopmentKeys from "@holdfast/server/DevelopmentKeys"
import * as Settings from "@holdfast/server/Settings"
import { ConfigProvider, Effect, FileSystem, Redacted } from "effect"
import * as CurrenciesFile from "../../packages/server/src/settings/CurrenciesFile.ts"
import { explain } from "../../packages/server/src/settings/StartFailure.ts"

const load = (environment: Readonly<Record<string, string>>) =>
  Settings.load.pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord({ ...environment })),
  )

describe("settings", () => {
  const defaults: Settings.Settings = {
    host: "127.0.0.1",
    port: 3000,
    dataDirectory: ".holdfast",
    databaseUrl: undefined,
    databaseSchema: "holdfast",
    publicKeyFiles: [],
    operatorTokens: [],
    operatorTokenFile: undefined,
    operatorsFile: undefined,
    issuer: undefined,
    audience: undefined,
    bodyClaim: undefined,
    releasedRepost: "reserve",
    suspendedDeallocations: "allow",
    currenciesFile: undefined,
    connectionTokenKeyFile: undefined,
    edition: "first",
    workers: 1,
    maxQueue: 10_000,
    maxInFlight: 1_000,
    maxUnsignedPerSecond: 200,
    maxConnections: 10_000,
    maxConnectionsPerAddress: 2_500,
    maxRequestsPerSecond: 10_000,
    maxRefusalsPerMinute: 600,
    maxHeaderBytes: 32_768,
    maxUrlLength: 8_192,
    maxBodyBytes: 65_536,
    headersTimeoutSeconds: 10,
    requestTimeoutSeconds: 20,
    idleTimeoutSeconds: 20,
    trustedProxies: [],
  }

  it.effect("have defaults, for what is empty too", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* load({}), defaults)
      assert.deepStrictEqual(
        yield* load({ PORT: "", DATABASE_URL: "", OPERATOR_TOKEN: "", RELEASED_REPOST: "" }),
        defaults,
      )
    }),
  )

  it.effect("are what the environment says", () =>
    Effect.gen(function* () {
      const settings = yield* load({
        HOST: "::",
        PORT: "0",
        DATA_DIR: "/data",
        DATABASE_SCHEMA: "custody",
        DATABASE_URL: "postgres://u:p@h/d",
        BITGO_PUBLIC_KEY_FILE: "key.pem, next.pem",
        OPERATOR_TOKEN: "token another",
        OPERATOR_TOKEN_FILE: "tokens",
        SIGNATURE_ISSUER: "bitgo",
        SIGNATURE_AUDIENCE: "us",
        SIGNATURE_BODY_CLAIM: "body",
        RELEASED_REPOST: "conflict",
        SUSPENDED_DEALLOCATIONS: "reject",
        CURRENCIES_FILE: "currencies.json",
        CONNECTION_TOKEN_KEY_FILE: "tokens.pem",
        CONTRACT_EDITION: "later",
        WORKERS: "3",
        MAX_QUEUE: "7",
        MAX_IN_FLIGHT: "8",
        MAX_UNSIGNED_PER_SECOND: "18",
        MAX_CONNECTIONS: "90",
        MAX_CONNECTIONS_PER_ADDRESS: "9",
        MAX_REFUSALS_PER_MINUTE: "10",
        MAX_REQUESTS_PER_SECOND: "11",
        MAX_HEADER_BYTES: "12",
        MAX_URL_LENGTH: "13",
        MAX_BODY_BYTES: "14",
        HEADERS_TIMEOUT_SECONDS: "15",
        REQUEST_TIMEOUT_SECONDS: "16",
        IDLE_TIMEOUT_SECONDS: "17",
        TRUSTED_PROXIES: "10.0.0.0/8,::1",
      })
      const { databaseUrl, operatorTokens, ...rest } = settings
      assert.deepStrictEqual(rest, {
        host: "::",
        port: 0,
        dataDirectory: "/data",
        databaseSchema: "custody",
        publicKeyFiles: ["key.pem", "next.pem"],
        operatorTokenFile: "tokens",
        operatorsFile: undefined,
        issuer: "bitgo",
        audience: "us",
        bodyClaim: "body",
        releasedRepost: "conflict",
        suspendedDeallocations: "reject",
        currenciesFile: "currencies.json",
        connectionTokenKeyFile: "tokens.pem",
        edition: "later",
        workers: 3,
        maxQueue: 7,
        maxInFlight: 8,
        maxUnsignedPerSecond: 18,
        maxConnections: 90,
        maxConnectionsPerAddress: 9,
        maxRefusalsPerMinute: 10,
        maxRequestsPerSecond: 11,
        maxHeaderBytes: 12,
        maxUrlLength: 13,
        maxBodyBytes: 14,
        headersTimeoutSeconds: 15,
        requestTimeoutSeconds: 16,
        idleTimeoutSeconds: 17,
        trustedProxies: ["10.0.0.0/8", "::1"],
      })
      assert.deepStrictEqual(
        [databaseUrl, ...operatorTokens].map((secret) => secret && Redacted.value(secret)),
        ["postgres://u:p@h/d", "token", "another"],
      )
      assert.notInclude(JSON.stringify(settings), "u:p")
    }),
  )

  const bad: ReadonlyArray<readonly [environment: Readonly<Record<string, string>>, message: string]> = [
    [{ PORT: "http" }, "PORT: Expected a port, 0 to 65535."],
    [{ PORT: "65536" }, "PORT: Expected a port, 0 to 65535."],
    [{ PORT: "80.5" }, "PORT: Expected a port, 0 to 65535."],
    [{ BITGO_PUBLIC_KEY_FILE: " , " }, "BITGO_PUBLIC_KEY_FILE: Expected the name of a file."],
    [{ MAX_UNSIGNED_PER_SECOND: "0" }, "MAX_UNSIGNED_PER_SECOND: Expected a whole number, 1 to 10000000."],
    [{ CONTRACT_EDITION: "latest" }, "CONTRACT_EDITION: Expected first or later."],
    [{ SUSPENDED_DEALLOCATIONS: "no" }, "SUSPENDED_DEALLOCATIONS: Expected allow or reject."],
    [{ MAX_QUEUE: "0" }, "MAX_QUEUE: Expected a whole number, 1 to 10000000."],
    [{ IDLE_TIMEOUT_SECONDS: "3601" }, "IDLE_TIMEOUT_SECONDS: Expected a whole number, 1 to 3600."],
    [
      { HEADERS_TIMEOUT_SECONDS: "21" },
      "HEADERS_TIMEOUT_SECONDS: Expected REQUEST_TIMEOUT_SECONDS (20) at the most. Got 21.",
    ],
    [{ RELEASED_REPOST: "Reserve" }, "RELEASED_REPOST: Expected reserve or conflict."],
    [
      { DATABASE_URL: "postgres://h/d" },
      "With DATABASE_URL set, nothing is made up: set BITGO_PUBLIC_KEY_FILE and OPERATOR_TOKEN too.",
    ],
    [
      { DATABASE_URL: "postgres://h/d", BITGO_PUBLIC_KEY_FILE: "key.pem" },
      "With DATABASE_URL set, nothing is made up: set OPERATOR_TOKEN too.",
    ],
    [
      { DATABASE_URL: "postgres://h/d", OPERATOR_TOKEN: "token" },
      "With DATABASE_URL set, nothing is made up: set BITGO_PUBLIC_KEY_FILE too.",
    ],
  ]
  for (const [environment, message] of bad) {
    it.effect(`${JSON.stringify(environment)} is refused`, () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(load(environment))).message, message)
      }),
    )
  }

  it("are told by their own names, whoever finds them wrong", () => {
    for (const [option, variable] of [
      ["publicKeys", "BITGO_PUBLIC_KEY_FILE"],
      ["operatorTokens", "OPERATOR_TOKEN"],
      ["operators", "OPERATORS_FILE"],
      ["trustedProxies", "TRUSTED_PROXIES"],
      ["maxUrlLength", "MAX_URL_LENGTH"],
      ["maxBodyBytes", "MAX_BODY_BYTES"],
    ] as const) {
      const fact = "Expected another."
      assert.strictEqual(explain(new InvalidOption({ option, fact })), `${variable}: ${fact}`)
    }
  })
})

const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(tmpdir(), "holdfast-keys-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true })),
)

const make = Effect.fnUntraced(function* (directory: string) {
  const files = yield* DevelopmentKeys.keyPair(directory)
  const tokenFile = yield* DevelopmentKeys.operatorToken(directory)
  return { ...files, tokenFile, token: read(tokenFile) }
}, Effect.provide(NodeFileSystem.layer))

const read = (file: string) => Fs.readFileSync(file, "utf8")

describe("development keys", () => {
  it.effect("are made once, for their owner alone", () =>
    Effect.gen(function* () {
      const data = Path.join(yield* directory, "not", "there", "yet")
      const made = yield* make(data)
      assert.deepStrictEqual(Fs.readdirSync(data).toSorted(), [
        "bitgo-dev-private.pem",
        "bitgo-dev-public.pem",
        "operator-token",
      ])
      for (const name of Fs.readdirSync(data))
        assert.strictEqual(Fs.statSync(Path.join(data, name)).mode & 0o777, 0o600)
      assert.strictEqual(createPrivateKey(read(made.privateKey)).asymmetricKeyDetails?.modulusLength, 2048)
      assert.strictEqual(
        createPublicKey(read(made.privateKey)).export({ type: "spki", format: "pem" }),
        read(made.publicKey),
      )
      assert.match(made.token, /^[\w-]{43}$/)
      const [privateKey, publicKey] = [read(made.privateKey), read(made.publicKey)]
      assert.deepStrictEqual(yield* make(data), made)
      assert.deepStrictEqual([read(made.privateKey), read(made.publicKey)], [privateKey, publicKey])
    }),
  )

  it.effect("are one pair, however many start at once", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const made = yield* Effect.all(
        Array.from({ length: 8 }, () => make(data)),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(new Set(made.map(({ token }) => token)).size, 1)
      assert.strictEqual(Fs.readdirSync(data).length, 3)
      const [first] = made
      assert.isDefined(first)
      assert.strictEqual(
        createPublicKey(read(first.privateKey)).export({ type: "spki", format: "pem" }),
        read(first.publicKey),
      )
    }),
  )

  it.effect("that a crash left half of are made whole", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const { privateKey, publicKey } = yield* make(data)
      const before = [read(privateKey), read(publicKey)]
      Fs.rmSync(publicKey)
      yield* make(data)
      assert.deepStrictEqual([read(privateKey), read(publicKey)], before)
    }),
  )

  it.effect("that are none are refused, by name", () =>
    Effect.gen(function* () {
      const data = yield* directory
      Fs.writeFileSync(Path.join(data, "bitgo-dev-private.pem"), "nonsense", { mode: 0o600 })
      const { message } = yield* Effect.flip(make(data))
      assert.strictEqual(message, `DATA_DIR: ${Path.join(data, "bitgo-dev-private.pem")} is no private key.`)
    }),
  )
})

describe("a file of currencies", () => {
  const load = Effect.fnUntraced(
    function* (bytes: string | Uint8Array) {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      yield* fs.writeFile(file, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes)
      return yield* CurrenciesFile.load(file)
    },
    Effect.scoped,
    Effect.provide(NodeFileSystem.layer),
  )
  const bitcoin = { code: "BTC", decimals: 8, name: "Bitcoin" }

  it.effect("says which there are", () =>
    Effect.gen(function* () {
      const codes = yield* load(JSON.stringify([bitcoin, { ...bitcoin, code: "btc" }]))
      assert.deepStrictEqual([...(codes ?? [])], ["BTC", "btc"])
    }),
  )

  const bad: ReadonlyArray<readonly [what: string, bytes: string | Uint8Array, says: RegExp]> = [
    ["no JSON", "BTC", /JSON/],
    ["none", "[]", /Expected \[\{/],
    ["no list", "{}", /Expected \[\{/],
    ["a code twice", JSON.stringify([bitcoin, bitcoin]), /BTC stands twice/],
    ["a key twice", '[{"code":"BTC","code":"ETH","decimals":8,"name":"x"}]', /appears twice/],
    ["no UTF-8", Uint8Array.of(0x5b, 0xff, 0x5d), /valid UTF-8/],
    ["a misspelt field", JSON.stringify([{ ...bitcoin, nane: "x" }]), /nane/],
    ["a code with a space", JSON.stringify([{ ...bitcoin, code: "B TC" }]), /without spaces/],
    ["too many decimals", JSON.stringify([{ ...bitcoin, decimals: 78 }]), /decimals/],
  ]
  for (const [what, bytes, says] of bad) {
    it.effect(`with ${what} is refused, by name`, () =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(load(bytes))
        assert.match(message, /^CURRENCIES_FILE: /)
        assert.match(message, says)
      }),
    )
  }

  it.effect("that is not there is refused", () =>
    Effect.gen(function* () {
      const refused = CurrenciesFile.load("/nowhere/currencies.json").pipe(Effect.provide(NodeFileSystem.layer))
      assert.strictEqual(
        (yield* Effect.flip(refused)).message,
        "CURRENCIES_FILE: There is no file /nowhere/currencies.json. Name one that is there.",
      )
    }),
  )
})
