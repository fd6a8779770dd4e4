/** The writer of group commit on sessions of the test's own making, by the test's clock. */
import { assert, describe, it } from "@effect/vitest"
import { Ledger } from "@holdfast/domain"
import { Clock, DateTime, Deferred, Effect, Exit, Fiber, Logger, Metric, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as GroupCommit from "../../packages/persistence/src/GroupCommit.ts"
import { uuid } from "../support/Fixtures.ts"

/** A batch, by what was asked. */
interface Decided extends GroupCommit.Decided {
  readonly ids: ReadonlyArray<string>
}

type Session = GroupCommit.Session<Decided>

/** Each instruction comes to a refusal, of which only matters whose it is. */
const decided = (instructions: ReadonlyArray<Ledger.Instruction>): Decided => {
  const ids = instructions.map(({ command }) => Ledger.idOf(command))
  return { ids, outcomes: ids.map((id) => Result.fail({ _tag: "answered", id } as never)) }
}

const session: Session = {
  decide: (instructions) => Effect.sync(() => decided(instructions)),
  commit: () => Effect.void,
  fateOf: () => Effect.die("nothing was in doubt"),
}

const failure = (kind: GroupCommit.BatchFailure["kind"]) =>
  Effect.fail(new GroupCommit.BatchFailure({ kind, cause: "a fault" }))

const start = (config: Partial<GroupCommit.Config<Decided>> & { readonly session?: Partial<Session> }) =>
  GroupCommit.make({
    connect: Effect.succeed({ ...session, ...config.session }),
    maxQueue: 1_000,
    maxBatch: 256,
    patienceMillis: 5_000,
    ...config,
  })

/** What a command came to, by its name. */
const ask = ({ execute }: GroupCommit.GroupCommit, id = uuid()) =>
  execute({
    command: { _tag: "Clear", kind: "deallocation", id, at: DateTime.makeUnsafe(0) },
    nonce: undefined,
  }).pipe(
    Effect.flip,
    Effect.map((error): string => {
      if (error._tag === "Unavailable") return error.reason
      assert.deepInclude(error, { id: id })
      return error._tag
    }),
  )

const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** How long something takes by the test's clock, at most a minute, in steps of 10 ms. */
const timed = Effect.fnUntraced(function* <A, E>(fiber: Fiber.Fiber<A, E>) {
  for (let millis = 0; millis < 60_000; millis += 10) {
    yield* settle
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return [yield* exit, millis] as const
    yield* TestClock.adjust("10 millis")
  }
  return assert.fail("It takes for ever.")
})

/** Lets all fibers go on that can. */
const settle = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })

const away = "The database does not answer."

describe("a caller is told in time that it waits in vain,", () => {
  for (const [what, config] of Object.entries({
    "where connecting hangs": { connect: Effect.never },
    "where connecting fails": { connect: failure("connection") },
    "where connecting is a defect": { connect: Effect.die("a wrong password") },
    "where connecting is interrupted from within": { connect: Effect.interrupt },
    "where a batch is not decided": { session: { decide: () => Effect.never } },
    "where a commit is not answered": { session: { commit: () => Effect.never, fateOf: () => Effect.never } },
    "where a batch fails in passing": { session: { decide: () => failure("passing") } },
  })) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const writer = yield* start(config)
        const [first, firstMillis] = yield* timed(yield* fork(ask(writer)))
        assert.include([away, "The command cannot be recorded."], first)
        assert.isAtMost(firstMillis, 5_000)
        // Whoever comes now has as much patience, and no more, though the writer is at something else.
        yield* fork(ask(writer))
        yield* TestClock.adjust("3 seconds")
        const [, millis] = yield* timed(yield* fork(ask(writer)))
        assert.isAtMost(millis, 5_000)
      }),
    )
  }

  it.effect("and is not told before", () =>
    Effect.gen(function* () {
      const writer = yield* start({ connect: Effect.never })
      assert.deepStrictEqual(yield* timed(yield* fork(ask(writer))), [away, 5_000])
    }),
  )

  it.effect("whatever the clock on the wall says", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let offsetMillis = 0
      const wrong: Clock.Clock = {
        ...clock,
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + offsetMillis,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        sleep: (duration) => clock.sleep(duration),
      }
      const writer = yield* Effect.provideService(start({ connect: Effect.never }), Clock.Clock, wrong)
      const waiting = yield* fork(ask(writer))
      yield* TestClock.adjust("2 seconds")
      offsetMillis = -3_600_000
      assert.deepStrictEqual(yield* timed(waiting), [away, 3_000])
    }),
  )
})

