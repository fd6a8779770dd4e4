/** Prometheus' text format, as far as sums of it are made. */

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
      family.samples.set(sample, (family.samples.get(sample) ?? 0) + Number(line.slice(end + 1)))
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
