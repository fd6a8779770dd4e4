/** Connections, allocations, locks, editions and lists over HTTP: what the network and the operator can ask beside deallocations. */
import {
  constants,
  createCipheriv,
  generateKeyPairSync,
  pbkdf2Sync,
  publicEncrypt,
  randomBytes,
  randomUUID,
} from "node:crypto"
import { assert, describe, layer } from "@effect/vitest"
import { MemoryStore } from "@holdfast/domain"
import { Effect } from "effect"
import * as Signing from "../support/Signing.ts"
import * as TestServer from "./TestServer.ts"

const account = () => ({ partnersConnectionId: `account-${randomUUID()}`, partnerClientId: "client-3" })

const issue = (of: ReturnType<typeof account>, more: object = {}) =>
  TestServer.operator("POST", "/operator/v1/connection-tokens", { body: { ...of, ...more } })

const connect = (body: object, options: object = {}) =>
  TestServer.network("POST", "/bitgo/v1/connections", { body, ...options })

const ids = () => ({ connectionId: randomUUID(), clientId: randomUUID() })

type Terms = ReturnType<typeof allocation>

const allocation = (
  {
    clientId,
    connectionId,
    partnersConnectionId,
    partnerClientId,
  }: Omit<TestServer.Terms, "deallocationId" | "amount">,
  quantity: unknown = "3",
) => ({
  allocationId: randomUUID() as string,
  clientId,
  connectionId,
  partnersConnectionId,
  partnerClientId,
  amount: { currency: "BTC", quantity },
})

const allocate = (body: object) => TestServer.network("POST", "/bitgo/v1/allocations", { body })

const settle = ({ allocationId }: Terms, action: "clear" | "release", path = "allocation") =>
  TestServer.network("PUT", `/bitgo/v1/${path}/${allocationId}/${action}`)

const accountsOf = Effect.fnUntraced(function* ({ connectionId }: { readonly connectionId: string }) {
  const { json } = yield* TestServer.operator("GET", `/operator/v1/connections/${connectionId}`)
  return json["balances"] as ReadonlyArray<Record<string, string>>
})

const balanceOf = Effect.fnUntraced(function* (terms: { readonly connectionId: string }) {
  const [{ pending, available, locked } = {}] = yield* accountsOf(terms)
  return [pending, available, locked]
})

const problem = (name: string) => ({ type: `urn:holdfast:problem:${name}` })

/** As the network's SDK writes it: made here from the written format, with nothing of the server. */
const encrypted = (token: string, publicKey: string) => {
  const key = randomBytes(32)
  const [salt, iv] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv("aes-256-gcm", pbkdf2Sync(key, salt, 200_000, 32, "sha256"), iv)
  const text = Buffer.concat([cipher.update(token, "utf8"), cipher.final()])
  const wrapped = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, key)
  const body = Buffer.concat([Buffer.from([1]), salt, iv, text, cipher.getAuthTag()])
  return `${wrapped.toString("base64")}\n${body.toString("base64")}`
}

const keys = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
})

