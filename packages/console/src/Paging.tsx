/** Pages of a list by cursors, which are in the address; the way back is the browser's. */
import * as Route from "./Route.ts"

interface Props {
  readonly next: string | null | undefined
  readonly forward: string
  readonly csv?: string
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
      <a href={csv} download>
        CSV of all pages
      </a>
    )}
  </div>
)
