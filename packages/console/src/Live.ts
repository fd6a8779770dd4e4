/**
 * What happens, for as long as the page is looked at. Nothing is missed when the connection breaks, the server starts anew
 * or the page was out of sight: who does not hear that nothing was left out asks anew.
 */
import { signal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import * as Api from "./Api.ts"

/** Since when it is as it is. */
export const state = signal<{ readonly live: boolean; readonly since: Date } | undefined>(undefined)

/** For how long something is pointed out. */
const freshMillis = 5_000

/** What something happened to, when that was heard of, and whether that was the second, fourth … time. */
const heard = new Map<string, { readonly at: number; readonly again: boolean }>()
const heardAtMost = 2_000

export const heardOf = (ids: ReadonlyArray<string>) => {
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

/** Is told what changed, and whether that is all since it was told last. */
type Listener = (changes: Api.Changes, isAll: boolean) => void
const listeners = new Set<Listener>()

/** Until where it is known what happened. */
let last: string | undefined

/** Since when it is not live, whatever page was looked at meanwhile. */
let lostSince: Date | undefined

const setLive = (live: boolean) => {
  if (live) lostSince = undefined
  else {
    last = undefined
    lostSince ??= new Date()
  }
  if (state.value?.live !== live) state.value = { live, since: lostSince ?? new Date() }
}

/** What the overview says, while that is what is watched. */
export const overview = signal<Api.Overview | undefined>(undefined)

const hearOverview = (events: ReadonlyArray<Api.Overview>) => {
  overview.value = events.at(-1) ?? overview.value
}

const hearChanges = (events: ReadonlyArray<Api.Changes>) => {
  for (const changes of events) {
    if (changes.last === last) continue
    const isAll = changes.after === last
    last = changes.last
    if (isAll) heardOf(changes.transferIds)
    for (const listener of listeners) listener(changes, isAll)
  }
}

interface Source {
  readonly path: string
  readonly hear: (events: ReadonlyArray<never>) => void
}

const changes = "/journal/changes/stream"

/** What there is to listen to. The overview needs but a small part of what the journal would be, and lists need no entries. */
const sources = {
  overview: { path: "/overview/stream", hear: hearOverview },
  changes: { path: changes, hear: hearChanges },
  journal: { path: `${changes}?withEntries=true`, hear: hearChanges },
} satisfies Record<string, Source>

/** What a page listens to. */
export const sourceOf = (page: string | undefined): Source =>
  sources[page === undefined ? "overview" : page === "journal" ? "journal" : "changes"]

/** The data of each event, in batches as they arrive; an empty one for what only shows that the server is there. */
async function* batches(response: Response): AsyncGenerator<ReadonlyArray<never>> {
  if (response.body === null) return
  // Not every browser has streams that can be iterated.
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  while (true) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (rest + value).split("\n\n")
    rest = events.pop() ?? ""
    yield events.flatMap((event) => {
      const data = event.split("\n").filter((line) => line.startsWith("data: "))
      if (data.length === 0) return []
      return [JSON.parse(data.map((line) => line.slice(6)).join("\n")) as never]
    })
  }
}

/** How long another window takes to answer, at most. */
const answerMillis = 2_000

/** Calls `gone` when for so long nothing was heard. */
const silence = (gone: () => void) => {
  let timer = setTimeout(gone, silenceMillis)
  const stop = () => clearTimeout(timer)
  const wait = (millis = silenceMillis) => {
    stop()
    timer = setTimeout(gone, millis)
  }
  return { wait, stop }
}

/** What was heard, as windows tell it each other. */
interface Heard {
  readonly live: boolean
  readonly events: ReadonlyArray<never>
}

/** Listens to the server, and does so again when the connection ends, however it does. */
const listen = async (path: string, signal: AbortSignal, tell: (heard: Heard) => void) => {
  let waitMillis = retryMillis.first
  while (!signal.aborted && Api.session.value !== null) {
    const isGone = new AbortController()
    const { wait, stop } = silence(() => isGone.abort())
    try {
      const response = await Api.request(path, { signal: AbortSignal.any([signal, isGone.signal]) })
      waitMillis = retryMillis.first
      tell({ live: true, events: [] })
      for await (const events of batches(response)) {
        wait()
        tell({ live: true, events })
      }
    } catch {
      // Why it ended is for those who ask: they are told.
    } finally {
      stop()
    }
    if (signal.aborted) return
    tell({ live: false, events: [] })
    await new Promise((wake) => setTimeout(wake, waitMillis))
    waitMillis = Math.min(waitMillis * 2, retryMillis.last)
  }
}

const isNew = "is new"

/**
 * Listens, or is told by another window of the browser that does: over HTTP/1.1 they have six connections together, and
 * those who listened with all of them could ask for nothing. Other builds of the console are not understood.
 */
const run = async ({ path, hear }: Source, signal: AbortSignal) => {
  const name = `${path} ${import.meta.url}`
  const windows = new BroadcastChannel(name)
  signal.addEventListener("abort", () => windows.close())
  const take = ({ live, events }: Heard) => {
    setLive(live)
    hear(events)
  }
  const lead = () => {
    let told: Heard | undefined
    windows.onmessage = ({ data }) => {
      if (data === isNew && told !== undefined) windows.postMessage(told)
    }
    return listen(path, signal, (heard) => {
      if (signal.aborted) return
      // Who comes later is told the last.
      told = heard.live && heard.events.length === 0 ? { ...heard, events: told?.events ?? [] } : heard
      take(heard)
      windows.postMessage(heard)
    })
  }
  const others = new AbortController()
  let isMissed = false
  const { wait, stop } = silence(() => {
    setLive(false)
    if (isMissed) return others.abort()
    // This window itself may have slept.
    isMissed = true
    windows.postMessage(isNew)
    wait(answerMillis)
  })
  windows.onmessage = ({ data }) => {
    if (data === isNew) return
    isMissed = false
    wait()
    take(data)
  }
  windows.postMessage(isNew)
  const waiting = AbortSignal.any([signal, others.signal])
  const toLead = () => {
    stop()
    return lead()
  }
  try {
    // Only over TLS, or on one's own machine, windows can agree on one.
    await (navigator.locks?.request(name, { signal: waiting }, toLead) ?? toLead())
  } catch {
    // Whoever was to tell us says nothing.
    if (!signal.aborted) await lead()
  } finally {
    stop()
  }
}

/** Listens to one of them from now on; a page that nobody sees holds no connection. */
export const follow = (source: Source) => {
  let running: AbortController | undefined
  const visibility = () => {
    running?.abort()
    running = document.hidden ? undefined : new AbortController()
    state.value = undefined
    if (running !== undefined) void run(source, running.signal)
  }
  document.addEventListener("visibilitychange", visibility)
  visibility()
  return () => {
    document.removeEventListener("visibilitychange", visibility)
    running?.abort()
    // It may be long until this is listened to again.
    last = undefined
    state.value = undefined
    overview.value = undefined
  }
}

/** When it is asked again for what is shown, where little and where much happens: not by all who are told at the same time. */
const soonMillis = () => Math.random() * 400
export const livelyMillis = () => 2_000 + Math.random() * 1_000

/** Calls the latest of them for as long as the page is there. */
export const useChanges = (listener: Listener) => {
  const latest = useRef(listener)
  latest.current = listener
  useEffect(() => {
    const hear: Listener = (...heard) => latest.current(...heard)
    listeners.add(hear)
    return () => {
      listeners.delete(hear)
    }
  }, [])
}

/** Calls `again` soon, and not too often. */
export const useSoon = (again: () => void) => {
  const latest = useRef(again)
  latest.current = again
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const notBefore = useRef(-Infinity)
  useEffect(() => () => clearTimeout(timer.current), [])
  return () => {
    timer.current ??= setTimeout(
      () => {
        timer.current = undefined
        notBefore.current = performance.now() + livelyMillis()
        latest.current()
      },
      Math.max(soonMillis(), notBefore.current - performance.now()),
    )
  }
}

/** Calls `again` soon after something happened that concerns what is shown. */
export const useLive = (concerns: (changes: Api.Changes) => boolean, again: () => void) => {
  const soon = useSoon(again)
  useChanges((changes, isAll) => {
    if (!isAll || concerns(changes)) soon()
  })
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
