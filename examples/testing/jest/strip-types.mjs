/** Node takes the types out; jest needs nothing more to read TypeScript. */
import { stripTypeScriptTypes } from "node:module"

export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) }
