/** The OpenAPI document as a page that needs nothing from elsewhere: to read, and to try calls on. */
import { script } from "./Script.ts"
import { style } from "./Style.ts"

// biome-ignore lint/suspicious/noExplicitAny: a document as deep as this one is easier read than typed.
type Json = any

const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** Code and emphasis within a line. */
const inline = (text: string) =>
  escape(text)
    .replace(/`([^`]+)`/g, "<code>$1</code>")
    .replace(/\*([^*]+)\*/g, "<em>$1</em>")

/** As much Markdown as the document has: headings, paragraphs and blocks of code. */
const markdown = (text: string) =>
  text
    .split(/^(```\w*\n[\s\S]*?\n```)$/m)
    .flatMap((part) => (part.startsWith("```") ? [part] : part.split(/\n{2,}/)))
    .filter((block) => block.trim() !== "")
    .map((block) => {
      const [, code] = /^```\w*\n([\s\S]*)\n```$/.exec(block) ?? []
      if (code !== undefined) return pre(code)
      const [, heading] = /^## (.*)$/.exec(block.trim()) ?? []
      return heading === undefined
        ? `<p>${inline(block.trim())}</p>`
        : `<h2 id="${anchor(heading)}">${inline(heading)}</h2>`
    })
    .join("\n")

/** The heading below which a program signs. */
const signing = "The network's calls: the signature"

/** One that a keyboard can scroll. */
const pre = (code: string) => `<pre tabindex="0"><code>${escape(code)}</code></pre>`

const anchor = (text: string) => text.replace(/[^A-Za-z0-9]+/g, "-")

const methodTag = (method: string) => `<b class="method ${method}">${method.toUpperCase()}</b>`

const typeOf = ({ type, format, enum: values, anyOf, items }: Json): string => {
  if (values !== undefined) return values.join(" | ")
  if (anyOf !== undefined) return anyOf.map(typeOf).join(" or ")
  if (type === "array" && items?.type !== undefined) return `array of ${items.type}s`
  return [type, format && `(${format})`].filter((_) => _ !== undefined).join(" ")
}

/** The fields of a schema, those within fields by their paths. */
const fieldsOf = (resolve: (schema: Json) => Json) => {
  const fields = (schema: Json, prefix = ""): string => {
    const { properties, anyOf, items, required = [] } = resolve(schema)
    if (anyOf?.every((one: Json) => resolve(one).properties !== undefined)) {
      return anyOf.map((one: Json) => `<h4>${escape(resolve(one).title ?? "Or")}</h4><dl>${fields(one)}</dl>`).join("")
    }
    if (items !== undefined) return fields(items, `${prefix}[].`)
    return Object.entries<Json>(properties ?? {})
      .map(([name, of]) => {
        const property = resolve(of)
        const row = term(prefix + name, property, required.includes(name) ? "" : ", optional")
        const path = property.type === "array" ? prefix + name : `${prefix}${name}.`
        return row + fields(property, path)
      })
      .join("")
  }
  return (schema: Json) => {
    const rows = fields(schema)
    return rows.startsWith("<div>") ? `<dl>${rows}</dl>` : rows
  }
}

const term = (name: string, schema: Json, more: string) =>
  `<div><dt><code>${escape(name)}</code> <span>${escape(typeOf(schema))}${more}</span></dt><dd>${inline(schema.description ?? "")}</dd></div>`

/** Written over several lines, with every digit. */
const pretty = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2))

const examplesOf = ({ examples }: Json) =>
  Object.entries<Json>(examples)
    .map(([name, { value }]) => (name === "example" ? "" : `<h4>${escape(name)}</h4>`) + pre(pretty(value)))
    .join("")

const input = (parameter: Json) => {
  const { name, in: where, example, required } = parameter
  const value = required ? `value="${escape(String(example))}" required` : `placeholder="${escape(String(example))}"`
  return `<label>${escape(name)}${required ? "" : " <span>optional</span>"}
<input name="${escape(name)}" data-in="${where}" autocomplete="off" spellcheck="false" ${value}></label>`
}

const form = (method: string, path: string, operation: Json) => {
  const { parameters, requestBody, security } = operation
  const [scheme = ""] = security.flatMap(Object.keys)
  const [example] = Object.values<Json>(requestBody?.content["application/json"].examples ?? {})
  const text = example === undefined ? "" : pretty(example.value)
  const body =
    example &&
    `<label>Body <span>sent as it is written</span>
<textarea data-in="body" spellcheck="false" rows="${text.split("\n").length + 1}">${escape(text)}</textarea></label>`
  return `<form data-method="${method.toUpperCase()}" data-path="${escape(path)}" data-security="${scheme}" aria-label="Try ${method.toUpperCase()} ${escape(path)}">
${parameters.map(input).join("\n")}${body ?? ""}
<button>Send</button><output></output><pre class="answer" tabindex="0" aria-label="The answer" hidden></pre></form>`
}