it.effect("a defect while connecting ends no writer: when it is mended, commands are executed", () =>
  Effect.gen(function* () {
    let isMended = false
    const writer = yield* start({
      connect: Effect.suspend(() => (isMended ? Effect.succeed(session) : Effect.die("a wrong password"))),
    })
    const first = yield* fork(ask(writer))
    yield* TestClock.adjust("1 second")
    isMended = true
    const [outcome] = yield* timed(first)
    assert.strictEqual(outcome, "answered")
  }),
)

describe("a batch in doubt", () => {
  const lostOnce = (fate: ReadonlyArray<Effect.Effect<GroupCommit.Fate, GroupCommit.BatchFailure>>) => {
    const calls: Array<string> = []
    const fates = fate.values()
    const lossy: Session = {
      decide: (instructions) =>
        Effect.sync(() => {
          calls.push(`decide ${instructions.length}`)
          return decided(instructions)
        }),
      commit: () =>
        Effect.suspend(() => {
          calls.push("commit")
          return calls.filter((call) => call === "commit").length === 1 ? failure("connection") : Effect.void
        }),
      fateOf: () =>
        Effect.suspend(() => {
          calls.push("ask")
          return fates.next().value ?? Effect.die("It was asked too often.")
        }),
    }
    return { calls, lossy }
  }

  it.effect("that was committed is not decided again, however often it must be asked for", () =>
    Effect.gen(function* () {
      const { calls, lossy } = lostOnce([failure("connection"), failure("passing"), Effect.succeed("committed")])
      const writer = yield* start({ session: lossy })
      assert.strictEqual((yield* timed(yield* fork(ask(writer))))[0], "answered")
      assert.deepStrictEqual(calls, ["decide 1", "commit", "ask", "ask", "ask"])
    }),
  )

  it.effect("that was lost is decided anew", () =>
    Effect.gen(function* () {
      const { calls, lossy } = lostOnce([Effect.succeed("lost")])
      const writer = yield* start({ session: lossy })
      assert.strictEqual((yield* timed(yield* fork(ask(writer))))[0], "answered")
      assert.deepStrictEqual(calls, ["decide 1", "commit", "ask", "decide 1", "commit"])
    }),
  )

  it.effect("that is known to be lost is not asked for again, though it fails in another way", () =>
    Effect.gen(function* () {
      const { calls, lossy } = lostOnce([Effect.succeed("lost")])
      const decide: Session["decide"] = (instructions) =>
        Effect.tap(lossy.decide(instructions), () => (calls.length === 4 ? failure("passing") : Effect.void))
      const writer = yield* start({ session: { ...lossy, decide } })
      assert.strictEqual((yield* timed(yield* fork(ask(writer))))[0], "answered")
      assert.deepStrictEqual(calls, ["decide 1", "commit", "ask", "decide 1", "decide 1", "commit"])
    }),
  )

  it.effect("is not split, however often it failed, before its fate is known", () =>
    Effect.gen(function* () {
      const { calls, lossy } = lostOnce([Effect.succeed("committed")])
      const decide: Session["decide"] = (instructions) =>
        Effect.tap(lossy.decide(instructions), () => (calls.length <= 4 ? failure("passing") : Effect.void))
      const commit = () => Effect.catch(lossy.commit(decided([])), () => failure("passing"))
      const writer = yield* start({ session: { ...lossy, decide, commit } })
      const both = yield* fork(Effect.all([ask(writer), ask(writer)], { concurrency: "unbounded" }))
      assert.deepStrictEqual((yield* timed(both))[0], ["answered", "answered"])
      const size = calls[0] ?? assert.fail()
      assert.deepStrictEqual(calls.slice(0, 7), [size, size, size, size, size, "commit", "ask"])
    }),
  )

  it.effect("of which nobody knows any more is left, and its callers are told so", () =>
    Effect.gen(function* () {
      const { calls, lossy } = lostOnce([Effect.succeed("unknown")])
      const writer = yield* start({ session: lossy })
      const [outcome] = yield* timed(yield* fork(ask(writer)))
      assert.strictEqual(outcome, "Whether the command was recorded cannot be told any more.")
      assert.deepStrictEqual(calls, ["decide 1", "commit", "ask"])
      assert.strictEqual((yield* timed(yield* fork(ask(writer))))[0], "answered")
    }),
  )

  it.effect("keeps those that came later from being decided with it", () =>
    Effect.gen(function* () {
      const { calls, lossy } = lostOnce([Effect.succeed("committed")])
      const writer = yield* start({ session: lossy })
      const first = yield* fork(ask(writer))
      yield* settle
      const second = yield* fork(ask(writer))
      assert.strictEqual((yield* timed(first))[0], "answered")
      assert.strictEqual((yield* timed(second))[0], "answered")
      assert.deepStrictEqual(calls, ["decide 1", "commit", "ask", "decide 1", "commit"])
    }),
  )
})

