/** Compression. (The web standard's has no Brotli.) */
import { promisify } from "node:util"
import * as Zlib from "node:zlib"

/** Brotli's best takes 4 s for a large page, and saves a sixth. */
export const brotli = (bytes: Uint8Array): Promise<Uint8Array> =>
  promisify(Zlib.brotliCompress)(bytes, { params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 5 } })

export const gzip = (bytes: Uint8Array): Promise<Uint8Array> => promisify(Zlib.gzip)(bytes)
