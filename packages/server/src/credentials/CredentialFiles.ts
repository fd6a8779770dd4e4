/** Credentials as the settings name them: files, and the environment. Never the command line, which everybody can read. */
import * as Path from "node:path"
import type { Given } from "@holdfast/http/Credentials"
import * as Operators from "@holdfast/http/Operators"
import { Effect, FileSystem, Option, Redacted, Schema } from "effect"
import * as FileFault from "../settings/FileFault.ts"
import { InvalidSetting } from "../settings/InvalidSetting.ts"

export interface Options {
  /** Several, so that one can take the place of another. */
  readonly publicKeyFiles: ReadonlyArray<string>
  readonly operatorTokens: ReadonlyArray<Redacted.Redacted>
  readonly operatorTokenFile: string | undefined
  /** Operators by name, as JSON: see {@link OperatorsFile}. */
  readonly operatorsFile: string | undefined
  /** A private key that connection tokens may be encrypted for. */
  readonly connectionTokenKeyFile: string | undefined
}

/** The tokens in a text, with white space between them. */
export const tokensIn = (text: string): ReadonlyArray<Redacted.Redacted> =>
  text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((token) => Redacted.make(token))

/** What of a file's mode is too much, and how it is taken away. */
interface Rule {
  readonly forbidden: number
  readonly says: string
  readonly remedy: string
}

const rules = {
  /** For keys to sign with, and tokens. */
  secret: { forbidden: 0o027, says: "is open to others than its owner and group", remedy: "chmod g-w,o-rwx" },
  /** For keys that everybody may know. */
  public: { forbidden: 0o022, says: "can be changed by others than its owner", remedy: "chmod go-w" },
} satisfies Readonly<Record<string, Rule>>

interface Info {
  readonly mode: number
  readonly uid: Option.Option<number>
}

/** What is wrong with who may do what with a file, where `self` is the user who asks. */
export const faultOf = (
  { mode, uid }: Info,
  kind: keyof typeof rules,
  self: number | undefined,
): ((file: string) => string) | undefined => {
  const owner = Option.getOrUndefined(uid)
  if (self !== undefined && owner !== undefined && owner !== 0 && owner !== self) {
    return (file) => `${file} belongs to user ${owner}. It must belong to root or to user ${self}, who runs this.`
  }
  const { forbidden, says, remedy } = rules[kind]
  return (mode & forbidden) === 0 ? undefined : (file) => `${file} ${says}. Close it: ${remedy} ${file}`
}

const maxBytes = 1_048_576

/** Reads a file of keys or tokens that is not open to others. */
export const read = Effect.fnUntraced(function* (variable: string, file: string, kind: keyof typeof rules = "secret") {
  const fs = yield* FileSystem.FileSystem
  // Opening anything else may wait for ever: a pipe for its writer.
  if ((yield* fs.stat(file)).type !== "File") {
    return yield* new InvalidSetting({ variable, fact: `${file} is no regular file.` })
  }
  // What is looked at and what is read is one file, whatever becomes of its name meanwhile.
  const opened = yield* fs.open(file)
  const fault = faultOf(yield* opened.stat, kind, process.getuid?.())
  if (fault !== undefined) return yield* new InvalidSetting({ variable, fact: fault(file) })
  const chunks: Array<Uint8Array> = []
  let size = 0
  for (;;) {
    const chunk = yield* opened.readAlloc(65_536)
    if (Option.isNone(chunk)) return Buffer.concat(chunks).toString("utf8")
    chunks.push(chunk.value)
    size += chunk.value.length
    if (size > maxBytes)
      return yield* new InvalidSetting({ variable, fact: `${file} has more than ${maxBytes} bytes.` })
  }
}, Effect.scoped)

const readSetting = (...file: Parameters<typeof read>) =>
  Effect.catchTag(read(...file), "PlatformError", (error) =>
    Effect.fail(new InvalidSetting({ variable: file[0], fact: FileFault.onRead(file[1], error) })),
  )

/** The tokens of a file. One without any would lock the operator out. */
const readTokens = Effect.fnUntraced(function* (file: string) {
  const variable = "OPERATOR_TOKEN_FILE"
  const tokens = tokensIn(yield* readSetting(variable, file))
  if (tokens.length === 0) return yield* new InvalidSetting({ variable, fact: `There is no token in ${file}.` })
  return tokens
})

/** Each operator once, with a token of their own or several. */
const OperatorsFile = Schema.Array(
  Schema.Struct({
    name: Schema.String.check(
      Schema.isPattern(/^[^\p{C}\p{Z}]{1,64}$/u, { expected: "a name of 1 to 64 characters without spaces" }),
      Schema.isMaxLength(64),
    ),
    role: Schema.Literals(Operators.roles),
    tokens: Schema.NonEmptyArray(Schema.String),
  }),
).check(
  Schema.makeFilter((all) => new Set(all.map(({ name }) => name)).size === all.length, { expected: "each name once" }),
)

const decodeOperators = Schema.decodeUnknownEffect(Schema.fromJsonString(OperatorsFile))

const readOperators = Effect.fnUntraced(function* (file: string) {
  const variable = "OPERATORS_FILE"
  const operators = yield* Effect.mapError(
    decodeOperators(yield* readSetting(variable, file)),
    // What stands there is secret, so it is not said.
    () =>
      new InvalidSetting({
        variable,
        fact: `Expected [{"name":"anna","role":"read|operate|admin","tokens":["…"]}], each name once, in ${file}.`,
      }),
  )
  return operators.flatMap(({ name, role, tokens }) =>
    tokens.map((token): Operators.Token => ({ name, role, token: Redacted.make(token) })),
  )
})

/** A key is called as its file is, without the ending. */
export const load = Effect.fnUntraced(function* ({
  publicKeyFiles,
  operatorTokens,
  operatorTokenFile,
  operatorsFile,
  connectionTokenKeyFile,
}: Options): Effect.fn.Return<Given, InvalidSetting, FileSystem.FileSystem> {
  const publicKeys = yield* Effect.forEach(publicKeyFiles, (file) =>
    Effect.map(readSetting("BITGO_PUBLIC_KEY_FILE", file, "public"), (pem) => ({ name: Path.parse(file).name, pem })),
  )
  const tokens = operatorTokenFile === undefined ? [] : yield* readTokens(operatorTokenFile)
  const connectionTokenKey =
    connectionTokenKeyFile === undefined
      ? undefined
      : Redacted.make(yield* readSetting("CONNECTION_TOKEN_KEY_FILE", connectionTokenKeyFile))
  const operators = operatorsFile === undefined ? [] : yield* readOperators(operatorsFile)
  return { publicKeys, operatorTokens: [...operatorTokens, ...tokens], operators, connectionTokenKey }
})
