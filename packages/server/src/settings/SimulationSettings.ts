/**
 * Where the server is and with which credentials to call it: the server's own
 * environment variables, so that both run side by side without any.
 */
import { createPrivateKey } from "node:crypto"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import type { Simulation } from "@holdfast/conformance"
import { Config, Effect, Option, Predicate, Redacted, Runtime, Schema } from "effect"
import * as CredentialFiles from "../credentials/CredentialFiles.ts"

/** Why nothing was played, in one line. */
class CannotStart extends Schema.TaggedError<CannotStart>()("CannotStart", { message: Schema.String }) {
  /** The line is all there is to say. */
  override readonly [Runtime.errorReported] = false
}

const environment = Config.all({
  url: Config.option(Config.URL("HOLDFAST_URL")),
  host: Config.String("HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("PORT").pipe(Config.withDefault(3000)),
  dataDirectory: Config.String("DATA_DIR").pipe(Config.withDefault(".holdfast")),
  privateKeyFile: Config.option(Config.String("BITGO_PRIVATE_KEY_FILE")),
  operatorToken: Config.option(Config.Redacted("OPERATOR_TOKEN")),
  edition: Config.Literals(["first", "later"], "CONTRACT_EDITION").pipe(Config.withDefault("first")),
  releasedRepost: Config.Literals(["reserve", "conflict"], "RELEASED_REPOST").pipe(Config.withDefault("reserve")),
})

const readEnvironment = environment.pipe(
  Effect.mapError(({ cause }) => new CannotStart({ message: cause.message.replace(/\s+/g, " ") })),
)

/**
 * Reads the environment and the files it names, once the server has answered
 * that it is ready.
 *
 * @category constructors
 */
export const load = Effect.gen(function* () {
  const given = yield* readEnvironment
  const host = given.host.includes(":") ? `[${given.host}]` : given.host
  const url = Option.match(given.url, {
    onNone: () => `http://${host}:${given.port}`,
    onSome: ({ href }) => href.replace(/\/+$/, ""),
  })
  yield* expectWillingness(url, yield* permission)
  const options: Simulation.Options = {
    url,
    privateKey: yield* readKey(given),
    operatorToken: yield* Option.match(given.operatorToken, {
      onSome: Effect.succeed,
      onNone: () => readToken(Path.join(given.dataDirectory, "operator-token")),
    }),
    releasedRepost: given.releasedRepost,
    edition: given.edition,
  }
  return options
})

/** The server whose books may be written in, though it may be a real one. */
const permission = Effect.try({
  try: () => parseArgs({ options: { "yes-write-to": { type: "string" } } }).values["yes-write-to"]?.replace(/\/+$/, ""),
  catch: (error) =>
    new CannotStart({
      message: `${error instanceof Error ? error.message : error} There is one option, --yes-write-to URL.`,
    }),
})

/** What is played stays in the books: of a server that is not one to play with, its operator has to say that it may. */
const expectWillingness = Effect.fnUntraced(function* (url: string, permitted: string | undefined) {
  const response = yield* expectReady(url)
  const health: unknown = yield* Effect.tryPromise(() => response.json()).pipe(Effect.orElseSucceed(() => undefined))
  const isDevelopment = Predicate.hasProperty(health, "development") && health.development === true
  if (isDevelopment || permitted === url) return
  const fact = `${url} does not say that it is a development server, and what is played stays in its books.`
  return yield* new CannotStart({ message: `${fact} Where that may be: --yes-write-to ${url}` })
})

const expectReady = (url: string) =>
  Effect.tryPromise((signal) => fetch(`${url}/health/ready`, { signal })).pipe(
    Effect.timeout("10 seconds"),
    Effect.mapError(
      () => new CannotStart({ message: `No Holdfast server answers at ${url}. Start one with \`npm start\`.` }),
    ),
    Effect.filterOrFail(
      ({ ok }) => ok,
      ({ status }) =>
        new CannotStart({
          message: `${url} is no Holdfast server that is ready: GET /health/ready answers ${status}.`,
        }),
    ),
  )

type Environment = Config.Success<typeof environment>

const readKey = Effect.fnUntraced(function* ({ privateKeyFile, dataDirectory }: Environment) {
  const file = Option.getOrElse(privateKeyFile, () => Path.join(dataDirectory, "bitgo-dev-private.pem"))
  const advice = "The server makes one in its DATA_DIR; BITGO_PRIVATE_KEY_FILE names another."
  const pem = yield* readFile(
    "BITGO_PRIVATE_KEY_FILE",
    file,
    (path) => `No private key to sign with at ${path}. ${advice}`,
  )
  return yield* Effect.try({
    try: () => createPrivateKey(pem),
    catch: () => new CannotStart({ message: `No private key in PEM format: ${Path.resolve(file)}. ${advice}` }),
  })
})

/**
 * The key alone: whether a server answers does not matter.
 *
 * @category constructors
 */
export const loadKey = Effect.flatMap(readEnvironment, readKey)

const readToken = Effect.fnUntraced(function* (file: string) {
  const advice = "The server makes one in its DATA_DIR; OPERATOR_TOKEN gives another."
  const text = yield* readFile("DATA_DIR", file, (path) => `No operator token at ${path}. ${advice}`)
  return Redacted.make(text.trim())
})

const readFile = (variable: string, file: string, describe: (path: string) => string) =>
  CredentialFiles.read(variable, file).pipe(
    Effect.mapError(
      (error) =>
        new CannotStart({ message: error._tag === "InvalidSetting" ? error.message : describe(Path.resolve(file)) }),
    ),
  )
