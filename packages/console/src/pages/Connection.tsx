/** One connection: who it is, what it holds and held, its tokens; and suspending it. */
import { useState } from "preact/hooks"
import * as Api from "../Api.ts"
import { Balances } from "../Balances.tsx"
import { History } from "../Charts.tsx"
import { ChangeDialog, mayOperate } from "../Dialogs.tsx"
import { unfedMillis, useLive, useRegularly } from "../Live.ts"
import { Digits, decimalsOf, inCoinUnits } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Id, Page, State, Time, Waiting } from "../Texts.tsx"
import { IssueToken, TokensTable } from "../TokensTable.tsx"
import { useAsk } from "../useAsk.ts"

type Shown = Api.Connection & { readonly balances: ReadonlyArray<Api.CurrencyBalances> }

const entriesShown = 200

const Suspend = ({ connection, again }: { readonly connection: Shown; readonly again: () => void }) => {
  const [asked, setAsked] = useState(false)
  const { suspended, connectionId, partnersConnectionId } = connection
  if (!mayOperate()) return null
  const close = () => setAsked(false)
  const verb = suspended ? "resume" : "suspend"
  return (
    <>
      <button type="button" onClick={() => setAsked(true)}>
        {suspended ? "Resume…" : "Suspend…"}
      </button>
      {asked && (
        <ChangeDialog
          title={suspended ? "Resume this connection" : "Suspend this connection"}
          expected={partnersConnectionId}
          what="account’s id"
          action={suspended ? "Resume it" : "Suspend it"}
          onClose={close}
          change={async (confirmation) => {
            await Api.request(`/connections/${connectionId}/${verb}`, { method: "PUT", confirmation })
            close()
            again()
          }}
        >
          <p>
            {suspended
              ? "The network may allocate and deallocate on it again."
              : "New allocations are rejected from now on. Deallocations go on, unless the server is told to reject them (SUSPENDED_DEALLOCATIONS=reject). Locks, adjustments and what is reserved go on."}
          </p>
        </ChangeDialog>
      )}
    </>
  )
}

