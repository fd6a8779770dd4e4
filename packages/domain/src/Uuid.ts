/**
 * UUIDs as the network sends them: the textual form of RFC 9562, any version,
 * compared without regard to case. A `Uuid` is the lower-case form, so that two
 * equal ids are equal strings.
 */
import { Effect, Schema, SchemaTransformation } from "effect"
import * as Parsing from "./internal/parsing.ts"

/**
 * A UUID in its canonical, lower-case form.
 *
 * ```ts
 * import { Uuid } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const isUuid = Schema.is(Uuid.Uuid)
 * assert.ok(isUuid("3f2504e0-4f89-41d3-9a0c-0305e82c3301"))
 * // Any case is read by `fromString`; the canonical form is the lower one.
 * assert.ok(!isUuid("3F2504E0-4F89-41D3-9A0C-0305E82C3301"))
 * ```
 *
 * @category schemas
 */
export const Uuid = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, {
    expected: "a lower-case UUID",
  }),
).pipe(Schema.brand("Uuid"), Parsing.telling)

/** @category models */
export type Uuid = typeof Uuid.Type

/**
 * Text that is not a UUID.
 *
 * ```ts
 * import { Uuid } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const error = Effect.runSync(Effect.flip(Uuid.fromString("account-7")))
 * assert.equal(error.message, 'Expected a UUID. Got "account-7".')
 * ```
 *
 * @category errors
 */
export class InvalidUuid extends Schema.TaggedError<InvalidUuid>()("InvalidUuid", { text: Schema.String }) {
  override get message() {
    return `Expected a UUID. Got ${Parsing.quote(this.text)}.`
  }
}

const isUuid = Schema.is(Uuid)

/**
 * Reads a UUID in upper, lower or mixed case. Fails with {@link InvalidUuid}.
 *
 * ```ts
 * import { Uuid } from "@holdfast/domain"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const id = Effect.runSync(Uuid.fromString("3F2504E0-4F89-41D3-9A0C-0305E82C3301"))
 * assert.equal(id, "3f2504e0-4f89-41d3-9a0c-0305e82c3301")
 * ```
 *
 * @category constructors
 */
export const fromString = (text: string): Effect.Effect<Uuid, InvalidUuid> => {
  const canonical = text.toLowerCase()
  return isUuid(canonical) ? Effect.succeed(canonical) : Effect.fail(new InvalidUuid({ text }))
}

/**
 * A UUID in any case on the outside, canonical inside.
 *
 * ```ts
 * import { Uuid } from "@holdfast/domain"
 * import { Schema } from "effect"
 * import assert from "node:assert/strict"
 *
 * const Path = Schema.Struct({ connectionId: Uuid.FromString })
 * const { connectionId } = Schema.decodeUnknownSync(Path)({ connectionId: "3F2504E0-4F89-41D3-9A0C-0305E82C3301" })
 * assert.equal(connectionId, "3f2504e0-4f89-41d3-9a0c-0305e82c3301")
 * ```
 *
 * @category schemas
 */
export const FromString = Schema.String.annotate({ description: "A UUID, in any case.", format: "uuid" }).pipe(
  Schema.decodeTo(
    Uuid,
    SchemaTransformation.transformEffect({
      decode: Parsing.decodeWith(fromString),
      encode: (uuid) => Effect.succeed(uuid),
    }),
  ),
)
