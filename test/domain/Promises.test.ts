/** The service with promises, for those who do not know Effect. */
import { spawnSync } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Connection, Holdfast, type Ledger, MemoryStore, Store } from "@holdfast/domain"
import * as Promises from "@holdfast/domain/Promises"
import { Effect, Layer, Stream } from "effect"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import { assertPlain, connectionOf, creditOf, valueOf } from "../support/Promised.ts"

const make = () => Promises.make(MemoryStore.layer())

/** On a store in memory, of which something is another. */
const makeWith = (changes: (store: Store.Store) => Partial<Store.Store>) =>
  Promises.make(
    Layer.effect(
      Holdfast.Holdfast,
      Effect.flatMap(MemoryStore.make(), ({ store }) => Holdfast.make({ ...store, ...changes(store) })),
    ).pipe(Layer.provide(layerWebCrypto)),
  )

const funded = async (quantity = 100n) => {
  const holdfast = await make()
  const connection = connectionOf()
  valueOf(await holdfast.register(connection))
  valueOf(await holdfast.adjust(creditOf(connection, quantity)))
  return { holdfast, connection }
}

const btc = (quantity: bigint) => ({ currency: "BTC", quantity })

describe("each call", () => {
  it("answers in plain values, from one store", async () => {
    await using holdfast = await make()
    const answers: Array<unknown> = []
    const told = <A, E>(answer: Promises.Answer<A, E>): A => {
      answers.push(answer)
      return valueOf(answer)
    }
    const connection = connectionOf()
    const { connectionId } = connection
    const registered = { ...connection, suspended: false }
    assert.deepStrictEqual(told(await holdfast.register(connection)), registered)
    assert.deepStrictEqual(told(await holdfast.register(connection)), registered)
    const credit = { ...creditOf(connection, 10n), memo: undefined }
    const credited = told(await holdfast.adjust(credit, { newCurrency: true }))
    const { memo: _, ...terms } = credit
    assert.deepStrictEqual([credited.state, credited.terms], ["Credited", terms])
    assert.deepStrictEqual(credited.createdAt, new Date(credited.createdAt.getTime()))

    // Ids are the same in any case, and come back in lower case.
    const id = randomUUID()
    const deallocation = { ...connection, id: id.toUpperCase(), amount: btc(3n) }
    const nonce = { value: "nonce 1", expiresAt: new Date(Date.now() + 60_000) }
    const reserved = told(await holdfast.reserve("deallocation", deallocation, nonce, "ours 1"))
    assert.deepStrictEqual(
      [reserved.state, reserved.terms, reserved.partnerTransferId],
      ["Reserved", { ...deallocation, id }, "ours 1"],
    )
    const cleared = told(await holdfast.clear("deallocation", id.toUpperCase()))
    assert.deepStrictEqual(cleared, { ...reserved, state: "Cleared", updatedAt: cleared.updatedAt })
    assert.deepStrictEqual(told(await holdfast.find("deallocation", id)), cleared)
    const rejected = told(await holdfast.reserve("allocation", { ...deallocation, id: randomUUID(), clientId: id }))
    assert.isTrue(rejected.state === "Rejected" && rejected.reason === "CONNECTION_MISMATCH")
    const lock = { id: randomUUID(), connectionId, amount: btc(2n), memo: "order 1" }
    assert.strictEqual(told(await holdfast.reserve("lock", lock)).state, "Reserved")
    assert.strictEqual(told(await holdfast.release("lock", lock.id)).state, "Released")

    const balances = { pending: 0n, available: 7n, locked: 0n, reserved: 0n, deallocated: 3n }
    assert.deepStrictEqual(told(await holdfast.connection(connectionId)), {
      connection: registered,
      balances: [{ currency: "BTC", ...balances }],
    })
    assert.deepStrictEqual(told(await holdfast.totals()), [{ currency: "BTC", accounts: 1, ...balances }])
    assert.isUndefined(told(await holdfast.ready()))

    const journal = told(await holdfast.journal(lock.id))
    assert.deepStrictEqual(
      journal.map(({ event, quantity }) => [event, quantity]),
      [
        ["Reserved", 2n],
        ["Released", 2n],
      ],
    )
    const entries = told(await holdfast.entries(undefined, 200))
    assert.deepStrictEqual(told(await holdfast.entries(entries[0]?.place, 1)), entries.slice(1, 2))

    assert.isTrue(told(await holdfast.suspend(connectionId, true)).suspended)
    const suspended = { limit: 1, suspended: true, clientId: connection.clientId.toUpperCase(), cursor: undefined }
    assert.deepStrictEqual(told(await holdfast.connections(suspended)), {
      items: [{ ...registered, suspended: true }],
      next: undefined,
    })

    const issued = new Date()
    const token = (n: number) => ({
      id: randomUUID(),
      hash: createHash("sha256").update(`secret ${n}`).digest("hex"),
      partnersConnectionId: `account-${n}`,
      partnerClientId: "client-4",
      issuedAt: issued,
      expiresAt: new Date(issued.getTime() + 60_000).toISOString(),
    })
    const [used, revoked] = [token(1), token(2)]
    for (const one of [used, revoked]) assert.isUndefined(told(await holdfast.issueToken(one)))
    const request = { connectionId: randomUUID(), clientId: randomUUID(), tokenHash: used.hash }
    const connected = told(await holdfast.connect(request))
    assert.strictEqual(connected.partnersConnectionId, "account-1")
    assert.instanceOf(told(await holdfast.revokeToken(revoked.id)).revokedAt, Date)
    const tokens = told(await holdfast.tokens({ limit: 10, partnersConnectionId: "account-1" }))
    assert.deepStrictEqual(tokens.items, [
      { ...used, expiresAt: new Date(used.expiresAt), usedBy: request.connectionId },
    ])

    assert.isUndefined(told(await holdfast.useNonce({ value: "nonce 2", expiresAt: nonce.expiresAt.toISOString() })))
    for (const answer of answers) assertPlain(answer)
  })

  it("of a list goes on where the page before ended, and takes times as dates or as text", async () => {
    const { holdfast, connection } = await funded()
    const ids = [randomUUID(), randomUUID(), randomUUID()]
    for (const id of ids) valueOf(await holdfast.reserve("lock", { ...connection, id, amount: btc(1n) }))
    const seen: Array<string> = []
    let page = valueOf(await holdfast.list("lock", { limit: 1, from: new Date(0), to: "2999-01-01T00:00:00+01:00" }))
    for (;;) {
      seen.push(...page.items.map(({ terms }) => terms.id))
      if (page.next === undefined) break
      page = valueOf(await holdfast.list("lock", { limit: 1, cursor: page.next, state: undefined }))
    }
    assert.sameMembers(seen, ids)
    assert.deepStrictEqual(valueOf(await holdfast.list("lock", { limit: 1, to: new Date(0) })).items, [])
  })

  it("acts once, however many come at once", async () => {
    const { holdfast, connection } = await funded(1n)
    const terms = { ...connection, id: randomUUID(), amount: btc(1n) }
    const answers = await Promise.all(Array.from({ length: 50 }, () => holdfast.reserve("deallocation", terms)))
    for (const answer of answers) assert.deepStrictEqual(answer, answers[0])
    assert.strictEqual(valueOf(await holdfast.connection(connection.connectionId)).balances[0]?.available, 0n)
    assert.lengthOf(valueOf(await holdfast.journal(terms.id)), 1)
  })

  it("that is signed uses up its nonce", async () => {
    const { holdfast, connection } = await funded()
    const lock = { ...connection, id: randomUUID(), amount: btc(1n) }
    const request = { connectionId: randomUUID(), clientId: randomUUID(), tokenHash: undefined }
    const calls: ReadonlyArray<(nonce: Promises.Input<Ledger.Nonce>) => Promise<Promises.Answer<unknown, unknown>>> = [
      (nonce) => holdfast.reserve("lock", lock, nonce),
      (nonce) => holdfast.release("lock", lock.id, nonce),
      (nonce) => holdfast.reserve("lock", lock, nonce),
      (nonce) => holdfast.clear("lock", lock.id, nonce),
      (nonce) => holdfast.connect(request, nonce),
      (nonce) => holdfast.useNonce(nonce),
    ]
    for (const [n, call] of calls.entries()) {
      const nonce = { value: `nonce ${n}`, expiresAt: new Date(Date.now() + 60_000) }
      await call(nonce)
      const answer = await call(nonce)
      assert.strictEqual(answer.ok || String(answer.error), `NonceUsed: The nonce "nonce ${n}" has been used before.`)
    }
    assert.strictEqual(valueOf(await holdfast.find("lock", lock.id)).state, "Cleared")
  })

  it("says why not, with an error that is one of the domain's", async () => {
    const { holdfast, connection } = await funded(1n)
    const { connectionId } = connection
    const answer = await holdfast.reserve("lock", { id: randomUUID(), connectionId, amount: btc(3n) })
    assert.isTrue(!answer.ok && answer.error instanceof Error)
    assert.isTrue(!answer.ok && answer.error._tag === "InsufficientBalance")
    if (answer.ok || answer.error._tag !== "InsufficientBalance") return
    const { balance, requested, held, message } = answer.error
    assert.deepStrictEqual([balance, requested, held], ["available", 3n, 1n])
    assert.strictEqual(message, "Requested 3 but only 1 is available.")
  })

  it("is unavailable where the store is", async () => {
    const away = Effect.fail(new Store.Unavailable({ reason: "The database is away.", retryAfterSeconds: 2 }))
    const holdfast = await makeWith(() => ({ execute: () => away, ready: away, entries: () => away }))
    const connection = connectionOf()
    const followed = await holdfast.follow()[Symbol.asyncIterator]().next()
    for (const answer of [
      await holdfast.adjust(creditOf(connection, 1n)),
      await holdfast.clear("lock", randomUUID()),
      await holdfast.ready(),
      followed.value,
    ]) {
      assert.isTrue(!answer.ok && answer.error._tag === "Unavailable" && answer.error.retryAfterSeconds === 2)
      assert.strictEqual(answer.ok || answer.error.message, "The database is away. Retry after 2 s.")
    }
  })

  it("is rejected with a defect as it is", async () => {
    const bug = new TypeError("a bug")
    const holdfast = await makeWith(() => ({
      execute: () => Effect.die(bug),
      totals: Effect.sync(() => {
        throw bug
      }),
      entries: () => Effect.die(bug),
    }))
    for (const call of [
      () => holdfast.adjust(creditOf(connectionOf(), 1n)),
      () => holdfast.totals(),
      () => holdfast.follow()[Symbol.asyncIterator]().next(),
    ]) {
      assert.strictEqual(await rejection(call()), bug)
    }
    assert.isTrue((await holdfast.ready()).ok)
  })
})

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail("It was not rejected."),
    (error: unknown) => error,
  )

