/** A day as those who run a server live it: at the console and at the command line, from the first start to a restore elsewhere. */
import { randomUUID } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import type { Browser, Page } from "playwright-core"
import * as BrowserProcess from "../support/Browser.ts"
import * as HttpClient from "../support/HttpClient.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"
import * as Console from "./Console.ts"

/** Otto's, who does what a day takes, and that of the program which trades. */
const tokens = { first: `otto-${randomUUID()}`, next: `otto-${randomUUID()}`, engine: `engine-${randomUUID()}` }

/** Otto at a browser. */
const visit = async (browser: Browser, url: string, token: string) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  context.setDefaultTimeout(8_000)
  const page = await context.newPage()
  await page.goto(`${url}/console`)
  await Console.signIn(page, token)
  await Console.isLive(page)
  return page
}

const openChanges = async (page: Page, token: string) => {
  await page.getByRole("button", { name: "Read only" }).click()
  const dialog = page.getByRole("dialog")
  await dialog.getByLabel("Operator’s token").fill(token)
  await dialog.getByRole("button", { name: "Open changes" }).click()
  await page.getByText(/^Changes open/).waitFor()
}

/** What a balance in the table of a currency is, in base units. */
const balanceOf = async (page: Page, name: string) => {
  const row = page.getByRole("table", { name: "eth" }).getByRole("row", { name: new RegExp(`^${name}`) })
  return row.locator("data").last().textContent()
}

