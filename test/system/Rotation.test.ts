/** Keys and tokens take one another's place without an outage. */
import { randomUUID } from "node:crypto"
import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as HttpClient from "../support/HttpClient.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"

it.live(
  "a server believes each of several keys and tokens, and reads them again on SIGHUP",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const [before, after] = [Signing.makeKeys(), Signing.makeKeys()]
      const [oldToken, newToken] = ["the-old-token-of-the-operator", "the-new-token-of-the-operator"]
      const files = {
        key: join(directory, "2026.pem"),
        next: join(directory, "2027.pem"),
        tokens: join(directory, "tokens"),
      }
      const write = (file: string, text: string) => {
        writeFileSync(file, text)
        chmodSync(file, 0o600)
      }
      write(files.key, Signing.pemOf(before.publicKey))
      write(files.next, Signing.pemOf(before.publicKey))
      write(files.tokens, oldToken)
      const server = yield* ServerProcess.start({
        DATA_DIR: directory,
        BITGO_PUBLIC_KEY_FILE: `${files.key},${files.next}`,
        OPERATOR_TOKEN_FILE: files.tokens,
      })
      const ask = (key: Signing.PrivateKey, token: string, header: object = {}) =>
        Effect.promise(async () => {
          const call = HttpClient.make(server.url, key, token, { header })
          const network = await call("GET", `/bitgo/v1/deallocation/${randomUUID()}`)
          const operator = await call("GET", "/operator/v1/deallocations")
          return [network.status, operator.status]
        })
      const hangUp = Effect.fnUntraced(function* (expected: RegExp) {
        const from = server.output().length
        // Whoever is impatient does no harm: some of these come while the files are read.
        const once = Effect.sync(() => server.child.kill("SIGHUP"))
        yield* Effect.repeat(once, Schedule.spaced("1 millis").pipe(Schedule.upTo({ times: 30 })))
        yield* Effect.sync(() => server.output().slice(from)).pipe(
          Effect.filterOrFail((output) => expected.test(output)),
          Effect.eventually,
        )
      })

      const listening = yield* Effect.promise(() =>
        fetch(`${server.url}/operator/v1/journal/stream`, { headers: { authorization: `Bearer ${oldToken}` } }),
      )
      assert.deepStrictEqual(yield* ask(before.privateKey, oldToken), [404, 200])
      assert.deepStrictEqual(yield* ask(after.privateKey, newToken), [401, 401])

      write(files.next, Signing.pemOf(after.publicKey))
      write(files.tokens, `${oldToken}\n${newToken}\n`)
      yield* hangUp(/were read again/)
      // Whoever listens has to show again that they may.
      assert.include(yield* Effect.promise(() => listening.text()), ": the journal")
      for (const kid of [undefined, "another"]) {
        assert.deepStrictEqual(yield* ask(before.privateKey, oldToken, { kid }), [404, 200])
        assert.deepStrictEqual(yield* ask(after.privateKey, newToken, { kid }), [404, 200])
      }
      assert.deepStrictEqual(yield* ask(after.privateKey, newToken, { kid: "2027" }), [404, 200])
      // The name of another key is no key.
      assert.deepStrictEqual(yield* ask(after.privateKey, newToken, { kid: "2026" }), [401, 200])

      write(files.key, "no key")
      yield* hangUp(/stay as they are: BITGO_PUBLIC_KEY_FILE/)
      assert.deepStrictEqual(yield* ask(before.privateKey, oldToken), [404, 200])

      write(files.key, Signing.pemOf(after.publicKey))
      for (const nothing of ["", " \n"]) {
        write(files.tokens, nothing)
        yield* hangUp(/stay as they are: OPERATOR_TOKEN_FILE: There is no token/)
        assert.deepStrictEqual(yield* ask(before.privateKey, oldToken), [404, 200])
      }

      write(files.tokens, newToken)
      yield* hangUp(/were read again/)
      assert.deepStrictEqual(yield* ask(before.privateKey, oldToken), [401, 401])
      assert.deepStrictEqual(yield* ask(after.privateKey, newToken), [404, 200])
      assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)
    }).pipe(Effect.scoped),
  180_000,
)
