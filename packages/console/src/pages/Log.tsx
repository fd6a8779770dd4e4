/** What operators changed: who, what, why, and what came of it. */
import type * as Api from "../Api.ts"
import { queryOf } from "../Filters.tsx"
import { unfedMillis, useRegularly } from "../Live.ts"
import { Paging } from "../Paging.tsx"
import { Table } from "../Table.tsx"
import { Page, Time, Waiting } from "../Texts.tsx"
import { useAsk } from "../useAsk.ts"

export const Log = () => {
  const query = queryOf(["cursor"])
  const list = useAsk<{ readonly entries: ReadonlyArray<Api.LogEntry>; readonly nextCursor: string | null }>(
    `/operators/log${query === "" ? "" : `?${query}`}`,
  )
  useRegularly(list.again, unfedMillis)
  return (
    <Page title="Operators’ log">
      {list.data === undefined ? (
        <Waiting problem={list.problem} again={list.again} />
      ) : (
        <>
          <Table
            caption="What operators changed, newest first"
            hideCaption
            rows={list.data.entries}
            keyOf={({ id }) => id}
            empty="Nobody changed anything yet."
            columns={[
              { name: "At", cell: ({ at }) => <Time at={at} /> },
              {
                name: "Operator",
                cell: ({ operator, role }) => (
                  <>
                    {operator} <small class="muted">{role}</small>
                  </>
                ),
              },
              { name: "Action", cell: ({ action }) => <code class="action">{action}</code> },
              {
                name: "Reason",
                cell: ({ reason }) => (reason === null ? <span class="muted">none given</span> : <bdi>{reason}</bdi>),
              },
              {
                name: "Outcome",
                cell: ({ outcome }) => (outcome === null ? <span class="muted">not known</span> : <bdi>{outcome}</bdi>),
              },
            ]}
          />
          <Paging next={list.data.nextCursor} forward="Older" count={list.data.entries.length} />
        </>
      )}
    </Page>
  )
}
