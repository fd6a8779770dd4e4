import { availableParallelism } from "node:os"
import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

// Workspace packages resolve to their sources, as they do for tsc and for Node.
const resolve = { conditions: ["@holdfast/source", ...defaultServerConditions] }

export default defineConfig({
  ssr: { resolve },
  // Where vitest runs the global set-up.
  environments: { __vitest__: { resolve } },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Most tests wait for others to do something: on two cores, one at a time takes twice as long.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    globalSetup: ["test/support/globalSetup.ts"],
    // Only against what hangs: how long something may take, tests say themselves.
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
})
