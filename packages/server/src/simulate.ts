/**
 * `npm run simulate`: plays the network's side of the contract, and for the
 * preparations the partner's, against a running server. Exits with 1 if any
 * answer departs from what the contract says.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Simulation } from "@holdfast/conformance"
import { Console, Effect } from "effect"
import * as SimulationSettings from "./settings/SimulationSettings.ts"

SimulationSettings.load.pipe(
  Effect.flatMap(Simulation.simulate),
  Effect.tapErrorTag("CannotStart", ({ message }) => Console.error(message)),
  Effect.provide(NodeFileSystem.layer),
  NodeRuntime.runMain,
)
