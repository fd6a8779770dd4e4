import { PgConnection } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { BaseUnits, Holdfast } from "@holdfast/domain"
import { Array as Array_, DateTime, Effect, Fiber, Result } from "effect"
import * as Write from "../../packages/persistence/src/Write.ts"
import { holdAccounts, open, query, serviceOn, untilWaiting, withDatabase } from "../support/Databases.ts"
import * as FaultyStream from "../support/FaultyStream.ts"
import { balanceOf, funded, termsOf, uuid } from "../support/Fixtures.ts"

it.live("commands that arrive together share transactions", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(1_000n)
      yield* Effect.forEach(
        Array_.range(1, 500),
        () => deallocations.reserve("deallocation", termsOf(connection, 1n)),
        {
          concurrency: "unbounded",
        },
      )
      const rows = yield* query(
        database,
        "SELECT count(DISTINCT xmin::text) AS n FROM journal WHERE event = 'Reserved'",
      )
      assert.isBelow(Number(rows[0]?.["n"]), 10)
      assert.strictEqual((yield* balanceOf(connection)).reserved, 500n)
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

for (const fault of ["cut before it is sent", "cut before the answer is seen"] as const) {
  it.live(`a COMMIT that is ${fault} acts once, and a nonce under it counts once`, () =>
    withDatabase((database) => {
      const { stream, arm, left } = FaultyStream.make(database.config.url)
      const expiresAt = DateTime.makeUnsafe(Date.now() + 60_000)
      return Effect.gen(function* () {
        const deallocations = yield* Holdfast.Holdfast
        const connection = yield* funded(10n)
        const terms = termsOf(connection, 3n)
        arm(FaultyStream.commit, fault)
        const reserved = yield* deallocations.reserve("deallocation", terms, { value: "token-1", expiresAt })
        assert.strictEqual(reserved.state, "Reserved")
        assert.strictEqual(left(), 0)
        assert.deepInclude(yield* balanceOf(connection), { available: 7n, reserved: 3n })
        const again = yield* Effect.flip(deallocations.clear("deallocation", terms.id, { value: "token-1", expiresAt }))
        assert.strictEqual(again._tag, "NonceUsed")
        assert.lengthOf(yield* deallocations.journal(terms.id), 1)
      }).pipe(Effect.provide(serviceOn(database, { connection: { ...database.config, stream } })))
    }),
  )
}

it.live("a killed backend costs no command", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(1_000n)
      const kill = query(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
      )
      const reserve = Effect.forEach(
        Array_.range(1, 300),
        () => deallocations.reserve("deallocation", termsOf(connection, 1n)),
        {
          concurrency: 10,
        },
      )
      yield* Effect.all([reserve, Effect.repeat(kill, { times: 10 })], { concurrency: "unbounded" })
      assert.deepInclude(yield* balanceOf(connection), { available: 700n, reserved: 300n })
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("a database that takes no connections yet is waited for", () =>
  withDatabase((database) => {
    const { stream } = FaultyStream.make(database.config.url)
    let tries = 0
    const counted = () => {
      tries++
      return stream()
    }
    return Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(10n)
      const [row] = yield* query(database, "SELECT current_database() AS name")
      const elsewhere = yield* PgConnection.make({ ...database.config, database: "postgres" })
      const allow = (allowed: boolean) =>
        elsewhere.query(`ALTER DATABASE ${row?.["name"]} ALLOW_CONNECTIONS ${allowed}`)
      yield* allow(false)
      yield* elsewhere.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [
        row?.["name"],
      ])
      // Connecting now fails with 55000, as with 57P03 while PostgreSQL starts up: no fault of the command's.
      const reserved = yield* Effect.forkChild(deallocations.reserve("deallocation", termsOf(connection, 3n)), {
        startImmediately: true,
      })
      const before = tries
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => tries >= before + 5 })
      yield* Effect.flip(deallocations.ready)
      yield* allow(true)
      assert.strictEqual((yield* Fiber.join(reserved)).state, "Reserved")
    }).pipe(
      Effect.scoped,
      Effect.provide(
        serviceOn(database, { connection: { ...database.config, stream: counted }, patienceMillis: 12_000 }),
      ),
    )
  }),
)

