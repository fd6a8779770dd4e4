/** Credentials as the settings name them: files, and the environment. Never the command line, which everybody can read. */
import * as Path from "node:path"
import { Effect, FileSystem, Redacted } from "effect"
import type { Given } from "./Credentials.ts"
import { InvalidSetting, type Settings, words } from "./Settings.ts"

/** What of a file's mode opens it to others than its owner and group, or lets anybody but its owner change it. */
const open = 0o027

/** Reads a file of keys or tokens that is not open to others. */
export const read = Effect.fnUntraced(function* (variable: string, file: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(file)
  const { mode } = yield* fs.stat(file)
  if ((mode & open) === 0) return text
  const fact = `${file} is open to others than its owner and group. Close it: chmod g-w,o-rwx ${file}`
  return yield* new InvalidSetting({ variable, fact })
})

const readSetting = (variable: string, file: string) =>
  Effect.catchTag(read(variable, file), "PlatformError", ({ message }) =>
    Effect.fail(new InvalidSetting({ variable, fact: message })),
  )

/** A key is called as its file is, without the ending. */
export const load = Effect.fnUntraced(function* ({
  publicKeyFiles,
  operatorTokens,
  operatorTokenFile,
}: Pick<Settings, "publicKeyFiles" | "operatorTokens" | "operatorTokenFile">): Effect.fn.Return<
  Given,
  InvalidSetting,
  FileSystem.FileSystem
> {
  const publicKeys = yield* Effect.forEach(publicKeyFiles, (file) =>
    Effect.map(readSetting("BITGO_PUBLIC_KEY_FILE", file), (pem) => ({ name: Path.parse(file).name, pem })),
  )
  const text =
    operatorTokenFile === undefined ? undefined : yield* readSetting("OPERATOR_TOKEN_FILE", operatorTokenFile)
  return { publicKeys, operatorTokens: [...operatorTokens, ...words(text).map((token) => Redacted.make(token))] }
})
