import { Effect, type Schema, SchemaIssue, SchemaParser } from "effect"

/** Quotes text of unknown length and content for a message. */
export const quote = (text: string): string =>
  text.length <= 100 ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, 100))}… (${text.length} characters)`

/** Turns a parser with a typed error into a schema's decoder, keeping the error's message. */
export const decodeWith =
  <A, E extends { readonly message: string }>(parse: (text: string) => Effect.Effect<A, E>) =>
  (text: string) =>
    Effect.mapErrorEager(parse(text), (error) => new SchemaIssue.InvalidValue({ message: error.message }, text))

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** What is wrong with a value, each field with its fact. */
const factsOf = (issue: SchemaIssue.Issue): string =>
  formatIssue(issue)
    .issues.map(({ path, message }) => [path?.join("."), message].filter(Boolean).join(": "))
    .join("; ")

/**
 * The same schema, whose `make` throws what was expected and what came instead: Effect's own says only that validation
 * failed. To be applied last, as every further change makes a new schema.
 */
export const telling = <S extends Schema.Top>(schema: S): S => {
  const make = SchemaParser.make(schema)
  return Object.defineProperty(schema, "make", {
    enumerable: true,
    value: (input: S["~type.make.in"], options?: Schema.MakeOptions) => {
      try {
        return make(input, { ...options, parseOptions: { ...options?.parseOptions, reportInput: true } })
      } catch (error) {
        if (!(error instanceof Error && SchemaIssue.isIssue(error.cause))) throw error
        throw new Error(factsOf(error.cause), { cause: error.cause })
      }
    },
  })
}
