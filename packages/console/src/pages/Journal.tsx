/** The journal as it is written: what came since the browser signed in, and a little before it. */
import * as Api from "../Api.ts"
import * as Live from "../Live.ts"
import { Quantity } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Id, Page, State, Time } from "../Texts.tsx"

export const Journal = () => {
  const entries = Live.entries.value
  return (
    <Page title="Journal">
      <p class="muted">
        What is posted to any account, as it happens, newest first. A broken connection leaves no gap.
      </p>
      <Table
        caption="The journal as it is written"
        hideCaption
        rows={entries}
        keyOf={({ cursor }) => cursor}
        empty="Nothing happened yet."
        fresh={({ transferId }) => Live.isFresh(transferId)}
        columns={[
          { name: "Place", numeric: true, cell: ({ cursor }) => <span class="digits">{cursor}</span> },
          { name: "At", cell: ({ at }) => <Time at={at} /> },
          { name: "Event", cell: ({ event }) => <State state={event} /> },
          {
            name: "Transfer",
            cell: ({ kind, transferId }) => (
              <>
                {Api.kinds[kind].one}{" "}
                <Id id={transferId} what={`${kind}’s id`} href={Route.to(Api.kinds[kind].path, transferId)} />
              </>
            ),
          },
          {
            name: "Quantity",
            numeric: true,
            cell: ({ currency, quantity }) => <Quantity currency={currency} quantity={quantity} named />,
          },
          {
            name: "Connection",
            cell: ({ connectionId }) => (
              <Id id={connectionId} what="connection’s id" href={Route.to("connections", connectionId)} />
            ),
          },
          {
            name: "Available after",
            numeric: true,
            cell: ({ currency, balances }) => <Quantity currency={currency} quantity={balances.available} />,
          },
        ]}
      />
    </Page>
  )
}
