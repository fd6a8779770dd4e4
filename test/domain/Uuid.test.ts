import { assert, describe, it } from "@effect/vitest"
import { Uuid } from "@holdfast/domain"
import { Effect, Schema } from "effect"
import fc from "fast-check"

const run = Effect.runSync

/** The same text with each letter in upper or lower case. */
const inAnyCase = fc
  .tuple(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] }), fc.infiniteStream(fc.boolean()))
  .map(([uuid, upper]) => {
    const text = Array.from(uuid, (letter) => (upper.next().value === true ? letter.toUpperCase() : letter)).join("")
    return { uuid, text }
  })

describe("a UUID", () => {
  it("is the same whatever the case that it comes in", () => {
    fc.assert(
      fc.property(inAnyCase, ({ uuid, text }) => {
        assert.strictEqual<string>(run(Uuid.fromString(text)), uuid)
        assert.strictEqual<string>(Schema.decodeUnknownSync(Uuid.FromString)(text), uuid)
      }),
    )
  })

  it("is written in lower case", () => {
    const upper = "3F2504E0-4F89-41D3-9A0C-0305E82C3301"
    assert.isFalse(Schema.is(Uuid.Uuid)(upper))
    assert.strictEqual(Schema.encodeSync(Uuid.FromString)(run(Uuid.fromString(upper))), upper.toLowerCase())
  })

  it("may be of any version, nil and max too", () => {
    for (const digit of ["0", "f"]) {
      const text = [8, 4, 4, 4, 12].map((length) => digit.repeat(length)).join("-")
      assert.strictEqual<string>(run(Uuid.fromString(text)), text)
    }
  })

  const refused = [
    "",
    "3f2504e04f8941d39a0c0305e82c3301",
    "{3f2504e0-4f89-41d3-9a0c-0305e82c3301}",
    "urn:uuid:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "3f2504e0-4f89-41d3-9a0c-0305e82c330",
    "3f2504e0-4f89-41d3-9a0c-0305e82c33011",
    "3f2504e04-f89-41d3-9a0c-0305e82c3301",
    "3f2504e0-4f89-41d3-9a0c-0305e82c330g",
    " 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301\n",
    "３f2504e0-4f89-41d3-9a0c-0305e82c3301",
  ]
  for (const text of refused) {
    it(`is not ${JSON.stringify(text)}`, () => {
      const error = run(Effect.flip(Uuid.fromString(text)))
      assert.strictEqual(error.message, `Expected a UUID. Got ${JSON.stringify(text)}.`)
      assert.include(run(Effect.flip(Schema.decodeUnknownEffect(Uuid.FromString)(text))).message, error.message)
    })
  }
})
