/**
 * The journal as a feed: whoever follows it gets each entry once, in an order that stays, though transactions of several
 * servers end in another order than their entries are numbered.
 */
import { assert, it } from "@effect/vitest"
import { Holdfast, Ledger, Store, Uuid } from "@holdfast/domain"
import { Effect, Fiber, Layer, Stream } from "effect"
import { open, query, serverOn, serviceOn, withDatabase } from "../support/Databases.ts"
import { adjustmentOf, funded, termsOf } from "../support/Fixtures.ts"

type Service = Holdfast.Holdfast["Service"]

/** All that is in the journal, in the order of its numbers. */
const numbered = "SELECT seq::text AS place, transfer_id::text AS id, event FROM journal ORDER BY seq"

const shown = ({ place, transferId, event }: Store.Placed) => ({ place: String(place), id: String(transferId), event })

it.live(
  "followed on two servers under load, nothing is missed, nothing comes twice, each account in its order",
  () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const servers: ReadonlyArray<Service> = [yield* serverOn(database), yield* serverOn(database)]
        const [first = assert.fail(), second = assert.fail()] = servers
        const connections = yield* Effect.forEach([1, 2, 3], () =>
          Effect.provideService(funded(1_000_000n), Holdfast.Holdfast, first),
        )
        const seen: Array<ReturnType<typeof shown>>[] = [[], []]
        const balances = new Map<string, Store.Placed>()
        const followers = yield* Effect.forEach(servers, (service, n) =>
          Effect.forkChild(
            Stream.runForEach(service.follow(undefined, { every: 1 }), (entry) =>
              Effect.sync(() => {
                seen[n]?.push(shown(entry))
                if (n === 1) return
                // What a posting moves is all that the balances of one entry and the next differ in.
                const key = Ledger.accountKey(entry)
                const before = balances.get(key)
                const { available, reserved } = entry.balances
                if (before !== undefined)
                  assert.strictEqual(available + reserved, before.balances.available + before.balances.reserved)
                balances.set(key, entry)
              }),
            ),
          ),
        )
        yield* Effect.forEach(
          Array.from({ length: 1_500 }, (_, n) => n),
          (n) => {
            const service = servers[n % 2] ?? first
            const terms = termsOf(connections[n % 3] ?? assert.fail(), 1n)
            return Effect.andThen(service.reserve("deallocation", terms), service.release("deallocation", terms.id))
          },
          { concurrency: 40 },
        )
        const expected = yield* query(database, numbered)
        assert.strictEqual(expected.length, 3_003)
        yield* Effect.repeat(Effect.sleep("100 millis"), {
          until: () => seen.every(({ length }) => length >= expected.length),
        })
        // What comes twice may come later.
        yield* Effect.sleep("500 millis")
        yield* Fiber.interruptAll(followers)
        for (const each of seen) assert.deepStrictEqual(each as ReadonlyArray<object>, expected)
        // From each place on it is the rest.
        for (const from of [0, 1, 777, 3_001, 3_002]) {
          const after = seen[0]?.[from]?.place as Store.Place | undefined
          const rest = yield* second
            .follow(after, { every: 1 })
            .pipe(Stream.take(expected.length - from - 1), Stream.runCollect)
          assert.deepStrictEqual(rest.map(shown) as ReadonlyArray<object>, expected.slice(from + 1))
        }
      }),
    ),
  60_000,
)

it.live("an entry that is not committed yet holds up those after it, for as long as it may still come", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const service = yield* Holdfast.Holdfast
      const connection = yield* funded(10n)
      const placesAfter = (after?: Store.Place) =>
        Effect.map(service.entries(after, 200), (entries) => entries.map(({ transferId }) => transferId))
      const backwards = Effect.map(service.entriesBefore(undefined, 200), (entries) =>
        entries.map(({ transferId }) => transferId),
      )
      const [credited] = yield* placesAfter()
      const slow = Uuid.Uuid.make("018f3f1e-0000-7000-8000-00000000dead")
      const outsider = yield* open(database)
      yield* outsider.query("BEGIN")
      // An entry as another server would write it, numbered before those that come now.
      yield* outsider.query(
        `INSERT INTO transfers SELECT (json_populate_record(t, '{"id":"${slow}"}')).* FROM transfers t`,
      )
      yield* outsider.query(
        `INSERT INTO journal (transfer_id, event, connection_id, currency, quantity, pending, available, locked, reserved,
           deallocated, at, hash, version)
         SELECT '${slow}', event, connection_id, currency, quantity, pending, available, locked, reserved, deallocated, at,
           hash, version FROM journal`,
      )
      const later = adjustmentOf(connection, "credit", 1n)
      yield* service.adjust(later)
      assert.deepStrictEqual(yield* placesAfter(), [credited])
      assert.deepStrictEqual(yield* backwards, [credited])
      yield* outsider.query("COMMIT")
      assert.deepStrictEqual(yield* placesAfter(), [credited, slow, later.id])
      assert.deepStrictEqual(yield* backwards, [later.id, slow, credited])
      // Numbers of what was rolled back are never given again, and nobody waits for them.
      yield* outsider.query("BEGIN")
      yield* outsider.query("SELECT nextval('journal_seq_seq')")
      yield* outsider.query("ROLLBACK")
      const last = adjustmentOf(connection, "credit", 1n)
      yield* service.adjust(last)
      assert.deepStrictEqual(yield* placesAfter(), [credited, slow, later.id, last.id])
    }).pipe(Effect.provide(serviceOn(database))),
  ),
)

it.live("what is written after a restore comes after all that was followed before it", () =>
  withDatabase((database) =>
    Effect.gen(function* () {
      const served = <A, E>(incarnation: string, use: (service: Service) => Effect.Effect<A, E>) =>
        Effect.flatMap(Holdfast.Holdfast, use).pipe(Effect.provide(Layer.fresh(serviceOn(database, { incarnation }))))
      const connection = yield* funded(10n).pipe(
        Effect.provide(Layer.fresh(serviceOn(database, { incarnation: "one" }))),
      )
      const [followed] = (yield* served("one", (service) => service.entries(undefined, 200))).slice(-1)
      const credit = adjustmentOf(connection, "credit", 1n)
      const entries = yield* served("restored", (service) =>
        Effect.andThen(service.adjust(credit), service.entries(followed?.place, 200)),
      )
      assert.deepStrictEqual(
        entries.map(({ transferId }) => transferId),
        [credit.id],
      )
      // Of another journal, whoever has followed that: nobody waits for what never comes.
      const beyond = Store.Place.make(String(Number(entries[0]?.place) + 1_000))
      const refused = yield* Effect.flip(served("restored", (service) => service.entries(beyond, 200)))
      assert.strictEqual(refused._tag, "PlaceNotFound")
      // A follower may have been further than what is left, by as many entries as anybody can have lost.
      assert.isAbove(Number(entries[0]?.place), Number(followed?.place) + 1_000_000_000)
    }),
  ),
)
