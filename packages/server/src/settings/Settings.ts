/**
 * What the environment says. A variable that is not set, or empty, has its
 * default. Nothing is open by default: beside a database of one's own, key and
 * token are required.
 */
import { Transfer } from "@holdfast/domain"
import type * as App from "@holdfast/http/App"
import type * as CallerLimits from "@holdfast/http/CallerLimits"
import { defaults } from "@holdfast/http/Limits"
import * as NetworkApi from "@holdfast/http/NetworkApi"
import type * as Signature from "@holdfast/http/Signature"
import { Schemas } from "@holdfast/persistence"
import { Config, Effect, Option, Redacted, Schema } from "effect"
import * as CredentialFiles from "../credentials/CredentialFiles.ts"
import type * as NodeServer from "../node/NodeServer.ts"
import { InvalidSetting } from "./InvalidSetting.ts"

export interface Settings
  extends App.Options,
    CallerLimits.Options,
    CredentialFiles.Options,
    NodeServer.Options,
    Signature.Options {
  /** Where the embedded database and the development keys live. */
  readonly dataDirectory: string
  /** None for the embedded database. */
  readonly databaseUrl: Redacted.Redacted | undefined
  readonly databaseSchema: string
  readonly releasedRepost: Transfer.ReleasedRepost
  readonly suspendedDeallocations: Transfer.SuspendedDeallocations
  /** What currencies there are, if that is said. */
  readonly currenciesFile: string | undefined
  readonly maxQueue: number
  /** How many processes serve. */
  readonly workers: number
}

export class SettingsMissing extends Schema.TaggedError<SettingsMissing>()("SettingsMissing", {
  variables: Schema.Array(Schema.String),
}) {
  override get message() {
    return `With DATABASE_URL set, nothing is made up: set ${this.variables.join(" and ")} too.`
  }
}

const integer = (minimum: number, maximum: number) =>
  Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

/** Reads a variable. Of what is wrong with a value, only the expectation is said: the value may be a secret. */
const read = <A>(variable: string, config: (name: string) => Config.Config<A>, expected: string) =>
  Config.option(config(variable)).pipe(
    Effect.map(Option.getOrUndefined),
    Effect.mapError(() => new InvalidSetting({ variable, fact: `Expected ${expected}.` })),
  )

/** What is separated by commas or white space. */
const list = (text = "") => text.split(/[\s,]+/).filter((word) => word !== "")

const text = (variable: string) => read(variable, Config.String, "text")

/** What PostgreSQL takes for itself without quotes. */
const SchemaName = Schema.String.check(Schema.isPattern(/^(?!pg_|information_schema$)[a-z_][a-z0-9_]{0,62}$/))

const schemaNames = "up to 63 lower-case letters, digits and _, not beginning with a digit or pg_"

/** Where a server listens and keeps its data unless it is said. */
export const usual = { host: "127.0.0.1", port: 3000, dataDirectory: ".holdfast" }

/** Where the database is. Fails with {@link InvalidSetting}. */
export const loadDatabase = Effect.gen(function* (): Effect.fn.Return<
  Pick<Settings, "dataDirectory" | "databaseUrl" | "databaseSchema">,
  InvalidSetting
> {
  return {
    dataDirectory: (yield* text("DATA_DIR")) ?? usual.dataDirectory,
    databaseUrl: yield* read("DATABASE_URL", Config.Redacted, "a URL"),
    databaseSchema:
      (yield* read("DATABASE_SCHEMA", (name) => Config.schema(SchemaName, name), schemaNames)) ?? Schemas.usual,
  }
})

