/** The command `holdfast` as people use it: processes of their own, a real server and its real database. */
import { execFileSync, spawnSync } from "node:child_process"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ServerProcess from "../support/ServerProcess.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const calls: ReadonlyArray<readonly [verb: string, ...words: ReadonlyArray<string>]> = [
  ["serve"],
  ["migrate"],
  ["key"],
  ["key", "make"],
  ["key", "check"],
  ["token"],
  ["token", "issue"],
  ["token", "list"],
  ["token", "revoke"],
  ["token", "operator"],
  ["connections"],
  ["balances"],
  ["transfers"],
  ["audit"],
  ["heads"],
  ["export"],
  ["import"],
  ["simulate"],
  ["sign"],
]

describe("every verb", () => {
  it("is in the help, and in this list", { timeout: 180_000 }, () => {
    const help = execFileSync(
      ServerProcess.node,
      ["--conditions=@holdfast/source", "packages/server/src/holdfast.ts", "--help"],
      { cwd: ServerProcess.root, encoding: "utf8" },
    )
    const listed = [...help.matchAll(/^ {2}([a-z]+) {2,}[a-z]/gm)].map(([, verb]) => verb)
    assert.deepStrictEqual(new Set(listed), new Set(calls.map(([verb]) => verb)))
  })

  for (const [verb, ...words] of calls) {
    const call = [verb, ...words].join(" ")
    it.live(
      `${call} says how it is called, does nothing else, and refuses what it does not know`,
      () =>
        Effect.gen(function* () {
          const directory = yield* ServerProcess.temporaryDirectory
          // Where it would write, if it did.
          const environment = { DATA_DIR: join(directory, "data"), HOLDFAST_URL: "http://127.0.0.1:9" }
          const [help, unknown] = yield* Effect.all(
            [
              ServerProcess.run(verb, environment, ...words, "--help"),
              ServerProcess.run(verb, environment, ...words, "--frobnicate"),
            ],
            { concurrency: "unbounded" },
          )
          assert.deepStrictEqual([help.code, help.err], [0, ""])
          assert.include(help.out, `\n  holdfast ${call}`)
          assert.notInclude(help.out, "\u001b")
          assert.deepStrictEqual([unknown.code, unknown.out], [2, ""])
          assert.match(unknown.err, /^Unrecognized flag: --frobnicate/)
          assert.deepStrictEqual(readdirSync(directory), [])
        }).pipe(Effect.scoped),
      180_000,
    )
  }

  it.live(
    "completes in bash",
    () =>
      Effect.gen(function* () {
        const { code, out } = yield* ServerProcess.run("--completions", {}, "bash")
        assert.strictEqual(code, 0)
        assert.include(out, "transfers")
        execFileSync("bash", ["-n"], { input: out })
      }),
    180_000,
  )
})

