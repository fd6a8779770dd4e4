/**
 * The limits that a host need not say: those of the bundled server. Bytes of a body and
 * characters of a URL are of one request.
 *
 * ```ts
 * import { defaults } from "@holdfast/http/Limits"
 * import assert from "node:assert/strict"
 *
 * assert.equal(defaults.maxBodyBytes, 64 * 1024)
 * ```
 *
 * @category constants
 */
export const defaults = {
  maxRequestsPerSecond: 10_000,
  maxRefusalsPerMinute: 600,
  trustedProxies: [],
  maxUrlLength: 8_192,
  maxBodyBytes: 65_536,
} as const

/**
 * What a host said, and the defaults for the rest: what it said nothing of may also be `undefined`.
 *
 * @internal
 */
export const withDefaults = <Said extends object>(said: Said): Said & typeof defaults =>
  ({ ...defaults, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) }) as Said &
    typeof defaults
