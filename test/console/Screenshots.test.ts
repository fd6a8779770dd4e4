/**
 * Every page, light, dark and on a phone: nothing sticks out at any width, axe-core finds nothing, and pictures are made.
 * They replace those of docs/console with `UPDATE_SCREENSHOTS=1`, and are made and thrown away otherwise.
 */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import axe from "axe-core"
import { Effect, Exit, Scope } from "effect"
import type { Page } from "playwright-core"
import { root } from "../support/ServerProcess.ts"
import * as Console from "./Console.ts"

const updating = process.env["UPDATE_SCREENSHOTS"] === "1"
const folder = updating ? join(root, "docs/console") : Fs.mkdtempSync(join(tmpdir(), "holdfast-console-"))
Fs.mkdirSync(folder, { recursive: true })

/** Of a page that is longer, the upper part tells enough. */
const picture = async (page: Page, name: string) => {
  const { width = 0 } = page.viewportSize() ?? {}
  const height = Number(await page.evaluate("document.documentElement.scrollHeight"))
  const clip = { x: 0, y: 0, width, height: Math.min(height, 1_400) }
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, clip })
}

const [connection] = Console.connections
const pages: ReadonlyArray<readonly [name: string, path: string]> = [
  ["overview", "/console"],
  ["deallocations", "/console/deallocations"],
  ["deallocation", `/console/deallocations/${Console.cleared}`],
  ["rejected", `/console/deallocations/${Console.rejected}`],
  ["allocations", "/console/allocations"],
  ["locks", "/console/locks"],
  ["lock", `/console/locks/${Console.openLock}`],
  ["adjustments", "/console/adjustments"],
  ["connections", "/console/connections"],
  ["connection", `/console/connections/${connection?.connectionId}`],
  ["tokens", "/console/tokens"],
  ["journal", "/console/journal"],
  ["log", "/console/log"],
  ["find", "/console/find?q=northwind"],
]

/** Shows a page, and waits until it shows all that it has. */
const show = async (page: Page, url: string) => {
  await page.goto(url)
  await Console.isLive(page)
  await Console.isLoaded(page)
}

const violationsOf = async (page: Page): Promise<ReadonlyArray<string>> => {
  const json =
    await page.evaluate(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
    .then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) =>
      [id, nodes.map((node) => node.html + " " + node.failureSummary).slice(0, 3)])))`)
  return JSON.parse(String(json))
}

describe("every page", { timeout: 300_000 }, () => {
  const scope = Scope.makeUnsafe()
  let console: Console.Console
  beforeAll(async () => {
    console = await Effect.runPromise(Scope.provide(Console.start, scope))
    // Somebody did something, so that the log and the list of tokens have something to show.
    await console.call("POST", "/operator/v1/connection-tokens", {
      partnersConnectionId: "treasury-uk",
      partnerClientId: "northwind",
    })
  })
  afterAll(async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    if (!updating) Fs.rmSync(folder, { recursive: true })
  })

  it("fits from 320 to 3840 pixels, and has nothing, light or dark, that axe-core knows to be a barrier", async () => {
    const found: Record<string, unknown> = {}
    const scrolls = (page: Page) => page.evaluate("document.documentElement.scrollWidth > innerWidth")
    const inspect = async (page: Page, name: string) => {
      // The page's policy lets no script of others in, so it is run from outside.
      await page.evaluate(axe.source)
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme })
        const violations = await violationsOf(page)
        if (violations.length > 0) found[`${name} ${colorScheme}`] = violations
        await picture(page, `${name}-${colorScheme}`)
      }
      await page.emulateMedia({ colorScheme: "light" })
      for (const [screen, width] of [
        ["4k", 3840],
        ["phone", 320],
      ] as const) {
        await page.setViewportSize({ width, height: 800 })
        if (await scrolls(page)) found[`${name} ${screen}`] = "scrolls"
        if (screen === "phone" || !updating) await picture(page, `${name}-${screen}`)
      }
      await page.setViewportSize({ width: 1280, height: 800 })
      if (await scrolls(page)) found[`${name} 1280`] = "scrolls"
    }

    const nobody = await console.browser.newPage({ viewport: { width: 1280, height: 800 } })
    await nobody.goto(`${console.url}/console`)
    await nobody.getByLabel("Operator’s token").waitFor()
    await inspect(nobody, "login")
    await nobody.close()

    const { page, context, complaints } = await Console.visit(console, "otto", "/console", { reducedMotion: "reduce" })
    for (const [name, path] of pages) {
      await show(page, `${console.url}${path}`)
      await inspect(page, name)
    }
    await page.setViewportSize({ width: 320, height: 800 })
    await page.getByRole("button", { name: "Pages" }).click()
    await inspect(page, "menu")
    await show(page, `${console.url}/console/locks/${Console.openLock}`)
    await page.getByRole("button", { name: "Read only" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByLabel("Operator’s token").fill(Console.tokens.otto)
    await dialog.getByRole("button", { name: "Open changes" }).click()
    await page.getByRole("button", { name: "Release…" }).click()
    await dialog.getByLabel(/^Type the quantity/).waitFor()
    await inspect(page, "release")
    await context.close()
    assert.deepStrictEqual([found, complaints], [{}, []])
  })
})
