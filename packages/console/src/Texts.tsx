/** Small things that every page shows: moments, ids to copy, states, problems. */
import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import * as Api from "./Api.ts"

const two = (count: number) => String(count).padStart(2, "0")

/** In the time zone of whoever looks. */
export const localTime = (date: Date) =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`

/** A moment, local, with UTC on hover. */
export const Time = ({ at }: { readonly at: string }) => {
  const date = new Date(at)
  return (
    <time dateTime={at} title={`${date.toISOString().replace("T", " ").replace("Z", "")} UTC`}>
      {localTime(date)}
    </time>
  )
}

const units = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
] as const

/** In the two largest units, `3 d 4 h`. */
export const duration = (seconds: number): string => {
  const first = units.findIndex(([size]) => seconds >= size)
  const [size, name] = units[first === -1 ? 3 : first] ?? units[3]
  const [nextSize, nextName] = units[first + 1] ?? []
  const whole = `${Math.floor(seconds / size)} ${name}`
  const rest = nextSize === undefined || first === -1 ? 0 : Math.floor((seconds % size) / nextSize)
  return rest === 0 ? whole : `${whole} ${rest} ${nextName}`
}

/** For how long already; it counts on. */
export const Age = ({ at }: { readonly at: string }) => {
  const [now, setNow] = useState(Api.serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(Api.serverNow()), 1000)
    return () => clearInterval(timer)
  }, [])
  return <span class="age">{duration(Math.max(0, Math.floor((now - Date.parse(at)) / 1000)))}</span>
}

export const CopyButton = ({ text, what }: { readonly text: string; readonly what: string }) => {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1500)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    await navigator.clipboard?.writeText(text)
    setCopied(true)
  }
  // Only over TLS, and from one's own machine, a page may write there.
  if (!("clipboard" in navigator)) return null
  return (
    <button type="button" class="copy" onClick={() => void copy()} aria-label={copied ? "Copied" : `Copy ${what}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {copied ? <path d="m3 8.5 3.5 3.5L13 4.5" /> : <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />}
      </svg>
    </button>
  )
}

/** Of a UUID the ends are seen; whoever hears or copies it has all of it. */
const Ends = ({ id }: { readonly id: string }) => {
  const [, first, middle, last] = /^([\da-f]{8})(-[\da-f-]{21})([\da-f]{6})$/.exec(id) ?? []
  if (first === undefined) return <>{id}</>
  return (
    <>
      {first}
      <span class="middle">{middle}</span>
      {last}
    </>
  )
}

/** What people named or wrote: all of it on hover, where a table has too little room; it turns nothing around beside it. */
export const Free = ({ text }: { readonly text: string }) => (
  <bdi class="free" title={text}>
    {text}
  </bdi>
)

interface IdProps {
  readonly id: string
  readonly what: string
  readonly href?: string | undefined
  readonly whole?: boolean
}

export const Id = ({ id, what, href, whole = false }: IdProps) => {
  const text = <code title={id}>{whole ? id : <Ends id={id} />}</code>
  return (
    <span class={whole ? "id whole" : "id"}>
      {href === undefined ? text : <a href={href}>{text}</a>}
      <CopyButton text={id} what={what} />
    </span>
  )
}

export const State = ({ state }: { readonly state: string }) => (
  <span class={`state ${state.toLowerCase()}`}>{state.charAt(0) + state.slice(1).toLowerCase()}</span>
)

export const ProblemNote = ({
  problem,
  children,
}: {
  readonly problem: Api.Problem
  readonly children?: ComponentChildren
}) => (
  <div class="problem" role="alert">
    <strong>{problem.title}</strong>
    {problem.detail !== undefined && <p>{problem.detail}</p>}
    {children}
  </div>
)

const Heading = ({ children }: { readonly children: ComponentChildren }) => <h1 tabIndex={-1}>{children}</h1>

interface PageProps {
  readonly title: string
  readonly heading?: ComponentChildren
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}

export const Page = ({ title, heading = title, aside, children }: PageProps) => {
  useEffect(() => {
    document.title = `${title} · Holdfast`
  }, [title])
  return (
    <>
      <div class="head">
        <Heading>{heading}</Heading>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </div>
      {children}
    </>
  )
}

/** While there is nothing to show yet, and why there is not. */
const Loading = () => (
  <p class="waiting" role="status">
    Loading…
  </p>
)

export const Waiting = ({
  problem,
  again,
}: {
  readonly problem: Api.Problem | undefined
  readonly again: () => void
}) =>
  problem === undefined ? (
    <Loading />
  ) : (
    <ProblemNote problem={problem}>
      <button type="button" onClick={again}>
        Try again
      </button>
    </ProblemNote>
  )
