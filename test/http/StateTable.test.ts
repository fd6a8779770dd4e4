/** Every cell of the contract's table of states and requests, over HTTP. */
import { assert, describe, layer } from "@effect/vitest"
import { MemoryStore } from "@holdfast/domain"
import { Effect } from "effect"
import * as TestServer from "./TestServer.ts"

type Request = "POST" | "clear" | "release"
type State = "none" | "none, not enough" | "RESERVED" | "CLEARED" | "RELEASED" | "REJECTED"
type Balances = [available: string, reserved: string, deallocated: string]

interface Cell {
  readonly state: State
  readonly request: Request
  readonly status: number
  /** What the deallocation then is; none where there is none. */
  readonly becomes?: string
  readonly balances: Balances
}

/** A reservation of 3 out of 5, or of 6 where that is not enough. */
const cells: ReadonlyArray<Cell> = [
  { state: "none", request: "POST", status: 200, becomes: "RESERVED", balances: ["2", "3", "0"] },
  { state: "none", request: "clear", status: 404, balances: ["5", "0", "0"] },
  { state: "none", request: "release", status: 404, balances: ["5", "0", "0"] },
  { state: "none, not enough", request: "POST", status: 200, becomes: "REJECTED", balances: ["5", "0", "0"] },
  { state: "RESERVED", request: "POST", status: 200, becomes: "RESERVED", balances: ["2", "3", "0"] },
  { state: "RESERVED", request: "clear", status: 200, becomes: "CLEARED", balances: ["2", "0", "3"] },
  { state: "RESERVED", request: "release", status: 200, becomes: "RELEASED", balances: ["5", "0", "0"] },
  { state: "CLEARED", request: "POST", status: 200, becomes: "CLEARED", balances: ["2", "0", "3"] },
  { state: "CLEARED", request: "clear", status: 200, becomes: "CLEARED", balances: ["2", "0", "3"] },
  { state: "CLEARED", request: "release", status: 409, becomes: "CLEARED", balances: ["2", "0", "3"] },
  { state: "RELEASED", request: "POST", status: 200, becomes: "RESERVED", balances: ["2", "3", "0"] },
  { state: "RELEASED", request: "clear", status: 409, becomes: "RELEASED", balances: ["5", "0", "0"] },
  { state: "RELEASED", request: "release", status: 200, becomes: "RELEASED", balances: ["5", "0", "0"] },
  { state: "REJECTED", request: "POST", status: 200, becomes: "REJECTED", balances: ["5", "0", "0"] },
  { state: "REJECTED", request: "clear", status: 409, becomes: "REJECTED", balances: ["5", "0", "0"] },
  { state: "REJECTED", request: "release", status: 409, becomes: "REJECTED", balances: ["5", "0", "0"] },
]

const send = (terms: TestServer.Terms, request: Request) =>
  request === "POST" ? TestServer.reserve(terms) : TestServer.settle(terms, request)

/** Brings a new deallocation into a state; answers its terms and the last answer on the way. */
const arrange = Effect.fnUntraced(function* (state: State) {
  const short = state === "REJECTED" || state === "none, not enough"
  const terms = { ...(yield* TestServer.funded("5")), amount: { currency: "BTC", quantity: short ? "6" : "3" } }
  const steps: Readonly<Record<State, ReadonlyArray<Request>>> = {
    none: [],
    "none, not enough": [],
    RESERVED: ["POST"],
    REJECTED: ["POST"],
    CLEARED: ["POST", "clear"],
    RELEASED: ["POST", "release"],
  }
  const answers = yield* Effect.forEach(steps[state], (step) => send(terms, step))
  return { terms, before: answers.at(-1) }
})

const found = (terms: TestServer.Terms) => TestServer.network("GET", `/bitgo/v1/deallocation/${terms.deallocationId}`)

describe("the contract's table", () => {
  layer(
    TestServer.layer(),
    TestServer.options,
  )((it) => {
    for (const { state, request, status, becomes, balances } of cells) {
      it.effect(`${state}: ${request} answers ${status}${becomes === undefined ? "" : `, and it is ${becomes}`}`, () =>
        Effect.gen(function* () {
          const { terms, before } = yield* arrange(state)
          const answer = yield* send(terms, request)
          assert.strictEqual(answer.status, status, answer.text)
          assert.deepStrictEqual(yield* TestServer.balances(terms), balances)
          const shown = yield* found(terms)
          if (becomes === undefined) {
            assert.strictEqual(shown.status, 404)
            return
          }
          assert.strictEqual(shown.json["status"], becomes)
          if (status === 409) {
            assert.include(answer.json, { type: "urn:holdfast:problem:state-conflict", state: becomes })
          } else {
            assert.deepStrictEqual(shown.json, { ...answer.json, status: becomes })
            assert.strictEqual(
              answer.json["rejectionReason"],
              becomes === "REJECTED" ? "INSUFFICIENT_BALANCE" : undefined,
            )
            // The answer to a repeat is the same, and ever with the same id of ours.
            if (before !== undefined) assert.strictEqual(answer.text, before.text)
          }
        }),
      )
    }

    it.effect("a released amount that is gone meanwhile is rejected when it is asked for again", () =>
      Effect.gen(function* () {
        const { terms } = yield* arrange("RELEASED")
        yield* TestServer.adjust(terms, "debit", { currency: "BTC", quantity: "4" })
        const answer = yield* TestServer.reserve(terms)
        assert.strictEqual(answer.json["rejectionReason"], "INSUFFICIENT_BALANCE")
      }),
    )

    it.effect("a rejection stays, even if funds have arrived since", () =>
      Effect.gen(function* () {
        const { terms, before } = yield* arrange("REJECTED")
        yield* TestServer.adjust(terms, "credit", { currency: "BTC", quantity: "100" })
        assert.strictEqual((yield* TestServer.reserve(terms)).text, before?.text)
      }),
    )
  })

  layer(TestServer.layer(MemoryStore.layer({ releasedRepost: "conflict" })), TestServer.options)(
    "where RELEASED_REPOST is conflict",
    (it) => {
      it.effect("RELEASED: POST answers 409, and it is RELEASED", () =>
        Effect.gen(function* () {
          const { terms } = yield* arrange("RELEASED")
          const answer = yield* TestServer.reserve(terms)
          assert.strictEqual(answer.status, 409)
          assert.strictEqual((yield* found(terms)).json["status"], "RELEASED")
          assert.deepStrictEqual(yield* TestServer.balances(terms), ["5", "0", "0"])
        }),
      )
    },
  )
})
