import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as SimulationSettings from "../settings/SimulationSettings.ts"
import * as Environment from "./Environment.ts"
import { notWell, orTell } from "./Outcome.ts"

const { HOLDFAST_URL, DATA_DIR, BITGO_PRIVATE_KEY_FILE } = Environment.flags

const yesWriteTo = Flag.String("yes-write-to").pipe(
  Flag.withDescription("The server whose books may be written in, though it is not one to play with"),
  Flag.withMetavar("URL"),
  Flag.optional,
)

export const simulate = Command.make(
  "simulate",
  { HOLDFAST_URL, DATA_DIR, BITGO_PRIVATE_KEY_FILE, yesWriteTo },
  ({ yesWriteTo, ...given }) =>
    Effect.gen(function* () {
      const options = yield* SimulationSettings.load(Option.getOrUndefined(yesWriteTo))
      const { Simulation } = yield* Effect.promise(() => import("@holdfast/conformance"))
      yield* Effect.catchTag(Simulation.simulate(options), "Departures", () => notWell)
    }).pipe(Effect.provide(NodeFileSystem.layer), Environment.overriding(given), orTell("Cannot simulate")),
).pipe(
  Command.withDescription(
    "Plays the network's side of the contract, and for the preparations the partner's, against a running server, and writes in its books. Exits with 1 if any answer departs from what the contract says.",
  ),
  Command.withShortDescription("plays the network against a running server"),
)
