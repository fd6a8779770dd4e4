/** How a command ends: 0 where all is well, 1 where what it was asked about is not, 2 where it was asked wrongly. */
import { Cause, Console, Data, Effect } from "effect"
import { codeIn } from "../settings/FileFault.ts"
import { explain } from "../settings/StartFailure.ts"

/** It ended otherwise than well, and why has been said. */
export class Ended extends Data.TaggedError("Ended")<{ readonly code: 1 | 2 }> {}

/** What was asked about is not well. */
export const notWell = new Ended({ code: 1 })

/** Asked wrongly, in a line that says how to ask. */
export class WrongUse extends Data.TaggedError("WrongUse")<{ readonly message: string }> {}

/** Could not be done, in a line that says why. */
export class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

interface Tagged {
  readonly _tag: string
  readonly message: string
  readonly cause?: unknown
  readonly isWrongUse?: boolean
}

const wrongUses = new Set([
  "WrongUse",
  "InvalidSetting",
  "SettingsMissing",
  "InvalidOption",
  "NoDatabase",
  "ConfigError",
])

/** What the system says of a HOST that there is not. A PORT that is in use now is nobody's mistake. */
const wrongHosts = new Set(["ENOTFOUND", "EADDRNOTAVAIL"])

const isWrong = ({ _tag, cause }: Tagged) =>
  wrongUses.has(_tag) || (_tag === "ServeError" && wrongHosts.has(codeIn(cause) ?? ""))

/** What a failure ends with. */
export const codeOf = (error: Tagged): 1 | 2 => ((error.isWrongUse ?? isWrong(error)) ? 2 : 1)

/** Says on standard error why it failed, after what could not be done. */
export const orTell =
  (what: string, { otherwise }: { readonly otherwise?: 2 } = {}) =>
  <A, E extends Tagged, R>(effect: Effect.Effect<A, E | Ended, R>): Effect.Effect<A, Ended, R> =>
    effect.pipe(
      Effect.catchDefect((defect) => Effect.fail(new Failed({ message: Cause.pretty(Cause.die(defect)) }))),
      Effect.catch((error: E | Ended | Failed) =>
        error instanceof Ended
          ? Effect.fail(error)
          : Effect.andThen(
              Console.error(`${what}: ${explain(error)}`),
              new Ended({ code: otherwise ?? codeOf(error) }),
            ),
      ),
    )
