import { laws } from "@holdfast/domain/testing"
import { Effect } from "effect"
import { test } from "vitest"
import { make } from "../../own-store/MapStore.ts"

// More than what a law waits for an answer, so that it is the law that says which did not come.
for (const law of laws(make)) test(law.description, () => Effect.runPromise(law.check), 120_000)
