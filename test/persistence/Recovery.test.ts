/** The database goes away and comes back: a PostgreSQL of the test's own, stopped and started under load. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Holdfast } from "@holdfast/domain"
import * as EmbeddedPostgres from "@holdfast/server/EmbeddedPostgres"
import { Array as Array_, Effect, Exit, Fiber, Ref, Result, Scope } from "effect"
import { serviceOn } from "../support/Databases.ts"
import { balanceOf, funded, termsOf } from "../support/Fixtures.ts"
import * as Quiet from "../support/Quiet.ts"
import * as Stopwatch from "../support/Stopwatch.ts"

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holdfast-recovery-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true })),
)

const start = (directory: string) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const server = yield* Scope.provide(EmbeddedPostgres.start({ directory }), scope)
    return { config: server, stop: Scope.close(scope, Exit.void) }
  })

it.live(
  "a database that is stopped and started again under load loses no acknowledged hold and makes none twice",
  () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const before = yield* start(directory)
      yield* Effect.gen(function* () {
        const deallocations = yield* Holdfast.Holdfast
        const connection = yield* funded(1_000_000n)
        const acknowledged = yield* Ref.make(0n)
        const unanswered = yield* Ref.make(0)
        const stopped = yield* Ref.make(false)

        // Each client keeps asking for the same hold until it is answered, and then goes on to the next.
        const client = Effect.gen(function* () {
          while (!(yield* Ref.get(stopped))) {
            const terms = termsOf(connection, 1n)
            yield* deallocations.reserve("deallocation", terms).pipe(
              Effect.tapError(() => Ref.update(unanswered, (n) => n + 1)),
              Effect.eventually,
            )
            yield* Ref.update(acknowledged, (n) => n + 1n)
          }
        })
        const clients = yield* Effect.forEach(Array_.range(1, 20), () => Effect.forkChild(client))
        const progress = (target: bigint) =>
          Effect.eventually(
            Effect.filterOrFail(
              Ref.get(acknowledged),
              (n) => n >= target,
              () => "not yet",
            ),
          )

        yield* progress(200n)
        yield* before.stop
        const failure = yield* Effect.flip(deallocations.ready)
        assert.strictEqual(failure._tag, "Unavailable")
        const atOutage = yield* Ref.get(acknowledged)
        const after = yield* start(directory)
        const stop = Stopwatch.start()
        yield* progress(atOutage + 1n)
        assert.isBelow(stop().awake, 5)
        yield* progress(atOutage + 200n)

        yield* Ref.set(stopped, true)
        yield* Effect.forEach(clients, Fiber.join)
        assert.strictEqual((yield* balanceOf(connection)).reserved, yield* Ref.get(acknowledged))
        yield* Effect.addFinalizer(() => after.stop)
      }).pipe(Effect.scoped, Effect.provide(serviceOn(before, { patienceMillis: 300 })))
    }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, Quiet.layer])),
  60_000,
)

it.live("while the database is away, a caller is told so within its patience", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const server = yield* start(directory)
    yield* Effect.gen(function* () {
      const deallocations = yield* Holdfast.Holdfast
      const connection = yield* funded(10n)
      const terms = termsOf(connection, 1n)
      yield* server.stop
      const stop = Stopwatch.start()
      const results = yield* Effect.forEach(
        Array_.range(1, 20),
        () => Effect.result(deallocations.reserve("deallocation", terms)),
        {
          concurrency: "unbounded",
        },
      )
      assert.isBelow(stop().awake, 2)
      assert.isTrue(results.every((_) => Result.isFailure(_) && _.failure._tag === "Unavailable"))
    }).pipe(Effect.provide(serviceOn(server, { patienceMillis: 500 })))
  }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, Quiet.layer])),
)
