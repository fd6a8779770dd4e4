export default {
  extensionsToTreatAsEsm: [".ts"],
  moduleFileExtensions: ["ts", "mjs", "js"],
  testMatch: ["**/*.test.ts"],
  transform: { "\\.ts$": "<rootDir>/strip-types.mjs" },
  // "@holdfast/source" only here, where packages are not built: it takes their sources.
  testEnvironmentOptions: { customExportConditions: ["@holdfast/source", "node", "import"] },
}