describe("connections", () => {
  layer(
    TestServer.layer(MemoryStore.layer(), {}, { connectionTokenKey: keys.privateKey }),
    TestServer.options,
  )((it) => {
    it.effect("a token that the operator issues connects its account, once; again it is the same connection", () =>
      Effect.gen(function* () {
        const of = account()
        const issued = yield* issue(of)
        assert.strictEqual(issued.status, 201, issued.text)
        const { connectionToken, tokenId, ...shown } = issued.json
        assert.match(String(connectionToken), /^[A-Za-z0-9_-]{43}$/)
        assert.deepInclude(shown, of)
        const lifetime = Date.parse(String(shown["expiresAt"])) - Date.parse(String(shown["issuedAt"]))
        assert.strictEqual(lifetime, 86_400_000)
        const asked = { ...ids(), connectionToken, clientWalletId: "w-1", partnerId: "p-1", PartnerId: "p-1" }
        const { partnersConnectionId, partnerClientId } = of
        const { connectionId, clientId } = asked
        const expected = {
          clientId,
          connectionId,
          partnersClientId: partnerClientId,
          partnerClientId,
          partnersConnectionId,
        }
        for (const body of [asked, asked, { ...asked, connectionToken: "forgotten" }]) {
          const answer = yield* connect(body)
          assert.deepStrictEqual([answer.status, answer.json], [200, expected], answer.text)
        }
        const other = yield* connect({ ...asked, clientId: randomUUID() })
        assert.strictEqual(other.status, 409)
        assert.include(other.text, clientId)
        const listed = yield* TestServer.operator("GET", "/operator/v1/connection-tokens?limit=1")
        const [token] = listed.json["connectionTokens"] as ReadonlyArray<object>
        assert.deepInclude(token, { tokenId, usedBy: connectionId })
        assert.notInclude(listed.text, String(connectionToken))
        const { log } = yield* TestServer.TestServer
        assert.notInclude(yield* log, String(connectionToken))
      }),
    )

    it.effect("what is unknown, used, expired or revoked is refused alike, and registers nothing", () =>
      Effect.gen(function* () {
        const used = yield* issue(account())
        yield* connect({ ...ids(), connectionToken: used.json["connectionToken"] })
        const revoked = yield* issue(account())
        const path = `/operator/v1/connection-tokens/${revoked.json["tokenId"]}/revoke`
        assert.strictEqual((yield* TestServer.operator("PUT", path)).status, 200)
        assert.property((yield* TestServer.operator("PUT", path)).json, "revokedAt")
        const expired = yield* issue(account(), { expiresInSeconds: 1 })
        yield* Effect.sleep("1100 millis")
        const texts = new Set<string>()
        for (const connectionToken of [used, revoked, expired]
          .map(({ json }) => json["connectionToken"])
          .concat("nobody's")) {
          const asked = { ...ids(), connectionToken }
          const answer = yield* connect(asked)
          assert.strictEqual(answer.status, 422)
          assert.include(answer.json, problem("connection-token-refused"))
          texts.add(answer.text)
          assert.strictEqual(
            (yield* TestServer.operator("GET", `/operator/v1/connections/${asked.connectionId}`)).status,
            404,
          )
        }
        assert.strictEqual(texts.size, 1)
        assert.strictEqual(
          (yield* TestServer.operator("PUT", `/operator/v1/connection-tokens/${randomUUID()}/revoke`)).status,
          404,
        )
      }),
    )

    it.effect("an account that has a connection gets no other", () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("5")
        const { partnersConnectionId, partnerClientId } = terms
        const { json } = yield* issue({ partnersConnectionId, partnerClientId })
        const answer = yield* connect({ ...ids(), connectionToken: json["connectionToken"] })
        assert.strictEqual(answer.status, 409)
        assert.include(answer.json, problem("account-connected"))
      }),
    )

    it.effect("a token that is encrypted for the server's key is opened; what cannot be opened is refused", () =>
      Effect.gen(function* () {
        const { json } = yield* issue(account())
        const token = String(json["connectionToken"])
        const sealed = encrypted(token, keys.publicKey)
        const [wrapped = "", body = ""] = sealed.split("\n")
        const bytes = Buffer.from(body, "base64")
        const changed = (at: number) => {
          const copy = Buffer.from(bytes)
          copy[at] = (copy[at] ?? 0) ^ 1
          return `${wrapped}\n${copy.toString("base64")}`
        }
        const bad = [
          ...[0, 1, 17, 29, bytes.length - 1].map(changed),
          `${wrapped}\n`,
          `\n${body}`,
          `${wrapped}\n${bytes.subarray(0, 30).toString("base64")}`,
          encrypted(
            token,
            generateKeyPairSync("rsa", { modulusLength: 2048 })
              .publicKey.export({ type: "spki", format: "pem" })
              .toString(),
          ),
          encrypted("another", keys.publicKey),
          "x".repeat(20_000),
        ]
        for (const connectionToken of bad) {
          const answer = yield* connect({ ...ids(), connectionToken })
          assert.include(answer.json, problem("connection-token-refused"))
        }
        assert.strictEqual((yield* connect({ ...ids(), connectionToken: sealed })).status, 200)
      }),
    )

    it.effect("what is malformed is a 400 with each fact, and uses up the signature", () =>
      Effect.gen(function* () {
        const asked = { ...ids(), connectionToken: "t" }
        const malformed = [
          { ...asked, connectionToken: "" },
          { ...asked, connectionToken: 7 },
          { ...asked, connectionId: "17" },
          { ...asked, clientId: null },
          { connectionId: asked.connectionId },
          [],
        ]
        for (const body of malformed) {
          const signature = yield* Effect.promise(() => Signing.token())
          const answer = yield* connect(body, { signature })
          assert.strictEqual(answer.status, 400, answer.text)
          assert.strictEqual((yield* connect(asked, { signature })).status, 401)
        }
        assert.strictEqual((yield* TestServer.anyone("POST", "/bitgo/v1/connections", { body: asked })).status, 401)
        for (const more of [
          { expiresInSeconds: 0 },
          { expiresInSeconds: 1.5 },
          { expiresInSeconds: 1e9 },
          { partnersConnectionId: "" },
        ]) {
          assert.strictEqual((yield* issue(account(), more)).status, 400)
        }
      }),
    )

    it.effect(
      "suspended, it takes no allocation, and deallocates unless it is set otherwise; resumed, it does all",
      () =>
        Effect.gen(function* () {
          const terms = yield* TestServer.funded("5")
          const before = allocation(terms)
          yield* allocate(before)
          const at = (action: string) =>
            TestServer.operator("PUT", `/operator/v1/connections/${terms.connectionId}/${action}`)
          for (const suspended of [yield* at("suspend"), yield* at("suspend")]) {
            assert.deepInclude(suspended.json, { connectionId: terms.connectionId, suspended: true })
          }
          const refused = allocation(terms)
          assert.strictEqual((yield* allocate(refused)).json["rejectionReason"], "CONNECTION_SUSPENDED")
          assert.strictEqual((yield* settle(before, "clear")).status, 200)
          assert.notProperty((yield* TestServer.reserve(terms)).json, "rejectionReason")
          const listed = yield* TestServer.operator("GET", `/operator/v1/connections?suspended=true`)
          assert.strictEqual((listed.json["connections"] as ReadonlyArray<unknown>).length, 1)
          assert.strictEqual((yield* at("resume")).json["suspended"], false)
          // A rejection is for good.
          assert.strictEqual((yield* allocate(refused)).json["rejectionReason"], "CONNECTION_SUSPENDED")
          assert.notProperty((yield* allocate(allocation(terms))).json, "rejectionReason")
          assert.strictEqual(
            (yield* TestServer.operator("PUT", `/operator/v1/connections/${randomUUID()}/suspend`)).status,
            404,
          )
        }),
    )

    it.effect("connections are found by each of their identifiers, page by page", () =>
      Effect.gen(function* () {
        const [one, two] = [yield* TestServer.funded("5"), yield* TestServer.funded("5")]
        const find = Effect.fnUntraced(function* (query: string) {
          const { json, text } = yield* TestServer.operator("GET", `/operator/v1/connections?${query}`)
          return [
            (json["connections"] as ReadonlyArray<{ connectionId: string }>).map((_) => _.connectionId),
            json["nextCursor"],
            text,
          ] as const
        })
        assert.deepStrictEqual((yield* find(`clientId=${one.clientId}`))[0], [one.connectionId])
        const both = [one.connectionId, two.connectionId].toSorted()
        assert.includeMembers([...(yield* find("partnersConnectionId=account-7&limit=200"))[0]], both)
        const all: Array<string> = []
        for (let cursor: unknown = ""; cursor !== null; ) {
          const [page, next] = yield* find(
            `partnerClientId=client-3&limit=1${cursor === "" ? "" : `&cursor=${cursor}`}`,
          )
          all.push(...page)
          cursor = next
        }
        assert.deepStrictEqual(all, all.toSorted())
        assert.includeMembers(all, both)
        const csv = yield* TestServer.operator("GET", `/operator/v1/connections.csv?clientId=${one.clientId}`)
        assert.strictEqual(
          csv.text,
          `connectionId,clientId,partnersConnectionId,partnerClientId,suspended\r\n${one.connectionId},${one.clientId},account-7,client-3,false\r\n`,
        )
      }),
    )
  })

  layer(TestServer.layer(MemoryStore.layer({ suspendedDeallocations: "reject" })), TestServer.options)(
    "where SUSPENDED_DEALLOCATIONS is reject",
    (it) => {
      it.effect("a deallocation of a suspended connection is rejected", () =>
        Effect.gen(function* () {
          const terms = yield* TestServer.funded("5")
          yield* TestServer.operator("PUT", `/operator/v1/connections/${terms.connectionId}/suspend`)
          assert.strictEqual((yield* TestServer.reserve(terms)).json["rejectionReason"], "CONNECTION_SUSPENDED")
        }),
      )
    },
  )
})

