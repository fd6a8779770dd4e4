/** What `docs/own-store.md` says of stores of a team's own is executed here. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Connection, type Deallocation, Holdfast, Ledger, type Store, type Uuid } from "@holdfast/domain"
import { laws } from "@holdfast/domain/testing"
import { DateTime, Effect, Exit, Redacted, Result, Scope } from "effect"
import type pg from "pg"
import * as Follower from "../../examples/own-store/Follower.ts"
import * as MapStore from "../../examples/own-store/MapStore.ts"
import * as OwnTables from "../../examples/own-store/OwnTables.ts"
import * as Pool from "../../examples/own-store/Pool.ts"
import * as SqlStore from "../../examples/own-store/SqlStore.ts"
import { query, serviceOn, untilFound, untilWaiting, withDatabase } from "../support/Databases.ts"
import * as Examples from "../support/Examples.ts"
import * as FaultyStream from "../support/FaultyStream.ts"
import { funded, newConnection, termsOf } from "../support/Fixtures.ts"
import { obeys } from "../support/Laws.ts"
import { root } from "../support/ServerProcess.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const poolOn = Effect.fnUntraced(function* (database: TestDatabase["Service"], config: pg.PoolConfig = {}) {
  const connectionString = Redacted.value(database.config.url)
  return yield* Effect.acquireRelease(
    Effect.sync(() => Pool.open({ connectionString, ...config })),
    (pool) => Effect.promise(() => pool.end()),
  )
})

/** A database of its own with these tables, and a pool on it. */
const databaseWith = Effect.fnUntraced(function* (tables: string) {
  const database = yield* TestDatabase.make
  const pool = yield* poolOn(database)
  yield* Effect.promise(() => pool.query(tables))
  return { database, pool }
})