describe("what cannot be read is refused with its field and value, before the store hears of it:", () => {
  const id = randomUUID()
  const nonce = { value: "nonce", expiresAt: new Date() }
  const { partnersConnectionId } = connectionOf()
  const terms = { ...connectionOf(), id, amount: btc(1n) }
  const cursor = { id, createdAt: new Date() }
  const filters = { connectionId: id, currency: "BTC", state: "Reserved", order: "newest" }
  const token = { id, hash: "0".repeat(64), partnersConnectionId, partnerClientId: "", usedBy: id }
  const times = { issuedAt: new Date(), expiresAt: new Date(), revokedAt: new Date() }
  const query = { ...filters, from: new Date(), to: new Date(), unchangedSince: new Date(), cursor, limit: 1 }
  /** What each call may be asked with: every field that it knows. */
  const calls: {
    readonly [Name in Exclude<keyof Promises.Holdfast, symbol | "close" | "totals" | "reserved" | "ready">]: Asked
  } = {
    useNonce: { nonce },
    register: { connection: connectionOf() },
    connect: { request: { connectionId: id, clientId: id, tokenHash: token.hash }, nonce },
    issueToken: { token: { ...token, ...times } },
    revokeToken: { tokenId: id },
    tokens: { query: { partnersConnectionId, cursor: id, limit: 1 } },
    suspend: { connectionId: id, suspended: true },
    connection: { connectionId: id },
    connections: {
      query: { clientId: id, partnersConnectionId, partnerClientId: "", suspended: true, cursor: id, limit: 1 },
    },
    find: { kind: "lock", id },
    list: { kind: "lock", query },
    journal: { transferId: id },
    entries: { after: "1", limit: 1 },
    entriesBefore: { before: "1", limit: 1 },
    reserve: { kind: "deallocation", terms, nonce, partnerTransferId: "ours" },
    clear: { kind: "lock", id, nonce },
    release: { kind: "lock", id, nonce },
    adjust: {
      terms: { id, connectionId: id, direction: "credit", amount: btc(1n), memo: "" },
      options: { newCurrency: true },
    },
    follow: { after: "1", options: { every: 1 } },
  }

  /** Asks a service whose store must not be reached. */
  type Answered = Promise<Promises.Answer<unknown, Promises.InvalidInput>>
  const ask = async (name: keyof typeof calls, asked: Asked): Answered => {
    const reached = () => Effect.die(new Error("The store was reached."))
    const store = Object.fromEntries(Object.keys(await storeOf()).map((name) => [name, reached]))
    await using holdfast = await makeWith(() => store)
    const call = holdfast[name] as (...args: ReadonlyArray<unknown>) => Answered | AsyncIterable<Awaited<Answered>>
    const answer = call(...Object.values(asked))
    return "then" in answer ? answer : (await answer[Symbol.asyncIterator]().next()).value
  }
  const storeOf = () => Effect.runPromise(Effect.map(MemoryStore.make(), ({ store }) => store))

  const wrong = { wrong: 1n }
  for (const [name, asked] of Object.entries(calls) as ReadonlyArray<[keyof typeof calls, Asked]>) {
    it(`${name}, ${[...leavesOf(asked)].map((path) => path.join(".")).join(", ")}`, async () => {
      assert.match(String(await rejection(ask(name, asked))), /The store was reached/)
      for (const path of leavesOf(asked)) {
        const answer = await ask(name, replaced(asked, path, wrong))
        const field = path.join(".")
        assert.isTrue(!answer.ok, field)
        assert.deepInclude(answer.ok || { ...answer.error }, { _tag: "InvalidInput", field, value: '{"wrong":1n}' })
        assert.include(answer.ok || answer.error.message, `${field} is {"wrong":1n}: `)
      }
    })
  }

  const malformed: ReadonlyArray<readonly [keyof typeof calls, path: string, value: unknown, message: string]> = [
    ["reserve", "terms.id", "order 1", 'terms.id is "order 1": Expected a UUID. Got "order 1".'],
    ["reserve", "terms.amount.quantity", 0n, "Quantity must be at least 1 base unit. Got 0."],
    ["reserve", "terms.amount.quantity", -1n, "terms.amount.quantity is -1n: Expected base units, 0 to 2^256 - 1"],
    ["reserve", "terms.amount.quantity", 2n ** 256n, `is ${2n ** 256n}n: Expected base units`],
    ["reserve", "terms.amount.quantity", 1, "terms.amount.quantity is 1: Expected bigint"],
    ["reserve", "terms.amount.quantity", "1", 'terms.amount.quantity is "1": Expected bigint'],
    ["reserve", "terms.amount.currency", "US D", 'currency is "US D": Expected a currency of 1 to 128 printable'],
    ["reserve", "terms.partnerClientId", undefined, "terms.partnerClientId is undefined: "],
    ["reserve", "terms.partnerClientId", "x".repeat(1e6), `terms.partnerClientId is "${"x".repeat(99)}…: Expected at `],
    ["reserve", "terms.partnersConnectionId", "", 'terms.partnersConnectionId is "": '],
    ["reserve", "terms", undefined, "terms is undefined: Expected object"],
    ["reserve", "kind", "adjustment", 'kind is "adjustment": Expected "deallocation" | "allocation" | "lock"'],
    ["reserve", "kind", "__proto__", 'kind is "__proto__": Expected "deallocation" | "allocation" | "lock"'],
    ["find", "kind", "toString", 'kind is "toString": Expected "deallocation" | "allocation" | "lock" | "adjustment"'],
    ["adjust", "terms.direction", "deposit", 'terms.direction is "deposit": Expected "credit" | "debit"'],
    ["adjust", "terms.memo", "\0", 'terms.memo is "\\u0000": Expected well-formed Unicode without NUL.'],
    ["list", "query.from", "yesterday", 'query.from is "yesterday": Expected a Date, or a date and time as in ISO'],
    ["list", "query.from", "1", 'query.from is "1": Expected a Date'],
    ["list", "query.from", "2026-01-01T00:00:00", "Expected a Date"],
    ["list", "query.from", "2026-02-30T00:00:00Z", "Expected a Date"],
    ["list", "query.from", "2026-02-28T00:60:00Z", "Expected a Date"],
    ["list", "query.from", new Date(Number.NaN), "query.from is Invalid Date: Expected a Date"],
    ["list", "query.colour", "red", 'query.colour is "red": '],
    ["list", "query.limit", 201, "query.limit is 201: Expected a limit of 1 to 200"],
    ["entries", "limit", Number.NaN, "limit is NaN: "],
    ["entries", "after", "last", 'after is "last": Expected a cursor of the journal: 1 to 18 digits'],
    ["follow", "options.every", 0, "options.every is 0: Expected a value between 1 and "],
  ]
  for (const [name, path, value, message] of malformed) {
    it(`${name}: ${message.slice(0, 120)}`, async () => {
      const answer = await ask(name, replaced(calls[name], path.split("."), value))
      assert.isTrue(!answer.ok && answer.error._tag === "InvalidInput" && answer.error.field === path)
      assert.include(answer.ok || answer.error.message, message)
    })
  }
})