describe("allocations", () => {
  layer(
    TestServer.layer(),
    TestServer.options,
  )((it) => {
    it.effect(
      "are pending, then available, in either spelling; pending funds can neither be locked nor deallocated",
      () =>
        Effect.gen(function* () {
          const terms = TestServer.newTerms()
          yield* TestServer.register(terms)
          const asked = allocation(terms, "100000000000000000000000000000000000000001")
          const answer = yield* allocate(asked)
          const { allocationId, partnersConnectionId, partnerClientId, clientId, connectionId } = asked
          const identifiers = { allocationId, clientId, connectionId, partnersConnectionId, partnerClientId }
          assert.deepInclude(answer.json, identifiers)
          assert.include(answer.text, '"quantity":100000000000000000000000000000000000000001}')
          assert.deepStrictEqual(yield* balanceOf(terms), ["100000000000000000000000000000000000000001", "0", "0"])
          assert.strictEqual((yield* TestServer.reserve(terms)).json["rejectionReason"], "INSUFFICIENT_BALANCE")
          const lock = { connectionId, amount: { currency: "BTC", quantity: "1" } }
          assert.strictEqual(
            (yield* TestServer.operator("PUT", `/operator/v1/locks/${randomUUID()}`, { body: lock })).status,
            422,
          )
          for (const path of ["allocation", "allocations"]) {
            assert.strictEqual((yield* settle(asked, "clear", path)).text, answer.text)
            const found = yield* TestServer.network("GET", `/bitgo/v1/${path}/${allocationId.toUpperCase()}`)
            assert.deepStrictEqual([found.status, found.json["status"]], [200, "CLEARED"])
          }
          assert.deepStrictEqual(yield* balanceOf(terms), ["0", "100000000000000000000000000000000000000001", "0"])
          assert.include((yield* settle(asked, "release")).json, { ...problem("state-conflict"), state: "CLEARED" })
          const unknown = yield* settle(allocation(terms), "clear")
          assert.strictEqual(unknown.status, 404)
          assert.include(unknown.json, problem("allocation-not-found"))
        }),
    )

    it.effect("a quantity may be a JSON number, of which every digit counts; what is no plain integer is refused", () =>
      Effect.gen(function* () {
        const terms = TestServer.newTerms()
        yield* TestServer.register(terms)
        const digits = `${2n ** 255n + 1n}`
        const asked = allocation(terms, digits)
        const inNumbers = (number: string) => JSON.stringify(asked).replace(`"${digits}"`, number)
        const deep = `${"[".repeat(6_000)}${"]".repeat(6_000)}`
        const nested = yield* TestServer.network("POST", "/bitgo/v1/allocations", {
          body: `{"amount":{"quantity":1},"a":${deep}}`,
        })
        assert.deepInclude(nested.json, { status: 400, detail: "The body is nested too deeply." })
        for (const number of ["1.0", "1e3", "-1", "0", "1E400", "0.5", `${2n ** 256n}`, "true", "null", "[1]", "01"]) {
          const refused = yield* TestServer.network("POST", "/bitgo/v1/allocations", { body: inNumbers(number) })
          assert.strictEqual(refused.status, 400, number)
        }
        const answer = yield* TestServer.network("POST", "/bitgo/v1/allocations", { body: inNumbers(digits) })
        assert.strictEqual(answer.status, 200, answer.text)
        assert.include(answer.text, `"quantity":${digits}}`)
        // The other way of writing it is the same request.
        assert.strictEqual((yield* allocate(asked)).text, answer.text)
        assert.strictEqual(
          (yield* TestServer.reserve({ ...terms, amount: { currency: "BTC", quantity: 3 } })).status,
          400,
        )
        const tooMuch = yield* allocate(allocation(terms, `${2n ** 255n}`))
        assert.strictEqual(tooMuch.json["rejectionReason"], "LIMIT_EXCEEDED")
      }),
    )

    it.effect(
      "an id of the partner's own that comes with the first request is kept; the names of all editions are read",
      () =>
        Effect.gen(function* () {
          const { partnerClientId, ...terms } = TestServer.newTerms()
          yield* TestServer.register({ partnerClientId, ...terms })
          for (const name of ["partnerAllocationId", "partnersAllocationId"]) {
            const asked = {
              ...allocation({ partnerClientId, ...terms }),
              partnersClientId: partnerClientId,
              [name]: "our order n° 7",
            }
            for (const body of [asked, { ...asked, [name]: "another" }, { ...asked, [name]: undefined }]) {
              assert.strictEqual((yield* allocate(body)).json["partnerAllocationId"], "our order n° 7")
            }
          }
          const both = {
            ...allocation({ partnerClientId, ...terms }),
            partnerAllocationId: "a",
            partnersAllocationId: "b",
          }
          const refused = yield* allocate(both)
          assert.strictEqual(refused.status, 400)
          assert.include(refused.text, "partnersAllocationId")
        }),
    )

    it.effect("an id belongs to one of them, whichever came first", () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("5")
        const { deallocationId, connectionId } = terms
        yield* TestServer.reserve(terms)
        assert.include(
          (yield* allocate({ ...allocation(terms), allocationId: deallocationId })).json,
          problem("id-in-use"),
        )
        assert.include(
          (yield* settle({ ...allocation(terms), allocationId: deallocationId }, "clear")).json,
          problem("id-in-use"),
        )
        const lock = { connectionId, amount: { currency: "BTC", quantity: "1" } }
        const locked = yield* TestServer.operator("PUT", `/operator/v1/locks/${deallocationId}`, { body: lock })
        assert.include(locked.json, problem("id-in-use"))
        const allocated = allocation(terms)
        yield* allocate(allocated)
        assert.include(
          (yield* TestServer.reserve({ ...terms, deallocationId: allocated.allocationId })).json,
          problem("id-in-use"),
        )
        assert.include(
          (yield* TestServer.adjust(terms, "credit", { currency: "BTC", quantity: "1" }, allocated.allocationId)).json,
          problem("id-in-use"),
        )
        const other = yield* allocate({ ...allocated, amount: { currency: "BTC", quantity: "4" } })
        assert.include(other.json, problem("terms-mismatch"))
        assert.deepStrictEqual(other.json["differences"], [{ field: "amount.quantity", recorded: "3", repeated: "4" }])
      }),
    )
  })
})

