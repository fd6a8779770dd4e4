/** Dark, light, or as the system is; kept in the browser. */
import { signal } from "@preact/signals"

const themes = ["system", "light", "dark"] as const
type Theme = (typeof themes)[number]

const stored = themes.find((theme) => theme === localStorage.getItem("theme"))
export const theme = signal<Theme>(stored ?? "system")

export const applyTheme = () => {
  document.documentElement.dataset["theme"] = theme.value
}

export const nextTheme = () => {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system"
  localStorage.setItem("theme", theme.value)
  applyTheme()
}
