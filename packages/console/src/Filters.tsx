/** A list's filters, as they are in the address. */
import type { ComponentChildren } from "preact"
import { useRef } from "preact/hooks"
import * as Route from "./Route.ts"
import { localTime } from "./Texts.tsx"

export const Filters = ({
  names,
  children,
}: {
  readonly names: ReadonlyArray<string>
  readonly children: ComponentChildren
}) => {
  const form = useRef<HTMLFormElement>(null)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (form.current === null) return
    const given = new FormData(form.current)
    const valueOf = (name: string) => {
      const value = String(given.get(name) ?? "").trim()
      // Its field knows no zone; the address says UTC.
      return (name === "from" || name === "to") && value !== "" ? new Date(value).toISOString() : value
    }
    Route.navigate(
      Route.withQuery({ cursor: undefined, ...Object.fromEntries(names.map((name) => [name, valueOf(name)])) }),
    )
  }
  const { query } = Route.place.value
  return (
    // With the address the fields are new ones, so that they show it.
    <form class="filters" ref={form} key={query.toString()} onSubmit={submit} aria-label="Filters">
      {children}
      <div class="actions">
        <button type="submit">Filter</button>
        {names.some((name) => query.has(name)) && (
          <a
            href={Route.withQuery({ cursor: undefined, ...Object.fromEntries(names.map((name) => [name, undefined])) })}
          >
            Clear
          </a>
        )}
      </div>
    </form>
  )
}

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly size?: number
}

export const TextField = ({ name, label, size }: FieldProps) => (
  <label>
    <span>{label}</span>
    <input
      name={name}
      size={size}
      defaultValue={Route.place.value.query.get(name) ?? ""}
      spellcheck={false}
      autoComplete="off"
    />
  </label>
)

export const TimeField = ({ name, label }: FieldProps) => {
  const at = Route.place.value.query.get(name)
  const time = at === null || Number.isNaN(Date.parse(at)) ? "" : localTime(new Date(at)).replace(" ", "T")
  return (
    <label>
      <span>{label}</span>
      <input name={name} type="datetime-local" step={1} defaultValue={time} />
    </label>
  )
}

interface ChoiceProps extends FieldProps {
  readonly choices: ReadonlyArray<readonly [value: string, text: string]>
}

export const Choice = ({ name, label, choices }: ChoiceProps) => {
  const chosen = Route.place.value.query.get(name) ?? ""
  return (
    <label>
      <span>{label}</span>
      <select name={name} onChange={(event) => event.currentTarget.form?.requestSubmit()}>
        {choices.map(([value, text]) => (
          <option key={value} value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Of what is in the address, what this list's call takes. */
export const queryOf = (names: ReadonlyArray<string>): string => {
  const { query } = Route.place.value
  return names
    .flatMap((name) => {
      const value = query.get(name)
      return value === null ? [] : [`${name}=${encodeURIComponent(value)}`]
    })
    .join("&")
}