const failing = (code: string, times: number) => [
  "CREATE SEQUENCE failures",
  `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('failures') <= ${times} THEN RAISE EXCEPTION 'forced' USING ERRCODE = '${code}'; END IF;
    RETURN NEW;
  END $$`,
  "CREATE TRIGGER fail BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION fail()",
]

/** The process that serves the writer's connection. */
const writerOf = (database: Parameters<typeof query>[0]) =>
  Effect.map(
    query(
      database,
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query IN ('COMMIT', 'ROLLBACK')",
    ),
    (rows) => rows.map((row) => row["pid"]),
  )

for (const code of ["23505", "40001", "40P01", "57P01", "55P03", "57014", "53100"]) {
  it.live(`a batch that fails with ${code} is run again, on the connection that it had`, () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const deallocations = yield* Holdfast.Holdfast
        const connection = yield* funded(10n)
        const before = yield* writerOf(database)
        assert.lengthOf(before, 1)
        yield* query(database, ...failing(code, 2))
        assert.strictEqual((yield* deallocations.reserve("deallocation", termsOf(connection, 3n))).state, "Reserved")
        assert.deepInclude(yield* balanceOf(connection), { available: 7n, reserved: 3n })
        assert.deepStrictEqual(yield* writerOf(database), before)
      }).pipe(Effect.provide(serviceOn(database))),
    ),
  )
}

