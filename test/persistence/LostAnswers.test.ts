/**
 * The answer to a COMMIT is lost, the server that sent it is held up, and another
 * one goes on with the same ids. When the first finds out, it gives the answers that
 * it committed, and acts no second time.
 */
import { assert, it } from "@effect/vitest"
import { BaseUnits, type Connection, Holdfast } from "@holdfast/domain"
import { Migrations } from "@holdfast/persistence"
import * as Schemas from "@holdfast/persistence/Schemas"
import { Effect, Fiber, Layer, Result, type Scope } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type { SqlError } from "effect/sql/SqlError"
import * as PgSession from "../../packages/persistence/src/PgSession.ts"
import { open, query, serverOn, serviceOn, untilFound, withDatabase } from "../support/Databases.ts"
import * as FaultyStream from "../support/FaultyStream.ts"
import { adjustmentOf, balanceOf, funded, termsOf } from "../support/Fixtures.ts"
import type { TestDatabase } from "../support/TestDatabase.ts"

type Service = Holdfast.Holdfast["Service"]

interface Situation {
  /** A hand on the wires of the first. */
  readonly wires: ReturnType<typeof FaultyStream.make>
  readonly first: Service
  readonly second: Service
  /** With a balance of 10. */
  readonly connection: Connection.Connection
  readonly database: TestDatabase["Service"]
}

/** Two servers on one database. */
const withServers = <A, E>(use: (situation: Situation) => Effect.Effect<A, E, Scope.Scope>) =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const wires = FaultyStream.make(database.config.url)
      const second = yield* serverOn(database)
      const first = yield* serverOn(database, { connection: { ...database.config, stream: wires.stream } })
      const connection = yield* Effect.provideService(funded(10n), Holdfast.Holdfast, second)
      // Its connection is there already.
      yield* first.ready
      yield* use({ wires, first, second, connection, database })
    }),
  )

/** Has something done through the first while the answer to its COMMIT is lost; it is held up until the fiber is let go. */
const lost = Effect.fnUntraced(function* <A, E>(
  { wires, database }: Situation,
  command: Effect.Effect<A, E>,
): Effect.fn.Return<Effect.Effect<Result.Result<A, E>>, SqlError, Scope.Scope> {
  const count = "SELECT count(*)::int AS n FROM commits"
  const [before] = yield* query(database, count)
  wires.arm(FaultyStream.commit, "cut before the answer is seen", { closes: true })
  const fiber = yield* Effect.forkChild(Effect.result(command), { startImmediately: true })
  yield* untilFound(database, `SELECT 1 WHERE (${count}) > ${before?.["n"]}`)
  return Effect.suspend(() => {
    wires.open()
    return Fiber.join(fiber)
  })
})

const stateOf = (result: Result.Result<{ readonly state: string }, unknown>) =>
  Result.isSuccess(result) ? result.success.state : result.failure

const balance = ({ second, connection }: Situation) =>
  Effect.provideService(balanceOf(connection), Holdfast.Holdfast, second)

it.live("a reservation that another server released stays released, and its caller hears that it was reserved", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { first, second, connection } = situation
      const terms = termsOf(connection, 4n)
      const held = yield* lost(situation, first.reserve("deallocation", terms))
      yield* second.release("deallocation", terms.id)
      assert.strictEqual(stateOf(yield* held), "Reserved")
      assert.strictEqual((yield* second.find("deallocation", terms.id)).state, "Released")
      assert.deepInclude(yield* balance(situation), { available: 10n, reserved: 0n })
      assert.lengthOf(yield* second.journal(terms.id), 2)
    }),
  ),
)

it.live("nor is it rejected where its funds are gone meanwhile: the release can be repeated", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { first, second, connection } = situation
      const terms = termsOf(connection, 4n)
      const held = yield* lost(situation, first.reserve("deallocation", terms))
      yield* second.release("deallocation", terms.id)
      yield* second.adjust(adjustmentOf(connection, "debit", 10n))
      assert.strictEqual(stateOf(yield* held), "Reserved")
      assert.strictEqual((yield* first.release("deallocation", terms.id)).state, "Released")
    }),
  ),
)

it.live("a release after which another server reserved again leaves the new hold alone", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { first, second, connection } = situation
      const terms = termsOf(connection, 4n)
      yield* first.reserve("deallocation", terms)
      const released = yield* lost(situation, first.release("deallocation", terms.id))
      yield* second.reserve("deallocation", terms)
      assert.strictEqual(stateOf(yield* released), "Released")
      assert.deepInclude(yield* balance(situation), { available: 6n, reserved: 4n })
      assert.strictEqual((yield* second.clear("deallocation", terms.id)).state, "Cleared")
    }),
  ),
)

it.live("a refusal that changed nothing is given as it was decided", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { first, second, connection } = situation
      const terms = termsOf(connection, 4n)
      const cleared = yield* lost(situation, first.clear("deallocation", terms.id))
      yield* second.reserve("deallocation", terms)
      const outcome = yield* cleared
      assert.strictEqual(Result.isFailure(outcome) && outcome.failure._tag, "TransferNotFound")
      assert.strictEqual((yield* second.find("deallocation", terms.id)).state, "Reserved")
    }),
  ),
)

it.live("a credit that another server spent is not made again", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { first, second, connection } = situation
      const credit = adjustmentOf(connection, "credit", 5n)
      const credited = yield* lost(situation, first.adjust(credit))
      yield* second.adjust(adjustmentOf(connection, "debit", 15n))
      assert.strictEqual(stateOf(yield* credited), "Credited")
      assert.deepInclude(yield* balance(situation), { available: 0n })
      assert.lengthOf(yield* second.journal(credit.id), 1)
    }),
  ),
)

