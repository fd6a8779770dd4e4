/**
 * What happens, for as long as the page is looked at. Nothing is missed when the connection breaks, the server starts anew
 * or the page was out of sight: the journal goes on after the last entry that was seen, all else is asked for anew.
 */
import { signal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import * as Api from "./Api.ts"

/** Since when it is as it is. */
export const state = signal<{ readonly live: boolean; readonly since: Date } | undefined>(undefined)

/** The newest entries that came, newest first; none before the first answer. */
export const entries = signal<ReadonlyArray<Api.PlacedEntry> | undefined>(undefined)

const keptAtFirst = 200
let keptEntries = keptAtFirst

/** For how long something is pointed out. */
const freshMillis = 5_000

/** What something happened to, when that was heard of, and whether that was the second, fourth … time. */
const heard = new Map<string, { readonly at: number; readonly again: boolean }>()
const heardAtMost = 2_000

const heardOf = (ids: ReadonlyArray<string>) => {
  for (const id of ids) {
    const again = heard.get(id)?.again === false
    heard.delete(id)
    heard.set(id, { at: performance.now(), again })
  }
  for (const id of heard.keys()) {
    if (heard.size <= heardAtMost) break
    heard.delete(id)
  }
}

/** How what something just happened to is pointed out: in turns, for the same again would not be seen to begin anew. */
export const freshness = (id: string) => {
  const last = heard.get(id)
  if (last === undefined || performance.now() - last.at > freshMillis) return ""
  return last.again ? "fresh again" : "fresh"
}

/** The server says something every 10 seconds; who is silent for so long is gone. */
const silenceMillis = 25_000

const retryMillis = { first: 500, last: 2_000 }

/** What changed; nothing where it may be anything. */
type Listener = (changes: Api.Changes | undefined) => void
const listeners = new Set<Listener>()

let after: string | undefined

const setLive = (live: boolean) => {
  if (state.value?.live !== live) state.value = { live, since: new Date() }
}

/** What the overview says, while that is what is watched. */
export const overview = signal<Api.Overview | undefined>(undefined)

/** So many entries from before are shown where there are no newer ones yet. */
const entriesBefore = 50

/** Begins with the last entries that there are. */
const beginAtEnd = async (signal: AbortSignal) => {
  const path = `/journal/newest?limit=${entriesBefore}`
  const page = await Api.ask<{ readonly entries: ReadonlyArray<Api.PlacedEntry> }>(path, { signal })
  entries.value = page.entries
  after = page.entries[0]?.cursor ?? "0"
}

/** The data of each event, in batches as they arrive; an empty one for what only shows that the server is there. */
async function* batches<A>(response: Response, heard: () => void): AsyncGenerator<ReadonlyArray<A>> {
  if (response.body === null) return
  // Not every browser has streams that can be iterated.
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  while (true) {
    const { done, value } = await reader.read()
    if (done) return
    heard()
    const events = (rest + value).split("\n\n")
    rest = events.pop() ?? ""
    yield events.flatMap((event) => {
      const data = event.split("\n").filter((line) => line.startsWith("data: "))
      if (data.length === 0) return []
      return [JSON.parse(data.map((line) => line.slice(6)).join("\n")) as A]
    })
  }
}

interface Listen {
  readonly signal: AbortSignal
  readonly to: <A>(path: string) => AsyncGenerator<ReadonlyArray<A>>
}

const followJournal = async (listen: Listen) => {
  if (after === undefined) await beginAtEnd(listen.signal)
  for await (const batch of listen.to<Api.PlacedEntry>(`/journal/stream?after=${after}`)) {
    const [last] = batch.slice(-1)
    if (last === undefined) continue
    after = last.cursor
    heardOf(batch.map(({ cursor }) => cursor))
    entries.value = [...batch.toReversed(), ...(entries.value ?? [])].slice(0, keptEntries)
  }
}

/** The overview needs but a small part of what the journal would be. */
const watchOverview = async (listen: Listen) => {
  for await (const batch of listen.to<Api.Overview>("/overview/stream")) {
    overview.value = batch.at(-1) ?? overview.value
  }
}

/** What is listed is asked for anew when something happens to it: what that was need not be told. */
const watchChanges = async (listen: Listen) => {
  let last: string | undefined
  for await (const batch of listen.to<Api.Changes>("/journal/changes/stream")) {
    for (const changes of batch) {
      const isNext = changes.after === last
      last = changes.last
      if (isNext) heardOf(changes.transferIds)
      for (const listener of listeners) listener(isNext ? changes : undefined)
    }
  }
}

/** What there is to listen to. */
const sources = { journal: followJournal, overview: watchOverview, changes: watchChanges }

/** What a page listens to. */
export const sourceOf = (page: string | undefined): keyof typeof sources =>
  page === undefined ? "overview" : page === "journal" ? "journal" : "changes"

/** Listens until the connection ends, however it does. */
const listen = async (source: keyof typeof sources, signal: AbortSignal, connected: () => void) => {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), silenceMillis)
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), silenceMillis)
  }
  const both = AbortSignal.any([signal, silence.signal])
  async function* to<A>(path: string) {
    const response = await Api.request(path, { signal: both })
    connected()
    yield* batches<A>(response, heard)
  }
  try {
    await sources[source]({ signal: both, to })
  } finally {
    clearTimeout(timer)
  }
}

