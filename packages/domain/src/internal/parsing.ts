import { Effect, Schema, SchemaIssue, SchemaParser } from "effect"

/** Quotes text of unknown length and content for a message. */
export const quote = (text: string): string =>
  text.length <= 100 ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, 100))}… (${text.length} characters)`

/** Turns a parser with a typed error into a schema's decoder, keeping the error's message. */
export const decodeWith =
  <A, E extends { readonly message: string }>(parse: (text: string) => Effect.Effect<A, E>) =>
  (text: string) =>
    Effect.mapErrorEager(parse(text), (error) => new SchemaIssue.InvalidValue({ message: error.message }, text))

/**
 * The same schema, whose `make` throws what was expected, what came instead and where: Effect's own says only that
 * validation failed. To be applied last, as every further change makes a new schema.
 */
export const telling = <S extends Schema.Top>(schema: S): S => {
  const make = SchemaParser.make(schema)
  const tell = Schema.decodeUnknownSync(Schema.toType(schema), { reportInput: true })
  return Object.defineProperty(schema, "make", {
    enumerable: true,
    value: (input: S["~type.make.in"], options?: Schema.MakeOptions) =>
      options?.disableChecks ? make(input, options) : tell(input),
  })
}
