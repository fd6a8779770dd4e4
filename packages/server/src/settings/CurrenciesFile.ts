/** What currencies there are, from a file of JSON: `[{ "code": "BTC", "decimals": 8, "name": "Bitcoin" }]`. */
import { Amount } from "@holdfast/domain"
import * as Json from "@holdfast/http/Json"
import { Effect, FileSystem, Schema } from "effect"
import * as FileFault from "./FileFault.ts"
import { InvalidSetting } from "./InvalidSetting.ts"

const variable = "CURRENCIES_FILE"

const Currencies = Schema.NonEmptyArray(
  Schema.Struct({
    code: Amount.Currency,
    decimals: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 77 })),
    name: Schema.String,
  }),
)

const decode = Schema.decodeUnknownEffect(Currencies, { errors: "all", onExcessProperty: "error" })

const invalid = (fact: string) => new InvalidSetting({ variable, fact })

/** The codes; nothing where no file is named. */
export const load = Effect.fnUntraced(function* (
  file: string | undefined,
): Effect.fn.Return<ReadonlySet<string> | undefined, InvalidSetting, FileSystem.FileSystem> {
  if (file === undefined) return undefined
  const fs = yield* FileSystem.FileSystem
  const bytes = yield* Effect.mapError(fs.readFile(file), (error) => invalid(FileFault.onRead(file, error)))
  const unfit = (what: string) =>
    invalid(`Expected [{ "code": "BTC", "decimals": 8, "name": "Bitcoin" }, ...] in ${file}. ${what}`)
  // As strictly as what comes over the wire: a code that is read otherwise than it was meant is rejected for ever.
  const value = yield* Effect.try({
    try: () => Json.parse(bytes),
    catch: (error) => unfit(error instanceof SyntaxError ? error.message : "It is not valid UTF-8."),
  })
  const currencies = yield* Effect.mapError(decode(value), ({ issue }) => unfit(Json.factsOf(issue)))
  const codes = currencies.map(({ code }) => code)
  const twice = codes.find((code, index) => codes.indexOf(code) !== index)
  if (twice !== undefined) return yield* invalid(`${twice} stands twice in ${file}.`)
  return new Set(codes)
})
