/** A kind's list: filters in the address, pages by cursor, what is new as it comes. */
import * as Api from "../Api.ts"
import { Choice, Filters, queryOf, TextField, TimeField } from "../Filters.tsx"
import * as Live from "../Live.ts"
import { Paging } from "../Paging.tsx"
import { Quantity } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { type Column, Table } from "../Table.tsx"
import { Age, Free, Id, Page, State, Time, Waiting } from "../Texts.tsx"
import { useAsk } from "../useAsk.ts"

const states: Record<Api.Kind, ReadonlyArray<string>> = {
  deallocation: ["RESERVED", "CLEARED", "RELEASED", "REJECTED"],
  allocation: ["RESERVED", "CLEARED", "RELEASED", "REJECTED"],
  lock: ["RESERVED", "CLEARED", "RELEASED"],
  adjustment: [],
}

const ages = [
  ["", "any"],
  ["60", "over 1 min"],
  ["300", "over 5 min"],
  ["3600", "over 1 h"],
  ["21600", "over 6 h"],
  ["86400", "over 1 d"],
] as const

const filtersOf = (kind: Api.Kind) => [
  ...(kind === "adjustment" ? ["direction"] : ["state", "olderThan"]),
  "currency",
  "connectionId",
  "from",
  "to",
  "order",
]

const columnsOf = (kind: Api.Kind): ReadonlyArray<Column<Api.Transfer>> => [
  {
    name: Api.kinds[kind].one,
    cell: (transfer) => {
      const id = Api.idOf(transfer)
      return <Id id={id} what={`${kind}’s id`} href={Route.to(Api.kinds[kind].path, id)} />
    },
  },
  {
    name: "State",
    cell: (transfer) => (
      <>
        <State state={Api.stateOf(transfer)} />
        {transfer.rejectionReason !== undefined && (
          <small class="reason">{transfer.rejectionReason.toLowerCase().replaceAll("_", " ")}</small>
        )}
        {transfer.state === "RESERVED" && <Age at={transfer.updatedAt ?? transfer.createdAt} />}
      </>
    ),
  },
  {
    name: "Quantity",
    numeric: true,
    cell: ({ amount }) => <Quantity {...amount} />,
  },
  { name: "Currency", cell: ({ amount: { currency } }) => <Free text={currency} /> },
  {
    name: "Connection",
    cell: ({ connectionId, partnersConnectionId, partnerClientId }) => (
      <>
        <Id id={connectionId} what="connection’s id" href={Route.to("connections", connectionId)} />
        {partnersConnectionId !== undefined && (
          <small class="partner">
            <Free text={partnersConnectionId} /> · <Free text={partnerClientId ?? ""} />
          </small>
        )}
      </>
    ),
  },
  ...(kind === "lock" || kind === "adjustment"
    ? [{ name: "Memo", cell: ({ memo }: Api.Transfer) => <Free text={memo ?? ""} /> }]
    : [
        {
          name: "Ours",
          cell: ({ partnerDeallocationId, partnerAllocationId }: Api.Transfer) => (
            <Id id={partnerDeallocationId ?? partnerAllocationId ?? ""} what="our id" />
          ),
        },
      ]),
  { name: "Asked for", cell: ({ createdAt }) => <Time at={createdAt} /> },
]

export const Transfers = ({ kind }: { readonly kind: Api.Kind }) => {
  const { path, title } = Api.kinds[kind]
  const filters = filtersOf(kind)
  const query = queryOf([...filters, "cursor"])
  const list = useAsk<Record<string, ReadonlyArray<Api.Transfer>> & { readonly nextCursor: string | null }>(
    `/${path}${query === "" ? "" : `?${query}`}`,
  )
  Live.useLive(({ kinds }) => kinds.includes(kind), list.again)
  const rows = list.data?.[path] ?? []
  const oldestFirst = Route.place.value.query.get("order") === "oldest"
  return (
    <Page title={title}>
      <Filters names={filters}>
        {kind === "adjustment" ? (
          <Choice
            name="direction"
            label="Direction"
            choices={[
              ["", "both"],
              ["credit", "credit"],
              ["debit", "debit"],
            ]}
          />
        ) : (
          <>
            <Choice
              name="state"
              label="State"
              choices={[["", "any"], ...states[kind].map((state) => [state, state.toLowerCase()] as const)]}
            />
            <Choice name="olderThan" label="In it for" choices={ages} />
          </>
        )}
        <TextField name="currency" label="Currency" size={8} />
        <TextField name="connectionId" label="Connection’s id" size={16} />
        <TimeField name="from" label="Asked for from" />
        <TimeField name="to" label="and before" />
        <Choice
          name="order"
          label="Order"
          choices={[
            ["", "newest first"],
            ["oldest", "oldest first"],
          ]}
        />
      </Filters>
      {list.data === undefined ? (
        <Waiting problem={list.problem} again={list.again} />
      ) : (
        <>
          <Table
            caption={title}
            hideCaption
            columns={columnsOf(kind)}
            rows={rows}
            keyOf={Api.idOf}
            empty={`No ${title.toLowerCase()} are as the filters say${Route.place.value.query.has("currency") ? " (a currency is meant as it is written, with its capitals)" : ""}.`}
            fresh={(row) => Live.freshness(Api.idOf(row))}
          />
          <Paging
            next={list.data.nextCursor}
            forward={oldestFirst ? "Newer" : "Older"}
            csv={[path, queryOf(filters)]}
            count={rows.length}
          />
        </>
      )}
    </Page>
  )
}
