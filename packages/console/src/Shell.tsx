/** What is around every page: where one can go, the one field to find things, whether it is live, and who one is. */
import type { ComponentChildren } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import * as Api from "./Api.ts"
import { openingChanges } from "./Dialogs.tsx"
import * as Live from "./Live.ts"
import * as Route from "./Route.ts"
import { localTime, ProblemNote } from "./Texts.tsx"
import { nextTheme, theme } from "./Theme.ts"
import { notCurrent } from "./useAsk.ts"

const pages: ReadonlyArray<readonly [path: string, title: string]> = [
  ["", "Overview"],
  ...Object.values(Api.kinds).map(({ path, title }) => [path, title] as const),
  ["connections", "Connections"],
  ["tokens", "Tokens"],
  ["journal", "Journal"],
  ["log", "Operators’ log"],
]

const Nav = ({ session }: { readonly session: Api.Session }) => {
  const [here = ""] = Route.place.value.path
  const nav = useRef<HTMLElement>(null)
  // On a phone it covers the page that was chosen.
  useEffect(() => Route.place.subscribe(() => nav.current?.hidePopover()), [])
  return (
    <nav id="menu" popover="auto" aria-label="Pages" ref={nav}>
      <ul>
        {pages.map(([path, title]) => (
          <li key={path}>
            <a href={path === "" ? Route.to() : Route.to(path)} aria-current={path === here ? "page" : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
      <Who session={session} />
    </nav>
  )
}

const Who = ({ session }: { readonly session: Api.Session }) => (
  <span class="operator">
    {session.operator} <small>{session.role}</small>
  </span>
)

const Search = () => {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      field.current?.select()
      field.current?.focus()
    }
    addEventListener("keydown", hear)
    return () => removeEventListener("keydown", hear)
  }, [])
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const text = field.current?.value.trim() ?? ""
    if (text !== "") Route.navigate(`${Route.to("find")}?q=${encodeURIComponent(text)}`)
  }
  return (
    <search>
      <form onSubmit={submit}>
        <input
          ref={field}
          type="search"
          name="q"
          aria-label="Find by any id or identifier"
          aria-keyshortcuts="Control+K"
          placeholder="Find any id or identifier"
          title="Ctrl K"
          defaultValue={Route.place.value.query.get("q") ?? ""}
          autoComplete="off"
          spellcheck={false}
        />
      </form>
    </search>
  )
}

const LiveState = () => {
  const state = Live.state.value
  const [name, text] =
    state === undefined
      ? ["", "Connecting…"]
      : !state.live
        ? ["off", `Not live since ${localTime(state.since).slice(11)}`]
        : notCurrent.value > 0
          ? ["off", "Not current"]
          : ["on", "Live"]
  return (
    <p class={`live ${name}`} role="status">
      {text}
    </p>
  )
}

const untilOf = (moment: string | null, now: number) => {
  if (moment === null) return ""
  const seconds = Math.max(0, Math.round((Date.parse(moment) - now) / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`
}

const Changes = ({ session, close }: { readonly session: Api.Session; readonly close: () => void }) => {
  const [now, setNow] = useState(Api.serverNow)
  useEffect(() => {
    if (!session.changes) return
    setNow(Api.serverNow())
    const timer = setInterval(() => setNow(Api.serverNow()), 1000)
    return () => clearInterval(timer)
  }, [session.changes])
  if (session.role === "read") return <span class="mode">Read only</span>
  if (!session.changes) {
    return (
      <button
        type="button"
        class="mode"
        title="Open changes for 15 minutes"
        onClick={() => {
          openingChanges.value = true
        }}
      >
        Read only
      </button>
    )
  }
  return (
    <button
      type="button"
      class="mode open"
      title="Close changes"
      aria-label="Changes open: close them"
      onClick={close}
      onKeyDown={(event) => {
        // Whoever has just opened them may still hold the key down.
        if (event.repeat) event.preventDefault()
      }}
    >
      Changes open <span class="digits">{untilOf(session.changesUntil, now)}</span> <span>×</span>
    </button>
  )
}

export const Shell = ({
  session,
  children,
}: {
  readonly session: Api.Session
  readonly children: ComponentChildren
}) => {
  const [problem, setProblem] = useState<Api.Problem>()
  const givingUp = useRef(false)
  /** What gives up a right is done when the server says so. */
  const giveUp = (call: () => Promise<void>, title: string) => async () => {
    if (givingUp.current) return
    givingUp.current = true
    setProblem(undefined)
    try {
      await call()
    } catch (error) {
      setProblem({ ...Api.toProblem(error), title })
    } finally {
      givingUp.current = false
    }
  }
  // What another window did may have ended it.
  useEffect(() => setProblem(undefined), [session.operator, session.changes])
  return (
    <div class={session.changes ? "shell changes" : "shell"}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header>
        <button type="button" class="menu" popovertarget="menu" aria-label="Pages">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2 4h12M2 8h12M2 12h12" />
          </svg>
        </button>
        <a class="name" href={Route.to()}>
          Holdfast
        </a>
        <Search />
        <LiveState />
        <Changes session={session} close={giveUp(Api.closeChanges, "Changes are still open")} />
        <div class="who">
          <Who session={session} />
          <button
            type="button"
            class="quiet"
            onClick={nextTheme}
            aria-label={`Colours: ${theme.value}`}
            title={`Colours: ${theme.value}`}
          >
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <circle cx="8" cy="8" r="5.5" />
              <path d="M8 2.5v11a5.5 5.5 0 0 0 0-11z" class="half" />
            </svg>
          </button>
          <button type="button" class="quiet" onClick={giveUp(Api.signOut, "You are still signed in")}>
            Sign out
          </button>
        </div>
      </header>
      <Nav session={session} />
      <main id="content" tabIndex={-1}>
        {problem !== undefined && <ProblemNote problem={problem} />}
        {children}
      </main>
      <footer>Times are local ({Intl.DateTimeFormat().resolvedOptions().timeZone}); UTC on hover.</footer>
    </div>
  )
}
