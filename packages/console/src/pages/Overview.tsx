/** All of it at a glance: what there is, what is reserved and for how long, and how the server is. */
import { useEffect } from "preact/hooks"
import * as Api from "../Api.ts"
import { Balances } from "../Balances.tsx"
import { Ages, Requests } from "../Charts.tsx"
import * as Live from "../Live.ts"
import { Quantity } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Age, Page, Time, Waiting } from "../Texts.tsx"
import { useAsk } from "../useAsk.ts"

/** What no entry of the journal tells: how the server is. */
const askAgainMillis = 10_000

const Tile = ({
  name,
  good,
  children,
}: {
  readonly name: string
  readonly good?: boolean | undefined
  readonly children: preact.ComponentChildren
}) => (
  <div class={good === undefined ? "tile" : good ? "tile good" : "tile bad"}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

const Tiles = ({ overview: { queue, database, at } }: { readonly overview: Api.Overview }) => {
  const [last] = Live.entries.value
  return (
    <dl class="tiles">
      <Tile name="Database" good={database.up}>
        {database.up ? "Up" : "Down"}
      </Tile>
      {queue.waiting !== null && queue.inFlight !== null && (
        <Tile name="Queue">
          <span class="digits">{queue.waiting}</span> waiting, <span class="digits">{queue.inFlight}</span> in flight
        </Tile>
      )}
      {last !== undefined && (
        <Tile name="Journal">
          <a href={Route.to("journal")}>
            Entry <span class="digits">{last.cursor}</span>
          </a>
          , <Age at={last.at} /> ago
        </Tile>
      )}
      <Tile name="As of">
        <Time at={at} />
      </Tile>
    </dl>
  )
}

const Reserved = ({ reservations }: Pick<Api.Overview, "reservations">) => (
  <>
    <Table
      caption="Reserved, by age, the oldest first"
      hideCaption
      rows={reservations.toSorted((a, b) => Date.parse(a.oldestAt) - Date.parse(b.oldestAt))}
      keyOf={({ kind, currency }) => `${kind} ${currency}`}
      empty="Nothing is reserved."
      columns={[
        {
          name: "What",
          cell: ({ kind, currency, count }) => {
            const query = new URLSearchParams({ state: "RESERVED", currency, order: "oldest" })
            return (
              <a href={`${Route.to(Api.kinds[kind].path)}?${query}`}>
                <span class="digits">{count}</span> {Api.kinds[kind][count === 1 ? "one" : "title"].toLowerCase()}
              </a>
            )
          },
        },
        {
          name: "Quantity",
          numeric: true,
          cell: ({ currency, quantity }) => <Quantity currency={currency} quantity={quantity} named />,
        },
        {
          name: "Oldest",
          cell: ({ oldestAt }) => (
            <>
              <Age at={oldestAt} />
              <br />
              <Time at={oldestAt} />
            </>
          ),
        },
        { name: "Ages", cell: ({ ages }) => <Ages ages={ages} /> },
      ]}
    />
  </>
)

const Refusals = ({ byReason }: { readonly byReason: Api.Overview["requests"]["byReason"] }) => {
  const most = Math.max(1, ...byReason.map(({ count }) => count))
  return (
    <Table
      caption="Refusals and failures by reason"
      rows={byReason.toSorted((a, b) => b.count - a.count)}
      keyOf={({ reason }) => reason}
      empty="Nothing was refused."
      columns={[
        { name: "Reason", cell: ({ reason }) => reason },
        { name: "Count", numeric: true, cell: ({ count }) => <span class="digits">{count}</span> },
        {
          name: "Share",
          cell: ({ count }) => (
            <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
              <rect width={Math.max(1, (count / most) * 100)} height={8} />
            </svg>
          ),
        },
      ]}
    />
  )
}

export const Overview = () => {
  const balances = useAsk<{ readonly totals: ReadonlyArray<Api.CurrencyBalances> }>("/balances")
  const overview = useAsk<Api.Overview>("/overview")
  Live.useLive(
    () => true,
    () => {
      balances.again()
      overview.again()
    },
  )
  const { again } = overview
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) again()
    }, askAgainMillis)
    return () => clearInterval(timer)
  }, [again])
  return (
    <Page title="Overview">
      {overview.data === undefined ? (
        <Waiting problem={overview.problem} again={overview.again} />
      ) : (
        <Tiles overview={overview.data} />
      )}
      <section aria-labelledby="totals">
        <h2 id="totals">Totals</h2>
        {balances.data === undefined ? (
          <Waiting problem={balances.problem} again={balances.again} />
        ) : balances.data.totals.length === 0 ? (
          <p class="empty">No connection has a balance yet.</p>
        ) : (
          <Balances balances={balances.data.totals} />
        )}
      </section>
      {overview.data !== undefined && (
        <>
          <section aria-labelledby="reserved">
            <h2 id="reserved">Reserved</h2>
            <Reserved reservations={overview.data.reservations} />
          </section>
          <section aria-labelledby="requests">
            <h2 id="requests">Requests to this process</h2>
            <Requests series={overview.data.requests.series} secondsEach={overview.data.requests.secondsEach} />
            <Refusals byReason={overview.data.requests.byReason} />
          </section>
        </>
      )}
    </Page>
  )
}
