/**
 * Fibers that never yield run one after another, and no race can happen. Here they yield after so
 * many operations, so that the in-memory store is entered again in the middle of a command.
 */
import { describe, it } from "@effect/vitest"
import { Holdfast, MemoryStore } from "@holdfast/domain"
import { Effect, References } from "effect"
import { races } from "../support/Races.ts"
import * as System from "../support/System.ts"

const makeService = Effect.provide(Holdfast.Holdfast, MemoryStore.layer())

describe("in memory, in whatever way requests interleave", () => {
  for (const [title, race] of Object.entries(races)) {
    it(`${title}`, async () => {
      for (const operations of [3, 4, 5, 6, 7, 8, 11, 16, 23, 37]) {
        const yielding = Effect.provideService(References.MaxOpsBeforeYield, operations)
        const service = await Effect.runPromise(makeService)
        await race(System.fromService(service, (effect) => Effect.runPromise(yielding(effect))))
      }
    })
  }
})
