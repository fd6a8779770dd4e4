/**
 * Prints a signature for one call within half a minute, made with the network's
 * development key: `npm run --silent sign`.
 */
import { type KeyObject, randomUUID } from "node:crypto"
import { NodeFileSystem, NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { SignJWT } from "jose"
import * as SimulationSettings from "./settings/SimulationSettings.ts"

const sign = Effect.fnUntraced(function* (key: KeyObject) {
  const token = new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: "RS256" })
    .setIssuedAt()
    .setExpirationTime("30s")
  yield* Console.log(yield* Effect.promise(() => token.sign(key)))
})

SimulationSettings.loadKey.pipe(
  Effect.flatMap(sign),
  Effect.tapError(({ message }) => Console.error(message)),
  Effect.provide(NodeFileSystem.layer),
  NodeRuntime.runMain,
)
