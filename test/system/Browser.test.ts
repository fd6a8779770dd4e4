/** The domain asks nothing of Node: a page runs it as it is. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Browser from "../support/Browser.ts"
import * as Bundle from "../support/Bundle.ts"

const program = `
import { Adjustment, Connection, Deallocation, Holdfast, MemoryStore } from "@holdfast/domain"
import { Effect, Schema } from "effect"

const connection = Schema.decodeUnknownSync(Connection.Connection)({
  connectionId: "018f3f1e-0000-7000-8000-000000000001",
  clientId: "018f3f1e-0000-7000-8000-000000000002",
  partnersConnectionId: "account-7",
  partnerClientId: "client-3",
})
const credit = Schema.decodeUnknownSync(Adjustment.Terms)({
  id: "018f3f1e-0000-7000-8000-000000000003",
  connectionId: connection.connectionId,
  direction: "credit",
  amount: { currency: "ETH", quantity: 2n ** 200n },
})
const terms = Schema.decodeUnknownSync(Deallocation.Terms)({
  id: "018f3f1e-0000-7000-8000-000000000004",
  amount: { currency: "ETH", quantity: 1n },
  ...connection,
})

globalThis.balances = Effect.gen(function* () {
  const holdfast = yield* Holdfast.Holdfast
  yield* holdfast.register(connection)
  yield* holdfast.adjust(credit)
  yield* holdfast.reserve("deallocation", terms)
  return (yield* holdfast.connection(connection.connectionId)).balances
}).pipe(Effect.provide(MemoryStore.layer()), Effect.runPromise)
`

it.live(
  "a reservation is made in a browser",
  () =>
    Effect.gen(function* () {
      const script = yield* Effect.promise(() => Bundle.bundle(program))
      const browser = yield* Browser.start
      const balances = yield* Effect.promise(async () => {
        const page = await browser.newPage()
        await page.route("http://localhost/", (route) =>
          route.fulfill({ contentType: "text/html", body: `<script type="module" src="program.js"></script>` }),
        )
        await page.route("http://localhost/program.js", (route) =>
          route.fulfill({ contentType: "text/javascript", body: script }),
        )
        await page.goto("http://localhost/")
        return page.evaluate("balances")
      })
      assert.deepStrictEqual(balances, [
        {
          currency: "ETH",
          pending: 0n,
          available: 2n ** 200n - 1n,
          locked: 0n,
          reserved: 1n,
          deallocated: 0n,
        },
      ])
    }),
  180_000,
)
