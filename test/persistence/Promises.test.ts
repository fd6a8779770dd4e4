/** The service with promises on PostgreSQL: what is plain in memory is plain here. */
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { assert, it } from "@effect/vitest"
import * as Promises from "@holdfast/domain/Promises"
import { PgStore } from "@holdfast/persistence"
import { Effect, Redacted } from "effect"
import { holdAccounts, query, serviceOn, withDatabase } from "../support/Databases.ts"
import { assertPlain, connectionOf, creditOf, valueOf } from "../support/Promised.ts"

const btc = (quantity: bigint) => ({ currency: "BTC", quantity })

it.live("what is asked with promises is kept in the database, and is there after a new start", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const connection = connectionOf()
      const { connectionId } = connection
      const terms = { ...connection, id: randomUUID(), amount: btc(10n ** 30n) }
      const lock = { id: randomUUID(), connectionId, amount: btc(2n), memo: "order 1" }
      const told = <A, E>(answer: Promises.Answer<A, E>): A => {
        assertPlain(answer)
        return valueOf(answer)
      }
      const before = yield* Effect.promise(async () => {
        await using holdfast = await Promises.make(serviceOn(database))
        told(await holdfast.register(connection))
        told(await holdfast.adjust(creditOf(connection, 10n ** 30n + 5n)))
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => holdfast.reserve("deallocation", terms, undefined, "ours 1")),
        )
        for (const answer of answers) assert.deepStrictEqual(answer, answers[0])
        const cleared = told(await holdfast.clear("deallocation", terms.id))
        const locked = told(await holdfast.reserve("lock", lock))
        assert.deepStrictEqual([locked.state, locked.terms], ["Reserved", lock])
        const rejected = told(await holdfast.reserve("deallocation", { ...terms, id: randomUUID() }))
        assert.isTrue(rejected.state === "Rejected" && rejected.reason === "INSUFFICIENT_BALANCE")
        const unread = await holdfast.reserve("lock", { ...lock, id: "order 1" })
        assert.isTrue(!unread.ok && unread.error._tag === "InvalidInput" && unread.error.field === "terms.id")
        const issuedAt = new Date()
        const [id, hash, expiresAt] = [randomUUID(), "a".repeat(64), new Date(issuedAt.getTime() + 60_000)]
        const account = { partnersConnectionId: "account-8", partnerClientId: "" }
        assert.isUndefined(told(await holdfast.issueToken({ id, hash, ...account, issuedAt, expiresAt })))
        assert.deepStrictEqual(told(await holdfast.tokens({ limit: 1 })).items, [
          { id, hash, ...account, issuedAt, expiresAt },
        ])
        assert.isUndefined(told(await holdfast.useNonce({ value: "nonce 1", expiresAt })))
        assert.isUndefined(told(await holdfast.ready()))
        return cleared
      })
      const [row] = yield* query(database, "SELECT count(*)::int AS transfers FROM transfers")
      assert.strictEqual(row?.["transfers"], 4)
      yield* Effect.promise(async () => {
        await using holdfast = await Promises.make(serviceOn(database))
        assert.deepStrictEqual(told(await holdfast.find("deallocation", terms.id)), before)
        assert.deepStrictEqual(told(await holdfast.clear("deallocation", terms.id)), before)
        const { balances } = told(await holdfast.connection(connectionId))
        const left = { pending: 0n, available: 3n, locked: 2n, reserved: 0n, deallocated: 10n ** 30n }
        assert.deepStrictEqual(balances, [{ currency: "BTC", ...left }])
        const events: Array<string> = []
        for await (const answer of holdfast.follow(undefined, { every: 10 })) {
          events.push(told(answer).event)
          if (events.length === 5) break
        }
        assert.deepStrictEqual(events, ["Credited", "Reserved", "Cleared", "Reserved", "Rejected"])
      })
    }),
  ),
)

it.live("a database that keeps a command waiting is unavailable, and the same command is answered later", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const connection = connectionOf()
      const holdfast = yield* Effect.promise(() => Promises.make(serviceOn(database, { patienceMillis: 500 })))
      yield* Effect.addFinalizer(() => Effect.promise(holdfast.close))
      const call = <A>(evaluate: () => Promise<A>) => Effect.promise(evaluate)
      valueOf(yield* call(() => holdfast.register(connection)))
      // Here too the database may keep it waiting for longer.
      const answered = <A, E>(evaluate: () => Promise<Promises.Answer<A, E>>) =>
        Effect.eventually(Effect.filterOrFail(call(evaluate), ({ ok }) => ok))
      const credit = creditOf(connection, 5n)
      valueOf(yield* answered(() => holdfast.adjust(credit)))
      const lock = { ...connection, id: randomUUID(), amount: btc(1n) }
      const letGo = yield* holdAccounts(database)
      const answer = yield* call(() => holdfast.reserve("lock", lock))
      assert.isTrue(!answer.ok && answer.error._tag === "Unavailable" && answer.error.retryAfterSeconds > 0)
      yield* letGo
      const retried = yield* answered(() => holdfast.reserve("lock", lock))
      assert.strictEqual(valueOf(retried).state, "Reserved")
    }),
  ),
)

it.live("where there is no database, the service is not made, and says why", () =>
  Effect.gen(function* () {
    const url = Redacted.make("postgres://nobody@127.0.0.1:1/nothing")
    const failed = yield* Effect.flip(Effect.tryPromise(() => Promises.make(PgStore.layer({ connection: { url } }))))
    assert.propertyVal(failed.cause, "_tag", "SqlError")
  }),
)

it.live("a process that closed its service ends, whatever it had under way", () =>
  withDatabase((database) =>
    Effect.promise(async () => {
      const program = `
        import * as Promises from "@holdfast/domain/Promises"
        import { PgStore } from "@holdfast/persistence"
        import { Redacted } from "effect"
        const url = Redacted.make(process.env.DATABASE_URL)
        const holdfast = await Promises.make(PgStore.layer({ connection: { url } }))
        const connection = ${JSON.stringify(connectionOf())}
        const follower = holdfast.follow()[Symbol.asyncIterator]()
        const followed = follower.next()
        const registering = holdfast.register(connection)
        await holdfast.close()
        console.log((await registering).ok, (await followed).done)
        await holdfast.ready().catch((error) => console.log(error.message))
      `
      const args = ["--conditions=@holdfast/source", "--input-type=module", "--eval", program]
      const env = { ...process.env, DATABASE_URL: database.url }
      const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"], timeout: 50_000 })
      const [said, complained, [status]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "exit"),
      ])
      assert.deepStrictEqual([status, said, complained], [0, "true true\nThis Holdfast is closed.\n", ""])
    }),
  ),
)
