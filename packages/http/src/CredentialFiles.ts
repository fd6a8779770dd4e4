/** Credentials as the settings name them: files, and the environment. Never the command line, which everybody can read. */
import * as Path from "node:path"
import { Effect, FileSystem, Redacted } from "effect"
import type { Given } from "./Credentials.ts"
import { InvalidSetting, type Settings, words } from "./Settings.ts"

/** Who may do what with a file that decides whom we believe. */
const forbidden = {
  /** Whoever can write a public key can sign. */
  publicKey: { mode: 0o022, fact: "can be written by others. Take that from them: chmod go-w" },
  /** Whoever can read a token is the operator. */
  token: { mode: 0o077, fact: "can be read by others. Take that from them: chmod go-rwx" },
} as const

const read = Effect.fnUntraced(
  function* (variable: string, file: string, kind: keyof typeof forbidden) {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(file)
    const { mode } = yield* fs.stat(file)
    if ((mode & forbidden[kind].mode) !== 0) {
      return yield* new InvalidSetting({ variable, fact: `${file} ${forbidden[kind].fact} ${file}` })
    }
    return text
  },
  (reading, variable) =>
    Effect.catchTag(reading, "PlatformError", ({ message }) =>
      Effect.fail(new InvalidSetting({ variable, fact: message })),
    ),
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
    Effect.map(read("BITGO_PUBLIC_KEY_FILE", file, "publicKey"), (pem) => ({ name: Path.parse(file).name, pem })),
  )
  const text =
    operatorTokenFile === undefined ? undefined : yield* read("OPERATOR_TOKEN_FILE", operatorTokenFile, "token")
  return { publicKeys, operatorTokens: [...operatorTokens, ...words(text).map((token) => Redacted.make(token))] }
})
