/** Connections by tokens, on one server and on two, with answers lost. */
import { hash, randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Connection, Holdfast, type Ledger } from "@holdfast/domain"
import { DateTime, Effect, Result, type Scope } from "effect"
import { query, serverOn, withDatabase } from "../support/Databases.ts"
import * as FaultyStream from "../support/FaultyStream.ts"
import { adjustmentOf, funded, newConnection, termsOf, uuid } from "../support/Fixtures.ts"
import type { TestDatabase } from "../support/TestDatabase.ts"

type Service = Holdfast.Holdfast["Service"]

const account = () => ({ partnersConnectionId: `account-${randomUUID()}`, partnerClientId: "client-3" })

/** Gives out a token, and gives what the network would ask with it. */
const issued = Effect.fnUntraced(function* (service: Service, of: ReturnType<typeof account>, seconds = 60) {
  const tokenHash = hash("sha256", randomUUID())
  const issuedAt = yield* DateTime.now
  const id = uuid()
  yield* service.issueToken({ id, hash: tokenHash, ...of, issuedAt, expiresAt: DateTime.add(issuedAt, { seconds }) })
  return { id, request: () => ({ connectionId: uuid(), clientId: uuid(), tokenHash }) }
})

const nonceOf = (value: string): Effect.Effect<Ledger.Nonce> =>
  Effect.map(DateTime.now, (now) => ({ value, expiresAt: DateTime.add(now, { seconds: 60 }) }))

const twoServers = <A, E>(
  use: (first: Service, second: Service, database: TestDatabase["Service"]) => Effect.Effect<A, E, Scope.Scope>,
) =>
  withDatabase((database) =>
    Effect.gen(function* () {
      return yield* use(yield* serverOn(database), yield* serverOn(database), database)
    }),
  )

const count = <A, E>(results: ReadonlyArray<Result.Result<A, E>>) => results.filter(Result.isSuccess).length

it.live("a token connects one account once, whichever of two servers is asked, however often and at once", () =>
  twoServers((first, second, database) =>
    Effect.gen(function* () {
      for (let round = 0; round < 5; round++) {
        const { request } = yield* issued(first, account())
        const asked = Array.from({ length: 20 }, request)
        const results = yield* Effect.forEach(
          asked,
          (request, n) => Effect.result((n % 2 === 0 ? first : second).connect(request)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(count(results), 1)
        const refusals = results.flatMap((result) => (Result.isFailure(result) ? [result.failure._tag] : []))
        assert.deepStrictEqual([...new Set(refusals)], ["TokenRefused"])
        const winner = asked[results.findIndex(Result.isSuccess)] ?? assert.fail()
        const again = yield* second.connect({ ...winner, tokenHash: undefined })
        assert.strictEqual(again.connectionId, winner.connectionId)
        const other = yield* Effect.flip(second.connect({ ...winner, clientId: uuid() }))
        assert.strictEqual(other._tag, "ConnectionConflict")
      }
      const rows = yield* query(database, "SELECT count(*)::int AS n FROM connections")
      assert.strictEqual(rows[0]?.["n"], 5)
    }),
  ),
)

it.live(
  "of two tokens of one account one connects it, at once on two servers; one that has a connection gets no other",
  () =>
    twoServers((first, second) =>
      Effect.gen(function* () {
        for (let round = 0; round < 10; round++) {
          const of = account()
          const asked = [(yield* issued(first, of)).request(), (yield* issued(second, of)).request()] as const
          const results = yield* Effect.all(
            [Effect.result(first.connect(asked[0])), Effect.result(second.connect(asked[1]))],
            { concurrency: "unbounded" },
          )
          assert.strictEqual(count(results), 1)
          const [refusal] = results.flatMap((result) => (Result.isFailure(result) ? [result.failure._tag] : []))
          assert.strictEqual(refusal, "AccountConnected")
        }
        const registered = newConnection()
        yield* first.register(registered)
        const { request } = yield* issued(first, registered)
        assert.strictEqual((yield* Effect.flip(second.connect(request())))._tag, "AccountConnected")
      }),
    ),
)

it.live(
  "tokens that expired or were revoked are refused as unknown ones are; one that was used cannot be revoked",
  () =>
    twoServers((first, second) =>
      Effect.gen(function* () {
        const refusalOf = (request: Connection.Request) => Effect.flip(second.connect(request))
        const expired = yield* issued(first, account(), -1)
        const revoked = yield* issued(first, account())
        yield* first.revokeToken(revoked.id)
        for (const request of [expired.request(), revoked.request(), { ...revoked.request(), tokenHash: undefined }]) {
          assert.deepStrictEqual(yield* refusalOf(request), new Connection.TokenRefused())
        }
        const used = yield* issued(first, account())
        const { connectionId } = yield* first.connect(used.request())
        const refused = yield* Effect.flip(second.revokeToken(used.id))
        assert.deepInclude({ ...refused }, { _tag: "TokenUsed", usedBy: connectionId })
        assert.strictEqual((yield* Effect.flip(second.revokeToken(uuid())))._tag, "TokenNotFound")
        const { items: listed } = yield* second.tokens({ limit: 200 })
        assert.sameMembers(
          listed.map(({ id }) => id),
          [expired.id, revoked.id, used.id],
        )
      }),
    ),
)

it.live("a nonce is used with what it came with: by a refusal too, and by nothing that did not happen", () =>
  twoServers((first, second) =>
    Effect.gen(function* () {
      const refused = yield* nonceOf("refused")
      const unknown = { connectionId: uuid(), clientId: uuid(), tokenHash: undefined }
      assert.strictEqual((yield* Effect.flip(first.connect(unknown, refused)))._tag, "TokenRefused")
      const { request } = yield* issued(first, account())
      const asked = request()
      assert.strictEqual((yield* Effect.flip(second.connect(asked, refused)))._tag, "NonceUsed")
      const good = yield* nonceOf("good")
      yield* second.connect(asked, good)
      assert.strictEqual((yield* Effect.flip(first.connect(asked, good)))._tag, "NonceUsed")
      assert.strictEqual((yield* Effect.flip(first.useNonce(good)))._tag, "NonceUsed")
    }),
  ),
)

it.live("where the answer to its COMMIT is lost, the same request again finds the connection that it made", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const wires = FaultyStream.make(database.config.url)
      const first = yield* serverOn(database, { connection: { ...database.config, stream: wires.stream } })
      const second = yield* serverOn(database)
      for (const fault of ["cut before the answer is seen", "cut before it is sent"] as const) {
        const { request } = yield* issued(second, account())
        const asked = request()
        wires.arm(FaultyStream.commit, fault)
        const lost = yield* Effect.result(first.connect(asked, yield* nonceOf(randomUUID())))
        // A fault of ours is no refusal: whoever asks again is answered.
        if (Result.isFailure(lost)) assert.strictEqual(lost.failure._tag, "Unavailable")
        const made = yield* second.connect(asked, yield* nonceOf(randomUUID()))
        assert.strictEqual(made.connectionId, asked.connectionId)
        assert.deepStrictEqual(yield* second.connect(asked), made)
      }
    }),
  ),
)

