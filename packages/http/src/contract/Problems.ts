/**
 * Problems: every error that leaves the server, as RFC 9457 problem details.
 * The `type` of a problem is stable, its `detail` states the fact and the
 * values, and further members give the values by name. This is the one file
 * that knows HTTP statuses.
 *
 * A problem with a status below 500 is the caller's, and recorded nothing. A
 * fault of ours is 503 (send the same again) or 500; neither is ever a
 * rejection, which is an answer and not a problem.
 */
import {
  type Account,
  type Amount,
  BaseUnits,
  type Connection,
  Difference,
  type Ledger,
  type Store,
  type Transfer,
} from "@holdfast/domain"
import { Effect, Schema } from "effect"
import { HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApiError, HttpApiSchema } from "effect/http-api"
import { WireState } from "./WireState.ts"

const problem = <const Name extends string, const Status extends number>(name: Name, status: Status, title: string) =>
  ({ type: `urn:holdfast:problem:${name}`, status, title }) as const

const detail = { detail: Schema.String }
const differences = { ...detail, differences: Schema.Array(Difference.Difference) }

/**
 * A body, path or query that cannot be understood.
 *
 * @category errors
 */
export class MalformedRequest extends HttpApiError.Problem<MalformedRequest>()(
  "MalformedRequest",
  problem("malformed-request", 400, "The request is malformed."),
  detail,
) {}

/**
 * A request whose parts did not all arrive in time.
 *
 * @category errors
 */
export class RequestTimeout extends HttpApiError.Problem<RequestTimeout>()(
  "RequestTimeout",
  problem("request-timeout", 408, "The request did not arrive in time."),
) {}

/**
 * Headers of more bytes than are read.
 *
 * @category errors
 */
export class HeadersTooLarge extends HttpApiError.Problem<HeadersTooLarge>()(
  "HeadersTooLarge",
  problem("headers-too-large", 431, "The headers are too large."),
) {}

/**
 * Missing, wrong or used-up credentials. Never says which; the log does.
 *
 * ```ts
 * import { Unauthorized } from "@holdfast/http/Problems"
 * import assert from "node:assert/strict"
 *
 * assert.equal(Unauthorized.always.detail, "The credentials are missing, wrong, expired or used up.")
 * ```
 *
 * @category errors
 */
export class Unauthorized extends HttpApiError.Problem<Unauthorized>()(
  "Unauthorized",
  problem("unauthorized", 401, "The request is not authorized."),
  detail,
) {
  static readonly always = new Unauthorized({ detail: "The credentials are missing, wrong, expired or used up." })
}

/**
 * The operator's role, or the session, does not allow it.
 *
 * @category errors
 */
export class Forbidden extends HttpApiError.Problem<Forbidden>()(
  "Forbidden",
  problem("forbidden", 403, "The operator may not do this."),
  detail,
) {}

/**
 * A change from a browser that nobody typed the subject of, or gave a reason for.
 *
 * @category errors
 */
export class NotConfirmed extends HttpApiError.Problem<NotConfirmed>()(
  "NotConfirmed",
  problem("not-confirmed", 422, "The change is not confirmed."),
  detail,
) {}

/**
 * A caller asked, or was refused, too often: it has to wait, so many seconds. Leaves as {@link TooManyRequestsRetryAfter}.
 *
 * @public
 * @category errors
 */
export class TooManyRequests extends HttpApiError.Problem<TooManyRequests>()(
  "TooManyRequests",
  problem("too-many-requests", 429, "The address has to wait."),
  { ...detail, retryAfterSeconds: Schema.Int },
) {}

/**
 * An address that there is not.
 *
 * @category errors
 */
export class RouteNotFound extends HttpApiError.Problem<RouteNotFound>()(
  "RouteNotFound",
  problem("route-not-found", 404, "There is nothing at this address."),
  detail,
) {}

/**
 * A method that the address does not have.
 *
 * @category errors
 */
export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()(
  "MethodNotAllowed",
  problem("method-not-allowed", 405, "The address does not support the method."),
  detail,
) {}

/**
 * A target of more characters than are read.
 *
 * @category errors
 */
export class UrlTooLong extends HttpApiError.Problem<UrlTooLong>()(
  "UrlTooLong",
  problem("url-too-long", 414, "The URL is too long."),
  detail,
) {}

/**
 * A body of more bytes than are read.
 *
 * @category errors
 */