/** Fails with {@link InvalidSetting} or {@link SettingsMissing}. */
export const load = Effect.gen(function* (): Effect.fn.Return<Settings, InvalidSetting | SettingsMissing> {
  const port = yield* read("PORT", (name) => Config.schema(integer(0, 65_535), name), "a port, 0 to 65535")
  const releasedRepost = yield* read(
    "RELEASED_REPOST",
    (name) => Config.schema(Transfer.ReleasedRepost, name),
    "reserve or conflict",
  )
  const suspendedDeallocations = yield* read(
    "SUSPENDED_DEALLOCATIONS",
    (name) => Config.schema(Transfer.SuspendedDeallocations, name),
    "allow or reject",
  )
  const edition = yield* read("CONTRACT_EDITION", (name) => Config.schema(NetworkApi.Edition, name), "first or later")
  const upTo = (maximum: number) => (variable: string) =>
    read(variable, (name) => Config.schema(integer(1, maximum), name), `a whole number, 1 to ${maximum}`)
  const count = upTo(10_000_000)
  const seconds = upTo(3_600)
  const publicKeyFiles = yield* text("BITGO_PUBLIC_KEY_FILE")
  if (publicKeyFiles !== undefined && list(publicKeyFiles).length === 0) {
    return yield* new InvalidSetting({ variable: "BITGO_PUBLIC_KEY_FILE", fact: "Expected the name of a file." })
  }
  const operatorTokens = yield* read("OPERATOR_TOKEN", Config.Redacted, "a token")
  const settings = {
    host: (yield* text("HOST")) ?? usual.host,
    port: port ?? usual.port,
    ...(yield* loadDatabase),
    publicKeyFiles: list(publicKeyFiles),
    operatorTokens: operatorTokens === undefined ? [] : CredentialFiles.tokensIn(Redacted.value(operatorTokens)),
    operatorTokenFile: yield* text("OPERATOR_TOKEN_FILE"),
    operatorsFile: yield* text("OPERATORS_FILE"),
    issuer: yield* text("SIGNATURE_ISSUER"),
    audience: yield* text("SIGNATURE_AUDIENCE"),
    bodyClaim: yield* text("SIGNATURE_BODY_CLAIM"),
    releasedRepost: releasedRepost ?? "reserve",
    suspendedDeallocations: suspendedDeallocations ?? "allow",
    currenciesFile: yield* text("CURRENCIES_FILE"),
    connectionTokenKeyFile: yield* text("CONNECTION_TOKEN_KEY_FILE"),
    edition: edition ?? "first",
    workers: (yield* upTo(256)("WORKERS")) ?? 1,
    maxQueue: (yield* count("MAX_QUEUE")) ?? 10_000,
    maxInFlight: (yield* count("MAX_IN_FLIGHT")) ?? 1_000,
    maxUnsignedPerSecond: (yield* count("MAX_UNSIGNED_PER_SECOND")) ?? 200,
    maxConnections: (yield* count("MAX_CONNECTIONS")) ?? 10_000,
    maxConnectionsPerAddress: (yield* count("MAX_CONNECTIONS_PER_ADDRESS")) ?? 2_500,
    maxRequestsPerSecond: (yield* count("MAX_REQUESTS_PER_SECOND")) ?? defaults.maxRequestsPerSecond,
    maxRefusalsPerMinute: (yield* count("MAX_REFUSALS_PER_MINUTE")) ?? defaults.maxRefusalsPerMinute,
    // A signature that is too long fits: it is a wrong one, no malformed request.
    maxHeaderBytes: (yield* count("MAX_HEADER_BYTES")) ?? 32_768,
    maxUrlLength: (yield* count("MAX_URL_LENGTH")) ?? defaults.maxUrlLength,
    maxBodyBytes: (yield* count("MAX_BODY_BYTES")) ?? defaults.maxBodyBytes,
    headersTimeoutSeconds: (yield* seconds("HEADERS_TIMEOUT_SECONDS")) ?? 10,
    requestTimeoutSeconds: (yield* seconds("REQUEST_TIMEOUT_SECONDS")) ?? 20,
    idleTimeoutSeconds: (yield* seconds("IDLE_TIMEOUT_SECONDS")) ?? 20,
    trustedProxies: list(yield* text("TRUSTED_PROXIES")),
  }
  const { headersTimeoutSeconds, requestTimeoutSeconds } = settings
  if (headersTimeoutSeconds > requestTimeoutSeconds) {
    const fact = `Expected REQUEST_TIMEOUT_SECONDS (${requestTimeoutSeconds}) at the most. Got ${headersTimeoutSeconds}.`
    return yield* new InvalidSetting({ variable: "HEADERS_TIMEOUT_SECONDS", fact })
  }
  const missing = [
    ...(settings.publicKeyFiles.length === 0 ? ["BITGO_PUBLIC_KEY_FILE"] : []),
    ...(settings.operatorTokens.length === 0 && (settings.operatorTokenFile ?? settings.operatorsFile) === undefined
      ? ["OPERATOR_TOKEN"]
      : []),
  ]
  if (settings.databaseUrl !== undefined && missing.length > 0) {
    return yield* new SettingsMissing({ variables: missing })
  }
  return settings
})

/** Whether all was made up: database, key and token. Nobody's money is there. */
export const isDevelopment = ({
  databaseUrl,
  publicKeyFiles,
  operatorTokens,
  operatorTokenFile,
  operatorsFile,
}: Settings): boolean =>
  databaseUrl === undefined &&
  publicKeyFiles.length === 0 &&
  operatorTokens.length === 0 &&
  operatorTokenFile === undefined &&
  operatorsFile === undefined

/** The limits that are of the whole server: each of its processes keeps to its share. */
const shared = [
  "maxQueue",
  "maxInFlight",
  "maxUnsignedPerSecond",
  "maxConnections",
  "maxConnectionsPerAddress",
  "maxRequestsPerSecond",
  "maxRefusalsPerMinute",
] as const satisfies ReadonlyArray<keyof Settings>

/** What one of several processes is to be told. */
export const shareOf = (settings: Settings): Settings => ({
  ...settings,
  ...Object.fromEntries(shared.map((limit) => [limit, Math.max(1, Math.floor(settings[limit] / settings.workers))])),
})
