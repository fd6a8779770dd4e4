/** The journal as it is written: what came since it is followed, a little before it, and more of that on demand. */
import { useState } from "preact/hooks"
import * as Api from "../Api.ts"
import * as Live from "../Live.ts"
import { Quantity } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Id, Loading, Page, ProblemNote, State, Time } from "../Texts.tsx"

const Older = () => {
  const [state, setState] = useState<"ready" | "busy" | "begins here" | Api.Problem>("ready")
  if (state === "begins here" || Live.entries.value?.at(-1)?.cursor === "1") return null
  const older = () => {
    setState("busy")
    Live.older().then(
      (found) => setState(found ? "ready" : "begins here"),
      (error) => setState(Api.toProblem(error)),
    )
  }
  return (
    <>
      {typeof state === "object" && <ProblemNote problem={state} />}
      <div class="actions">
        <button type="button" onClick={older} disabled={state === "busy"}>
          Older
        </button>
      </div>
    </>
  )
}

export const Journal = () => {
  const entries = Live.entries.value
  return (
    <Page title="Journal">
      <p class="muted">
        What is posted to any account, as it happens, newest first. A broken connection leaves no gap.
      </p>
      {entries === undefined ? (
        <Loading />
      ) : (
        <Table
          caption="The journal as it is written"
          hideCaption
          dense
          rows={entries}
          keyOf={({ cursor }) => cursor}
          empty="Nothing happened yet."
          fresh={({ cursor }) => Live.freshness(cursor)}
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
      )}
      {entries !== undefined && entries.length > 0 && <Older />}
    </Page>
  )
}
