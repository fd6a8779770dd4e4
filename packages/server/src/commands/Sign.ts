import { randomUUID } from "node:crypto"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { SignJWT } from "jose"
import * as SimulationSettings from "../settings/SimulationSettings.ts"
import * as Environment from "./Environment.ts"
import { orTell } from "./Outcome.ts"

const { DATA_DIR, BITGO_PRIVATE_KEY_FILE } = Environment.flags

export const sign = Command.make("sign", { DATA_DIR, BITGO_PRIVATE_KEY_FILE }, (given) =>
  Effect.gen(function* () {
    const key = yield* SimulationSettings.loadKey
    const token = new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: "RS256" })
      .setIssuedAt()
      .setExpirationTime("30s")
    yield* Console.log(yield* Effect.promise(() => token.sign(key)))
  }).pipe(Effect.provide(NodeFileSystem.layer), Environment.overriding(given), orTell("Cannot sign")),
).pipe(
  Command.withDescription(
    "Prints a signature for one call within half a minute, made with the network's development key.",
  ),
  Command.withShortDescription("prints a signature for one call"),
)
