/** Ready is whoever can write; and whoever cannot says so in time. */
import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Holdfast } from "@holdfast/domain"
import { Effect, Redacted } from "effect"
import { query, serviceOn, withDatabase } from "../support/Databases.ts"
import { funded, termsOf } from "../support/Fixtures.ts"
import type { TestDatabase } from "../support/TestDatabase.ts"

const isReady = Effect.flatMap(Holdfast.Holdfast, ({ ready }) =>
  Effect.match(ready, { onSuccess: () => true, onFailure: () => false }),
)

const eventually = (expected: boolean) =>
  Effect.eventually(
    Effect.filterOrFail(
      isReady,
      (ready) => ready === expected,
      () => "not yet",
    ),
  )

const failing = (code: string) => [
  `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '${code}'; END $$`,
  "CREATE TRIGGER fail BEFORE INSERT ON commits FOR EACH STATEMENT EXECUTE FUNCTION fail()",
]

describe("a server is ready", () => {
  const faults: Record<string, { readonly begin: ReadonlyArray<string>; readonly end: ReadonlyArray<string> }> = {
    "a full disk": { begin: failing("53100"), end: ["DROP TRIGGER fail ON commits"] },
    "a database that can only be read": { begin: failing("25006"), end: ["DROP TRIGGER fail ON commits"] },
    "a fault that lasts": { begin: failing("XX000"), end: ["DROP TRIGGER fail ON commits"] },
  }
  for (const [what, { begin, end }] of Object.entries(faults)) {
    it.live(`before and after ${what}, and not with it`, () =>
      withDatabase((database) =>
        Effect.gen(function* () {
          yield* eventually(true)
          yield* query(database, ...begin)
          yield* eventually(false)
          assert.isFalse(yield* isReady)
          yield* query(database, ...end)
          yield* eventually(true)
        }).pipe(Effect.provide(serviceOn(database))),
      ),
    )
  }

  it.live("only with a writer that can connect, though readers can", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const role = `holdfast_reader_${randomUUID().slice(0, 8)}`
        yield* query(database, `CREATE ROLE ${role} LOGIN CONNECTION LIMIT 1`)
        yield* Effect.addFinalizer(() => Effect.orDie(query(database, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`)))
        const url = new URL(database.url)
        yield* query(database, `GRANT CREATE ON DATABASE ${url.pathname.slice(1)} TO ${role}`)
        url.searchParams.delete("user")
        url.searchParams.set("user", role)
        const config = { url: Redacted.make(url.href) }
        // The reader has the only connection, for the tables are made with it.
        assert.isFalse(yield* Effect.provide(isReady, serviceOn({ config })))
      }).pipe(Effect.scoped),
    ),
  )

  it.live("which it says again and again without writing more than once a second", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const begun = performance.now()
        yield* eventually(true)
        yield* Effect.forEach(Array.from({ length: 200 }), () => isReady)
        const [row] = yield* query(database, "SELECT count(*)::int AS n FROM commits")
        assert.isAtMost(Number(row?.["n"]), 2 + (performance.now() - begun) / 1_000)
      }).pipe(Effect.provide(serviceOn(database))),
    ),
  )
})

/** So that each starts with the tables and a connection. */
const withService = <A, E>(use: (database: TestDatabase["Service"]) => Effect.Effect<A, E, Holdfast.Holdfast>) =>
  withDatabase((database) => Effect.provide(Effect.andThen(eventually(true), use(database)), serviceOn(database)))

it.live("what PostgreSQL cannot do is a fault of ours, and no reason to come again", () =>
  withService((database) =>
    Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(10n)
      yield* query(database, "ALTER TABLE connections RENAME TO others")
      const exit = yield* Effect.exit(deallocations.connection(connection.connectionId))
      assert.isTrue(exit._tag === "Failure" && exit.cause.reasons.every(({ _tag }) => _tag === "Die"))
      assert.strictEqual(
        (yield* deallocations.find("deallocation", termsOf(connection, 1n).id).pipe(Effect.flip))._tag,
        "TransferNotFound",
      )
    }),
  ),
)
