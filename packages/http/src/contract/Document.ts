/**
 * Makes the OpenAPI document that the generator has of the API whole: each field has its words and its example, each
 * body an example made of those, and an integer in an example all of its digits.
 */
import * as Words from "./Words.ts"

// biome-ignore lint/suspicious/noExplicitAny: a document as deep as this one is easier made than typed.
type Json = any

/** As everything else that leaves: a number of 19 digits is no double. */
const integer = (digits: string) => (/^[1-9]\d{15,}$/.test(digits) ? JSON.rawJSON(digits) : Number(digits))

const nameOfProblem = (schema: Json): string | undefined =>
  /^urn:holdfast:problem:(.+)$/.exec(schema?.properties?.type?.enum?.[0])?.[1]

/** What a problem says, with other members where these are not as everywhere. */
const saidBy = (problem: string): Readonly<Record<string, unknown>> => {
  const said = Words.problems[problem]
  return typeof said === "string" ? { detail: said } : { ...said }
}

/** Lets a reader find the schema that a reference names. */
const resolver =
  ({ components }: Json) =>
  (schema: Json): Json =>
    schema.$ref === undefined ? schema : components.schemas[schema.$ref.split("/").at(-1)]

/** What stands for a value that is said by one word: one that the schema knows. */
const valueOf = ({ enum: known, type }: Json, example: unknown) => {
  if (known !== undefined) return known.includes(example) ? example : known[0]
  return type === "integer" && typeof example === "string" ? integer(example) : example
}

/** Puts a word to a field; of a field with fields of its own, an example is made of theirs. */
const say = (schema: Json, [says, example, more = {}]: Partial<(typeof Words.fields)[string]> = []) => {
  const { shown: _, ...facts } = more
  const described = {
    ...schema,
    ...facts,
    description: [says, schema.description].filter((_) => _ !== undefined && _ !== "").join(" "),
  }
  if (example === undefined && schema.enum === undefined) return described
  return { ...described, examples: schema.examples ?? [valueOf(schema, example)] }
}

/** Without what the generator adds to the names of schemas that are not what they are decoded to. */
const plain = (name: string) => name.replace(/Encoded$/, "")

/** Walks down a schema, its properties and whatever else it is made of. */
const withWords = (schema: Json, inProblem = false): Json => {
  if (Array.isArray(schema)) return schema.map((item) => withWords(item, inProblem))
  if (schema === null || typeof schema !== "object") return schema
  if (schema.$ref !== undefined) return { ...schema, $ref: plain(schema.$ref) }
  const name = nameOfProblem(schema)
  const problem = inProblem || name !== undefined
  // What the generator takes for closed objects are open: fields that we do not know are ignored in requests, and
  // callers had better do so with answers.
  const { additionalProperties: _, properties, ...rest } = schema
  const walked = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, withWords(value, problem)]))
  if (properties === undefined) return walked
  const words = problem ? Words.members : Words.fields
  const wordOf = (field: string): (typeof words)[string] => {
    const [says = "", example, more] = words[field] ?? []
    return [says, name !== undefined && field === "detail" ? saidBy(name)["detail"] : example, more]
  }
  const said = Object.entries<Json>(properties).flatMap(([field, property]) =>
    // No problem of ours says of which occurrence it is.
    problem && field === "instance" ? [] : [[field, say(withWords(property, problem), wordOf(field))]],
  )
  return { ...walked, properties: Object.fromEntries(said) }
}

/** An example of what a schema describes, of the examples of its fields; what is optional is left out. */
const exampler = (document: Json) => {
  const resolve = resolver(document)
  const exampleOf = (unresolved: Json): unknown => {
    const schema = resolve(unresolved)
    if (schema.examples !== undefined) return schema.examples[0]
    if (schema.anyOf !== undefined) return exampleOf(schema.anyOf[0])
    if (schema.type === "array") return [exampleOf(schema.items)]
    if (schema.properties === undefined) return undefined
    const name = nameOfProblem(schema)
    const isShown = (field: string) =>
      schema.required?.includes(field) || (name !== undefined && ["status", "title"].includes(field)) || shown(field)
    return {
      ...Object.fromEntries(
        Object.entries<Json>(schema.properties).flatMap(([field, property]) =>
          isShown(field) ? [[field, exampleOf(property)]] : [],
        ),
      ),
      ...(name === undefined ? {} : saidBy(name)),
    }
  }
  return exampleOf
}