interface Asked {
  readonly [name: string]: unknown
}

const isRecord = (value: unknown): value is Asked =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

function* leavesOf(asked: Asked, path: ReadonlyArray<string> = []): Generator<ReadonlyArray<string>> {
  for (const [name, value] of Object.entries(asked)) {
    if (isRecord(value)) yield* leavesOf(value, [...path, name])
    else yield [...path, name]
  }
}

const replaced = (asked: Asked, [name = "", ...path]: ReadonlyArray<string>, value: unknown): Asked => {
  const inner = asked[name]
  return { ...asked, [name]: path.length > 0 && isRecord(inner) ? replaced(inner, path, value) : value }
}

describe("the journal that is followed", () => {
  it("ends when its reader breaks off, and goes on after a place", async () => {
    const { holdfast, connection } = await funded()
    const read = async (after: string | undefined, n: number) => {
      const entries: Array<string> = []
      for await (const answer of holdfast.follow(after, { every: 1 })) {
        assertPlain(answer)
        entries.push(valueOf(answer).place)
        if (entries.length === n) break
      }
      return entries
    }
    const [first] = await read(undefined, 1)
    const later = read(first, 2)
    for (const n of [1n, 2n]) valueOf(await holdfast.adjust(creditOf(connection, n)))
    assert.deepStrictEqual(await later, ["2", "3"])
    await holdfast.close()
  })

  it("is looked at as often as it is said", async () => {
    const followed: Array<unknown> = []
    const holdfast = await Promises.make(
      Layer.effect(
        Holdfast.Holdfast,
        Effect.map(Holdfast.Holdfast, (service) => ({
          ...service,
          follow: (...asked: ReadonlyArray<unknown>) => {
            followed.push(asked)
            return Stream.empty
          },
        })),
      ).pipe(Layer.provide(MemoryStore.layer())),
    )
    for await (const _ of holdfast.follow("7", { every: 20 })) assert.fail("There is nothing.")
    for await (const _ of holdfast.follow(undefined, { every: undefined })) assert.fail("There is nothing.")
    assert.deepStrictEqual(followed, [
      ["7", { every: 20 }],
      [undefined, {}],
    ])
  })

  it("ends after an error, which is an answer", async () => {
    const { holdfast } = await funded()
    const answers: Array<unknown> = []
    for await (const answer of holdfast.follow("99")) answers.push(answer.ok || answer.error.message)
    assert.deepStrictEqual(answers, ["The journal has no place 99: it is of another one."])
  })

  it("ends when the service is closed, for whoever waits and for whoever asks later", async () => {
    const { holdfast } = await funded()
    const [waiting, busy] = [1, 2].map(() => holdfast.follow(undefined, { every: 1e6 })[Symbol.asyncIterator]())
    assert.isDefined(waiting)
    assert.isDefined(busy)
    for (const iterator of [waiting, busy]) assert.isTrue((await iterator.next()).value.ok)
    const next = waiting.next()
    await holdfast.close()
    assert.isTrue((await next).done)
    assert.isTrue((await busy.next()).done)
    const later = (async () => {
      for await (const _ of holdfast.follow()) assert.fail("There is nothing to follow.")
    })()
    assert.strictEqual(String(await rejection(later)), "Error: This Holdfast is closed.")
  })
})