const Past = ({ connection }: { readonly connection: Shown }) => {
  const { query } = Route.place.value
  const currencies = connection.balances.map(({ currency }) => currency)
  const currency = query.get("currency") ?? currencies[0]
  const balance = Api.balanceNames.find((name) => name === query.get("balance")) ?? "available"
  const asked = useAsk<{ readonly entries: ReadonlyArray<Api.PlacedEntry> }>(
    currency === undefined
      ? undefined
      : `/connections/${connection.connectionId}/journal?currency=${encodeURIComponent(currency)}&limit=${entriesShown}`,
  )
  useLive(({ connectionIds }) => connectionIds.includes(connection.connectionId), asked.again)
  if (currency === undefined) return <p class="empty">Nothing happened yet.</p>
  const decimals = decimalsOf(currency)
  const format = (quantity: string) => (decimals ? `${inCoinUnits(quantity, decimals)} ${currency}` : quantity)
  const entries = asked.data?.entries
  // A balance that nothing ever moved needs no column.
  const moved = Api.balanceNames.filter((name) => entries?.some(({ balances }) => balances[name] !== "0"))
  const choose = (name: string) => (event: { readonly currentTarget: HTMLSelectElement }) =>
    Route.navigate(Route.withQuery({ [name]: event.currentTarget.value }), { replace: true })
  return (
    <>
      <div class="filters">
        <label>
          <span>Currency</span>
          <select onChange={choose("currency")}>
            {currencies.map((each) => (
              <option key={each} selected={each === currency}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Balance</span>
          <select onChange={choose("balance")}>
            {Api.balanceNames.map((name) => (
              <option key={name} selected={name === balance}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {entries === undefined ? (
        <Waiting problem={asked.problem} again={asked.again} />
      ) : (
        <>
          <History
            name={balance}
            format={format}
            points={entries.toReversed().map(({ at, balances }) => ({ at, value: balances[balance] }))}
          />
          <Table
            caption={`The latest ${entries.length === 1 ? "entry" : `${entries.length} entries`}, in base units of ${currency}`}
            dense
            rows={entries}
            keyOf={({ cursor }) => cursor}
            columns={[
              { name: "At", cell: ({ at }) => <Time at={at} /> },
              {
                name: "What",
                cell: ({ kind, transferId, event }) => (
                  <>
                    <State state={event} />{" "}
                    <Id id={transferId} what={`${kind}’s id`} href={Route.to(Api.kinds[kind].path, transferId)} />
                  </>
                ),
              },
              { name: "Quantity", numeric: true, cell: ({ quantity }) => <Digits text={quantity} /> },
              ...moved.map((name) => ({
                name: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
                numeric: true,
                cell: ({ balances }: Api.PlacedEntry) => (
                  <data value={balances[name]} class={balances[name] === "0" ? "muted" : ""}>
                    <Digits text={balances[name]} />
                  </data>
                ),
              })),
            ]}
          />
        </>
      )}
    </>
  )
}

const Tokens = ({ connection }: { readonly connection: Shown }) => {
  const asked = useAsk<{ readonly connectionTokens: ReadonlyArray<Api.Token> }>(
    `/connection-tokens?partnersConnectionId=${encodeURIComponent(connection.partnersConnectionId)}`,
  )
  useRegularly(asked.again, unfedMillis)
  return (
    <section aria-labelledby="tokens">
      <div class="head">
        <h2 id="tokens">Tokens of this account</h2>
        <div class="aside">
          <IssueToken of={connection} again={asked.again} />
        </div>
      </div>
      {asked.data === undefined ? (
        <Waiting problem={asked.problem} again={asked.again} />
      ) : (
        <TokensTable tokens={asked.data.connectionTokens} again={asked.again} />
      )}
    </section>
  )
}

export const ConnectionPage = ({ id }: { readonly id: string }) => {
  const asked = useAsk<Shown>(`/connections/${encodeURIComponent(id)}`)
  useLive(({ connectionIds }) => connectionIds.includes(id), asked.again)
  useRegularly(asked.again, unfedMillis)
  const connection = asked.data
  return (
    <Page
      title={`Connection ${id}`}
      heading={
        <>
          Connection <small class="mono">{id}</small>
        </>
      }
      aside={connection !== undefined && <Suspend connection={connection} again={asked.again} />}
    >
      {connection === undefined ? (
        <Waiting problem={asked.problem} again={asked.again} />
      ) : (
        <>
          <dl class="facts">
            <dt>State</dt>
            <dd>
              <State state={connection.suspended ? "SUSPENDED" : "OPEN"} />
            </dd>
            <dt>Our account</dt>
            <dd>
              <Id id={connection.partnersConnectionId} what="our account" whole /> of client{" "}
              <Id id={connection.partnerClientId} what="our client" whole />
            </dd>
            <dt>Network’s id</dt>
            <dd>
              <Id id={connection.connectionId} what="connection’s id" whole /> of client{" "}
              <Id id={connection.clientId} what="client’s id" whole />
            </dd>
            <dt>Transfers</dt>
            <dd class="links">
              {Object.values(Api.kinds).map(({ path, title }) => (
                <a key={path} href={`${Route.to(path)}?connectionId=${id}`}>
                  {title}
                </a>
              ))}
            </dd>
          </dl>
          <section aria-labelledby="balances">
            <h2 id="balances">Balances</h2>
            {connection.balances.length === 0 ? (
              <p class="empty">It has none yet.</p>
            ) : (
              <Balances balances={connection.balances} />
            )}
          </section>
          <section aria-labelledby="history">
            <h2 id="history">History</h2>
            <Past connection={connection} />
          </section>
          <Tokens connection={connection} />
        </>
      )}
    </Page>
  )
}
