/** What currencies there are, from a file of JSON: `[{ "code": "BTC", "decimals": 8, "name": "Bitcoin" }]`. */
import { Amount } from "@holdfast/domain"
import { Effect, FileSystem, Schema } from "effect"
import { InvalidSetting } from "./InvalidSetting.ts"

const variable = "CURRENCIES_FILE"

const Currencies = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({
      code: Amount.Currency,
      decimals: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 77 })),
      name: Schema.String,
    }),
  ),
)

const invalid = (fact: string) => new InvalidSetting({ variable, fact })

/** The codes; nothing where no file is named. */
export const load = Effect.fnUntraced(function* (
  file: string | undefined,
): Effect.fn.Return<ReadonlySet<string> | undefined, InvalidSetting, FileSystem.FileSystem> {
  if (file === undefined) return undefined
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(fs.readFileString(file), ({ message }) => invalid(message))
  const currencies = yield* Effect.mapError(
    Schema.decodeUnknownEffect(Currencies, { errors: "all" })(text),
    ({ message }) =>
      invalid(`Expected [{ "code": "BTC", "decimals": 8, "name": "Bitcoin" }, ...] in ${file}. ${message}`),
  )
  const codes = currencies.map(({ code }) => code)
  const twice = codes.find((code, index) => codes.indexOf(code) !== index)
  if (twice !== undefined) return yield* invalid(`${twice} stands twice in ${file}.`)
  return new Set(codes)
})
