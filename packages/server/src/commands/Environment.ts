/** Flags that stand for variables of the environment, and take their place. */
import { ConfigProvider, Effect, Option } from "effect"
import { Flag } from "effect/cli"

const named = (name: string, variable: string, what: string, metavar: string) =>
  Flag.String(name).pipe(Flag.withDescription(`${what} (${variable})`), Flag.withMetavar(metavar), Flag.optional)

/** By the variables that they stand for. */
export const flags = {
  HOST: named("host", "HOST", "The address to listen on", "ADDRESS"),
  PORT: named("port", "PORT", "The port to listen on", "PORT"),
  WORKERS: named("workers", "WORKERS", "How many processes serve", "NUMBER"),
  DATA_DIR: named("data-dir", "DATA_DIR", "Where the embedded database, development key and token are", "DIRECTORY"),
  DATABASE_SCHEMA: named("schema", "DATABASE_SCHEMA", "The schema of PostgreSQL that the tables live in", "NAME"),
  DATABASE_ROLE: named("role", "DATABASE_ROLE", "The role that the server runs as", "NAME"),
  HOLDFAST_URL: named("url", "HOLDFAST_URL", "The server to ask", "URL"),
  BITGO_PRIVATE_KEY_FILE: named("key", "BITGO_PRIVATE_KEY_FILE", "The private key to sign with", "FILE"),
}

/** Runs with what flags say in the place of the environment. */
export const overriding =
  (given: { readonly [Variable in keyof typeof flags]?: Option.Option<string> }) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    const env: Record<string, string> = {}
    for (const [variable, value] of Object.entries(given)) if (Option.isSome(value)) env[variable] = value.value
    return Effect.updateService(effect, ConfigProvider.ConfigProvider, (environment) =>
      ConfigProvider.orElse(ConfigProvider.fromEnv({ env }), environment),
    )
  }

/** For programs. */
export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Prints JSON, for programs"),
  Flag.withDefault(false),
)
