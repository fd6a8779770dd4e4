/** Where in the console we are: the path below `/console`, and the query, which holds filters and the page. */
import { signal } from "@preact/signals"

interface Place {
  readonly path: ReadonlyArray<string>
  readonly query: URLSearchParams
}

const read = (): Place => ({
  path: location.pathname
    .replace(/^\/console\/?/, "")
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent),
  query: new URLSearchParams(location.search),
})

export const place = signal(read())

/** Goes somewhere; `replace` leaves no trace in the history. */
export const navigate = (href: string, { replace = false } = {}) => {
  const another = new URL(href, location.href).pathname !== location.pathname
  if (replace) history.replaceState(null, "", href)
  else history.pushState(null, "", href)
  place.value = read()
  if (!another) return
  scrollTo(0, 0)
  requestAnimationFrame(() => {
    // Whoever hears the page is told where it is now; but nobody is interrupted who types already.
    if (!replace || document.activeElement === document.body) document.querySelector<HTMLElement>("h1")?.focus()
  })
}

/** The path of one of our pages. */
export const to = (...parts: ReadonlyArray<string>) => ["/console", ...parts.map(encodeURIComponent)].join("/")

/** This page with other parameters; those that are empty are left out. */
export const withQuery = (changes: Readonly<Record<string, string | undefined>>) => {
  const query = new URLSearchParams(place.value.query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  return `${location.pathname}${text === "" ? "" : `?${text}`}`
}

/** Follows links within the console without loading it again, unless they are to open elsewhere. */
export const followLinks = () => {
  addEventListener("popstate", () => {
    place.value = read()
  })
  addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return
    const link = event.target instanceof Element ? event.target.closest("a") : null
    if (link === null || link.target !== "" || link.hasAttribute("download") || link.hash !== "") return
    if (link.origin !== location.origin || !link.pathname.startsWith("/console")) return
    event.preventDefault()
    navigate(link.href)
  })
}
