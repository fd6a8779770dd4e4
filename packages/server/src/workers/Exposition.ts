/** Prometheus' text format, as far as sums of it are made. */

/** What is one thing of several processes is not added up: of the worst of them, or of any. */
const together = (name: string): ((a: number, b: number) => number) => {
  if (/_up$/.test(name)) return Math.min
  const isOne = /_(info|ratio)$|^nodejs_eventloop_|^holdfast_(feed_lag|reserved)_|^process_start_time_/.test(name)
  return isOne ? Math.max : (a, b) => a + b
}

interface Family {
  readonly comments: Set<string>
  readonly samples: Map<string, number>
}

/** The lines of each metric, by its name. */
const read = (text: string, families: Map<string, Family>, isKept: (type: string) => boolean): void => {
  let name = ""
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]))
  for (const line of text.split("\n")) {
    if (line === "") continue
    const isComment = line.startsWith("# ")
    if (isComment) name = line.split(" ", 3)[2] ?? ""
    if (!isKept(types.get(name) ?? "")) continue
    const family: Family = families.get(name) ?? { comments: new Set(), samples: new Map() }
    families.set(name, family)
    if (isComment) family.comments.add(line)
    else {
      const end = line.lastIndexOf(" ")
      const sample = line.slice(0, end)
      const value = Number(line.slice(end + 1))
      const before = family.samples.get(sample)
      family.samples.set(sample, before === undefined ? value : together(name)(before, value))
    }
  }
}

/** The sums of several texts. Of processes that have ended, what they counted still counts; what they were is no more. */
export const sum = (living: ReadonlyArray<string>, ended: ReadonlyArray<string> = []): string => {
  const families = new Map<string, Family>()
  for (const text of living) read(text, families, () => true)
  for (const text of ended) read(text, families, (type) => type !== "gauge")
  const lines = [...families.values()].flatMap(({ comments, samples }) => [
    ...comments,
    ...Array.from(samples, ([sample, value]) => `${sample} ${value}`),
  ])
  return `${lines.join("\n")}\n`
}
