/**
 * The nginx block of docs/running.md in front of a server: what it keeps inside stays inside,
 * however it is written. Debian's nginx is needed; `CI_TOOLS=required` insists on it.
 */
import { spawn, spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import { text } from "node:stream/consumers"
import { assert, it } from "@effect/vitest"
import * as Routes from "@holdfast/http/Routes"
import { Effect } from "effect"
import * as TestServer from "../http/TestServer.ts"
import * as ServerProcess from "../support/ServerProcess.ts"
import * as Signing from "../support/Signing.ts"
import { misspellings } from "../support/Spellings.ts"

/** Where Debian has it too, which an ordinary user's PATH leaves out. */
const PATH = `${process.env["PATH"]}:/usr/sbin`
const isInstalled = spawnSync("nginx", ["-v"], { env: { PATH } }).error === undefined

/** The block as it stands, but for TLS and the two ports: certificates are not what is tried here. */
const blockOf = (guide: string, port: number, upstream: number) => {
  const [, block = ""] = /^```nginx\n(.*?)^```$/ms.exec(guide) ?? []
  const swaps: ReadonlyArray<readonly [line: RegExp, swapped: string]> = [
    [/listen 443 ssl;/, `listen 127.0.0.1:${port};`],
    [/ssl_certificate .*;/, ""],
    [/ssl_certificate_key .*;/, ""],
    [/http:\/\/127\.0\.0\.1:3000/, `http://127.0.0.1:${upstream}`],
  ]
  return swaps.reduce((block, [line, swapped]) => {
    assert.match(block, line)
    return block.replace(line, swapped)
  }, block)
}

/** An nginx in the foreground with one server block, all of its files in a directory that is gone with the scope. */
const serve = Effect.fnUntraced(function* (block: string, port: number) {
  const directory = yield* ServerProcess.temporaryDirectory
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`)
  const configuration = `
    daemon off; master_process off; pid nginx.pid; error_log stderr;
    events {}
    http { access_log off; ${temporary.join(" ")} ${block} }`
  Fs.writeFileSync(Path.join(directory, "nginx.conf"), configuration)
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn("nginx", ["-p", directory, "-c", "nginx.conf", "-e", "stderr"], { env: { PATH } })),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGTERM")
      }),
  )
  let said = ""
  child.stderr.on("data", (chunk) => (said += String(chunk)))
  yield* Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}/`)).pipe(
    Effect.eventually,
    Effect.raceFirst(
      Effect.callback<never, Error>((resume) => {
        child.once("exit", () => resume(Effect.fail(new Error(`nginx ended: ${said}`))))
      }),
    ),
  )
})

const title = "keeps all but the network's calls inside, in every spelling"

if (isInstalled) {
  it.live(
    `the nginx block of docs/running.md ${title}`,
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const port = yield* ServerProcess.freePort
        const guide = Fs.readFileSync(Path.join(ServerProcess.root, "docs/running.md"), "utf8")
        yield* serve(blockOf(guide, port, server.port), port)

        const through = (method: string, target: string, headers: string, body = "") =>
          Effect.promise(() => {
            const socket = Net.connect(port, "127.0.0.1")
            const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`
            socket.write(
              `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${length}${headers}\r\n${body}`,
            )
            return text(socket)
          })
        const signed = Effect.map(
          Effect.promise(() => Signing.token()),
          (token) => `X-BitGo-Signature: ${token}\r\nContent-Type: application/json\r\n`,
        )

        const terms = yield* TestServer.funded("5")
        const reserved = yield* through("POST", "/bitgo/v1/deallocations", yield* signed, JSON.stringify(terms))
        assert.match(reserved, /^HTTP\/1\.1 200 /)
        const cleared = yield* through("PUT", `/bitgo/v1/deallocation/${terms.deallocationId}/clear`, yield* signed)
        assert.match(cleared, /^HTTP\/1\.1 200 /)

        const inside = Routes.all.filter(({ pattern }) => !pattern.startsWith("/bitgo/"))
        assert.isAbove(inside.length, 7)
        const operator = `Authorization: Bearer ${TestServer.operatorToken}\r\n`
        for (const { pattern, methods } of inside) {
          const path = pattern.replace(/:\w+/, () =>
            pattern.includes("connections") ? terms.connectionId : randomUUID(),
          )
          for (const target of [path, `${path}?x`, ...misspellings(path)]) {
            const answer = yield* through(methods[0] ?? "", target, operator)
            assert.match(answer, /^HTTP\/1\.1 (400|404|405) /, target)
            assert.notMatch(answer, /(deallocation|connection)-not-found/, target)
          }
        }
      }).pipe(Effect.provide(TestServer.layer()), Effect.scoped),
    180_000,
  )
} else {
  it(`nginx is not installed here: that the block of docs/running.md ${title}, was not tried`, () => {
    process.stderr.write("nginx is not installed: test/system/Nginx.test.ts tried nothing.\n")
    assert.notStrictEqual(process.env["CI_TOOLS"], "required", "nginx is required, and is not installed")
  })
}
