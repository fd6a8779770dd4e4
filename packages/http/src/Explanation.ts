/** What keeps a program from running, in a line for a person. */

interface Tagged {
  readonly _tag: string
  readonly message: string
  readonly cause?: unknown
}

/** The errors of the libraries say only in their innermost cause what went wrong. */
export const explain = (error: Tagged): string => {
  if (error._tag === "ServeError") return `HOST and PORT: ${innermost(error)}.`
  if (error._tag === "SqlError") return `The database: ${error.message} (${innermost(error)}).`
  return error.message
}

const innermost = ({ cause }: { readonly cause?: unknown }): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause === undefined ? cause.message : innermost(cause)
}
