#!/usr/bin/env node
/** The command `holdfast`: each verb is a module beside this one, which is run as if Node had been given it. */
import { extname, join } from "node:path"
import { pathToFileURL } from "node:url"

const verbs = new Map([
  ["serve", { module: "main", does: "runs the server until it is told to end (SIGTERM)" }],
  ["migrate", { module: "migrate", does: "brings the tables of the database up to date" }],
  ["audit", { module: "audit", does: "replays the journal, and names every difference" }],
  ["simulate", { module: "simulate", does: "plays the network against a running server" }],
  ["sign", { module: "sign", does: "prints a signature for one call, made with the development key" }],
])

const usage = `Usage: holdfast <verb>

${Array.from(verbs, ([verb, { does }]) => `  ${verb.padEnd(10)}${does}\n`).join("")}
The environment has the settings: https://github.com/holdfast/holdfast#configuration
`

const [, , verb = ""] = process.argv
const chosen = verbs.get(verb)
if (chosen !== undefined) {
  const path = join(import.meta.dirname, chosen.module + extname(import.meta.filename))
  // Its arguments, and what is run again for each of several workers.
  process.argv.splice(1, 2, path)
  await import(pathToFileURL(path).href)
} else if (verb === "--help" || verb === "-h") {
  process.stdout.write(usage)
} else {
  process.stderr.write(verb === "" ? usage : `There is no verb "${verb}".\n\n${usage}`)
  process.exitCode = 2
}
