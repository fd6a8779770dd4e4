/** What the locks of a batch are good for, and what happens where they are lost, late or kept for too long. */
import { randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { type Connection, Holdfast } from "@holdfast/domain"
import { Migrations, PgStore } from "@holdfast/persistence"
import { Clock, Context, Effect, Fiber, Layer, Logger, Redacted } from "effect"
import { holdAccounts, query, serviceOn, untilWaiting, withDatabase } from "../support/Databases.ts"
import * as FaultyStream from "../support/FaultyStream.ts"
import { balanceOf, funded, termsOf } from "../support/Fixtures.ts"

const build = (layer: ReturnType<typeof serviceOn>) =>
  Effect.map(Layer.build(Layer.fresh(layer)), Context.get(Holdfast.Holdfast))

const inOrder = (connections: ReadonlyArray<Connection.Connection>) =>
  connections.toSorted((a, b) => (a.connectionId < b.connectionId ? -1 : 1))

it.live("accounts are locked in the order of their keys, however they are asked for", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connections = inOrder(yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => funded(10n)))
      const other = yield* funded(10n)
      const isLocked = ({ connectionId }: Connection.Connection) =>
        Effect.map(
          query(database, `SELECT 1 FROM accounts WHERE connection_id = '${connectionId}' FOR UPDATE SKIP LOCKED`),
          (rows) => rows.length === 0,
        )
      for (const order of [connections, connections.toReversed()]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const release = yield* holdAccounts(database, connections[3]?.connectionId)
            const { connectionId } = other
            const before = deallocations.reserve("deallocation", termsOf(other, 1n))
            const commands = order.map((connection) => deallocations.reserve("deallocation", termsOf(connection, 1n)))
            const all = yield* inOneBatch(database, connectionId, before, commands)
            yield* untilWaiting(database)
            // Those before it are had, and none behind it.
            assert.deepStrictEqual(yield* Effect.forEach(connections, isLocked), [true, true, true, true, false, false])
            yield* release
            yield* Fiber.join(all)
          }),
        )
      }
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live(
  "a process that is frozen between its locks and its write does not keep them",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const wires = FaultyStream.make(database.config.url)
        const frozen = yield* build(
          // It does not give up by itself, for it does nothing.
          serviceOn(database, { connection: { ...database.config, stream: wires.stream }, patienceMillis: 20_000 }),
        )
        const other = yield* build(serviceOn(database))
        const connection = yield* Effect.provideService(funded(10n), Holdfast.Holdfast, frozen)
        wires.arm(FaultyStream.commit, "held")
        const lost = yield* Effect.forkChild(frozen.reserve("deallocation", termsOf(connection, 1n)))
        yield* Effect.eventually(
          Effect.filterOrFail(
            Effect.sync(wires.left),
            (left) => left === 0,
            () => "not yet",
          ),
        )
        const start = performance.now()
        yield* Effect.eventually(other.reserve("deallocation", termsOf(connection, 2n)))
        assert.isBelow(performance.now() - start, 15_000)
        // Woken up, it finds its transaction gone, and begins anew.
        assert.strictEqual((yield* Fiber.join(lost)).state, "Reserved")
        const balance = yield* Effect.provideService(balanceOf(connection), Holdfast.Holdfast, other)
        assert.deepInclude(balance, { available: 7n, reserved: 3n })
      }),
    ),
  60_000,
)

/** Has commands executed in one batch: they come while the one before them waits for an account. */
const inOneBatch = Effect.fnUntraced(function* <A, E, B, F>(
  database: Parameters<typeof holdAccounts>[0],
  connectionId: Connection.Connection["connectionId"],
  before: Effect.Effect<A, E>,
  commands: ReadonlyArray<Effect.Effect<B, F>>,
) {
  const release = yield* holdAccounts(database, connectionId)
  const first = yield* Effect.forkChild(before, { startImmediately: true })
  yield* untilWaiting(database)
  const all = yield* Effect.forkChild(Effect.all(commands, { concurrency: "unbounded" }), { startImmediately: true })
  // Fibers run before anything that comes from the database.
  yield* query(database, "SELECT 1")
  yield* release
  yield* Fiber.join(first)
  return all
})

/** What a service logs while it is used. */
const logOf = Effect.fnUntraced(function* <A, E, R>(use: (log: () => string) => Effect.Effect<A, E, R>) {
  const lines: Array<string> = []
  const logger = Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])
  return yield* Effect.provide(
    use(() => lines.join("\n")),
    logger,
  )
})

