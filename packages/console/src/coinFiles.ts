/** The decimals of coins are in so many files, of which a page loads those that have what it shows. */
export const count = 64

/** The file that has a code, in whichever case. */
export const fileOf = (code: string): number => {
  let hash = 0
  for (const unit of code.toLowerCase()) hash = (hash * 31 + (unit.codePointAt(0) ?? 0)) % 65_521
  return hash % count
}