it.live("what is asked on a suspended connection is refused from when that was answered, on another server too", () =>
  twoServers((first, second) =>
    Effect.gen(function* () {
      const connection = yield* Effect.provideService(funded(10n), Holdfast.Holdfast, first)
      const allocate = (service: Service) => service.reserve("allocation", termsOf(connection, 1n))
      const before = termsOf(connection, 1n)
      yield* first.reserve("allocation", before)
      for (let round = 0; round < 5; round++) {
        yield* first.suspend(connection.connectionId, true)
        const rejected = yield* Effect.all([allocate(first), allocate(second)], { concurrency: "unbounded" })
        assert.deepStrictEqual(
          rejected.map(({ state }) => state),
          ["Rejected", "Rejected"],
        )
        assert.strictEqual((yield* second.reserve("deallocation", termsOf(connection, 1n))).state, "Reserved")
        yield* second.suspend(connection.connectionId, false)
        assert.strictEqual((yield* allocate(first)).state, "Reserved")
      }
      yield* first.suspend(connection.connectionId, true)
      assert.strictEqual((yield* second.clear("allocation", before.id)).state, "Cleared")
      assert.isTrue((yield* second.connection(connection.connectionId)).connection.suspended)
      assert.strictEqual((yield* Effect.flip(first.suspend(uuid(), true)))._tag, "ConnectionNotFound")
    }),
  ),
)

it.live("of two credits that open currencies which look alike, at once on two servers, one is refused", () =>
  twoServers((first, second) =>
    Effect.gen(function* () {
      const connection = yield* Effect.provideService(funded(10n), Holdfast.Holdfast, first)
      for (let round = 0; round < 10; round++) {
        const credit = (service: Service, code: string, options = {}) => {
          const terms = adjustmentOf(connection, "credit", 1n)
          const amount = { ...terms.amount, currency: `${code}${round}` as typeof terms.amount.currency }
          return Effect.result(service.adjust({ ...terms, amount }, options))
        }
        const results = yield* Effect.all([credit(first, "eth"), credit(second, "ETH")], { concurrency: "unbounded" })
        assert.strictEqual(count(results), 1)
        const [refusal] = results.flatMap((result) => (Result.isFailure(result) ? [result.failure._tag] : []))
        assert.strictEqual(refusal, "CurrencyLooksAlike")
        assert.isTrue(Result.isSuccess(yield* credit(first, "Eth", { newCurrency: true })))
        // What is known is known, whoever asks.
        assert.isTrue(Result.isSuccess(yield* credit(second, "Eth")))
      }
    }),
  ),
)
