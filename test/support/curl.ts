/** As much of `curl` as the README uses, for machines without it. */
import { parseArgs } from "node:util"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: "boolean", short: "s" },
    request: { type: "string", short: "X", default: "GET" },
    header: { type: "string", short: "H", multiple: true, default: [] },
    data: { type: "string", short: "d" },
  },
})
const headers = values.header.map((header) => /^([^:]+):\s*(.*)$/s.exec(header)?.slice(1) as [string, string])
const init = { method: values.request, headers, ...(values.data === undefined ? {} : { body: values.data }) }
const response = await fetch(positionals[0] ?? "", init)
process.stdout.write(await response.text())