/** What all tests of a group share, until they have run. */
const shared = <A, E>(make: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E> => {
  const scope = Scope.makeUnsafe()
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return Effect.runSync(Effect.cached(Scope.provide(make, scope)))
}

describe("a store over Maps", () => obeys(laws(MapStore.make)))

describe("a store on PostgreSQL with plain pg", () => {
  const database = shared(databaseWith(SqlStore.tables))
  obeys(laws((policy) => Effect.map(database, ({ pool }) => SqlStore.make(pool, policy)), { runs: 10 }))
})

describe("a transaction of one's own", () => {
  const database = shared(databaseWith(OwnTables.tables))
  const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")

  /** Some user of the team's, with so much. */
  const user = Effect.fnUntraced(function* (pool: pg.Pool, available: number, connection = newConnection()) {
    const account = `account ${connection.connectionId}`
    yield* Effect.promise(() =>
      pool.query(
        `WITH made AS (INSERT INTO users (account, login, connection_id, client_id) VALUES ($1, $2, $3, $4) RETURNING id)
          INSERT INTO balances (user_id, currency, available) SELECT id, 'BTC', $5 FROM made`,
        [account, connection.partnerClientId, connection.connectionId, connection.clientId, available],
      ),
    )
    return { ...connection, partnersConnectionId: account }
  })

  const reserve = (terms: Deallocation.Terms) =>
    ({ _tag: "Reserve", kind: "deallocation", terms, partnerTransferId: `partner's ${terms.id}`, at }) as const

  const balanceOf = (pool: pg.Pool, { connectionId }: Connection.Connection) =>
    Effect.promise(async () => {
      const { rows } = await pool.query(
        `SELECT available::int, on_hold::int FROM balances JOIN users ON id = user_id WHERE connection_id = $1`,
        [connectionId],
      )
      return rows[0]
    })

  /** As much of a store as the races ask for. */
  const storeOn = (pool: pg.Pool, execute = OwnTables.execute) => {
    const connectionOf = Effect.fnUntraced(function* (connectionId: Uuid.Uuid) {
      const { rows } = yield* Effect.promise(() =>
        pool.query(
          `SELECT account, login, client_id, currency, incoming, available, in_orders, on_hold, withdrawn
            FROM users LEFT JOIN balances ON user_id = users.id WHERE connection_id = $1`,
          [connectionId],
        ),
      )
      const [{ account: partnersConnectionId, login: partnerClientId, client_id: clientId } = assert.fail()] = rows
      const connection = { connectionId, clientId, partnersConnectionId, partnerClientId, suspended: false }
      const balances = rows
        .filter(({ currency }) => currency !== null)
        .map((row) => ({
          currency: row.currency,
          pending: BigInt(row.incoming),
          available: BigInt(row.available),
          locked: BigInt(row.in_orders),
          reserved: BigInt(row.on_hold),
          deallocated: BigInt(row.withdrawn),
        }))
      return { connection, balances }
    })
    const store = {
      execute: <C extends Ledger.Command>({ command }: Ledger.Instruction<C>) =>
        Effect.flatMap(
          Effect.promise(() => execute(pool, command)),
          Effect.fromResult,
        ),
      register: Effect.fnUntraced(function* (connection: Connection.Connection) {
        const { connectionId, clientId, partnersConnectionId, partnerClientId } = connection
        const inserted = yield* Effect.promise(() =>
          pool.query(
            "INSERT INTO users (connection_id, client_id, account, login) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            [connectionId, clientId, partnersConnectionId, partnerClientId],
          ),
        )
        const { connection: recorded } = yield* connectionOf(connectionId)
        const differences = Connection.differences(recorded, connection)
        if (inserted.rowCount === 1 || differences.length === 0) return recorded
        return yield* new Connection.ConnectionConflict({ connectionId, differences })
      }),
      connection: connectionOf,
      find: Effect.fnUntraced(function* <Kind extends Ledger.Kind>(kind: Kind, id: Uuid.Uuid) {
        const { rows } = yield* Effect.promise(() => pool.query("SELECT value FROM transfers WHERE id = $1", [id]))
        return yield* Ledger.ofKind(kind, id, rows.map(({ value }) => OwnTables.decodeTransfer(value))[0])
      }),
    }
    return store as unknown as Store.Store
  }

  const races = (execute?: typeof OwnTables.execute) =>
    laws(() => Effect.map(database, ({ pool }) => storeOn(pool, execute))).filter(
      // It has no tokens of its own.
      ({ id }) => id.startsWith("races/") && id !== "races/one-token",
    )

  obeys(races())

  it.live("decides on what is read after the locks: on what was read before, a race is lost", () =>
    Effect.gen(function* () {
      const folder = Examples.makeFolder()
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(folder, { recursive: true })))
      const source = Fs.readFileSync(Path.join(root, "examples/own-store/OwnTables.ts"), "utf8")
      const [before, after] = source.split("const transfer = await transferOf(client, id)\n")
      assert.isDefined(after)
      const path = Path.join(folder, "OwnTables.ts")
      Fs.writeFileSync(path, `${before}const transfer = known\n${after}`)
      const { execute }: typeof OwnTables = yield* Effect.promise(() => import(path))
      const race = races(execute).find(({ id }) => id === "races/clear-or-release")
      assert.strictEqual((yield* Effect.flip(race?.check ?? Effect.void))._tag, "LawBroken")
    }).pipe(Effect.scoped),
  )

  it.live("records a rejection: who is told so once is told so again, whatever has changed since", () =>
    Effect.gen(function* () {
      const { pool } = yield* database
      const connection = newConnection()
      const unknown = reserve(termsOf(connection, 1n))
      const execute = (command: Ledger.Command) => Effect.promise(() => OwnTables.execute(pool, command))
      const first = yield* execute(unknown)
      assert.deepInclude(Result.getOrThrow(first), { state: "Rejected", reason: "UNKNOWN_CONNECTION" })
      const known = yield* user(pool, 5, connection)
      assert.deepStrictEqual(yield* execute(unknown), first)
      const tooMuch = reserve(termsOf(known, 6n))
      const second = yield* execute(tooMuch)
      assert.deepInclude(Result.getOrThrow(second), { state: "Rejected", reason: "INSUFFICIENT_BALANCE" })
      yield* Effect.promise(() => pool.query("UPDATE balances SET available = 100 WHERE available = 5"))
      assert.deepStrictEqual(yield* execute(tooMuch), second)
    }),
  )

  it.live("gives a new id that two accounts want at once to one of them", () =>
    Effect.gen(function* () {
      const { pool } = yield* database
      for (let round = 0; round < 10; round++) {
        const [one, other] = [yield* user(pool, 5), yield* user(pool, 5)]
        const id = crypto.randomUUID()
        const outcomes = yield* Effect.promise(() =>
          Promise.all([one, other].map((user) => OwnTables.execute(pool, reserve(termsOf(user, 1n, id))))),
        )
        const failures = outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? outcome.failure._tag : []))
        assert.deepStrictEqual(failures, ["TermsMismatch"])
        const held = [yield* balanceOf(pool, one), yield* balanceOf(pool, other)]
        assert.sameDeepMembers(held, [
          { available: 4, on_hold: 1 },
          { available: 5, on_hold: 0 },
        ])
      }
    }),
  )

  for (const fault of ["cut before it is sent", "cut before the answer is seen"] as const) {
    it.live(`acts once where COMMIT was ${fault}, and the same is asked again`, () =>
      Effect.gen(function* () {
        const { database: where, pool } = yield* database
        const connection = yield* user(pool, 5)
        const { stream, arm, left } = FaultyStream.make(where.config.url)
        const faulty = yield* poolOn(where, { stream: () => socketOf(stream()) as never, max: 1 })
        const command = reserve(termsOf(connection, 2n))
        arm(FaultyStream.commit, fault)
        const failure = yield* Effect.flip(Effect.tryPromise(() => OwnTables.execute(faulty, command)))
        assert.match(String(failure.cause), /Connection terminated/)
        assert.strictEqual(left(), 0)
        const isDone = fault === "cut before the answer is seen"
        const done = { available: 3, on_hold: 2 }
        assert.deepStrictEqual(yield* balanceOf(pool, connection), isDone ? done : { available: 5, on_hold: 0 })
        const outcome = yield* Effect.promise(() => OwnTables.execute(faulty, command))
        assert.strictEqual(Result.getOrThrow(outcome).state, "Reserved")
        assert.deepStrictEqual(yield* balanceOf(pool, connection), done)
      }).pipe(Effect.scoped),
    )
  }
})

