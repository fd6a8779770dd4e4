/**
 * The composition root: reads the settings, starts a database unless one is
 * named, and serves until SIGINT or SIGTERM. Requests in flight are answered
 * first, then the database stops.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgDeallocations } from "@holdfast/persistence"
import { Cause, Console, Effect, Exit, FileSystem, Layer, Logger } from "effect"
import { HttpServer } from "effect/http"
import * as App from "./App.ts"
import * as DevelopmentKeys from "./DevelopmentKeys.ts"
import * as EmbeddedPostgres from "./EmbeddedPostgres.ts"
import { explain } from "./Explanation.ts"
import * as NodeServer from "./NodeServer.ts"
import * as OperatorToken from "./OperatorToken.ts"
import * as Settings from "./Settings.ts"
import * as Signature from "./Signature.ts"

/** Where the database is: the one that is named, else one of our own. */
const connect = Effect.fnUntraced(function* ({ databaseUrl, dataDirectory }: Settings.Settings) {
  if (databaseUrl !== undefined) return { url: databaseUrl }
  const { path, username, database } = yield* EmbeddedPostgres.start({ directory: dataDirectory })
  return { path, username, database }
})

/** Whom to believe, and what to tell of it. */
const credentials = Effect.fnUntraced(function* (settings: Settings.Settings) {
  const told: Array<string> = []
  const fs = yield* FileSystem.FileSystem
  let { publicKeyFile, operatorToken } = settings
  if (publicKeyFile === undefined) {
    const files = yield* DevelopmentKeys.keyPair(settings.dataDirectory)
    publicKeyFile = files.publicKey
    told.push(`  development key   ${files.privateKey} (signs as BitGo would)`)
  }
  if (operatorToken === undefined) {
    const made = yield* DevelopmentKeys.operatorToken(settings.dataDirectory)
    operatorToken = made.token
    told.push(`  operator token    ${made.file}`)
  }
  const publicKey = yield* fs
    .readFileString(publicKeyFile)
    .pipe(
      Effect.mapError(
        ({ message }) => new Settings.InvalidSetting({ variable: "BITGO_PUBLIC_KEY_FILE", fact: message }),
      ),
    )
  return { publicKey, operatorToken, told }
})

const announce = (told: ReadonlyArray<string>) =>
  HttpServer.addressFormattedWith((address) =>
    Console.log(
      [
        `Holdfast is ready at ${address} (${address}/docs describes it)`,
        ...told,
        "  try it with       npm run simulate",
      ].join("\n"),
    ),
  )

const layer = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings.load
    const { releasedRepost, maxQueue } = settings
    const { publicKey, operatorToken, told } = yield* credentials(settings)
    const connection = yield* connect(settings)
    return Layer.effectDiscard(announce(told)).pipe(
      Layer.provide(App.layer),
      Layer.provide(NodeServer.layer(settings)),
      // Whatever may refuse or fail does so before the first request can arrive.
      Layer.provide([
        Signature.layer(publicKey),
        OperatorToken.layer(operatorToken),
        PgDeallocations.layer({ connection, releasedRepost, maxQueue }),
      ]),
    )
  }),
).pipe(Layer.provide(NodeFileSystem.layer))

/** One JSON object a line, in a write for many. */
const layerLogger = Logger.layer([
  Logger.batched(Logger.formatJson, {
    window: "100 millis",
    flush: (lines) => Effect.sync(() => process.stderr.write(`${lines.join("\n")}\n`)),
  }),
])

const complain = (message: string) => Console.error(`Holdfast cannot run: ${message}`)

Layer.launch(layer).pipe(
  Effect.tapError((error) => complain(explain(error))),
  Effect.tapDefect((defect) => complain(Cause.pretty(Cause.die(defect)))),
  Effect.provide(layerLogger),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1),
  }),
)