/** Every batch that has one of these ids fails. */
const failingFor = (bad: ReadonlySet<string>, kind: GroupCommit.BatchFailure["kind"]) => {
  const attempts: Array<number> = []
  const picky: Partial<Session> = {
    decide: (instructions) =>
      Effect.suspend(() => {
        attempts.push(instructions.length)
        const batch = decided(instructions)
        return batch.ids.some((id) => bad.has(id)) ? failure(kind) : Effect.succeed(batch)
      }),
  }
  return { attempts, picky }
}

describe("of commands that arrive together,", () => {
  for (const kind of ["lasting", "passing"] as const) {
    it.effect(`one that meets ${kind} failures whenever it is run does not fail its neighbours`, () =>
      Effect.gen(function* () {
        const ids = Array.from({ length: 9 }, () => uuid())
        const bad = ids[4] ?? assert.fail()
        const { attempts, picky } = failingFor(new Set([bad]), kind)
        const writer = yield* start({ session: picky })
        const asked = yield* Effect.forEach(ids, (id) => fork(ask(writer, id)))
        const outcomes = yield* Effect.forEach(asked, (fiber) => Effect.map(timed(fiber), ([outcome]) => outcome))
        for (const [index, outcome] of outcomes.entries()) {
          if (ids[index] !== bad) assert.strictEqual(outcome, "answered")
          else assert.include(["The command cannot be recorded.", away], outcome)
        }
        // What lasts is not tried again as it is.
        if (kind === "lasting")
          assert.strictEqual(
            new Set(attempts.filter((size) => size > 1)).size,
            attempts.filter((size) => size > 1).length,
          )
      }),
    )
  }

  it.effect("all are split only after five passing failures of their own, whatever others met before", () =>
    Effect.gen(function* () {
      const bad = new Set<string>()
      const { attempts, picky } = failingFor(bad, "passing")
      let gate = yield* Deferred.make<void>()
      const writer = yield* start({ session: { ...picky, commit: () => Deferred.await(gate) } })
      for (const _ of [1, 2, 3]) {
        // While another batch is in flight, two commands come, and so make one batch.
        gate = yield* Deferred.make<void>()
        yield* fork(ask(writer))
        yield* settle
        const pair = [uuid(), uuid()]
        for (const id of pair) bad.add(id)
        const asked = yield* fork(Effect.forEach(pair, (id) => ask(writer, id), { concurrency: "unbounded" }))
        yield* settle
        attempts.length = 0
        yield* Deferred.succeed(gate, undefined)
        // Of the five failures that it may meet, it meets four.
        while (attempts.length < 4) {
          yield* TestClock.adjust("10 millis")
          yield* settle
        }
        bad.clear()
        assert.deepStrictEqual((yield* timed(asked))[0], ["answered", "answered"])
        assert.deepStrictEqual(attempts, [2, 2, 2, 2, 2])
      }
    }),
  )
})