/** What `pg` asks of a socket, beside its bytes. */
const socketOf = (stream: ReturnType<ReturnType<typeof FaultyStream.make>["stream"]>) =>
  Object.assign(stream, {
    setNoDelay: () => stream,
    connect: () => process.nextTick(() => stream.emit("connect")),
    ref: () => stream,
    unref: () => stream,
  })

describe("whoever follows the journal", () => {
  const entriesOf = (holdfast: Holdfast.Holdfast["Service"]) =>
    Effect.map(holdfast.entries(undefined, 200), (entries) =>
      entries.map(({ event, transferId: id }) => ({ id, event })),
    )

  it.live(
    "has done each effect once, whenever it was killed",
    () =>
      withDatabase(
        Effect.fnUntraced(function* (database) {
          const pool = yield* poolOn(database)
          yield* Effect.promise(() => pool.query(Follower.tables))
          yield* Effect.gen(function* () {
            const holdfast = yield* Holdfast.Holdfast
            const connection = yield* funded(100n)
            const reserveSome = Effect.forEach([1n, 2n, 3n, 4n], (quantity) =>
              holdfast.reserve("deallocation", termsOf(connection, quantity)),
            )
            const start = Effect.sync(() => {
              const program = ["--conditions=@holdfast/source", "examples/own-store/FollowerProcess.ts"]
              const env = { PATH: process.env["PATH"], DATABASE_URL: database.url }
              return spawn(Path.join(root, "node_modules/.bin/node"), program, { cwd: root, env, stdio: "inherit" })
            })
            const follower = Effect.acquireRelease(start, (child) =>
              Effect.promise(async () => {
                const ended = once(child, "exit")
                child.kill("SIGKILL")
                await ended
              }),
            )
            const killedWhileHeldBy = (statement: string) =>
              Effect.gen(function* () {
                const holder = yield* Effect.promise(() => pool.connect())
                yield* Effect.promise(() => holder.query("BEGIN"))
                yield* Effect.promise(() => holder.query(statement))
                yield* reserveSome
                yield* Effect.scoped(Effect.andThen(follower, untilWaiting(database)))
                yield* Effect.promise(() => holder.query("ROLLBACK"))
                holder.release()
              })
            const noticed = query(database, "SELECT transfer_id AS id, event FROM public.notices ORDER BY notices.id")
            const untilNoticed = (count: number) =>
              untilFound(database, `SELECT 1 FROM public.notices HAVING count(*) = ${count}`)

            // Between its place and its effect; the effects of the first four have not been done then.
            yield* killedWhileHeldBy("LOCK TABLE notices IN EXCLUSIVE MODE")
            assert.deepStrictEqual(yield* noticed, [])
            yield* Effect.scoped(Effect.andThen(follower, untilNoticed(5)))
            // Before it can keep its place.
            yield* killedWhileHeldBy("SELECT FROM followers FOR UPDATE")
            // After whatever it is doing when some are done.
            yield* reserveSome
            yield* Effect.scoped(
              Effect.andThen(follower, untilFound(database, "SELECT 1 FROM public.notices OFFSET 6")),
            )
            yield* Effect.scoped(Effect.andThen(follower, untilNoticed(13)))
            assert.deepStrictEqual<unknown>(yield* noticed, yield* entriesOf(holdfast))
          }).pipe(Effect.provide(serviceOn(database)))
        }),
      ),
    180_000,
  )

  it.live("is told of a place that the journal does not have: it is of another one", () =>
    withDatabase(
      Effect.fnUntraced(function* (database) {
        const pool = yield* poolOn(database)
        yield* Effect.promise(() => pool.query(Follower.tables))
        yield* Effect.promise(() => pool.query("INSERT INTO followers VALUES ('notices', '1000000')"))
        const following = Effect.provide(Follower.follow(pool, "notices", Follower.notice), serviceOn(database))
        const error = yield* Effect.flip(following)
        assert.strictEqual(error.message, "The journal has no place 1000000: it is of another one.")
      }),
    ),
  )

  it.live("shares its name with nobody: one goes on, the other stops", () =>
    withDatabase(
      Effect.fnUntraced(function* (database) {
        const pool = yield* poolOn(database)
        yield* Effect.promise(() => pool.query(Follower.tables))
        yield* Effect.gen(function* () {
          const holdfast = yield* Holdfast.Holdfast
          const connection = yield* funded(100n)
          const reserve = Effect.suspend(() => holdfast.reserve("deallocation", termsOf(connection, 1n)))
          const two = Array.from({ length: 2 }, () => Follower.follow(pool, "notices", Follower.notice))
          const both = Effect.all(two, { concurrency: "unbounded" })
          const ended = yield* Effect.exit(Effect.raceFirst(both, Effect.forever(reserve)))
          assert.match(String(ended), /Somebody else follows the journal as notices/)
          const { rows } = yield* Effect.promise(() =>
            pool.query("SELECT transfer_id AS id, event FROM notices ORDER BY notices.id"),
          )
          assert.isNotEmpty(rows)
          assert.deepStrictEqual(rows, (yield* entriesOf(holdfast)).slice(0, rows.length))
        }).pipe(Effect.provide(serviceOn(database)))
      }),
    ),
  )
})

it("what docs/own-store.md shows stands in the examples", () => {
  const guide = Fs.readFileSync(Path.join(root, "docs/own-store.md"), "utf8")
  const blocks = [...guide.matchAll(/^```(.*?)\n(.*?)^```$/gms)]
  assert.lengthOf(blocks, (guide.match(/^\s*```/gm)?.length ?? 0) / 2)
  for (const { index, 1: language, 2: code = "" } of blocks) {
    assert.strictEqual(language, "ts snippet")
    // The file that was named last.
    const [file = assert.fail(code)] =
      guide
        .slice(0, index)
        .match(/(?<=^\[)examples\/.*(?=\]\()/gm)
        ?.slice(-1) ?? []
    assert.include(Fs.readFileSync(Path.join(root, file), "utf8"), code.trim(), file)
  }
  for (const [, link = ""] of guide.matchAll(/\]\(([^)#]+)/g)) {
    assert.isTrue(Fs.existsSync(Path.join(root, "docs", link)), link)
  }
})