describe("locks", () => {
  layer(
    TestServer.layer(),
    TestServer.options,
  )((it) => {
    it.effect("hold what is available, to be spent or given back; whatever is locked cannot be deallocated", () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("5")
        const { connectionId } = terms
        const lockId = randomUUID()
        const at = `/operator/v1/locks/${lockId}`
        const body = { connectionId, amount: { currency: "BTC", quantity: "3" }, memo: "order 7" }
        const locked = yield* TestServer.operator("PUT", at, { body })
        assert.strictEqual(locked.status, 200, locked.text)
        assert.deepInclude(locked.json, { lockId, ...body, state: "RESERVED" })
        assert.strictEqual((yield* TestServer.operator("PUT", at, { body })).text, locked.text)
        assert.deepStrictEqual(yield* balanceOf(terms), ["0", "2", "3"])
        assert.strictEqual((yield* TestServer.reserve(terms)).json["rejectionReason"], "INSUFFICIENT_BALANCE")
        const beyond = yield* TestServer.operator("PUT", `/operator/v1/locks/${randomUUID()}`, { body })
        assert.deepInclude(beyond.json, { ...problem("insufficient-balance"), requested: "3", available: "2" })
        const other = yield* TestServer.operator("PUT", at, { body: { ...body, memo: "order 8" } })
        assert.include(other.json, problem("terms-mismatch"))
        const released = yield* TestServer.operator("PUT", `${at}/release`)
        assert.deepInclude(released.json, { lockId, state: "RELEASED" })
        assert.include((yield* TestServer.operator("PUT", `${at}/clear`)).json, problem("state-conflict"))
        assert.deepStrictEqual(yield* balanceOf(terms), ["0", "5", "0"])
        yield* TestServer.operator("PUT", at, { body })
        yield* TestServer.operator("PUT", `${at}/clear`)
        assert.deepStrictEqual(yield* balanceOf(terms), ["0", "2", "0"])
        const found = yield* TestServer.operator("GET", at)
        const journal = found.json["journal"] as ReadonlyArray<{ event: string; balances: unknown }>
        assert.deepStrictEqual(
          journal.map(({ event }) => event),
          ["RESERVED", "RELEASED", "RESERVED", "CLEARED"],
        )
        assert.deepStrictEqual(journal.at(-1)?.balances, {
          pending: "0",
          available: "2",
          locked: "0",
          reserved: "0",
          deallocated: "0",
        })
        const unknown = `/operator/v1/locks/${randomUUID()}`
        for (const path of [unknown, `${unknown}/clear`, `${unknown}/release`]) {
          const answer = yield* TestServer.operator(path === unknown ? "GET" : "PUT", path)
          assert.include(answer.json, problem("lock-not-found"))
        }
        const nobodys = { ...body, connectionId: randomUUID() }
        assert.include(
          (yield* TestServer.operator("PUT", `/operator/v1/locks/${randomUUID()}`, { body: nobodys })).json,
          problem("connection-not-found"),
        )
        for (const amount of [{ currency: "BTC", quantity: 3 }, { currency: "BTC", quantity: "0" }, undefined]) {
          assert.strictEqual(
            (yield* TestServer.operator("PUT", `/operator/v1/locks/${randomUUID()}`, { body: { ...body, amount } }))
              .status,
            400,
          )
        }
      }),
    )
  })
})

