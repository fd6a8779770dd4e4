/** Databases of other versions: an older one is brought up to date, a newer one is left alone. */

import { randomUUID } from "node:crypto"
import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Holdfast } from "@holdfast/domain"
import { Audit, Migrations } from "@holdfast/persistence"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { assertJournals, query, serviceOn, withDatabase } from "../support/Databases.ts"
import { balanceOf, funded, termsOf } from "../support/Fixtures.ts"

/** The tables of earlier commits, with what `npm run simulate` left in them. */
const versions = ["0002", "0006"] as const

const statementsOf = (version: (typeof versions)[number]) =>
  Fs.readFileSync(new URL(`tables-${version}.sql`, import.meta.url), "utf8")
    .split(/;\n(?=\n)/)
    .filter((statement) => statement.trim() !== "")

for (const version of versions)
  it.live(`a database of version ${version} opens, keeps what it has, and goes on`, () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        yield* query(database, ...statementsOf(version))
        const everything =
          "SELECT transfer_id, event, quantity, available, reserved, deallocated, at FROM journal ORDER BY seq"
        const files = "SELECT pg_relation_filenode(t) AS file FROM unnest('{accounts,journal}'::regclass[]) t"
        const before = yield* query(database, everything)
        const filesBefore = yield* query(database, files)
        assert.lengthOf(before, 99)
        const early = yield* Effect.flip(Audit.run(database.config))
        assert.match(early.message, /^The database has no tables in the schema holdfast\. Start the server/)
        yield* Effect.gen(function* () {
          // Nothing of ours is left behind, but what keeps servers of earlier versions from beginning anew there.
          const left = `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'`
          assert.deepStrictEqual(yield* query(database, left), [{ name: "holdfast_migrations" }])
          const guard = "SELECT max(migration_id) AS found FROM public.holdfast_migrations"
          assert.deepStrictEqual(yield* query(database, guard), [{ found: 9_999 }])
          const there = yield* Effect.flip(
            Effect.scoped(Layer.build(Layer.fresh(serviceOn(database, { schema: "public" })))),
          )
          assert.strictEqual(there._tag, "NewerSchema")
          assert.deepStrictEqual(yield* query(database, everything), before)
          // However large they are, these are not written anew. (Transfers are, for their partner's ids became text.)
          assert.deepStrictEqual(yield* query(database, files), filesBefore)
          assert.deepStrictEqual((yield* Audit.run(database.config)).findings, [])
          yield* assertJournals(database)
          assert.isNotEmpty(yield* query(database, "SELECT 1 FROM journal WHERE previous_at IS NOT NULL"))
          const known = yield* query(database, "SELECT code FROM currencies ORDER BY code")
          const credited = "SELECT DISTINCT currency AS code FROM journal WHERE event = 'Credited' ORDER BY code"
          assert.deepStrictEqual(known, yield* query(database, credited))
          assert.isNotEmpty(known)
          const deallocations = yield* Holdfast.Holdfast
          const connection = yield* funded(10n)
          yield* deallocations.reserve("deallocation", termsOf(connection, 3n))
          assert.deepInclude(yield* balanceOf(connection), { available: 7n, reserved: 3n })
          const [open] = (yield* deallocations.list("deallocation", { state: "Reserved", limit: 200 })).items.slice(1)
          assert.isDefined(open)
          if (open !== undefined) yield* deallocations.clear("deallocation", open.terms.id)
          assert.deepStrictEqual((yield* Audit.run(database.config)).findings, [])
        }).pipe(Effect.provide(serviceOn(database)))
      }),
    ),
  )

it.live("a database of a newer version is refused, and untouched", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      yield* Effect.scoped(Layer.build(Layer.fresh(serviceOn(database))))
      yield* query(database, "INSERT INTO holdfast_migrations (migration_id, name) VALUES (99, 'to_come')")
      assert.strictEqual((yield* Effect.flip(Audit.run(database.config)))._tag, "NewerSchema")
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.fresh(serviceOn(database)))))
      assert.strictEqual(
        error.message,
        "The database has the tables of a newer version (migration 99). This one knows them up to 10: run the newer version.",
      )
      const rows = yield* query(database, "SELECT max(migration_id) AS last, count(*) AS n FROM holdfast_migrations")
      assert.deepStrictEqual(
        rows.map((row) => [Number(row["last"]), Number(row["n"])]),
        [[99, 11]],
      )
    }),
  ),
)

