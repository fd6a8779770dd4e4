/** Pages of a list by cursors, which are in the address; the way back is the browser's. */
import * as Api from "./Api.ts"
import * as Route from "./Route.ts"
import { localTime } from "./Texts.tsx"

interface Props {
  readonly next: string | null | undefined
  readonly forward: string
  /** The list, and what of it. */
  readonly csv?: readonly [list: string, query: string]
  readonly count: number
}

export const Paging = ({ next, forward, csv, count }: Props) => (
  <div class="paging">
    <span>
      {count} {count === 1 ? "row" : "rows"}
    </span>
    {Route.place.value.query.has("cursor") && <a href={Route.withQuery({ cursor: undefined })}>First page</a>}
    {typeof next === "string" && <a href={Route.withQuery({ cursor: next })}>{forward}</a>}
    {csv !== undefined && (
      <a
        href={`${Api.base}/${csv[0]}.csv${csv[1] === "" ? "" : `?${csv[1]}`}`}
        download={`${csv[0]}-${localTime(new Date()).slice(0, 10)}.csv`}
      >
        CSV of all pages
      </a>
    )}
  </div>
)
