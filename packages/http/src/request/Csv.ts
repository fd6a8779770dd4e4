/** Lists as CSV, however long they are. */
import { Effect, Option, Stream } from "effect"
import * as Csv from "effect/encoding/Csv"

/** Fields within fields stand under names joined by points. */
const flat = (value: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(value).flatMap(([field, inner]: [string, unknown]): ReadonlyArray<readonly [string, string]> => {
      if (inner === undefined || inner === null) return []
      if (typeof inner !== "object") return [[field, String(inner)]]
      return Object.entries(flat(inner)).map(([name, text]) => [`${field}.${name}`, text] as const)
    }),
  )

/** Some rows of a list, and where the next begin, if there are more. */
export type Page<Cursor> = readonly [rows: ReadonlyArray<object>, next: Cursor | undefined]

/**
 * All pages of a list, one after another, under the names of columns. Each page is asked for when the one before it was
 * sent; the first at once, so that what fails does so before anything is sent.
 */
export const stream = <Cursor, E>(
  columns: ReadonlyArray<string>,
  page: (cursor: Cursor | undefined) => Effect.Effect<Page<Cursor>, E>,
): Effect.Effect<Stream.Stream<Uint8Array, E>, E> =>
  Effect.map(page(undefined), (first) =>
    Stream.paginate(Effect.succeed(first) as Effect.Effect<Page<Cursor>, E>, (asked) =>
      Effect.map(
        asked,
        ([rows, next]) => [rows.map(flat), Option.fromUndefinedOr(next).pipe(Option.map(page))] as const,
      ),
    ).pipe(Stream.pipeThroughChannel(Csv.encode({ columns, headers: true, newline: "\r\n" }))),
  )