it.live("a role that owns nothing serves, and can change nothing that is written", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const role = `holdfast_server_${randomUUID().slice(0, 8)}`
      const password = randomUUID()
      yield* query(database, `CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
      yield* Effect.addFinalizer(() => Effect.orDie(query(database, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`)))
      yield* Migrations.run(database.config, { role })
      const url = new URL(database.url)
      url.searchParams.delete("user")
      const config = { url: Redacted.make(url.href), username: role, password: Redacted.make(password) }
      const server = { config }
      assert.deepStrictEqual(yield* query(server, "SELECT current_user AS name"), [{ name: role }])

      yield* Effect.gen(function* () {
        const deallocations = yield* Holdfast.Holdfast
        const connection = yield* funded(10n)
        const expiresAt = DateTime.makeUnsafe(Date.now() + 60_000)
        const terms = termsOf(connection, 3n)
        yield* deallocations.reserve("deallocation", terms, { value: "token-1", expiresAt })
        yield* deallocations.clear("deallocation", terms.id, { value: "token-2", expiresAt })
        assert.deepInclude(yield* balanceOf(connection), { available: 7n, deallocated: 3n })
        assert.deepStrictEqual((yield* Audit.run(config)).findings, [])
        yield* query(server, "DELETE FROM nonces WHERE expires_at < now()")
      }).pipe(Effect.provide(serviceOn(server)))

      for (const statement of [
        "UPDATE journal SET quantity = 1",
        "DELETE FROM journal",
        "TRUNCATE journal",
        "ALTER TABLE journal DISABLE TRIGGER USER",
        "DELETE FROM transfers",
        "DELETE FROM accounts",
        "UPDATE connections SET partner_client_id = 'other'",
        "DELETE FROM connections",
        "DROP TABLE journal",
        "CREATE TABLE mine ()",
        "UPDATE holdfast_migrations SET name = 'other'",
      ]) {
        const { reason } = yield* Effect.flip(query(server, statement))
        assert.match(String(reason.cause), /permission denied|must be owner/, statement)
      }
    }).pipe(Effect.scoped),
  ),
)

it.live("the tables live in a schema of their own, beside whatever else is called as they are", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const others = ["CREATE TABLE public.accounts (name text)", "CREATE DOMAIN public.currency AS char(3)"]
      yield* query(database, ...others)
      for (const schema of [undefined, "custody"]) {
        yield* Effect.gen(function* () {
          const connection = yield* funded(10n)
          const holdfast = yield* Holdfast.Holdfast
          yield* holdfast.reserve("deallocation", termsOf(connection, 3n))
          assert.deepInclude(yield* balanceOf(connection), { available: 7n, reserved: 3n })
        }).pipe(Effect.provide(Layer.fresh(serviceOn(database, { schema }))))
        const { entries, findings } = yield* Audit.run(database.config, { schema })
        assert.deepStrictEqual([entries, findings], [2, []])
      }
      const inSchemas = `SELECT nspname AS name, count(*)::int AS count FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relkind = 'r' AND nspname IN ('public', 'holdfast', 'custody') GROUP BY 1 ORDER BY 1`
      assert.deepStrictEqual(yield* query(database, inSchemas), [
        { name: "custody", count: 13 },
        { name: "holdfast", count: 13 },
        { name: "public", count: 1 },
      ])
    }),
  ),
)

it.live("what was made in public stays there for a server that asks for it, and is moved from there once", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const build = (schema?: string) => Effect.scoped(Layer.build(Layer.fresh(serviceOn(database, { schema }))))
      const where = Effect.map(
        query(
          database,
          "SELECT relnamespace::regnamespace::text AS name FROM pg_class WHERE relname = 'transfers' ORDER BY 1",
        ),
        (rows) => rows.map((row) => row["name"]),
      )
      yield* build("public")
      // Tables that a later version made in public are there because somebody wants them there.
      yield* build()
      assert.deepStrictEqual(yield* where, ["holdfast", "public"])
    }),
  ),
)

it.live("a migration that fails changes nothing, and says in its first line why", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      yield* query(database, "CREATE SCHEMA holdfast", "CREATE TABLE holdfast.nonces (value text)")
      const error = yield* Effect.flip(Migrations.run(database.config))
      assert.strictEqual(
        error.message.split("\n")[0],
        'Migration "1_initial" failed: relation "nonces" already exists.',
      )
      const tables =
        "SELECT relname AS name FROM pg_class WHERE relnamespace = 'holdfast'::regnamespace AND relkind = 'r'"
      assert.deepStrictEqual(yield* query(database, `${tables} AND relname <> 'holdfast_migrations'`), [
        { name: "nonces" },
      ])
    }),
  ),
)