it.effect("a failure that goes on is met by fewer and fewer tries, and told of seldom", () =>
  Effect.gen(function* () {
    const { attempts, picky } = failingFor(new Set(["always"]), "passing")
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])
    yield* Effect.gen(function* () {
      const writer = yield* start({ session: picky, patienceMillis: 60_000 })
      yield* fork(ask(writer, "always" as never))
      for (let millis = 0; millis < 9_000; millis += 10) yield* TestClock.adjust("10 millis")
    }).pipe(Effect.provide(logger))
    assert.isAtMost(attempts.length, 30)
    assert.isAtLeast(attempts.length, 5)
    assert.isAtMost(lines.filter((line) => line.includes("passing")).length, 2)
  }),
)

describe("ready", () => {
  const outcome = (writer: GroupCommit.GroupCommit) => Effect.map(Effect.exit(writer.ready), Exit.isSuccess)

  it.effect(
    "is whoever can commit, which is tried where nothing was committed for a second, once for all that ask",
    () =>
      Effect.gen(function* () {
        let commits = 0
        const counted = { commit: () => Effect.sync(() => void commits++) }
        const writer = yield* start({ session: counted })
        const all = yield* Effect.all([outcome(writer), outcome(writer), outcome(writer)], { concurrency: "unbounded" })
        assert.deepStrictEqual([all, commits], [[true, true, true], 1])
        yield* TestClock.adjust("999 millis")
        assert.deepStrictEqual([yield* outcome(writer), commits], [true, 1])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual([yield* outcome(writer), commits], [true, 2])
        yield* ask(writer)
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual([yield* outcome(writer), commits], [true, 3])
      }),
  )

  for (const [what, config] of Object.entries({
    "cannot connect": { connect: failure("connection") },
    "never hears from its database": { session: { decide: () => Effect.never } },
    "finds the disk full": { session: { commit: () => failure("passing"), fateOf: () => Effect.succeed("lost") } },
  } satisfies Record<string, Parameters<typeof start>[0]>)) {
    it.effect(`is not who ${what}, which shows within 1.5 s`, () =>
      Effect.gen(function* () {
        const writer = yield* start(config)
        for (const _ of [1, 2]) {
          assert.deepStrictEqual(yield* timed(yield* fork(outcome(writer))), [false, 1_500])
        }
      }),
    )
  }

  it.effect(
    "is not who can write nothing but an empty batch, until a command is written or none has failed for 5 s",
    () =>
      Effect.gen(function* () {
        let isFull = true
        const nearlyFull: Partial<Session> = {
          decide: (instructions) =>
            instructions.length > 0 && isFull ? failure("passing") : Effect.succeed(decided(instructions)),
        }
        const writer = yield* start({ session: nearlyFull })
        for (const _ of [1, 2]) {
          assert.isTrue(yield* outcome(writer))
          assert.strictEqual((yield* timed(yield* fork(ask(writer))))[0], "The command cannot be recorded.")
          assert.isFalse(yield* outcome(writer))
          yield* TestClock.adjust("4500 millis")
          assert.isFalse(yield* outcome(writer))
          yield* TestClock.adjust("500 millis")
        }
        yield* timed(yield* fork(ask(writer)))
        assert.isFalse(yield* outcome(writer))
        isFull = false
        assert.strictEqual(yield* ask(writer), "answered")
        assert.isTrue(yield* outcome(writer))
      }),
  )

  it.effect("is who has much to do, though it takes no more commands", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const slow = { commit: () => Deferred.await(gate) }
      const writer = yield* start({ session: slow, maxQueue: 2, maxBatch: 1 })
      for (const _ of [1, 2, 3]) {
        yield* fork(ask(writer))
        yield* settle
      }
      assert.strictEqual(yield* ask(writer), "Too many commands are waiting.")
      const ready = yield* fork(outcome(writer))
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      assert.isTrue((yield* timed(ready))[0])
    }),
  )
})