const shown = (field: string) => Words.fields[field]?.[2]?.["shown"] === true

const flat = (value: object, prefix = ""): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === "object" && inner !== null ? flat(inner, `${prefix}${name}.`) : [[prefix + name, inner]],
  )

const csvOf = (columns: ReadonlyArray<string>, row: object) => {
  const values = new Map(flat(row))
  return `${columns.join(",")}\r\n${columns.map((name) => values.get(name) ?? "").join(",")}\r\n`
}

const metrics = `# TYPE holdfast_http_requests_total counter
holdfast_http_requests_total{method="GET",route="/health/live",status="200"} 1
`

/** What an answer that is no JSON looks like, of what the answer in JSON says. */
const textOf = (type: string, path: string, columns: ReadonlyArray<string>, answerAt: (path: string) => Json) => {
  if (type === "text/csv") {
    const [[row]] = Object.values(answerAt(path.replace(/\.csv$/, ""))) as [[object]]
    return csvOf(columns, row)
  }
  if (type === "text/event-stream") {
    const answer = Words.events[path] ?? answerAt(path.replace(/\/stream$/, ""))
    const data = answer.entries?.[0] ?? answer
    return `: the ${path.split("/").at(-2)}\n\nid: ${data.cursor ?? data.last ?? data.at}\ndata: ${JSON.stringify(data)}\n\n`
  }
  return metrics
}

/** The document with words and examples, and whatever else the generator leaves out. */
export const complete = (generated: Json, contact: { readonly name: string; readonly url: string }): Json => {
  const { info, paths, components, tags: _, security: __, ...document } = withWords(generated)
  const schemas = Object.fromEntries(Object.entries(components.schemas).map(([name, schema]) => [plain(name), schema]))
  const named = { components: { ...components, schemas } }
  const exampleOf = exampler(named)
  const resolve = resolver(named)

  const examplesOf = (schema: Json) => {
    const alternatives: ReadonlyArray<Json> = (schema.anyOf ?? [schema]).map(resolve)
    const nameOf = (one: Json) => nameOfProblem(one) ?? one.title?.toLowerCase().replaceAll(" ", "-") ?? "example"
    return Object.fromEntries(alternatives.map((one) => [nameOf(one), { value: exampleOf(one) }]))
  }

  const answerAt = (path: string) =>
    exampleOf(resolve(paths[path].get.responses[200].content["application/json"].schema))

  const contentOf = (content: Json, path: string): Json =>
    mapped(content, ({ schema, columns }, type) =>
      /\bjson$/.test(type)
        ? { schema, examples: examplesOf(schema) }
        : { schema: { type: "string" }, examples: { example: { value: textOf(type, path, columns, answerAt) } } },
    )

  const parameterOf = (parameter: Json) => {
    const { description, examples, ...schema } = say(parameter.schema, Words.fields[parameter.name])
    return { ...parameter, schema, description, example: parameter.example ?? examples?.[0] }
  }

  const headerOf = (header: Json, name: string) => {
    const [description, example, schema] = Words.headers[name] ?? []
    return { ...header, description, schema, example }
  }

  const operationOf = ({ parameters, requestBody, responses, tags, ...operation }: Json, path: string) => ({
    ...operation,
    tags: tags.map((tag: string) => (path.startsWith("/operator/") ? `Operator: ${path.split(/[/.]/)[3]}` : tag)),
    parameters: parameters.map(parameterOf),
    ...(requestBody && { requestBody: { ...requestBody, content: contentOf(requestBody.content, path) } }),
    responses: mapped(responses, ({ content, headers, ...response }) => ({
      ...response,
      ...(headers && { headers: mapped(headers, headerOf) }),
      ...(content && { content: contentOf(content, path) }),
    })),
  })

  const described = mapped(paths, (operations, path) => mapped(operations, (operation) => operationOf(operation, path)))
  const used = Object.values(described).flatMap((operations) =>
    Object.values<Json>(operations).flatMap(({ tags }) => tags),
  )
  return {
    ...document,
    info: { ...info, contact },
    tags: [...new Set(used)].map((name) => ({ name, description: Words.tags[name] })),
    paths: described,
    ...named,
  }
}

const mapped = (record: Readonly<Record<string, Json>>, f: (value: Json, key: string) => Json): Record<string, Json> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value, key)]))
