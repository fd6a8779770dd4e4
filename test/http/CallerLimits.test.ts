/** Who is counted as whom, and whose word is believed about it. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it, layer } from "@effect/vitest"
import * as CallerLimits from "@holdfast/http/CallerLimits"
import { Context, Effect, Layer } from "effect"
import * as Addresses from "../../packages/http/src/access/Addresses.ts"
import * as TestServer from "./TestServer.ts"

const callerOf = (text: string) => {
  const address = Addresses.parse(text)
  return address === undefined ? undefined : Addresses.callerOf(address)
}

describe("a caller", () => {
  const callers: Readonly<Record<string, string | undefined>> = {
    "192.0.2.1": "192.0.2.1",
    "192.0.2.1:4711": "192.0.2.1",
    "[192.0.2.1]": "192.0.2.1",
    "::ffff:192.0.2.1": "192.0.2.1",
    "::ffff:c000:201": "192.0.2.1",
    "0:0:0:0:0:FFFF:192.0.2.1": "192.0.2.1",
    "[::ffff:192.0.2.1]:4711": "192.0.2.1",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:0DB8:0001:0002::": "2001:db8:1:2::/64",
    "2001:db8:1:2:ffff:ffff:ffff:ffff": "2001:db8:1:2::/64",
    "[2001:db8:1:2::1]:443": "2001:db8:1:2::/64",
    "2001:db8::5": "2001:db8:0:0::/64",
    "::1": "0:0:0:0::/64",
    "::": "0:0:0:0::/64",
    "fe80::1%eth0": "fe80:0:0:0::/64",
    "fe80::2%eth1": "fe80:0:0:0::/64",
    "64:ff9b::192.0.2.1": "64:ff9b:0:0::/64",
    "::fffe:192.0.2.1": "0:0:0:0::/64",
    "": undefined,
    unknown: undefined,
    "192.0.2.256": undefined,
    "192.0.2": undefined,
    "192.000.002.001": undefined,
    "1:2:3": undefined,
    _hidden: undefined,
  }
  for (const [text, caller] of Object.entries(callers)) {
    it(`${JSON.stringify(text)} is ${caller ?? "nobody"}`, () => assert.strictEqual(callerOf(text), caller))
  }

  it("is remembered without the header that named it", () => {
    setFlagsFromString("--expose-gc")
    const collect: () => void = runInNewContext("gc")
    const used = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const before = used()
    const callers = Array.from({ length: 2_000 }, (_, n) => {
      const header = `${String(n).padStart(10_000, "x")}, 100.100.${100 + (n >> 7)}.${100 + (n & 127)}`
      return callerOf(header.split(", ")[1] ?? "")
    })
    assert.isBelow(used() - before, 2_000_000)
    assert.strictEqual(new Set(callers).size, 2_000)
  })
})

describe("a list of trusted proxies", () => {
  const layerOf = (...trustedProxies: ReadonlyArray<string>) =>
    Layer.build(CallerLimits.layer({ maxRequestsPerSecond: 1, maxRefusalsPerMinute: 1, trustedProxies }))

  for (const proxy of [
    ...[
      "10.0.0.0/",
      "10.0.0.0/8/9",
      "10.0.0.0/8/",
      "/8",
      "/",
      "10.0.0.0/33",
      "10.0.0.0/-1",
      "10.0.0.0/08",
      "10.0.0.0/+8",
    ],
    ...[
      "10.0.0.0/8.0",
      "10.0.0.0/ 8",
      "10.0.0.0/255.0.0.0",
      "10.0.0.1/x",
      "10.0.0.1/8",
      "10.0.0.0/4",
      "10.0.0",
      "10.0.0.0.0",
    ],
    ...["::/129", "2001:db8::1/64", "2001:db8::/28", "fe80::1%eth0", "[::1]", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1"],
    ...["localhost", "*", "0", "10.0.0.1:80"],
  ]) {
    it.effect(`never trusts ${proxy}`, () =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(layerOf("192.0.2.1", proxy))
        assert.include(message, `trustedProxies: Expected`)
        assert.include(message, `Got ${proxy}.`)
      }).pipe(Effect.scoped),
    )
  }

  it.effect("counts the connections of an address, or of a network of IPv6, and none of a proxy", () =>
    Effect.gen(function* () {
      const { peerOf } = Context.get(yield* layerOf("192.0.2.1", "2001:db8:1::/48"), CallerLimits.CallerLimits)
      assert.strictEqual(peerOf("::ffff:192.0.2.2"), "192.0.2.2")
      assert.strictEqual(peerOf("2001:db8:2:3::4"), peerOf("2001:db8:2:3:4:5:6:7"))
      assert.notStrictEqual(peerOf("2001:db8:2:3::4"), peerOf("2001:db8:2:4::4"))
      for (const proxy of ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:1:5::"]) assert.isUndefined(peerOf(proxy))
      assert.isString(peerOf(""))
    }).pipe(Effect.scoped),
  )

  it("may be addresses and networks, and trusts what lies in them", () => {
    const isIn = (network: string, address: string) => {
      const parsed = Addresses.parseNetwork(network)
      const candidate = Addresses.parse(address)
      assert.isDefined(parsed, network)
      assert.isDefined(candidate, address)
      return Addresses.isIn(parsed, candidate)
    }
    for (const [network, inside, outside] of [
      ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["11.0.0.0", "9.255.255.255", "a00::"]],
      ["172.16.0.0/12", ["172.16.0.1", "172.31.255.255"], ["172.32.0.0", "172.15.255.255"]],
      ["192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]],
      ["192.0.2.7/32", ["192.0.2.7"], ["192.0.2.6"]],
      ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::1", "::"]],
      ["2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::", "2001:db9::"]],
      ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "0.0.0.1"]],
      ["::/0", ["::1", "ffff::"], ["10.0.0.0"]],
    ] as const) {
      for (const address of inside) assert.isTrue(isIn(network, address), `${network} ${address}`)
      for (const address of outside) assert.isFalse(isIn(network, address), `${network} ${address}`)
    }
  })
})

layer(
  TestServer.layer(undefined, { maxRefusalsPerMinute: 2, trustedProxies: ["127.0.0.1", "10.0.0.0/8"] }),
  TestServer.options,
)("behind trusted proxies", (it) => {
  it.effect("the caller is the last one that none of them is, and whoever shares its network", () =>
    Effect.gen(function* () {
      const guess = (forwarded: string) =>
        Effect.map(
          TestServer.operator("GET", "/operator/v1/deallocations", {
            headers: { authorization: "Bearer x", "x-forwarded-for": forwarded },
          }),
          ({ status }) => status,
        )
      const together: ReadonlyArray<ReadonlyArray<string>> = [
        ["2001:db8:1:2::1", "2001:db8:1:2::2", "203.0.113.1, 2001:db8:1:2:ffff::, 10.0.0.9"],
        ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:99, 10.1.1.1, 10.2.2.2"],
        // What is no address is whose proxy said so; where all are proxies, so is the caller.
        ["unknown", "192.0.2.99, unknown", "10.0.0.1, 10.0.0.2"],
      ]
      for (const [first = "", second = "", third = ""] of together) {
        assert.deepStrictEqual([yield* guess(first), yield* guess(second), yield* guess(third)], [401, 401, 429], first)
      }
      assert.strictEqual(yield* guess("2001:db8:1:3::1"), 401)
    }),
  )

  it.effect("a page that asks who is there, before anybody signed in, guesses at nothing", () =>
    Effect.gen(function* () {
      const from = { "x-forwarded-for": "198.51.100.7" }
      const statusOf = (headers: Record<string, string>) =>
        Effect.map(
          TestServer.anyone("GET", "/operator/v1/session", { headers: { ...from, ...headers } }),
          ({ status }) => status,
        )
      for (let opened = 0; opened < 5; opened++) assert.strictEqual(yield* statusOf({ cookie: "theme=dark" }), 401)
      const guessed = { cookie: "holdfast_session=1.read.x" }
      assert.deepStrictEqual(
        [yield* statusOf(guessed), yield* statusOf(guessed), yield* statusOf(guessed)],
        [401, 401, 429],
      )
    }),
  )
})
