/**
 * The composition root: reads the settings, starts a database unless one is
 * named, and serves until it is told to end. Requests in flight are answered
 * first, then the database stops. With several workers it is run once for each of
 * them and once to watch over them.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as App from "@holdfast/http/App"
import * as CallerLimits from "@holdfast/http/CallerLimits"
import * as Credentials from "@holdfast/http/Credentials"
import * as OperatorToken from "@holdfast/http/OperatorToken"
import * as Signature from "@holdfast/http/Signature"
import { PgStore } from "@holdfast/persistence"
import { Cause, Effect, FileSystem, Layer, Queue } from "effect"
import { HttpServer } from "effect/http"
import * as CredentialFiles from "./credentials/CredentialFiles.ts"
import * as DevelopmentKeys from "./credentials/DevelopmentKeys.ts"
import * as ConsolePages from "./node/ConsolePages.ts"
import * as NodeServer from "./node/NodeServer.ts"
import { layerLogger, standardError, standardOutput } from "./node/Output.ts"
import * as ProcessMetrics from "./node/ProcessMetrics.ts"
import * as Signals from "./node/Signals.ts"
import * as Tracing from "./node/Tracing.ts"
import * as EmbeddedPostgres from "./postgres/EmbeddedPostgres.ts"
import * as CurrenciesFile from "./settings/CurrenciesFile.ts"
import * as Settings from "./settings/Settings.ts"
import { explain } from "./settings/StartFailure.ts"
import * as Supervisor from "./workers/Supervisor.ts"
import * as Worker from "./workers/Worker.ts"

/** Whom to believe, made up where nobody is named, and what to tell of it. */
const credentials = Effect.fnUntraced(function* (settings: Settings.Settings) {
  const told: Array<string> = []
  let { publicKeyFiles, operatorTokenFile } = settings
  if (publicKeyFiles.length === 0) {
    const files = yield* DevelopmentKeys.keyPair(settings.dataDirectory)
    publicKeyFiles = [files.publicKey]
    told.push(`  development key   ${files.privateKey} (signs as BitGo would)`)
  }
  if (settings.operatorTokens.length === 0 && (operatorTokenFile ?? settings.operatorsFile) === undefined) {
    operatorTokenFile = yield* DevelopmentKeys.operatorToken(settings.dataDirectory)
    told.push(`  operator token    ${operatorTokenFile}`)
  }
  return { publicKeyFiles, operatorTokenFile, told }
})

/** Credentials are read again when the process gets SIGHUP. (Development ends with its terminal, as it does without this.) */
const layerReload = <E extends { readonly _tag: string; readonly message: string }>(
  read: Effect.Effect<Credentials.Given, E>,
) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { replace } = yield* Credentials.Credentials
      const asked = yield* Queue.sliding<void>(1)
      const hear = () => Queue.offerUnsafe(asked, undefined)
      // Heard all the time: a signal that nobody hears would end the process.
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("SIGHUP", hear)),
        () => Effect.sync(() => process.off("SIGHUP", hear)),
      )
      yield* Queue.take(asked).pipe(
        Effect.andThen(Effect.logInfo("SIGHUP: keys and tokens are read again.")),
        Effect.andThen(read),
        Effect.flatMap(replace),
        Effect.andThen(Effect.logInfo("Keys and tokens were read again.")),
        Effect.catch((error) => Effect.logError(`Keys and tokens stay as they are: ${explain(error)}`)),
        Effect.forever,
        Effect.forkScoped,
      )
    }),
  )

/** What is needed before anything is served, and what to tell of it. */
const prepare = Effect.fnUntraced(function* (settings: Settings.Settings) {
  const { told, ...files } = yield* credentials(settings)
  const { databaseUrl, dataDirectory } = settings
  if (databaseUrl !== undefined) return { prepared: files, told }
  const { path, username, database, incarnation } = yield* EmbeddedPostgres.start({ directory: dataDirectory })
  return { prepared: { ...files, database: { connection: { path, username, database }, incarnation } }, told }
})