describe("wrong use", () => {
  const wrong: ReadonlyArray<readonly [err: RegExp, env: Record<string, string>, ...call: Array<string>]> = [
    [/^Unknown subcommand "frobnicate"/, {}, "frobnicate"],
    [/^Cannot migrate: DATABASE_URL: Expected the database to migrate, such as postgres:/, {}, "migrate"],
    [/^Cannot audit: DATABASE_SCHEMA: Expected up to 63 /, {}, "audit", "--schema", "No Schema"],
    [/^Cannot list connections: No operator token at .* OPERATOR_TOKEN or OPERATOR_TOKEN_FILE /, {}, "connections"],
    [/^Holdfast cannot run: With DATABASE_URL set, nothing is made up: /, { DATABASE_URL: "postgres://no" }, "serve"],
    [/^Holdfast cannot run: PORT: Expected a port/, {}, "serve", "--port", "nowhere"],
    [/state/, { OPERATOR_TOKEN: "x" }, "transfers", "--state", "RESTED"],
    [
      /^Cannot list transfers: Adjustments have no state/,
      { OPERATOR_TOKEN: "x" },
      "transfers",
      "--kind=adjustment",
      "--state=CLEARED",
    ],
    [/Expected 1 or more\. Got 0/, { OPERATOR_TOKEN: "x" }, "connections", "--limit", "0"],
    [/^Cannot import: There is no file \/no-such-file\. Name one that is there\.\n$/, {}, "import", "/no-such-file"],
    [/^Cannot audit: --against: There is no file \/no-such-file\./, {}, "audit", "--against", "/no-such-file"],
    [/^Cannot audit: --against: \/tmp is a directory\. Name a file\./, {}, "audit", "--against", "/tmp"],
    [/^Cannot use the key: There is no file \/no-such-file\./, {}, "key", "check", "/no-such-file"],
    [/^Cannot make a key: There is no directory \/no-such\. Make it first/, {}, "key", "make", "--to", "/no-such"],
    [
      /^Cannot make a token: There is no directory \/no-such\. Make it first/,
      {},
      "token",
      "operator",
      "--to",
      "/no-such/token",
    ],
    [
      /^Cannot show the transfer: An id shows that one transfer: leave out --connection/,
      { OPERATOR_TOKEN: "x" },
      "transfers",
      "018f3f1e-0000-7000-8000-000000000001",
      "--state=CLEARED",
    ],
    ...["--oldest", "--limit=7"].map(
      (flag) =>
        [
          /^Cannot show the transfer: An id shows that one transfer: leave out .* --oldest and --limit\.$/m,
          { OPERATOR_TOKEN: "x" },
          "transfers",
          "018f3f1e-0000-7000-8000-000000000001",
          flag,
        ] as const,
    ),
    [
      /^Cannot show the connection: An id shows that one connection: leave out --suspended and --limit\.$/m,
      { OPERATOR_TOKEN: "x" },
      "connections",
      "018f3f1e-0000-7000-8000-000000000001",
      "--suspended",
    ],
  ]
  for (const [err, environment, verb = "", ...words] of wrong) {
    it.live(
      `${[verb, ...words].join(" ")} ends with 2 and says what would be right`,
      () =>
        Effect.gen(function* () {
          const DATA_DIR = join(yield* ServerProcess.temporaryDirectory, "data")
          const ended = yield* ServerProcess.run(verb, { DATA_DIR, ...environment }, ...words)
          assert.match(ended.err, err)
          assert.deepStrictEqual([ended.code, ended.out], [2, ""])
        }).pipe(Effect.scoped),
      180_000,
    )
  }

  it.live(
    "a HOST that is none of this machine is a wrong value as any other: 2",
    () =>
      Effect.gen(function* () {
        const DATA_DIR = join(yield* ServerProcess.temporaryDirectory, "data")
        const { code, out, err } = yield* ServerProcess.run("serve", { DATA_DIR, HOST: "192.0.2.1" })
        assert.match(err, /^Holdfast cannot run: HOST and PORT: listen EADDRNOTAVAIL: .* 192\.0\.2\.1/m)
        assert.deepStrictEqual([code, out], [2, ""])
      }).pipe(Effect.scoped),
    180_000,
  )

  it.live(
    "a server that is not there is none of the caller's fault: 1",
    () =>
      Effect.gen(function* () {
        const HOLDFAST_URL = `http://127.0.0.1:${yield* ServerProcess.freePort}`
        const { code, err } = yield* ServerProcess.run("balances", { HOLDFAST_URL, OPERATOR_TOKEN: "x".repeat(20) })
        assert.match(err, /^Cannot show balances: No Holdfast server answers at .*; HOLDFAST_URL names another\.\n$/)
        assert.strictEqual(code, 1)
      }),
    180_000,
  )
})

it.live(
  "keys are made, and checked as the server does",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const made = yield* ServerProcess.run("key", {}, "make", "--to", directory)
      const [privateKey, publicKey] = ["network-private.pem", "network.pem"].map((file) => join(directory, file))
      assert.strictEqual(made.out, `BITGO_PRIVATE_KEY_FILE=${privateKey}\nBITGO_PUBLIC_KEY_FILE=${publicKey}\n`)
      assert.strictEqual(statSync(privateKey ?? "").mode & 0o777, 0o600)
      const checked = yield* ServerProcess.run("key", {}, "check", publicKey ?? "", "--json")
      const [key] = JSON.parse(checked.out)
      assert.deepStrictEqual([key.kid, key.bits, key.sha256.length], ["network", 2048, 64])
      const again = yield* ServerProcess.run("key", {}, "make", "--to", directory)
      assert.deepStrictEqual([again.code, again.out], [2, ""])
      assert.strictEqual(
        again.err,
        `Cannot make a key: ${privateKey} is there already, and is not written over. Name a new file, or take that one away first.\n`,
      )
      const secret = yield* ServerProcess.run("key", {}, "check", privateKey ?? "")
      assert.deepStrictEqual([secret.code, secret.out], [1, ""])
      assert.match(secret.err, /^Cannot use the key: Expected an RSA public key of 2048 bits or more/)
      const token = join(directory, "token")
      yield* ServerProcess.run("token", {}, "operator", "--to", token)
      assert.match(readFileSync(token, "utf8"), /^[\w-]{43}\n$/)
      assert.strictEqual(statSync(token).mode & 0o777, 0o600)
    }).pipe(Effect.scoped),
  180_000,
)

