/**
 * Where the server is and with which credentials to call it: the server's own
 * environment variables, so that both run side by side without any.
 */
import { createPrivateKey } from "node:crypto"
import * as Path from "node:path"
import type { Simulation } from "@holdfast/conformance"
import { Config, Effect, Option, Predicate, Redacted, Schema } from "effect"
import * as CredentialFiles from "../credentials/CredentialFiles.ts"
import { usual } from "./Settings.ts"

/** Why nothing was asked for, in one line. */
export class CannotStart extends Schema.TaggedError<CannotStart>()("CannotStart", {
  message: Schema.String,
  /** Whether another call would do, where nothing else changes. */
  isWrongUse: Schema.Boolean,
}) {}

const wrongUse = (message: string) => new CannotStart({ message, isWrongUse: true })
const notReady = (message: string) => new CannotStart({ message, isWrongUse: false })

const environment = Config.all({
  url: Config.option(Config.URL("HOLDFAST_URL")),
  host: Config.String("HOST").pipe(Config.withDefault(usual.host)),
  port: Config.Port("PORT").pipe(Config.withDefault(usual.port)),
  dataDirectory: Config.String("DATA_DIR").pipe(Config.withDefault(usual.dataDirectory)),
  privateKeyFile: Config.option(Config.String("BITGO_PRIVATE_KEY_FILE")),
  operatorToken: Config.option(Config.Redacted("OPERATOR_TOKEN")),
  operatorTokenFile: Config.option(Config.String("OPERATOR_TOKEN_FILE")),
  edition: Config.Literals(["first", "later"], "CONTRACT_EDITION").pipe(Config.withDefault("first")),
  releasedRepost: Config.Literals(["reserve", "conflict"], "RELEASED_REPOST").pipe(Config.withDefault("reserve")),
})

const readEnvironment = environment.pipe(Effect.mapError(({ cause }) => wrongUse(cause.message.replace(/\s+/g, " "))))

const urlOf = ({ url, host, port }: Environment) =>
  Option.match(url, {
    onNone: () => `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    onSome: ({ href }) => href.replace(/\/+$/, ""),
  })

/** The first where there are several: any of them will do. */
const tokenOf = Effect.fnUntraced(function* (given: Environment) {
  const text = Option.isSome(given.operatorToken)
    ? Redacted.value(given.operatorToken.value)
    : yield* readToken(
        Option.getOrElse(given.operatorTokenFile, () => Path.join(given.dataDirectory, "operator-token")),
      )
  const [token] = CredentialFiles.tokensIn(text)
  return token ?? (yield* wrongUse("There is no operator token: OPERATOR_TOKEN is empty, or its file."))
})

/**
 * The server, and the token to ask it as its operator.
 *
 * @category constructors
 */
export const loadOperator = Effect.gen(function* () {
  const given = yield* readEnvironment
  return { url: urlOf(given), operatorToken: yield* tokenOf(given) }
})

/**
 * Reads the environment and the files it names, once the server has answered
 * that it is ready. What is played stays in its books: of a server that is not
 * one to play with, its operator has to name it.
 *
 * @category constructors
 */
export const load = Effect.fnUntraced(function* (permitted: string | undefined) {
  const given = yield* readEnvironment
  const url = urlOf(given)
  yield* expectWillingness(url, permitted?.replace(/\/+$/, ""))
  const options: Simulation.Options = {
    url,
    privateKey: yield* readKey(given),
    operatorToken: yield* tokenOf(given),
    releasedRepost: given.releasedRepost,
    edition: given.edition,
  }
  return options
})

const expectWillingness = Effect.fnUntraced(function* (url: string, permitted: string | undefined) {
  const response = yield* expectReady(url)
  const health: unknown = yield* Effect.tryPromise(() => response.json()).pipe(Effect.orElseSucceed(() => undefined))
  const isDevelopment = Predicate.hasProperty(health, "development") && health.development === true
  if (isDevelopment || permitted === url) return
  const fact = `${url} does not say that it is a development server, and what is played stays in its books.`
  return yield* wrongUse(`${fact} Where that may be: --yes-write-to ${url}`)
})

/** What to do where nobody answers. */
export const noServerAt = (url: string) =>
  `No Holdfast server answers at ${url}. Start one with \`npm start\`; HOLDFAST_URL names another.`

const expectReady = (url: string) =>
  Effect.tryPromise((signal) => fetch(`${url}/health/ready`, { signal })).pipe(
    Effect.timeout("10 seconds"),
    Effect.mapError(() => notReady(noServerAt(url))),
    Effect.filterOrFail(
      ({ ok }) => ok,
      ({ status }) => notReady(`${url} is no Holdfast server that is ready: GET /health/ready answers ${status}.`),
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
    catch: () => wrongUse(`No private key in PEM format: ${Path.resolve(file)}. ${advice}`),
  })
})

/**
 * The key alone: whether a server answers does not matter.
 *
 * @category constructors
 */
export const loadKey = Effect.flatMap(readEnvironment, readKey)

const readToken = Effect.fnUntraced(function* (file: string) {
  const advice = "The server makes one in its DATA_DIR; OPERATOR_TOKEN or OPERATOR_TOKEN_FILE gives another."
  return yield* readFile("OPERATOR_TOKEN_FILE", file, (path) => `No operator token at ${path}. ${advice}`)
})

const readFile = (variable: string, file: string, describe: (path: string) => string) =>
  CredentialFiles.read(variable, file).pipe(
    Effect.mapError((error) =>
      wrongUse(error._tag === "InvalidSetting" ? error.message : describe(Path.resolve(file))),
    ),
  )
