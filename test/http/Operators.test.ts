/** Who among the partner's people may do what, in a browser and by token; and what is written down of it. */
import { createHash, randomUUID } from "node:crypto"
import * as Net from "node:net"
import { assert, describe, it, layer } from "@effect/vitest"
import { Holdfast, MemoryStore, Store } from "@holdfast/domain"
import * as OperatorsLog from "@holdfast/domain/OperatorsLog"
import * as Operators from "@holdfast/http/Operators"
import { Deferred, Effect, Layer, Redacted, Schedule } from "effect"
import * as TestServer from "./TestServer.ts"

const { adjust, anyone, newTerms, operator, register } = TestServer

const tokens = {
  read: "token-of-rosa-who-reads",
  operate: "token-of-otto-who-operates",
  admin: "token-of-anna-the-admin",
}
const names = { read: "rosa", operate: "otto", admin: "anna" }
const operators = Operators.roles.map((role) => ({ name: names[role], role, token: Redacted.make(tokens[role]) }))

const as = (role: Operators.Role, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  anyone(method, `/operator/v1${path}`, {
    headers: { authorization: `Bearer ${tokens[role]}`, ...headers },
    ...(body === undefined ? {} : { body }),
  })

const begin = Effect.fnUntraced(function* (role: Operators.Role, changes: boolean) {
  const answer = yield* anyone("POST", "/operator/v1/session", { body: { token: tokens[role], changes } })
  assert.strictEqual(answer.status, 200, answer.text)
  const cookie = answer.headers["set-cookie"] ?? assert.fail("There is no cookie.")
  return { answer, cookie, said: cookie.split(";", 1)[0] ?? "" }
})

const by = (cookie: string, method: string, path: string, headers: Record<string, string> = {}) =>
  anyone(method, `/operator/v1${path}`, { headers: { cookie, ...headers } })

const typeOf = ({
  status,
  json,
}: {
  readonly status: number
  readonly json: { readonly [field: string]: unknown }
}) => [status, String(json["type"]).replace("urn:holdfast:problem:", "")]

/** A connection with a lock of 2 on it. */
const locked = Effect.gen(function* () {
  const terms = newTerms()
  yield* register(terms)
  yield* adjust(terms, "credit", { currency: "BTC", quantity: "5" })
  const lockId = randomUUID()
  const lock = { connectionId: terms.connectionId, amount: { currency: "BTC", quantity: "2" } }
  assert.strictEqual((yield* operator("PUT", `/operator/v1/locks/${lockId}`, { body: lock })).status, 200)
  return { ...terms, lockId, release: `/locks/${lockId}/release` }
})

layer(TestServer.layer(undefined, undefined, { operators }), TestServer.options)("operators", (it) => {
  it.effect("may do what their role allows, and no more", () =>
    Effect.gen(function* () {
      const { connectionId, lockId } = yield* locked
      const credit = { connectionId, direction: "credit", amount: { currency: "BTC", quantity: "1" } }
      const connection = { clientId: randomUUID(), partnersConnectionId: "account-9", partnerClientId: "" }
      const calls = [
        ["read", "GET", "/balances"],
        ["read", "GET", `/connections/${connectionId}`],
        ["operate", "PUT", `/connections/${connectionId}/suspend`],
        ["operate", "PUT", `/connections/${connectionId}/resume`],
        ["operate", "PUT", `/locks/${lockId}/release`],
        ["operate", "POST", "/connection-tokens", { partnersConnectionId: "account-8", partnerClientId: "" }],
        ["admin", "PUT", `/adjustments/${randomUUID()}`, credit],
        ["admin", "PUT", `/connections/${randomUUID()}`, connection],
      ] as const
      for (const [needed, method, path, body] of calls) {
        for (const role of Operators.roles) {
          const answer = yield* as(role, method, path, body)
          const isAllowed = Operators.roles.indexOf(role) >= Operators.roles.indexOf(needed)
          const what = `${role} ${method} ${path}: ${answer.text}`
          if (isAllowed) assert.include([200, 201], answer.status, what)
          else assert.deepStrictEqual(typeOf(answer), [403, "forbidden"], what)
        }
      }
      assert.deepInclude((yield* as("operate", "GET", "/session")).json, {
        operator: "otto",
        role: "operate",
        expiresAt: null,
      })
    }),
  )

  it.effect("have sessions in their browsers: a cookie that scripts and other sites cannot have", () =>
    Effect.gen(function* () {
      const { answer, cookie, said } = yield* begin("operate", false)
      for (const attribute of ["HttpOnly", "SameSite=Strict", "Path=/operator", "Max-Age=28800"]) {
        assert.include(cookie, attribute)
      }
      assert.notInclude(cookie, tokens.operate)
      assert.deepInclude(answer.json, { operator: "otto", role: "operate", changes: false })
      assert.strictEqual((yield* by(said, "GET", "/balances")).status, 200)
      assert.deepInclude((yield* by(`theme=dark; ${said}`, "GET", "/session")).json, {
        operator: "otto",
        changes: false,
      })
      // One of the same name that another page of the host set is passed over.
      assert.strictEqual((yield* by(`holdfast_session=tossed; ${said}`, "GET", "/balances")).status, 200)
      // Over TLS it is for TLS alone.
      const secure = yield* anyone("POST", "/operator/v1/session", {
        body: { token: tokens.read },
        headers: { "x-forwarded-proto": "https" },
      })
      assert.include(secure.headers["set-cookie"], "Secure")
      const ended = yield* by(said, "DELETE", "/session")
      assert.deepStrictEqual([ended.status, /Max-Age=0/.test(ended.headers["set-cookie"] ?? "")], [204, true])
    }),
  )

  it.effect("have none for a wrong token, nor by a cookie that is made up, changed, of another, or over", () =>
    Effect.gen(function* () {
      const wrong = yield* anyone("POST", "/operator/v1/session", { body: { token: `${tokens.admin}x` } })
      assert.deepStrictEqual([typeOf(wrong), wrong.headers["set-cookie"]], [[401, "unauthorized"], undefined])
      const { said } = yield* begin("read", false)
      const [name, value = ""] = said.split("=")
      const [expires = "", until = "", mac = ""] = value.split(".")
      const digest = createHash("sha256").update(tokens.read).digest()
      const terms = { digest, expiresAtSeconds: Number(expires), changesUntilSeconds: Number(until) }
      for (const forged of [
        "",
        "x",
        `${expires}.${expires}.${mac}`,
        `${Number(expires) + 1}.${until}.${mac}`,
        `${expires}.${until}.${mac.slice(0, -1)}${mac.endsWith("A") ? "B" : "A"}`,
        `${expires}.${until}`,
        // Whoever knows what a token is known by, as a file of hashes says it, knows no session by that.
        Operators.seal(Redacted.make(Buffer.alloc(32)), terms),
        Operators.seal(Redacted.make(digest), terms),
      ]) {
        assert.deepStrictEqual(
          typeOf(yield* by(`${name}=${forged}`, "GET", "/balances")),
          [401, "unauthorized"],
          forged,
        )
      }
    }),
  )

  it.effect("open changes with a token of their own, and only so far as their role goes", () =>
    Effect.gen(function* () {
      const { answer } = yield* begin("read", true)
      assert.deepInclude(answer.json, { role: "read", changes: false, changesUntil: null })
      assert.deepInclude((yield* as("read", "GET", "/session")).json, { changes: false })
      const of = (operator: string) =>
        anyone("POST", "/operator/v1/session", { body: { token: tokens.admin, changes: true, operator } })
      const others = yield* of("otto")
      assert.deepStrictEqual([typeOf(others), others.headers["set-cookie"]], [[403, "forbidden"], undefined])
      assert.strictEqual(others.json["detail"], "This is a token of anna. Expected one of otto.")
      assert.deepInclude((yield* of("anna")).json, { operator: "anna", changes: true })
      for (const method of ["GET", "DELETE"]) {
        assert.deepStrictEqual(typeOf(yield* as("read", method, "/session?changes=true")), [400, "malformed-request"])
      }
    }),
  )

  it.effect("can close changes before their time is over, and read on until the session ends", () =>
    Effect.gen(function* () {
      const { answer, said } = yield* begin("operate", true)
      const closed = yield* by(said, "DELETE", "/session/changes")
      assert.strictEqual(closed.status, 200)
      assert.deepStrictEqual(closed.json, { ...answer.json, changes: false, changesUntil: null })
      const [now = "", ...attributes] = (closed.headers["set-cookie"] ?? "").split("; ")
      assert.includeMembers(attributes, ["HttpOnly", "SameSite=Strict", "Path=/operator"])
      const [maxAge = "0"] = /(?<=Max-Age=)\d+/.exec(attributes.join()) ?? []
      const left = (Date.parse(String(answer.json["expiresAt"])) - Date.now()) / 1000
      assert.approximately(Number(maxAge), left, 10)
      assert.deepStrictEqual((yield* by(now, "GET", "/session")).json, closed.json)
      const { release } = yield* locked
      const change = yield* by(now, "PUT", release, { "holdfast-confirm": "2", "holdfast-reason": "why" })
      assert.deepStrictEqual(typeOf(change), [403, "forbidden"])
      // A program has none to close, and whoever has no session is nobody.
      const program = yield* as("operate", "DELETE", "/session/changes")
      assert.deepStrictEqual([program.status, program.json["changes"]], [200, true])
      assert.deepStrictEqual(typeOf(yield* anyone("DELETE", "/operator/v1/session/changes")), [401, "unauthorized"])
    }),
  )

  it.effect("read by default: a change takes a session for changes, our own page, what it is about, and why", () =>
    Effect.gen(function* () {
      const { partnersConnectionId, connectionId, lockId, release } = yield* locked
      const reading = yield* begin("operate", false)
      const confirmed = { "holdfast-confirm": "2", "holdfast-reason": encodeURIComponent("Auftrag 7 ist hinfällig") }
      assert.deepStrictEqual(typeOf(yield* by(reading.said, "PUT", release, confirmed)), [403, "forbidden"])

      const { said, answer } = yield* begin("operate", true)
      assert.strictEqual(answer.json["changes"], true)
      // Who may make no changes has none open.
      const reader = yield* begin("read", true)
      assert.deepInclude(reader.answer.json, { changes: false, changesUntil: null })
      assert.deepInclude((yield* by(reader.said, "GET", "/session")).json, { changes: false, changesUntil: null })
      const refused: ReadonlyArray<readonly [Record<string, string>, number, string]> = [
        [{ ...confirmed, "sec-fetch-site": "cross-site" }, 403, "forbidden"],
        [{ ...confirmed, "sec-fetch-site": "same-site" }, 403, "forbidden"],
        [{ "holdfast-confirm": "2" }, 422, "not-confirmed"],
        [{ ...confirmed, "holdfast-reason": "%20" }, 422, "not-confirmed"],
        [{ ...confirmed, "holdfast-reason": "%E0%A4%A" }, 422, "not-confirmed"],
        [{ ...confirmed, "holdfast-reason": "x".repeat(501) }, 422, "not-confirmed"],
        [{ ...confirmed, "holdfast-confirm": "" }, 422, "not-confirmed"],
        [{ ...confirmed, "holdfast-confirm": "3" }, 422, "not-confirmed"],
        [{ ...confirmed, "holdfast-confirm": "3".repeat(500) }, 422, "not-confirmed"],
      ]
      for (const [headers, status, type] of refused) {
        assert.deepStrictEqual(
          typeOf(yield* by(said, "PUT", release, headers)),
          [status, type],
          JSON.stringify(headers),
        )
      }
      const shown = yield* operator("GET", `/operator/v1/locks/${lockId}`)
      assert.strictEqual(shown.json["state"], "RESERVED")
      const released = yield* by(said, "PUT", release, { ...confirmed, "sec-fetch-site": "same-origin" })
      assert.deepStrictEqual([released.status, released.json["state"]], [200, "RELEASED"])

      const suspend = `/connections/${connectionId}/suspend`
      assert.deepStrictEqual(typeOf(yield* by(said, "PUT", suspend, confirmed)), [422, "not-confirmed"])
      const named = { ...confirmed, "holdfast-confirm": encodeURIComponent(partnersConnectionId) }
      assert.strictEqual((yield* by(said, "PUT", suspend, named)).status, 200)

      // What was typed is in the log, as one text whatever it is.
      const issue = yield* anyone("POST", "/operator/v1/connection-tokens", {
        headers: { ...confirmed, cookie: said, "holdfast-confirm": encodeURIComponent('a"\n{}') },
        body: { partnersConnectionId: 'a"\n{}', partnerClientId: "" },
      })
      assert.strictEqual(issue.status, 201, issue.text)
      const { json } = yield* as("read", "GET", "/operators/log?limit=1")
      assert.deepInclude((json["entries"] as ReadonlyArray<object>)[0], {
        action: String.raw`POST /operator/v1/connection-tokens "a\"\n{}"`,
      })
    }),
  )

  it.effect("are in a log with each change, why it was made and what became of it; reads are not", () =>
    Effect.gen(function* () {
      const { release } = yield* locked
      const logged = Effect.map(
        as("read", "GET", "/operators/log?limit=3"),
        ({ json }) => json["entries"] as ReadonlyArray<object>,
      )
      yield* as("operate", "PUT", release, undefined, { "holdfast-reason": "order%207%20is%20void" })
      yield* as("admin", "PUT", `${release.replace("release", "clear")}`)
      yield* as("read", "GET", "/balances")
      yield* as("read", "PUT", release)
      const unreadable = yield* as("admin", "PUT", release, undefined, { "holdfast-reason": "100% sure" })
      assert.deepStrictEqual(typeOf(unreadable), [422, "not-confirmed"])
      const [second = {}, first = {}] = yield* logged
      assert.deepInclude(first, {
        operator: "otto",
        role: "operate",
        action: `PUT /operator/v1${release}`,
        reason: "order 7 is void",
        outcome: "done",
      })
      assert.deepInclude(second, {
        operator: "anna",
        role: "admin",
        reason: null,
        outcome: "urn:holdfast:problem:state-conflict",
      })
      const page = yield* as("read", "GET", "/operators/log?limit=1")
      const next = yield* as("read", "GET", `/operators/log?limit=1&cursor=${page.json["nextCursor"]}`)
      assert.deepStrictEqual([page.json["entries"], next.json["entries"]] as ReadonlyArray<unknown>, [
        [second],
        [first],
      ])
    }),
  )

  it.effect("see what a page needs: requests about a transfer, a connection's history, how the server is doing", () =>
    Effect.gen(function* () {
      const { connectionId, lockId, release } = yield* locked
      yield* as("operate", "PUT", release)
      const requests = (yield* as("read", "GET", `/requests?transferId=${lockId}`)).json["requests"] as ReadonlyArray<{
        readonly method: string
        readonly route: string
        readonly answeredWith: number
      }>
      assert.deepStrictEqual(
        requests.map(({ method, route, answeredWith }) => `${method} ${route} ${answeredWith}`),
        ["PUT /operator/v1/locks/:lockId/release 200", "PUT /operator/v1/locks/:lockId 200"],
      )
      const history = (yield* as("read", "GET", `/connections/${connectionId}/journal?currency=BTC`)).json[
        "entries"
      ] as ReadonlyArray<{ readonly event: string; readonly balances: { readonly available: string } }>
      assert.deepStrictEqual(
        history.map(({ event, balances }) => `${event} ${balances.available}`),
        ["RELEASED 5", "RESERVED 3", "CREDITED 5"],
      )
      const { json } = yield* as("read", "GET", "/overview")
      assert.deepInclude(json["database"], { up: true })
      assert.deepInclude(json["lastEntry"], { event: "RELEASED", transferId: lockId })
      assert.deepStrictEqual(json["totals"], (yield* as("read", "GET", "/balances")).json["totals"])
      const { series } = json["requests"] as { readonly series: ReadonlyArray<{ readonly answered: number }> }
      assert.isAbove(
        series.reduce((sum, { answered }) => sum + answered, 0),
        3,
      )
    }),
  )
})

const unwritable = Layer.merge(
  MemoryStore.layer(),
  OperatorsLog.layer({
    ...OperatorsLog.inMemory(1),
    begin: () => new Store.Unavailable({ reason: "The database does not answer.", retryAfterSeconds: 1 }),
  }),
)

layer(TestServer.layer(unwritable), TestServer.options)("a change that cannot be written down", (it) => {
  it.effect("is not made, and may be asked for again", () =>
    Effect.gen(function* () {
      const terms = newTerms()
      assert.deepStrictEqual(typeOf(yield* register(terms)), [503, "unavailable"])
      assert.deepStrictEqual(typeOf(yield* operator("GET", `/operator/v1/connections/${terms.connectionId}`)), [
        404,
        "connection-not-found",
      ])
    }),
  )
})

it.live("what became of a change is in the log, though whoever asked for it did not wait", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const begun = yield* Deferred.make<void>()
    const slow = Layer.effect(
      Holdfast.Holdfast,
      Effect.map(Holdfast.Holdfast, (service) => ({
        ...service,
        suspend: (id, suspended) =>
          Deferred.succeed(begun, undefined).pipe(
            Effect.andThen(Deferred.await(gate)),
            Effect.andThen(service.suspend(id, suspended)),
          ),
      })),
    ).pipe(Layer.provide(MemoryStore.layer()))
    const log = OperatorsLog.inMemory(10)
    yield* Effect.gen(function* () {
      const terms = newTerms()
      yield* register(terms)
      const { port } = yield* TestServer.TestServer
      const socket = Net.connect(port, "127.0.0.1")
      socket.write(
        `PUT /operator/v1/connections/${terms.connectionId}/suspend HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TestServer.operatorToken}\r\nContent-Length: 0\r\n\r\n`,
      )
      yield* Deferred.await(begun)
      socket.destroy()
      yield* Effect.sleep("100 millis")
      yield* Deferred.succeed(gate, undefined)
      const { items } = yield* log.list({ limit: 1 }).pipe(
        Effect.filterOrFail(({ items }) => items[0]?.outcome !== undefined),
        Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo({ times: 200 }))),
      )
      assert.deepInclude(items[0], { outcome: "done" })
    }).pipe(Effect.provide(TestServer.layer(Layer.merge(slow, OperatorsLog.layer(log)))))
  }),
)

describe("a session", () => {
  const known = { name: "anna", role: "admin", digest: Buffer.alloc(32, 7) } as const

  it("is over when it says, ends with its token, and is nobody else's", () => {
    const key = Redacted.make(Buffer.alloc(32, 1))
    const terms = { digest: known.digest, expiresAtSeconds: 1000, changesUntilSeconds: 500 }
    const cookie = Operators.seal(key, terms)
    const read = { name: "anna", role: "admin", ...terms } as const
    // Before it ends, changes do.
    assert.deepStrictEqual(Operators.unseal(key, cookie, [known], 499), { ...read, changes: true })
    assert.deepStrictEqual(Operators.unseal(key, cookie, [known], 500), { ...read, changes: false })
    assert.deepStrictEqual(Operators.unseal(key, cookie, [known], 999), { ...read, changes: false })
    assert.isUndefined(Operators.unseal(key, cookie, [known], 1000))
    assert.isUndefined(Operators.unseal(key, cookie, [], 999))
    assert.isUndefined(Operators.unseal(key, cookie, [{ ...known, digest: Buffer.alloc(32, 8) }], 999))
    assert.isUndefined(Operators.unseal(Redacted.make(Buffer.alloc(32, 2)), cookie, [known], 999))
  })
})
