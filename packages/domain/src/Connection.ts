/**
 * Connections: one client account on the partner's platform, known by four
 * identifiers, two of the network's and two of the partner's. They belong
 * together: a request that names another combination is refused.
 */
import { Schema, Struct } from "effect"
import * as Difference from "./Difference.ts"
import * as Uuid from "./Uuid.ts"

/**
 * An identifier that the partner chose: up to 256 characters of well-formed
 * Unicode without NUL (what PostgreSQL's `text` can hold), compared exactly.
 *
 * @category schemas
 */
export const PartnerId = Schema.String.check(
  Schema.makeFilter((text: string) =>
    text.length > 256
      ? `Expected at most 256 characters. Got ${text.length}.`
      : !text.isWellFormed() || text.includes("\0")
        ? "Expected well-formed Unicode without NUL."
        : undefined,
  ),
)

/**
 * The four identifiers of a connection.
 *
 * ```ts
 * import { Connection } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const connection = Schema.decodeUnknownSync(Connection.Connection)({
 *   connectionId: "018F3F1E-0000-7000-8000-000000000001",
 *   clientId: "018f3f1e-0000-7000-8000-000000000002",
 *   partnersConnectionId: "account-7",
 *   partnerClientId: "client-3",
 * })
 * assert.equal(connection.connectionId, "018f3f1e-0000-7000-8000-000000000001")
 * ```
 *
 * @category schemas
 */
export const Connection = Schema.Struct({
  /** The network's id of the connection. */
  connectionId: Uuid.FromString,
  /** The network's id of the client. */
  clientId: Uuid.FromString,
  /** The partner's id of the connection; not empty. */
  partnersConnectionId: PartnerId.check(Schema.isNonEmpty()),
  /** The partner's id of the client; may be empty. */
  partnerClientId: PartnerId,
})

/** @category models */
export type Connection = typeof Connection.Type

/**
 * A connection that nobody registered.
 *
 * @category errors
 */
export class ConnectionNotFound extends Schema.TaggedError<ConnectionNotFound>()("ConnectionNotFound", {
  connectionId: Uuid.Uuid,
}) {
  override get message() {
    return `There is no connection ${this.connectionId}.`
  }
}

/**
 * A connection that is registered with other identifiers.
 *
 * @category errors
 */
export class ConnectionConflict extends Schema.TaggedError<ConnectionConflict>()("ConnectionConflict", {
  connectionId: Uuid.Uuid,
  differences: Schema.Array(Difference.Difference),
}) {
  override get message() {
    return `Connection ${this.connectionId} is registered with ${Difference.describe(this.differences)}.`
  }
}

const identifiers = Struct.keys(Connection.fields)

/**
 * The identifiers in which a value differs from a connection: of all, or of those
 * that are among some fields.
 *
 * @category comparing
 */
export const differences = (
  recorded: Connection,
  repeated: Partial<Connection>,
  fields: object = Connection.fields,
): ReadonlyArray<Difference.Difference> => {
  const differing: Array<Difference.Difference> = []
  for (const field of identifiers) {
    if (repeated[field] !== recorded[field] && field in fields) {
      differing.push({ field, recorded: recorded[field], repeated: repeated[field] ?? null })
    }
  }
  return differing
}