describe("currencies", () => {
  const credit = (terms: TestServer.Terms, currency: string, more: object = {}) =>
    TestServer.operator("PUT", `/operator/v1/adjustments/${randomUUID()}`, {
      body: { connectionId: terms.connectionId, direction: "credit", amount: { currency, quantity: "1" }, ...more },
    })

  layer(
    TestServer.layer(),
    TestServer.options,
  )((it) => {
    it.effect("a code that is new and differs from a known one in case alone is refused, unless it is meant", () =>
      Effect.gen(function* () {
        const terms = TestServer.newTerms()
        yield* TestServer.register(terms)
        assert.strictEqual((yield* credit(terms, "ETH")).status, 200)
        // What was only refused in a code does not make it known.
        yield* TestServer.reserve({ ...terms, amount: { currency: "eth", quantity: "1" } })
        const refused = yield* credit(terms, "eth")
        assert.strictEqual(refused.status, 422)
        assert.include(refused.json, { ...problem("currency-looks-alike"), known: "ETH" })
        const known = (yield* TestServer.operator("GET", "/operator/v1/balances")).json["totals"]
        assert.deepStrictEqual(
          (known as ReadonlyArray<{ currency: string }>).map(({ currency }) => currency),
          ["ETH"],
        )
        assert.strictEqual((yield* credit(terms, "eth", { newCurrency: true })).status, 200)
        assert.strictEqual((yield* credit(terms, "eth")).status, 200)
      }),
    )
  })

  layer(TestServer.layer(MemoryStore.layer({ currencies: new Set(["BTC"]) })), TestServer.options)(
    "where it is said which there are",
    (it) => {
      it.effect("a credit in another is refused, an allocation in one rejected, for good", () =>
        Effect.gen(function* () {
          const terms = yield* TestServer.funded("5")
          assert.include((yield* credit(terms, "btc", { newCurrency: true })).json, problem("unknown-currency"))
          const asked = { ...allocation(terms), amount: { currency: "btc", quantity: "3" } }
          for (const answer of [yield* allocate(asked), yield* allocate(asked)]) {
            assert.strictEqual(answer.json["rejectionReason"], "UNKNOWN_CURRENCY")
          }
          assert.notProperty((yield* allocate(allocation(terms))).json, "rejectionReason")
        }),
      )
    },
  )
})

