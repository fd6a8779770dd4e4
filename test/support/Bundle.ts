/** What bundlers make of our packages, by the one that Vite brings. */
import { build, defaultClientConditions } from "vite"

const entry = "\0entry"

/** The minified module that a browser would load for this code. What is external stays an import. */
export const bundle = async (code: string, external: RegExp | undefined = undefined): Promise<string> => {
  const output = await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["@holdfast/source", ...defaultClientConditions] },
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === entry ? entry : undefined),
        load: (id) => (id === entry ? code : undefined),
      },
    ],
    build: {
      write: false,
      target: "esnext",
      modulePreload: false,
      rolldownOptions: { input: entry, preserveEntrySignatures: "strict", ...(external && { external }) },
    },
  })
  if (!("output" in output)) throw new Error("Expected one bundle.")
  const chunks = output.output.filter((_) => _.type === "chunk")
  if (chunks.length !== 1) throw new Error(`Expected one chunk. Got ${chunks.length}.`)
  return chunks[0]?.code ?? ""
}
