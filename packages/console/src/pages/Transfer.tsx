/** One transfer: its terms, its state, all that happened to it, and the requests about it that were seen lately. */
import { useState } from "preact/hooks"
import * as Api from "../Api.ts"
import { ChangeDialog, mayOperate, ToChange } from "../Dialogs.tsx"
import { Hash } from "../Hash.tsx"
import { useLive } from "../Live.ts"
import { Digits, Quantity } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Age, Id, Page, State, Time, Waiting } from "../Texts.tsx"
import { useAsk } from "../useAsk.ts"

type Shown = Api.Transfer & { readonly journal: ReadonlyArray<Api.Entry> }

const Terms = ({ kind, transfer }: { readonly kind: Api.Kind; readonly transfer: Shown }) => {
  const ours = transfer.partnerDeallocationId ?? transfer.partnerAllocationId
  const { state, updatedAt, createdAt } = transfer
  return (
    <dl class="facts">
      <dt>Quantity</dt>
      <dd class="large">
        <Quantity {...transfer.amount} named />
      </dd>
      <dt>State</dt>
      <dd>
        <State state={Api.stateOf(transfer)} />
        {transfer.rejectionReason !== undefined && <> {transfer.rejectionReason}</>}
        {state === "RESERVED" && (
          <>
            {" "}
            for <Age at={updatedAt ?? createdAt} />
          </>
        )}
      </dd>
      <dt>{kind === "lock" || kind === "adjustment" ? "Id" : "Network’s id"}</dt>
      <dd>
        <Id id={Api.idOf(transfer)} what="id" whole />
      </dd>
      {ours !== undefined && (
        <>
          <dt>Our id</dt>
          <dd>
            <Id id={ours} what="our id" whole />
          </dd>
        </>
      )}
      <dt>Connection</dt>
      <dd>
        <Id
          id={transfer.connectionId}
          what="connection’s id"
          href={Route.to("connections", transfer.connectionId)}
          whole
        />
      </dd>
      {transfer.clientId !== undefined && (
        <>
          <dt>Network’s client</dt>
          <dd>
            <Id id={transfer.clientId} what="client’s id" whole />
          </dd>
          <dt>Our account</dt>
          <dd>
            <Id id={transfer.partnersConnectionId ?? ""} what="our account" whole /> of client{" "}
            <Id id={transfer.partnerClientId ?? ""} what="our client" whole />
          </dd>
        </>
      )}
      {transfer.memo !== undefined && (
        <>
          <dt>Memo</dt>
          <dd>
            <bdi>{transfer.memo}</bdi>
          </dd>
        </>
      )}
      <dt>Asked for</dt>
      <dd>
        <Time at={createdAt} />
      </dd>
      {updatedAt !== undefined && updatedAt !== createdAt && (
        <>
          <dt>In its state since</dt>
          <dd>
            <Time at={updatedAt} />
          </dd>
        </>
      )}
    </dl>
  )
}

const Settle = ({ lock, again }: { readonly lock: Shown; readonly again: () => void }) => {
  const [asked, setAsked] = useState<"clear" | "release">()
  if (lock.state !== "RESERVED") return null
  if (!mayOperate()) return <ToChange what="clear or release it" />
  const close = () => setAsked(undefined)
  return (
    <>
      <button type="button" onClick={() => setAsked("clear")}>
        Clear…
      </button>
      <button type="button" onClick={() => setAsked("release")}>
        Release…
      </button>
      {asked !== undefined && (
        <ChangeDialog
          title={asked === "clear" ? "Clear this lock" : "Release this lock"}
          expected={lock.amount.quantity}
          what="quantity in base units"
          action={asked === "clear" ? "Clear the lock" : "Release the lock"}
          onClose={close}
          change={async ({ confirm, reason }) => {
            // A quantity is shown in groups, and may be typed so.
            const confirmation = { confirm: confirm.replaceAll(/\s/g, ""), reason }
            await Api.request(`/locks/${Api.idOf(lock)}/${asked}`, { method: "PUT", confirmation })
            close()
            again()
          }}
        >
          <p>
            {asked === "clear" ? "What it holds leaves the account, for good:" : "What it holds is available again:"}
          </p>
          <p class="large">
            <Quantity {...lock.amount} named />
          </p>
        </ChangeDialog>
      )}
    </>
  )
}

const Journal = ({ currency, journal }: { readonly currency: string; readonly journal: ReadonlyArray<Api.Entry> }) => (
  <Table
    caption="Journal, with the account’s balances after each entry, in base units"
    dense
    rows={journal}
    keyOf={({ at, event }) => `${event} ${at}`}
    empty="Nothing was posted: it was never reserved."
    columns={[
      { name: "Event", cell: ({ event }) => <State state={event} /> },
      { name: "Hash", cell: (entry) => <Hash entry={entry} /> },
      { name: "At", cell: ({ at }) => <Time at={at} /> },
      { name: "Quantity", numeric: true, cell: ({ quantity }) => <Quantity currency={currency} quantity={quantity} /> },
      ...Api.balanceNames.map((name) => ({
        name: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
        numeric: true,
        cell: ({ balances }: Api.Entry) => (
          <data value={balances[name]} class={balances[name] === "0" ? "muted" : ""}>
            <Digits text={balances[name]} />
          </data>
        ),
      })),
    ]}
  />
)

const Requests = ({ id }: { readonly id: string }) => {
  const seen = useAsk<{ readonly requests: ReadonlyArray<Api.SeenRequest> }>(`/requests?transferId=${id}`)
  useLive(({ transferIds }) => transferIds.includes(id), seen.again)
  if (seen.data === undefined) return <Waiting problem={seen.problem} again={seen.again} />
  return (
    <Table
      caption="Requests about it that this server process saw lately, without what operators read"
      rows={seen.data.requests.filter(({ method, route }) => method !== "GET" || !route.startsWith(Api.base))}
      keyOf={({ at, method, route }) => `${at} ${method} ${route}`}
      empty="This server process saw no request about it lately."
      columns={[
        { name: "At", cell: ({ at }) => <Time at={at} /> },
        {
          name: "Request",
          cell: ({ method, route }) => (
            <code>
              {method} {route}
            </code>
          ),
        },
        { name: "Status", numeric: true, cell: ({ answeredWith }) => <span class="digits">{answeredWith}</span> },
        {
          name: "Took",
          numeric: true,
          cell: ({ durationMillis }) => <span class="digits">{durationMillis.toFixed(1)} ms</span>,
        },
      ]}
    />
  )
}

export const TransferPage = ({ kind, id }: { readonly kind: Api.Kind; readonly id: string }) => {
  const { path, one } = Api.kinds[kind]
  const asked = useAsk<Shown>(`/${path}/${encodeURIComponent(id)}`)
  useLive(({ transferIds }) => transferIds.includes(id), asked.again)
  const transfer = asked.data
  return (
    <Page
      title={`${one} ${id}`}
      heading={
        <>
          {one} <small class="mono">{id}</small>
        </>
      }
      aside={transfer !== undefined && kind === "lock" && <Settle lock={transfer} again={asked.again} />}
    >
      {transfer === undefined ? (
        <Waiting problem={asked.problem} again={asked.again} />
      ) : (
        <>
          <Terms kind={kind} transfer={transfer} />
          <Journal currency={transfer.amount.currency} journal={transfer.journal} />
          <Requests id={id} />
        </>
      )}
    </Page>
  )
}
