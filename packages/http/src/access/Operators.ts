/**
 * Who among the partner's people may do what: each operator has a name, a role
 * and tokens of their own. A browser shows its token once, and has a session from
 * then on: a cookie that says until when, and until when changes are open, sealed for
 * what the token is known by with a key that all servers share. So no server has to
 * remember it, all servers accept it, and it ends when the token does.
 */
import { Clock, Context, Effect, Redacted } from "effect"
import type * as OperatorApi from "../contract/OperatorApi.ts"
import { Forbidden, NotConfirmed } from "../contract/Problems.ts"
import { hmacSha256, timingSafeEqual } from "../node/Sha256.ts"

/**
 * What an operator may do: look at everything; what a day takes; whatever moves balance.
 *
 * @category models
 */
export type Role = OperatorApi.Role

/**
 * The roles, each of which may do what those before it may.
 *
 * ```ts
 * import * as Operators from "@holdfast/http/Operators"
 * import assert from "node:assert/strict"
 *
 * assert.deepEqual(Operators.roles, ["read", "operate", "admin"])
 * ```
 *
 * @category constants
 */
export const roles = ["read", "operate", "admin"] as const satisfies ReadonlyArray<Role>

/**
 * An operator by name.
 *
 * @category models
 */
export interface Operator {
  readonly name: string
  readonly role: Role
}

/**
 * One who is believed, by the SHA-256 of a token.
 *
 * @category models
 */
export interface Known extends Operator {
  readonly digest: Uint8Array
}

/**
 * A browser's: what it said with this request.
 *
 * @category models
 */
export interface Session {
  /** What the token that it was begun with is known by. */
  readonly digest: Uint8Array
  readonly expiresAtSeconds: number
  /** Until when changes are open; in the past where they are not. */
  readonly changesUntilSeconds: number
  /** Whether they are. */
  readonly changes: boolean
  readonly confirmed: string | undefined
  readonly reason: string | undefined
}

/**
 * Who asks.
 *
 * @category models
 */
export interface Asking extends Operator {
  /** None of a program, which shows its token each time. */
  readonly session: Session | undefined
}

/**
 * Whoever asks for what is at hand; an administrator's program, where nobody looked.
 *
 * @internal
 */
export const Current = Context.Reference<Asking>("@holdfast/http/Operators/Current", {
  defaultValue: () => ({ name: "operator", role: "admin", session: undefined }),
})

/**
 * The name of the session's cookie.
 *
 * @internal
 */
export const cookieName = "holdfast_session"

/**
 * How long a session goes on.
 *
 * @internal
 */
export const sessionSeconds = 8 * 3600

/**
 * How long changes are open.
 *
 * @internal
 */
export const changesSeconds = 15 * 60

/**
 * The seconds since 1970, by which sessions end.
 *
 * @internal
 */
export const nowSeconds: Effect.Effect<number> = Effect.map(Clock.currentTimeMillis, (millis) =>
  Math.floor(millis / 1000),
)

/** Whose a session is, and until when, in seconds since 1970. */
type Terms = Pick<Session, "digest" | "expiresAtSeconds" | "changesUntilSeconds">

/** What a session is sealed with: 32 bytes that nobody else knows. What a token is known by is not secret enough. */
type Key = Redacted.Redacted<Uint8Array>

const sealed = (key: Key, digest: Uint8Array, said: string) =>
  hmacSha256(Redacted.value(key), `holdfast session ${Buffer.from(digest).toString("hex")} ${said}`)

/**
 * The value of a session's cookie.
 *
 * @internal
 */
export const seal = (key: Key, { digest, expiresAtSeconds, changesUntilSeconds }: Terms): string => {
  const said = `${expiresAtSeconds}.${changesUntilSeconds}`
  return `${said}.${sealed(key, digest, said).toString("base64url")}`
}

/**
 * Whose session a cookie's value is, and until when; nobody's where it is made up, changed or over.
 *
 * @internal
 */
export const unseal = (
  key: Key,
  value: string,
  known: ReadonlyArray<Known>,
  nowSeconds: number,
): (Omit<Session, "confirmed" | "reason"> & Operator) | undefined => {
  const match = /^((\d{1,12})\.(\d{1,12}))\.([\w-]{43})$/.exec(value)
  if (match === null) return undefined
  const [, said = "", expires, changesUntil, mac = ""] = match
  const expiresAtSeconds = Number(expires)
  const changesUntilSeconds = Number(changesUntil)
  const given = Buffer.from(mac, "base64url")
  // Another spelling of the same bytes is no cookie of ours.
  if (given.toString("base64url") !== mac) return undefined
  // All are compared: how long it takes says nothing of whose it is.
  const [owner] = known.filter(({ digest }) => timingSafeEqual(sealed(key, digest, said), given))
  return owner === undefined || expiresAtSeconds <= nowSeconds
    ? undefined
    : {
        name: owner.name,
        role: owner.role,
        digest: owner.digest,
        expiresAtSeconds,
        changesUntilSeconds,
        changes: changesUntilSeconds > nowSeconds,
      }
}

/**
 * The values of the session's cookie among those of a request.
 *
 * @internal
 */
export const cookiesOf = (cookies = ""): ReadonlyArray<string> =>
  cookies
    .split(/; */)
    .filter((cookie) => cookie.startsWith(`${cookieName}=`))
    .map((cookie) => cookie.slice(cookieName.length + 1))

/**
 * What a header says whose text was percent-encoded; nothing where it was not so.
 *
 * @internal
 */
export const said = (header: string | undefined): string | undefined => {
  try {
    return header === undefined ? undefined : decodeURIComponent(header)
  } catch {
    return undefined
  }
}

const rankOf = (role: Role) => roles.indexOf(role)

/**
 * Whether one may make a change that a role is needed for; says why not.
 *
 * @internal
 */
export const mayChange = ({ name, role, session }: Asking, needed: Role): Effect.Effect<void, Forbidden> => {
  if (rankOf(role) < rankOf(needed)) {
    return new Forbidden({ detail: `${name} has the role ${role}. This takes the role ${needed}.` })
  }
  if (session !== undefined && !session.changes) {
    return new Forbidden({ detail: "This session is for reading. Open one for changes." })
  }
  return Effect.void
}

/**
 * That somebody at a browser typed what the change is about.
 *
 * @internal
 */
export const confirmed = (what: string, expected: string): Effect.Effect<void, NotConfirmed> =>
  Effect.flatMap(Current, ({ session }) =>
    session === undefined || session.confirmed === expected
      ? Effect.void
      : new NotConfirmed({ detail: `Expected ${what} in Holdfast-Confirm.` }),
  )

/**
 * An operator's token as it is configured: itself, or the SHA-256 of it in hexadecimal.
 *
 * @category models
 */
export interface Token {
  readonly name: string
  readonly role: Role
  readonly token: Redacted.Redacted
}
