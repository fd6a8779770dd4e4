/** A dangerous change of one place, and the tests that should notice it. */
export interface Mutant {
  readonly file: string
  /** What goes wrong, in words. */
  readonly what: string
  /** What stands there, once in the file, and what stands there then. */
  readonly find: string
  readonly replace: string
  /** The tests that run, as vitest finds them. */
  readonly tests: ReadonlyArray<string>
}

/** The mutants of one file, each noticed by the file's tests or by its own. */
export const of = (
  file: string,
  tests: ReadonlyArray<string>,
  changes: Readonly<Record<string, readonly [find: string, replace: string, ...tests: ReadonlyArray<string>]>>,
): ReadonlyArray<Mutant> =>
  Object.entries(changes).map(([what, [find, replace, ...own]]) => ({
    file: `packages/${file}`,
    what,
    find,
    replace,
    tests: (own.length > 0 ? own : tests).map((test) => `test/${test}.test.ts`),
  }))

export const nameOf = ({ file, what }: Mutant): string => `${file}: ${what}`

/** The text of the file with the change. Throws where that is not in one place. */
export const mutated = ({ find, replace, ...mutant }: Mutant, text: string): string => {
  const [before, after, ...others] = text.split(find)
  if (before === undefined || after === undefined || others.length > 0) {
    throw new Error(`${nameOf({ find, replace, ...mutant })}: the text to replace is not there, or not once.`)
  }
  return before + replace + after
}
