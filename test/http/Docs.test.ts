/** The page of the API in a browser: what is tried on it is sent and shown exactly, and nobody else is asked anything. */
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import * as Browser from "../support/Browser.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

const axe = readFileSync(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8")

/** The page, with all that goes wrong on it and whom it asks. */
const open = (scheme: "light" | "dark", width: number) =>
  Effect.gen(function* () {
    const { url } = yield* TestServer.TestServer
    const browser = yield* Browser.start
    return yield* Effect.promise(async () => {
      const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height: 900 } })
      const wrong: Array<string> = []
      const asked: Array<string> = []
      page.on("console", (message) => wrong.push(message.text()))
      page.on("pageerror", (error) => wrong.push(error.message))
      page.on("request", (request) => asked.push(request.url()))
      await page.goto(`${url}/docs`)
      return { page, wrong, asked, url }
    })
  })

/** Sends what the form of a call has, with a body and ids in place of the example's. */
const tryIt = async (page: Page, id: string, body?: string) => {
  await page.evaluate(`location.hash = "#${id}"`)
  const form = page.locator(`#${id} form`)
  if (body !== undefined) await form.locator("textarea").fill(body)
  await form.locator("button").click()
  await form.locator("button", { hasText: "Send" }).waitFor()
  return {
    status: Number((await form.locator("output").textContent())?.split(" ", 1)[0]),
    text: await form.locator("pre.answer").textContent(),
  }
}

layer(Layer.fresh(TestServer.layer()), TestServer.options)("the page", (it) => {
  it.effect(
    "sends what is written and shows what is answered, digit by digit, and asks nobody else",
    () =>
      Effect.gen(function* () {
        const { page, wrong, asked, url } = yield* open("light", 1280)
        const signature = yield* Effect.promise(() => Signing.token())
        yield* Effect.promise(async () => {
          await page.fill("#operatorToken", TestServer.operatorToken)
          await page.fill("#signature", signature)
          assert.strictEqual((await tryIt(page, "operator-register")).status, 200)
          assert.strictEqual((await tryIt(page, "operator-adjust")).status, 200)
          const { status, text } = await tryIt(page, "network-reserve")
          assert.strictEqual(status, 200)
          assert.include(text, '"quantity":1000000000000000001}')
          const found = await tryIt(page, "operator-deallocation")
          assert.include(found.text, '"quantity":"1000000000000000001"')
          const csv = await tryIt(page, "operator-deallocationsCsv")
          assert.match(csv.text ?? "", /^deallocationId,[^\n]*\n[^\n]*,ETH,1000000000000000001,/)
        })
        // As it is written, in whatever way: the server, not the page, says what is wrong with it.
        assert.deepStrictEqual(wrong, [])
        yield* Effect.promise(async () => {
          const { status, text } = await tryIt(page, "operator-adjust", `{"amount": 1e400}`)
          assert.strictEqual(status, 400)
          assert.include(text, "malformed-request")
        })
        for (const target of asked) assert.isTrue(target.startsWith(`${url}/`) || target === "data:,", target)
        const kept = yield* Effect.promise(() =>
          page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])"),
        )
        assert.strictEqual(kept, `[{},{},""]`)
      }).pipe(Effect.scoped),
    60_000,
  )

  it.effect(
    "follows a stream until it is stopped",
    () =>
      Effect.gen(function* () {
        const { page } = yield* open("light", 1280)
        const terms = yield* TestServer.funded("1000000000000000003")
        yield* Effect.promise(async () => {
          await page.fill("#operatorToken", TestServer.operatorToken)
          await page.evaluate(`location.hash = "#operator-journalStream"`)
          const form = page.locator("#operator-journalStream form")
          await form.locator("button").click()
          await form.locator("pre.answer", { hasText: terms.connectionId }).waitFor()
          await form.locator("pre.answer", { hasText: '"quantity":"1000000000000000003"' }).waitFor()
          await form.locator("button", { hasText: "Stop" }).click()
          await form.locator("button", { hasText: "Send" }).waitFor()
          assert.include(await form.locator("pre.answer").textContent(), '"quantity":"1000000000000000003"')
          assert.match((await form.locator("output").textContent()) ?? "", /^200 .*event-stream.*stopped/)
        })
      }).pipe(Effect.scoped),
    60_000,
  )

  for (const [scheme, width] of [
    ["light", 320],
    ["dark", 1280],
  ] as const) {
    it.effect(
      `can be read by everybody: ${scheme}, ${width} pixels wide`,
      () =>
        Effect.gen(function* () {
          const { page, wrong } = yield* open(scheme, width)
          yield* Effect.promise(async () => {
            await page.evaluate("for (const call of document.querySelectorAll('details')) call.open = true")
            assert.strictEqual(await page.evaluate("document.documentElement.scrollWidth"), width)
            await page.evaluate(axe)
            const violations = await page.evaluate<
              ReadonlyArray<{ id: string; nodes: ReadonlyArray<{ html: string }> }>
            >("axe.run().then(({ violations }) => violations)")
            assert.deepStrictEqual(
              violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
              [],
            )
          })
          assert.deepStrictEqual(wrong, [])
        }).pipe(Effect.scoped),
      120_000,
    )
  }

  it.effect("runs its own script alone, and is light", () =>
    Effect.gen(function* () {
      const { headers, text } = yield* TestServer.anyone("GET", "/docs")
      assert.match(headers["content-type"] ?? "", /^text\/html/)
      assert.notMatch(headers["content-security-policy"] ?? "", /unsafe/)
      assert.notMatch(text, /<(script|link|img)[^>]+(src|href)="?(https?:)?\/\/|style=| on\w+=/)
      assert.isBelow(gzipSync(text).length, 22_000)
    }),
  )
})

layer(TestServer.layer(), TestServer.options)("the programs of the description", (it) => {
  it.effect("make a signature that is good", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const { json } = yield* TestServer.anyone("GET", "/openapi.json")
      const { description } = json["info"] as { readonly description: string }
      const [, program = ""] = /```js\n([\s\S]*?)```/.exec(description) ?? []
      const [, command = ""] = /```sh\n([\s\S]*?)```/.exec(description) ?? []
      assert.include(program, "// sign.mjs")
      const curl = `curl() { node "${join(ServerProcess.root, "test/support/curl.ts")}" "$@"; }`
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "holdfast-sign-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
      )
      writeFileSync(join(folder, "sign.mjs"), program)
      writeFileSync(join(folder, "key.pem"), Signing.privateKey.export({ type: "pkcs8", format: "pem" }))
      const run = (command: string) =>
        Effect.promise(() =>
          promisify(execFile)("bash", ["-euc", `command -v curl >/dev/null || ${curl}\n${command}`], {
            cwd: folder,
            env: { ...process.env, KEY: "key.pem" },
          }),
        )
      const here = command.replace("http://127.0.0.1:3000", url)
      const { stdout } = yield* run(here)
      assert.include(stdout, "There is no deallocation 018f3f1e-0000-7000-8000-000000000004.")
      assert.include((yield* run(here.replace("$(node sign.mjs)", "x"))).stdout, "unauthorized")
    }).pipe(Effect.scoped),
  )
})
