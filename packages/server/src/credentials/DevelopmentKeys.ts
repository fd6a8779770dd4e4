/**
 * Keys for trying things out on the embedded database: BitGo's key pair, so that
 * one can play the network, and the operator's token. Made once in the data
 * directory, readable by their owner alone; starts that race agree on one pair.
 */
import { createPublicKey, generateKeyPair, randomBytes, randomUUID } from "node:crypto"
import * as Path from "node:path"
import { promisify } from "node:util"
import { Effect, FileSystem } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { InvalidSetting } from "../settings/InvalidSetting.ts"
import * as CredentialFiles from "./CredentialFiles.ts"

/** Where the key lies that signs as BitGo, and the one that verifies. */
interface KeyFiles {
  readonly privateKey: string
  readonly publicKey: string
}

/** Makes the key pair unless it is there. */
export const keyPair = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const files: KeyFiles = {
    privateKey: Path.join(directory, "bitgo-dev-private.pem"),
    publicKey: Path.join(directory, "bitgo-dev-public.pem"),
  }
  const pem = yield* readOrMake(files.privateKey, generatePrivateKey)
  // The public key follows from the private one, so that there can be no half of a pair.
  const publicPem = yield* Effect.try({
    try: () => createPublicKey(pem).export({ type: "spki", format: "pem" }).toString(),
    catch: () => new InvalidSetting({ variable: "DATA_DIR", fact: `${files.privateKey} is no private key.` }),
  })
  const temporary = yield* writeTemporary(files.publicKey, publicPem)
  yield* fs.rename(temporary, files.publicKey)
  return files
})

/** Makes the operator's token unless it is there. */
export const operatorToken = Effect.fnUntraced(function* (directory: string) {
  const file = Path.join(directory, "operator-token")
  yield* readOrMake(
    file,
    Effect.sync(() => randomBytes(32).toString("base64url")),
  )
  return file
})

const generatePrivateKey = Effect.promise(() => promisify(generateKeyPair)("rsa", { modulusLength: 2048 })).pipe(
  Effect.map(({ privateKey }) => privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
)

/** The text of a file, made whole or not at all, by whoever comes first. */
const readOrMake = Effect.fnUntraced(function* (
  file: string,
  make: Effect.Effect<string>,
): Effect.fn.Return<string, InvalidSetting | PlatformError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* fs.exists(file))) {
    yield* fs.makeDirectory(Path.dirname(file), { recursive: true, mode: 0o700 })
    const temporary = yield* writeTemporary(file, yield* make)
    // A link is made only if there is no such file yet.
    yield* fs.link(temporary, file).pipe(
      Effect.catchReason("PlatformError", "AlreadyExists", () => Effect.void),
      Effect.ensuring(Effect.ignore(fs.remove(temporary))),
    )
  }
  return yield* CredentialFiles.read("DATA_DIR", file)
})

const writeTemporary = Effect.fnUntraced(function* (file: string, text: string) {
  const fs = yield* FileSystem.FileSystem
  const temporary = `${file}.${randomUUID()}.tmp`
  yield* fs.writeFileString(temporary, text, { flag: "wx", mode: 0o600 })
  return temporary
})