it.live(
  "start, connect, allocate, lock, deallocate, find the stuck one, release it, export, rotate a token, back up, restore elsewhere, audit",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const path = (name: string) => join(directory, name)
      const writeOperators = (token: string) => {
        const operators = [
          { name: "otto", role: "operate", tokens: [token] },
          { name: "engine", role: "operate", tokens: [tokens.engine] },
        ]
        writeFileSync(path("operators"), JSON.stringify(operators), { mode: 0o600 })
      }
      writeOperators(tokens.first)
      const environment = { DATA_DIR: path("data"), OPERATORS_FILE: path("operators") }
      const server = yield* ServerProcess.start(environment)
      const browser = yield* BrowserProcess.start
      const page = yield* Effect.promise(() => visit(browser, server.url, tokens.first))
      const dialog = page.getByRole("dialog")
      const networksKey = Signing.readPrivateKey(readFileSync(path("data/bitgo-dev-private.pem"), "utf8"))
      /** As the network, or as the program. */
      const at = (url: string) => HttpClient.make(url, networksKey, tokens.engine)
      const called = at(server.url)
      const call = async (method: string, path: string, body?: unknown) => {
        const { status, text } = await called(method, path, body)
        assert.strictEqual(status, 200, `${method} ${path}: ${text}`)
        return text
      }

      const account = {
        connectionId: randomUUID(),
        clientId: randomUUID(),
        partnersConnectionId: "account-7",
        partnerClientId: "client-3",
      }
      const ether = (quantity: bigint) => ({ currency: "eth", quantity: String(quantity) })
      const one = 10n ** 18n
      const [allocationId, lockId, orderId, deallocationId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
      const deallocation = { deallocationId, amount: ether(one), ...account }
      const reserved = yield* Effect.promise(async () => {
        // Connect: the client is given a token, which the network shows.
        await openChanges(page, tokens.first)
        await page.getByRole("link", { name: "Tokens" }).click()
        await page.getByRole("button", { name: "Issue a token…" }).click()
        await dialog.getByLabel("Our account’s id").fill(account.partnersConnectionId)
        await dialog.getByLabel("Our client’s id").fill(account.partnerClientId)
        await dialog.getByLabel(/^Type the account’s id/).fill(account.partnersConnectionId)
        await dialog.getByLabel(/^Reason/).fill("they open an account")
        await dialog.getByRole("button", { name: "Issue the token" }).click()
        const connectionToken = await dialog.locator(".secret code").textContent()
        await dialog.getByRole("button", { name: "I have it" }).click()
        const { clientId, connectionId } = account
        await call("POST", "/bitgo/v1/connections", { clientId, connectionId, connectionToken })

        // Allocate, lock for two orders, deallocate.
        await call("POST", "/bitgo/v1/allocations", { allocationId, amount: ether(5n * one), ...account })
        await call("PUT", `/bitgo/v1/allocation/${allocationId}/clear`)
        for (const [id, memo] of [
          [lockId, "order 1"],
          [orderId, "order 2"],
        ] as const) {
          const lock = { connectionId: account.connectionId, amount: ether(2n * one), memo }
          await call("PUT", `/operator/v1/locks/${id}`, lock)
        }
        await call("PUT", `/operator/v1/locks/${orderId}/clear`)
        const reserved = await call("POST", "/bitgo/v1/deallocations", deallocation)
        await call("PUT", `/bitgo/v1/deallocation/${deallocationId}/clear`)
        return reserved
      })

      yield* Effect.promise(async () => {
        // Find what is stuck: the overview has it, the oldest first, and leads to it.
        await page.getByRole("link", { name: "Overview" }).click()
        await page.getByRole("link", { name: "1 lock", exact: true }).click()
        await page.locator(`a[href$="${lockId}"]`).first().click()
        await page.getByText("order 1").first().waitFor()
        await page.getByRole("button", { name: "Release…" }).click()
        await dialog.getByLabel(/^Type the quantity/).fill(String(2n * one))
        await dialog.getByLabel(/^Reason/).fill("order 1 is void")
        await dialog.getByRole("button", { name: "Release the lock" }).click()
        await page.locator(".facts .state.released").waitFor()

        // Export, for the books: what is shown, as CSV.
        await page.getByRole("link", { name: "Deallocations" }).click()
        await page.locator(`a[href$="${deallocationId}"]`).first().waitFor()
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("link", { name: "CSV of all pages" }).click(),
        ])
        await download.saveAs(path("deallocations.csv"))
        const [head, ...rows] = readFileSync(path("deallocations.csv"), "utf8").trim().split("\r\n")
        assert.match(head ?? "", /^deallocationId,amount\.currency,amount\.quantity,/)
        assert.deepStrictEqual(
          rows.map((row) => row.split(",").slice(0, 3)),
          [[deallocationId, "eth", String(one)]],
        )

        // Rotate a token: who signed in with the old one has to sign in anew.
        writeOperators(tokens.next)
        server.child.kill("SIGHUP")
        await page.waitForURL(/\/console\/login/)
        await Console.signIn(page, tokens.first)
        await page.getByRole("alert").waitFor()
        await Console.signIn(page, tokens.next)
        await Console.isLive(page)
        await page.getByRole("link", { name: "Operators’ log" }).click()
        await page.getByRole("row", { name: /order 1 is void/ }).waitFor()
        assert.match((await page.getByRole("row", { name: /order 1 is void/ }).textContent()) ?? "", /otto.*Done/is)
      })

      // Back up, restore elsewhere, audit.
      const holdfast = Effect.fnUntraced(function* (dataDir: string, verb: string, ...words: ReadonlyArray<string>) {
        const { code, out, err } = yield* ServerProcess.run(verb, { DATA_DIR: dataDir }, ...words)
        assert.strictEqual(code, 0, `${verb}: ${out}${err}`)
        return out
      })
      writeFileSync(path("heads"), yield* holdfast(path("data"), "heads"))
      yield* holdfast(path("data"), "export", "--to", path("books"))
      assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)
      yield* holdfast(path("elsewhere"), "import", path("books"))
      assert.include(yield* holdfast(path("elsewhere"), "audit", "--against", path("heads")), "no difference")

      const elsewhere = yield* ServerProcess.start({
        DATA_DIR: path("elsewhere"),
        OPERATORS_FILE: path("operators"),
        BITGO_PUBLIC_KEY_FILE: path("data/bitgo-dev-public.pem"),
      })
      yield* Effect.promise(async () => {
        const page = await visit(browser, elsewhere.url, tokens.next)
        assert.strictEqual(await balanceOf(page, "available"), String(2n * one))
        assert.strictEqual(await balanceOf(page, "deallocated"), String(one))
        // Whoever asks again, there, is answered as before, and nothing is reserved twice.
        // Tokens that may be from before the restore are refused: those of its first seconds.
        const again = await vi.waitFor(async () => {
          const answer = await at(elsewhere.url)("POST", "/bitgo/v1/deallocations", deallocation)
          assert.notStrictEqual(answer.status, 401)
          return answer
        }, 15_000)
        assert.deepStrictEqual([again.status, again.text], [200, reserved])
        await page.reload()
        await Console.isLive(page)
        assert.strictEqual(await balanceOf(page, "available"), String(2n * one))
      })
    }).pipe(Effect.scoped),
  180_000,
)
