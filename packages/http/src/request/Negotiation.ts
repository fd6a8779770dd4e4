/** What a caller takes of what there is, and has already. (RFC 9110, 12.5.3 and 13.1.2.) */

/** What a text may be compressed with, the best first. */
const compressions = ["br", "gzip"] as const

/** How a text may be encoded. */
export type Coding = (typeof compressions)[number] | "identity"

/** The best of those there are that a caller takes. Whoever takes none of them gets the text as it is. */
export const codingFor = (accepted = "", isThere = (_: Coding) => true): Coding => {
  const taken = new Map(
    accepted.split(",").map((item) => {
      const [coding = "", weight = ""] = item.toLowerCase().split(";", 2)
      return [coding.trim(), !/^\s*q=0(\.0*)?\s*$/.test(weight)] as const
    }),
  )
  return compressions.find((coding) => isThere(coding) && (taken.get(coding) ?? taken.get("*"))) ?? "identity"
}

/** Whether what a caller says it has, in `If-None-Match`, is what has this tag. */
export const isKnown = (known = "", etag: string): boolean =>
  known.split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")))