export class PayloadTooLarge extends HttpApiError.Problem<PayloadTooLarge>()(
  "PayloadTooLarge",
  problem("payload-too-large", 413, "The body is too large."),
  detail,
) {}

/**
 * A body that does not say that it is JSON.
 *
 * @category errors
 */
export class UnsupportedMediaType extends HttpApiError.Problem<UnsupportedMediaType>()(
  "UnsupportedMediaType",
  problem("unsupported-media-type", 415, "The body must be JSON."),
  detail,
) {}

/**
 * No deallocation has the id.
 *
 * @category errors
 */
export class DeallocationNotFound extends HttpApiError.Problem<DeallocationNotFound>()(
  "DeallocationNotFound",
  problem("deallocation-not-found", 404, "The deallocation is unknown."),
  detail,
) {}

/**
 * No allocation has the id.
 *
 * @category errors
 */
export class AllocationNotFound extends HttpApiError.Problem<AllocationNotFound>()(
  "AllocationNotFound",
  problem("allocation-not-found", 404, "The allocation is unknown."),
  detail,
) {}

/**
 * No lock has the id.
 *
 * @category errors
 */
export class LockNotFound extends HttpApiError.Problem<LockNotFound>()(
  "LockNotFound",
  problem("lock-not-found", 404, "The lock is unknown."),
  detail,
) {}

/**
 * No adjustment has the id.
 *
 * @category errors
 */
export class AdjustmentNotFound extends HttpApiError.Problem<AdjustmentNotFound>()(
  "AdjustmentNotFound",
  problem("adjustment-not-found", 404, "The adjustment is unknown."),
  detail,
) {}

/**
 * No connection token has the id.
 *
 * @category errors
 */
export class ConnectionTokenNotFound extends HttpApiError.Problem<ConnectionTokenNotFound>()(
  "ConnectionTokenNotFound",
  problem("connection-token-not-found", 404, "The connection token is unknown."),
  detail,
) {}

/**
 * The token cannot be revoked: a connection came of it.
 *
 * @category errors
 */
export class ConnectionTokenUsed extends HttpApiError.Problem<ConnectionTokenUsed>()(
  "ConnectionTokenUsed",
  problem("connection-token-used", 409, "The connection token was used."),
  detail,
) {}

/**
 * The journal is not that long: the cursor is of another one.
 *
 * @category errors
 */
export class JournalPlaceNotFound extends HttpApiError.Problem<JournalPlaceNotFound>()(
  "JournalPlaceNotFound",
  problem("journal-place-not-found", 409, "The cursor is of another journal."),
  detail,
) {}

/**
 * Nobody registered the connection.
 *
 * @category errors
 */
export class ConnectionNotFound extends HttpApiError.Problem<ConnectionNotFound>()(
  "ConnectionNotFound",
  problem("connection-not-found", 404, "The connection is unknown."),
  detail,
) {}

/**
 * The call does not fit the state that the transfer is in.
 *
 * @category errors
 */
export class StateConflict extends HttpApiError.Problem<StateConflict>()(
  "StateConflict",
  problem("state-conflict", 409, "The transfer is in another state."),
  { ...detail, state: WireState },
) {}

/**
 * The id is recorded with other terms: each difference is named.
 *
 * @category errors
 */
export class TermsMismatch extends HttpApiError.Problem<TermsMismatch>()(
  "TermsMismatch",
  problem("terms-mismatch", 409, "The transfer is recorded with other terms."),
  differences,
) {}

/**
 * The id is that of a transfer of another kind.
 *
 * @category errors
 */
export class IdInUse extends HttpApiError.Problem<IdInUse>()(
  "IdInUse",
  problem("id-in-use", 409, "The id is in use."),
  detail,
) {}

/**
 * The adjustment is recorded with other terms: each difference is named.
 *
 * @category errors
 */
export class AdjustmentMismatch extends HttpApiError.Problem<AdjustmentMismatch>()(
  "AdjustmentMismatch",
  problem("adjustment-mismatch", 409, "The adjustment is recorded with other terms."),
  differences,
) {}

/**
 * The connection is registered with other identifiers: each difference is named.
 *
 * @category errors
 */
export class ConnectionConflict extends HttpApiError.Problem<ConnectionConflict>()(
  "ConnectionConflict",
  problem("connection-conflict", 409, "The connection is registered with other identifiers."),
  differences,
) {}

