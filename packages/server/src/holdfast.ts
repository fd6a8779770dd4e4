#!/usr/bin/env node
/** The command `holdfast`: each verb is a file of `commands`. Exits with 0 where all is well, with 1 where it is not, with 2 where it was asked wrongly. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Logger } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag, TerminalCapabilities } from "effect/cli"
import { audit } from "./commands/Audit.ts"
import { balances } from "./commands/Balances.ts"
import { connections } from "./commands/Connections.ts"
import { exportBooks } from "./commands/Export.ts"
import { heads } from "./commands/Heads.ts"
import { importBooks } from "./commands/Import.ts"
import { key } from "./commands/Key.ts"
import { migrate } from "./commands/Migrate.ts"
import { Ended } from "./commands/Outcome.ts"
import { serve } from "./commands/Serve.ts"
import { sign } from "./commands/Sign.ts"
import { simulate } from "./commands/Simulate.ts"
import { token } from "./commands/Token.ts"
import { transfers } from "./commands/Transfers.ts"

const holdfast = Command.make("holdfast").pipe(
  Command.withDescription(
    "The partner's side of Go Network. The environment has the settings; flags take their place.",
  ),
  Command.withSubcommands([
    { group: "The server", commands: [serve, migrate, key] },
    { group: "What it holds", commands: [connections, balances, transfers, token] },
    { group: "The books", commands: [audit, heads, exportBooks, importBooks] },
    { group: "Playing the network", commands: [simulate, sign] },
  ]),
)

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"))

/** Help is printed where it was asked for. Where a call is wrong, what is wrong stands alone, and nothing on standard output. */
const presenter: CliOutput.Presenter = {
  present: Effect.fnUntraced(function* (event) {
    const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
    const formatter = CliOutput.defaultFormatter({ colors: canColor })
    if (event._tag === "Version") return yield* Console.log(event.version)
    if (event._tag === "InvalidInvocation") {
      for (const { message } of event.errors) yield* Console.error(message.trim())
      return yield* Console.error(`\`${event.commandPath.join(" ")} --help\` says how it is called.`)
    }
    const print = event.reason === "Requested" ? Console.log : Console.error
    yield* print(formatter.formatHelpDoc(event.helpDoc))
  }),
}

const codeOf = (exit: Exit.Exit<void, CliError.CliError | Ended>): number => {
  if (Exit.isSuccess(exit)) return 0
  // A server that is told to end has done what it was to do.
  if (Cause.hasInterruptsOnly(exit.cause)) return Number(process.exitCode ?? 130)
  const error = Cause.squash(exit.cause)
  if (error instanceof Ended) return error.code
  return CliError.isCliError(error) ? 2 : 1
}

holdfast.pipe(
  Command.run({ version }),
  Effect.tapDefect((defect) => Console.error(Cause.pretty(Cause.die(defect)))),
  Effect.provide(
    Layer.mergeAll(
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] }),
      CliOutput.layerPresenter(presenter),
      // Standard output is for what was asked for.
      Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]),
      NodeServices.layer,
    ),
  ),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: (exit, onExit) => onExit(codeOf(exit as never)) }),
)