describe("a service", () => {
  /** Counts what is held of a layer's. */
  const counted = () => {
    const held = { times: 0, now: 0 }
    const acquire = Effect.acquireRelease(
      Effect.sync(() => {
        held.times++
        held.now++
      }),
      () => Effect.sync(() => held.now--),
    )
    return { held, layer: Layer.effectDiscard(acquire) }
  }

  it("is built once, and lets go of what it holds when it is closed, or out of scope", async () => {
    const { held, layer } = counted()
    const store = Layer.provide(MemoryStore.layer(), layer)
    const holdfast = await Promises.make(store)
    await Promise.all(Array.from({ length: 10 }, () => holdfast.totals()))
    assert.deepStrictEqual(held, { times: 1, now: 1 })
    await Promise.all([holdfast.close(), holdfast.close()])
    assert.deepStrictEqual(held, { times: 1, now: 0 })
    {
      await using other = await Promises.make(store)
      assert.isTrue((await other.ready()).ok)
      assert.deepStrictEqual(held, { times: 2, now: 1 })
    }
    assert.deepStrictEqual(held, { times: 2, now: 0 })
  })

  it("that is being closed answers what is under way, and nothing else", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const holdfast = await makeWith(({ totals }) => ({
      totals: Effect.andThen(
        Effect.promise(() => gate),
        totals,
      ),
    }))
    const underWay = holdfast.totals()
    const closing = holdfast.close()
    for (const call of [() => holdfast.totals(), () => holdfast.ready(), () => holdfast.find("lock", "nothing")]) {
      assert.strictEqual(String(await rejection(call())), "Error: This Holdfast is closed.")
    }
    open()
    assert.deepStrictEqual(await underWay, { ok: true, value: [] })
    await closing
  })

  it("that is being closed lets go of its store last, when whoever reads the journal has let go", async () => {
    const order: Array<string> = []
    const letGo = (what: string) =>
      Effect.andThen(
        Effect.sleep(20),
        Effect.sync(() => order.push(what)),
      )
    const { promise: reading, resolve: isReading } = Promise.withResolvers<void>()
    const entries = Effect.andThen(Effect.sync(isReading), Effect.never).pipe(Effect.onInterrupt(() => letGo("reader")))
    const holdfast = await Promises.make(
      Layer.effect(
        Holdfast.Holdfast,
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => order.push("store")))
          const { store } = yield* MemoryStore.make()
          return yield* Holdfast.make({ ...store, entries: () => entries })
        }),
      ).pipe(Layer.provide(layerWebCrypto)),
    )
    const next = holdfast.follow()[Symbol.asyncIterator]().next()
    await reading
    await holdfast.close()
    assert.deepStrictEqual(order, ["reader", "store"])
    assert.isTrue((await next).done)
  })

  it("that cannot be built is rejected with the reason, and holds nothing", async () => {
    const { held, layer } = counted()
    const reason = new Connection.TokenRefused()
    const broken = Layer.effect(Holdfast.Holdfast, Effect.fail(reason))
    for (const [n, whole] of [Layer.provide(broken, layer), Layer.merge(layer, broken)].entries()) {
      assert.strictEqual(await rejection(Promises.make(whole)), reason)
      assert.deepStrictEqual(held, { times: n + 1, now: 0 })
    }
  })

  it("that was closed keeps no process alive, whatever was followed, and rejects nothing unseen", () => {
    const program = `
      import { MemoryStore } from "@holdfast/domain"
      import * as Promises from "@holdfast/domain/Promises"
      const holdfast = await Promises.make(MemoryStore.layer())
      const followers = [1, 2, 3].map(() => holdfast.follow(undefined, { every: 1e9 })[Symbol.asyncIterator]())
      for (const follower of followers) void follower.next()
      await holdfast.follow("9")[Symbol.asyncIterator]().next()
      void holdfast.totals()
      setTimeout(() => holdfast.close().then(() => console.log("closed")), 50)
    `
    const args = ["--conditions=@holdfast/source", "--input-type=module", "--eval", program]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 50_000 })
    assert.deepStrictEqual([status, stdout, stderr], [0, "closed\n", ""])
  })
})

