/** What the linters of OpenAPI documents say about one, by all of their rules but those that are named here. */
import { createConfig, lintFromString } from "@redocly/openapi-core"
import Spectral, { type RulesetDefinition } from "@stoplight/spectral-core"
import { oas } from "@stoplight/spectral-rulesets"

export const redocly = async (source: string): Promise<ReadonlyArray<string>> => {
  const config = await createConfig({ extends: ["recommended-strict"] })
  const problems = await lintFromString({ source, absoluteRef: "openapi.json", config })
  return problems.map(({ ruleId, message, location: [at] }) => `${ruleId}: ${message} ${JSON.stringify(at?.pointer)}`)
}

const rules = {
  // A license has an identifier or a URL.
  "license-url": "off",
  // It wants an address for mail, and there is none.
  "contact-properties": "off",
  // They come in the order that a reader needs.
  "openapi-tags-alphabetical": "off",
} as const

export const spectral = async (source: string): Promise<ReadonlyArray<string>> => {
  const linter = new Spectral.Spectral()
  linter.setRuleset({ extends: [[oas as RulesetDefinition, "all"]], rules })
  const problems = await linter.run(source)
  return problems.map(({ code, message, path }) => `${code}: ${message} ${path.join("/")}`)
}