it.live("a role that may not make the tables is told who can", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const role = `holdfast_stranger_${randomUUID().slice(0, 8)}`
      const password = randomUUID()
      yield* query(database, `CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
      yield* Effect.addFinalizer(() => Effect.orDie(query(database, `DROP ROLE ${role}`)))
      const url = new URL(database.url)
      url.searchParams.delete("user")
      const config = { url: Redacted.make(url.href), username: role, password: Redacted.make(password) }
      const error = yield* Effect.flip(Migrations.run(config))
      const said =
        /^The tables cannot be made: permission denied for database \w+\. Have their owner run `npm run migrate`\.$/
      assert.match(error.message, said)
    }).pipe(Effect.scoped),
  ),
)

const build = (database: Parameters<typeof serviceOn>[0], schema?: string) =>
  Effect.scoped(Layer.build(Layer.fresh(serviceOn(database, { schema }))))

describe("tables of an earlier version", () => {
  it.live("in another schema than public are not passed over", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const elsewhere = statementsOf("0006").map((statement) => statement.replaceAll("public.", "custody."))
        yield* query(database, "CREATE SCHEMA custody", ...elsewhere)
        const error = yield* Effect.flip(build(database))
        const said = "The tables of an earlier version are in the schema custody, not in holdfast. "
        assert.strictEqual(error.message, `${said}Set DATABASE_SCHEMA to custody, or move them.`)
        yield* build(database, "custody")
        const { entries, findings } = yield* Audit.run(database.config, { schema: "custody" })
        assert.deepStrictEqual([entries, findings], [99, []])
      }),
    ),
  )

  it.live("that are read back into public beside those of this one are not passed over", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        yield* build(database)
        yield* query(database, ...statementsOf("0006"))
        assert.strictEqual((yield* Effect.flip(build(database)))._tag, "TablesElsewhere")
      }),
    ),
  )

  it.live("are moved alone, whatever else is called as later ones are", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const others = ["CREATE TABLE public.commits (by text)", "CREATE DOMAIN public.currency AS char(3)"]
        yield* query(database, ...statementsOf("0002"), ...others)
        yield* build(database)
        yield* query(database, "INSERT INTO public.commits VALUES ('somebody')", "SELECT 'BTC'::public.currency")
        assert.deepStrictEqual((yield* Audit.run(database.config)).findings, [])
      }),
    ),
  )

  it.live("are moved by their owner, who may make nothing in public", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const role = `holdfast_owner_${randomUUID().slice(0, 8)}`
        yield* query(database, `CREATE ROLE ${role} LOGIN`)
        yield* Effect.addFinalizer(() =>
          Effect.orDie(
            query(database, `REASSIGN OWNED BY ${role} TO CURRENT_USER`, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`),
          ),
        )
        const url = new URL(database.url)
        yield* query(
          database,
          ...statementsOf("0006"),
          "REVOKE ALL ON SCHEMA public FROM PUBLIC",
          `GRANT USAGE ON SCHEMA public TO ${role}`,
          `GRANT CREATE ON DATABASE ${url.pathname.slice(1)} TO ${role}`,
          `DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
              LOOP EXECUTE format('ALTER TABLE public.%I OWNER TO ${role}', name); END LOOP;
            FOR name IN SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'
              LOOP EXECUTE format('ALTER DOMAIN public.%I OWNER TO ${role}', name); END LOOP;
            ALTER FUNCTION public.journal_is_append_only OWNER TO ${role}; END $$`,
        )
        url.searchParams.set("user", role)
        yield* Migrations.run({ url: Redacted.make(url.href) })
        assert.deepStrictEqual((yield* Audit.run(database.config)).findings, [])
      }).pipe(Effect.scoped),
    ),
  )

  it.live("that were of another kind, as somebody says, are found to be none", () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        yield* query(database, ...statementsOf("0006"))
        yield* build(database)
        yield* query(database, "UPDATE transfers SET kind = 'allocation' WHERE reason = 'UNKNOWN_CONNECTION'")
        assert.isNotEmpty((yield* Audit.run(database.config)).findings)
      }),
    ),
  )
})

it.live("a database of which a role may not see what is in public is none of an earlier version", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const role = `holdfast_owner_${randomUUID().slice(0, 8)}`
      const url = new URL(database.url)
      yield* query(
        database,
        ...statementsOf("0006"),
        `CREATE ROLE ${role} LOGIN`,
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        `GRANT SELECT ON public.holdfast_migrations TO ${role}`,
        `CREATE SCHEMA holdfast AUTHORIZATION ${role}`,
      )
      yield* Effect.addFinalizer(() => Effect.orDie(query(database, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`)))
      url.searchParams.set("user", role)
      const config = { url: Redacted.make(url.href) }
      for (const time of [1, 2]) {
        yield* Migrations.run(config)
        assert.strictEqual((yield* Audit.run(config)).entries, 0, `time ${time}`)
      }
    }).pipe(Effect.scoped),
  ),
)
