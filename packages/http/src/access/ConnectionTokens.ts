/**
 * Connection tokens as they are shown: by their hash alone they are known. Where
 * the network encrypts them with a key that the partner gave it, they are opened
 * first. No guide says how; this is read off the network's own SDK:
 *
 *     base64(RSA-OAEP-SHA256(key)) "\n" base64(0x01 ‖ salt16 ‖ iv12 ‖ ciphertext ‖ tag16)
 *
 * with AES-256-GCM under PBKDF2-SHA256(key, salt, 200,000 rounds).
 */
import { Effect } from "effect"
import * as Envelope from "../node/Envelope.ts"
import { sha256 } from "../node/Sha256.ts"
import { Credentials } from "./Credentials.ts"

/** Of a token, in lower-case hexadecimal. */
export const hashOf = (token: string): string => sha256(token).toString("hex")

/** No token of ours is longer, by far, nor is one that was encrypted. */
const maxLength = 16_384

/** The hash of a token as it is shown; none where it is encrypted and cannot be opened. */
export const hashOfShown = (shown: string): Effect.Effect<string | undefined, never, Credentials> =>
  Effect.flatMap(Credentials, ({ connectionTokenKey }) => {
    if (shown.length > maxLength) return Effect.undefined
    const key = connectionTokenKey()
    if (key === undefined || !shown.includes("\n")) return Effect.succeed(hashOf(shown))
    return Effect.map(
      Effect.promise(() => Envelope.open(key, shown)),
      (token) => (token === undefined ? undefined : hashOf(token)),
    )
  })
