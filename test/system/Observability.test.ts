/**
 * What a server tells of itself, and what ops/ makes of it: every metric is documented, every metric that is named
 * anywhere exists, and Prometheus' own tool has nothing to say. Debian's prometheus is needed for that; `CI_TOOLS=required`
 * insists on it.
 */
import { spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Path from "node:path"
import { json } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpClient from "../support/HttpClient.ts"
import * as ServerProcess from "../support/ServerProcess.ts"

const read = (file: string) => Fs.readFileSync(Path.join(ServerProcess.root, file), "utf8")

const guide = read("docs/observability.md")
const alerts = read("ops/alerts.yml")
const dashboard = JSON.parse(read("ops/dashboard.json"))

/** What has been asked of a server that has seen one of everything. */
const traffic = Effect.fnUntraced(function* (url: string, directory: string) {
  const ask = HttpClient.fromDirectory(url, directory)
  const connectionId = randomUUID()
  const identifiers = { clientId: randomUUID(), partnersConnectionId: "account-7", partnerClientId: "client-3" }
  const amount = { currency: "BTC", quantity: "5" }
  const reservation = (quantity: string) => ({
    deallocationId: randomUUID(),
    amount: { ...amount, quantity },
    connectionId,
    ...identifiers,
  })
  const [first, second] = [reservation("2"), reservation("9")]
  return yield* Effect.promise(async () => {
    await ask("PUT", `/operator/v1/connections/${connectionId}`, identifiers)
    await ask("PUT", `/operator/v1/adjustments/${randomUUID()}`, { connectionId, direction: "credit", amount })
    for (const body of [first, first, second]) await ask("POST", "/bitgo/v1/deallocations", body)
    return first.deallocationId
  })
})

const linesOf = (output: string): ReadonlyArray<Record<string, unknown>> =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))

const isInstalled = spawnSync("promtool", ["--version"]).error === undefined

const promtool = (args: ReadonlyArray<string>, input = "") => {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" })
  assert.strictEqual(status, 0, `${stdout}${stderr}`)
}

/** What is tried only where Prometheus' tool is. */
const tried = (metrics: string) => {
  if (!isInstalled) return
  promtool(["check", "metrics"], metrics)
  promtool(["check", "rules", Path.join(ServerProcess.root, "ops/alerts.yml")])
}

const title = "has nothing to say about metrics and rules"

if (!isInstalled) {
  it(`promtool is not installed here: that it ${title}, was not tried`, () => {
    process.stderr.write("promtool is not installed: test/system/Observability.test.ts tried less.\n")
    assert.notStrictEqual(process.env["CI_TOOLS"], "required", "promtool is required, and is not installed")
  })
}