it.live(
  "a day: a token, an account, its transfers and balances; heads kept, books written, read elsewhere and here again",
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const [data, books, headsFile] = ["data", "books.jsonl", "heads.jsonl"].map((name) => join(directory, name))
      if (!data || !books || !headsFile) return yield* Effect.die("There are three.")
      const server = yield* ServerProcess.start({ DATA_DIR: data })
      const environment = { DATA_DIR: data, HOLDFAST_URL: server.url }
      assert.include(server.output(), `\n  console           ${server.url}/console\n`)
      assert.include(
        server.output(),
        `  try it with       HOLDFAST_URL=${server.url} DATA_DIR=${data} npm run simulate\n`,
      )
      const holdfast = Effect.fnUntraced(function* (verb: string, ...words: ReadonlyArray<string>) {
        const { code, out, err } = yield* ServerProcess.run(verb, environment, ...words)
        assert.strictEqual(code, 0, `${verb} ${words.join(" ")}: ${out}${err}`)
        return out
      })
      const json = (verb: string, ...words: ReadonlyArray<string>) =>
        Effect.map(holdfast(verb, ...words, "--json"), (out) => JSON.parse(out))

      assert.match(yield* holdfast("token", "issue", "--account", "account-7", "--client", "client-3"), /^[\w-]{43}\n$/)
      const issued = yield* json("token", "issue", "--account", "account-8")
      const revoked = yield* json("token", "revoke", issued.tokenId)
      assert.isString(revoked.revokedAt)
      const tokens = yield* json("token", "list", "--limit", "2")
      assert.deepStrictEqual(
        tokens.map((token: typeof issued) => [
          token.partnersConnectionId,
          "revokedAt" in token,
          "connectionToken" in token,
        ]),
        [
          ["account-8", true, false],
          ["account-7", false, false],
        ],
      )
      // What would turn the order of a line, start a sequence of a terminal, or end the line.
      yield* holdfast("token", "issue", "--account", "account\u202e9", "--client", "client\u009b\u007f3")
      const named = yield* holdfast("token", "list", "--limit", "1")
      assert.include(named, " account\\u202e9  client\\u009b\\u007f3 ")

      // The network and its clients have their day.
      yield* holdfast("simulate")
      const all = yield* json("transfers", "--limit", "1000")
      assert.isAbove(all.length, 50)
      const rejected = yield* json("transfers", "--kind", "deallocation", "--state", "REJECTED", "--oldest")
      assert.isNotEmpty(rejected)
      assert.deepStrictEqual(
        rejected.map(({ createdAt }: { createdAt: string }) => createdAt),
        rejected.map(({ createdAt }: { createdAt: string }) => createdAt).toSorted(),
      )
      assert.deepStrictEqual(yield* json("transfers", "--state", "RESERVED", "--older-than", "3600"), [])
      const big = String(2n ** 256n - 1n)
      assert.include(yield* holdfast("balances"), ` ${big} `)
      assert.include(JSON.stringify(yield* json("balances")), `"${big}"`)
      const [one] = rejected
      const shown = yield* json("transfers", one.deallocationId)
      assert.strictEqual(shown.journal.at(-1).event, "REJECTED")
      assert.include(yield* holdfast("transfers", one.deallocationId), one.rejectionReason)
      const connection = yield* json("connections", one.connectionId)
      assert.isNotEmpty(connection.balances)
      const unknown = yield* ServerProcess.run("transfers", environment, connection.clientId)
      assert.deepStrictEqual(
        [unknown.code, unknown.err],
        [1, `Cannot show the transfer: There is no transfer ${connection.clientId}.\n`],
      )
      assert.strictEqual(
        (yield* json("transfers", one.deallocationId, "--kind", "deallocation")).deallocationId,
        one.deallocationId,
      )
      const lock = yield* ServerProcess.run("transfers", environment, one.deallocationId, "--kind", "lock")
      assert.deepStrictEqual(
        [lock.code, lock.out, lock.err],
        [1, "", `Cannot show the transfer: There is no lock ${one.deallocationId}.\n`],
      )
      const nobody = yield* ServerProcess.run("connections", environment, connection.clientId)
      assert.deepStrictEqual(
        [nobody.code, nobody.err],
        [1, `Cannot show the connection: There is no connection ${connection.clientId}.\n`],
      )
      // What is wrong is called as it was given.
      for (const [verb, words, err] of [
        ["transfers", ["--older-than", "soon"], /^Cannot list transfers: .*--older-than: Expected/],
        ["transfers", ["--connection", "x"], /^Cannot list transfers: .*--connection: Expected/],
        ["transfers", ["x"], /^Cannot show the transfer: .*\bid: Expected/],
        ["connections", ["x"], /^Cannot show the connection: .*\bid: Expected/],
        ["token", ["issue", "--account", "a", "--expires-in", "99999999"], /--expires-in: Expected/],
      ] as const) {
        const refused = yield* ServerProcess.run(verb, environment, ...words)
        assert.strictEqual(refused.code, 2)
        assert.match(refused.err, err)
      }
      const stranger = yield* ServerProcess.run("balances", { ...environment, OPERATOR_TOKEN: "x".repeat(20) })
      assert.strictEqual(stranger.code, 2)
      assert.match(stranger.err, /^Cannot show balances: OPERATOR_TOKEN: .* does not take this token/)
      assert.match(stranger.err, /OPERATORS_FILE: a server that has any of these does not know the one in DATA_DIR/)

      const heads = yield* holdfast("heads")
      writeFileSync(headsFile, heads)
      assert.include(yield* holdfast("audit", "--against", headsFile), "no difference")
      assert.include(yield* holdfast("audit", "--against", "/dev/null"), "no difference")
      // Where whoever reads has enough after a line, or takes none; and heads that come through a pipe.
      const command = [ServerProcess.node, ...ServerProcess.holdfast].join(" ")
      const inShell = (script: string) =>
        spawnSync("bash", ["--norc", "-c", script], {
          cwd: ServerProcess.root,
          env: { PATH: process.env["PATH"] ?? "", ...environment },
          encoding: "utf8",
        })
      for (const verb of ["heads", "export"]) {
        const cut = inShell(`${command} ${verb} | exec true; echo \${PIPESTATUS[0]}`)
        assert.deepStrictEqual([cut.stdout, cut.stderr], ["0\n", ""], verb)
      }
      const piped = inShell(`cat '${headsFile}' | ${command} audit --against /dev/stdin`)
      assert.deepStrictEqual([piped.status, piped.stderr], [0, ""])
      assert.include(piped.stdout, "no difference")
      yield* holdfast("export", "--to", books)
      assert.strictEqual(statSync(books).mode & 0o777, 0o600)
      const timeless = (text: string) => text.replace(/^.*\n/, "").replace(/"sha256":"\w+"}}\n$/, "")
      const exported = timeless(readFileSync(books, "utf8"))
      assert.strictEqual(timeless(yield* holdfast("export")), exported)
      const full = yield* ServerProcess.run("import", environment, books)
      assert.strictEqual(full.code, 1)
      assert.match(full.err, /^Cannot import: .* is in use by process/)

      // To a PostgreSQL of one's own, and from there to an embedded one.
      const { url } = yield* TestDatabase.make
      const imported = yield* ServerProcess.run("import", { DATABASE_URL: url }, books)
      assert.match(imported.out, /^Imported and replayed \d+ journal entries of \d+ accounts: no difference\.\n$/)
      const back = yield* ServerProcess.run("export", { DATABASE_URL: url })
      assert.strictEqual(timeless(back.out), exported)
      const elsewhere = { DATA_DIR: join(directory, "elsewhere") }
      const last = join(directory, "back.jsonl")
      writeFileSync(last, back.out)
      assert.strictEqual((yield* ServerProcess.run("import", elsewhere, last)).code, 0)
      assert.strictEqual((yield* ServerProcess.run("audit", elsewhere, "--against", headsFile)).code, 0)
      const again = yield* ServerProcess.run("import", elsewhere, last)
      assert.deepStrictEqual([again.code, again.out], [1, ""])
      assert.match(again.err, /^Cannot import: There are rows in holdfast\.connections\./)

      const cut = join(directory, "cut.jsonl")
      writeFileSync(cut, back.out.slice(0, -30))
      const torn = yield* ServerProcess.run("import", { DATA_DIR: join(directory, "torn") }, cut)
      assert.deepStrictEqual([torn.code, torn.out], [1, ""])
      assert.match(torn.err, /^Cannot import: Line \d+: /)

      // A head that never was.
      writeFileSync(headsFile, heads.replace(/"hash":"[0-9a-f]{64}"/, `"hash":"${"0".repeat(64)}"`))
      const differing = yield* ServerProcess.run("audit", environment, "--against", headsFile, "--json")
      assert.strictEqual(differing.code, 1)
      assert.match(JSON.parse(differing.out).findings[0].field, /^the hash of entry \d+$/)
      writeFileSync(headsFile, "nonsense\n")
      const nonsense = yield* ServerProcess.run("audit", environment, "--against", headsFile)
      assert.deepStrictEqual([nonsense.code, nonsense.out], [2, ""])
    }).pipe(Effect.scoped),
  600_000,
)