it.effect("callers that were told so take no place in the queue", () =>
  Effect.gen(function* () {
    const writer = yield* start({ connect: Effect.never, maxQueue: 2, maxBatch: 1 })
    for (const _ of [1, 2, 3]) {
      yield* fork(ask(writer))
      yield* settle
    }
    assert.strictEqual(yield* ask(writer), "Too many commands are waiting.")
    yield* TestClock.adjust("5 seconds")
    const [outcome, millis] = yield* timed(yield* fork(ask(writer)))
    assert.deepStrictEqual([outcome, millis], [away, 5_000])
  }),
)

it.effect("nobody's command is run any more", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const { attempts, picky } = failingFor(new Set(), "passing")
    const writer = yield* start({ connect: Effect.as(Deferred.await(gate), { ...session, ...picky }) })
    const [outcome] = yield* timed(yield* fork(ask(writer)))
    assert.strictEqual(outcome, away)
    yield* Deferred.succeed(gate, undefined)
    assert.strictEqual((yield* timed(yield* fork(ask(writer))))[0], "answered")
    assert.deepStrictEqual(attempts, [1])
  }),
)

it.effect("of a batch that is run again, those are left out that nobody waits for any more", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const [first, second] = [uuid(), uuid()]
    const bad = new Set<string>([second])
    const { attempts, picky } = failingFor(bad, "connection")
    const writer = yield* start({ session: { ...picky, commit: () => Deferred.await(gate) } })
    yield* fork(ask(writer))
    yield* settle
    const early = yield* fork(ask(writer, first))
    yield* TestClock.adjust("4 seconds")
    const late = yield* fork(ask(writer, second))
    yield* settle
    yield* Deferred.succeed(gate, undefined)
    // Both are taken together, and fail until one of them has waited for too long.
    const [outcome] = yield* timed(early)
    assert.strictEqual(outcome, away)
    bad.clear()
    assert.strictEqual((yield* timed(late))[0], "answered")
    assert.include(attempts, 2)
    assert.strictEqual(attempts.at(-1), 1)
  }),
)

it.effect("a session that hangs is given up, and the next one serves those that come later", () =>
  Effect.gen(function* () {
    let sessions = 0
    const connect = Effect.sync(
      (): Session => (sessions++ === 0 ? { ...session, decide: () => Effect.never } : session),
    )
    const writer = yield* start({ connect })
    assert.strictEqual((yield* timed(yield* fork(ask(writer))))[0], away)
    const [outcome, millis] = yield* timed(yield* fork(ask(writer)))
    assert.strictEqual(outcome, "answered")
    assert.isBelow(millis, 100)
  }),
)

it.effect("a batch takes no more than it may", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const { attempts, picky } = failingFor(new Set(), "passing")
    const writer = yield* start({ session: { ...picky, commit: () => Deferred.await(gate) }, maxBatch: 3 })
    const waiting = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.tap(fork(ask(writer)), settle))
    yield* Deferred.succeed(gate, undefined)
    for (const fiber of waiting) assert.deepStrictEqual(yield* timed(fiber), ["answered", 0])
    assert.deepStrictEqual(attempts, [1, 3, 3, 1])
  }),
)

it.effect("whenever a command comes, the writer wakes up", () =>
  Effect.gen(function* () {
    const writer = yield* start({})
    for (let yields = 0; yields < 30; yields++) {
      // Another one finds the writer on its way to sleep.
      yield* ask(writer)
      for (const _ of Array.from({ length: yields })) yield* Effect.yieldNow
      assert.deepStrictEqual(yield* timed(yield* fork(ask(writer))), ["answered", 0])
    }
  }),
)

