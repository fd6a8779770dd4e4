/**
 * Laws: sentences about the domain, or about a store, each with a program that
 * looks whether it holds. They need no test runner: `check` fails with a
 * {@link LawBroken}, whose message has the shortest case that was found, why it
 * breaks the law, and how to see it again.
 *
 * | variable | |
 * | --- | --- |
 * | `HOLDFAST_RUNS` | how many cases each law draws, instead of its own number |
 * | `HOLDFAST_SEED` | what they are drawn from, instead of another seed each time |
 * | `HOLDFAST_REPLAY` | one case of one law, as a broken law printed it |
 *
 * A case that has not ended after a minute breaks its law.
 */
import { Arbitrary, Cause, Clock, Config, Data, Effect, Equal, Formatter, Option, Random } from "effect"

/**
 * A sentence that holds, and the program that looks whether it does.
 *
 * @category models
 */
export interface Law {
  /** Unique among the laws of one list, such as `races/equal-reservations`. */
  readonly id: string
  readonly description: string
  readonly check: Effect.Effect<void, LawBroken>
}

/** What is found of a law that does not hold. */
interface Found {
  readonly law: string
  readonly description: string
  readonly reason: string
  readonly input?: string | undefined
  readonly seed?: number | undefined
  readonly replay?: string | undefined
}

/**
 * A law does not hold. `input` is the shortest case found that shows it, where
 * the law is about drawn cases.
 *
 * @category errors
 */
export class LawBroken extends Error implements Found {
  readonly _tag = "LawBroken"
  override readonly name = "LawBroken"
  declare readonly law: string
  declare readonly description: string
  declare readonly reason: string
  declare readonly input?: string | undefined
  declare readonly seed?: number | undefined
  declare readonly replay?: string | undefined

  // A plain error: runners that pass it from one process to another keep its message.
  constructor(found: Found) {
    super(messageOf(found))
    Object.assign(this, found)
  }
}

const messageOf = ({ law, description, reason, input, seed, replay }: Found): string =>
  [
    `${law} does not hold: ${description}.`,
    ...(input === undefined ? [] : [`The shortest case found:\n${input}`]),
    reason,
    ...(seed === undefined ? [] : [`Drawn from the seed ${seed}.`]),
    ...(replay === undefined ? [] : [`To see it again, run the same test with HOLDFAST_REPLAY='${law} ${replay}'.`]),
  ].join("\n")

/**
 * Something is not as a law says.
 *
 * @category errors
 */
export class Departure extends Data.TaggedError("Departure")<{ readonly message: string }> {}

/**
 * Fails with a {@link Departure} where two values are not the same, field by field.
 *
 * ```ts
 * import { Law } from "@holdfast/domain/testing"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const departure = Effect.runSync(Effect.flip(Law.same({ available: 1n }, { available: 2n }, "The balance")))
 * assert.equal(departure.message, 'The balance is {"available":1n}, and should be {"available":2n}.')
 * ```
 *
 * @category checking
 */
export const same = <A>(actual: A, expected: A, what: string): Effect.Effect<void, Departure> =>
  Equal.equals(actual, expected)
    ? Effect.void
    : Effect.fail(
        new Departure({
          message: `${what} is ${Formatter.format(actual)}, and should be ${Formatter.format(expected)}.${where(actual, expected)}`,
        }),
      )

/** The first field that differs, where the whole is too long to see it. */
const where = (actual: unknown, expected: unknown, path: ReadonlyArray<string> = []): string => {
  if (isRecord(actual) && isRecord(expected)) {
    for (const field of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      if (Equal.equals(actual[field], expected[field])) continue
      return where(actual[field], expected[field], [...path, field])
    }
  }
  if (path.length < 2) return ""
  return `\nThe first difference: ${path.join(".")} is ${Formatter.format(actual)}, and should be ${Formatter.format(expected)}.`
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" &&
  value !== null &&
  [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value))

/**
 * Fails with a {@link Departure} that says so where something is not the case.
 *
 * @category checking
 */
export const holds = (condition: boolean, otherwise: string): Effect.Effect<void, Departure> =>
  condition ? Effect.void : Effect.fail(new Departure({ message: otherwise }))

/**
 * A law about one case.
 *
 * @category constructors
 */
export const example = (id: string, description: string, check: Effect.Effect<void, Departure>): Law => ({
  id,
  description,
  check: unlessAnother(
    id,
    check.pipe(
      live,
      guarded,
      Effect.mapError(({ message }) => new LawBroken({ law: id, description, reason: message })),
      orTooLong(() => new LawBroken({ law: id, description, reason: tooLong })),
    ),
  ),
})

/**
 * A law about whatever is drawn.
 *
 * ```ts
 * import { BaseUnits } from "@holdfast/domain"
 * import { Arbitraries, Law } from "@holdfast/domain/testing"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const law = Law.property("small", "no amount is above 1000", Arbitraries.of(BaseUnits.BaseUnits), (units) =>
 *   Law.holds(units <= 1000n, `${units} is.`),
 * )
 * const broken = Effect.runSync(Effect.flip(law.check))
 * assert.match(broken.message, /^small does not hold: no amount is above 1000\.\nThe shortest case found:\n\d{4,}n\n/)
 * ```
 *
 * @category constructors
 */
