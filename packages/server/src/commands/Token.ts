import { randomBytes } from "node:crypto"
import { Console, Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Lines from "../terminal/Lines.ts"
import { limit } from "./Connections.ts"
import * as Operator from "./Operator.ts"
import { orTell } from "./Outcome.ts"

const { column, text } = Operator

const account = Flag.String("account").pipe(
  Flag.withDescription("The account that the client connects (partnersConnectionId)"),
  Flag.withMetavar("ID"),
)
const client = Flag.String("client").pipe(
  Flag.withDescription("The client whose account it is (partnerClientId)"),
  Flag.withMetavar("ID"),
  Flag.withDefault(""),
)
const expiresIn = Flag.Int("expires-in").pipe(
  Flag.withDescription("For how many seconds it can be used: a day unless it is said, 30 days at the most"),
  Flag.withMetavar("SECONDS"),
  Flag.optional,
)

const issue = Command.make("issue", { account, client, expiresIn, ...Operator.flags }, (given) =>
  Effect.gen(function* () {
    const server = yield* Operator.connect
    const issued = yield* server.ask("POST", "/connection-tokens", {
      partnersConnectionId: given.account,
      partnerClientId: given.client,
      ...(Option.isSome(given.expiresIn) && { expiresInSeconds: given.expiresIn.value }),
    })
    yield* Console.log(given.json ? JSON.stringify(issued) : text(issued["connectionToken"]))
    if (!given.json)
      yield* Console.error(
        `Token ${text(issued["tokenId"])}, until ${text(issued["expiresAt"])}. It is shown this once.`,
      )
  }).pipe(Operator.overriding(given), orTell("Cannot issue a token")),
).pipe(Command.withDescription("Issues a token that connects an account, and prints it."))

const list = Command.make("list", { account: Flag.optional(account), limit, ...Operator.flags }, (given) =>
  Effect.gen(function* () {
    const server = yield* Operator.connect
    const query: Record<string, string> = Option.isSome(given.account)
      ? { partnersConnectionId: given.account.value }
      : {}
    const { items, isMore } = yield* server.list("connectionTokens", "/connection-tokens", query, given.limit)
    yield* Operator.show(items, columns, given)
    yield* Operator.tellOfMore(isMore)
  }).pipe(Operator.overriding(given), orTell("Cannot list tokens")),
).pipe(Command.withDescription("Lists tokens, the newest first; never their text."))

const columns = [
  column("tokenId", "token"),
  column("partnersConnectionId", "account"),
  column("partnerClientId", "client"),
  column("issuedAt", "issued"),
  column("expiresAt", "expires"),
  column("revokedAt", "revoked"),
  column("usedBy", "used by"),
]

const id = Argument.String("token-id").pipe(Argument.withDescription("As `token list` shows it"))

const revoke = Command.make("revoke", { id, ...Operator.flags }, (given) =>
  Effect.gen(function* () {
    const server = yield* Operator.connect
    const revoked = yield* server.ask("PUT", `/connection-tokens/${encodeURIComponent(given.id)}/revoke`)
    yield* given.json ? Operator.printJson(revoked) : Operator.show([revoked], columns, given)
  }).pipe(Operator.overriding(given), orTell("Cannot revoke the token")),
).pipe(Command.withDescription("Makes a token void that was not used."))

const to = Flag.String("to").pipe(
  Flag.withDescription("A new file for it, which its owner alone can read"),
  Flag.withMetavar("FILE"),
  Flag.optional,
)

const operator = Command.make("operator", { to }, (given) =>
  Effect.gen(function* () {
    const token = Stream.succeed(randomBytes(32).toString("base64url"))
    if (Option.isNone(given.to)) return yield* Lines.print(token)
    yield* Lines.save(given.to.value, token)
    yield* Console.log(`OPERATOR_TOKEN_FILE=${given.to.value}`)
  }).pipe(orTell("Cannot make a token")),
).pipe(
  Command.withDescription(
    "Makes a token for the operator, for OPERATOR_TOKEN or OPERATOR_TOKEN_FILE. No server is asked.",
  ),
)

export const token = Command.make("token").pipe(
  Command.withDescription("Tokens that connect accounts, of a running server; and the operator's own."),
  Command.withShortDescription("issues, lists and revokes connection tokens; makes an operator's"),
  Command.withSubcommands([issue, list, revoke, operator]),
)
