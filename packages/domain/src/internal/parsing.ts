import { Effect, SchemaIssue } from "effect"

/** Quotes text of unknown length and content for a message. */
export const quote = (text: string): string =>
  text.length <= 100 ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, 100))}… (${text.length} characters)`

/** Turns a parser with a typed error into a schema's decoder, keeping the error's message. */
export const decodeWith =
  <A, E extends { readonly message: string }>(parse: (text: string) => Effect.Effect<A, E>) =>
  (text: string) =>
    Effect.mapErrorEager(parse(text), (error) => new SchemaIssue.InvalidValue({ message: error.message }, text))
