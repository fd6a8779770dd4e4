/** What keeps a program from running, in a line for a person. */
import { InvalidOption } from "@holdfast/http/InvalidOption"

interface Tagged {
  readonly _tag: string
  readonly message: string
  readonly cause?: unknown
}

/** Where the environment has what the parts of the server are given. */
const variables = {
  publicKeys: "BITGO_PUBLIC_KEY_FILE",
  operatorTokens: "OPERATOR_TOKEN",
  operators: "OPERATORS_FILE",
  connectionTokenKey: "CONNECTION_TOKEN_KEY_FILE",
  trustedProxies: "TRUSTED_PROXIES",
  maxRequestsPerSecond: "MAX_REQUESTS_PER_SECOND",
  maxRefusalsPerMinute: "MAX_REFUSALS_PER_MINUTE",
  maxUrlLength: "MAX_URL_LENGTH",
  maxBodyBytes: "MAX_BODY_BYTES",
} as const satisfies Record<InvalidOption["option"], string>

/** The errors of the libraries say only in their innermost cause what went wrong. */
export const explain = (error: Tagged): string => {
  if (error._tag === "ServeError") return `HOST and PORT: ${innermost(error)}.`
  if (error._tag === "SqlError") return `The database: ${error.message} (${innermost(error)}).`
  if (error instanceof InvalidOption) return `${variables[error.option]}: ${error.fact}`
  return error.message
}

const innermost = ({ cause }: { readonly cause?: unknown }): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause === undefined ? cause.message : innermost(cause)
}
