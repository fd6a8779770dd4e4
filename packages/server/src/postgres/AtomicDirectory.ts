/** Directories that are there as a whole or not at all: they are made under another name and renamed. */
import * as Path from "node:path"
import { Duration, Effect, FileSystem, Option } from "effect"
import type { PlatformError } from "effect/PlatformError"

/**
 * Makes a directory unless it is there. Several processes may do so at the same time: the directory of the first one
 * counts. What `fill` writes must be on the disk when it ends.
 */
export const ensure = Effect.fnUntraced(function* <E, R, E2, R2>(
  target: string,
  isThere: Effect.Effect<boolean, E, R>,
  fill: (temporary: string) => Effect.Effect<void, E2, R2>,
): Effect.fn.Return<void, E | E2 | PlatformError, R | R2 | FileSystem.FileSystem> {
  if (yield* isThere) return
  const fs = yield* FileSystem.FileSystem
  const directory = Path.dirname(target)
  const prefix = `${Path.basename(target)}-new-`
  yield* Effect.scoped(
    Effect.gen(function* () {
      const temporary = yield* fs.makeTempDirectoryScoped({ directory, prefix })
      yield* Effect.ignore(removeLeftovers(directory, prefix, temporary))
      yield* fill(temporary)
      yield* fs.rename(temporary, target).pipe(
        // Another process may have been faster: what it made is as good as ours.
        Effect.catch((error) => Effect.flatMap(isThere, (there) => (there ? Effect.void : Effect.fail(error)))),
      )
      const parent = yield* fs.open(directory, { flag: "r" })
      yield* parent.sync
    }),
  )
})

/**
 * Removes what crashes left behind: younger ones may be another process at work. Their ages are counted from the one
 * that has just been made, so that no clock matters but the file system's.
 */
const removeLeftovers = Effect.fnUntraced(function* (directory: string, prefix: string, newest: string) {
  const fs = yield* FileSystem.FileSystem
  const modified = (path: string) =>
    Effect.map(fs.stat(path), ({ mtime }) =>
      Option.match(mtime, { onNone: () => Number.NaN, onSome: (at) => at.getTime() }),
    )
  const oldest = (yield* modified(newest)) - Duration.toMillis("10 minutes")
  for (const name of yield* fs.readDirectory(directory)) {
    const path = Path.join(directory, name)
    if (!name.startsWith(prefix) || !((yield* modified(path)) < oldest)) continue
    yield* fs.remove(path, { recursive: true, force: true })
  }
})
