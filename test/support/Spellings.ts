/**
 * Ways to write an address that are not the address: what a lenient router, a
 * proxy or a browser may take for it all the same.
 */

/** One in place of another: the first letter that has a capital, as a capital. */
const capital = (path: string) => path.replace(/[a-z]/, (letter) => letter.toUpperCase())

/** The first letter in hexadecimal. */
const encoded = (path: string) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`)

/** Misspellings of a path; some lead through `/bitgo/`, which a proxy lets pass. */
export const misspellings = (path: string): ReadonlyArray<string> => all(path).filter((spelling) => spelling !== path)

const all = (path: string) => [
  path.toUpperCase(),
  capital(path),
  encoded(path),
  `/${path}`,
  `//${path}`,
  path.replace(/(?<=.)\//, "//"),
  `${path}/`,
  `${path}//`,
  `${path}/.`,
  `${path}/x/..`,
  `${path};`,
  `${path};x=y`,
  `${path};/../bitgo/x`,
  `${path};/%2e%2e/bitgo/x`,
  `${path}/;/../../bitgo/x`,
  `${path}%3b/../bitgo/x`,
  `${path}%3Fx`,
  `${path}%23`,
  `${path}%00`,
  `${path}%20`,
  `${path}%2f`,
  `${path}\\`,
  `${path}#x`,
  `${path}#/../bitgo/x`,
  `${path}?#`,
  `/.${path}`,
  `/..${path}`,
  `/%2e${path}`,
  `/%2e%2e${path}`,
  `/x/..${path}`,
  `/bitgo/..${path}`,
  `/bitgo/.;/..${path}`,
  `/bitgo/..;${path}`,
  `/bitgo/%2e%2e${path}`,
  `/bitgo/%2E.${path}`,
  `/bitgo/..%2f${path.slice(1)}`,
  `/bitgo/x/../..${path}`,
  `/bitgo//..${path}`,
  `/bitgo/..\\${path.slice(1)}`,
  `\\${path.slice(1)}`,
  path.slice(1),
  `http://x${path}`,
  `HTTPS://x${path}`,
  `http://x/bitgo/..${path}`,
  `//x${path}`,
]