const run = async (source: keyof typeof sources, signal: AbortSignal) => {
  let waitMillis = retryMillis.first
  while (!signal.aborted && Api.session.value !== null) {
    try {
      await listen(source, signal, () => {
        setLive(true)
        waitMillis = retryMillis.first
      })
    } catch (error) {
      const type = error instanceof Api.Refused ? error.problem.type : undefined
      // Another journal than the one we followed: from its end, then.
      if (type === "urn:holdfast:problem:journal-place-not-found") after = undefined
    }
    if (signal.aborted) return
    setLive(false)
    await new Promise((wake) => setTimeout(wake, waitMillis))
    waitMillis = Math.min(waitMillis * 2, retryMillis.last)
  }
}

/** Listens to one of them from now on; a page that nobody sees holds no connection. */
export const follow = (source: keyof typeof sources) => {
  let running: AbortController | undefined
  const visibility = () => {
    running?.abort()
    running = document.hidden ? undefined : new AbortController()
    if (running !== undefined) void run(source, running.signal)
  }
  document.addEventListener("visibilitychange", visibility)
  visibility()
  return () => {
    document.removeEventListener("visibilitychange", visibility)
    running?.abort()
    // It may be long until this is listened to again: not all that happens until then is of interest.
    after = undefined
    state.value = undefined
    entries.value = undefined
    overview.value = undefined
    keptEntries = keptAtFirst
  }
}

const olderAtOnce = 200

/** Asks for some before the oldest that is there, and says whether there were any. */
export const older = async (): Promise<boolean> => {
  const oldest = entries.value?.at(-1)
  if (oldest === undefined) return false
  // What comes meanwhile shall not push the oldest out, to which they belong.
  keptEntries += olderAtOnce
  const { entries: before } = await Api.ask<{ readonly entries: ReadonlyArray<Api.PlacedEntry> }>(
    `/journal/newest?before=${oldest.cursor}&limit=${olderAtOnce}`,
  )
  if (entries.value?.at(-1) === oldest) entries.value = [...entries.value, ...before]
  return before.length > 0
}

/** When it is asked again for what is shown, where little and where much happens: not by all who are told at the same time. */
const soonMillis = () => Math.random() * 400
const livelyMillis = () => 2_000 + Math.random() * 1_000

/** Calls `again` soon after something happened that concerns what is shown. */
export const useLive = (concerns: (changes: Api.Changes) => boolean, again: () => void) => {
  const latest = useRef({ concerns, again })
  latest.current = { concerns, again }
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let notBefore = -Infinity
    const listener: Listener = (changes) => {
      if (changes !== undefined && !latest.current.concerns(changes)) return
      timer ??= setTimeout(
        () => {
          timer = undefined
          notBefore = performance.now() + livelyMillis()
          latest.current.again()
        },
        Math.max(soonMillis(), notBefore - performance.now()),
      )
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      clearTimeout(timer)
    }
  }, [])
}

/** How often what no feed tells of is asked for. */
export const unfedMillis = 5_000

/** Calls `again` so often while the page is seen; `undefined` never does. */
export const useRegularly = (again: () => void, everyMillis: number | undefined) => {
  useEffect(() => {
    if (everyMillis === undefined) return
    const timer = setInterval(() => {
      if (!document.hidden) again()
    }, everyMillis)
    return () => clearInterval(timer)
  }, [again, everyMillis])
}
