/** All connections, in the order of their ids. */
import type * as Api from "../Api.ts"
import { Choice, Filters, queryOf, TextField } from "../Filters.tsx"
import { unfedMillis, useRegularly } from "../Live.ts"
import { Paging } from "../Paging.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Id, Page, State, Waiting } from "../Texts.tsx"
import { useAsk } from "../useAsk.ts"

const filters = ["partnersConnectionId", "partnerClientId", "clientId", "suspended"]

const ConnectionsTable = ({
  caption,
  rows,
}: {
  readonly caption: string
  readonly rows: ReadonlyArray<Api.Connection>
}) => (
  <Table
    caption={caption}
    hideCaption
    rows={rows}
    keyOf={({ connectionId }) => connectionId}
    empty="No connections are as the filters say."
    columns={[
      {
        name: "Connection",
        cell: ({ connectionId }) => (
          <Id id={connectionId} what="connection’s id" href={Route.to("connections", connectionId)} />
        ),
      },
      { name: "State", cell: ({ suspended }) => <State state={suspended ? "SUSPENDED" : "OPEN"} /> },
      { name: "Our account", cell: ({ partnersConnectionId }) => <Id id={partnersConnectionId} what="our account" /> },
      { name: "Our client", cell: ({ partnerClientId }) => <Id id={partnerClientId} what="our client" /> },
      { name: "Network’s client", cell: ({ clientId }) => <Id id={clientId} what="client’s id" /> },
    ]}
  />
)

export const Connections = () => {
  const query = queryOf([...filters, "cursor"])
  const list = useAsk<{ readonly connections: ReadonlyArray<Api.Connection>; readonly nextCursor: string | null }>(
    `/connections${query === "" ? "" : `?${query}`}`,
  )
  useRegularly(list.again, unfedMillis)
  return (
    <Page title="Connections">
      <Filters names={filters}>
        <TextField name="partnersConnectionId" label="Our account" />
        <TextField name="partnerClientId" label="Our client" />
        <TextField name="clientId" label="Network’s client" size={24} />
        <Choice
          name="suspended"
          label="State"
          choices={[
            ["", "any"],
            ["false", "open"],
            ["true", "suspended"],
          ]}
        />
      </Filters>
      {list.data === undefined ? (
        <Waiting problem={list.problem} again={list.again} />
      ) : (
        <>
          <ConnectionsTable caption="Connections" rows={list.data.connections} />
          <Paging
            next={list.data.nextCursor}
            forward="More"
            csv={["connections", queryOf(filters)]}
            count={list.data.connections.length}
          />
        </>
      )}
    </Page>
  )
}