it.effect("a writer that ends answers those that wait, and takes nothing more", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const scope = yield* Scope.make()
    const writer = yield* Scope.provide(start({ session: { commit: () => Deferred.await(gate) }, maxBatch: 1 }), scope)
    const waiting = yield* Effect.forEach([1, 2, 3], () => fork(ask(writer)))
    yield* settle
    const ended = yield* fork(Scope.close(scope, Exit.void))
    yield* settle
    assert.isUndefined(ended.pollUnsafe())
    assert.strictEqual(yield* ask(writer), "The server is stopping.")
    yield* Deferred.succeed(gate, undefined)
    for (const fiber of waiting) assert.strictEqual((yield* timed(fiber))[0], "answered")
    assert.isTrue(Exit.isSuccess(yield* Effect.exit(Fiber.join(ended))))
  }),
)

it.effect("a writer that ends while the database is away ends with its callers' patience", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const writer = yield* Scope.provide(start({ connect: Effect.never }), scope)
    const waiting = yield* fork(ask(writer))
    yield* settle
    const [, millis] = yield* timed(yield* fork(Scope.close(scope, Exit.void)))
    assert.isAtMost(millis, 5_000)
    assert.strictEqual(yield* Fiber.join(waiting), away)
  }),
)

it.effect("the session is closed when it fails, and when the writer ends", () =>
  Effect.gen(function* () {
    const events: Array<string> = []
    const scope = yield* Scope.make()
    const connect = Effect.as(
      Effect.acquireRelease(
        Effect.sync(() => void events.push("opened")),
        () => Effect.sync(() => void events.push("closed")),
      ),
      { ...session, decide: () => (events.length === 1 ? failure("connection") : Effect.succeed(decided([]))) },
    )
    const writer = yield* Scope.provide(start({ connect }), scope)
    yield* timed(yield* fork(Effect.exit(writer.ready)))
    yield* Scope.close(scope, Exit.void)
    assert.deepStrictEqual(events, ["opened", "closed", "opened", "closed"])
  }),
)

it.effect("what waits, what is written and what failed is counted", () =>
  Effect.gen(function* () {
    const registry: Metric.MetricRegistry = new Map()
    const gate = yield* Deferred.make<void>()
    let failures = 2
    yield* Effect.gen(function* () {
      const writer = yield* start({
        session: {
          commit: () => (failures-- > 0 ? failure("passing") : Effect.delay(Deferred.await(gate), "30 millis")),
          fateOf: () => Effect.succeed("lost"),
        },
      })
      const first = yield* fork(ask(writer))
      yield* TestClock.adjust("1 second")
      const rest = yield* Effect.forEach([1, 2, 3], () => fork(ask(writer)))
      yield* settle
      const value = (name: string, kind?: string) =>
        Effect.map(
          Metric.snapshot,
          (all) => all.find((one) => one.id === name && one.attributes?.["kind"] === kind)?.state,
        )
      assert.deepStrictEqual(yield* value("holdfast_writer_queue_depth"), { value: 3 })
      assert.deepStrictEqual(yield* value("holdfast_writer_in_flight"), { value: 1 })
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("1 second")
      for (const fiber of [first, ...rest]) assert.strictEqual(yield* Fiber.join(fiber), "answered")
      assert.deepStrictEqual(yield* value("holdfast_writer_queue_depth"), { value: 0 })
      assert.deepStrictEqual(yield* value("holdfast_writer_in_flight"), { value: 0 })
      assert.deepInclude(yield* value("holdfast_writer_batch_size"), { count: 2, sum: 4, max: 3 })
      assert.deepInclude(yield* value("holdfast_writer_commit_duration_seconds"), { count: 2 })
      assert.deepInclude(yield* value("holdfast_writer_retries_total", "passing"), { count: 2 })
      assert.deepInclude(yield* value("holdfast_writer_retries_total", "lasting"), { count: 0 })
    }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, registry))
  }),
)