describe("the types", () => {
  it("of errors are those that the service fails with: what is in them is plain as it is", () => {
    type Service = Holdfast.Holdfast["Service"]
    type FailureOf<Asked> = Asked extends Effect.Effect<unknown, infer E> ? E : never
    type Failures = {
      [Name in keyof Service]: FailureOf<Service[Name] extends (...args: never) => infer Asked ? Asked : Service[Name]>
    }[keyof Service]
    expectTypeOf<Failures["_tag"]>().not.toBeNever()
    expectTypeOf<Failures>().toExtend<Promises.PlainError<Failures>>()
  })

  it("know every error of a call, and what each kind has", async () => {
    const { holdfast, connection } = await funded()
    const { connectionId } = connection
    const told = (error: Extract<Awaited<ReturnType<typeof holdfast.adjust>>, { ok: false }>["error"]): string => {
      switch (error._tag) {
        case "InsufficientBalance":
          expectTypeOf(error.held).toEqualTypeOf<bigint>()
          return `${error.held}`
        case "TermsMismatch":
          return error.differences.map(({ field }) => field).join()
        case "CurrencyLooksAlike":
          expectTypeOf(error.known).toEqualTypeOf<string>()
          return error.known
        case "Unavailable":
        case "InvalidInput":
        case "ConnectionNotFound":
        case "UnknownCurrency":
        case "BaseUnitsOverflow":
        case "IdInUse":
        case "NonceUsed":
          return error.message
        default:
          expectTypeOf(error).toBeNever()
          return error
      }
    }
    const credit = creditOf(connection, 1n)
    valueOf(await holdfast.adjust(credit))
    const answer = await holdfast.adjust({ ...credit, amount: { currency: "ETH", quantity: 2n } })
    assert.strictEqual(answer.ok || told(answer.error), "amount.currency,amount.quantity")
    const lookalike = await holdfast.adjust({ ...creditOf(connection, 1n), amount: { currency: "btc", quantity: 2n } })
    assert.strictEqual(lookalike.ok || told(lookalike.error), "BTC")
    const another = { ...creditOf(connection, 1n), amount: { currency: "btc", quantity: 2n } }
    assert.isTrue((await holdfast.adjust(another, { newCurrency: true })).ok)

    const found = valueOf(await holdfast.find("adjustment", credit.id))
    expectTypeOf(found.kind).toEqualTypeOf<"adjustment">()
    expectTypeOf(found.terms.id).toEqualTypeOf<string>()
    expectTypeOf(found.terms.amount.quantity).toEqualTypeOf<bigint>()
    expectTypeOf(found.createdAt).toEqualTypeOf<Date>()
    assert.strictEqual(found.terms.direction, "credit")
    // @ts-expect-error an allocation names all of a connection
    assert.isFalse((await holdfast.reserve("allocation", { id: randomUUID(), connectionId, amount: btc(1n) })).ok)
    // @ts-expect-error there is no such kind to reserve
    assert.isFalse((await holdfast.reserve("adjustment", credit)).ok)
    // @ts-expect-error nor such a filter
    assert.isFalse((await holdfast.list("lock", { limit: 1, colour: "red" })).ok)
    type Tags<Call extends (...args: never) => Promise<unknown>> = Extract<
      Awaited<ReturnType<Call>>,
      { ok: false; error: { _tag: unknown } }
    >["error"]["_tag"]
    expectTypeOf<Tags<typeof holdfast.totals>>().toEqualTypeOf<"Unavailable">()
    expectTypeOf<Tags<typeof holdfast.connection>>().toEqualTypeOf<
      "ConnectionNotFound" | "InvalidInput" | "Unavailable"
    >()
  })
})