it.live(
  `a server's metrics are those that are documented, ops/ names no other${isInstalled ? `, and promtool ${title}` : ""}; each signal has a line`,
  () =>
    Effect.gen(function* () {
      const directory = yield* ServerProcess.temporaryDirectory
      const server = yield* ServerProcess.start({ DATA_DIR: directory })
      yield* traffic(server.url, directory)
      const metrics = yield* Effect.promise(async () => (await fetch(`${server.url}/metrics`)).text())
      tried(metrics)

      const families = new Map(
        Array.from(metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = "", type = ""]) => [name, type]),
      )
      for (const name of families.keys()) assert.match(metrics, new RegExp(`^# HELP ${name} \\S`, "m"))
      const documented = Array.from(guide.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]*)\|/gm))
      assert.deepStrictEqual(
        documented.map(([, name, type]) => `${name} ${type}`).toSorted(),
        Array.from(families, ([name, type]) => `${name} ${type}`).toSorted(),
      )
      for (const [, name, , labels = ""] of documented) {
        const [, shown = ""] = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, "m").exec(metrics) ?? []
        assert.deepStrictEqual(
          Array.from(shown.matchAll(/(\w+)="/g), ([, label]) => label).toSorted(),
          Array.from(labels.matchAll(/`(\w+)`/g), ([, label]) => label).toSorted(),
          name,
        )
      }

      const known = (name: string) => {
        const histogram = /^(\w+)_(bucket|sum|count)$/.exec(name)?.[1] ?? ""
        return families.has(name) || families.get(histogram) === "histogram"
      }
      for (const [file, least] of [
        ["ops/alerts.yml", 14],
        ["ops/dashboard.json", 30],
      ] as const) {
        const named = Array.from(read(file).matchAll(/\b(?:holdfast|nodejs|process)_[a-z0-9_]+/g), ([name]) => name)
        assert.isAtLeast(new Set(named).size, least)
        assert.deepStrictEqual(
          named.filter((name) => !known(name)),
          [],
          file,
        )
      }

      const value = (sample: string) =>
        Number(
          metrics
            .split("\n")
            .find((line) => line.startsWith(`${sample} `))
            ?.split(" ")
            .at(-1),
        )
      assert.strictEqual(value("holdfast_database_up"), 1)
      assert.strictEqual(value("holdfast_writer_up"), 1)
      assert.strictEqual(value('holdfast_reserved_transfers{kind="deallocation",currency="BTC"}'), 1)
      assert.strictEqual(value('holdfast_reserved_base_units{kind="deallocation",currency="BTC"}'), 2)
      assert.isAbove(value('holdfast_reserved_oldest_age_seconds{kind="deallocation"}'), 0)
      assert.strictEqual(value('holdfast_replays_total{kind="deallocation"}'), 1)

      assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)
      const lines = linesOf(server.output())
      const fields = new Set(
        [...guide.matchAll(/^\| (`[a-z_.`, ]+`) \|/gm)].flatMap(([, cell = ""]) => cell.match(/[a-z_.]+/g) ?? []),
      )
      for (const line of lines) {
        assert.isString(line["message"])
        for (const [field, value] of Object.entries(line)) {
          assert.notTypeOf(value, "object", field)
          assert.ok(fields.has(field) || /^(process|service)\.|^url\.full$/.test(field), field)
        }
      }
      const told = lines.map(({ message }) => String(message)).filter((message) => message.includes("server "))
      assert.deepStrictEqual(told, [
        "The server starts.",
        "The server serves.",
        "SIGTERM: the server stops.",
        "The server has stopped.",
      ])
    }).pipe(Effect.scoped),
  180_000,
)

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: Readonly<Record<string, unknown>> }>
}

it.live(
  "a request's span holds its queueing, its batch and its commit, below the caller's; nobody who is not followed is sent",
  () =>
    Effect.gen(function* () {
      const spans: Array<Span> = []
      let sent = ""
      const collector = yield* Effect.acquireRelease(
        Effect.sync(() =>
          createServer(async (request, response) => {
            const body = (await json(request)) as {
              readonly resourceSpans: ReadonlyArray<{
                readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<Span> }>
              }>
            }
            sent += JSON.stringify(body)
            spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
            response.end("{}")
          }).listen(0, "127.0.0.1"),
        ),
        (collector) => Effect.sync(() => collector.close()),
      )
      yield* Effect.promise(() => new Promise((listening) => collector.once("listening", listening)))
      const { port } = collector.address() as AddressInfo
      const directory = yield* ServerProcess.temporaryDirectory
      const server = yield* ServerProcess.start({
        DATA_DIR: directory,
        OTEL_TRACES_EXPORTER: "otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
        OTEL_BSP_SCHEDULE_DELAY: "100",
      })
      const deallocationId = yield* traffic(server.url, directory)
      const [traceId, callersSpan] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"]
      const token = Fs.readFileSync(Path.join(directory, "operator-token"), "utf8").trim()
      yield* Effect.promise(async () => {
        await fetch(`${server.url}/metrics`)
        const headers = { authorization: `Bearer ${token}`, traceparent: `00-${traceId}-${callersSpan}-01` }
        await fetch(`${server.url}/operator/v1/deallocations/${deallocationId}`, {
          headers,
        })
      })
      // What was not sent yet is sent before it ends, and what was not logged is logged.
      assert.strictEqual(yield* Effect.promise(() => server.end("SIGTERM")), 0)

      const ofCaller = spans.filter((span) => span.traceId === traceId)
      const read = ofCaller.find(({ kind }) => kind === 2)
      assert.strictEqual(read?.name, "GET /operator/v1/deallocations/:deallocationId")
      assert.strictEqual(read?.parentSpanId, callersSpan)
      assert.isAbove(ofCaller.length, 1)

      const reserve = spans.find(({ name }) => name === "POST /bitgo/v1/deallocations") ?? assert.fail("no span")
      const attributes = Object.fromEntries(reserve.attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
      assert.deepInclude(attributes, { "holdfast.deallocation.id": deallocationId, "holdfast.outcome": "Reserved" })
      const below = (parent: Span, name: string) =>
        spans.find((span) => span.parentSpanId === parent.spanId && span.name === name) ?? assert.fail(name)
      const [queue, batch] = [below(reserve, "holdfast.queue"), below(reserve, "holdfast.batch")]
      const commit = below(batch, "holdfast.commit")
      // The clock of the span itself and the one of its parts may differ by less than this.
      const slack = 5_000_000n
      const times = [
        reserve.startTimeUnixNano,
        queue.startTimeUnixNano,
        batch.startTimeUnixNano,
        commit.startTimeUnixNano,
      ]
      const ends = [commit.endTimeUnixNano, batch.endTimeUnixNano, reserve.endTimeUnixNano]
      const order = [...times, ...ends].map(BigInt)
      for (const [index, time] of order.entries())
        assert.isTrue(index === 0 || time + slack >= (order[index - 1] ?? 0n))
      assert.strictEqual(queue.endTimeUnixNano, batch.startTimeUnixNano)

      const served = spans.filter(({ kind }) => kind === 2).map(({ name }) => name)
      assert.deepStrictEqual(
        served.filter((name) => !/ \/(bitgo|operator)\/v1\//.test(name)),
        [],
      )
      assert.notInclude(sent, token)
      assert.notInclude(sent.toLowerCase(), "x-bitgo-signature")
      const line = linesOf(server.output()).find((line) => line["trace_id"] === traceId)
      assert.strictEqual(line?.["span_id"], read?.spanId)
    }).pipe(Effect.scoped),
  180_000,
)

describe("ops/", () => {
  it("the guide says of each alert what to do", () => {
    const named = Array.from(alerts.matchAll(/^ {6}- alert: (\w+)$/gm), ([, name]) => name)
    assert.deepStrictEqual(
      Array.from(guide.matchAll(/^\| `(Holdfast\w+)` \|/gm), ([, name]) => name),
      named,
    )
    for (const field of ["expr", "labels", "summary", "action"]) {
      assert.lengthOf(alerts.match(new RegExp(`^ +${field}: \\S`, "gm")) ?? [], named.length)
    }
  })

  it("the dashboard asks whatever data source is chosen", () => {
    const [source] = dashboard.templating.list
    assert.deepInclude(source, { name: "datasource", type: "datasource", query: "prometheus" })
    const panels: ReadonlyArray<Record<string, unknown>> = dashboard.panels
    for (const { type, datasource, targets } of panels) {
      if (type === "row") continue
      for (const one of [{ datasource }, ...(targets as ReadonlyArray<{ readonly datasource: unknown }>)]) {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's variable.
        assert.deepStrictEqual(one.datasource, { type: "prometheus", uid: "${datasource}" })
      }
    }
    assert.strictEqual(new Set(panels.map(({ id }) => id)).size, panels.length)
  })

  it("the image is of files that there are, runs as nobody's root and asks whether it is ready", () => {
    const stages = read("ops/Dockerfile")
      .replace(/\\\n/g, " ")
      .split(/^FROM /m)
    assert.lengthOf(stages, 3)
    const last = stages.at(-1) ?? ""
    const user = /^USER (\S+)$/m.exec(last)?.[1]
    assert.notInclude([undefined, "root", "0"], user)
    assert.match(last, /^HEALTHCHECK .*\/health\/ready/m)
    const copied = stages.flatMap((stage) =>
      Array.from(stage.matchAll(/^COPY (?!--from)(.+) \S+$/gm), ([, sources = ""]) => sources.split(" ")).flat(),
    )
    assert.isAbove(copied.length, 3)
    for (const source of copied) assert.ok(Fs.existsSync(Path.join(ServerProcess.root, source)), source)
    const entry = /"packages\/server\/dist\/(\w+)\.js"\]\s*$/.exec(last)?.[1]
    assert.ok(Fs.existsSync(Path.join(ServerProcess.root, `packages/server/src/${entry}.ts`)))
    assert.notMatch(last, /TOKEN|PRIVATE|PASSWORD|DATABASE_URL=/)
  })

  const analyze = spawnSync("systemd-analyze", ["--version"]).error === undefined
  it(`the unit is ${analyze ? "understood by systemd, and " : ""}closed`, () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const unit = read("ops/holdfast.service")
          for (const setting of [
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "CapabilityBoundingSet=",
            "User=holdfast",
          ]) {
            assert.include(unit.split("\n"), setting)
          }
          const [, entry = ""] = /^ExecStart=\S+ .*node_modules\/@holdfast\/server\/dist\/(\w+)\.js$/m.exec(unit) ?? []
          assert.ok(Fs.existsSync(Path.join(ServerProcess.root, `packages/server/src/${entry}.ts`)))
          if (!analyze) return
          const directory = yield* ServerProcess.temporaryDirectory
          const file = Path.join(directory, "holdfast.service")
          Fs.writeFileSync(file, unit.replace("/usr/bin/node", process.execPath))
          const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" })
          assert.deepStrictEqual([status, stderr.split("\n").filter((line) => line.includes("holdfast"))], [0, []])
        }),
      ),
    ))
})