describe("the later edition", () => {
  layer(
    TestServer.layer(MemoryStore.layer(), { edition: "later" }),
    TestServer.options,
  )((it) => {
    it.effect("has other names, and quantities as text; it is asked for in either", () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("5")
        const { deallocationId, clientId, connectionId, partnersConnectionId, partnerClientId, amount } = terms
        const { partnerClientId: _, ...rest } = terms
        const identifiers = { clientId, connectionId, partnersConnectionId, partnersClientId: partnerClientId }
        for (const body of [terms, { ...rest, partnersClientId: partnerClientId }]) {
          const { partnersDeallocationId, ...answer } = (yield* TestServer.reserve(body)).json
          assert.isString(partnersDeallocationId)
          assert.deepStrictEqual(answer, { deallocationId, amount, ...identifiers })
        }
        const asked = allocation(terms)
        const { partnersAllocationId, ...answer } = (yield* allocate(asked)).json
        assert.isString(partnersAllocationId)
        assert.deepStrictEqual(answer, { allocationId: asked.allocationId, amount: asked.amount, ...identifiers })
        const found = yield* TestServer.network("GET", `/bitgo/v1/allocation/${asked.allocationId}`)
        assert.strictEqual(found.json["status"], "RESERVED")
      }),
    )
  })
})

