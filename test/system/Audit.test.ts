/** `npm run audit` on the database of a server that runs, of one that has ended, and where there is none. */
import { randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { query } from "../support/Databases.ts"
import * as HttpClient from "../support/HttpClient.ts"
import * as ServerProcess from "../support/ServerProcess.ts"

const audit = (directory: string) => ServerProcess.run("audit", { DATA_DIR: directory })

it.live(
  "the audit passes a database as it is, and names what is changed in it",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      assert.deepStrictEqual(yield* audit(directory), {
        code: 2,
        out: "",
        err: `Cannot audit: There is no database in \`${directory}\`. DATA_DIR names another directory, DATABASE_URL a PostgreSQL.\n`,
      })
      const server = yield* ServerProcess.start({ DATA_DIR: directory })
      const call = HttpClient.fromDirectory(server.url, directory)
      const [connectionId, adjustmentId] = [randomUUID(), randomUUID()]
      const identifiers = { clientId: randomUUID(), partnersConnectionId: "account-7", partnerClientId: "" }
      const amount = { currency: "BTC", quantity: "5" }
      yield* Effect.promise(async () => {
        await call("PUT", `/operator/v1/connections/${connectionId}`, identifiers)
        await call("PUT", `/operator/v1/adjustments/${adjustmentId}`, { connectionId, direction: "credit", amount })
      })
      const clean = { code: 0, out: "Replayed 1 journal entry of 1 account: no difference.\n", err: "" }
      assert.deepStrictEqual(yield* audit(directory), clean)

      yield* query(ServerProcess.databaseIn(directory), "UPDATE accounts SET available = 7")
      assert.deepStrictEqual(yield* audit(directory), {
        code: 1,
        out:
          `accounts: account ${connectionId}/BTC: available is 7. Expected 5.\n` +
          "Replayed 1 journal entry of 1 account: 1 difference.\n",
        err: "",
      })
      yield* query(ServerProcess.databaseIn(directory), "UPDATE accounts SET available = 5")
      assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)
      assert.deepStrictEqual(yield* audit(directory), clean)
    }).pipe(Effect.scoped),
  180_000,
)
