/** Pieces of files that a guide shows stand there. */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { root } from "../support/ServerProcess.ts"

/** Each piece, with the file that was named last before it. */
const snippetsOf = (markdown: string) =>
  [...markdown.matchAll(/^```ts snippet\n(.*?)^```$/gms)].map(({ index, 1: code = "" }) => ({
    file: [...markdown.slice(0, index).matchAll(/^\[(examples\/.*)\]\(\.\.\/\1\)$/gm)].at(-1)?.[1],
    code: code.trim(),
  }))

for (const guide of globSync("docs/*.md", { cwd: root })) {
  const snippets = snippetsOf(readFileSync(join(root, guide), "utf8"))
  if (snippets.length === 0) continue
  it(`what ${guide} shows is in the examples`, () => {
    for (const { file, code } of snippets) {
      assert.isDefined(file, code)
      assert.include(readFileSync(join(root, file), "utf8"), code, file)
    }
  })
}
