/**
 * Who may connect to the embedded PostgreSQL, and as what.
 *
 * Only processes of the operating system's user who runs the server (and root's), whom the kernel vouches for: there is
 * no password, and nothing listens on TCP. The server's own role owns its database and everything in it, and is nothing
 * beyond that: it cannot read files, run programs, make roles or become another. The superuser is for administration,
 * and for tests.
 *
 * Clusters that an older version made, with a superuser for everything and without authentication, are handed over.
 */
import * as Os from "node:os"
import * as Path from "node:path"
import { Effect, FileSystem, Schema } from "effect"

/** The roles, and the database of the first. */
export const names = { username: "holdfast_server", superuser: "holdfast", database: "holdfast" } as const

/** PostgreSQL asks the operating system for the name of whoever connects. */
export class UserWithoutName extends Schema.TaggedError<UserWithoutName>()("UserWithoutName", {
  uid: Schema.Number,
}) {
  override get message() {
    return `The user ${this.uid} has no name here, which PostgreSQL needs: add it to /etc/passwd, or set DATABASE_URL.`
  }
}

const notice = "# Written by Holdfast at each start of PostgreSQL."

const hba = `${notice}
local all all peer map=holdfast`

/** Who may be the superuser may be any role. */
const ident = Effect.try({
  try: () => {
    const users = new Set([Os.userInfo().username, "root"])
    return [notice, ...Array.from(users, (user) => `holdfast "${user}" all`)].join("\n")
  },
  catch: () => new UserWithoutName({ uid: process.geteuid?.() ?? 0 }),
})

/**
 * The command that starts PostgreSQL in its data directory, behind the files that say who may connect. PostgreSQL's
 * user writes them: root does not write where another may have placed a link.
 */
export const behind = (command: ReadonlyArray<string>) =>
  Effect.map(ident, (ident) => ["/bin/sh", "-c", writing, "sh", ident, hba, ...command])

const writing = `
write() { (umask 077 && printf '%s\\n' "$2" >"$1.$$" && mv -f "$1.$$" "$1"); }
write pg_ident.conf "$1" && write pg_hba.conf "$2" || exit
shift 2
exec "$@"`

/** Whether a cluster was made by an older version, or has not been handed over yet for another reason. */
export const isOpen = Effect.fnUntraced(function* (data: string) {
  const fs = yield* FileSystem.FileSystem
  return (yield* fs.readFileString(Path.join(data, "pg_hba.conf"))).trim() !== hba
})

/**
 * Makes the server's role, and hands it what the superuser (10, as in each cluster) owns that did not come with
 * PostgreSQL (which has object ids below 16384). May run again.
 */
const handOver = `
DO $$
DECLARE
  statement text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${names.username}') THEN
    CREATE ROLE ${names.username};
  END IF;
  ALTER ROLE ${names.username} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  ALTER DATABASE ${names.database} OWNER TO ${names.username};
  FOR statement IN
    SELECT format('SCHEMA %I', nspname) FROM pg_namespace
      WHERE nspowner = 10 AND oid >= 16384 AND nspname NOT LIKE 'pg\\_%'
    -- What belongs to a table, such as the sequence of a column, goes with it.
    UNION ALL SELECT format('TABLE %s', oid::regclass) FROM pg_class c
      WHERE relowner = 10 AND oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
          AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
    UNION ALL SELECT format('TYPE %s', oid::regtype) FROM pg_type t
      WHERE typowner = 10 AND oid >= 16384 AND (typtype IN ('d', 'e', 'r')
        OR EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND relkind = 'c'))
    UNION ALL SELECT format('ROUTINE %s', oid::regprocedure) FROM pg_proc
      WHERE proowner = 10 AND oid >= 16384
  LOOP
    EXECUTE format('ALTER %s OWNER TO ${names.username}', statement);
  END LOOP;
END $$;`

/** The command that hands a cluster over, in its data directory and while nobody can connect; PostgreSQL's options follow. */
export const handingOver = (postgres: string, options: ReadonlyArray<string>) => [
  "/bin/sh",
  "-c",
  `exec "$@" <<'END'\n${handOver}\nEND`,
  "sh",
  postgres,
  "--single",
  "-j",
  "-c",
  "exit_on_error=on",
  ...options,
  names.database,
]
