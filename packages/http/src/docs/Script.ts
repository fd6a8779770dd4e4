/**
 * The page's program. A call is sent as it is written, and its answer is shown as it came: neither is ever parsed, so
 * that no digit is lost. Credentials are kept in their fields, and nowhere else.
 */
export const script = `
const field = (name) => document.getElementById(name).value.trim()
const credentials = {
  signature: () => ({ "X-BitGo-Signature": field("signature") }),
  operatorToken: () => ({ Authorization: "Bearer " + field("operatorToken") }),
}

const requestOf = (form) => {
  const headers = { ...credentials[form.dataset.security]?.() }
  const query = new URLSearchParams()
  let path = form.dataset.path
  let body
  for (const { name, value, dataset } of form.elements) {
    if (dataset.in === "path") path = path.replace("{" + name + "}", encodeURIComponent(value))
    if (dataset.in === "query" && value !== "") query.append(name, value)
    if (dataset.in === "header" && value !== "") headers[name] = value
    if (dataset.in === "body") {
      headers["Content-Type"] = "application/json"
      body = value
    }
  }
  const url = query.size > 0 ? path + "?" + query : path
  return [url, { method: form.dataset.method, headers, body, cache: "no-store" }]
}

const show = async (form, signal) => {
  const [status, answer] = form.querySelectorAll("output, pre.answer")
  status.textContent = "…"
  answer.textContent = ""
  answer.hidden = true
  try {
    const [url, request] = requestOf(form)
    const response = await fetch(url, { ...request, signal })
    status.textContent = [response.status, response.statusText, response.headers.get("content-type")].join(" ")
    answer.hidden = false
    const reader = response.body.pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true })).getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) answer.append(part.value)
  } catch (error) {
    status.textContent = error.name === "AbortError" ? status.textContent + " (stopped)" : String(error)
  }
}

document.addEventListener("submit", async (event) => {
  event.preventDefault()
  const form = event.target
  if (form.stop !== undefined) return form.stop.abort()
  const button = form.querySelector("button")
  form.stop = new AbortController()
  button.textContent = "Stop"
  await show(form, form.stop.signal)
  form.stop = undefined
  button.textContent = "Send"
})

const open = () => {
  const target = document.getElementById(location.hash.slice(1))
  if (target?.localName !== "details") return
  target.open = true
  target.scrollIntoView()
}
addEventListener("hashchange", open)
open()
`