/**
 * The connection token is no good. Never says whether it is unknown, used, revoked or expired.
 *
 * @category errors
 */
export class ConnectionTokenRefused extends HttpApiError.Problem<ConnectionTokenRefused>()(
  "ConnectionTokenRefused",
  problem("connection-token-refused", 422, "The connection token is refused."),
  detail,
) {}

/**
 * The partner's account has a connection already.
 *
 * @category errors
 */
export class AccountConnected extends HttpApiError.Problem<AccountConnected>()(
  "AccountConnected",
  problem("account-connected", 409, "The account has a connection."),
  detail,
) {}

/**
 * The platform has no such currency.
 *
 * @category errors
 */
export class UnknownCurrency extends HttpApiError.Problem<UnknownCurrency>()(
  "UnknownCurrency",
  problem("unknown-currency", 422, "There is no such currency."),
  detail,
) {}

/**
 * The currency is new, and differs from a known one only in case.
 *
 * @category errors
 */
export class CurrencyLooksAlike extends HttpApiError.Problem<CurrencyLooksAlike>()(
  "CurrencyLooksAlike",
  problem("currency-looks-alike", 422, "The currency is new and looks like another."),
  { ...detail, known: Schema.String },
) {}

/**
 * Less is available than was asked for, in base units.
 *
 * @category errors
 */
export class InsufficientBalance extends HttpApiError.Problem<InsufficientBalance>()(
  "InsufficientBalance",
  problem("insufficient-balance", 422, "The available balance is too small."),
  { ...detail, requested: BaseUnits.FromString, available: BaseUnits.FromString },
) {}

/**
 * The balances of the account together would exceed 2^256 − 1 base units.
 *
 * @category errors
 */
export class BaseUnitsOverflow extends HttpApiError.Problem<BaseUnitsOverflow>()(
  "BaseUnitsOverflow",
  problem("base-units-overflow", 422, "The balance would be too large."),
  detail,
) {}

/**
 * A fault of ours that sending the same again does not mend.
 *
 * @category errors
 */
export class InternalError extends HttpApiError.Problem<InternalError>()(
  "InternalError",
  problem("internal-error", 500, "The server failed."),
  detail,
) {
  static readonly always = new InternalError({ detail: "The fault is ours, and it is in our log." })
}

/**
 * A fault of ours that passes: send the same again, after so many seconds. Leaves as {@link UnavailableRetryAfter}.
 *
 * @public
 * @category errors
 */
export class Unavailable extends HttpApiError.Problem<Unavailable>()(
  "Unavailable",
  problem("unavailable", 503, "The server cannot answer now."),
  { ...detail, retryAfterSeconds: Schema.Int },
) {}

/** The header that asks to come again. */
const retryAfter = { "retry-after": Schema.Int }

const withRetryAfter = <P extends { readonly retryAfterSeconds: number }>() => ({
  decode: ({ body }: { readonly body: P }) => body,
  encode: (body: P) => ({ body, headers: { "retry-after": body.retryAfterSeconds } }),
})

/**
 * {@link Unavailable} with the header that says when to come again.
 *
 * @category schemas
 */
export const UnavailableRetryAfter = Unavailable.pipe(
  HttpApiSchema.encodeToWithHeaders({ body: Unavailable, headers: retryAfter }, withRetryAfter<Unavailable>()),
)

/**
 * {@link TooManyRequests} with the header that says when to come again.
 *
 * @category schemas
 */
export const TooManyRequestsRetryAfter = TooManyRequests.pipe(
  HttpApiSchema.encodeToWithHeaders({ body: TooManyRequests, headers: retryAfter }, withRetryAfter<TooManyRequests>()),
)

/**
 * Any of them.
 *
 * @category models
 */
export type Problem = HttpServerRespondable.Respondable

/**
 * The response that a problem is.
 *
 * ```ts
 * import * as Problems from "@holdfast/http/Problems"
 * import { Effect } from "effect"
 * import assert from "node:assert/strict"
 *
 * const problem = new Problems.Unavailable({ detail: "The database is away.", retryAfterSeconds: 1 })
 * const response = Effect.runSync(Problems.toResponse(problem))
 * assert.deepEqual([response.status, response.headers["retry-after"]], [503, "1"])
 * assert.match(response.headers["content-type"] ?? "", /application\/problem\+json/)
 * ```
 *
 * @category conversions
 */