export const property = <A>(
  id: string,
  description: string,
  arbitrary: Arbitrary.Arbitrary<A>,
  holdsFor: (value: A) => Effect.Effect<void, Departure>,
  options: {
    /** How many cases are drawn: 100 unless told. */
    readonly runs?: number
    /** How large they may become: 20 unless told. */
    readonly size?: number
    /** How a case is shown. */
    readonly show?: (value: A) => string
  } = {},
): Law => ({
  id,
  description,
  check: unlessAnother(
    id,
    Effect.gen(function* () {
      const { show = Formatter.format } = options
      const seed = yield* Effect.flatMap(setting(Config.Int("HOLDFAST_SEED")), (seed) =>
        seed === undefined ? Random.nextIntBetween(0, 2 ** 31) : Effect.succeed(seed),
      )
      const runs = (yield* setting(Config.Int("HOLDFAST_RUNS"))) ?? options.runs ?? 100
      const replay = (yield* replayed)?.[1]
      const broken = { law: id, description }
      const holds = (value: A) =>
        Effect.suspend(() => holdsFor(value)).pipe(
          live,
          guarded,
          Effect.as(true),
          // No shorter case is looked for: each would take as long.
          orTooLong(() => new LawBroken({ ...broken, seed, reason: `${tooLong} The case:\n${show(value)}` })),
          Effect.catchTag("LawBroken", Effect.die),
        )
      const result = yield* Arbitrary.checkEffect(arbitrary, holds, {
        runs,
        seed,
        size: options.size ?? 20,
        ...(replay === undefined ? {} : { replay }),
      })
      if (result._tag === "Passed") return
      if (result._tag !== "Falsified") {
        return yield* Effect.fail(new LawBroken({ ...broken, seed, reason: `${Arbitrary.formatCheckFailure(result)}` }))
      }
      const { failure, shrunkInput } = result
      const reason = failure._tag === "PropertyError" ? failure.error.message : "It does not hold."
      return yield* Effect.fail(
        new LawBroken({ ...broken, seed, reason, input: show(shrunkInput), replay: result.replay }),
      )
    }).pipe(Effect.catchDefect((defect) => (defect instanceof LawBroken ? Effect.fail(defect) : Effect.die(defect)))),
  ),
})

/** What stands in the environment; what cannot be read there is a mistake of whoever set it. */
const setting = <A>(config: Config.Config<A>): Effect.Effect<A | undefined> =>
  Effect.orDie(Effect.map(Config.option(config), Option.getOrUndefined))

/** The case that is to be seen again, and the law that it breaks. */
const replayed: Effect.Effect<readonly [law: string, replay: string] | undefined> = Effect.flatMap(
  setting(Config.String("HOLDFAST_REPLAY")),
  (text) => {
    if (text === undefined) return Effect.succeed(undefined)
    const [, law, replay] = /^(\S+) (\[.*\])$/.exec(text) ?? []
    return law === undefined || replay === undefined
      ? Effect.die(new Error(`HOLDFAST_REPLAY is not what a broken law printed. Got ${JSON.stringify(text)}.`))
      : Effect.succeed([law, replay] as const)
  },
)

/** Where one law's case is to be seen again, no other law is looked at; each says so, for a slip in the name is no success. */
const unlessAnother = (id: string, check: Law["check"]): Law["check"] =>
  Effect.flatMap(replayed, (replayed) =>
    replayed === undefined || replayed[0] === id
      ? check
      : Effect.logWarning(`${id} was not looked at: HOLDFAST_REPLAY is about ${replayed[0]}.`),
  )

/** A test's clock may stand still, and a law waits. */
const live = <A, E>(check: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.provideService(check, Clock.Clock, Clock.Clock.defaultValue())

const limitSeconds = 60

const tooLong = `It has not ended after ${limitSeconds} s: something that was asked is not answered.`

const orTooLong = (broken: () => LawBroken) =>
  Effect.timeoutOrElse({ duration: `${limitSeconds} seconds`, orElse: () => Effect.fail(broken()) })

/** What dies departs as well, so that the shortest case is looked for. */
const guarded = (check: Effect.Effect<void, Departure>): Effect.Effect<void, Departure> =>
  Effect.catchCause(check, (cause) => {
    const failure = cause.reasons.find(Cause.isFailReason)
    if (failure !== undefined) return Effect.fail(failure.error)
    const defect = cause.reasons.find(Cause.isDieReason)?.defect
    if (defect instanceof Departure) return Effect.fail(defect)
    return defect === undefined
      ? Effect.failCause(cause)
      : Effect.fail(new Departure({ message: `It ended with ${Cause.pretty(cause)}` }))
  })
