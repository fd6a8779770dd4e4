/** Each table's columns, both ways: whatever its schema can hold survives being written and read. */
import { assert, it } from "@effect/vitest"
import { Arbitrary, DateTime, Effect } from "effect"
import * as Tables from "../../packages/persistence/src/Tables.ts"
import * as Write from "../../packages/persistence/src/Write.ts"
import { ask, withDatabase } from "../support/Databases.ts"

/** Times of which PostgreSQL and ISO 8601 have the same idea; whatever else is left as it was drawn. */
const withRecordableTimes = (value: unknown): unknown => {
  if (DateTime.isDateTime(value)) {
    const millis = Math.abs(DateTime.toEpochMillis(value)) % Date.UTC(9999)
    return DateTime.makeUnsafe(millis)
  }
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, withRecordableTimes(inner)]))
}

const roundTrip = <A>({ name, schema, columns, select, read }: Tables.Table<A>) =>
  it.live(`what ${name} holds survives being written and read`, () =>
    withDatabase((database) =>
      Effect.gen(function* () {
        const drawn = yield* Arbitrary.sampleEffect(Arbitrary.schema(schema), { count: 300, seed: 20261128 })
        const values = drawn.map(withRecordableTimes) as ReadonlyArray<A>
        const cells = columns.map(({ cell }) => Write.texts(values.map(cell)))
        const types = columns.map(({ type }, index) => `$${index + 1}::text[]::${type}[]`)
        const names = columns.map((column) => column.name)
        const statement = `SELECT ${select("t", "x_")} FROM unnest(${types}) AS t (${names})`
        const { rows } = yield* ask(database, statement, cells)
        assert.deepStrictEqual(yield* read(rows, "x_"), values)
      }),
    ),
  )

for (const table of Object.values(Tables)) roundTrip(table as Tables.Table<unknown>)