it.live("of a batch that was split, each part is remembered by itself", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { wires, first, second, connection, database } = situation
      const terms = termsOf(connection, 4n)
      // No caller can make one: the tables refuse what slips past the types.
      const poison = { ...termsOf(connection, 1n), amount: { currency: "BTC" as never, quantity: BaseUnits.zero } }
      const both = Effect.all(
        [Effect.result(first.reserve("deallocation", terms)), Effect.result(first.reserve("deallocation", poison))],
        {
          concurrency: "unbounded",
        },
      )
      // The COMMIT of both rolls back; then that of the one is lost.
      wires.arm(FaultyStream.commit, "nothing")
      wires.arm(FaultyStream.commit, "cut before the answer is seen", { closes: true })
      const fiber = yield* Effect.forkChild(both, { startImmediately: true })
      yield* untilFound(database, `SELECT 1 FROM transfers WHERE id = '${terms.id}'`)
      yield* second.release("deallocation", terms.id)
      wires.open()
      const [reserved, poisoned] = yield* Fiber.join(fiber)
      assert.strictEqual(stateOf(reserved), "Reserved")
      assert.strictEqual(Result.isFailure(poisoned) && poisoned.failure._tag, "Unavailable")
      assert.strictEqual((yield* second.find("deallocation", terms.id)).state, "Released")
    }),
  ),
)

it.live("a COMMIT that is still on its way when it is asked for comes too late, and the batch is decided anew", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { wires, first, second, connection, database } = situation
      const terms = termsOf(connection, 4n)
      wires.arm(FaultyStream.commit, "cut while it is on its way")
      const reserved = yield* Effect.forkChild(first.reserve("deallocation", terms), { startImmediately: true })
      yield* untilFound(database, "SELECT 1 FROM commits WHERE NOT committed")
      wires.arrive()
      assert.strictEqual((yield* Fiber.join(reserved)).state, "Reserved")
      assert.deepInclude(yield* balance(situation), { available: 6n, reserved: 4n })
      assert.lengthOf(yield* second.journal(terms.id), 1)
    }),
  ),
)

it.live("a batch that was not committed is run, though the answer to the question for it was lost as well", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { wires, first, second, connection } = situation
      const terms = termsOf(connection, 4n)
      wires.arm(FaultyStream.commit, "cut before it is sent")
      wires.arm(FaultyStream.question, "cut before the answer is seen")
      assert.strictEqual((yield* first.reserve("deallocation", terms)).state, "Reserved")
      assert.strictEqual(wires.left(), 0)
      assert.deepInclude(yield* balance(situation), { available: 6n, reserved: 4n })
      assert.lengthOf(yield* second.journal(terms.id), 1)
    }),
  ),
)

it.live("a batch of which every answer was lost is asked for until there is one", () =>
  withServers(
    Effect.fnUntraced(function* (situation) {
      const { wires, first, second, connection } = situation
      const terms = termsOf(connection, 4n)
      wires.arm(FaultyStream.commit, "cut before the answer is seen")
      wires.arm(FaultyStream.question, "cut before it is sent")
      wires.arm(FaultyStream.question, "cut before the answer is seen")
      assert.strictEqual((yield* first.reserve("deallocation", terms)).state, "Reserved")
      assert.strictEqual(wires.left(), 0)
      assert.lengthOf(yield* second.journal(terms.id), 1)
    }),
  ),
)

it.live(
  "what was never committed is lost, for good; what was committed so long ago that its mark may be gone is unknown",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        yield* Migrations.run(database.config)
        const { decide, commit, fateOf } = yield* PgSession.connect({
          connection: { ...Schemas.within(database.config), multiplex: true },
          policy: {},
          incarnation: undefined,
        }).pipe(Effect.provide(SecureRandom.layerWebCrypto))
        const fate = Effect.fnUntraced(function* (secondsAgo: number, isCommitted: boolean) {
          const transaction = yield* decide([])
          yield* isCommitted ? commit(transaction) : Effect.exit(commit({ ...transaction, transactionId: "0" }))
          const begunAt = String(Number(transaction.begunAt) - secondsAgo)
          return [yield* fateOf({ ...transaction, begunAt }), yield* fateOf({ ...transaction, begunAt })]
        })
        assert.deepStrictEqual(yield* fate(0, true), ["committed", "committed"])
        assert.deepStrictEqual(yield* fate(290, true), ["committed", "committed"])
        assert.deepStrictEqual(yield* fate(310, true), ["committed", "committed"])
        assert.deepStrictEqual(yield* fate(0, false), ["lost", "lost"])
        assert.deepStrictEqual(yield* fate(290, false), ["lost", "lost"])
        assert.deepStrictEqual(yield* fate(310, false), ["unknown", "unknown"])
        // Who was told that it is lost may rely on it.
        const transaction = yield* decide([])
        const other = yield* open(database)
        yield* other.query("INSERT INTO commits (id, committed) VALUES ($1, false)", [transaction.commitId])
        assert.strictEqual((yield* Effect.flip(commit(transaction))).kind, "passing")
      }),
    ),
)

it.live("the marks of transactions are kept for ten minutes, twice as long as they are asked for", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      yield* Migrations.run(database.config)
      yield* query(
        database,
        `INSERT INTO commits (id, committed, at)
          SELECT gen_random_uuid(), true, now() - minutes * interval '1 minute' FROM unnest('{5, 9, 11}'::int[]) AS minutes`,
      )
      yield* Layer.build(Layer.fresh(serviceOn(database)))
      yield* untilFound(database, "SELECT 1 FROM commits HAVING min(at) > now() - interval '10 minutes'")
      assert.lengthOf(yield* query(database, "SELECT 1 FROM commits WHERE at < now() - interval '1 minute'"), 2)
    }),
  ),
)