it.live("a server that forgets the writer's prepared statements costs no command", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(100n)
      yield* query(
        database,
        `CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DEALLOCATE ALL; RETURN NEW; END $$`,
        "CREATE TRIGGER forget AFTER INSERT ON journal FOR EACH ROW EXECUTE FUNCTION forget()",
      )
      yield* Effect.forEach(Array_.range(1, 20), () => deallocations.reserve("deallocation", termsOf(connection, 1n)))
      assert.deepInclude(yield* balanceOf(connection), { available: 80n, reserved: 20n })
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("changes are written only in the transaction that holds the locks", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      yield* funded(10n)
      const connection = yield* open(database)
      const nonce = { value: "token-1", expiresAt: DateTime.makeUnsafe(0) }
      const rows = {
        newTransfers: [],
        changedTransfers: [],
        newAccounts: [],
        changedAccounts: [],
        currencies: [],
        entries: [],
      }
      const write = (transactionId: string) =>
        connection.query(...Write.statement({ transactionId, commitId: uuid() }, { ...rows, nonces: [nonce] }))

      assert.lengthOf((yield* write("1")).rows, 0)
      assert.lengthOf(yield* query(database, "SELECT * FROM nonces"), 0)

      yield* connection.query("BEGIN")
      const id = (yield* connection.query("SELECT pg_current_xact_id()::text AS id")).rows[0]?.["id"]
      assert.lengthOf((yield* write(String(id))).rows, 1)
      yield* connection.query("COMMIT")
      assert.lengthOf(yield* query(database, "SELECT * FROM nonces"), 1)
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("a disk that stays full makes commands unavailable, never rejected", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(10n)
      yield* query(database, ...failing("53100", 1_000_000))
      const terms = termsOf(connection, 3n)
      assert.strictEqual((yield* Effect.flip(deallocations.reserve("deallocation", terms)))._tag, "Unavailable")
      yield* query(database, "DROP TRIGGER fail ON journal")
      assert.strictEqual((yield* deallocations.reserve("deallocation", terms)).state, "Reserved")
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("one command that cannot be written does not fail its neighbours", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(100n)
      // No caller can make one: the tables refuse what slips past the types.
      const poison = { ...termsOf(connection, 1n), amount: { currency: "BTC" as never, quantity: BaseUnits.zero } }
      const commands = Array_.range(1, 50).map((n) => (n === 20 ? poison : termsOf(connection, 1n)))
      const results = yield* Effect.forEach(
        commands,
        (terms) => Effect.result(deallocations.reserve("deallocation", terms)),
        {
          concurrency: "unbounded",
        },
      )
      const failed = results.filter(Result.isFailure)
      assert.deepStrictEqual(
        failed.map((_) => _.failure._tag),
        ["Unavailable"],
      )
      assert.deepInclude(yield* balanceOf(connection), { available: 51n, reserved: 49n })
      assert.strictEqual((yield* Effect.flip(deallocations.find("deallocation", poison.id)))._tag, "TransferNotFound")
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("beyond maxQueue waiting commands, callers are refused at once", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(1_000n)
      const reserve = Effect.suspend(() =>
        Effect.result(deallocations.reserve("deallocation", termsOf(connection, 1n))),
      )
      const release = yield* holdAccounts(database)
      const first = yield* Effect.forkChild(reserve, { startImmediately: true })
      yield* untilWaiting(database)
      // The first is in its transaction; fifty may wait; the other ten are answered though nothing commits.
      const others = yield* Effect.forEach(Array_.range(1, 60), () =>
        Effect.forkChild(reserve, { startImmediately: true }),
      )
      const refused = yield* Effect.forEach(others.slice(50), Fiber.join)
      assert.deepStrictEqual(
        refused.filter(Result.isFailure).map((_) => String(_.failure._tag)),
        Array_.makeBy(10, () => "Unavailable"),
      )
      yield* release
      const taken = yield* Effect.forEach([first, ...others.slice(0, 50)], Fiber.join)
      assert.isTrue(taken.every(Result.isSuccess))
      assert.deepInclude(yield* balanceOf(connection), { reserved: 51n })
    }).pipe(Effect.provide(serviceOn(database, { maxQueue: 50 }))),
  ),
)

it.live("what the domain does not know, the tables refuse", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const connection = yield* funded(10n)
      const refused = (statement: string) =>
        Effect.map(Effect.flip(query(database, statement)), (error) => String(error.reason.cause))
      assert.include(yield* refused("UPDATE accounts SET available = -1"), "base_units_check")
      assert.include(yield* refused("UPDATE accounts SET deallocated = 2::numeric ^ 256 - 1"), "total_within_bound")
      assert.include(yield* refused("UPDATE accounts SET head = 'short'"), "sha256_check")
      assert.include(yield* refused("UPDATE transfers SET quantity = 0"), "positive_base_units_check")
      assert.include(yield* refused("UPDATE transfers SET quantity = 2::numeric ^ 256"), "positive_base_units_check")
      assert.include(yield* refused("UPDATE transfers SET currency = ''"), "currency_check")
      assert.include(yield* refused("UPDATE transfers SET state = 'Lost'"), "transfer_state_check")
      assert.include(yield* refused("UPDATE transfers SET state = NULL"), "not-null constraint")
      assert.include(yield* refused("INSERT INTO journal (version) VALUES (3)"), "journal_version_check")
      assert.include(yield* refused("INSERT INTO journal (event) VALUES ('Lost')"), "journal_event_check")
      assert.include(yield* refused("UPDATE journal SET quantity = 1"), "append-only")
      assert.include(yield* refused("DELETE FROM journal"), "append-only")
      assert.include(yield* refused("TRUNCATE journal"), "append-only")
      const deallocations = yield* Holdfast.Holdfast
      yield* deallocations.reserve("deallocation", termsOf(connection, 1n))
      for (const [kind, change] of [
        ["adjustment", "kind = 'gift'"],
        ["adjustment", "kind = 'lock'"],
        ["adjustment", "state = 'Reserved'"],
        ["adjustment", "state = 'Debited'"],
        ["adjustment", "direction = NULL"],
        ["adjustment", "reason = 'none'"],
        ["adjustment", "client_id = gen_random_uuid()"],
        ["deallocation", "kind = 'lock'"],
        ["deallocation", "state = 'Rejected'"],
        ["deallocation", "state = 'Credited', direction = 'credit'"],
        ["deallocation", "reason = 'none'"],
        ["deallocation", "client_id = NULL"],
        ["deallocation", "partners_connection_id = NULL"],
        ["deallocation", "partners_connection_id = ''"],
        ["deallocation", "partner_client_id = NULL"],
        ["deallocation", "partner_transfer_id = NULL"],
        ["deallocation", "memo = 'none'"],
      ]) {
        const statement = `UPDATE transfers SET ${change} WHERE kind = '${kind}'`
        assert.include(yield* refused(statement), "transfer_is_whole", statement)
      }
      assert.deepInclude(yield* balanceOf(connection), { available: 9n, reserved: 1n })
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)
