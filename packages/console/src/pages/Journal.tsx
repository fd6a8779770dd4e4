/** The journal as it is written: what came since it is followed, a little before it, and more of that on demand. */
import { useSignal } from "@preact/signals"
import { useEffect, useState } from "preact/hooks"
import * as Api from "../Api.ts"
import * as Live from "../Live.ts"
import { Quantity } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Id, Page, ProblemNote, State, Time, Waiting } from "../Texts.tsx"
import { useAsk } from "../useAsk.ts"

type Entries = ReadonlyArray<Api.PlacedEntry>

interface JournalPage {
  readonly entries: Entries
}

/** So many entries are shown at first, and asked for at once where that may be many; so many are kept while it goes on. */
const atFirst = 50
const atOnce = 200

const isSame = (a: Api.PlacedEntry | undefined, b: Api.PlacedEntry | undefined) =>
  a !== undefined && a.cursor === b?.cursor && a.at === b.at

/** How many of the newest are not shown yet; nothing where what is shown does not go on to them. */
const newerThan = (shown: Entries, newest: Entries) => {
  const newer = newest.findIndex((entry) => isSame(entry, shown[0]))
  if (newer !== -1) return newer
  return shown.some((entry) => isSame(entry, newest[0])) ? 0 : undefined
}

/** The entries that are shown, newest first; none before the first answer. Whoever reads back is not disturbed by what comes. */
const useEntries = () => {
  const entries = useSignal<Entries | undefined>(undefined)
  const reading = useSignal<{ readonly isNewer: boolean } | undefined>(undefined)
  const [limit, setLimit] = useState(atFirst)
  const { data, busy, problem, again } = useAsk<JournalPage>(`/journal/newest?limit=${limit}`)
  const soon = Live.useSoon(() => {
    if (entries.value === undefined || limit === atOnce) again()
    else setLimit(atOnce)
  })
  const prepend = (newer: Entries) => {
    Live.heardOf(newer.map(({ cursor }) => cursor))
    entries.value = [...newer, ...(entries.value ?? [])].slice(0, atOnce)
  }
  const join = (newest: Entries) => {
    const newer = newerThan(entries.value ?? [], newest)
    if (newer === undefined) entries.value = newest
    else prepend(newest.slice(0, newer))
  }
  useEffect(() => {
    if (data !== undefined && reading.value === undefined) join(data.entries)
  }, [data])
  Live.useChanges((changes, isAll) => {
    const newest = entries.value?.[0]?.cursor ?? "0"
    if (changes.last === newest && !busy) return
    if (reading.value !== undefined) {
      reading.value = { isNewer: true }
      return
    }
    if (entries.value === undefined) soon()
    // Of much at once the newest are told.
    else if (changes.after === null) join((changes.entries ?? []).toReversed())
    // Entries that are being asked for may be of before.
    else if (busy || !isAll || BigInt(changes.after) > BigInt(newest)) soon()
    else prepend((changes.entries ?? []).filter(({ cursor }) => BigInt(cursor) > BigInt(newest)).toReversed())
  })
  /** Asks for some before the oldest, and says whether there were any. */
  const older = async (oldest: Api.PlacedEntry) => {
    reading.value ??= { isNewer: false }
    const { entries: before } = await Api.ask<JournalPage>(`/journal/newest?before=${oldest.cursor}&limit=${atOnce}`)
    if (entries.value?.at(-1) === oldest) entries.value = [...entries.value, ...before]
    return before.length > 0
  }
  const goOn = () => {
    reading.value = undefined
    soon()
  }
  return { entries: entries.value, problem, again, older, reading: reading.value, goOn }
}

interface OlderProps {
  readonly oldest: Api.PlacedEntry
  readonly older: (oldest: Api.PlacedEntry) => Promise<boolean>
}

const Older = ({ oldest, older }: OlderProps) => {
  const [state, setState] = useState<"ready" | "busy" | Api.Problem>("ready")
  const [first, setFirst] = useState<string>()
  if (first === oldest.cursor) return <p class="muted">Here it begins.</p>
  const ask = () => {
    setState("busy")
    older(oldest).then(
      (found) => {
        if (!found) setFirst(oldest.cursor)
        setState("ready")
      },
      (error) => setState(Api.toProblem(error)),
    )
  }
  return (
    <>
      {typeof state === "object" && <ProblemNote problem={state} />}
      <div class="actions">
        <button type="button" onClick={ask} disabled={state === "busy"}>
          Older
        </button>
      </div>
    </>
  )
}

export const Journal = () => {
  const { entries, problem, again, older, reading, goOn } = useEntries()
  const oldest = entries?.at(-1)
  return (
    <Page title="Journal">
      <p class="muted">
        What is posted to any account, as it happens, newest first. A broken connection leaves no gap.
      </p>
      {reading !== undefined && (
        <div class="actions standing" role="status">
          <span>{reading.isNewer ? "There are newer entries." : "While you read back, nothing is added."}</span>
          <button type="button" onClick={goOn}>
            Go on
          </button>
        </div>
      )}
      {entries === undefined ? (
        <Waiting problem={problem} again={again} />
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
      {oldest !== undefined && oldest.cursor !== "1" && <Older oldest={oldest} older={older} />}
    </Page>
  )
}
