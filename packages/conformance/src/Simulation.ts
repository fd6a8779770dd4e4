/**
 * Plays the network's side of the contract, and for the preparations the
 * partner's, against a running server.
 */
import { Config, Console, Effect, Runtime, Schema } from "effect"
import { Books, type Edition, type ReleasedRepost } from "./Books.ts"
import { balances, type Section } from "./Calls.ts"
import * as Cast from "./Cast.ts"
import * as Misuse from "./Misuse.ts"
import * as Network from "./Network.ts"
import * as Report from "./Report.ts"
import * as Scenarios from "./Scenarios.ts"
import * as Stage from "./Stage.ts"

/**
 * What the simulation needs to know of the server.
 *
 * @category models
 */
export interface Options extends Network.Options {
  readonly releasedRepost: ReleasedRepost
  /** Defaults to `first`. */
  readonly edition?: Edition | undefined
}

const scenarios: ReadonlyArray<(cast: Cast.Cast) => Section> = [
  Scenarios.retries,
  Scenarios.cycles,
  Scenarios.rejections,
  Scenarios.unknownIds,
  Scenarios.otherTerms,
  Scenarios.oneIndex,
  Scenarios.exactAmounts,
  Misuse.spellings,
  Scenarios.races,
  Scenarios.connecting,
  Scenarios.allocations,
  Scenarios.locks,
  Misuse.signatures,
  Misuse.malformed,
  Scenarios.operator,
]

const play = Effect.fnUntraced(function* (options: Options) {
  const noColor = yield* Config.String("NO_COLOR").pipe(Config.withDefault(""))
  const paint = Report.makePaint({ isTerminal: process.stdout.isTTY, noColor })
  const books = new Books(options.releasedRepost, options.edition ?? "first")
  const cast = Cast.make()
  const connections = Object.values(cast)
  yield* Console.log(`The Go Network's side of the contract, played against ${options.url}. A line is an exchange:`)
  yield* Console.log(
    "method, path, id, status, state, quantity, what was tried. Ids are fresh, and cut to eight digits.",
  )

  const playSection = Effect.fnUntraced(function* (section: Section, options: { readonly untilDeparture: boolean }) {
    yield* Console.log(`\n${paint("bold", section.title)}`)
    const exchanges: Array<Stage.Exchange> = []
    for (const act of section.acts) {
      const played = yield* Stage.play(books, act)
      for (const exchange of played) yield* Console.log(Report.line(paint, exchange))
      exchanges.push(...played)
      if (options.untilDeparture && played.some(departs)) break
    }
    return exchanges
  })

  const preparations = yield* playSection(Cast.preparations(cast), { untilDeparture: true })
  if (preparations.some(departs)) {
    yield* Console.log("\nThe preparations failed, and nothing else was played. Are token and key those of the server?")
    return yield* conclude(paint, preparations)
  }
  const before = Report.balancesIn(preparations)
  for (const line of Report.table(paint, connections, { before, after: before }, books)) yield* Console.log(line)

  const exchanges = [...preparations]
  for (const scenario of scenarios) {
    exchanges.push(...(yield* playSection(scenario(cast), { untilDeparture: false })))
  }

  const acts = connections.map((connection) => balances(connection, `balances of ${connection.partnersConnectionId}`))
  const final = yield* playSection({ title: "Balances, before and after", acts }, { untilDeparture: false })
  const after = Report.balancesIn(final)
  for (const line of Report.table(paint, connections, { before, after }, books)) yield* Console.log(line)
  return yield* conclude(paint, [...exchanges, ...final])
})

const departs = ({ departures }: Stage.Exchange) => departures.length > 0

const conclude = Effect.fnUntraced(function* (paint: Report.Paint, exchanges: ReadonlyArray<Stage.Exchange>) {
  const count = exchanges.filter(departs).length
  const total = `${exchanges.length} ${exchanges.length === 1 ? "exchange" : "exchanges"}`
  if (count === 0) return yield* Console.log(`\n${paint("green", `${total}, all as the contract says.`)}`)
  const verb = count === 1 ? "departs" : "depart"
  yield* Console.log(`\n${paint("red", `${total}, ${count} ${verb} from the contract.`)}`)
  return yield* new Departures({ count })
})

/**
 * Answers departed from the contract, so many of them. The report has said where already.
 *
 * ```ts
 * import { Simulation } from "@holdfast/conformance"
 * import { Console, Effect, Redacted } from "effect"
 * import assert from "node:assert/strict"
 * import { generateKeyPairSync } from "node:crypto"
 *
 * // Nobody answers here.
 * const played = Simulation.simulate({
 *   url: "http://127.0.0.1:9",
 *   privateKey: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
 *   operatorToken: Redacted.make("a-token-that-nobody-guesses"),
 *   releasedRepost: "reserve",
 * })
 * const silent = { ...console, log: () => {} }
 * const error = await Effect.runPromise(Effect.flip(Effect.provideService(played, Console.Console, silent)))
 * assert.equal(error._tag, "Departures")
 * ```
 *
 * @category errors
 */
export class Departures extends Schema.TaggedError<Departures>()("Departures", { count: Schema.Int }) {
  override readonly [Runtime.errorReported] = false
}

/**
 * Prints each exchange, and fails with {@link Departures} if any answer departs from what the contract says.
 *
 * ```ts no-run
 * import { createPrivateKey } from "node:crypto"
 * import { readFileSync } from "node:fs"
 * import { Simulation } from "@holdfast/conformance"
 * import { Effect, Redacted } from "effect"
 *
 * const program = Simulation.simulate({
 *   url: "http://127.0.0.1:3000",
 *   privateKey: createPrivateKey(readFileSync(".holdfast/bitgo-dev-private.pem")),
 *   operatorToken: Redacted.make(readFileSync(".holdfast/operator-token", "utf8").trim()),
 *   releasedRepost: "reserve",
 *   edition: "later",
 * })
 * await Effect.runPromise(
 *   Effect.catchTag(program, "Departures", ({ count }) => Effect.die(`${count} answers depart`)),
 * )
 * ```
 *
 * @category running
 */
export const simulate = (options: Options): Effect.Effect<void, Config.ConfigError | Departures> =>
  Effect.provide(play(options), Network.Network.layer(options))
