import { test } from "node:test"
import { laws } from "@holdfast/domain/testing"
import { Effect } from "effect"
import { make } from "../../own-store/MapStore.ts"

for (const law of laws(make)) test(law.description, () => Effect.runPromise(law.check))
