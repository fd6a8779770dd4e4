/** Lines that go to standard output or a file as fast as these take them, and come from a file or standard input. */
import { createReadStream, createWriteStream } from "node:fs"
import { access, constants, unlink } from "node:fs/promises"
import type { Readable, Writable } from "node:stream"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Data, Effect, Stream } from "effect"
import { Failed, WrongUse } from "../commands/Outcome.ts"
import * as FileFault from "../settings/FileFault.ts"

/** Nobody takes what is written any more, or it could not be. */
class NotWritten extends Data.TaggedError("NotWritten")<{ readonly message: string; readonly isUnwanted: boolean }> {}

const failure = (error: Error & { readonly code?: string }) =>
  new NotWritten({ message: error.message, isUnwanted: error.code === "EPIPE" })

const put = (to: Writable, text: string) =>
  Effect.callback<void, NotWritten>((resume) => {
    to.write(text, (error) => resume(error ? Effect.fail(failure(error)) : Effect.void))
  })

const putAll = <E, R>(to: Writable, lines: Stream.Stream<string, E, R>) => {
  // It is said to each write too.
  to.on("error", () => {})
  return lines.pipe(
    Stream.grouped(256),
    Stream.runForEach((some) => put(to, some.map((line) => `${line}\n`).join(""))),
  )
}

/** Prints lines, as many as are wanted: a reader that has enough of them is no fault. */
export const print = <E, R>(lines: Stream.Stream<string, E, R>): Effect.Effect<void, E | NotWritten, R> =>
  Effect.catchIf(
    putAll(process.stdout, lines),
    (error): error is NotWritten => error instanceof NotWritten && error.isUnwanted,
    () => Effect.void,
  )

/** Writes a new file that its owner alone may read; nothing is left of it where it cannot be finished. */
export const save = Effect.fnUntraced(function* <E, R>(file: string, lines: Stream.Stream<string, E, R>) {
  const to = createWriteStream(file, { flags: "wx", mode: 0o600 })
  yield* Effect.callback<void, WrongUse>((resume) => {
    to.once("open", () => resume(Effect.void))
    to.once("error", (error) => resume(Effect.fail(new WrongUse({ message: FileFault.onMake(file, error) }))))
  })
  const written = Effect.andThen(
    putAll(to, lines),
    Effect.callback<void, NotWritten>((resume) => {
      to.end((error?: Error | null) => resume(error ? Effect.fail(failure(error)) : Effect.void))
    }),
  )
  return yield* Effect.onError(written, () =>
    Effect.andThen(
      Effect.sync(() => to.destroy()),
      Effect.ignore(Effect.tryPromise(() => unlink(file))),
    ),
  )
})

const maxLineLength = 1_048_576

/** That lines can come from there. */
export const expectReadable = (file: string) =>
  file === "-"
    ? Effect.void
    : Effect.asVoid(
        Effect.tryPromise({
          try: () => access(file, constants.R_OK),
          catch: (error) => new WrongUse({ message: FileFault.onRead(file, error) }),
        }),
      )

/** Reads the lines of a file, or of standard input where that is `-`. */
export const from = (file: string): Stream.Stream<string, Failed> =>
  NodeStream.fromReadable<Uint8Array, Failed>({
    evaluate: (): Readable => (file === "-" ? process.stdin : createReadStream(file)),
    onError: (error) => new Failed({ message: FileFault.onRead(file, error) }),
  }).pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.mapEffect((line) =>
      line.length > maxLineLength
        ? new Failed({ message: `A line has more than ${maxLineLength} characters.` })
        : Effect.succeed(line),
    ),
  )
