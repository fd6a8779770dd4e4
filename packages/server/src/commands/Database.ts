/** The database that the settings name, without a server in between. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect } from "effect"
import * as EmbeddedPostgres from "../postgres/EmbeddedPostgres.ts"
import * as Settings from "../settings/Settings.ts"
import * as Environment from "./Environment.ts"

/** Where it is, for every command that goes there. */
export const flags = {
  dataDirectory: Environment.flags.DATA_DIR,
  schema: Environment.flags.DATABASE_SCHEMA,
}

interface Given {
  readonly dataDirectory: Parameters<typeof Environment.overriding>[0]["DATA_DIR"] & {}
  readonly schema: Parameters<typeof Environment.overriding>[0]["DATABASE_SCHEMA"] & {}
}

export const overriding = ({ dataDirectory, schema }: Given) =>
  Environment.overriding({ DATA_DIR: dataDirectory, DATABASE_SCHEMA: schema })

/** One that is there: the embedded one while a server runs on it, or by itself for as long as the scope lasts. */
export const find = Effect.gen(function* () {
  const { databaseUrl, dataDirectory, databaseSchema: schema } = yield* Settings.loadDatabase
  const connection = databaseUrl === undefined ? yield* EmbeddedPostgres.find(dataDirectory) : { url: databaseUrl }
  return { connection, schema }
})

/** One to write to: the embedded one is made where there is none, and must not be in use. */
export const make = Effect.gen(function* () {
  const { databaseUrl, dataDirectory, databaseSchema: schema } = yield* Settings.loadDatabase
  if (databaseUrl !== undefined) return { connection: { url: databaseUrl }, schema }
  const { path, username, database } = yield* EmbeddedPostgres.start({ directory: dataDirectory })
  return { connection: { path, username, database }, schema }
}).pipe(Effect.provide(NodeFileSystem.layer))