it.live(
  "a deallocation of an account that is not locked, because it was made meanwhile, is met again with its lock",
  () =>
    logOf((log) =>
      withDatabase((database) =>
        Effect.gen(function* () {
          const clearing = yield* Layer.build(Layer.fresh(PgStore.layer({ connection: database.config }))).pipe(
            Effect.map(Context.get(Holdfast.Holdfast)),
          )
          const other = yield* build(serviceOn(database))
          const [before, held, free] = yield* Effect.provideService(
            Effect.all([funded(10n), funded(10n), funded(10n)]),
            Holdfast.Holdfast,
            other,
          )
          const [first, second] = [termsOf(held, 1n), termsOf(free, 2n)]
          yield* other.reserve("deallocation", first)
          const release = yield* holdAccounts(database, held.connectionId)
          const cleared = yield* inOneBatch(
            database,
            before.connectionId,
            clearing.reserve("deallocation", termsOf(before, 1n)),
            [first, second].map(({ id }) => clearing.clear("deallocation", id)),
          )
          yield* untilWaiting(database)
          yield* other.reserve("deallocation", second)
          yield* release
          const states = (yield* Fiber.join(cleared)).map(({ state }) => state)
          assert.deepStrictEqual(states, ["Cleared", "Cleared"])
          assert.include(log(), "passing")
          assert.notInclude(log(), "lasting")
        }),
      ),
    ),
)

it.live("what is written outside of the transaction that has the locks counts for nothing", () =>
  logOf((log) =>
    withDatabase((database) => {
      const { stream, arm } = FaultyStream.make(database.config.url)
      return Effect.gen(function* () {
        const deallocations = yield* Holdfast.Holdfast
        const connection = yield* funded(10n)
        // The driver runs a statement again that the other session does not know how to run.
        arm(FaultyStream.commit, "carried out by another session")
        const terms = termsOf(connection, 3n)
        assert.strictEqual((yield* deallocations.reserve("deallocation", terms)).state, "Reserved")
        assert.include(log(), "The locks were lost before the write.")
        assert.deepInclude(yield* balanceOf(connection), { available: 7n, reserved: 3n })
        assert.lengthOf(yield* deallocations.journal(terms.id), 1)
      }).pipe(Effect.provide(PgStore.layer({ connection: { ...database.config, stream } })))
    }),
  ),
)

/** With a clock that stands still. */
const at = <A, E, R>(millis: number, effect: Effect.Effect<A, E, R>) =>
  Effect.clockWith((clock) => {
    const stopped = { ...clock, currentTimeMillisUnsafe: () => millis, currentTimeMillis: Effect.succeed(millis) }
    return Effect.provideService(effect, Clock.Clock, stopped)
  })

it.live("a journal with several entries of one moment is read to its end", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(10n)
      const terms = termsOf(connection, 1n)
      const [reserve, release] = [
        deallocations.reserve("deallocation", terms),
        deallocations.release("deallocation", terms.id),
      ]
      yield* at(1_800_000_000_000, reserve)
      yield* at(1_800_000_000_001, Effect.all([release, reserve, release, reserve, release]))
      const events = (yield* deallocations.journal(terms.id)).map(({ event }) => event)
      assert.deepStrictEqual(events, ["Reserved", "Released", "Reserved", "Released", "Reserved", "Released"])
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("pages of deallocations that were made at one moment are in one order", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(10n)
      const all = Array.from({ length: 7 }, () => termsOf(connection, 1n))
      yield* at(
        1_800_000_000_000,
        Effect.forEach(all, (terms) => deallocations.reserve("deallocation", terms)),
      )
      const listed: Array<string> = []
      let page = yield* deallocations.list("deallocation", { limit: 2 })
      while (true) {
        listed.push(...page.items.map(({ terms }) => terms.id))
        if (page.next === undefined || listed.length > 20) break
        page = yield* deallocations.list("deallocation", { limit: 2, cursor: page.next })
      }
      assert.deepStrictEqual(
        listed,
        all
          .map(({ id }) => id)
          .sort()
          .reverse(),
      )
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("a batch that fails in passing is run again on the same connection", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(10n)
      const writers = query(
        database,
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT' ORDER BY pid",
      )
      const before = yield* writers
      assert.lengthOf(before, 1)
      yield* query(
        database,
        "CREATE SEQUENCE times",
        `CREATE FUNCTION fail() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('times') <= 2 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40001'; END IF;
          RETURN true;
        END $$`,
        "ALTER TABLE forgotten RENAME TO remembered",
        "CREATE VIEW forgotten AS SELECT * FROM remembered WHERE fail()",
      )
      yield* deallocations.reserve("deallocation", termsOf(connection, 1n))
      assert.deepStrictEqual(yield* writers, before)
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("a role that could do more than a server needs loses that when it is granted what it needs", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const role = `holdfast_server_${randomUUID().slice(0, 8)}`
      yield* query(database, `CREATE ROLE ${role} LOGIN`)
      yield* Effect.addFinalizer(() => Effect.orDie(query(database, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`)))
      yield* Migrations.run(database.config)
      yield* query(database, `GRANT ALL ON ALL TABLES IN SCHEMA holdfast TO ${role}`)
      yield* Migrations.run(database.config, { role })
      const url = new URL(database.url)
      url.searchParams.set("user", role)
      const server = { config: { url: Redacted.make(url.href) } }
      for (const statement of [
        "DELETE FROM transfers",
        "UPDATE journal SET quantity = 1",
        "UPDATE nonces SET value = ''",
      ]) {
        const { reason } = yield* Effect.flip(query(server, statement))
        assert.match(String(reason.cause), /permission denied/, statement)
      }
    }).pipe(Effect.scoped),
  ),
)