/** A page made of an OpenAPI document. */
export const make = (document: Json): string => {
  const { info, tags, paths, components } = document
  const resolve = (schema: Json) =>
    schema.$ref === undefined ? schema : components.schemas[schema.$ref.split("/").at(-1)]
  const fields = fieldsOf(resolve)

  const calls = Object.entries<Json>(paths).flatMap(([path, operations]) =>
    Object.entries<Json>(operations).map(([method, operation]) => ({ path, method, operation })),
  )
  type Call = (typeof calls)[number]

  const problemsOf = (responses: Json) =>
    Object.entries<Json>(responses)
      .filter(([status]) => !status.startsWith("2"))
      .flatMap(([status, { content }]) =>
        Object.keys(content["application/problem+json"].examples).map(
          (name) => `<a href="#problem-${name}">${status} ${name}</a>`,
        ),
      )
      .join(", ")

  const answer = (responses: Json) => {
    const [[status, { description, content }]] = Object.entries<Json>(responses) as [[string, Json]]
    if (content === undefined) return `<h3>Answer: ${status}</h3><p>${inline(description)}</p>`
    const [[type, media]] = Object.entries<Json>(content) as [[string, Json]]
    const rows = fields(media.schema)
    const examples = examplesOf(media)
    return `<h3>Answer: ${status}</h3><p>${inline(description)} <code>${escape(type)}</code></p>
${rows === "" ? examples : `<div class="two"><div>${rows}</div><div>${examples}</div></div>`}`
  }

  const call = ({ path, method, operation }: Call) => {
    const { operationId, summary, description, parameters, requestBody, responses } = operation
    const id = anchor(operationId)
    const rows = parameters.map(({ name, in: where, required, schema, description }: Json) =>
      term(
        name,
        { ...schema, description: description ?? schema.description },
        `, ${where}${required ? "" : ", optional"}`,
      ),
    )
    return `<details class="call" id="${id}"><summary>${methodTag(method)} <code>${escape(path)}</code> <span>${inline(summary)}</span></summary>
<div><p>${inline(description)}</p>
<div class="two"><div>${rows.length === 0 ? "" : `<h3>Parameters</h3><dl>${rows.join("")}</dl>`}
${requestBody === undefined ? "" : `<h3>Body</h3>${fields(requestBody.content["application/json"].schema)}`}</div>
<div><h3>Try it</h3>${form(method, path, operation)}</div></div>
${answer(responses)}
<h3>Problems</h3><p>${problemsOf(responses)}</p></div></details>`
  }

  const ofTag = (name: string) => calls.filter(({ operation }) => operation.tags.includes(name))

  const group = ({ name, description }: Json) => `<section aria-labelledby="${anchor(name)}">
<h2 id="${anchor(name)}">${escape(name)}</h2><p>${inline(description)}</p>
${ofTag(name).map(call).join("\n")}</section>`

  const problems = new Map(
    calls.flatMap(({ operation }) =>
      Object.values<Json>(operation.responses).flatMap(({ content }) =>
        Object.entries<Json>(content?.["application/problem+json"]?.examples ?? {}),
      ),
    ),
  )
  const problem = ([name, { value }]: [string, Json]) =>
    `<h3 id="problem-${name}">${value.status} ${name}</h3><p>${inline(value.title)}</p>${pre(pretty(value))}`

  const { signature, operatorToken } = components.securitySchemes
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(info.title)} ${escape(info.version)}</title><link rel="icon" href="data:,"><style>${style}</style></head>
<body><header><h1>${escape(info.title)} <small>${escape(info.version)}</small></h1>
<p><a href="/openapi.json">OpenAPI document</a> · <a href="/health/ready">health</a> · <a href="/metrics">metrics</a></p></header>
<nav aria-label="Contents"><ul><li><a href="#credentials">Credentials</a></li>
${tags.map(({ name }: Json) => `<li><a href="#${anchor(name)}">${escape(name)}</a></li>`).join("\n")}
<li><a href="#problems">Problems</a></li></ul></nav>
<main>${markdown(info.description)}
<section aria-labelledby="credentials"><h2 id="credentials">Credentials</h2>
<p>For the calls that you try. They are kept on this page, until you leave it.
<a href="#${anchor(signing)}">How to make a signature.</a></p>
<div class="two"><label for="operatorToken">Operator's token
<input id="operatorToken" type="password" autocomplete="off" spellcheck="false"></label>
<label for="signature">Signature <span>works once</span>
<input id="signature" autocomplete="off" spellcheck="false"></label></div>
<p>${inline(operatorToken.description)}</p><p>${inline(signature.description)}</p></section>
${tags.map(group).join("\n")}
<section aria-labelledby="problems"><h2 id="problems">Problems</h2>
${[...problems].map(problem).join("\n")}</section></main>
<script>${script}</script></body></html>
`
}