/** As one word of a shell. */
const inShell = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

const announce = (settings: Settings.Settings, told: ReadonlyArray<string>) => (address: string) =>
  Effect.andThen(
    Signals.serving("server", address),
    Effect.sync(() => {
      // What another terminal would not know of itself.
      const { host, port, dataDirectory } = Settings.usual
      const elsewhere = address === `http://${host}:${port}` ? "" : `HOLDFAST_URL=${address} `
      const data = settings.dataDirectory === dataDirectory ? "" : `DATA_DIR=${inShell(settings.dataDirectory)} `
      standardOutput.write([
        `Holdfast is ready at ${address} (${address}/docs describes it)`,
        ...(ConsolePages.folder() === undefined ? [] : [`  console           ${address}/console`]),
        ...told,
        ...(Settings.isDevelopment(settings) ? [`  try it with       ${elsewhere}${data}npm run simulate`] : []),
      ])
    }),
  )

/** Serves on what is prepared, and tells once it does so. */
const serve = Effect.fnUntraced(function* (
  settings: Settings.Settings,
  { database, ...files }: Worker.Prepared,
  onServing: (address: string) => Effect.Effect<void>,
) {
  const { databaseUrl, databaseSchema: schema, releasedRepost, suspendedDeallocations, maxQueue } = settings
  const currencies = yield* CurrenciesFile.load(settings.currenciesFile)
  const fs = yield* FileSystem.FileSystem
  const read = Effect.provideService(CredentialFiles.load({ ...settings, ...files }), FileSystem.FileSystem, fs)
  const where = database ?? { connection: { url: databaseUrl } }
  return Layer.effectDiscard(HttpServer.addressFormattedWith(onServing)).pipe(
    Layer.provide(
      App.layer({ ...settings, development: Settings.isDevelopment(settings), pages: ConsolePages.load() }),
    ),
    Layer.provide(NodeServer.layer(settings)),
    // Whatever may refuse or fail does so before the first request can arrive.
    Layer.provide([
      Signature.layer(settings),
      OperatorToken.layer,
      ...(Settings.isDevelopment(settings) ? [] : [layerReload(read)]),
      PgStore.layer({ ...where, schema, releasedRepost, suspendedDeallocations, currencies, maxQueue }),
    ]),
    Layer.provide(CallerLimits.layer(settings)),
    Layer.provide(Credentials.layer(yield* read)),
  )
})

const layer = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings.load
    if (Worker.prepared !== undefined) {
      const serving = (address: string) =>
        Effect.andThen(Signals.serving("process of the server", address), Worker.serving(address))
      const part = yield* serve(Settings.shareOf(settings), Worker.prepared, serving)
      return Layer.provide(part, Worker.layerWhole)
    }
    const { prepared, told } = yield* prepare(settings)
    if (settings.workers === 1) return yield* serve(settings, prepared, announce(settings, told))
    const passOn = Settings.isDevelopment(settings) ? [] : (["SIGHUP"] as const)
    const address = yield* Supervisor.start(settings.workers, prepared, passOn)
    return Layer.effectDiscard(announce(settings, told)(address))
  }),
).pipe(
  Layer.provide([NodeFileSystem.layer, ProcessMetrics.layer]),
  Layer.provide(Tracing.layer),
  Layer.provide(Signals.layer(Worker.prepared === undefined ? "server" : "process of the server")),
)

const complain = (message: string) => Effect.sync(() => standardError.write([`Holdfast cannot run: ${message}`]))

/** Serves until it is interrupted. What keeps it from that is said on standard error. */
export const program = Layer.launch(layer).pipe(
  Effect.tapError((error) => complain(explain(error))),
  Effect.tapDefect((defect) => complain(Cause.pretty(Cause.die(defect)))),
  Effect.provide(layerLogger),
)
