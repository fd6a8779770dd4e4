/** All of it at a glance: what there is, what is reserved and for how long, and how the server is. */
import { useEffect, useRef } from "preact/hooks"
import * as Api from "../Api.ts"
import { Balances } from "../Balances.tsx"
import { Ages, Requests } from "../Charts.tsx"
import * as Live from "../Live.ts"
import { Quantity } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Age, Page, ProblemNote, Time, Waiting } from "../Texts.tsx"
import { useAsk } from "../useAsk.ts"

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

interface TilesProps {
  readonly overview: Api.Overview
  /** Whether it is as the server says now. */
  readonly isCurrent: boolean
}

const Tiles = ({ overview: { queue, database, lastEntry, at }, isCurrent }: TilesProps) => (
  <dl class="tiles">
    <Tile name="Database" good={isCurrent ? database.up : undefined}>
      {isCurrent ? (database.up ? "Up" : "Down") : "Not known"}
    </Tile>
    {queue.waiting !== null && queue.inFlight !== null && (
      <Tile name="Queue">
        <span class="digits">{queue.waiting}</span> waiting, <span class="digits">{queue.inFlight}</span> in flight
      </Tile>
    )}
    {lastEntry !== null && (
      <Tile name="Journal">
        <a href={Route.to("journal")}>
          Entry <span class="digits">{lastEntry.cursor}</span>
        </a>
        , <Age at={lastEntry.at} /> ago
      </Tile>
    )}
    <Tile name="As of">
      <Time at={at} />
    </Tile>
  </dl>
)

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
  const asked = useAsk<Api.Overview>("/overview")
  const live = Live.state.value?.live
  const isLive = live === true
  const known = [Live.overview.value, asked.data].filter((overview) => overview !== undefined)
  // Two servers may have two clocks: while it is live, what is told comes first.
  const [overview] = isLive ? known : known.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))
  const { again } = asked
  // An answer of before the connection was lost says nothing of now.
  const ofBefore = useRef<Api.Overview>(undefined)
  if (isLive) ofBefore.current = asked.data
  const isAnswered = asked.problem === undefined && asked.data !== ofBefore.current && overview === asked.data
  // Where it cannot be watched, it is asked for: at once, where it could be.
  useEffect(() => {
    if (live === false) again()
  }, [again, live])
  Live.useRegularly(again, isLive ? undefined : Live.unfedMillis)
  return (
    <Page title="Overview">
      {overview === undefined ? (
        <Waiting problem={asked.problem} again={again} />
      ) : (
        <>
          {!isLive && asked.problem !== undefined && <ProblemNote problem={asked.problem} />}
          <Tiles overview={overview} isCurrent={isLive || isAnswered} />
        </>
      )}
      <section aria-labelledby="totals">
        <h2 id="totals">Totals</h2>
        {overview === undefined ? null : overview.totals.length === 0 ? (
          <p class="empty">No connection has a balance yet.</p>
        ) : (
          <Balances balances={overview.totals} />
        )}
      </section>
      {overview !== undefined && (
        <>
          <section aria-labelledby="reserved">
            <h2 id="reserved">Reserved</h2>
            <Reserved reservations={overview.reservations} />
          </section>
          <section aria-labelledby="requests">
            <h2 id="requests">Requests to this process</h2>
            <Requests series={overview.requests.series} secondsEach={overview.requests.secondsEach} />
            <Refusals byReason={overview.requests.byReason} />
          </section>
        </>
      )}
    </Page>
  )
}
