import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

// Only here, where packages are not built: it takes their sources.
const resolve = { conditions: ["@holdfast/source", ...defaultServerConditions] }

export default defineConfig({ ssr: { resolve } })