describe("lists", () => {
  layer(
    TestServer.layer(),
    TestServer.options,
  )((it) => {
    it.effect("of each kind: by state, time, age, direction, in either order, page by page and as CSV", () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("100")
        const { connectionId } = terms
        const made: Array<Terms> = []
        for (let n = 0; n < 5; n++) {
          const asked = allocation(terms, `${n + 1}`)
          yield* allocate(asked)
          made.push(asked)
          yield* Effect.sleep(2)
        }
        yield* settle(made[0] ?? assert.fail(), "clear")
        const idsOf = Effect.fnUntraced(function* (query: string) {
          const found: Array<string> = []
          for (let cursor: unknown = ""; cursor !== null; ) {
            const path = `/operator/v1/allocations?connectionId=${connectionId}&limit=2&${query}${cursor === "" ? "" : `&cursor=${cursor}`}`
            const { json, text } = yield* TestServer.operator("GET", path)
            assert.isArray(json["allocations"], text)
            found.push(...(json["allocations"] as ReadonlyArray<{ allocationId: string }>).map((_) => _.allocationId))
            cursor = json["nextCursor"]
          }
          return found.map((id) => made.findIndex(({ allocationId }) => allocationId === id))
        })
        assert.deepStrictEqual(yield* idsOf(""), [4, 3, 2, 1, 0])
        assert.deepStrictEqual(yield* idsOf("order=oldest"), [0, 1, 2, 3, 4])
        assert.deepStrictEqual(yield* idsOf("state=CLEARED"), [0])
        assert.deepStrictEqual(yield* idsOf("state=RESERVED&order=oldest&currency=BTC"), [1, 2, 3, 4])
        assert.deepStrictEqual(yield* idsOf("currency=btc"), [])
        const { json } = yield* TestServer.operator("GET", `/operator/v1/allocations/${made[2]?.allocationId}`)
        assert.deepStrictEqual(yield* idsOf(`partnerAllocationId=${json["partnerAllocationId"]}`), [2])
        assert.deepStrictEqual(yield* idsOf("partnerAllocationId=another"), [])
        const at = encodeURIComponent(String(json["createdAt"]))
        assert.deepStrictEqual(yield* idsOf(`from=${at}`), [4, 3, 2])
        assert.deepStrictEqual(yield* idsOf(`to=${at}`), [1, 0])
        assert.deepStrictEqual(yield* idsOf("olderThan=60"), [])
        yield* Effect.sleep("1010 millis")
        assert.deepStrictEqual(yield* idsOf("state=RESERVED&olderThan=1&order=oldest"), [1, 2, 3, 4])
        const csv = yield* TestServer.operator(
          "GET",
          `/operator/v1/allocations.csv?connectionId=${connectionId}&order=oldest`,
        )
        assert.strictEqual(csv.headers["content-type"], "text/csv")
        const lines = csv.text.split("\r\n")
        assert.strictEqual(lines.length, 7)
        assert.strictEqual(
          lines[0],
          "allocationId,amount.currency,amount.quantity,clientId,connectionId,partnersConnectionId,partnerClientId,partnerAllocationId,state,rejectionReason,createdAt,updatedAt",
        )
        assert.match(lines[1] ?? "", new RegExp(`^${made[0]?.allocationId},BTC,1,.*,CLEARED,,2\\d{3}-.*Z$`))
        for (const query of [
          "state=cleared",
          "order=random",
          "olderThan=0",
          "from=yesterday",
          "from=2026-02-31T00:00:00Z",
          "to=12",
          "limit=201",
          "cursor=e30",
          "direction=credit",
          "stat=CLEARED",
        ]) {
          const refused = yield* TestServer.operator("GET", `/operator/v1/allocations?${query}`)
          assert.strictEqual(refused.status, 400, query)
        }
      }),
    )

    it.effect("of adjustments and locks, each by its id too", () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("100")
        const { connectionId } = terms
        const debit = randomUUID()
        yield* TestServer.adjust(terms, "debit", { currency: "BTC", quantity: "1" }, debit)
        const adjustments = yield* TestServer.operator(
          "GET",
          `/operator/v1/adjustments?connectionId=${connectionId}&direction=debit`,
        )
        assert.deepStrictEqual(
          (adjustments.json["adjustments"] as ReadonlyArray<{ adjustmentId: string }>).map((_) => _.adjustmentId),
          [debit],
        )
        const shown = yield* TestServer.operator("GET", `/operator/v1/adjustments/${debit}`)
        assert.deepInclude(shown.json, { adjustmentId: debit, direction: "debit", connectionId })
        assert.deepStrictEqual(
          (shown.json["journal"] as ReadonlyArray<{ event: string }>).map((_) => _.event),
          ["DEBITED"],
        )
        assert.strictEqual((yield* TestServer.operator("GET", `/operator/v1/adjustments/${randomUUID()}`)).status, 404)
        const memo = 'says "=1+1", in two\nlines'
        const body = { connectionId, amount: { currency: "BTC", quantity: "1" }, memo }
        yield* TestServer.operator("PUT", `/operator/v1/locks/${randomUUID()}`, { body })
        const csv = yield* TestServer.operator("GET", `/operator/v1/locks.csv?connectionId=${connectionId}`)
        assert.include(csv.text, '"says ""=1+1"", in two\nlines"')
        const { json } = yield* TestServer.operator("GET", "/operator/v1/balances")
        const [total] = (json["totals"] as ReadonlyArray<Record<string, unknown>>).filter(
          ({ currency }) => currency === "BTC",
        )
        assert.isString(total?.["available"])
        assert.isNumber(total?.["accounts"])
      }),
    )

    it.effect("the journal: from the beginning, after a cursor, and as events that resume", () =>
      Effect.gen(function* () {
        const terms = yield* TestServer.funded("100")
        yield* TestServer.reserve(terms)
        const { json } = yield* TestServer.operator("GET", "/operator/v1/journal?limit=200")
        const entries = json["entries"] as ReadonlyArray<Record<string, unknown>>
        const [credited, reserved] = entries.slice(-2)
        assert.deepInclude(reserved, {
          kind: "deallocation",
          event: "RESERVED",
          transferId: terms.deallocationId,
          quantity: "3",
        })
        assert.strictEqual(json["next"], reserved?.["cursor"])
        const rest = yield* TestServer.operator("GET", `/operator/v1/journal?after=${credited?.["cursor"]}`)
        assert.deepStrictEqual(rest.json["entries"], [reserved])
        const backwards = (query: string) =>
          Effect.map(TestServer.operator("GET", `/operator/v1/journal/newest?${query}`), ({ json }) => json)
        assert.deepStrictEqual(yield* backwards("limit=1"), { entries: [reserved], next: reserved?.["cursor"] })
        assert.deepStrictEqual((yield* backwards(`limit=1&before=${reserved?.["cursor"]}`))["entries"], [credited])
        assert.deepStrictEqual(yield* backwards("before=1"), { entries: [], next: null })
        const end = yield* TestServer.operator("GET", `/operator/v1/journal?after=${json["next"]}`)
        assert.deepStrictEqual(end.json, { entries: [], next: json["next"] })
        assert.strictEqual((yield* TestServer.operator("GET", "/operator/v1/journal?after=x")).status, 400)
        for (const path of ["journal", "journal/stream"]) {
          const beyond = yield* TestServer.operator("GET", `/operator/v1/${path}?after=${"9".repeat(18)}`)
          assert.strictEqual(beyond.status, 409)
          assert.include(beyond.json, problem("journal-place-not-found"))
        }

        const { url } = yield* TestServer.TestServer
        const stop = new AbortController()
        const read = yield* Effect.promise(async () => {
          const headers = {
            authorization: `Bearer ${TestServer.operatorToken}`,
            "last-event-id": String(credited?.["cursor"]),
          }
          const response = await fetch(`${url}/operator/v1/journal/stream?after=0`, { headers, signal: stop.signal })
          assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
          const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail()
          let text = ""
          return async (pattern: RegExp) => {
            // Events may arrive in pieces.
            const whole = () => text.slice(0, text.lastIndexOf("\n\n") + 2)
            while (!pattern.test(whole())) {
              const { done, value } = await reader.read()
              if (done) assert.fail(`It ended: ${text}`)
              text += value
            }
            return whole()
          }
        })
        const event = `id: ${reserved?.["cursor"]}\ndata: ${JSON.stringify(reserved)}\n\n`
        assert.include(yield* Effect.promise(() => read(/data: /)), event)
        yield* TestServer.settle(terms, "clear")
        const text = yield* Effect.promise(() => read(/CLEARED/))
        assert.strictEqual(text.match(/^data: /gm)?.length, 2)
        stop.abort()
      }),
    )
  })
})

layer(TestServer.layer(MemoryStore.layer(), { maxInFlight: 1 }), TestServer.options)("whoever listens", (it) => {
  it.effect("keeps nobody from being answered, nor can there be any number of them", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const stop = new AbortController()
      const listen = () =>
        fetch(`${url}/operator/v1/journal/stream`, {
          headers: { authorization: `Bearer ${TestServer.operatorToken}` },
          signal: stop.signal,
        })
      // Kept: a body that nobody can read any more is let go.
      const listening = yield* Effect.promise(() => Promise.all(Array.from({ length: 100 }, listen)))
      for (const { status } of listening) assert.strictEqual(status, 200)
      assert.strictEqual((yield* TestServer.operator("GET", "/operator/v1/balances")).status, 200)
      assert.strictEqual((yield* Effect.promise(listen)).status, 503)
      stop.abort()
      assert.lengthOf(listening, 100)
      yield* Effect.eventually(
        Effect.filterOrFail(
          TestServer.operator("GET", "/operator/v1/journal/stream?after=1"),
          ({ status }) => status === 409,
        ),
      )
    }),
  )
})
