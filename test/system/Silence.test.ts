/** Whatever is asked and whatever breaks: no secret is in what the server says, to callers or to its log. */
import { randomUUID } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { query, withDatabase } from "../support/Databases.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"

it.live(
  "no secret is answered or logged, and no line is broken into two",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const directory = yield* ServerProcess.temporaryDirectory
        const [password, token, inBody] = ["planted-password", "planted-operator-token", "planted-in-a-body"]
        const role = `holdfast_silent_${randomUUID().slice(0, 8)}`
        yield* query(database, `CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD '${password}'`)
        yield* Effect.addFinalizer(() =>
          Effect.orDie(query(database, `REASSIGN OWNED BY ${role} TO current_user`, `DROP ROLE ${role}`)),
        )
        const url = new URL(database.url)
        url.searchParams.set("user", role)
        url.searchParams.set("password", password)
        const keyFile = join(directory, "bitgo.pem")
        writeFileSync(keyFile, Signing.publicKeyPem, { mode: 0o600 })
        const server = yield* ServerProcess.start({
          DATABASE_URL: url.href,
          BITGO_PUBLIC_KEY_FILE: keyFile,
          OPERATOR_TOKEN: token,
        })

        const signatures: Array<string> = []
        let answered = ""
        const ask = (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
          Effect.promise(async () => {
            const signature = await Signing.token()
            signatures.push(signature)
            const response = await fetch(server.url + path, {
              method,
              headers: {
                "content-type": "application/json",
                "x-bitgo-signature": signature,
                authorization: `Bearer ${token}`,
                ...headers,
              },
              ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
            })
            answered += JSON.stringify([response.status, ...response.headers]) + (await response.text())
            return response.status
          })

        const connectionId = randomUUID()
        const own = { clientId: randomUUID(), partnersConnectionId: "account-7", partnerClientId: "client-3" }
        const terms = () => ({
          deallocationId: randomUUID(),
          amount: { currency: "BTC", quantity: "1" },
          connectionId,
          ...own,
        })
        const everything = Effect.gen(function* () {
          const hold = terms()
          yield* ask("PUT", `/operator/v1/connections/${connectionId}`, own)
          yield* ask("PUT", `/operator/v1/adjustments/${randomUUID()}`, {
            connectionId,
            direction: "credit",
            amount: { currency: "BTC", quantity: "5" },
            memo: inBody,
          })
          yield* ask("POST", "/bitgo/v1/deallocations", hold)
          yield* ask("POST", "/bitgo/v1/deallocations", {
            ...terms(),
            partnerClientId: inBody,
            partnersConnectionId: "\r\nINFO",
          })
          yield* ask("POST", "/bitgo/v1/deallocations", `{"${inBody}`)
          yield* ask("POST", "/bitgo/v1/deallocations", hold, { "x-bitgo-signature": `${signatures.at(-1)}` })
          yield* ask("POST", "/bitgo/v1/deallocations", hold, { "x-bitgo-signature": `${signatures.at(-1)}x` })
          yield* ask("GET", `/operator/v1/deallocations?limit=${token}`)
          yield* ask("GET", `/operator/v1/deallocations?cursor=${token}`)
          yield* ask("GET", `/nowhere/%0d%0aINFO?token=${token}`)
          yield* ask("PUT", `/bitgo/v1/deallocation/${hold.deallocationId}/clear`)
          yield* ask("GET", "/metrics")
        })
        yield* everything
        // The database fails in the middle of it, once for a while and once for good.
        yield* query(database, "ALTER TABLE journal RENAME TO journal_away")
        const failed = yield* ask("POST", "/bitgo/v1/deallocations", { ...terms(), partnerClientId: inBody })
        assert.strictEqual(failed, 503)
        yield* ask("GET", `/operator/v1/deallocations/${randomUUID()}`)
        yield* query(database, "ALTER TABLE journal_away RENAME TO journal")
        yield* query(
          database,
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        yield* everything
        assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)

        const log = server.output()
        assert.include(log, "/bitgo/v1/deallocations")
        assert.include(log, "failure")
        for (const secret of [
          password,
          token,
          ...signatures.flatMap((signature) => [signature, signature.split(".")[2] ?? signature]),
          "BEGIN PUBLIC KEY",
        ]) {
          assert.notInclude(log, secret)
          assert.notInclude(answered, secret)
        }
        assert.notInclude(log, inBody)
        for (const said of [log, answered]) assert.notMatch(said, /\b(SELECT|INSERT|UPDATE|DELETE) /)
        assert.notMatch(answered, /node_modules|\.ts:\d|\.js:\d/)
        // After the lines for a person, one JSON object a line.
        for (const line of log.split("\n").filter((line) => line !== "")) {
          if (line.startsWith("Holdfast is ready") || line.startsWith("  ")) continue
          assert.doesNotThrow(() => JSON.parse(line), line)
        }
      }).pipe(Effect.scoped),
    ),
  180_000,
)
