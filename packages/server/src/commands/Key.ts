import { createHash, createPublicKey, generateKeyPair } from "node:crypto"
import * as Path from "node:path"
import { promisify } from "node:util"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Credentials from "@holdfast/http/Credentials"
import { Console, Effect, Layer, Redacted, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as CredentialFiles from "../credentials/CredentialFiles.ts"
import * as FileFault from "../settings/FileFault.ts"
import * as Lines from "../terminal/Lines.ts"
import * as Environment from "./Environment.ts"
import * as Operator from "./Operator.ts"
import { Failed, orTell, WrongUse } from "./Outcome.ts"

const name = Flag.String("name").pipe(
  Flag.withDescription("What the files begin with; the public one's name is the `kid` of its key"),
  Flag.withMetavar("NAME"),
  Flag.filter(
    (name) => /^[^/\\]+$/.test(name),
    (name) => `Expected a name without slashes. Got ${name}.`,
  ),
  Flag.withDefault("network"),
)
const to = Flag.String("to").pipe(
  Flag.withDescription("Where to make them (here)"),
  Flag.withMetavar("DIRECTORY"),
  Flag.withDefault("."),
)
const bits = Flag.Int("bits").pipe(
  Flag.filter(
    (bits) => bits >= 2048 && bits <= 16384,
    (bits) => `Expected 2048 to 16384 bits. Got ${bits}.`,
  ),
  Flag.withDescription("How long the key is (2048)"),
  Flag.withDefault(2048),
)

const make = Command.make("make", { name, to, bits }, ({ name, to, bits }) =>
  Effect.gen(function* () {
    const pair = yield* Effect.promise(() => promisify(generateKeyPair)("rsa", { modulusLength: bits }))
    const files = { private: Path.join(to, `${name}-private.pem`), public: Path.join(to, `${name}.pem`) }
    const pem = {
      private: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      public: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
    }
    for (const half of ["private", "public"] as const)
      yield* Lines.save(files[half], Stream.succeed(pem[half].trimEnd()))
    yield* Console.log(`BITGO_PRIVATE_KEY_FILE=${files.private}\nBITGO_PUBLIC_KEY_FILE=${files.public}`)
  }).pipe(orTell("Cannot make a key")),
).pipe(Command.withDescription("Makes a pair of keys to play the network with, and names the variables for its files."))

const files = Argument.String("file").pipe(
  Argument.withDescription("A public key in PEM, as BITGO_PUBLIC_KEY_FILE names it"),
  Argument.variadic({ min: 1 }),
)

/** What a server would find in a file, by its own rule. */
const described = Effect.fnUntraced(function* (file: string) {
  const pem = yield* CredentialFiles.read("FILE", file, "public").pipe(
    Effect.catchTag("PlatformError", (error) => new WrongUse({ message: FileFault.onRead(file, error) })),
  )
  const kid = Path.parse(file).name
  const nobody = Redacted.make("x".repeat(64))
  yield* Layer.build(Credentials.layer({ publicKeys: [{ name: kid, pem }], operatorTokens: [nobody] })).pipe(
    Effect.mapError(({ fact }) => new Failed({ message: fact })),
  )
  const key = createPublicKey(pem)
  const sha256 = createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex")
  return { file, kid, bits: key.asymmetricKeyDetails?.modulusLength, sha256 }
}, Effect.scoped)

const check = Command.make("check", { files, json: Environment.json }, (given) =>
  Effect.gen(function* () {
    const keys = yield* Effect.forEach(given.files, described)
    yield* Operator.show(
      keys,
      ["file", "kid", "bits", "sha256"].map((field) => Operator.column(field)),
      given,
    )
  }).pipe(Effect.provide(NodeFileSystem.layer), orTell("Cannot use the key")),
).pipe(
  Command.withDescription(
    "Checks public keys as the server does, and shows how long they are and what they are called.",
  ),
)

export const key = Command.make("key").pipe(
  Command.withDescription("Keys that sign the network's calls."),
  Command.withShortDescription("makes a key pair, and checks public keys"),
  Command.withSubcommands([make, check]),
)