export const toResponse = (problem: Problem): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const response = HttpServerRespondable.toResponse(problem)
  return problem instanceof Unavailable || problem instanceof TooManyRequests
    ? Effect.map(response, HttpServerResponse.setHeader("retry-after", String(problem.retryAfterSeconds)))
    : response
}

/**
 * What the log says of a request whose caller did not wait for the answer.
 *
 * @category constants
 */
export const abandoned = 499

/**
 * The errors of the domain that can leave.
 *
 * @category models
 */
export type DomainError =
  | Ledger.NonceUsed
  | Ledger.IdInUse
  | Transfer.TransferNotFound
  | Transfer.StateConflict
  | Transfer.TermsMismatch
  | Connection.ConnectionNotFound
  | Connection.ConnectionConflict
  | Connection.TokenRefused
  | Connection.TokenNotFound
  | Connection.TokenUsed
  | Store.PlaceNotFound
  | Connection.AccountConnected
  | Amount.UnknownCurrency
  | Amount.CurrencyLooksAlike
  | Account.InsufficientBalance
  | BaseUnits.BaseUnitsOverflow
  | Store.Unavailable

const notFound = {
  deallocation: DeallocationNotFound,
  allocation: AllocationNotFound,
  lock: LockNotFound,
  adjustment: AdjustmentNotFound,
} satisfies Record<Ledger.Kind, unknown>

/**
 * A transfer of a kind that there is not.
 *
 * @category models
 */
export type NotFound<Kind extends Ledger.Kind = Ledger.Kind> = InstanceType<(typeof notFound)[Kind]>

/** The problem that each error of the domain is. */
const problems = {
  NonceUsed: () => Unauthorized.always,
  IdInUse: (error) => new IdInUse({ detail: error.message }),
  TransferNotFound: ({ kind, message }) =>
    new (notFound[kind as Ledger.Kind] ?? DeallocationNotFound)({ detail: message }),
  TokenRefused: (error) => new ConnectionTokenRefused({ detail: error.message }),
  TokenNotFound: (error) => new ConnectionTokenNotFound({ detail: error.message }),
  TokenUsed: (error) => new ConnectionTokenUsed({ detail: error.message }),
  PlaceNotFound: (error) => new JournalPlaceNotFound({ detail: error.message }),
  AccountConnected: (error) => new AccountConnected({ detail: error.message }),
  UnknownCurrency: (error) => new UnknownCurrency({ detail: error.message }),
  CurrencyLooksAlike: (error) => new CurrencyLooksAlike({ detail: error.message, known: error.known }),
  StateConflict: (error) => new StateConflict({ detail: error.message, state: error.state }),
  TermsMismatch: (error) => new TermsMismatch({ detail: error.message, differences: error.differences }),
  ConnectionNotFound: (error) => new ConnectionNotFound({ detail: error.message }),
  ConnectionConflict: (error) => new ConnectionConflict({ detail: error.message, differences: error.differences }),
  InsufficientBalance: ({ message, requested, held }) =>
    new InsufficientBalance({ detail: message, requested, available: held }),
  BaseUnitsOverflow: (error) => new BaseUnitsOverflow({ detail: error.message }),
  Unavailable: ({ message, retryAfterSeconds }) => new Unavailable({ detail: message, retryAfterSeconds }),
} satisfies { readonly [E in DomainError as E["_tag"]]: (error: E) => unknown }

/**
 * The problem that an error of the domain leaves as.
 *
 * @category models
 */
export type ProblemOf<E extends DomainError> = ReturnType<(typeof problems)[E["_tag"]]>

/**
 * The problem that an error of the domain is.
 *
 * ```ts
 * import { Transfer, Uuid } from "@holdfast/domain"
 * import { LockNotFound, toProblem } from "@holdfast/http/Problems"
 * import assert from "node:assert/strict"
 *
 * const id = Uuid.Uuid.make("018f3f1e-0000-7000-8000-000000000003")
 * const problem = toProblem(new Transfer.TransferNotFound({ kind: "lock", id }))
 * assert.ok(problem instanceof LockNotFound)
 * assert.equal(problem.detail, "There is no lock 018f3f1e-0000-7000-8000-000000000003.")
 * ```
 *
 * @category conversions
 */
export const toProblem: <E extends DomainError>(error: E) => ProblemOf<E> = (error: DomainError) =>
  // Each tag has the function for its own error; TypeScript does not follow that.
  problems[error._tag](error as never) as never
